//! The figure: one row of a kpi table.

use salesmart_core::suggest::list;
use salesmart_core::{Error, Millionths, Result};
use salesmart_run::Period;

use super::release::{Explained, Row};
use super::scope::{SLICES, Scope, Slice};
use super::{cell, quoted};
use crate::commands::metrics::Card;

/// A figure as it was published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Figure {
    /// Its parts and value; all null where there is no row, because nothing was observed.
    pub(super) numerator: Option<Millionths>,
    pub(super) denominator: Option<Millionths>,
    pub(super) value: Option<Millionths>,
    pub(super) unit: String,
    pub(super) n: i64,
    pub(super) n_excluded: i64,
    pub(super) completeness: String,
    /// Whether there is a row at all.
    pub(super) is_published: bool,
    /// Why it is not complete: reason, connection, deals and explanation.
    pub(super) reasons: Vec<Row>,
    /// The slices of the row, a stage by its id.
    pub(super) slices: Vec<Slice>,
}

/// Where the columns of the question are: the slices first.
const FIRST_PART: usize = SLICES.len() + 1;
/// Slices that an error lists.
const LISTED: usize = 12;

impl Figure {
    /// The figure of a metric, period, scope and slice.
    ///
    /// # Errors
    /// When the release has it only in slices that were not asked for, or not in those that were.
    pub(super) async fn find(
        explained: &Explained<'_>,
        (metric, model): Card<'_>,
        period: &Period,
        scope: &Scope,
        asked: &[Slice],
    ) -> Result<Self> {
        let has = |column: &str| model.header.column(column).is_some();
        if !["metric", "period_grain", "scope", "numerator", "n_excluded"].into_iter().all(has) {
            return Err(Error::configuration(format!(
                "`{}` is no figure of a period and scope alone",
                metric.id
            ))
            .with("its table", &model.name)
            .with_hint("`salesmart audit` shows the forecast, deal by deal"));
        }
        let column = |name: &str| match has(name) {
            true => format!("cast({name} as varchar) as {name}"),
            false => format!("cast(null as varchar) as {name}"),
        };
        let slices: Vec<String> = SLICES.iter().map(|(_, name)| column(name)).collect();
        let rows = explained
            .rows(&format!(
                "select {}, {}, numerator, denominator, value, unit, n, n_excluded, completeness \
                 from {} where metric = {} and period_grain = '{}' \
                 and period_start = cast('{}' as date) and scope = '{}' and scope_id = {} \
                 order by 1, 2, 3, 4",
                slices.join(", "),
                column("stage_name"),
                model.name,
                quoted(&metric.id),
                period.grain.as_str(),
                period.start,
                scope.scope,
                quoted(&scope.id),
            ))
            .await?;
        let mut figure = choose(&rows, asked)?;
        if figure.completeness != "complete" && figure.is_published {
            figure.reasons = reasons(explained, &metric.id).await?;
        }
        Ok(figure)
    }
}

/// The row with the slices that were asked for, and no others.
pub(super) fn choose(rows: &[Row], asked: &[Slice]) -> Result<Figure> {
    let is_meant = |row: &&Row| {
        SLICES.iter().enumerate().all(|(place, (_, column))| {
            let own = row[place].as_deref();
            match asked.iter().find(|slice| slice.column == *column) {
                None => own.is_none(),
                Some(slice) => {
                    let same = |text: &str| text.eq_ignore_ascii_case(&slice.value);
                    let stage_name = row[SLICES.len()].as_deref();
                    own.is_some_and(same) || (*column == "stage_id" && stage_name.is_some_and(same))
                }
            }
        })
    };
    let meant: Vec<&Row> = rows.iter().filter(is_meant).collect();
    match meant.as_slice() {
        [row] => read(row),
        [] if rows.is_empty() || (asked.is_empty() && has_total(rows)) => {
            Ok(Figure { slices: asked.to_vec(), ..Figure::default() })
        }
        [] if asked.is_empty() => Err(Error::configuration("the figure is published by slice")
            .with("slices", offered(rows))
            .with_hint("name one: `--slice KEY=VALUE`")),
        [] => {
            Err(Error::configuration("the figure has no such slice").with("slices", offered(rows)))
        }
        several => Err(Error::configuration(format!("{} slices are meant", several.len()))
            .with("slices", offered(&several.iter().map(|row| (*row).clone()).collect::<Vec<_>>()))
            .with_hint("name a stage by its id: `--slice stage=ID`")),
    }
}

fn has_total(rows: &[Row]) -> bool {
    rows.iter().any(|row| row[..SLICES.len()].iter().all(Option::is_none))
}

/// The slices that there are, as they can be asked for.
fn offered(rows: &[Row]) -> String {
    let mut slices: Vec<String> = Vec::new();
    for row in rows {
        let parts: Vec<String> = SLICES
            .iter()
            .zip(row)
            .filter_map(|((name, _), value)| Some(format!("{name}={}", value.as_deref()?)))
            .collect();
        let mut text = parts.join(" ");
        if let Some(name) = row[SLICES.len()].as_deref() {
            text = format!("{text} ({name})");
        }
        if !parts.is_empty() && !slices.contains(&text) {
            slices.push(text);
        }
    }
    let more = slices.len().saturating_sub(LISTED);
    let text = list(slices.iter().map(String::as_str).take(LISTED));
    if more == 0 { text } else { format!("{text} and {more} more") }
}

fn read(row: &Row) -> Result<Figure> {
    let decimal =
        |place: usize| row[FIRST_PART + place].as_deref().map(str::parse::<Millionths>).transpose();
    let count = |place: usize, what: &str| -> Result<i64> {
        let text = cell(row, FIRST_PART + place, what)?;
        text.parse().map_err(|_| Error::bug(format!("`{what}` is `{text}`")))
    };
    let slices = SLICES
        .iter()
        .zip(row)
        .filter_map(|((_, column), value)| Some(Slice { column, value: value.clone()? }))
        .collect();
    Ok(Figure {
        numerator: decimal(0)?,
        denominator: decimal(1)?,
        value: decimal(2)?,
        unit: cell(row, FIRST_PART + 3, "unit")?.to_owned(),
        n: count(4, "n")?,
        n_excluded: count(5, "n_excluded")?,
        completeness: cell(row, FIRST_PART + 6, "completeness")?.to_owned(),
        is_published: true,
        reasons: Vec::new(),
        slices,
    })
}

/// Why figures of a metric are degraded or partial: of the metric's own name, else of the family
/// it belongs to (`sales_cycle` of `sales_cycle_p90`), and of all.
async fn reasons(explained: &Explained<'_>, metric: &str) -> Result<Vec<Row>> {
    if !explained.has("ops.completeness") {
        return Ok(Vec::new());
    }
    let rows = explained
        .rows(
            "select metric, reason, connection, deals, explanation from ops.completeness \
             where completeness <> 'excluded' order by metric, reason, connection",
        )
        .await?;
    let family = rows
        .iter()
        .filter_map(|row| row[0].as_deref())
        .filter(|name| {
            let rest = metric.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        })
        .max_by_key(|name| name.len())
        .map(str::to_owned);
    Ok(rows
        .into_iter()
        .filter(|row| {
            let name = row[0].as_deref();
            name == Some("*") || (name.is_some() && name == family.as_deref())
        })
        .map(|row| row[1..].to_vec())
        .collect())
}
