//! `working_days(first, last)`: Mondays to Fridays from one day to another, both counted, without
//! the holidays of the company's settings.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::{DataType, Date32Type};
use chrono::NaiveDate;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::give_back;
use crate::settings::BusinessSettings;

/// The function, following the company's holidays.
pub(super) fn working_days(business: &BusinessSettings) -> ScalarUDF {
    let days = vec![DataType::Date32, DataType::Date32];
    ScalarUDF::from(WorkingDays {
        free: free_days(business.holidays.iter().map(|(day, _)| *day)),
        signature: Signature::exact(days, Volatility::Immutable),
    })
}

/// The days since 1970 that would be working days, each once, in order.
fn free_days(holidays: impl Iterator<Item = NaiveDate>) -> Vec<i64> {
    let mut free: Vec<i64> = holidays
        .map(|day| day.signed_duration_since(NaiveDate::default()).num_days())
        .filter(|day| is_weekday(*day))
        .collect();
    free.sort_unstable();
    free.dedup();
    free
}

/// Day 0, 1970-01-01, was a Thursday.
fn is_weekday(day: i64) -> bool {
    (day + 3).rem_euclid(7) < 5
}

/// Mondays to Fridays before a day, counted from the Monday before 1970.
fn weekdays_before(day: i64) -> i64 {
    let since = day + 3;
    since.div_euclid(7) * 5 + since.rem_euclid(7).min(5)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct WorkingDays {
    free: Vec<i64>,
    signature: Signature,
}

impl WorkingDays {
    fn between(&self, first: i64, last: i64) -> i64 {
        if last < first {
            return 0;
        }
        let from = self.free.partition_point(|day| *day < first);
        let to = self.free.partition_point(|day| *day <= last);
        let free = i64::try_from(to - from).unwrap_or(i64::MAX);
        weekdays_before(last + 1) - weekdays_before(first) - free
    }
}

impl ScalarUDFImpl for WorkingDays {
    fn name(&self) -> &'static str {
        "working_days"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [first, last] = arrays.as_slice() else {
            return exec_err!("`working_days` takes two dates");
        };
        let days: Int64Array = first
            .as_primitive::<Date32Type>()
            .iter()
            .zip(last.as_primitive::<Date32Type>())
            .map(|(first, last)| Some(self.between(first?.into(), last?.into())))
            .collect();
        give_back(&args, Arc::new(days))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, Weekday};

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn since_1970(day: NaiveDate) -> i64 {
        day.signed_duration_since(NaiveDate::default()).num_days()
    }

    #[test]
    fn it_counts_as_a_calendar_does() {
        // New Year's Day 2026 is a Thursday, the 3rd a Saturday; one holiday is entered twice.
        let holidays = ["2026-01-01", "2026-01-03", "2026-01-01", "2026-01-06"];
        let function = WorkingDays {
            free: free_days(holidays.into_iter().map(day)),
            signature: Signature::any(2, Volatility::Immutable),
        };
        let count = |first: &str, last: &str| {
            function.between(since_1970(day(first)), since_1970(day(last)))
        };
        assert_eq!(count("2026-01-01", "2026-01-01"), 0);
        assert_eq!(count("2026-01-02", "2026-01-02"), 1);
        assert_eq!(count("2026-01-03", "2026-01-04"), 0);
        assert_eq!(count("2026-01-01", "2026-01-31"), 22 - 2);
        assert_eq!(count("2026-01-31", "2026-01-01"), 0);
        assert_eq!(count("1969-12-29", "1970-01-04"), 5);

        // Against counting one by one, over spans of every length and every weekday.
        let start = day("2025-12-20");
        for from in 0..14 {
            for length in 0..40 {
                let days = start.iter_days().skip(from).take(length + 1);
                let expected = days
                    .filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun))
                    .filter(|day| !holidays.contains(&day.to_string().as_str()))
                    .count();
                let first = since_1970(start) + i64::try_from(from).unwrap();
                let last = first + i64::try_from(length).unwrap();
                assert_eq!(function.between(first, last), i64::try_from(expected).unwrap());
            }
        }
    }
}
