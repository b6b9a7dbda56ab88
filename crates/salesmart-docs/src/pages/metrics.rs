//! The catalogue of metrics, and a page each.

use salesmart_model::{Metric, Model, Relation};
use serde::Serialize;

use super::TableLink;
use crate::facts::Facts;
use crate::figures::Figures;
use crate::{Request, highlight, wording};

/// The height of a chart's tallest bar, and the step from bar to bar, in its own units.
const HEIGHT: f64 = 88.0;
const STEP: u32 = 60;

/// A metric's page.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MetricPage {
    pub(crate) id: String,
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) definition: String,
    formula: String,
    pub(crate) unit: String,
    grain: String,
    time_anchor: String,
    additive: &'static str,
    numerator: Option<String>,
    denominator: Option<String>,
    null_rule: Option<String>,
    owner: Option<String>,
    pub(crate) table: TableLink,
    path: String,
    sources: Vec<TableLink>,
    /// The column of the table that holds the figure, where there is one for all metrics.
    value: Option<String>,
    example: Option<Example>,
    /// The newest figure, for lists.
    pub(crate) newest: Option<Newest>,
}

/// The newest figure of the company.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Newest {
    pub(crate) value: String,
    pub(crate) period: String,
}

/// Figures of this release.
#[derive(Clone, Debug, Serialize)]
struct Example {
    columns: Vec<Heading>,
    rows: Vec<Vec<Option<String>>>,
    sql: String,
    explain: Option<String>,
    chart: Option<Chart>,
}

#[derive(Clone, Debug, Serialize)]
struct Heading {
    name: String,
    is_number: bool,
}

/// Bars, oldest first.
#[derive(Clone, Debug, Serialize)]
struct Chart {
    width: u32,
    grain: &'static str,
    bars: Vec<Bar>,
    words: String,
}

#[derive(Clone, Debug, Serialize)]
struct Bar {
    x: u32,
    y: String,
    height: String,
    label: String,
    value: String,
}

/// Metrics by their table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct List<'a> {
    families: Vec<Family<'a>>,
    all: usize,
}

#[derive(Clone, Debug, Serialize)]
struct Family<'a> {
    table: &'a TableLink,
    metrics: Vec<&'a MetricPage>,
}

impl<'a> List<'a> {
    pub(crate) fn new(metrics: &'a [MetricPage]) -> Self {
        let mut families: Vec<Family<'a>> = Vec::new();
        for metric in metrics {
            match families.iter_mut().find(|family| family.table == &metric.table) {
                Some(family) => family.metrics.push(metric),
                None => families.push(Family { table: &metric.table, metrics: vec![metric] }),
            }
        }
        // What is measured comes before what was forecast of it.
        families.sort_by_key(|family| {
            (!family.table.name.starts_with("kpi."), family.table.name.clone())
        });
        Self { families, all: metrics.len() }
    }
}

/// The pages of all metrics, by id.
pub(crate) fn pages(request: Request<'_>, facts: &Facts) -> Vec<MetricPage> {
    let mut pages: Vec<MetricPage> = request
        .catalog
        .models()
        .flat_map(|model| model.header.metrics.iter().map(move |metric| (metric, model)))
        .map(|(metric, model)| page(metric, model, facts.figures.get(&metric.id)))
        .collect();
    pages.sort_by(|a, b| a.id.cmp(&b.id));
    pages
}

fn page(metric: &Metric, model: &Model, figures: Option<&Figures>) -> MetricPage {
    let example = figures.map(|figures| example(metric, figures));
    MetricPage {
        href: wording::metric_href(&metric.id),
        id: metric.id.clone(),
        title: metric.title.clone(),
        definition: metric.definition.clone(),
        formula: metric.formula.clone(),
        unit: metric.unit.clone(),
        grain: metric.grain.clone(),
        time_anchor: metric.time_anchor.clone(),
        additive: match (metric.additive, metric.unit.as_str()) {
            (true, _) => "yes: values of parts may be added up",
            (false, "ratio") => "no: add up numerators and denominators, and divide",
            (false, _) => "no",
        },
        numerator: metric.numerator.clone(),
        denominator: metric.denominator.clone(),
        null_rule: metric.null_rule.clone(),
        owner: model.header.owner.clone(),
        table: TableLink::new(&model.name.to_string()),
        path: model.path.clone(),
        sources: model
            .reads
            .iter()
            .filter(|read| matches!(read.relation, Relation::Model(_)))
            .map(|read| TableLink::new(&read.relation.to_string()))
            .collect(),
        value: model.header.column("value").map(|column| format!("{}.{}", model.name, column.name)),
        newest: figures.and_then(|figures| newest(metric, figures)),
        example,
    }
}

