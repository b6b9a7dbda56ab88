//! A deal's history is its whole story.

use std::collections::BTreeSet;

use super::*;
use crate::world::{Change, DealEvent, Settings, World};

fn world() -> World {
    World::new(Settings { seed: 5, ..Settings::default() })
}

/// A deal's state as its history tells it.
fn folded(history: &[Change]) -> State {
    let first = &history[0];
    let DealEvent::Created { stage, amount, close, owner } = first.what else {
        panic!("a history begins with the creation: {first:?}")
    };
    let mut state = State::created(first.at, stage, amount, close, owner);
    for change in &history[1..] {
        assert_before(&state, change);
        state.fold(change.at, &change.what);
    }
    state
}

/// What a change says was there before is what was there.
fn assert_before(state: &State, change: &Change) {
    let agrees = match change.what {
        DealEvent::Created { .. } => false,
        DealEvent::Stage { from, to } => from == state.stage && from != to,
        DealEvent::Amount { from, to } => from == state.amount && from != to,
        DealEvent::Close { from, to } => from == state.close && from != to,
        DealEvent::Owner { from, to } => from == state.owner && from != to,
        DealEvent::Probability { from, to } => from == state.probability && from != to,
        DealEvent::Category { from, to } => from == state.category && from != to,
        DealEvent::NextStep { from, to } => from == state.next_step && from != to,
        DealEvent::Deleted | DealEvent::Merged { .. } => state.deleted_at.is_none(),
        DealEvent::Restored => state.deleted_at.is_some(),
    };
    assert!(agrees && change.at >= state.modified_at, "{state:?} {change:?}");
}

#[test]
fn folding_the_history_gives_the_deal() {
    let world = world();
    for index in 0..world.deal_count() {
        let deal = world.deal(index);
        let state = folded(&deal.history);
        let shown = (
            (deal.stage, deal.amount, deal.expected_close, deal.owner, deal.probability),
            (deal.category, deal.next_step, deal.deleted_at, deal.merged_into),
            (deal.qualified_at, deal.closed_at, deal.push_count),
        );
        let told = (
            (state.stage, state.amount, state.close, state.owner, state.probability),
            (state.category, state.next_step, state.deleted_at, state.merged_into),
            (state.qualified_at, state.closed_at, state.push_count),
        );
        assert_eq!(shown, told, "deal {index}");
        assert!(deal.modified_at >= state.modified_at);
        if let Some(closed) = deal.closed_at {
            assert_eq!(deal.expected_close, closed.date_naive());
        }
        assert_eq!(deal.lost_reason.is_some(), deal.stage == Stage::ClosedLost);
    }
}

#[test]
fn everything_that_can_happen_to_a_deal_happens() {
    let world = world();
    let mut seen = BTreeSet::new();
    let position = |stage: Stage| Stage::ALL.iter().position(|other| *other == stage).unwrap();
    let mut merged_twice = false;
    for index in 0..world.deal_count() {
        let deal = world.deal(index);
        let into = deal.merged_into.map(|into| world.deal(into));
        merged_twice |= into.is_some_and(|deal| deal.merged_into.is_some());
        for change in &deal.history {
            seen.insert(match &change.what {
                DealEvent::Stage { from, to } if saves::is_closed(*from) => {
                    assert!(!saves::is_closed(*to));
                    if *from == Stage::ClosedWon {
                        "reopened after won"
                    } else {
                        "reopened after lost"
                    }
                }
                DealEvent::Stage { to: Stage::ClosedWon, .. } => "won",
                DealEvent::Stage { to: Stage::ClosedLost, .. } => "lost",
                DealEvent::Stage { from, to } if position(*to) < position(*from) => "back",
                DealEvent::Stage { from, to } if position(*to) > position(*from) + 1 => "skipped",
                DealEvent::Stage { .. } => "forward",
                DealEvent::Close { from, to } if to > from => "pushed",
                DealEvent::Close { .. } => "pulled in",
                DealEvent::Amount { from: None, .. } => "amount found",
                DealEvent::Amount { from, to } if to > from => "grown",
                DealEvent::Amount { .. } => "shrunk",
                DealEvent::Owner { .. } if change.by == deal.owner => "taken",
                DealEvent::Owner { .. } => "handed over",
                DealEvent::Deleted => "deleted",
                DealEvent::Restored => "restored",
                DealEvent::Merged { .. } => "merged",
                DealEvent::Created { .. } => "created",
                DealEvent::Probability { .. } => "probability",
                DealEvent::Category { .. } => "category",
                DealEvent::NextStep { .. } => "next step",
            });
        }
        for pair in deal.history.windows(2) {
            if pair[0].at == pair[1].at {
                assert_eq!(pair[0].by, pair[1].by, "one save is one person's: {pair:?}");
                seen.insert("several in one save");
            }
        }
    }
    let expected = [
        "created",
        "forward",
        "skipped",
        "back",
        "won",
        "lost",
        "reopened after won",
        "reopened after lost",
        "pushed",
        "pulled in",
        "amount found",
        "grown",
        "shrunk",
        "handed over",
        "deleted",
        "restored",
        "merged",
        "probability",
        "category",
        "next step",
        "several in one save",
    ];
    for event in expected {
        assert!(seen.contains(event), "`{event}` never happens");
    }
    assert!(merged_twice, "some deal is merged into one that is merged on");
}

#[test]
fn lines_and_splits_add_up() {
    let world = world();
    let (mut lined, mut shared, mut overlaid) = (0, 0, 0);
    for index in 0..world.deal_count() {
        let deal = world.deal(index);
        if !deal.lines.is_empty() {
            lined += 1;
            let sum: i64 = deal.lines.iter().map(|l| l.unit_price.0 * i64::from(l.quantity)).sum();
            assert_eq!(Some(sum), deal.amount.map(|amount| amount.0), "deal {index}");
        }
        let revenue = deal.splits.iter().filter(|split| !split.is_overlay);
        assert_eq!(revenue.map(|split| split.share).sum::<u32>(), 10_000);
        assert_eq!(deal.splits[0].person, deal.owner);
        shared += usize::from(deal.splits.iter().filter(|split| !split.is_overlay).count() > 1);
        overlaid += usize::from(deal.splits.iter().any(|split| split.is_overlay));
    }
    assert!(lined > 1_000 && shared > 10 && overlaid > 10, "{lined} {shared} {overlaid}");
}
