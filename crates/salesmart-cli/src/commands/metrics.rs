//! `salesmart metrics`: the catalogue of figures, and what each of them means.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use clap::{Args, Subcommand};
use salesmart_core::suggest::{list, nearest};
use salesmart_core::{Error, Result};
use salesmart_model::{Catalog, Metric, Model, Relation};

use crate::context::Context;
use crate::output::{Align, Format, RowWriter, TextTable};
use crate::style::Style;

/// Lists the metrics, and shows what one of them means: its definition card.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart metrics                               all of them
  salesmart metrics show win_rate_count           one: definition, formula, rules
  salesmart metrics --format csv                  all cards, for a spreadsheet

The cards are those of the models in use, the project's own included; no run is needed. A release
carries the same as `ops.metric`. `salesmart explain` shows what a figure is made of.")]
pub struct Metrics {
    #[command(subcommand)]
    command: Option<MetricsCommand>,
    #[command(flatten)]
    writing: Writing,
}

#[derive(Subcommand, Debug)]
enum MetricsCommand {
    /// List the metrics: id, title, unit and table (the default)
    List {
        #[command(flatten)]
        writing: Writing,
    },
    /// Show one metric's definition card
    Show {
        /// The metric's id
        id: String,
        #[command(flatten)]
        writing: Writing,
    },
}

/// How cards are written.
#[derive(Args, Debug)]
struct Writing {
    /// How it is written; anything but a table has the whole cards
    #[arg(long, short, value_enum, default_value_t)]
    format: Format,
    /// The file to write to; it appears when it is complete
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A metric and the model whose table it is in.
pub(super) type Card<'a> = (&'a Metric, &'a Model);

impl Metrics {
    /// Does what the subcommand says.
    ///
    /// # Errors
    /// When the project has mistakes or there is no such metric.
    pub fn run(&self, context: &Context) -> Result<()> {
        let workspace = context.workspace()?;
        let catalog = workspace.catalog();
        match &self.command {
            None => self.writing.list(context, catalog),
            Some(MetricsCommand::List { writing }) => writing.list(context, catalog),
            Some(MetricsCommand::Show { id, writing }) => {
                let found = card(catalog, id)?;
                match writing.format {
                    Format::Table if writing.output.is_none() => {
                        context.print(&show(found, context.style()))
                    }
                    _ => writing.rows(context, &[found]),
                }
            }
        }
    }
}

impl Writing {
    fn list(&self, context: &Context, catalog: &Catalog) -> Result<()> {
        let cards = cards(catalog);
        match self.format {
            Format::Table if self.output.is_none() => {
                context.print(&table(&cards, context.style()))
            }
            _ => self.rows(context, &cards),
        }
    }

    /// The whole cards as rows.
    fn rows(&self, context: &Context, cards: &[Card<'_>]) -> Result<()> {
        let rows = batch(cards)?;
        let output = self.output.as_deref();
        let mut writer = RowWriter::new(self.format, output, rows.schema(), context.style())?;
        writer.write(&rows)?;
        writer.finish()?;
        Ok(())
    }
}

/// Every metric, sorted by id.
pub(super) fn cards(catalog: &Catalog) -> Vec<Card<'_>> {
    let mut cards: Vec<Card<'_>> = catalog
        .models()
        .flat_map(|model| model.header.metrics.iter().map(move |metric| (metric, model)))
        .collect();
    cards.sort_by(|a, b| a.0.id.cmp(&b.0.id));
    cards
}

/// The metric with that id.
///
/// # Errors
/// When there is none; names the nearest.
pub(super) fn card<'a>(catalog: &'a Catalog, id: &str) -> Result<Card<'a>> {
    let cards = cards(catalog);
    if let Some(found) = cards.iter().find(|(metric, _)| metric.id == id) {
        return Ok(*found);
    }
    let ids = || cards.iter().map(|(metric, _)| metric.id.as_str());
    let error = Error::configuration(format!("there is no metric `{id}`"));
    // Half a name is a family: `win_rate` has five members.
    let family: Vec<&str> = ids().filter(|known| known.contains(id.trim())).collect();
    Err(match (nearest(id, ids()), family.as_slice()) {
        (_, [_, _, ..]) => error.with("such metrics", list(family)),
        (_, [only]) => error.with_hint(format!("did you mean `{only}`?")),
        (Some(near), []) => error.with_hint(format!("did you mean `{near}`?")),
        (None, []) => error.with_hint("`salesmart metrics` lists them"),
    })
}

