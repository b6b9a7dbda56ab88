//! `config/business.yml`: what models must know of the company.

use chrono::{Month, Weekday};
use chrono_tz::{TZ_VARIANTS, Tz};
use salesmart_core::suggest::nearest;
use salesmart_core::yaml::{At, Node};
use salesmart_core::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::forecast::{Forecast, ForecastFile};
use crate::holidays::{self, Holiday};

/// What models must know of the company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Business {
    /// The company's name, as reports show it.
    pub company_name: String,
    /// The ISO 4217 code of the currency that figures are reported in.
    pub reporting_currency: String,
    /// The zone in which the company's days begin.
    pub time_zone: Tz,
    /// The fiscal year.
    pub fiscal_year: FiscalYear,
    /// Days without activity after which an open deal counts as stale.
    pub stale_after_days: u32,
    /// Days that are no working days beside the weekends, in order.
    pub holidays: Vec<Holiday>,
    /// How forecasts are kept and compared.
    pub forecast: Forecast,
}

/// The fiscal year. A year is named by the calendar year in which it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FiscalYear {
    /// The month it starts with, 1 to 12. A year of whole weeks ends by the end of the month
    /// before.
    pub starts: u32,
    /// Calendar months, or whole weeks.
    pub pattern: Pattern,
    /// The weekday on which a year of whole weeks ends: the one before `week_starts`.
    pub ends_on: Weekday,
    /// Which of those weekdays.
    pub rule: YearEnd,
    /// The first day of a week.
    pub week_starts: Weekday,
}

/// How a fiscal year is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Pattern {
    /// Twelve calendar months.
    #[default]
    #[serde(rename = "calendar")]
    Calendar,
    /// 52 or 53 weeks; the months of a quarter have four, four and five.
    #[serde(rename = "4-4-5")]
    FourFourFive,
    /// 52 or 53 weeks; the months of a quarter have four, five and four.
    #[serde(rename = "4-5-4")]
    FourFiveFour,
    /// 52 or 53 weeks; the months of a quarter have five, four and four.
    #[serde(rename = "5-4-4")]
    FiveFourFour,
}

/// On which of its weekdays a year of whole weeks ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum YearEnd {
    /// The last one in the month.
    #[default]
    Last,
    /// The one nearest to the end of the month, which may be in the next month.
    Nearest,
}

impl Default for Business {
    /// What holds where `config/business.yml` is missing or says nothing.
    fn default() -> Self {
        Self {
            company_name: "Company".to_owned(),
            reporting_currency: "USD".to_owned(),
            time_zone: Tz::UTC,
            fiscal_year: FiscalYear::default(),
            stale_after_days: 14,
            holidays: Vec::new(),
            forecast: Forecast::default(),
        }
    }
}

impl Default for FiscalYear {
    /// The calendar year, with weeks from Monday.
    fn default() -> Self {
        Self {
            starts: 1,
            pattern: Pattern::Calendar,
            ends_on: Weekday::Sun,
            rule: YearEnd::Last,
            week_starts: Weekday::Mon,
        }
    }
}

/// The file as it is written. Its doc comments are the reference and the JSON Schema.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "The business of a Salesmart project", inline)]
pub(crate) struct BusinessFile {
    /// The company's name, as reports show it. By default `Company`.
    company_name: Option<String>,
    /// The currency that figures are reported in, by its ISO 4217 code. By default `USD`.
    #[serde(default, deserialize_with = "currency")]
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    reporting_currency: Option<String>,
    /// The zone in which the company's days begin, such as `Europe/Berlin`. By default `UTC`.
    #[serde(default, deserialize_with = "time_zone")]
    #[schemars(with = "Option<String>")]
    time_zone: Option<Tz>,
    /// The fiscal year. By default the calendar year.
    #[serde(default, deserialize_with = "fiscal_year")]
    #[schemars(with = "Option<FiscalYearFile>")]
    fiscal_year: Option<FiscalYear>,
    /// Days without activity after which an open deal counts as stale. By default 14.
    #[schemars(with = "Option<u32>", range(min = 1))]
    stale_after_days: Option<At<u32>>,
    /// Days that are no working days beside Saturday and Sunday: dates, or `{date: …, name: …}`.
    /// Quotas are prorated, and the pace of targets is measured, by working days.
    #[serde(default)]
    #[schemars(schema_with = "crate::schema::holidays")]
    holidays: Vec<Node>,
    /// How forecasts are kept and compared.
    #[serde(default)]
    #[schemars(with = "Option<ForecastFile>")]
    forecast: Option<ForecastFile>,
}

/// The fiscal year.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FiscalYear")]
struct FiscalYearFile {
    /// The month it starts with, by name or number. By default `january`.
    #[serde(default, deserialize_with = "month")]
    #[schemars(schema_with = "crate::schema::month")]
    starts: Option<u32>,
    /// `calendar` months, or 52 and 53 whole weeks in quarters of `4-4-5`, `4-5-4` or `5-4-4`.
    #[serde(default)]
    pattern: Pattern,
    /// The weekday on which a year of whole weeks ends. By default the one before `week_starts`.
    #[serde(default, deserialize_with = "weekday")]
    #[schemars(schema_with = "crate::schema::weekday")]
    ends_on: Option<At<Weekday>>,
    /// The `last` such weekday in the month before `starts`, or the one `nearest` to its end.
    /// By default `last`.
    #[schemars(with = "Option<YearEnd>")]
    rule: Option<At<YearEnd>>,
    /// The first day of a week. By default `monday`, or the day after `ends_on`.
    #[serde(default, deserialize_with = "weekday")]
    #[schemars(schema_with = "crate::schema::weekday")]
    week_starts: Option<At<Weekday>>,
}

