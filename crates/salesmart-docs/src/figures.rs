//! Examples: what a metric came to in this release, with the very SQL that was asked.

use std::collections::{BTreeMap, BTreeSet};

use salesmart_core::Result;
use salesmart_model::{Metric, Model};

use crate::facts::{Asked, Row};

/// Rows of an example.
const SHOWN: usize = 8;
/// What a company's figures are shown by, the first that there is.
const GRAINS: [&str; 5] = ["quarter", "month", "year", "week", "day"];
/// Columns that cut a figure into parts.
const SLICES: [&str; 5] =
    ["stage_name", "forecast_category", "close_period_start", "target_metric", "series"];

/// An example of a metric.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// What was asked.
    pub(crate) sql: String,
    /// The columns of the answer.
    pub(crate) columns: Vec<String>,
    /// The answer, newest first.
    pub(crate) rows: Vec<Row>,
    /// What people call the period of each row.
    pub(crate) periods: Vec<Option<String>>,
    /// The length of the periods.
    pub(crate) grain: Option<&'static str>,
    /// `salesmart explain …`, where a figure can be taken apart.
    pub(crate) explain: Option<String>,
}

/// An example of every metric of the catalogue whose table is in the release.
///
/// # Errors
/// When a table cannot be read.
pub(crate) async fn read(asked: &Asked<'_>) -> Result<BTreeMap<String, Figures>> {
    let names = period_names(asked).await?;
    let mut all = BTreeMap::new();
    for model in asked.request.catalog.models() {
        if model.header.metrics.is_empty() || !asked.has(&model.name.to_string()) {
            continue;
        }
        let grains = grains(asked, model).await?;
        for metric in &model.header.metrics {
            let example = example(asked, model, metric, &grains, &names).await?;
            all.insert(metric.id.clone(), example);
        }
    }
    Ok(all)
}

/// The names of fiscal periods, by grain and first day.
async fn period_names(asked: &Asked<'_>) -> Result<BTreeMap<(String, String), String>> {
    if !asked.has("mart.dim_period") {
        return Ok(BTreeMap::new());
    }
    let rows =
        asked.rows("select period_grain, period_start, period_name from mart.dim_period").await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.as_slice() {
            [Some(grain), Some(start), Some(name)] => {
                Some(((grain.clone(), start.clone()), name.clone()))
            }
            _ => None,
        })
        .collect())
}

/// Which grains a model's metrics have.
async fn grains(asked: &Asked<'_>, model: &Model) -> Result<BTreeSet<(String, String)>> {
    let has = |column| model.header.column(column).is_some();
    if !(has("metric") && has("period_grain") && has("scope")) {
        return Ok(BTreeSet::new());
    }
    let sql =
        format!("select distinct metric, period_grain from {} where scope = 'company'", model.name);
    let rows = asked.rows(&sql).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.as_slice() {
            [Some(metric), Some(grain)] => Some((metric.clone(), grain.clone())),
            _ => None,
        })
        .collect())
}

async fn example(
    asked: &Asked<'_>,
    model: &Model,
    metric: &Metric,
    grains: &BTreeSet<(String, String)>,
    names: &BTreeMap<(String, String), String>,
) -> Result<Figures> {
    let grain =
        GRAINS.into_iter().find(|grain| grains.contains(&(metric.id.clone(), (*grain).to_owned())));
    let (columns, sql) = question(model, metric, grain);
    let mut rows = asked.rows(&sql).await?;
    // What is empty in every row says nothing.
    let full: Vec<bool> =
        (0..columns.len()).map(|place| rows.iter().any(|row| row[place].is_some())).collect();
    let explain = grain.and_then(|grain| explain(metric, grain, &columns, rows.first()?, names));
    let start = columns.iter().position(|column| column == "period_start");
    let periods = rows.iter().map(|row| {
        let start = row.get(start?)?.clone()?;
        names.get(&(grain?.to_owned(), start)).cloned()
    });
    let periods = periods.collect();
    for row in &mut rows {
        let mut place = 0;
        row.retain(|_| {
            place += 1;
            full[place - 1]
        });
    }
    let mut place = 0;
    let mut columns = columns;
    columns.retain(|_| {
        place += 1;
        full[place - 1]
    });
    Ok(Figures { sql, columns, rows, periods, grain, explain })
}

