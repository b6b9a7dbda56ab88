//! The company's fiscal calendar: which year, quarter, month and week a day is in.
//!
//! Guarantee (property-tested): for each grain the periods tile the time line, without a gap and
//! without overlap, and a period lies within one fiscal year.

use std::str::FromStr;

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

/// A fiscal calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Calendar {
    /// How years are made.
    pub year: FiscalYear,
    /// The first day of a week. A year of whole weeks ignores it: there weeks begin on the day
    /// after the one the year ends on.
    pub week_start: Weekday,
}

/// How fiscal years are made. A year is named by the calendar year in which it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FiscalYear {
    /// Twelve calendar months, the first of them this one (1 is the calendar year).
    Months {
        /// The first month, 1 to 12.
        start_month: u32,
    },
    /// 52 or 53 whole weeks, in quarters of three "months" of so many weeks. The 53rd week
    /// belongs to the last month.
    Weeks {
        /// The weeks of the three months of each quarter.
        pattern: WeekPattern,
        /// The calendar month at whose end the year ends, 1 to 12. The year is named after the
        /// calendar year of this month, even where the nearest weekday falls into the next.
        end_month: u32,
        /// The weekday on which every year ends.
        ends_on: Weekday,
        /// Which of those weekdays.
        rule: YearEnd,
    },
}

/// The weeks of the three months of a quarter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WeekPattern {
    /// Four, four, five.
    FourFourFive,
    /// Four, five, four.
    FourFiveFour,
    /// Five, four, four.
    FiveFourFour,
}

/// Which weekday ends a year of whole weeks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum YearEnd {
    /// The last one in the month.
    Last,
    /// The one nearest to the end of the month.
    Nearest,
}

/// The length of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grain {
    /// One day.
    Day,
    /// Seven days.
    Week,
    /// A fiscal month.
    Month,
    /// A fiscal quarter.
    Quarter,
    /// A fiscal year.
    Year,
}

impl Grain {
    /// Every grain, the shortest first.
    pub const ALL: [Grain; 5] =
        [Grain::Day, Grain::Week, Grain::Month, Grain::Quarter, Grain::Year];

    /// As SQL spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Grain::Day => "day",
            Grain::Week => "week",
            Grain::Month => "month",
            Grain::Quarter => "quarter",
            Grain::Year => "year",
        }
    }
}

impl FromStr for Grain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|grain| grain.as_str() == text).ok_or_else(|| {
            format!("`{text}` is not a period; expected day, week, month, quarter or year")
        })
    }
}

impl WeekPattern {
    fn weeks(self) -> [u64; 3] {
        match self {
            WeekPattern::FourFourFive => [4, 4, 5],
            WeekPattern::FourFiveFour => [4, 5, 4],
            WeekPattern::FiveFourFour => [5, 4, 4],
        }
    }

    /// The first week (from 0) of each of the twelve months.
    fn month_starts(self) -> [u64; 12] {
        let weeks = self.weeks();
        let mut starts = [0; 12];
        let mut at = 0;
        for (month, start) in starts.iter_mut().enumerate() {
            *start = at;
            at += weeks[month % 3];
        }
        starts
    }

    /// As people write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            WeekPattern::FourFourFive => "4-4-5",
            WeekPattern::FourFiveFour => "4-5-4",
            WeekPattern::FiveFourFour => "5-4-4",
        }
    }
}

impl Default for Calendar {
    /// The calendar year with weeks from Monday.
    fn default() -> Self {
        Self { year: FiscalYear::Months { start_month: 1 }, week_start: Weekday::Mon }
    }
}

/// Where a day stands in its fiscal year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The fiscal year.
    pub(crate) year: i32,
    /// The fiscal month, 1 to 12.
    pub(crate) month: u32,
}

impl Position {
    /// The fiscal quarter, 1 to 4.
    pub(crate) fn quarter(self) -> u32 {
        (self.month - 1) / 3 + 1
    }
}

impl Calendar {
    /// The month in which a fiscal year begins, 1 to 12 (for whole weeks: about which it begins).
    #[must_use]
    pub fn start_month(&self) -> u32 {
        match self.year {
            FiscalYear::Months { start_month } => start_month,
            FiscalYear::Weeks { end_month, .. } => end_month % 12 + 1,
        }
    }