impl Business {
    pub(crate) fn decode(node: &Node) -> Result<Self> {
        let file: BusinessFile = node.decode()?;
        let default = Business::default();
        let stale_after_days = match file.stale_after_days {
            Some(days) if days.value == 0 => {
                return Err(Error::configuration("`stale_after_days` cannot be `0`")
                    .with("expected", "at least 1 day")
                    .at(days.location));
            }
            days => days.map_or(default.stale_after_days, |days| days.value),
        };
        Ok(Self {
            company_name: file.company_name.unwrap_or(default.company_name),
            reporting_currency: file.reporting_currency.unwrap_or(default.reporting_currency),
            time_zone: file.time_zone.unwrap_or(default.time_zone),
            fiscal_year: file.fiscal_year.unwrap_or(default.fiscal_year),
            stale_after_days,
            holidays: holidays::read(&file.holidays)?,
            forecast: file.forecast.map_or(Ok(default.forecast), Forecast::try_from)?,
        })
    }
}

impl TryFrom<FiscalYearFile> for FiscalYear {
    type Error = Error;

    fn try_from(file: FiscalYearFile) -> Result<Self> {
        if file.pattern == Pattern::Calendar {
            let location = |key, at: &Option<_>| {
                at.as_ref().map(|At { location, .. }| (key, location.clone()))
            };
            let meaningless = location("ends_on", &file.ends_on.map(|at| at.map(|_| ())));
            let meaningless =
                meaningless.or_else(|| location("rule", &file.rule.map(|at| at.map(|_| ()))));
            if let Some((key, location)) = meaningless {
                return Err(Error::configuration(format!(
                    "`{key}` has no meaning in a year of calendar months"
                ))
                .at(location)
                .with_hint("remove it, or set `pattern` to `4-4-5`, `4-5-4` or `5-4-4`"));
            }
            return Ok(Self {
                starts: file.starts.unwrap_or(1),
                week_starts: file.week_starts.map_or(Weekday::Mon, |at| at.value),
                ..Self::default()
            });
        }
        let (ends_on, week_starts) = match (file.ends_on, file.week_starts) {
            (Some(end), Some(start)) if end.value.succ() != start.value => {
                return Err(Error::configuration(
                    "`ends_on` and `week_starts` contradict each other",
                )
                .with(
                    "expected",
                    "a year of whole weeks, which ends on the day before a week starts",
                )
                .at(end.location)
                .with_hint("give one of the two; the other follows"));
            }
            (Some(end), _) => (end.value, end.value.succ()),
            (None, Some(start)) => (start.value.pred(), start.value),
            (None, None) => (Weekday::Sun, Weekday::Mon),
        };
        Ok(Self {
            starts: file.starts.unwrap_or(1),
            pattern: file.pattern,
            ends_on,
            rule: file.rule.map(|at| at.value).unwrap_or_default(),
            week_starts,
        })
    }
}

fn fiscal_year<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<FiscalYear>, D::Error> {
    let file = Option::<FiscalYearFile>::deserialize(deserializer)?;
    file.map(FiscalYear::try_from).transpose().map_err(serde::de::Error::custom)
}

/// Reads a text, if there is one, and makes of it what `parse` makes.
fn text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T>,
) -> Result<Option<At<T>>, D::Error> {
    let Some(At { value, location }) = Option::<At<String>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let value = parse(value.trim()).map_err(serde::de::Error::custom)?;
    Ok(Some(At { value, location }))
}

fn currency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let parsed = text(deserializer, |code| {
        if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Ok(code.to_owned());
        }
        let error = Error::configuration(format!("`{code}` is not a currency"))
            .with("expected", "an ISO 4217 code of three capitals, such as `EUR`");
        let capitals = code.to_ascii_uppercase();
        Err(if capitals.len() == 3 && capitals.bytes().all(|byte| byte.is_ascii_uppercase()) {
            error.with_hint(format!("write `{capitals}`"))
        } else {
            error
        })
    })?;
    Ok(parsed.map(|at| at.value))
}

fn time_zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tz>, D::Error> {
    let parsed = text(deserializer, |name| {
        name.parse::<Tz>().map_err(|_| {
            let error = Error::configuration(format!("`{name}` is not a time zone"))
                .with("expected", "a name of the IANA time zone database, such as `Europe/Berlin`");
            // Many know the city and not the continent.
            let city = |zone: &Tz| {
                zone.name().rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(name))
            };
            let near = TZ_VARIANTS.iter().find(|zone| city(zone)).map(|zone| zone.name());
            match near.or_else(|| nearest(name, TZ_VARIANTS.iter().map(|zone| zone.name()))) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => error,
            }
        })
    })?;
    Ok(parsed.map(|at| at.value))
}

fn month<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let parsed = text(deserializer, |name| {
        if let Ok(number @ 1..=12) = name.parse::<u32>() {
            return Ok(number);
        }
        if let Ok(month) = name.parse::<Month>() {
            return Ok(month.number_from_month());
        }
        let error = Error::configuration(format!("`{name}` is not a month"))
            .with("expected", "a name such as `february`, or a number from 1 to 12");
        Err(match nearest(name, MONTHS) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error,
        })
    })?;
    Ok(parsed.map(|at| at.value))
}

fn weekday<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<At<Weekday>>, D::Error> {
    const DAYS: [&str; 7] =
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    text(deserializer, |name| {
        name.parse::<Weekday>().map_err(|_| {
            let error = Error::configuration(format!("`{name}` is not a weekday"))
                .with("expected", "a name such as `monday`");
            match nearest(name, DAYS) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => error,
            }
        })
    })
}
