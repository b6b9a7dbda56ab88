//! Periods of the company's fiscal calendar, as people write them on a command line and in
//! `config/targets.yml`.
//!
//! `FY26` and `FY26Q3` and `FY26M07` are fiscal, `2026-08` is the fiscal month that the middle of
//! that calendar month is in, `2026-W31` an ISO week, `2026-08-14` a day. Nothing here asks the
//! clock.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use salesmart_core::{Error, Result};
use salesmart_model::{Calendar, Grain};

/// One period: its grain, its first and last day, and how people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Day, week, month, quarter or year.
    pub grain: Grain,
    /// The first day.
    pub start: NaiveDate,
    /// The last day.
    pub end: NaiveDate,
    /// `FY26Q3`, `FY26`, `FY26M07`, `2026-W31`, `2026-08-14`.
    pub name: String,
}

/// Days from the end of a fiscal year back into its middle.
const HALF_A_YEAR: u64 = 180;

impl Period {
    /// Reads a period.
    ///
    /// # Errors
    /// When the text names none.
    pub fn parse(text: &str, calendar: &Calendar) -> Result<Self> {
        let written = text.trim();
        written_period(&written.to_ascii_uppercase(), calendar).ok_or_else(|| {
            Error::configuration(format!("`{text}` is not a period"))
                .with(
                    "expected",
                    "a fiscal year `FY26`, quarter `FY26Q3` or month `FY26M07`, a month `2026-08`, \
                     a week `2026-W31` or a day `2026-08-14`",
                )
                .with_hint("a fiscal year is named by the calendar year in which it ends")
        })
    }

    /// The period of a grain that a day is in; `None` at the edge of what dates can hold.
    #[must_use]
    pub fn of(grain: Grain, day: NaiveDate, calendar: &Calendar) -> Option<Self> {
        let (start, end) = calendar.period(grain, day)?;
        let name = match grain {
            Grain::Day => start.to_string(),
            Grain::Week => {
                // A week that begins on Sunday is called after the Monday in it.
                let week = start.checked_add_days(Days::new(
                    u64::from(7 - start.weekday().num_days_from_monday()) % 7,
                ))?;
                format!("{}-W{:02}", week.iso_week().year(), week.iso_week().week())
            }
            Grain::Month | Grain::Quarter | Grain::Year => fiscal_name(grain, start, calendar)?,
        };
        Some(Self { grain, start, end, name })
    }

    /// The next period of the same grain; `None` at the edge of what dates can hold.
    #[must_use]
    pub fn next(&self, calendar: &Calendar) -> Option<Self> {
        Self::of(self.grain, self.end.succ_opt()?, calendar)
    }
}

/// A period from its spelling in capitals.
fn written_period(text: &str, calendar: &Calendar) -> Option<Period> {
    if let Some(fiscal) = text.strip_prefix("FY") {
        return fiscal_period(fiscal, calendar);
    }
    if let Some((year, week)) = text.split_once("-W") {
        let monday =
            NaiveDate::from_isoywd_opt(digits(year, 4)?, unsigned(week, 2)?, Weekday::Mon)?;
        return Period::of(Grain::Week, monday, calendar);
    }
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next());
    if parts.next().is_some() {
        return None;
    }
    let (year, month) = (digits(year, 4)?, unsigned(month, 2)?);
    match day {
        Some(day) => {
            let day = NaiveDate::from_ymd_opt(year, month, unsigned(day, 2)?)?;
            Period::of(Grain::Day, day, calendar)
        }
        None => month_around(year, month, calendar),
    }
}

/// `26`, `2026`, `26Q3`, `26M07`.
fn fiscal_period(text: &str, calendar: &Calendar) -> Option<Period> {
    let (year, grain, number) = match text.split_once(['Q', 'M']) {
        None => (text, Grain::Year, 1),
        Some((year, number)) if text.contains('Q') => (year, Grain::Quarter, unsigned(number, 1)?),
        Some((year, number)) => (year, Grain::Month, unsigned(number, 2)?),
    };
    let year = match year.len() {
        2 => 2000 + digits(year, 2)?,
        _ => digits(year, 4)?,
    };
    let most = match grain {
        Grain::Quarter => 4,
        Grain::Month => 12,
        _ => 1,
    };
    if number == 0 || number > most {
        return None;
    }
    let (start, _) = fiscal_year(year, calendar)?;
    let mut period = Period::of(grain, start, calendar)?;
    for _ in 1..number {
        period = period.next(calendar)?;
    }
    Some(period)
}

/// The first and the last day of the fiscal year with that name.
fn fiscal_year(year: i32, calendar: &Calendar) -> Option<(NaiveDate, NaiveDate)> {
    // The month at whose end the year ends, whichever way years are made.
    let ends = (calendar.start_month() + 10) % 12 + 1;
    let middle =
        NaiveDate::from_ymd_opt(year, ends, 15)?.checked_sub_days(Days::new(HALF_A_YEAR))?;
    calendar.period(Grain::Year, middle)
}