    /// `months`, or the pattern of weeks.
    #[must_use]
    pub fn pattern(&self) -> &'static str {
        match self.year {
            FiscalYear::Months { .. } => "months",
            FiscalYear::Weeks { pattern, .. } => pattern.as_str(),
        }
    }

    /// Where a day stands; `None` at the edge of what dates can hold.
    pub(crate) fn position(&self, day: NaiveDate) -> Option<Position> {
        match self.year {
            FiscalYear::Months { start_month } => {
                let year = if start_month > 1 && day.month() >= start_month {
                    day.year() + 1
                } else {
                    day.year()
                };
                Some(Position { year, month: (day.month() + 12 - start_month) % 12 + 1 })
            }
            FiscalYear::Weeks { pattern, .. } => {
                let (year, start, _) = self.week_year(day)?;
                let week = u64::try_from((day - start).num_days()).ok()? / 7;
                let month = pattern.month_starts().iter().filter(|first| **first <= week).count();
                Some(Position { year, month: u32::try_from(month).ok()? })
            }
        }
    }

    /// The first and the last day of the period a day is in; `None` at the edge of what dates can
    /// hold.
    #[must_use]
    pub fn period(&self, grain: Grain, day: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
        match (grain, self.year) {
            (Grain::Day, _) => Some((day, day)),
            (Grain::Week, FiscalYear::Months { .. }) => week_of(day, self.week_start),
            (Grain::Week, FiscalYear::Weeks { ends_on, .. }) => week_of(day, ends_on.succ()),
            (_, FiscalYear::Months { .. }) => {
                let months = match grain {
                    Grain::Year => 12,
                    Grain::Quarter => 3,
                    _ => 1,
                };
                let into = (self.position(day)?.month - 1) % months;
                let start = day.with_day(1)?.checked_sub_months(Months::new(into))?;
                Some((start, start.checked_add_months(Months::new(months))?.pred_opt()?))
            }
            (_, FiscalYear::Weeks { pattern, .. }) => {
                let (_, start, end) = self.week_year(day)?;
                if grain == Grain::Year {
                    return Some((start, end));
                }
                let starts = pattern.month_starts();
                let month = self.position(day)?.month as usize - 1;
                let (first, next) = match grain {
                    Grain::Quarter => (month / 3 * 3, month / 3 * 3 + 3),
                    _ => (month, month + 1),
                };
                let from = start.checked_add_days(Days::new(starts[first] * 7))?;
                let to = match starts.get(next) {
                    Some(weeks) => start.checked_add_days(Days::new(weeks * 7))?.pred_opt()?,
                    None => end,
                };
                Some((from, to))
            }
        }
    }

    /// The year of whole weeks a day is in: its name, first and last day.
    fn week_year(&self, day: NaiveDate) -> Option<(i32, NaiveDate, NaiveDate)> {
        // A year that is named Y may begin in Y-2 (ends in January) and end in the first days of
        // Y+1 (nearest to the end of December).
        for year in day.year() - 1..=day.year() + 1 {
            let end = self.year_end(year)?;
            if day <= end {
                return Some((year, self.year_end(year - 1)?.succ_opt()?, end));
            }
        }
        None
    }

    fn year_end(&self, year: i32) -> Option<NaiveDate> {
        let FiscalYear::Weeks { end_month, ends_on, rule, .. } = self.year else { return None };
        let month_end = NaiveDate::from_ymd_opt(year, end_month, 1)?
            .checked_add_months(Months::new(1))?
            .pred_opt()?;
        let back =
            (7 + month_end.weekday().num_days_from_monday() - ends_on.num_days_from_monday()) % 7;
        let last = month_end.checked_sub_days(Days::new(u64::from(back)))?;
        match rule {
            YearEnd::Nearest if back > 3 => last.checked_add_days(Days::new(7)),
            _ => Some(last),
        }
    }
}