/// What is asked, and the columns of the answer.
fn question(model: &Model, metric: &Metric, grain: Option<&str>) -> (Vec<String>, String) {
    let has = |column: &str| model.header.column(column).is_some();
    let id = metric.id.replace('\'', "''");
    if has("metric") && has("period_start") && has("value") && has("scope") {
        let slices = SLICES.into_iter().filter(|slice| has(slice));
        let rest = ["numerator", "denominator", "value", "n", "n_excluded", "completeness"];
        let columns: Vec<String> = ["period_start", "scope_name"]
            .into_iter()
            .chain(slices.clone())
            .chain(rest)
            .filter(|column| has(column))
            .map(str::to_owned)
            .collect();
        let order: Vec<&str> = ["period_start desc"].into_iter().chain(slices).collect();
        let grain = grain.unwrap_or("quarter");
        let sql = format!(
            "select {}\nfrom {}\nwhere metric = '{id}'\n    and period_grain = '{grain}'\n    \
             and scope = 'company'\norder by {}\nlimit {SHOWN}",
            columns.join(", "),
            model.name,
            order.join(", "),
        );
        return (columns, sql);
    }
    // Tables of another shape: the newest rows of the company, in the order of their grain.
    let columns: Vec<String> =
        model.header.columns.iter().map(|column| column.name.clone()).collect();
    let company = if has("scope") { "\nwhere scope = 'company'" } else { "" };
    let newest: Vec<String> = ["snapshot_date", "to_date", "period_start"]
        .into_iter()
        .filter(|column| has(column))
        .map(|column| format!("{column} desc"))
        .collect();
    let rest = model.header.grain.iter().filter(|column| {
        !newest.iter().any(|known| known.split(' ').next() == Some(column.as_str()))
    });
    let order: Vec<String> = newest.iter().cloned().chain(rest.cloned()).collect();
    let order =
        if order.is_empty() { String::new() } else { format!("\norder by {}", order.join(", ")) };
    let sql = format!(
        "select {}\nfrom {}{company}{order}\nlimit {SHOWN}",
        columns.join(", "),
        model.name
    );
    (columns, sql)
}

/// The command that takes the newest figure apart.
fn explain(
    metric: &Metric,
    grain: &str,
    columns: &[String],
    row: &Row,
    names: &BTreeMap<(String, String), String>,
) -> Option<String> {
    let cell = |name: &str| {
        let place = columns.iter().position(|column| column == name)?;
        row.get(place)?.clone()
    };
    let start = cell("period_start")?;
    let name = names.get(&(grain.to_owned(), start.clone()));
    let period = match (grain, name) {
        ("day", _) => start,
        (_, Some(name)) => name.clone(),
        _ => return None,
    };
    let mut command = format!("salesmart explain {} --period {}", metric.id, shell(&period));
    let slices =
        [("stage_name", "stage"), ("forecast_category", "category"), ("target_metric", "target")];
    for (column, key) in slices {
        if let Some(value) = cell(column) {
            command.push_str(&format!(" --slice {}", shell(&format!("{key}={value}"))));
        }
    }
    if let Some(start) = cell("close_period_start") {
        let name = names.get(&("quarter".to_owned(), start))?;
        command.push_str(&format!(" --slice {}", shell(&format!("close_period={name}"))));
    }
    Some(command)
}

/// A word as a shell takes it.
fn shell(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=:./".contains(&byte);
    if word.bytes().all(plain) && !word.is_empty() {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_the_shell_where_they_need_it() {
        assert_eq!(shell("FY26Q3"), "FY26Q3");
        assert_eq!(shell("stage=Closed Won"), "'stage=Closed Won'");
        assert_eq!(shell("it's; rm"), r"'it'\''s; rm'");
    }
}