/// The places of the value and the period in an answer that is not cut into slices.
fn series(figures: &Figures) -> Option<(usize, usize)> {
    let place = |name: &str| figures.columns.iter().position(|column| column == name);
    let sliced =
        ["stage_name", "forecast_category", "close_period_start", "target_metric", "series"]
            .into_iter()
            .any(|slice| place(slice).is_some());
    if sliced { None } else { Some((place("value")?, place("period_start")?)) }
}

fn newest(metric: &Metric, figures: &Figures) -> Option<Newest> {
    let (value, period) = series(figures)?;
    let (place, row) = figures.rows.iter().enumerate().find(|(_, row)| row[value].is_some())?;
    let start = row[period].clone()?;
    Some(Newest {
        value: wording::figure(row[value].as_deref()?, &metric.unit),
        period: match figures.periods.get(place) {
            Some(Some(name)) => name.clone(),
            _ => format!("from {start}"),
        },
    })
}

fn example(metric: &Metric, figures: &Figures) -> Example {
    let is_number = |name: &str| {
        matches!(name, "numerator" | "denominator" | "value" | "n" | "n_excluded" | "amount")
    };
    let rows = figures
        .rows
        .iter()
        .map(|row| {
            row.iter()
                .zip(&figures.columns)
                .map(|(cell, column)| {
                    let cell = cell.as_deref()?;
                    Some(match column.as_str() {
                        "value" => wording::figure(cell, &metric.unit),
                        "numerator" | "denominator" | "amount" => plain(cell),
                        "n" | "n_excluded" => wording::thousands(cell),
                        _ if cell.ends_with('Z') => wording::instant_text(cell),
                        _ => cell.to_owned(),
                    })
                })
                .collect()
        })
        .collect();
    Example {
        columns: figures
            .columns
            .iter()
            .map(|name| Heading { name: name.clone(), is_number: is_number(name) })
            .collect(),
        rows,
        sql: highlight::html(&figures.sql, |_| None),
        explain: figures.explain.clone(),
        chart: chart(metric, figures),
    }
}

/// A decimal without zeros at its end.
fn plain(text: &str) -> String {
    let text = wording::decimal(text, 2);
    text.strip_suffix(".00").map_or(text.clone(), str::to_owned)
}

/// The values as bars. A bar's height is for the eye only: the figure stands above it.
fn chart(metric: &Metric, figures: &Figures) -> Option<Chart> {
    let (value, period) = series(figures)?;
    let points: Vec<(f64, &str, &str)> = figures
        .rows
        .iter()
        .zip(&figures.periods)
        .rev()
        .filter_map(|(row, name)| {
            let text = row[value].as_deref()?;
            let start = row[period].as_deref()?;
            Some((text.parse().ok()?, text, name.as_deref().unwrap_or(start)))
        })
        .collect();
    let most = points.iter().map(|point| point.0).fold(0.0, f64::max);
    let negative = points.iter().any(|point| point.0 < 0.0);
    if points.len() < 2 || most <= 0.0 || negative {
        return None;
    }
    let mut x = 0;
    let bars = points
        .iter()
        .map(|(number, text, label)| {
            let height = (number / most * HEIGHT).max(1.0);
            let bar = Bar {
                x,
                y: format!("{:.1}", HEIGHT - height + 18.0),
                height: format!("{height:.1}"),
                label: (*label).to_owned(),
                value: short(text, &metric.unit),
            };
            x += STEP;
            bar
        })
        .collect();
    let grain = figures.grain.unwrap_or("period");
    Some(Chart {
        width: x,
        bars,
        grain,
        words: format!("{} by {grain}, oldest first", metric.title),
    })
}

/// A figure that fits above a bar.
fn short(text: &str, unit: &str) -> String {
    let full = wording::figure(text, unit);
    if full.chars().count() <= 9 && unit != "days" && unit != "hours" {
        return full;
    }
    if unit == "days" || unit == "hours" {
        return wording::decimal(text, 1);
    }
    let thousands = text.split('.').next().map(str::len).unwrap_or(0);
    match thousands {
        0..=6 => full,
        digits => {
            let (whole, rest) = text.split_at(digits - 6);
            format!("{} M", wording::decimal(&format!("{whole}.{}", rest.replace('.', "")), 1))
        }
    }
}
