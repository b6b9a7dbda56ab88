//! When things happen: working days, a slow August, a rush at every quarter's end, and growth.

use std::io::Write;

use chrono::{
    DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc, Weekday,
};
use rand::Rng;

use crate::chance;

/// How much more the company sells each year.
const YEARLY_GROWTH: f64 = 1.35;

/// The days of the company's history, with how likely a deal is to begin by each of them.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) start: NaiveDate,
    pub(crate) as_of: NaiveDate,
    /// The share of all deals created up to and including each day since `start`.
    created_by: Vec<f64>,
}

impl Window {
    pub(crate) fn up_to(as_of: NaiveDate) -> Self {
        let start = quarter_start(as_of + Days::new(1), 1) - Months::new(24);
        let mut created_by = Vec::new();
        let mut sum = 0.0;
        for day in start.iter_days().take_while(|day| *day <= as_of) {
            sum += busyness(day) * YEARLY_GROWTH.powf(years_between(start, day));
            created_by.push(sum);
        }
        for share in &mut created_by {
            *share /= sum;
        }
        Self { start, as_of, created_by }
    }

    /// The day by which `share` of all deals had been created.
    pub(crate) fn day_of_share(&self, share: f64) -> NaiveDate {
        let day = self.created_by.partition_point(|by| *by < share).min(self.created_by.len() - 1);
        self.start + Days::new(day as u64)
    }

    /// How many days the history has.
    pub(crate) fn days(&self) -> u64 {
        self.created_by.len() as u64
    }

    /// How far into the history a day lies, from 0 to 1.
    pub(crate) fn progress(&self, day: NaiveDate) -> f64 {
        let passed = u64::try_from((day - self.start).num_days()).unwrap_or(0);
        (chance::float(passed) / chance::float(self.days())).min(1.0)
    }

    /// The last second of the history.
    pub(crate) fn end(&self) -> DateTime<Utc> {
        midnight(self.as_of) + TimeDelta::days(1) - TimeDelta::seconds(1)
    }
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

/// The moment at which a deal that would close on `day` by itself really closes: what is due just
/// after a quarter's end is often pulled into its last week.
pub(crate) fn closing_day(rng: &mut impl Rng, day: NaiveDate) -> NaiveDate {
    let quarter = quarter_start(day, 1);
    let into_quarter = (day - quarter).num_days();
    let pulled = into_quarter < 24 && rng.random_bool(0.5);
    let day = if pulled { quarter - Days::new(1 + rng.random_range(0..7)) } else { day };
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
pub(crate) fn office_hours(rng: &mut impl Rng, day: NaiveDate) -> DateTime<Utc> {
    midnight(day) + TimeDelta::seconds(rng.random_range(8 * 3600..18 * 3600))
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

    #[test]
    fn history_is_eight_whole_quarters_and_what_has_passed_of_the_next() {
        assert_eq!(Window::up_to(day("2026-09-30")).start, day("2024-10-01"));
        assert_eq!(Window::up_to(day("2026-11-20")).start, day("2024-10-01"));
        assert_eq!(Window::up_to(day("2026-12-31")).start, day("2025-01-01"));
    }

    #[test]
    fn fiscal_quarters_follow_the_first_month() {
        assert_eq!(quarter_start(day("2026-01-15"), 2), day("2025-11-01"));
        assert_eq!(quarter_start(day("2026-02-01"), 2), day("2026-02-01"));
        assert_eq!(quarter_start(day("2026-03-31"), 1), day("2026-01-01"));
        assert_eq!(quarter_start(day("2026-03-31"), 4), day("2026-01-01"));
    }

    #[test]
    fn no_deal_begins_on_a_weekend() {
        let window = Window::up_to(day("2026-09-30"));
        for step in 0..=1000 {
            let begins = window.day_of_share(f64::from(step) / 1000.0);
            assert!(begins >= window.start && begins <= window.as_of);
            // Share 0 is asked for by nobody; it may fall on any first day.
            assert!(step == 0 || begins.weekday().number_from_monday() <= 5, "{begins}");
        }
    }
}
