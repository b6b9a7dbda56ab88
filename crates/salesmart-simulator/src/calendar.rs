//! When things happen: working days, a slow August, a rush at every quarter's end, and growth.

use std::io::Write;

use chrono::{
    DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc, Weekday,
};

use crate::chance::{self, Dice};

/// How much more the company sells each year.
const YEARLY_GROWTH: f64 = 1.35;

/// The first month of the company's fiscal year, whose quarter ends see the rush.
pub(crate) const FISCAL_YEAR_STARTS: u32 = 2;

/// The time between working days that nobody sees: events have room from 8 to 18 o'clock, what
/// follows from them until 20 o'clock.
pub(crate) const OPENS: i64 = 8 * 3600;
pub(crate) const CLOSES: i64 = 18 * 3600;

/// The days of the company's history and some of its future, with how much of its business has
/// begun by the end of each.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) start: NaiveDate,
    /// The day on which the company has the size that was asked for.
    pub(crate) as_of: NaiveDate,
    /// What has begun up to and including each day since `start`; 1 at `as_of`, more after.
    begun_by: Vec<f64>,
}

/// How things of one kind are numbered as they begin, in proportion to the business.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbering {
    /// How many there are at `as_of`.
    pub(crate) initial: u64,
}

impl Window {
    /// The history up to `as_of`, and the days until the end of the month of `horizon`. Whole
    /// months, since who works in a month is planned for the whole of it.
    pub(crate) fn new(as_of: NaiveDate, horizon: NaiveDate) -> Self {
        let horizon = first_of_month(horizon.max(as_of)) + Months::new(1) - Days::new(1);
        let start = quarter_start(as_of + Days::new(1), 1) - Months::new(24);
        let mut begun_by = Vec::new();
        let (mut sum, mut history) = (0.0, 1.0);
        for day in start.iter_days().take_while(|day| *day <= horizon) {
            sum += busyness(day) * YEARLY_GROWTH.powf(years_between(start, day));
            begun_by.push(sum);
            if day == as_of {
                history = sum;
            }
        }
        for share in &mut begun_by {
            *share /= history;
        }
        Self { start, as_of, begun_by }
    }

    /// The last day it knows.
    pub(crate) fn horizon(&self) -> NaiveDate {
        self.start + Days::new(self.begun_by.len() as u64 - 1)
    }

    /// How many days the history up to `as_of` has.
    pub(crate) fn days(&self) -> u64 {
        u64::try_from((self.as_of - self.start).num_days()).unwrap_or(0) + 1
    }

    /// The place of a day since the start; a day before is none.
    fn place(&self, day: NaiveDate) -> Option<usize> {
        let place = usize::try_from((day - self.start).num_days()).ok()?;
        Some(place.min(self.begun_by.len() - 1))
    }
}

impl Numbering {
    /// How many have begun by the end of a day. `dice` gives each one's place among its
    /// neighbours, as in [`Numbering::begins`].
    pub(crate) fn count(self, window: &Window, day: NaiveDate, dice: impl Fn(u64) -> f64) -> u64 {
        let Some(place) = window.place(day) else { return 0 };
        let begun = window.begun_by[place] * chance::float(self.initial);
        // Each thing lies in the unit that ends with its number plus one: all below are in.
        let whole = chance::floor(begun);
        whole + u64::from(position(whole, dice(whole)) <= begun)
    }

    /// When the `index`-th begins: its day, and how far into the working day. `draw` is between
    /// 0 and 1. Things beyond the horizon begin on no day.
    pub(crate) fn begins(self, window: &Window, index: u64, draw: f64) -> Option<DateTime<Utc>> {
        let size = chance::float(self.initial);
        let position = position(index, draw);
        let place = window.begun_by.partition_point(|begun| *begun * size < position);
        let by = *window.begun_by.get(place)? * size;
        let before = if place == 0 { 0.0 } else { window.begun_by[place - 1] * size };
        let into_day = (position - before) / (by - before);
        let seconds = chance::round(chance::float((CLOSES - OPENS).unsigned_abs()) * into_day);
        let day = midnight(window.start + Days::new(place as u64));
        Some(day + TimeDelta::seconds(OPENS + seconds.clamp(0, CLOSES - OPENS - 1)))
    }
}

/// Where a thing lies on the line of all things: within one of its number.
fn position(index: u64, draw: f64) -> f64 {
    chance::float(index) + 1.0 - draw
}

/// How many deals begin on a day, beside an ordinary one.
fn busyness(day: NaiveDate) -> f64 {
    let weekday = match day.weekday() {
        Weekday::Sat | Weekday::Sun => return 0.0,
        Weekday::Mon => 1.1,
        Weekday::Fri => 0.8,
        _ => 1.0,
    };
    let season = match (day.month(), day.day()) {
        (8, _) => 0.7,
        (12, 20..) => 0.15,
        (1, ..=3) => 0.2,
        (9 | 10, _) => 1.15,
        _ => 1.0,
    };
    weekday * season
}

