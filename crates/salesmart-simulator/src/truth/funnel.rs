//! The funnel: visits to stages, conversion from stage to stage, and what was lost where.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::calendar::first_of_month;
use crate::world::World;
use crate::{Fixed6, Stage};

use super::known::Holder;
use super::sheet::{Sheet, Whose, maybe, money, whose};
use super::story::{Story, Visit};
use super::sums::Names;
use super::tally::percentile;
use super::{Grain, Scope};

/// How many open stages there are; won comes after them.
const OPEN_STEPS: usize = 4;

/// The place of a stage in the order of open stages, from 1; won has reached them all.
fn reach(stage: Stage) -> Option<usize> {
    match stage {
        Stage::Prospecting => Some(1),
        Stage::Qualified => Some(2),
        Stage::Proposal => Some(3),
        Stage::Negotiation | Stage::ClosedWon => Some(OPEN_STEPS),
        Stage::ClosedLost => None,
    }
}

/// How a deal went on from one stage to another.
fn direction(from: Stage, to: Option<Stage>) -> &'static str {
    let place =
        |stage: Stage| if stage == Stage::ClosedWon { Some(OPEN_STEPS + 1) } else { reach(stage) };
    let Some(next) = to.filter(|next| *next != Stage::ClosedLost).and_then(place) else {
        return "";
    };
    match place(from).filter(|_| from.outcome() == "open") {
        None => "reopen",
        Some(now) if next < now => "back",
        Some(now) if next > now + 1 => "skip",
        Some(_) => "forward",
    }
}

/// Visits by whose they were, month of the entry, stage, and how the deal went on.
pub(super) fn visits(stories: &[Story], names: &Names) -> Sheet {
    let mut counts: BTreeMap<(Scope, String, NaiveDate, Stage, &str), [i128; 4]> = BTreeMap::new();
    for story in stories.iter().filter(|story| !story.is_gone) {
        for (place, visit) in story.visits.iter().enumerate() {
            let next = story.visits.get(place + 1).map(|next| next.stage);
            // Of a visit that goes on nobody knows how long it takes.
            let days = visit.left.map_or(0, |left| (left - visit.entered).num_days());
            for (scope, name) in names.of(visit.holder) {
                let month = first_of_month(visit.entered);
                let key =
                    (scope, name.to_owned(), month, visit.stage, direction(visit.stage, next));
                let [count, all_days, cents, unvalued] = counts.entry(key).or_default();
                *count += 1;
                *all_days += i128::from(days);
                match visit.amount {
                    Some(amount) => *cents += i128::from(amount.0),
                    None => *unvalued += 1,
                }
            }
        }
    }
    let mut sheet = Sheet::new(
        "stage_visit",
        &["scope", "scope_name", "month", "stage_name", "direction"],
        &["visits", "days", "amount", "without_amount"],
    );
    for ((scope, name, month, stage, direction), [visits, days, cents, unvalued]) in counts {
        sheet.put(
            vec![
                scope.as_str().to_owned(),
                name,
                month.to_string(),
                stage.name().to_owned(),
                direction.to_owned(),
            ],
            vec![visits.to_string(), days.to_string(), money(cents), unvalued.to_string()],
        );
    }
    sheet
}

/// A step that a deal reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reached {
    day: NaiveDate,
    holder: Holder,
    /// Whether it came through every step up to it, one at a time.
    in_order: bool,
}

/// The steps a deal reached, the first one first; won, if it is won now, after all open ones.
fn steps(story: &Story) -> Vec<Reached> {
    let mut steps: Vec<Reached> = Vec::new();
    let mut in_order = true;
    for visit in &story.visits {
        let Some(reach) = reach(visit.stage).filter(|reach| *reach > steps.len()) else { continue };
        in_order &= visit.stage != Stage::ClosedWon && reach == steps.len() + 1;
        while steps.len() < reach {
            steps.push(Reached { day: visit.entered, holder: visit.holder, in_order });
        }
    }
    if let Some(won) = story.visits.last().filter(|last| last.stage == Stage::ClosedWon) {
        steps.push(Reached { day: won.entered, holder: won.holder, in_order });
    }
    steps
}