fn table(cards: &[Card<'_>], style: Style) -> String {
    let mut table =
        TextTable::new(["metric", "title", "unit", "table"].map(|name| (name, Align::Left)));
    for (metric, model) in cards {
        let (id, title, unit) = (metric.id.clone(), metric.title.clone(), metric.unit.clone());
        table.row([id, title, unit, model.name.to_string()]);
    }
    let mut text = table.render(style);
    text.push_str(&style.dim(&format!("({} metrics; `salesmart metrics show ID`)", cards.len())));
    text.push('\n');
    text
}

fn show((metric, model): Card<'_>, style: Style) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} · {}", style.bold(&metric.id), metric.title);
    let _ = writeln!(text, "{}\n", metric.definition);
    let additive = match (metric.additive, &metric.denominator) {
        (true, _) => "yes: values of parts may be added up",
        (false, Some(_)) if metric.unit == "ratio" => {
            "no: add up numerators and denominators, and divide"
        }
        (false, _) => "no",
    };
    let dash = || "–".to_owned();
    let lines = [
        ("formula", metric.formula.clone()),
        ("unit", metric.unit.clone()),
        ("grain", metric.grain.clone()),
        ("time anchor", metric.time_anchor.clone()),
        ("additive", additive.to_owned()),
        ("numerator", metric.numerator.clone().unwrap_or_else(dash)),
        ("denominator", metric.denominator.clone().unwrap_or_else(dash)),
        ("null rule", metric.null_rule.clone().unwrap_or_else(dash)),
        ("owner", model.header.owner.clone().unwrap_or_else(dash)),
        ("computed from", sources(model)),
        ("table", format!("{} ({})", model.name, model.path)),
    ];
    for (label, words) in lines {
        let _ = writeln!(text, "  {label:<14} {words}");
    }
    text
}

/// The models that a model reads.
fn sources(model: &Model) -> String {
    let reads: Vec<String> = model
        .reads
        .iter()
        .filter(|read| matches!(read.relation, Relation::Model(_)))
        .map(|read| read.relation.to_string())
        .collect();
    reads.join(", ")
}

/// The whole cards, with the columns of `ops.metric` and the table.
fn batch(cards: &[Card<'_>]) -> Result<RecordBatch> {
    let text = |of: &dyn Fn(&Card<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(cards.iter().map(of).collect::<StringArray>())
    };
    let additive: BooleanArray = cards.iter().map(|(metric, _)| Some(metric.additive)).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("id", text(&|(metric, _)| Some(metric.id.clone())), true),
        ("title", text(&|(metric, _)| Some(metric.title.clone())), true),
        ("definition", text(&|(metric, _)| Some(metric.definition.clone())), true),
        ("formula", text(&|(metric, _)| Some(metric.formula.clone())), true),
        ("unit", text(&|(metric, _)| Some(metric.unit.clone())), true),
        ("grain", text(&|(metric, _)| Some(metric.grain.clone())), true),
        ("time_anchor", text(&|(metric, _)| Some(metric.time_anchor.clone())), true),
        ("additive", Arc::new(additive), true),
        ("numerator", text(&|(metric, _)| metric.numerator.clone()), true),
        ("denominator", text(&|(metric, _)| metric.denominator.clone()), true),
        ("null_rule", text(&|(metric, _)| metric.null_rule.clone()), true),
        ("owner", text(&|(_, model)| model.header.owner.clone()), true),
        ("source_models", text(&|(_, model)| Some(sources(model))), true),
        ("table_name", text(&|(_, model)| Some(model.name.to_string())), true),
    ])
    .map_err(|e| Error::bug("the definition cards are no table").with_source(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "/* @model
description: Figures.
grain: [metric]
kind: table
owner: revops
columns:
  metric: {type: string, doc: x}
metrics:
  - id: win_rate_count
    title: Win rate by count
    definition: Of the deals won or lost in the period, the share that was won.
    formula: won ÷ (won + lost)
    unit: ratio
    grain: period × scope
    time_anchor: closed_date
    additive: false
    numerator: deals won
    denominator: deals won or lost
    null_rule: \"no deal won or lost: no row\"
  - {id: win_rate_value, title: Win rate by value, definition: b, formula: c, unit: ratio, grain: d, time_anchor: e, additive: false}
  - {id: deals_won, title: Deals won, definition: b, formula: c, unit: count, grain: d, time_anchor: e, additive: true}
*/
select distinct outcome as metric from mart.fct_deal
";
    const MART: &str = "/* @model
description: Deals.
grain: [outcome]
kind: table
columns:
  outcome: {type: string, doc: x}
*/
select 'won' as outcome
";

    fn catalog() -> Catalog {
        let models = [
            ("kpis/figure/kpi_figure.sql".to_owned(), MODEL.to_owned()),
            ("marts/deal/fct_deal.sql".to_owned(), MART.to_owned()),
        ];
        Catalog::load(&models, None).unwrap()
    }

    #[test]
    fn the_catalogue_is_listed_by_id() {
        insta::assert_snapshot!(table(&cards(&catalog()), Style::PLAIN), @"
        metric          title              unit   table
        ────────────────────────────────────────────────────
        deals_won       Deals won          count  kpi.figure
        win_rate_count  Win rate by count  ratio  kpi.figure
        win_rate_value  Win rate by value  ratio  kpi.figure
        (3 metrics; `salesmart metrics show ID`)
        ");
    }

    #[test]
    fn a_card_says_everything_about_its_metric() {
        let catalog = catalog();
        let mut text = show(card(&catalog, "win_rate_count").unwrap(), Style::PLAIN);
        text.push_str(&show(card(&catalog, "deals_won").unwrap(), Style::PLAIN));
        insta::assert_snapshot!(text, @"
        win_rate_count · Win rate by count
        Of the deals won or lost in the period, the share that was won.

          formula        won ÷ (won + lost)
          unit           ratio
          grain          period × scope
          time anchor    closed_date
          additive       no: add up numerators and denominators, and divide
          numerator      deals won
          denominator    deals won or lost
          null rule      no deal won or lost: no row
          owner          revops
          computed from  mart.fct_deal
          table          kpi.figure (sql/kpis/figure/kpi_figure.sql)
        deals_won · Deals won
        b

          formula        c
          unit           count
          grain          d
          time anchor    e
          additive       yes: values of parts may be added up
          numerator      –
          denominator    –
          null rule      –
          owner          revops
          computed from  mart.fct_deal
          table          kpi.figure (sql/kpis/figure/kpi_figure.sql)
        ");
    }

    #[test]
    fn programs_get_whole_cards() {
        let rows = batch(&cards(&catalog())).unwrap();
        assert_eq!((rows.num_rows(), rows.num_columns()), (3, 14));
        let lines = crate::output::texts(&[rows]).unwrap();
        let of = |column: usize| lines[1][column].as_deref();
        assert_eq!(
            (of(0), of(7), of(9)),
            (Some("win_rate_count"), Some("false"), Some("deals won or lost"))
        );
        assert_eq!((of(12), of(13)), (Some("mart.fct_deal"), Some("kpi.figure")));
        assert_eq!(lines[2][10], None, "no null rule is null");
    }

    #[test]
    fn an_unknown_id_is_answered_with_those_that_may_be_meant() {
        let catalog = catalog();
        let told = |id| format!("{:#}", card(&catalog, id).unwrap_err());
        let all = ["win_rate_cuont", "win_rate", "deals", "DEALS_WON", "bookings"].map(told);
        insta::assert_snapshot!(all.join("\n"), @"
        there is no metric `win_rate_cuont`
          hint: did you mean `win_rate_count`?
        there is no metric `win_rate`
          such metrics: `win_rate_count`, `win_rate_value`
        there is no metric `deals`
          hint: did you mean `deals_won`?
        there is no metric `DEALS_WON`
          hint: did you mean `deals_won`?
        there is no metric `bookings`
          hint: `salesmart metrics` lists them
        ");
    }
}
