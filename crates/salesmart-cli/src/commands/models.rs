//! `salesmart models`: which there are, what one promises, what reads what.

use std::collections::BTreeSet;
use std::fmt::Write;

use clap::{Args, Subcommand, ValueEnum};
use salesmart_core::{Error, Result};
use salesmart_model::{Catalog, Model, Relation, TableName};

use crate::context::Context;
use crate::output::{Align, TextTable};
use crate::style::Style;

/// Lists the models, shows one with its columns, draws what reads what.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart models                            all of them, in the order they are built
  salesmart models list tag:kpi               those with a tag
  salesmart models list +kpi.win_rate         one and everything it reads
  salesmart models list mart.dim_rep+         one and everything that reads it
  salesmart models list path:sql/marts        those below a folder
  salesmart models show kpi.win_rate          its columns, checks and definition cards
  salesmart models graph --format mermaid     for a README; `dot` for Graphviz")]
pub struct Models {
    #[command(subcommand)]
    command: Option<ModelsCommand>,
}

#[derive(Subcommand, Debug)]
enum ModelsCommand {
    /// List the models in the order they are built, and say whose they are (the default)
    List {
        /// Only these: NAME, +NAME, NAME+, tag:X, path:X
        #[arg(value_name = "SELECTOR")]
        selectors: Vec<String>,
    },
    /// Draw what reads what
    Graph {
        /// Only these: NAME, +NAME, NAME+, tag:X, path:X
        #[arg(value_name = "SELECTOR")]
        selectors: Vec<String>,
        /// How to draw it
        #[arg(long, value_enum, default_value_t)]
        format: GraphFormat,
    },
    /// Show one model: what it is, its columns, checks and definition cards
    Show {
        /// `schema.table`, the table alone, or the file's name
        name: String,
        /// Show its SQL too
        #[arg(long)]
        sql: bool,
    },
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum GraphFormat {
    /// Each model with what it reads under it
    #[default]
    Text,
    /// For Graphviz
    Dot,
    /// For Markdown pages
    Mermaid,
}

impl Models {
    /// Does what the subcommand says.
    ///
    /// # Errors
    /// When the project has mistakes or there is no such model.
    pub fn run(&self, context: &Context) -> Result<()> {
        let workspace = context.workspace()?;
        let catalog = workspace.catalog();
        let style = context.style();
        let text = match &self.command {
            None => list(catalog, &[], style)?,
            Some(ModelsCommand::List { selectors }) => list(catalog, selectors, style)?,
            Some(ModelsCommand::Graph { selectors, format }) => {
                let selected = catalog.select(selectors)?;
                match format {
                    GraphFormat::Text => graph_text(catalog, &selected, style),
                    GraphFormat::Dot => graph_dot(catalog, &selected),
                    GraphFormat::Mermaid => graph_mermaid(catalog, &selected),
                }
            }
            Some(ModelsCommand::Show { name, sql }) => {
                let name = catalog.named(name)?;
                let model = catalog
                    .model(name)
                    .ok_or_else(|| Error::bug(format!("model `{name}` is known and not there")))?;
                show(catalog, model, *sql, style)
            }
        };
        context.print(&text)
    }
}

/// The selected models in the order they are built.
fn in_order<'a>(
    catalog: &'a Catalog,
    selected: &'a BTreeSet<TableName>,
) -> impl Iterator<Item = &'a Model> {
    catalog
        .order()
        .iter()
        .filter(|name| selected.contains(name))
        .filter_map(|name| catalog.model(name))
}

/// The models that a model reads.
fn reads(model: &Model) -> impl Iterator<Item = &TableName> {
    model.reads.iter().filter_map(|reference| match &reference.relation {
        Relation::Model(name) => Some(name),
        _ => None,
    })
}

fn kind(model: &Model) -> &'static str {
    model.kind().name()
}

fn list(catalog: &Catalog, selectors: &[String], style: Style) -> Result<String> {
    let selected = catalog.select(selectors)?;
    let mut table = TextTable::new([
        ("model", Align::Left),
        ("kind", Align::Left),
        ("from", Align::Left),
        ("path", Align::Left),
    ]);
    for model in in_order(catalog, &selected) {
        table.row([
            model.name.to_string(),
            kind(model).to_owned(),
            model.origin.to_string(),
            model.path.clone(),
        ]);
    }
    let mut text = table.render(style);
    let checks = catalog.checks().count();
    let _ = writeln!(
        text,
        "{}",
        style.dim(&format!(
            "({} of {} models; {checks} SQL checks)",
            selected.len(),
            catalog.models().count()
        ))
    );
    Ok(text)
}

