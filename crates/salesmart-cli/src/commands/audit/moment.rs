//! Moments as people write them: a day of the company, or an instant.

use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, TimeZone, Utc};
use salesmart_core::{Error, Result};
use salesmart_model::BusinessSettings;

/// A day, or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// The end of a day of the company.
    Day(NaiveDate),
    /// An instant.
    Instant(DateTime<Utc>),
}

impl FromStr for Moment {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Ok(day) = text.parse::<NaiveDate>() {
            return Ok(Moment::Day(day));
        }
        DateTime::parse_from_rfc3339(text).map(|at| Moment::Instant(at.to_utc())).map_err(|e| {
            Error::configuration(format!("`{text}` is neither a day nor an instant"))
                .with("expected", "`2026-08-01`, or `2026-08-01T05:00:00Z`")
                .with_source(e)
        })
    }
}

impl Moment {
    /// The last microsecond that belongs to it.
    pub(super) fn last(self, business: &BusinessSettings) -> DateTime<Utc> {
        match self {
            Moment::Instant(at) => at,
            Moment::Day(day) => end_of(day, business),
        }
    }

    /// The company's day it is in.
    pub(super) fn day(self, business: &BusinessSettings) -> NaiveDate {
        match self {
            Moment::Instant(at) => business.date_of(at),
            Moment::Day(day) => day,
        }
    }
}

/// The last microsecond of a day in the company's zone.
fn end_of(day: NaiveDate, business: &BusinessSettings) -> DateTime<Utc> {
    let midnight = day.checked_add_days(Days::new(1)).unwrap_or(day).and_time(NaiveTime::MIN);
    // Where clocks are set forward at midnight, the next day begins an hour later.
    let next = (0..=2).find_map(|hour| {
        let local = midnight.checked_add_signed(TimeDelta::hours(hour))?;
        business.time_zone.from_local_datetime(&local).earliest()
    });
    next.map_or_else(|| midnight.and_utc(), |next| next.to_utc()) - TimeDelta::microseconds(1)
}

/// An instant as SQL spells it.
pub(super) fn sql_instant(at: DateTime<Utc>) -> String {
    format!("timestamp '{}'", at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(text: &str, zone: &str) -> String {
        let time_zone = zone.parse().unwrap();
        let business = BusinessSettings { time_zone, ..BusinessSettings::default() };
        text.parse::<Moment>().unwrap().last(&business).to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    #[test]
    fn a_day_ends_in_the_companys_zone() {
        assert_eq!(last("2026-08-01", "UTC"), "2026-08-01T23:59:59.999999Z");
        assert_eq!(last("2026-08-01", "Europe/Berlin"), "2026-08-01T21:59:59.999999Z");
        // Clocks are set forward at midnight: the day before ends at 03:59 all the same.
        assert_eq!(last("2026-09-05", "America/Santiago"), "2026-09-06T03:59:59.999999Z");
        assert_eq!(last("2026-08-01T05:00:00+02:00", "UTC"), "2026-08-01T03:00:00.000000Z");
    }

    #[test]
    fn anything_else_is_refused() {
        let error = "yesterday".parse::<Moment>().unwrap_err();
        assert_eq!(error.message(), "`yesterday` is neither a day nor an instant");
    }
}