fn week_of(day: NaiveDate, first: Weekday) -> Option<(NaiveDate, NaiveDate)> {
    let into = (7 + day.weekday().num_days_from_monday() - first.num_days_from_monday()) % 7;
    let start = day.checked_sub_days(Days::new(u64::from(into)))?;
    Some((start, start.checked_add_days(Days::new(6))?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn period(calendar: &Calendar, grain: Grain, text: &str) -> String {
        let (start, end) = calendar.period(grain, day(text)).unwrap();
        format!("{start} {end}")
    }

    fn retail(rule: YearEnd) -> Calendar {
        Calendar {
            year: FiscalYear::Weeks {
                pattern: WeekPattern::FourFiveFour,
                end_month: 1,
                ends_on: Weekday::Sat,
                rule,
            },
            week_start: Weekday::Mon,
        }
    }

    #[test]
    fn the_calendar_year_is_the_calendar_year() {
        let calendar = Calendar::default();
        assert_eq!(period(&calendar, Grain::Week, "2017-01-01"), "2016-12-26 2017-01-01");
        assert_eq!(period(&calendar, Grain::Month, "2016-02-10"), "2016-02-01 2016-02-29");
        assert_eq!(period(&calendar, Grain::Quarter, "2017-11-30"), "2017-10-01 2017-12-31");
        assert_eq!(period(&calendar, Grain::Year, "2017-11-30"), "2017-01-01 2017-12-31");
    }

    #[test]
    fn a_year_from_february_is_named_by_its_end() {
        let calendar =
            Calendar { year: FiscalYear::Months { start_month: 2 }, week_start: Weekday::Sun };
        let position = calendar.position(day("2026-01-31")).unwrap();
        assert_eq!((position.year, position.month, position.quarter()), (2026, 12, 4));
        let position = calendar.position(day("2026-02-01")).unwrap();
        assert_eq!((position.year, position.month, position.quarter()), (2027, 1, 1));
        assert_eq!(period(&calendar, Grain::Quarter, "2026-01-15"), "2025-11-01 2026-01-31");
        assert_eq!(period(&calendar, Grain::Year, "2026-02-01"), "2026-02-01 2027-01-31");
        assert_eq!(period(&calendar, Grain::Week, "2026-02-01"), "2026-02-01 2026-02-07");
    }

    /// The National Retail Federation publishes its 4-5-4 calendar: fiscal 2023 began on
    /// 2023-01-29 and had 53 weeks, fiscal 2024 began on 2024-02-04. (It names years by their
    /// start; we name them by their end, so these are 2024 and 2025 here.)
    #[test]
    fn the_retail_calendar_is_the_published_one() {
        let calendar = retail(YearEnd::Nearest);
        assert_eq!(period(&calendar, Grain::Year, "2023-06-01"), "2023-01-29 2024-02-03");
        assert_eq!(period(&calendar, Grain::Year, "2024-06-01"), "2024-02-04 2025-02-01");
        assert_eq!(period(&calendar, Grain::Month, "2024-02-04"), "2024-02-04 2024-03-02");
        assert_eq!(period(&calendar, Grain::Month, "2024-03-03"), "2024-03-03 2024-04-06");
        assert_eq!(period(&calendar, Grain::Month, "2024-02-03"), "2023-12-31 2024-02-03");
        assert_eq!(
            calendar.position(day("2024-02-03")).unwrap(),
            Position { year: 2024, month: 12 }
        );
        assert_eq!(
            calendar.position(day("2024-02-04")).unwrap(),
            Position { year: 2025, month: 1 }
        );
        assert_eq!(period(&calendar, Grain::Week, "2024-02-04"), "2024-02-04 2024-02-10");
    }

    #[test]
    fn the_last_saturday_of_january_is_another_year_than_the_nearest() {
        assert_eq!(
            period(&retail(YearEnd::Last), Grain::Year, "2023-06-01"),
            "2023-01-29 2024-01-27"
        );
    }

    fn calendars() -> impl Strategy<Value = Calendar> {
        let weekday = (0u8..7).prop_map(|n| Weekday::try_from(n).unwrap());
        let pattern = prop_oneof![
            Just(WeekPattern::FourFourFive),
            Just(WeekPattern::FourFiveFour),
            Just(WeekPattern::FiveFourFour)
        ];
        let rule = prop_oneof![Just(YearEnd::Last), Just(YearEnd::Nearest)];
        let year = prop_oneof![
            (1u32..=12).prop_map(|start_month| FiscalYear::Months { start_month }),
            (pattern, 1u32..=12, weekday.clone(), rule).prop_map(
                |(pattern, end_month, ends_on, rule)| {
                    FiscalYear::Weeks { pattern, end_month, ends_on, rule }
                }
            ),
        ];
        (year, weekday).prop_map(|(year, week_start)| Calendar { year, week_start })
    }

    proptest! {
        #[test]
        fn periods_tile_the_time_line(calendar in calendars(), offset in 0i32..60_000) {
            let day = NaiveDate::from_num_days_from_ce_opt(700_000 + offset).unwrap();
            let here = calendar.position(day).unwrap();
            for grain in Grain::ALL {
                let (start, end) = calendar.period(grain, day).unwrap();
                prop_assert!(start <= day && day <= end, "{grain:?} {start} {day} {end}");
                // Every day of the period says the same of it.
                prop_assert_eq!(calendar.period(grain, start), Some((start, end)));
                prop_assert_eq!(calendar.period(grain, end), Some((start, end)));
                // The next period begins on the next day, the one before ended on the day before.
                let next = calendar.period(grain, end.succ_opt().unwrap()).unwrap();
                prop_assert_eq!(next.0, end.succ_opt().unwrap());
                let before = calendar.period(grain, start.pred_opt().unwrap()).unwrap();
                prop_assert_eq!(before.1, start.pred_opt().unwrap());
                // Within months, quarters and years the fiscal position agrees.
                let (first, last) = (calendar.position(start).unwrap(), calendar.position(end).unwrap());
                match grain {
                    Grain::Month => {
                        prop_assert_eq!(first, here);
                        prop_assert_eq!(last, here);
                    }
                    Grain::Quarter => {
                        prop_assert_eq!((first.year, first.quarter()), (here.year, here.quarter()));
                        prop_assert_eq!((last.year, last.quarter()), (here.year, here.quarter()));
                    }
                    Grain::Year => {
                        prop_assert_eq!((first.year, first.month), (here.year, 1));
                        prop_assert_eq!((last.year, last.month), (here.year, 12));
                        let next = calendar.position(end.succ_opt().unwrap()).unwrap();
                        prop_assert_eq!(next.year, here.year + 1);
                        if let FiscalYear::Weeks { .. } = calendar.year {
                            let weeks = ((end - start).num_days() + 1) as f64 / 7.0;
                            prop_assert!(weeks == 52.0 || weeks == 53.0, "{weeks} weeks");
                        }
                    }
                    Grain::Day | Grain::Week => {}
                }
            }
        }
    }
}
