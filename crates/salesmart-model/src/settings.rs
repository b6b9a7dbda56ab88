//! What models know of the company: the part of `config/business.yml` that changes their rows.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::calendar::Calendar;

/// What models know of the company. It is part of every table's fingerprint: another setting
/// builds the tables again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessSettings {
    /// The company's name, as reports show it.
    pub company_name: String,
    /// The ISO code of the currency that figures are reported in.
    pub reporting_currency: String,
    /// The zone in which the company's days begin.
    pub time_zone: Tz,
    /// The fiscal calendar.
    pub calendar: Calendar,
    /// Days without activity after which an open deal counts as stale.
    pub stale_after_days: i64,
    /// Fiscal periods that are forecast at a time: the current one and those after it.
    pub forecast_open_periods: i64,
    /// Days after a period's end until its actuals are frozen.
    pub books_close_days: i64,
    /// Days before a period's end at which forecasts are compared.
    pub forecast_checkpoints: Vec<i64>,
    /// Days that are no working days beside the weekends, with their names.
    pub holidays: Vec<(NaiveDate, String)>,
    /// What the company means to reach.
    pub targets: Vec<Target>,
}

/// A value that a metric is meant to reach in a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub id: String,
    /// The metric's id.
    pub metric: String,
    /// `company`, `region`, `team` or `rep`.
    pub scope: String,
    /// Which of them.
    pub scope_id: String,
    /// `month`, `quarter` or `year`.
    pub period_grain: String,
    /// The period's first day.
    pub period_start: NaiveDate,
    /// The value, in millionths.
    pub value: i128,
    /// A remark for people.
    pub note: Option<String>,
}

impl Default for BusinessSettings {
    fn default() -> Self {
        Self {
            company_name: "Company".to_owned(),
            reporting_currency: "USD".to_owned(),
            time_zone: Tz::UTC,
            calendar: Calendar::default(),
            stale_after_days: 14,
            forecast_open_periods: 2,
            books_close_days: 5,
            forecast_checkpoints: vec![90, 60, 30, 14, 7, 1],
            holidays: Vec::new(),
            targets: Vec::new(),
        }
    }
}

impl BusinessSettings {
    /// The company's day at an instant: what `$as_of_date` means.
    #[must_use]
    pub fn date_of(&self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.time_zone).date_naive()
    }
}
