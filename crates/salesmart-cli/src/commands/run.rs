//! `salesmart run PIPELINE`: the whole line.

use std::fmt::Write;

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, ValueEnum};
use salesmart_core::receipt::{Landed, ReconciliationStatus, TargetLoad};
use salesmart_core::{Error, Result};
use salesmart_run::{RunOptions, RunRecord, RunStatus, Stage, Stages, Workspace};

use crate::context::Context;
use crate::logging::LogFormat;
use crate::output::grouped;
use crate::progress;
use crate::style::Style;

/// Runs a pipeline down the whole line: extract, land, model, publish.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart run crm-export
  salesmart run crm-export --as-of 2026-09-30                  figures as of the end of that day
  salesmart run crm-export --set CRM_EXPORT_DIR=/mnt/export    ${CRM_EXPORT_DIR} in the file
  salesmart run crm-export --select +kpi.win_rate              only that model and what it reads
  salesmart run crm-export --until land                        read and land, build nothing
  salesmart run crm-export --log-format json 2>> run.log       for a scheduler

A run that is repeated lands only what is new. A run that fails publishes nothing: the last
release stays current. A run in which some streams failed and the others landed is partial: it is
published, its figures say so, and it ends with exit code 10. Kill it in any way; run it again and
it goes on.")]
pub struct Run {
    /// The pipeline: the name of a file in `pipelines/`, without its ending
    pipeline: String,
    /// The last stage
    #[arg(long, value_enum, value_name = "STAGE", default_value_t)]
    until: Until,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    modelling: Modelling,
}

/// Where a run ends.
#[derive(ValueEnum, Clone, Copy, Debug, Default)]
enum Until {
    /// Read and land; build nothing
    Land,
    /// The whole line
    #[default]
    Publish,
}

/// How sources are read.
#[derive(Args, Clone, Debug, Default)]
pub struct Reading {
    /// Read every stream from its start, whatever was read before
    #[arg(long)]
    pub full_refresh: bool,
}

/// How models are built.
#[derive(Args, Clone, Debug, Default)]
pub struct Modelling {
    /// The instant the figures are as of, or a day: its end [default: as the pipeline says, or now]
    #[arg(long, value_name = "INSTANT")]
    pub as_of: Option<String>,
    /// Build tables also where nothing has changed
    #[arg(long)]
    pub rebuild: bool,
    /// Build only these models: NAME, +NAME, NAME+, tag:X, path:X
    #[arg(long, value_name = "SELECTOR", num_args = 1..)]
    pub select: Vec<String>,
    /// Memory that models may take before they spill to disk, such as 800MiB or 4GiB [default:
    /// half of what the machine or the container has]
    #[arg(long, value_name = "SIZE", env = "SALESMART_MEMORY", value_parser = bytes)]
    pub memory: Option<usize>,
}

/// A size as it is typed: `800MiB`, `4GiB`.
fn bytes(text: &str) -> Result<usize, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: Option<usize> = match unit.trim() {
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let number: Option<usize> = number.parse().ok();
    number
        .zip(factor)
        .and_then(|(number, factor)| number.checked_mul(factor))
        .filter(|bytes| *bytes >= 64 << 20)
        .ok_or_else(|| "expected a size of at least 64MiB, such as `800MiB` or `4GiB`".to_owned())
}

impl Run {
    /// Runs it.
    ///
    /// # Errors
    /// What kept the run from its end.
    pub fn run(&self, context: &Context) -> Result<()> {
        let stages = match self.until {
            Until::Land => Stages::ThroughLand,
            Until::Publish => Stages::Line,
        };
        walk(context, &self.pipeline, stages, &self.reading, &self.modelling)
    }
}

/// Walks the part of the line that is asked for, and says what happened.
pub(super) fn walk(
    context: &Context,
    pipeline: &str,
    stages: Stages,
    reading: &Reading,
    modelling: &Modelling,
) -> Result<()> {
    let workspace = context.workspace()?;
    let options = RunOptions {
        stages,
        as_of: modelling.as_of.as_deref().map(|text| as_of(text, &workspace)).transpose()?,
        full_refresh: reading.full_refresh,
        rebuild: modelling.rebuild,
        select: modelling.select.clone(),
        memory_limit: modelling.memory.unwrap_or_else(salesmart_run::default_memory_limit),
    };
    let finished = context.block_on(async {
        let lake = context.lake(&workspace).await?;
        salesmart_run::walk(&workspace, &lake, pipeline, options, progress::observer(context)).await
    })?;
    let global = context.global();
    if global.quiet == 0 && global.log_format != LogFormat::Json {
        context.print(&summary(&finished.record, context.style()))?;
    }
    finished.partial.map_or(Ok(()), Err)
}

/// An instant as it is typed: `2026-09-30T23:59:59Z`, or a day, which means its last second in the
/// company's zone.
fn as_of(text: &str, workspace: &Workspace) -> Result<DateTime<Utc>> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.with_timezone(&Utc));
    }
    let unreadable = || {
        Error::configuration(format!("`{text}` is not an instant"))
            .with("expected", "`2026-09-30T23:59:59Z`, or a day such as `2026-09-30`")
    };
    let day: NaiveDate = text.parse().map_err(|_| unreadable())?;
    let zone = workspace.project().business().time_zone;
    day.and_hms_opt(23, 59, 59)
        .and_then(|end| end.and_local_timezone(zone).latest())
        .map(|end| end.with_timezone(&Utc))
        .ok_or_else(unreadable)
}

