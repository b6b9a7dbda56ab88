//! `config/targets.yml`: what the company means to reach.
//!
//! Which metrics there are is not known here, and a period's days follow from the fiscal
//! calendar, which the models know; whoever knows both judges metric and period at their places.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use salesmart_core::yaml::{At, Node, Pairs, Value};
use salesmart_core::{Error, Location, Millionths, Result};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::holidays::day;

/// The id of the company as a scope.
pub const COMPANY: &str = "company";

/// A value that a metric is meant to reach in a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The metric's id.
    pub metric: At<String>,
    /// Whose target it is.
    pub scope: Scope,
    /// The scope's id; [`COMPANY`] for the company.
    pub scope_id: String,
    /// When.
    pub period: At<TargetPeriod>,
    /// How much.
    pub value: Millionths,
    /// A remark for people.
    pub note: Option<String>,
}

/// Whose target it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The whole company.
    #[default]
    Company,
    /// A region.
    Region,
    /// A team.
    Team,
    /// A rep.
    Rep,
}

impl Scope {
    /// As tables spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Company => COMPANY,
            Scope::Region => "region",
            Scope::Team => "team",
            Scope::Rep => "rep",
        }
    }
}

/// When a target is to be reached, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetPeriod {
    /// `FY26`, `FY26Q3`, `FY26M07`, `2026-08`.
    Named(String),
    /// The fiscal month, quarter or year that begins on a day.
    Begins(TargetGrain, NaiveDate),
}

/// How long a target's period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetGrain {
    /// A fiscal month.
    Month,
    /// A fiscal quarter.
    Quarter,
    /// A fiscal year.
    Year,
}

impl TargetGrain {
    /// As tables spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            TargetGrain::Month => "month",
            TargetGrain::Quarter => "quarter",
            TargetGrain::Year => "year",
        }
    }
}

