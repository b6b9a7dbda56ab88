//! The ledger, asked for any pair of instants, says what replaying the simulator's events says.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use salesmart_simulator::world::{DealEvent, Opportunity};
use salesmart_tests::simulated::{Simulated, System};

use super::{company, night};

/// Stage, amount and planned close.
type State = [String; 3];

/// A deal as it stood at an instant, by what happened to it until then; `None`: not entered yet.
fn replayed(deal: &Opportunity, at: DateTime<Utc>) -> Option<State> {
    let mut state: Option<State> = None;
    let money = |amount: Option<salesmart_simulator::Cents>| {
        amount.map(|cents| cents.to_string()).unwrap_or_default()
    };
    for change in deal.history.iter().filter(|change| change.at <= at) {
        match (&change.what, &mut state) {
            (DealEvent::Created { stage, amount, close, .. }, state) => {
                *state = Some([stage.name().to_owned(), money(*amount), close.to_string()]);
            }
            (DealEvent::Stage { to, .. }, Some(state)) => state[0] = to.name().to_owned(),
            (DealEvent::Amount { to, .. }, Some(state)) => state[1] = money(*to),
            (DealEvent::Close { to, .. }, Some(state)) => state[2] = to.to_string(),
            _ => {}
        }
    }
    state
}

/// Whether a deal was ever in the bin or merged: when a system forgets those is another story.
fn was_ever_gone(deal: &Opportunity) -> bool {
    deal.history.iter().any(|change| {
        matches!(change.what, DealEvent::Deleted | DealEvent::Restored | DealEvent::Merged { .. })
    })
}

/// The number that a system's id was made from.
fn number(system: System, id: &str) -> u64 {
    let id = id.split_once(':').unwrap().1;
    match system {
        System::HubSpot => id.parse::<u64>().unwrap() - 301_000_000_000,
        System::Salesforce => id.as_bytes()[6..15].iter().fold(0, |number, byte| {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'A'..=b'Z' => byte - b'A' + 10,
                _ => byte - b'a' + 36,
            };
            number * 62 + u64::from(digit)
        }),
    }
}

/// What the ledger believed at `known` of how deals stood at `valid`, by the deal's number.
fn believed(simulated: &Simulated, valid: DateTime<Utc>, known: &str) -> BTreeMap<u64, State> {
    let valid = valid.to_rfc3339();
    let sql = format!(
        "select opportunity_id, stage_name, amount, close_date from forecast.ledger \
         where known_from <= timestamp '{known}' \
         and (known_to is null or known_to > timestamp '{known}') \
         and valid_from <= timestamp '{valid}' \
         and (valid_to is null or valid_to > timestamp '{valid}') and not is_deleted"
    );
    let rows = simulated.query(&sql);
    let count = rows.len();
    let states: BTreeMap<u64, State> = rows
        .into_iter()
        .map(|row| {
            let state = ["stage_name", "amount", "close_date"].map(|name| row[name].clone());
            (number(simulated.system, &row["opportunity_id"]), state)
        })
        .collect();
    assert_eq!(states.len(), count, "one version a deal and pair of instants");
    states
}

/// The end of a day.
fn end(day: NaiveDate) -> DateTime<Utc> {
    day.and_hms_opt(23, 59, 59).unwrap().and_utc()
}

fn agrees(system: System, seed: u64) {
    let simulated = company(system, seed);
    let mut nights = vec![night(&simulated)];
    for days in [1, 2, 4] {
        simulated.world.advance(days);
        nights.push(night(&simulated));
    }
    let world = simulated.world.read();
    let deals: Vec<Opportunity> = (0..world.deal_count()).map(|index| world.deal(index)).collect();
    let last = world.today();
    let mut compared = 0;
    for known in &nights {
        let known_at: DateTime<Utc> = known.parse().unwrap();
        // Two years back, the days around the nights, and days that had not come then.
        for back in [700, 400, 200, 90, 45, 20, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0] {
            let day = last - Days::new(back);
            let valid = end(day);
            let states = believed(&simulated, valid, known);
            for deal in deals.iter().filter(|deal| !was_ever_gone(deal)) {
                // Of days to come it believes that nothing changes.
                let true_state = replayed(deal, valid.min(known_at));
                let found = states.get(&deal.index);
                assert_eq!(
                    found,
                    true_state.as_ref(),
                    "{system:?}: deal {} at {valid}, known at {known}",
                    deal.index
                );
                compared += 1;
            }
        }
        // What was known before the first run.
        let before =
            (nights[0].parse::<DateTime<Utc>>().unwrap() - TimeDelta::seconds(1)).to_rfc3339();
        assert!(believed(&simulated, known_at, &before).is_empty());
    }
    assert!(compared > 5_000, "only {compared} states were compared");
    // What changed between two nights was believed otherwise before.
    let learnt =
        simulated.query("select count(*) as n from forecast.ledger where known_to is not null");
    assert_ne!(learnt[0]["n"], "0");
}

#[test]
fn salesforces_ledger_equals_a_replay_of_the_events() {
    agrees(System::Salesforce, 48);
}

#[test]
fn hubspots_ledger_equals_a_replay_of_the_events() {
    agrees(System::HubSpot, 49);
}
