//! Spans of days by name, relative to the org's clock: `TODAY`, `LAST_N_DAYS:30`, `THIS_FISCAL_QUARTER`.

use chrono::{Datelike, Days, Months, NaiveDate};

/// A span of days by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateName {
    when: When,
    unit: Unit,
    /// The `n` of those that have one.
    count: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Last,
    This,
    Next,
    Ago,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
    FiscalQuarter,
    FiscalYear,
    NinetyDays,
}

/// Every name that takes no number.
const PLAIN: [(&str, When, Unit); 23] = [
    ("YESTERDAY", When::Last, Unit::Day),
    ("TODAY", When::This, Unit::Day),
    ("TOMORROW", When::Next, Unit::Day),
    ("LAST_WEEK", When::Last, Unit::Week),
    ("THIS_WEEK", When::This, Unit::Week),
    ("NEXT_WEEK", When::Next, Unit::Week),
    ("LAST_MONTH", When::Last, Unit::Month),
    ("THIS_MONTH", When::This, Unit::Month),
    ("NEXT_MONTH", When::Next, Unit::Month),
    ("LAST_90_DAYS", When::Last, Unit::NinetyDays),
    ("NEXT_90_DAYS", When::Next, Unit::NinetyDays),
    ("LAST_QUARTER", When::Last, Unit::Quarter),
    ("THIS_QUARTER", When::This, Unit::Quarter),
    ("NEXT_QUARTER", When::Next, Unit::Quarter),
    ("LAST_YEAR", When::Last, Unit::Year),
    ("THIS_YEAR", When::This, Unit::Year),
    ("NEXT_YEAR", When::Next, Unit::Year),
    ("LAST_FISCAL_QUARTER", When::Last, Unit::FiscalQuarter),
    ("THIS_FISCAL_QUARTER", When::This, Unit::FiscalQuarter),
    ("NEXT_FISCAL_QUARTER", When::Next, Unit::FiscalQuarter),
    ("LAST_FISCAL_YEAR", When::Last, Unit::FiscalYear),
    ("THIS_FISCAL_YEAR", When::This, Unit::FiscalYear),
    ("NEXT_FISCAL_YEAR", When::Next, Unit::FiscalYear),
];

/// Every name that takes a number.
const COUNTED: [(&str, When, Unit); 21] = [
    ("LAST_N_DAYS", When::Last, Unit::Day),
    ("NEXT_N_DAYS", When::Next, Unit::Day),
    ("N_DAYS_AGO", When::Ago, Unit::Day),
    ("LAST_N_WEEKS", When::Last, Unit::Week),
    ("NEXT_N_WEEKS", When::Next, Unit::Week),
    ("N_WEEKS_AGO", When::Ago, Unit::Week),
    ("LAST_N_MONTHS", When::Last, Unit::Month),
    ("NEXT_N_MONTHS", When::Next, Unit::Month),
    ("N_MONTHS_AGO", When::Ago, Unit::Month),
    ("LAST_N_QUARTERS", When::Last, Unit::Quarter),
    ("NEXT_N_QUARTERS", When::Next, Unit::Quarter),
    ("N_QUARTERS_AGO", When::Ago, Unit::Quarter),
    ("LAST_N_YEARS", When::Last, Unit::Year),
    ("NEXT_N_YEARS", When::Next, Unit::Year),
    ("N_YEARS_AGO", When::Ago, Unit::Year),
    ("LAST_N_FISCAL_QUARTERS", When::Last, Unit::FiscalQuarter),
    ("NEXT_N_FISCAL_QUARTERS", When::Next, Unit::FiscalQuarter),
    ("N_FISCAL_QUARTERS_AGO", When::Ago, Unit::FiscalQuarter),
    ("LAST_N_FISCAL_YEARS", When::Last, Unit::FiscalYear),
    ("NEXT_N_FISCAL_YEARS", When::Next, Unit::FiscalYear),
    ("N_FISCAL_YEARS_AGO", When::Ago, Unit::FiscalYear),
];

/// What spans are counted from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar {
    pub(crate) today: NaiveDate,
    /// The month the fiscal year starts in.
    pub(crate) fiscal_start: u32,
}