/// What a run did, in a few lines.
pub(super) fn summary(record: &RunRecord, style: Style) -> String {
    let mut text = String::new();
    let outcome = match record.status {
        RunStatus::Partial => style.yellow("partial"),
        _ => style.green("done"),
    };
    let _ = writeln!(text, "{outcome} {}", style.bold(record.run_id.as_str()));
    if let Some(extracted) = &record.extracted {
        let rows: u64 = extracted.streams.iter().map(|stream| stream.rows_read).sum();
        let streams = extracted.streams.len();
        let _ =
            writeln!(text, "  rows      {} read from {streams} streams, spooled", grouped(rows));
    }
    if let Some(landed) = &record.landed {
        let rows = record.rows();
        let _ = write!(
            text,
            "  rows      {} read = {} landed + {} quarantined + {} unchanged",
            grouped(rows.read),
            grouped(rows.landed),
            grouped(rows.quarantined),
            grouped(rows.unchanged)
        );
        if rows.deleted > 0 {
            let _ = write!(text, "; {} are gone from the source", grouped(rows.deleted));
        }
        text.push('\n');
        streams(&mut text, landed, style);
    }
    if let Some(modeled) = &record.modeled {
        let built = modeled.tables.iter().filter(|table| table.built).count();
        let failed = modeled.checks.iter().filter(|check| !check.passed).count();
        let _ = writeln!(
            text,
            "  tables    {built} built, {} up to date, as of {}",
            modeled.tables.len() - built,
            super::runs::instant(modeled.as_of)
        );
        let _ = match failed {
            0 => writeln!(text, "  checks    all {} passed", modeled.checks.len()),
            _ => writeln!(
                text,
                "  checks    {} passed, {}",
                modeled.checks.len() - failed,
                style.yellow(&format!("{failed} did not"))
            ),
        };
    }
    if let Some(line) = sealed(record) {
        let _ = writeln!(text, "  sealed    {line}");
    }
    if record.status == RunStatus::Partial
        && record.published.is_none()
        && record.stages.contains(&Stage::Publish)
    {
        let _ = writeln!(text, "  release   none: `publish: {{on_partial: hold}}`");
    }
    if let Some(published) = &record.published {
        let new =
            if published.new { "new, current" } else { "nothing had changed, it stays current" };
        let _ = writeln!(text, "  release   {} ({new})", published.release);
        for load in &published.targets {
            let _ = writeln!(text, "  target    {}: {}", load.target, load_words(load));
        }
    }
    text
}

/// What a target got, in a line.
pub(crate) fn load_words(load: &TargetLoad) -> String {
    if let Some(failure) = &load.failure {
        return format!("did not take {}: {}", load.release, failure.message);
    }
    let changed = load.changed();
    if changed == 0 {
        return format!("holds {}, nothing had changed", load.release);
    }
    format!(
        "holds {}: {changed} of {} tables changed, {} rows sent in {:.1} s",
        load.release,
        load.tables.len(),
        grouped(load.sent()),
        load.seconds
    )
}

/// The forecast snapshots that a run sealed, in one line; `None` where there were none.
pub(super) fn sealed(record: &RunRecord) -> Option<String> {
    const SHOWN: usize = 12;
    let head = record.forecast_head.as_ref()?;
    let hash: String = head.hash.chars().take(SHOWN).collect();
    let end = format!("the chain ends at no {} ({hash}…)", head.snapshot_no);
    let periods: Vec<&str> = record.sealed.iter().map(|sealed| sealed.period.as_str()).collect();
    Some(match periods.as_slice() {
        [] => format!("no snapshot; {end}"),
        [one] => format!("1 snapshot, of {one}; {end}"),
        many => format!("{} snapshots, of {}; {end}", many.len(), many.join(", ")),
    })
}

/// What is worth knowing of the streams before anybody looks: those that failed, what changed in
/// their sources, and where the source's own count is another.
fn streams(text: &mut String, landed: &Landed, style: Style) {
    let failed = landed.streams.iter().filter(|stream| stream.failure.is_some()).count();
    if failed > 0 {
        let all = landed.streams.len();
        let failed = style.yellow(&format!("{failed} failed"));
        let _ = writeln!(text, "  streams   {failed} of {all}");
    }
    let changes: usize = landed.streams.iter().map(|stream| stream.schema_changes.len()).sum();
    if changes > 0 {
        let columns = if changes == 1 { "1 column" } else { &format!("{changes} columns") };
        let _ = writeln!(
            text,
            "  schema    {columns} changed in the source: `salesmart runs show last`"
        );
    }
    let compared: Vec<ReconciliationStatus> = landed
        .streams
        .iter()
        .flat_map(|stream| &stream.reconciliations)
        .map(|one| one.status)
        .collect();
    let lost = compared.iter().filter(|s| **s == ReconciliationStatus::Mismatched).count();
    let _ = match (compared.len(), lost) {
        (0, _) => Ok(()),
        (all, 0) => writeln!(text, "  counts    all {all} agree with the source's"),
        (all, lost) => writeln!(
            text,
            "  counts    {} agree with the source's, {}",
            all - lost,
            style.red(&format!("{lost} do not"))
        ),
    };
}