/// A target's value in the file.
#[derive(Clone, Copy, Debug)]
struct Written(Millionths);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// The file as it is written.
#[derive(JsonSchema)]
#[schemars(title = "The targets of a Salesmart project", inline)]
pub(crate) struct TargetsFile(#[expect(dead_code, reason = "the schema is of it")] Vec<TargetFile>);

/// A value that a metric is meant to reach in a period; or with `values`, in several.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Target")]
struct TargetFile {
    /// The metric's id: `salesmart metrics` lists them.
    #[schemars(with = "String")]
    metric: At<String>,
    /// Whose target it is. By default the company's.
    #[schemars(with = "Option<Scope>")]
    scope: Option<At<Scope>>,
    /// The id of the region, team or rep, as in `mart.dim_scope`.
    #[schemars(with = "Option<String>")]
    id: Option<At<String>>,
    /// When: a fiscal year `FY26`, quarter `FY26Q3` or month `FY26M07`, a month `2026-08`, or
    /// `{quarter: 2026-08-01}` by its first day (`month`, `quarter` or `year`).
    #[schemars(schema_with = "crate::schema::target_period")]
    period: Option<Node>,
    /// How much; shares are fractions, so 35 % is `0.35`.
    #[schemars(schema_with = "crate::schema::decimal")]
    value: Option<At<Written>>,
    /// Instead of `period` and `value`: how much in each of several periods.
    #[schemars(with = "Option<BTreeMap<String, f64>>")]
    values: Option<At<Pairs<At<String>, Written>>>,
    /// A remark for people.
    note: Option<String>,
}

/// Every target of the file, in its order. Every mistake in it is reported.
pub(crate) fn decode(node: &Node) -> Result<Vec<Target>> {
    if node.value == Value::Null {
        return Ok(Vec::new());
    }
    let Value::Sequence(items) = &node.value else {
        return Err(Error::configuration("targets are a list")
            .with(
                "expected",
                "entries such as `- {metric: win_rate_count, period: FY26Q3, value: 0.35}`",
            )
            .at(node.location.clone())
            .with_hint("begin each target with `- `"));
    };
    let mut targets = Vec::new();
    let mut problems = Vec::new();
    for item in items {
        match item.decode::<TargetFile>().and_then(|file| expand(file, &item.location)) {
            Ok(expanded) => targets.extend(expanded),
            Err(error) => problems.push(error),
        }
    }
    match Error::many(problems) {
        Some(error) => Err(error),
        None => Ok(targets),
    }
}

/// The targets of one entry: one, or one a period of `values`.
fn expand(file: TargetFile, place: &Location) -> Result<Vec<Target>> {
    let scope = file.scope.as_ref().map_or(Scope::default(), |at| at.value);
    let scope_id = scope_id(&file, scope, place)?;
    let target = |period, value| Target {
        metric: file.metric.clone(),
        scope,
        scope_id: scope_id.clone(),
        period,
        value,
        note: file.note.clone(),
    };
    match (&file.period, &file.value, &file.values) {
        (Some(period), Some(value), None) => Ok(vec![target(read_period(period)?, value.value.0)]),
        (None, None, Some(values)) if values.value.0.is_empty() => {
            Err(Error::configuration("`values` names no period")
                .with("expected", "periods and values, such as `{FY26Q1: 100000, FY26Q2: 120000}`")
                .at(values.location.clone()))
        }
        (None, None, Some(values)) => Ok(values
            .value
            .0
            .iter()
            .map(|(period, value)| target(period.clone().map(TargetPeriod::Named), value.0))
            .collect()),
        (_, _, Some(values)) => {
            Err(Error::configuration("`values` stands beside `period` or `value`")
                .with("expected", "either `period` and `value`, or `values`")
                .at(values.location.clone()))
        }
        (None, _, None) => Err(Error::configuration("the target has no period")
            .at(place.clone())
            .with_hint("add `period: FY26Q3`, or `values: {FY26Q3: …}`")),
        (Some(period), None, None) => Err(Error::configuration("the target has no value")
            .at(period.location.clone())
            .with_hint("add `value: …`")),
    }
}

fn scope_id(file: &TargetFile, scope: Scope, place: &Location) -> Result<String> {
    match (scope, &file.id) {
        (Scope::Company, None) => Ok(COMPANY.to_owned()),
        (Scope::Company, Some(id)) if file.scope.is_none() => {
            Err(Error::configuration("the target has an id and no scope")
                .at(id.location.clone())
                .with_hint("add `scope: region`, `scope: team` or `scope: rep`"))
        }
        (Scope::Company, Some(id)) if id.value == COMPANY => Ok(COMPANY.to_owned()),
        (Scope::Company, Some(id)) => Err(Error::configuration("the company has no id")
            .at(id.location.clone())
            .with_hint("remove `id`, or set `scope` to `region`, `team` or `rep`")),
        (_, Some(id)) if !id.value.trim().is_empty() => Ok(id.value.trim().to_owned()),
        (_, _) => Err(Error::configuration(format!("the target names no {}", scope.as_str()))
            .at(file.scope.as_ref().map_or(place, |at| &at.location).clone())
            .with_hint(format!(
                "add `id: …`; `salesmart query \"select scope_id, scope_name from mart.dim_scope \
                 where scope = '{}'\"` lists them",
                scope.as_str()
            ))),
    }
}

/// `{quarter: 2026-08-01}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begins {
    month: Option<At<String>>,
    quarter: Option<At<String>>,
    year: Option<At<String>>,
}

fn read_period(node: &Node) -> Result<At<TargetPeriod>> {
    if !matches!(node.value, Value::Mapping(_)) {
        return Ok(node.decode::<At<String>>()?.map(TargetPeriod::Named));
    }
    let begins: Begins = node.decode()?;
    let given: Vec<(TargetGrain, At<String>)> = [
        (TargetGrain::Month, begins.month),
        (TargetGrain::Quarter, begins.quarter),
        (TargetGrain::Year, begins.year),
    ]
    .into_iter()
    .filter_map(|(grain, text)| Some((grain, text?)))
    .collect();
    match given.as_slice() {
        [(grain, text)] => {
            Ok(At::new(TargetPeriod::Begins(*grain, day(text)?), text.location.clone()))
        }
        _ => Err(Error::configuration("a period has one beginning")
            .with(
                "expected",
                "one of `{month: …}`, `{quarter: …}`, `{year: …}`, with its first day",
            )
            .at(node.location.clone())),
    }
}