/// The name of the fiscal period that begins on a day.
fn fiscal_name(grain: Grain, start: NaiveDate, calendar: &Calendar) -> Option<String> {
    let (year, (first, _)) = (start.year() - 1..=start.year() + 2).find_map(|year| {
        let days = fiscal_year(year, calendar)?;
        (days.0 <= start && start <= days.1).then_some((year, days))
    })?;
    let name = format!("FY{:02}", year.rem_euclid(100));
    if grain == Grain::Year {
        return Some(name);
    }
    let mut number = 1;
    let mut period = calendar.period(grain, first)?;
    while period.1 < start {
        period = calendar.period(grain, period.1.succ_opt()?)?;
        number += 1;
    }
    Some(match grain {
        Grain::Quarter => format!("{name}Q{number}"),
        _ => format!("{name}M{number:02}"),
    })
}

/// The fiscal month that people mean by a calendar month. Years of whole weeks begin within a week
/// of a calendar month, so that each of their months has the middle of another one in it.
fn month_around(year: i32, month: u32, calendar: &Calendar) -> Option<Period> {
    let middle = NaiveDate::from_ymd_opt(year, month, 15)?;
    Period::of(Grain::Month, middle, calendar)
}

fn unsigned(text: &str, most: usize) -> Option<u32> {
    let fits = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

fn digits(text: &str, exactly: usize) -> Option<i32> {
    if text.len() != exactly {
        return None;
    }
    unsigned(text, exactly).and_then(|number| i32::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use salesmart_model::{FiscalYear, WeekPattern, YearEnd};

    use super::*;

    fn february() -> Calendar {
        Calendar { year: FiscalYear::Months { start_month: 2 }, week_start: Weekday::Mon }
    }

    fn retail() -> Calendar {
        Calendar {
            year: FiscalYear::Weeks {
                pattern: WeekPattern::FourFiveFour,
                end_month: 1,
                ends_on: Weekday::Sat,
                rule: YearEnd::Nearest,
            },
            week_start: Weekday::Mon,
        }
    }

    fn read(text: &str, calendar: &Calendar) -> String {
        let period = Period::parse(text, calendar).unwrap();
        format!("{} {} {} {}", period.name, period.grain.as_str(), period.start, period.end)
    }

    #[test]
    fn fiscal_periods_are_named_by_the_year_they_end_in() {
        let calendar = february();
        assert_eq!(read("FY26", &calendar), "FY26 year 2025-02-01 2026-01-31");
        assert_eq!(read("fy2026q3", &calendar), "FY26Q3 quarter 2025-08-01 2025-10-31");
        assert_eq!(read("FY26M12", &calendar), "FY26M12 month 2026-01-01 2026-01-31");
        assert_eq!(read("2026-01", &calendar), "FY26M12 month 2026-01-01 2026-01-31");
        assert_eq!(read("FY26Q1", &Calendar::default()), "FY26Q1 quarter 2026-01-01 2026-03-31");
    }

    #[test]
    fn days_and_weeks_are_those_of_the_calendar() {
        let calendar = february();
        assert_eq!(read("2026-08-14", &calendar), "2026-08-14 day 2026-08-14 2026-08-14");
        assert_eq!(read("2026-W31", &calendar), "2026-W31 week 2026-07-27 2026-08-02");
    }

    #[test]
    fn a_year_of_53_weeks_has_its_last_week_in_the_last_quarter() {
        let calendar = retail();
        assert_eq!(read("FY24", &calendar), "FY24 year 2023-01-29 2024-02-03");
        assert_eq!(read("FY24Q4", &calendar), "FY24Q4 quarter 2023-10-29 2024-02-03");
        assert_eq!(read("FY25M01", &calendar), "FY25M01 month 2024-02-04 2024-03-02");
    }

    #[test]
    fn every_period_reads_its_own_name_back() {
        let weeks = |pattern, end_month, rule| Calendar {
            year: FiscalYear::Weeks { pattern, end_month, ends_on: Weekday::Sun, rule },
            week_start: Weekday::Mon,
        };
        let calendars = [
            Calendar::default(),
            february(),
            retail(),
            weeks(WeekPattern::FourFourFive, 12, YearEnd::Nearest),
            weeks(WeekPattern::FiveFourFour, 6, YearEnd::Last),
        ];
        for calendar in calendars {
            for grain in Grain::ALL {
                let mut period =
                    Period::of(grain, "2019-12-20".parse().unwrap(), &calendar).unwrap();
                while period.start < "2027-02-10".parse().unwrap() {
                    assert_eq!(Period::parse(&period.name, &calendar).unwrap(), period);
                    period = period.next(&calendar).unwrap();
                }
            }
        }
    }

    #[test]
    fn every_fiscal_month_has_one_calendar_month() {
        for calendar in [february(), retail()] {
            let mut period =
                Period::of(Grain::Month, "2020-02-10".parse().unwrap(), &calendar).unwrap();
            for year in 2020..=2040 {
                for month in 1..=12 {
                    if (year, month) < (2020, 2) {
                        continue;
                    }
                    let text = format!("{year}-{month:02}");
                    assert_eq!(Period::parse(&text, &calendar).unwrap(), period, "{text}");
                    period = period.next(&calendar).unwrap();
                }
            }
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "FY", "FY6", "FY26Q5", "FY26Q0", "FY26M13", "Q3", "2026", "2026-13", "today"]
        {
            let error = Period::parse(text, &february()).unwrap_err();
            assert!(error.message().contains("is not a period"), "{text}: {error}");
        }
    }
}