/// What became of the deals that came so far.
#[derive(Clone, Debug, Default)]
struct Cohort {
    entered: u64,
    lost: u64,
    open: u64,
    /// Days from the one step to the other, of those who converted.
    days: Vec<i64>,
}

impl Cohort {
    /// Counts a deal that came to the first step: when it came to the other one, if it did.
    fn add(&mut self, from: Reached, to: Option<NaiveDate>, ending: &str) {
        self.entered += 1;
        match to {
            Some(day) => self.days.push((day - from.day).num_days()),
            None => {
                self.lost += u64::from(ending == "lost");
                self.open += u64::from(ending == "open");
            }
        }
    }
}

/// Conversion between neighbours and from the first step on, of cohorts by the entry's period.
pub(super) fn conversion(stories: &[Story], names: &Names, first_month: u32) -> Sheet {
    let mut cohorts: BTreeMap<(&str, &str, usize, usize, Whose), Cohort> = BTreeMap::new();
    for story in stories.iter().filter(|story| !story.is_gone) {
        let steps = steps(story);
        let ending = story.fact.stage.outcome();
        let mut add = |pair, from: usize, to: usize| {
            let (begun, reached) = (steps[from - 1], steps.get(to - 1));
            for mode in ["any", "ordered"] {
                let is_ordered = mode == "ordered";
                if is_ordered && !begun.in_order {
                    continue;
                }
                // Who went past a step cannot convert in order any more; that is neither converted
                // nor lost nor open.
                let has_skipped = is_ordered && steps.last().is_some_and(|last| !last.in_order);
                let (day, ending) = match reached {
                    Some(there) if is_ordered && !there.in_order => (None, "other"),
                    Some(there) => (Some(there.day), ""),
                    None if has_skipped => (None, "other"),
                    None => (None, ending),
                };
                for (scope, name) in names.of(begun.holder) {
                    for grain in Grain::ALL {
                        let start = grain.start(begun.day, first_month);
                        let whose = (scope, name.to_owned(), grain, start);
                        let cohort = cohorts.entry((pair, mode, from, to, whose)).or_default();
                        cohort.add(begun, day, ending);
                    }
                }
            }
        };
        for from in 1..=steps.len().min(OPEN_STEPS) {
            add("adjacent", from, from + 1);
        }
        for to in 2..=OPEN_STEPS + 1 {
            if !steps.is_empty() {
                add("cumulative", 1, to);
            }
        }
    }
    let mut sheet = Sheet::new(
        "stage_conversion",
        &[
            "pair",
            "mode",
            "from_step",
            "to_step",
            "scope",
            "scope_name",
            "period_grain",
            "period_start",
        ],
        &["n_entered", "n_converted", "n_lost", "n_open", "median_days", "p90_days"],
    );
    for ((pair, mode, from, to, about), mut cohort) in cohorts {
        cohort.days.sort_unstable();
        let at = |tenths| maybe(percentile(&cohort.days, tenths, Fixed6::whole));
        let mut key = vec![pair.to_owned(), mode.to_owned(), from.to_string(), to.to_string()];
        key.extend(whose(&about));
        let counts = [cohort.entered, cohort.days.len() as u64, cohort.lost, cohort.open];
        let mut values: Vec<String> = counts.iter().map(u64::to_string).collect();
        values.extend([at(5), at(9)]);
        sheet.put(key, values);
    }
    sheet
}

