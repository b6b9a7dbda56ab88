//! Slippage: what was due in a period when it began, and moved out of it.

use chrono::{Days, NaiveDate};

use super::story::Story;
use super::sums::{Book, Slot, Sum};
use super::{Grain, Period};

/// The first and last days of periods of every length that `from` or a later day up to `today`
/// lies in.
pub(super) fn periods(
    from: NaiveDate,
    today: NaiveDate,
    first_month: u32,
) -> impl Iterator<Item = Period> {
    Grain::ALL.into_iter().flat_map(move |grain| {
        let first = Period::of(grain, from, first_month);
        std::iter::successors(Some(first), move |period| Some(period.next()))
            .take_while(move |period| period.start <= today)
    })
}

/// Adds what a deal has to do with it: the rep who had it when the period began answers for it.
pub(super) fn add(book: &mut Book, story: &Story, today: NaiveDate, first_month: u32) {
    if story.is_gone {
        return;
    }
    let open_until = story.fact.closed.unwrap_or(today);
    for period in periods(story.fact.created, open_until, first_month) {
        let Some(before) = story.on(period.start - Days::new(1)) else { continue };
        if !before.is_open() || !(period.start..=period.end).contains(&before.close) {
            continue;
        }
        let slipped = story
            .on(period.end.min(today))
            .is_some_and(|after| after.is_open() && after.close > period.end);
        let slot = Slot::new("pipeline_slippage", period.grain.as_str(), period.start);
        let sum = match before.amount {
            Some(amount) => {
                let due = i128::from(amount.0);
                Sum { above: if slipped { due } else { 0 }, below: due, n: 1, n_excluded: 0 }
            }
            None => Sum { n_excluded: 1, ..Sum::default() },
        };
        book.add(before.holder, slot, sum);
    }
}
