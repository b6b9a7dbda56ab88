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
}

impl Default for BusinessSettings {
    fn default() -> Self {
        Self {
            company_name: "Company".to_owned(),
            reporting_currency: "USD".to_owned(),
            time_zone: Tz::UTC,
            calendar: Calendar::default(),
            stale_after_days: 14,
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