/// What was lost, by the stage it was lost from and the reason.
pub(super) fn loss(world: &World, stories: &[Story], names: &Names, first_month: u32) -> Sheet {
    let mut losses: BTreeMap<(Whose, &str, &str), (u64, i128, u64)> = BTreeMap::new();
    for story in stories.iter().filter(|story| !story.is_gone) {
        let Some(day) = story.fact.closed.filter(|_| !story.fact.is_won()) else { continue };
        let mut before = story.visits.iter().rev().filter(|visit| visit.stage != Stage::ClosedLost);
        let from = before.next().map_or("(created as lost)", |visit| visit.stage.name());
        let reason = world.deal(story.index).lost_reason.unwrap_or_default();
        for (scope, name) in names.of(story.fact.holder) {
            for grain in Grain::ALL {
                let about = (scope, name.to_owned(), grain, grain.start(day, first_month));
                let (lost, cents, unvalued) = losses.entry((about, from, reason)).or_default();
                *lost += 1;
                match story.fact.amount {
                    Some(amount) => *cents += i128::from(amount.0),
                    None => *unvalued += 1,
                }
            }
        }
    }
    let mut sheet = Sheet::new(
        "loss",
        &["scope", "scope_name", "period_grain", "period_start", "stage_name", "lost_reason"],
        &["n_lost", "value_lost", "n_excluded"],
    );
    for ((about, from, reason), (lost, cents, unvalued)) in losses {
        let mut key = whose(&about).to_vec();
        key.extend([from.to_owned(), reason.to_owned()]);
        let value = if lost > unvalued { money(cents) } else { String::new() };
        sheet.put(key, vec![lost.to_string(), value, unvalued.to_string()]);
    }
    sheet
}

/// The stays in each open stage that are over, in days, sorted.
pub(super) fn completed_stays(stories: &[Story]) -> BTreeMap<Stage, Vec<i64>> {
    let mut stays: BTreeMap<Stage, Vec<i64>> = BTreeMap::new();
    let there = stories.iter().filter(|story| !story.is_gone);
    for visit in there.flat_map(|story| &story.visits) {
        if let Visit { stage, entered, left: Some(left), .. } = visit
            && stage.outcome() == "open"
        {
            stays.entry(*stage).or_default().push((*left - *entered).num_days());
        }
    }
    for days in stays.values_mut() {
        days.sort_unstable();
    }
    stays
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::tests::{holder, story};
    use Stage::{ClosedLost, ClosedWon, Negotiation, Proposal, Prospecting, Qualified};

    #[test]
    fn directions_are_those_between_the_stages() {
        assert_eq!(direction(Prospecting, Some(Qualified)), "forward");
        assert_eq!(direction(Prospecting, Some(Proposal)), "skip");
        assert_eq!(direction(Negotiation, Some(ClosedWon)), "forward");
        assert_eq!(direction(Proposal, Some(ClosedWon)), "skip");
        assert_eq!(direction(Proposal, Some(Qualified)), "back");
        assert_eq!(direction(ClosedWon, Some(Negotiation)), "reopen");
        assert_eq!(direction(ClosedLost, Some(Proposal)), "reopen");
        assert_eq!(direction(Proposal, Some(ClosedLost)), "");
        assert_eq!(direction(Proposal, None), "");
    }

    #[test]
    fn a_skipped_step_is_reached_and_not_in_order() {
        let of = |stages: &[(Stage, &str)]| -> Vec<(String, bool)> {
            let steps = steps(&story(2, stages)).into_iter();
            steps.map(|step| (step.day.to_string(), step.in_order)).collect()
        };
        let day = |day: &str, in_order| (format!("2026-0{day}"), in_order);
        assert_eq!(
            of(&[
                (Prospecting, "2026-01-01"),
                (Qualified, "2026-01-10"),
                (Negotiation, "2026-02-01"),
                (Proposal, "2026-02-05"),
                (ClosedWon, "2026-03-01"),
            ]),
            [
                day("1-01", true),
                day("1-10", true),
                day("2-01", false),
                day("2-01", false),
                day("3-01", false)
            ]
        );
        // Lost after one step; created in the second.
        assert_eq!(of(&[(Prospecting, "2026-01-01"), (ClosedLost, "2026-02-01")]).len(), 1);
        assert_eq!(of(&[(Qualified, "2026-01-01")]), [day("1-01", false), day("1-01", false)]);
        assert_eq!(story(2, &[(Qualified, "2026-01-01")]).visits[0].holder, holder(2));
    }
}
