//! The true figures as a CSV file.

use std::io::{self, Write};

use super::{Sheet, Truth};
use crate::Fixed6;

/// The columns.
const HEADER: [&str; 13] = [
    "metric",
    "period_grain",
    "period_start",
    "scope",
    "scope_name",
    "stage_name",
    "forecast_category",
    "close_period_start",
    "numerator",
    "denominator",
    "value",
    "n",
    "n_excluded",
];

/// Writes figures as CSV; what is not known is empty.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_truth(truth: &[Truth], out: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(HEADER).map_err(io::Error::from)?;
    let text = |number: Option<Fixed6>| number.map(|number| number.to_string()).unwrap_or_default();
    for figure in truth {
        csv.write_record([
            figure.metric,
            figure.period_grain,
            &figure.period_start.to_string(),
            figure.scope.as_str(),
            &figure.scope_name,
            figure.stage.map_or("", crate::Stage::name),
            figure.category.unwrap_or_default(),
            &figure.close_period.map(|day| day.to_string()).unwrap_or_default(),
            &text(figure.numerator),
            &text(figure.denominator),
            &text(figure.value),
            &figure.n.to_string(),
            &figure.n_excluded.to_string(),
        ])
        .map_err(io::Error::from)?;
    }
    csv.flush()
}

/// Writes a sheet as CSV: its keys, then its values.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_sheet(sheet: &Sheet, out: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(sheet.keys.iter().chain(sheet.values)).map_err(io::Error::from)?;
    for (key, values) in &sheet.rows {
        csv.write_record(key.iter().chain(values)).map_err(io::Error::from)?;
    }
    csv.flush()
}
