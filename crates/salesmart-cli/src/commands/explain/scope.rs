//! Whose figure is meant, and which slice of it.

use salesmart_core::suggest::{list, nearest};
use salesmart_core::{Error, Result};
use salesmart_model::Calendar;
use salesmart_run::Period;

use super::release::Explained;
use super::{cell, quoted};

/// The company, a region, a team or a rep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// `company`, `region`, `team` or `rep`.
    pub(super) scope: String,
    /// Its id.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
}

/// Names that an error lists.
const LISTED: usize = 12;

impl Scope {
    /// The scope that is meant by `company`, `region:X`, `team:X`, `rep:X`.
    ///
    /// # Errors
    /// When there is none, or more than one: lists those that may be meant.
    pub(super) async fn find(explained: &Explained<'_>, text: &str) -> Result<Self> {
        let (scope, wanted) = written(text)?;
        let rows = explained
            .rows(&format!(
                "select scope_id, scope_name from mart.dim_scope where scope = '{scope}' \
                 order by scope_name, scope_id"
            ))
            .await?;
        let known = rows
            .iter()
            .map(|row| {
                Ok(Self {
                    scope: scope.to_owned(),
                    id: cell(row, 0, "scope_id")?.to_owned(),
                    name: cell(row, 1, "scope_name")?.to_owned(),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Self::choose(scope, wanted, known)
    }

    /// The one that is meant, of those that there are.
    pub(super) fn choose(scope: &str, wanted: &str, known: Vec<Self>) -> Result<Self> {
        if let Some(found) = known.iter().find(|one| one.id == wanted) {
            return Ok(found.clone());
        }
        let is_named = |one: &&Self| one.name.to_lowercase() == wanted.to_lowercase();
        let named: Vec<&Self> = known.iter().filter(is_named).collect();
        match named.as_slice() {
            [one] => return Ok((*one).clone()),
            [] => {}
            several => {
                let ids = list(several.iter().map(|one| one.id.as_str()));
                return Err(Error::configuration(format!(
                    "`{wanted}` is the name of {} {scope}s",
                    several.len()
                ))
                .with("their ids are", ids)
                .with_hint(format!("name one by its id: `--scope {scope}:ID`")));
            }
        }
        let error = Error::configuration(format!("there is no {scope} `{wanted}`"));
        let names = || known.iter().map(|one| one.name.as_str());
        let part = wanted.to_lowercase();
        let like: Vec<&str> = names().filter(|name| name.to_lowercase().contains(&part)).collect();
        let near = nearest(wanted, names())
            .or_else(|| nearest(wanted, known.iter().map(|one| one.id.as_str())));
        let error = match (&like[..], known.len()) {
            ([_, _, ..], _) => error.with("such names", shortened(&like)),
            (_, 0) => error.with("there are", format!("no {scope}s in the release")),
            _ => error.with("there are", shortened(&names().collect::<Vec<_>>())),
        };
        Err(match near.or(like.first().copied().filter(|_| like.len() == 1)) {
            Some(near) => error.with_hint(format!("did you mean `{scope}:{near}`?")),
            None => error,
        })
    }
}

/// At most a dozen names.
fn shortened(names: &[&str]) -> String {
    let text = list(names.iter().copied().take(LISTED));
    match names.len().saturating_sub(LISTED) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// The parts of `team:Europe`.
fn written(text: &str) -> Result<(&'static str, &str)> {
    let (kind, wanted) = text.split_once(':').unwrap_or((text, ""));
    let kinds = ["company", "region", "team", "rep"];
    let Some(kind) = kinds.into_iter().find(|known| *known == kind.trim()) else {
        let error = Error::configuration(format!("`{text}` is no scope")).with(
            "expected",
            "`company`, `region:NAME`, `team:NAME` or `rep:NAME`; an id does as well",
        );
        return Err(match nearest(kind, kinds) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error,
        });
    };
    match (kind, wanted.trim()) {
        ("company", _) => Ok((kind, "company")),
        (_, "") => Err(Error::configuration(format!("which {kind} is meant?"))
            .with("expected", format!("`--scope \"{kind}:NAME\"`"))),
        (_, wanted) => Ok((kind, wanted)),
    }
}

/// One slice of a figure: a column and its value as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    /// The column of kpi tables and contributions.
    pub(super) column: &'static str,
    /// The value; of a stage its id or its name.
    pub(super) value: String,
}

/// What slices are called, and their columns.
pub(super) const SLICES: [(&str, &str); 4] = [
    ("stage", "stage_id"),
    ("category", "forecast_category"),
    ("close_period", "close_period_start"),
    ("target", "target_metric"),
];

impl Slice {
    /// Reads `stage=Proposal`.
    ///
    /// # Errors
    /// When there is no such slice, or its value is no period where one is needed.
    pub(super) fn parse(text: &str, calendar: &Calendar) -> Result<Self> {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let found = SLICES.iter().find(|(name, _)| *name == key.trim());
        let (Some((name, column)), false) = (found, value.trim().is_empty()) else {
            let keys = SLICES.map(|(name, _)| name);
            let error = Error::configuration(format!("`{text}` is no slice")).with(
                "expected",
                "`stage=NAME`, `category=NAME`, `close_period=PERIOD` or `target=METRIC`",
            );
            return Err(match nearest(key, keys).filter(|near| *near != key) {
                Some(near) => error.with_hint(format!("did you mean `{near}=…`?")),
                None => error,
            });
        };
        let value = match *name {
            "close_period" => Period::parse(value, calendar)?.start.to_string(),
            _ => value.trim().to_owned(),
        };
        Ok(Self { column, value })
    }

    /// As a condition on a table that has the column.
    pub(super) fn condition(&self, table: &str) -> String {
        let Self { column, value } = self;
        let value = quoted(value);
        match *column {
            "close_period_start" => format!("{table}.{column} = cast({value} as date)"),
            "forecast_category" => format!("coalesce({table}.{column}, 'none') = {value}"),
            _ => format!("{table}.{column} = {value}"),
        }
    }
}