/// The day on which a deal that would close on `day` by itself really closes: what is due just
/// after a fiscal quarter's end is often pulled into its last week.
pub(crate) fn closing_day(dice: &mut Dice, day: NaiveDate) -> NaiveDate {
    let quarter = quarter_start(day, FISCAL_YEAR_STARTS);
    let into_quarter = (day - quarter).num_days();
    let (pulled, days) = (dice.happens(0.5), dice.below(7));
    let day = if into_quarter < 24 && pulled { quarter - Days::new(1 + days) } else { day };
    working_day(day)
}

/// The day, or the Friday before a weekend.
pub(crate) fn working_day(day: NaiveDate) -> NaiveDate {
    match day.weekday() {
        Weekday::Sat => day - Days::new(1),
        Weekday::Sun => day - Days::new(2),
        _ => day,
    }
}

/// Some second of a day's office hours.
pub(crate) fn office_hours(dice: &mut Dice, day: NaiveDate) -> DateTime<Utc> {
    let second = dice.below((CLOSES - OPENS).unsigned_abs());
    at(day, OPENS + i64::try_from(second).unwrap_or(0))
}

/// A second of a day.
pub(crate) fn at(day: NaiveDate, second: i64) -> DateTime<Utc> {
    midnight(day) + TimeDelta::seconds(second)
}

/// The first second of a day.
pub(crate) fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The first day of the fiscal quarter in which `day` lies, when years start with `first_month`.
pub(crate) fn quarter_start(day: NaiveDate, first_month: u32) -> NaiveDate {
    let months_in = (day.month() + 12 - first_month) % 3;
    first_of_month(day) - Months::new(months_in)
}

/// The first day of a day's month.
pub(crate) fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).expect("every month has a first day")
}

/// Years from one day to a later one, as a float.
pub(crate) fn years_between(from: NaiveDate, to: NaiveDate) -> f64 {
    chance::float(u64::try_from((to - from).num_days()).unwrap_or(0)) / 365.25
}

/// Writes `2026-01-31`.
pub(crate) fn write_date(out: &mut Vec<u8>, day: NaiveDate) {
    // By hand: chrono's format strings are the slowest part of writing five million rows.
    write!(out, "{:04}-{:02}-{:02}", day.year(), day.month(), day.day())
        .expect("writing to memory cannot fail");
}

/// Writes `2026-01-31T14:05:00Z`.
pub(crate) fn write_instant(out: &mut Vec<u8>, instant: DateTime<Utc>) {
    write_date(out, instant.date_naive());
    let (hour, minute, second) = (instant.hour(), instant.minute(), instant.second());
    write!(out, "T{hour:02}:{minute:02}:{second:02}Z").expect("writing to memory cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn window(text: &str) -> Window {
        Window::new(day(text), day(text) + Days::new(400))
    }

    #[test]
    fn history_is_eight_whole_quarters_and_what_has_passed_of_the_next() {
        assert_eq!(window("2026-09-30").start, day("2024-10-01"));
        assert_eq!(window("2026-11-20").start, day("2024-10-01"));
        assert_eq!(window("2026-12-31").start, day("2025-01-01"));
    }

    #[test]
    fn fiscal_quarters_follow_the_first_month() {
        assert_eq!(quarter_start(day("2026-01-15"), 2), day("2025-11-01"));
        assert_eq!(quarter_start(day("2026-02-01"), 2), day("2026-02-01"));
        assert_eq!(quarter_start(day("2026-03-31"), 1), day("2026-01-01"));
        assert_eq!(quarter_start(day("2026-03-31"), 4), day("2026-01-01"));
    }

    #[test]
    fn numbers_follow_the_days_and_go_on_after_the_history() {
        let window = window("2026-09-30");
        let dice = |index| Dice::new(3, crate::chance::Purpose::Numbering, index).unit();
        let numbering = Numbering { initial: 500 };
        let begins: Vec<_> =
            (0..700).map(|index| numbering.begins(&window, index, dice(index)).unwrap()).collect();
        assert!(begins.is_sorted());
        for at in &begins {
            assert!(at.date_naive().weekday().number_from_monday() <= 5, "{at}");
            assert!((8..18).contains(&at.hour()), "{at}");
        }
        for day in window.start.iter_days().take(1_000) {
            let known = begins.iter().filter(|at| at.date_naive() <= day).count() as u64;
            let count = numbering.count(&window, day, dice);
            assert!(count == known || (count > 700 && known == 700), "{day}: {count} {known}");
        }
        assert_eq!(numbering.count(&window, window.as_of, dice), 500);
        assert_eq!(numbering.count(&window, window.start - Days::new(1), dice), 0);
    }
}
