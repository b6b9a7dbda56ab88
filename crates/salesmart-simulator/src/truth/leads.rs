//! What became of leads: created, contacted, qualified, converted, deal, won.

use std::collections::BTreeMap;

use crate::world::{Activity, ActivityKind, Lead, LeadEvent, LeadStatus, Nature, World};

use super::Grain;
use super::known::{Known, People};
use super::sheet::{Sheet, Whose, whose};
use super::story::Story;
use super::sums::Names;

const STEPS: [&str; 6] = ["created", "contacted", "qualified", "converted", "deal", "won"];

/// How far a lead came, and whether it is over before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    furthest: usize,
    is_lost: bool,
}

/// Leads by whose they were when they came in, the period they came in, and their source.
pub(super) fn sheet(
    world: &World,
    known: &Known,
    people: &People<'_>,
    stories: &[Story],
    names: &Names,
    first_month: u32,
) -> Sheet {
    let mut counts: BTreeMap<(Whose, &'static str, usize), [u64; 4]> = BTreeMap::new();
    for index in 0..world.lead_count() {
        let lead = world.lead(index);
        if lead.deleted_at.is_some() {
            continue;
        }
        let way = way(world, known, stories, &lead);
        let created = lead.created_at.date_naive();
        let holder = people.holder(first_owner(known, &lead), created);
        for (scope, name) in names.of(holder) {
            for grain in Grain::ALL {
                let about = (scope, name.to_owned(), grain, grain.start(created, first_month));
                for step in 0..STEPS.len() {
                    let key = (about.clone(), lead.source, step);
                    let [leads, previous, reached, lost] = counts.entry(key).or_default();
                    let (was, is) = (way.furthest + 1 >= step, way.furthest >= step);
                    *leads += 1;
                    *previous += u64::from(was);
                    *reached += u64::from(is);
                    *lost += u64::from(was && !is && way.is_lost);
                }
            }
        }
    }
    let mut sheet = Sheet::new(
        "lead_conversion",
        &["scope", "scope_name", "period_grain", "period_start", "source", "step"],
        &["n_leads", "n_previous", "n_reached", "n_lost"],
    );
    for ((about, source, step), counts) in counts {
        let mut key = whose(&about).to_vec();
        key.extend([source.to_owned(), STEPS[step].to_owned()]);
        sheet.put(key, counts.iter().map(u64::to_string).collect());
    }
    sheet
}

/// Who had it when it came in, as far as changes are on record.
fn first_owner(known: &Known, lead: &Lead) -> usize {
    let moves = recorded(known, lead).find_map(|what| match what {
        LeadEvent::Owner { from, .. } => Some(from),
        _ => None,
    });
    moves.unwrap_or(lead.owner)
}

/// What is on record of its history.
fn recorded(known: &Known, lead: &Lead) -> impl Iterator<Item = LeadEvent> {
    let since = known.owners_since;
    let changes = lead.history.iter();
    changes
        .filter(move |change| since.is_none_or(|since| change.at >= since))
        .map(|change| change.what)
}

fn way(world: &World, known: &Known, stories: &[Story], lead: &Lead) -> Way {
    let was = |status| {
        let told = recorded(known, lead).any(
            |what| matches!(what, LeadEvent::Status { from, to } if from == status || to == status),
        );
        told || lead.status == status
    };
    let deal = lead.converted_deal.and_then(|deal| {
        let story = stories.get(usize::try_from(deal).ok()?)?;
        (!story.is_gone).then_some(story.fact.stage.outcome())
    });
    let furthest = if deal == Some("won") {
        5
    } else if deal.is_some() {
        4
    } else if lead.converted_at.is_some() {
        3
    } else if known.qualifies_leads && was(LeadStatus::Qualified) {
        2
    } else {
        let activities = world.activities_of_lead(lead.index);
        let touched = activities.iter().any(|one| reaches(world, known, one));
        let said = was(LeadStatus::Working) || was(LeadStatus::Qualified);
        usize::from(touched || said)
    };
    let is_lost = deal == Some("lost") || deal.is_none() && lead.status == LeadStatus::Unqualified;
    Way { furthest, is_lost }
}

/// Whether somebody of ours reached out with it, for all that is told.
fn reaches(world: &World, known: &Known, activity: &Activity) -> bool {
    let ours = match activity.kind {
        ActivityKind::Call => true,
        ActivityKind::EmailOut => known.tells_directions && activity.nature != Nature::Bounce,
        ActivityKind::Meeting => activity.nature != Nature::Cancelled,
        ActivityKind::EmailIn | ActivityKind::Task => false,
    };
    ours && activity.at <= world.now() && activity.deleted_at.is_none()
}
