//! `salesmart runs`: what happened.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use salesmart_core::receipt::{
    CheckResult, Landed, LoadedHow, Reconciliation, ReconciliationStatus, Severity,
};
use salesmart_core::stream::Usage;
use salesmart_core::{Error, Result, RunId};
use salesmart_lake::Lake;
use salesmart_run::{RunRecord, RunStatus};

use crate::context::Context;
use crate::output::{Align, TextTable};
use crate::style::Style;

/// Shows what runs did: rows, tables, checks, failures.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart runs                              newest first
  salesmart runs show last                    the newest one
  salesmart runs show 20261123T0500           the start of an id is enough
  salesmart runs show last --format json      the whole record, for programs")]
pub struct Runs {
    #[command(subcommand)]
    command: Option<RunsCommand>,
}

#[derive(Subcommand, Debug)]
enum RunsCommand {
    /// List the runs, newest first (the default)
    List {
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Show one run: its streams, tables, checks and failure
    Show {
        /// The run's id, the start of it, or `last`
        id: String,
        /// How to write it
        #[arg(long, value_enum, default_value_t)]
        format: super::RecordFormat,
    },
}

impl Runs {
    /// Does what the subcommand says.
    ///
    /// # Errors
    /// When there is no such run or the lake cannot be read.
    pub fn run(&self, context: &Context) -> Result<()> {
        let workspace = context.workspace()?;
        context.block_on(async {
            let lake = context.lake(&workspace).await?;
            let text = match &self.command {
                None => list(&lake, 20, context.style()).await?,
                Some(RunsCommand::List { limit }) => list(&lake, *limit, context.style()).await?,
                Some(RunsCommand::Show { id, format }) => {
                    let record = find(&lake, id).await?;
                    match format {
                        super::RecordFormat::Text => render(&record, context.style()),
                        super::RecordFormat::Json => super::json(&record)?,
                    }
                }
            };
            context.print(&text)
        })
    }
}

async fn list(lake: &Lake, limit: usize, style: Style) -> Result<String> {
    let records = salesmart_run::run_records(lake).await?;
    if records.is_empty() {
        return Ok(format!("No run yet in {}.\n", lake.location()));
    }
    let left = |name| (name, Align::Left);
    let right = |name| (name, Align::Right);
    let mut table = TextTable::new([
        left("run"),
        left("pipeline"),
        left("status"),
        right("seconds"),
        right("read"),
        right("landed"),
        right("quarantined"),
        left("release"),
    ]);
    for record in records.iter().rev().take(limit) {
        let rows = record.rows();
        table.row([
            record.run_id.to_string(),
            record.pipeline.clone(),
            record.status.as_str().to_owned(),
            seconds(record),
            rows.read.to_string(),
            rows.landed.to_string(),
            rows.quarantined.to_string(),
            record.published.as_ref().map_or_else(String::new, |p| p.release.to_string()),
        ]);
    }
    let mut text = table.render(style);
    if records.len() > limit {
        let more = records.len() - limit;
        text.push_str(&style.dim(&format!("({more} older ones; `--limit` shows more)\n")));
    }
    Ok(text)
}

/// The run with that id, or whose id begins so, or the last one.
async fn find(lake: &Lake, id: &str) -> Result<RunRecord> {
    let mut records = salesmart_run::run_records(lake).await?;
    if id == "last" {
        return records.pop().ok_or_else(|| {
            Error::configuration("there is no run yet").with("lake", lake.location())
        });
    }
    records.retain(|record| record.run_id.as_str().starts_with(id));
    match records.len() {
        0 => salesmart_run::run_record(lake, &RunId::from_text(id)).await,
        1 => Ok(records.remove(0)),
        _ => {
            let ids: Vec<String> = records.iter().map(|r| format!("`{}`", r.run_id)).collect();
            Err(Error::configuration(format!("more than one run begins with `{id}`"))
                .with("they are", ids.join(", ")))
        }
    }
}

fn seconds(record: &RunRecord) -> String {
    record.finished_at.map_or_else(String::new, |end| {
        let milliseconds = (end - record.started_at).num_milliseconds();
        format!("{}.{}", milliseconds / 1000, milliseconds % 1000 / 100)
    })
}

/// One run as a page of text.
fn render(record: &RunRecord, style: Style) -> String {
    let mut text = String::new();
    let status = match record.status {
        RunStatus::Succeeded => style.green(record.status.as_str()),
        RunStatus::Running | RunStatus::Partial => style.yellow(record.status.as_str()),
        RunStatus::Failed | RunStatus::Killed => style.red(record.status.as_str()),
    };
    let took = match seconds(record).as_str() {
        "" => String::new(),
        seconds => format!(" in {seconds} s"),
    };
    let stages: Vec<String> = record.stages.iter().map(ToString::to_string).collect();
    let _ = writeln!(text, "{} {status}{took}", style.bold(record.run_id.as_str()));
    let _ = writeln!(text, "  pipeline  {} ({})", record.pipeline, stages.join(", "));
    let _ = writeln!(text, "  started   {}", instant(record.started_at));
    let _ = writeln!(text, "  as of     {}", instant(record.as_of));
    let _ = writeln!(text, "  version   {}", record.salesmart_version);
    if let Some(published) = &record.published {
        let new = if published.new { "new" } else { "nothing had changed" };
        let _ = writeln!(text, "  release   {} ({new})", published.release);
    }
    if let Some(sealed) = super::run::sealed(record) {
        let _ = writeln!(text, "  sealed    {sealed}");
    }
    if let Some(failure) = &record.failure {
        let label = match record.status {
            RunStatus::Partial => style.yellow("partial:"),
            _ => style.red("failure:"),
        };
        let _ = writeln!(text, "\n{label} {}", failure.message);
        let _ = writeln!(text, "  kind: {}", failure.kind);
        if let Some(hint) = &failure.hint {
            let _ = writeln!(text, "\n{} {hint}", style.cyan("hint:"));
        }
    }
    streams(&mut text, record, style);
    tables(&mut text, record, style);
    targets(&mut text, record, style);
    if let Some(modeled) = &record.modeled {
        checks(&mut text, &modeled.checks, style);
    }
    text
}

fn streams(text: &mut String, record: &RunRecord, style: Style) {
    let Some(landed) = &record.landed else { return };
    let mut table = TextTable::new([
        ("stream", Align::Left),
        ("read", Align::Right),
        ("landed", Align::Right),
        ("quarantined", Align::Right),
        ("unchanged", Align::Right),
        ("deleted", Align::Right),
        ("version", Align::Right),
        ("failure", Align::Left),
    ]);
    for stream in &landed.streams {
        table.row([
            format!("{}.{}", stream.connection, stream.stream),
            stream.rows.read.to_string(),
            stream.rows.landed.to_string(),
            stream.rows.quarantined.to_string(),
            stream.rows.unchanged.to_string(),
            stream.rows.deleted.to_string(),
            stream.version.to_string(),
            stream.failure.as_ref().map_or_else(String::new, |f| f.message.clone()),
        ]);
    }
    if !table.is_empty() {
        let _ = write!(text, "\n{}", table.render(style));
    }
    for failed in &landed.failed_connections {
        let label = style.red("connection");
        let _ = writeln!(text, "\n{label} {}: {}", failed.connection, failed.failure.message);
    }
    reconciliations(text, landed, style);
    schema_changes(text, landed, style);
    usage(text, landed, style);
}

/// How many of the source's counts agree, and those that do not.
fn reconciliations(text: &mut String, landed: &Landed, style: Style) {
    let all = || {
        landed
            .streams
            .iter()
            .flat_map(|stream| stream.reconciliations.iter().map(move |one| (stream, one)))
    };
    let differs = |one: &Reconciliation| one.status != ReconciliationStatus::Matched;
    let count = all().count();
    if count == 0 {
        return;
    }
    let agree = all().filter(|(_, one)| !differs(one)).count();
    let _ = writeln!(text, "\n{agree} of {count} counts agree with the source's");
    let mut table = TextTable::new([
        ("stream", Align::Left),
        ("check", Align::Left),
        ("source", Align::Right),
        ("landed", Align::Right),
        ("status", Align::Left),
        ("note", Align::Left),
    ]);
    for (stream, one) in all().filter(|(_, one)| differs(one)) {
        table.row([
            format!("{}.{}", stream.connection, stream.stream),
            one.check.clone(),
            one.source_rows.to_string(),
            one.landed_rows.to_string(),
            one.status.as_str().to_owned(),
            one.note.clone().unwrap_or_default(),
        ]);
    }
    if !table.is_empty() {
        text.push_str(&table.render(style));
    }
}

fn schema_changes(text: &mut String, landed: &Landed, style: Style) {
    let mut table = TextTable::new([
        ("schema change", Align::Left),
        ("column", Align::Left),
        ("change", Align::Left),
        ("from", Align::Left),
        ("to", Align::Left),
        ("action", Align::Left),
    ]);
    for stream in &landed.streams {
        for change in &stream.schema_changes {
            table.row([
                format!("{}.{}", stream.connection, stream.stream),
                change.column.clone(),
                change.change.as_str().to_owned(),
                change.from.clone().unwrap_or_default(),
                change.to.clone().unwrap_or_default(),
                change.action.clone(),
            ]);
        }
    }
    if !table.is_empty() {
        let _ = write!(text, "\n{}", table.render(style));
    }
}

/// What the reading of each source cost, where it was counted.
fn usage(text: &mut String, landed: &Landed, style: Style) {
    let mut connections: BTreeMap<&str, Usage> = BTreeMap::new();
    for stream in &landed.streams {
        connections.entry(stream.connection.as_str()).or_default().add(&stream.usage);
    }
    let mut table = TextTable::new([
        ("source", Align::Left),
        ("requests", Align::Right),
        ("repeated", Align::Right),
        ("waited", Align::Right),
        ("megabytes", Align::Right),
    ]);
    for (connection, usage) in connections.iter().filter(|(_, usage)| usage.requests > 0) {
        table.row([
            (*connection).to_owned(),
            usage.requests.to_string(),
            usage.retries.to_string(),
            format!("{:.1} s", usage.waited_seconds),
            format!("{}.{}", usage.bytes / 1_000_000, usage.bytes % 1_000_000 / 100_000),
        ]);
    }
    if !table.is_empty() {
        let _ = write!(text, "\n{}", table.render(style));
    }
}

fn tables(text: &mut String, record: &RunRecord, style: Style) {
    let Some(modeled) = &record.modeled else { return };
    let mut table = TextTable::new([
        ("table", Align::Left),
        ("rows", Align::Right),
        ("version", Align::Right),
        ("seconds", Align::Right),
        ("", Align::Left),
    ]);
    for built in &modeled.tables {
        table.row([
            format!("{}.{}", built.schema, built.table),
            built.rows.to_string(),
            built.version.to_string(),
            if built.built { format!("{:.2}", built.seconds) } else { String::new() },
            if built.built { "built".to_owned() } else { "up to date".to_owned() },
        ]);
    }
    if !table.is_empty() {
        let _ = write!(text, "\n{}", table.render(style));
    }
}

/// What each target got of the release.
fn targets(text: &mut String, record: &RunRecord, style: Style) {
    let Some(published) = &record.published else { return };
    for load in &published.targets {
        let words = match load.failure {
            None => super::run::load_words(load),
            Some(_) => style.red(&super::run::load_words(load)),
        };
        let _ =
            writeln!(text, "\n{} {} ({}) {words}", style.bold("target"), load.target, load.kind);
        if load.reconnects > 0 {
            let _ = writeln!(text, "  the connection was made anew {} times", load.reconnects);
        }
        for note in &load.notes {
            let _ = writeln!(text, "  {} {note}", style.yellow("note"));
        }
        let mut table = TextTable::new([
            ("loaded", Align::Left),
            ("how", Align::Left),
            ("rows", Align::Right),
            ("sent", Align::Right),
            ("bytes", Align::Right),
            ("seconds", Align::Right),
        ]);
        let changed = load.tables.iter().filter(|table| table.how != LoadedHow::Unchanged);
        for loaded in changed {
            table.row([
                loaded.table.clone(),
                loaded.how.as_str().to_owned(),
                loaded.rows.to_string(),
                loaded.sent.to_string(),
                loaded.bytes.to_string(),
                format!("{:.2}", loaded.seconds),
            ]);
        }
        if !table.is_empty() {
            text.push_str(&table.render(style));
        }
        let unchanged = load.tables.len() - load.changed();
        if unchanged > 0 {
            let _ = writeln!(text, "{unchanged} tables were unchanged");
        }
    }
}

/// How many checks passed, and those that did not, each with where it is written.
fn checks(text: &mut String, checks: &[CheckResult], style: Style) {
    let failed: Vec<&CheckResult> = checks.iter().filter(|check| !check.passed).collect();
    let passed = checks.len() - failed.len();
    let _ = writeln!(text, "\n{passed} of {} checks passed", checks.len());
    for check in failed {
        text.push_str(&failed_check(check, style));
        for sample in &check.samples {
            let _ = writeln!(text, "       {}", style.dim(sample));
        }
    }
}

/// A check that did not pass, in one line.
pub(crate) fn failed_check(check: &CheckResult, style: Style) -> String {
    let mut text = String::new();
    let label = match check.severity {
        Severity::Error => style.red("error"),
        Severity::Warn => style.yellow("warn"),
    };
    let column = check.column.as_ref().map_or_else(String::new, |column| format!(".{column}"));
    let place = check.location.as_ref().map_or_else(String::new, |place| format!(" · {place}"));
    let rows = match check.offending_rows {
        1 => "1 row".to_owned(),
        n => format!("{n} rows"),
    };
    let _ = writeln!(text, "  {label} {}{column}: {} · {rows}{place}", check.table, check.check);
    text
}

pub(crate) fn instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}
