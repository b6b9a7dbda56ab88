//! How forecasts are kept and compared: the section `forecast` of `config/business.yml`.

use salesmart_core::yaml::At;
use salesmart_core::{Error, Result};
use schemars::JsonSchema;
use serde::Deserialize;

/// How forecasts are kept and compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// Fiscal quarters that are sealed each night: the current one and those after it.
    pub open_periods: u32,
    /// Days after a quarter's end until what was won in it is frozen.
    pub books_close_days: u32,
    /// Days before a quarter's end at which forecasts are compared, the most first.
    pub checkpoints: Vec<u32>,
}

impl Default for Forecast {
    fn default() -> Self {
        Self { open_periods: 2, books_close_days: 5, checkpoints: vec![90, 60, 30, 14, 7, 1] }
    }
}

/// How forecasts are kept and compared.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Forecast")]
pub(crate) struct ForecastFile {
    /// Fiscal quarters whose deals and figures are sealed each night: the current one and those
    /// after it. By default 2.
    #[schemars(with = "Option<u32>", range(min = 1, max = 8))]
    open_periods: Option<At<u32>>,
    /// Days after a quarter's end until what was won in it is frozen; what the CRM changes later
    /// is a restatement beside it. By default 5.
    #[schemars(with = "Option<u32>", range(max = 366))]
    books_close_days: Option<At<u32>>,
    /// Days before a quarter's end at which forecasts are compared. By default
    /// `[90, 60, 30, 14, 7, 1]`.
    #[schemars(with = "Option<Vec<u32>>", length(min = 1), inner(range(max = 1000)))]
    checkpoints: Option<At<Vec<At<u32>>>>,
}

impl TryFrom<ForecastFile> for Forecast {
    type Error = Error;

    fn try_from(file: ForecastFile) -> Result<Self> {
        let default = Forecast::default();
        let mut problems = Vec::new();
        let mut within = |key: &str, days: &At<u32>, least: u32, most: u32| {
            if !(least..=most).contains(&days.value) {
                problems.push(
                    Error::configuration(format!("`{key}` cannot be `{}`", days.value))
                        .with("expected", format!("{least} to {most}"))
                        .at(days.location.clone()),
                );
            }
        };
        if let Some(periods) = &file.open_periods {
            within("open_periods", periods, 1, 8);
        }
        if let Some(days) = &file.books_close_days {
            within("books_close_days", days, 0, 366);
        }
        for days in file.checkpoints.iter().flat_map(|list| &list.value) {
            within("checkpoints", days, 0, 1_000);
        }
        let checkpoints = match file.checkpoints {
            Some(list) => checkpoints(list, &mut problems),
            None => default.checkpoints,
        };
        match Error::many(problems) {
            Some(error) => Err(error),
            None => Ok(Self {
                open_periods: file.open_periods.map_or(default.open_periods, |at| at.value),
                books_close_days: file
                    .books_close_days
                    .map_or(default.books_close_days, |at| at.value),
                checkpoints,
            }),
        }
    }
}

/// The checkpoints, each once, the one furthest from the end first.
fn checkpoints(list: At<Vec<At<u32>>>, problems: &mut Vec<Error>) -> Vec<u32> {
    if list.value.is_empty() {
        problems.push(
            Error::configuration("`checkpoints` is empty")
                .with("expected", "at least one number of days, such as `[30, 7]`")
                .at(list.location)
                .with_hint("leave the key out for the default"),
        );
    }
    let mut days: Vec<u32> = Vec::new();
    for at in list.value {
        if days.contains(&at.value) {
            problems.push(
                Error::configuration(format!("the checkpoint {} is written twice", at.value))
                    .at(at.location),
            );
        } else {
            days.push(at.value);
        }
    }
    days.sort_unstable_by(|a, b| b.cmp(a));
    days
}