fn graph_text(catalog: &Catalog, selected: &BTreeSet<TableName>, style: Style) -> String {
    let mut text = String::new();
    for model in in_order(catalog, selected) {
        let _ = writeln!(text, "{}", style.bold(&model.name.to_string()));
        for reference in &model.reads {
            let _ = writeln!(text, "  ← {}", reference.relation);
        }
    }
    text
}

fn graph_dot(catalog: &Catalog, selected: &BTreeSet<TableName>) -> String {
    let mut text = String::from("digraph salesmart {\n  rankdir = LR;\n  node [shape = box];\n");
    for model in in_order(catalog, selected) {
        let _ = writeln!(text, "  \"{}\";", model.name);
        for read in reads(model).filter(|read| selected.contains(read)) {
            let _ = writeln!(text, "  \"{read}\" -> \"{}\";", model.name);
        }
    }
    text.push_str("}\n");
    text
}

fn graph_mermaid(catalog: &Catalog, selected: &BTreeSet<TableName>) -> String {
    let id = |name: &TableName| format!("{}_{}", name.schema, name.table);
    let mut text = String::from("flowchart LR\n");
    for model in in_order(catalog, selected) {
        let _ = writeln!(text, "  {}[\"{}\"]", id(&model.name), model.name);
        for read in reads(model).filter(|read| selected.contains(read)) {
            let _ = writeln!(text, "  {} --> {}", id(read), id(&model.name));
        }
    }
    text
}

fn show(catalog: &Catalog, model: &Model, sql: bool, style: Style) -> String {
    let mut text = String::new();
    let header = &model.header;
    let _ = writeln!(text, "{} ({})", style.bold(&model.name.to_string()), kind(model));
    let _ = writeln!(text, "{}\n", header.description);
    let _ = writeln!(text, "  file      {} ({})", model.path, model.origin);
    let or_dash =
        |words: Vec<String>| if words.is_empty() { "–".to_owned() } else { words.join(", ") };
    let _ = writeln!(text, "  grain     {}", or_dash(header.grain.clone()));
    let _ = writeln!(text, "  owner     {}", header.owner.as_deref().unwrap_or("–"));
    let _ = writeln!(text, "  tags      {}", or_dash(header.tags.clone()));
    let reads = model.reads.iter().map(|reference| reference.relation.to_string()).collect();
    let _ = writeln!(text, "  reads     {}", or_dash(reads));
    let readers = catalog.readers(&model.name).map(|reader| reader.name.to_string()).collect();
    let _ = writeln!(text, "  read by   {}\n", or_dash(readers));

    let mut columns = TextTable::new([
        ("column", Align::Left),
        ("type", Align::Left),
        ("what it means", Align::Left),
        ("checks", Align::Left),
    ]);
    for column in &header.columns {
        let checks: Vec<&str> = header
            .checks
            .iter()
            .filter(|check| check.column.as_deref() == Some(&column.name))
            .map(|check| check.text.as_str())
            .collect();
        columns.row([
            column.name.clone(),
            column.column_type.to_string(),
            column.doc.clone(),
            checks.join("; "),
        ]);
    }
    text.push_str(&columns.render(style));
    let table_checks: Vec<&str> = header
        .checks
        .iter()
        .filter(|check| check.column.is_none())
        .map(|check| check.text.as_str())
        .collect();
    if !table_checks.is_empty() {
        let _ = writeln!(text, "\nchecks of the table: {}", table_checks.join("; "));
    }
    for metric in &header.metrics {
        let _ = writeln!(text, "\n{} {}", style.bold(&metric.id), style.dim(&metric.title));
        let _ = writeln!(text, "  {}", metric.definition);
        let _ =
            writeln!(text, "  = {}, in {}, by {}", metric.formula, metric.unit, metric.time_anchor);
        if let Some(rule) = &metric.null_rule {
            let _ = writeln!(text, "  {rule}");
        }
    }
    if sql {
        let _ = writeln!(text, "\n{}", model.text.trim_end());
    }
    text
}
