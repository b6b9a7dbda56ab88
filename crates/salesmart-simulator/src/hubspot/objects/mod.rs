//! The kinds of objects, one a file: their properties, histories and associations.

mod activities;
mod companies;
mod contacts;
mod contracts;
mod deals;
mod goals;
mod leads;
mod lines;
mod notes;
mod products;

use super::ids::Kind;
use super::table::Table;
use activities::Activities;

/// Where leads and deals come from, as the portal's people call it.
const SOURCES: &[&str] = &["Web", "Referral", "Trade show", "Outbound", "Partner"];

static CALLS: Activities = Activities(Kind::Calls);
static EMAILS: Activities = Activities(Kind::Emails);
static MEETINGS: Activities = Activities(Kind::Meetings);
static TASKS: Activities = Activities(Kind::Tasks);

/// The table of a kind.
pub(super) fn table(kind: Kind) -> &'static dyn Table {
    match kind {
        Kind::Contacts => &contacts::Contacts,
        Kind::Companies => &companies::Companies,
        Kind::Deals => &deals::Deals,
        Kind::Leads => &leads::Leads,
        Kind::Products => &products::Products,
        Kind::LineItems => &lines::Lines,
        Kind::Calls => &CALLS,
        Kind::Emails => &EMAILS,
        Kind::Meetings => &MEETINGS,
        Kind::Tasks => &TASKS,
        Kind::Notes => &notes::Notes,
        Kind::GoalTargets => &goals::Goals,
        Kind::Contracts => &contracts::Contracts,
    }
}

/// HubSpot's own word for where somebody came from, which knows less than the portal's people.
fn analytics_source(source: &str) -> &'static str {
    match source {
        "Web" => "ORGANIC_SEARCH",
        "Referral" => "REFERRALS",
        _ => "OFFLINE",
    }
}

/// The option with a number, counted round and round.
fn pick(options: &'static [&'static str], number: u64) -> &'static str {
    let place = number % options.len() as u64;
    options[usize::try_from(place).expect("a place in a list")]
}
