//! Fiscal calendar functions: `fiscal_year`, `fiscal_quarter`, `fiscal_month`, `period_start`,
//! `period_end`, and `company_date`, the company's day of an instant.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{AsArray, Date32Array, Int64Array};
use arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, NaiveDate};
use chrono_tz::Tz;
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::give_back;
use crate::calendar::{Calendar, Grain};
use crate::settings::BusinessSettings;

/// Days from the first of January of year 1 to that of 1970, as chrono counts them.
const EPOCH_FROM_CE: i32 = 719_163;

pub(super) fn all(business: &BusinessSettings) -> Vec<Arc<ScalarUDF>> {
    let part = |name, part| ScalarUDF::from(FiscalPart::new(name, part, business.calendar));
    let bound = |name, end| ScalarUDF::from(PeriodBound::new(name, end, business.calendar));
    [
        part("fiscal_year", Part::Year),
        part("fiscal_quarter", Part::Quarter),
        part("fiscal_month", Part::Month),
        bound("period_start", false),
        bound("period_end", true),
        ScalarUDF::from(CompanyDate::new(business.time_zone)),
    ]
    .into_iter()
    .map(Arc::new)
    .collect()
}

fn to_date(days: i32) -> Result<NaiveDate> {
    days.checked_add(EPOCH_FROM_CE)
        .and_then(NaiveDate::from_num_days_from_ce_opt)
        .ok_or_else(|| exec_datafusion_err!("day {days} since 1970-01-01 is beyond the calendar"))
}

fn from_date(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - EPOCH_FROM_CE
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Year,
    Quarter,
    Month,
}

/// `fiscal_year(date)`, `fiscal_quarter(date)`, `fiscal_month(date)`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct FiscalPart {
    name: &'static str,
    part: Part,
    calendar: Calendar,
    signature: Signature,
}

impl FiscalPart {
    fn new(name: &'static str, part: Part, calendar: Calendar) -> Self {
        let signature = Signature::exact(vec![DataType::Date32], Volatility::Immutable);
        Self { name, part, calendar, signature }
    }
}

impl ScalarUDFImpl for FiscalPart {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [days] = arrays.as_slice() else {
            return exec_err!("`{}` takes one date", self.name);
        };
        // A column holds few distinct days many times over.
        let mut known: HashMap<i32, i64> = HashMap::new();
        let mut values = Vec::with_capacity(days.len());
        for day in days.as_primitive::<Date32Type>() {
            let Some(day) = day else {
                values.push(None);
                continue;
            };
            let value = match known.get(&day) {
                Some(value) => *value,
                None => {
                    let position = self.calendar.position(to_date(day)?).ok_or_else(|| {
                        exec_datafusion_err!("day {day} since 1970-01-01 is beyond the calendar")
                    })?;
                    let value = match self.part {
                        Part::Year => i64::from(position.year),
                        Part::Quarter => i64::from(position.quarter()),
                        Part::Month => i64::from(position.month),
                    };
                    known.insert(day, value);
                    value
                }
            };
            values.push(Some(value));
        }
        give_back(&args, Arc::new(Int64Array::from(values)))
    }
}

/// `period_start(grain, date)` and `period_end(grain, date)`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct PeriodBound {
    name: &'static str,
    end: bool,
    calendar: Calendar,
    signature: Signature,
}

impl PeriodBound {
    fn new(name: &'static str, end: bool, calendar: Calendar) -> Self {
        let signature =
            Signature::exact(vec![DataType::Utf8, DataType::Date32], Volatility::Immutable);
        Self { name, end, calendar, signature }
    }
}

impl ScalarUDFImpl for PeriodBound {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [grains, days] = arrays.as_slice() else {
            return exec_err!("`{}` takes a period's name and a date", self.name);
        };
        let mut known: HashMap<(Grain, i32), i32> = HashMap::new();
        let mut values = Vec::with_capacity(days.len());
        for (grain, day) in grains.as_string::<i32>().iter().zip(days.as_primitive::<Date32Type>())
        {
            let (Some(grain), Some(day)) = (grain, day) else {
                values.push(None);
                continue;
            };
            let grain: Grain = grain.parse().map_err(|why| exec_datafusion_err!("{why}"))?;
            let value = match known.get(&(grain, day)) {
                Some(value) => *value,
                None => {
                    let (start, end) =
                        self.calendar.period(grain, to_date(day)?).ok_or_else(|| {
                            exec_datafusion_err!(
                                "day {day} since 1970-01-01 is beyond the calendar"
                            )
                        })?;
                    let value = from_date(if self.end { end } else { start });
                    known.insert((grain, day), value);
                    value
                }
            };
            values.push(Some(value));
        }
        give_back(&args, Arc::new(Date32Array::from(values)))
    }
}

/// `company_date(timestamp)`: the day it is in the company's zone at an instant.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CompanyDate {
    zone: Tz,
    signature: Signature,
}

impl CompanyDate {
    fn new(zone: Tz) -> Self {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Self { zone, signature: Signature::exact(vec![instant], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for CompanyDate {
    fn name(&self) -> &str {
        "company_date"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [instants] = arrays.as_slice() else {
            return exec_err!("`company_date` takes one timestamp");
        };
        let days = instants
            .as_primitive::<TimestampMicrosecondType>()
            .iter()
            .map(|instant| {
                instant
                    .map(|micros| {
                        DateTime::from_timestamp_micros(micros)
                            .map(|instant| {
                                from_date(instant.with_timezone(&self.zone).date_naive())
                            })
                            .ok_or_else(|| {
                                exec_datafusion_err!(
                                    "{micros} µs since 1970 is beyond the calendar"
                                )
                            })
                    })
                    .transpose()
            })
            .collect::<Result<Vec<Option<i32>>>>()?;
        give_back(&args, Arc::new(Date32Array::from(days)))
    }
}