impl DateName {
    /// The span of this name; `None` if there is none, `Some(None)` if it needs a number.
    pub(crate) fn named(name: &str) -> Option<Option<Self>> {
        let name = name.to_ascii_uppercase();
        if let Some((_, when, unit)) = PLAIN.iter().find(|(known, ..)| *known == name) {
            return Some(Some(Self { when: *when, unit: *unit, count: None }));
        }
        COUNTED.iter().any(|(known, ..)| *known == name).then_some(None)
    }

    /// The span of this name and number.
    pub(crate) fn counted(name: &str, count: u32) -> Option<Self> {
        let name = name.to_ascii_uppercase();
        let (_, when, unit) = COUNTED.iter().find(|(known, ..)| *known == name)?;
        Some(Self { when: *when, unit: *unit, count: Some(count) })
    }

    /// As it is written.
    pub(crate) fn text(self) -> String {
        let is_it = |(_, when, unit): &&(&'static str, When, Unit)| {
            *when == self.when && *unit == self.unit
        };
        match self.count {
            None => PLAIN.iter().find(is_it).map_or("", |(name, ..)| name).to_owned(),
            Some(count) => {
                let name = COUNTED.iter().find(is_it).map_or("", |(name, ..)| name);
                format!("{name}:{count}")
            }
        }
    }

    /// Its first day, and the first day after it. Nothing when that is beyond the calendar.
    pub(crate) fn days(self, calendar: Calendar) -> Option<(NaiveDate, NaiveDate)> {
        let today = calendar.today;
        let count = i64::from(self.count.unwrap_or(1));
        let tomorrow = today.succ_opt()?;
        match (self.unit, self.when) {
            // The last days reach up to and with today, the next ones begin tomorrow.
            (Unit::Day, When::Last) if self.count.is_some() => {
                Some((shift_days(today, -count)?, tomorrow))
            }
            (Unit::NinetyDays, When::Last) => Some((shift_days(today, -90)?, tomorrow)),
            (Unit::Day, When::Next) => Some((tomorrow, shift_days(tomorrow, count)?)),
            (Unit::NinetyDays, _) => Some((tomorrow, shift_days(tomorrow, 90)?)),
            (unit, when) => {
                let start = self.start(calendar)?;
                let (from, to) = match when {
                    When::This => (0, 1),
                    When::Last => (-count, 0),
                    When::Next => (1, 1 + count),
                    When::Ago => (-count, 1 - count),
                };
                Some((unit.shift(start, from)?, unit.shift(start, to)?))
            }
        }
    }

    /// The first day of the unit that today is in.
    fn start(self, calendar: Calendar) -> Option<NaiveDate> {
        let today = calendar.today;
        let month = today.with_day(1)?;
        let back = |months: u32| month.checked_sub_months(Months::new(months));
        let fiscal = (month.month() + 12 - calendar.fiscal_start) % 12;
        match self.unit {
            Unit::Day | Unit::NinetyDays => Some(today),
            Unit::Week => {
                today.checked_sub_days(Days::new(today.weekday().num_days_from_sunday().into()))
            }
            Unit::Month => Some(month),
            Unit::Quarter => back(month.month0() % 3),
            Unit::Year => back(month.month0()),
            Unit::FiscalQuarter => back(fiscal % 3),
            Unit::FiscalYear => back(fiscal),
        }
    }
}

impl Unit {
    fn shift(self, day: NaiveDate, count: i64) -> Option<NaiveDate> {
        let months = match self {
            Unit::Day | Unit::NinetyDays => return shift_days(day, count),
            Unit::Week => return shift_days(day, count.checked_mul(7)?),
            Unit::Month => 1,
            Unit::Quarter | Unit::FiscalQuarter => 3,
            Unit::Year | Unit::FiscalYear => 12,
        };
        let months = count.checked_mul(months)?;
        let amount = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
        if months < 0 { day.checked_sub_months(amount) } else { day.checked_add_months(amount) }
    }
}

fn shift_days(day: NaiveDate, count: i64) -> Option<NaiveDate> {
    let days = Days::new(count.unsigned_abs());
    if count < 0 { day.checked_sub_days(days) } else { day.checked_add_days(days) }
}
