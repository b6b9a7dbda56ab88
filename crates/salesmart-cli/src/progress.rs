//! What a run tells while it goes on: bars on a terminal, plain lines elsewhere, JSON where logs
//! are JSON. All of it to standard error.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use salesmart_core::receipt::{CheckResult, LandedStream, ModeledTable, Published, TargetLoad};
use salesmart_run::{Observer, Progress, Stage};

use crate::commands::run::load_words;
use crate::commands::runs::failed_check;
use crate::context::Context;
use crate::logging::LogFormat;
use crate::output::grouped;
use crate::style::Style;

/// Who listens to a run, by the options given.
#[must_use]
pub fn observer(context: &Context) -> Arc<dyn Observer> {
    let global = context.global();
    if global.quiet > 0 {
        return Arc::new(());
    }
    if global.log_format == LogFormat::Json {
        return Arc::new(Json);
    }
    let style = Style::of_stderr(global.color);
    if std::io::stderr().is_terminal() {
        Arc::new(Bars::new(context.bars().clone(), style))
    } else {
        Arc::new(Lines { style, tables: Mutex::default() })
    }
}

/// What happened to the rows of a stream, in words.
fn stream_words(landed: &LandedStream) -> String {
    let rows = &landed.rows;
    if rows.read == 0 && rows.deleted == 0 {
        return "nothing new".to_owned();
    }
    let mut words = vec![format!("{} read", grouped(rows.read))];
    for (count, what) in [
        (rows.landed, "landed"),
        (rows.unchanged, "unchanged"),
        (rows.quarantined, "quarantined"),
        (rows.deleted, "deleted"),
    ] {
        if count > 0 {
            words.push(format!("{} {what}", grouped(count)));
        }
    }
    words.join(", ")
}

fn target_words(load: &TargetLoad) -> String {
    format!("{} {}", load.target, load_words(load))
}

fn published_words(published: &Published) -> String {
    if published.new {
        format!("release {} is current", published.release)
    } else {
        format!("nothing had changed, release {} stays current", published.release)
    }
}

/// How many tables were built, and how many were up to date.
#[derive(Clone, Copy, Default)]
struct Tables {
    built: u64,
    up_to_date: u64,
}

impl Tables {
    fn count(&mut self, table: &ModeledTable) {
        if table.built {
            self.built += 1;
        } else {
            self.up_to_date += 1;
        }
    }

    fn words(self) -> String {
        format!("{} tables built, {} up to date", self.built, self.up_to_date)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is kept here is for show; half of it is better than a second panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One line for each thing that is done.
struct Lines {
    style: Style,
    tables: Mutex<Tables>,
}

impl Lines {
    fn line(stage: Stage, text: &str) {
        let _ = writeln!(std::io::stderr(), "{:<8} {text}", stage.to_string());
    }
}

impl Observer for Lines {
    fn observe(&self, progress: Progress<'_>) {
        match progress {
            Progress::StreamDone(landed) => {
                let name = format!("{}.{}", landed.connection, landed.stream);
                Self::line(Stage::Land, &format!("{name}: {}", stream_words(landed)));
            }
            Progress::TableDone(table) => lock(&self.tables).count(table),
            Progress::CheckFailed(check) => {
                let _ = std::io::stderr().write_all(failed_check(check, self.style).as_bytes());
            }
            Progress::StageBegins { stage: Stage::Publish, .. } => {
                Self::line(Stage::Model, &lock(&self.tables).words());
            }
            Progress::Published(published) => {
                Self::line(Stage::Publish, &published_words(published));
            }
            Progress::TargetDone(load) => Self::line(Stage::Publish, &target_words(load)),
            Progress::StageBegins { .. }
            | Progress::StreamRows { .. }
            | Progress::TargetBegins { .. }
            | Progress::TableBegins { .. } => {}
        }
    }
}

/// One log event for each thing that is done, with its stage as target.
struct Json;

impl Observer for Json {
    fn observe(&self, progress: Progress<'_>) {
        match progress {
            Progress::StageBegins { stage, items } => match stage {
                Stage::Extract => tracing::info!(target: "extract", items, "stage begins"),
                Stage::Land => tracing::info!(target: "land", items, "stage begins"),
                Stage::Model => tracing::info!(target: "model", items, "stage begins"),
                Stage::Publish => tracing::info!(target: "publish", items, "stage begins"),
            },
            Progress::StreamDone(landed) => tracing::info!(
                target: "land",
                connection = %landed.connection,
                stream = %landed.stream,
                read = landed.rows.read,
                landed = landed.rows.landed,
                quarantined = landed.rows.quarantined,
                unchanged = landed.rows.unchanged,
                deleted = landed.rows.deleted,
                "stream landed"
            ),
            Progress::TableDone(table) => tracing::info!(
                target: "model",
                table = %format!("{}.{}", table.schema, table.table),
                rows = table.rows,
                built = table.built,
                seconds = table.seconds,
                "table done"
            ),
            Progress::CheckFailed(check) => log_failed(check),
            Progress::Published(published) => tracing::info!(
                target: "publish",
                release = %published.release,
                new = published.new,
                "published"
            ),
            Progress::TargetDone(load) => log_load(load),
            Progress::StreamRows { .. }
            | Progress::TargetBegins { .. }
            | Progress::TableBegins { .. } => {}
        }
    }
}

fn log_load(load: &TargetLoad) {
    if let Some(failure) = &load.failure {
        tracing::error!(
            target: "publish",
            name = %load.target,
            release = %load.release,
            failure = %failure.message,
            "target did not take the release"
        );
        return;
    }
    tracing::info!(
        target: "publish",
        name = %load.target,
        release = %load.release,
        changed = load.changed(),
        rows = load.sent(),
        bytes = load.bytes(),
        seconds = load.seconds,
        "target loaded"
    );
}

fn log_failed(check: &CheckResult) {
    tracing::warn!(
        target: "model",
        table = %check.table,
        column = check.column.as_deref(),
        check = %check.check,
        severity = ?check.severity,
        offending_rows = check.offending_rows,
        "check failed"
    );
}

/// A bar for each stream that is read, and one for the tables.
struct Bars {
    bars: MultiProgress,
    style: Style,
    state: Mutex<BarState>,
}

#[derive(Default)]
struct BarState {
    streams: BTreeMap<(String, String), ProgressBar>,
    models: Option<ProgressBar>,
    target: Option<ProgressBar>,
    building: Vec<String>,
    tables: Tables,
}

impl Bars {
    fn new(bars: MultiProgress, style: Style) -> Self {
        Self { bars, style, state: Mutex::default() }
    }

    /// Writes a line above the bars.
    fn line(&self, stage: Stage, text: &str) {
        let stage = self.style.bold(&format!("{:<8}", stage.to_string()));
        // A terminal that cannot be written to shows nothing, and that is no failure of the run.
        let _ = self.bars.println(format!("{stage} {text}"));
    }

    fn spinner(&self, name: &str) -> ProgressBar {
        let bar = self.bars.add(
            ProgressBar::new_spinner()
                .with_style(template("{spinner} {msg} {human_pos} rows {per_sec:.dim}")),
        );
        bar.set_message(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }
}

fn template(text: &str) -> ProgressStyle {
    ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Observer for Bars {
    fn observe(&self, progress: Progress<'_>) {
        let mut state = lock(&self.state);
        match progress {
            Progress::StreamRows { connection, stream, rows } => {
                let key = (connection.to_owned(), stream.to_owned());
                let bar = state
                    .streams
                    .entry(key)
                    .or_insert_with(|| self.spinner(&format!("{connection}.{stream}")));
                bar.set_position(rows);
            }
            Progress::StreamDone(landed) => {
                let key = (landed.connection.to_string(), landed.stream.to_string());
                if let Some(bar) = state.streams.remove(&key) {
                    bar.finish_and_clear();
                }
                self.line(Stage::Land, &format!("{}.{}: {}", key.0, key.1, stream_words(landed)));
            }
            Progress::StageBegins { stage: Stage::Model, items } => {
                let bar = self.bars.add(ProgressBar::new(items as u64).with_style(template(
                    "{spinner} [{bar:24}] {pos}/{len} tables {wide_msg:.dim}",
                )));
                bar.enable_steady_tick(Duration::from_millis(100));
                state.models = Some(bar);
            }
            Progress::TableBegins { table } => {
                state.building.push(table.to_owned());
                show_building(&state);
            }
            Progress::TableDone(table) => {
                let name = format!("{}.{}", table.schema, table.table);
                state.building.retain(|building| *building != name);
                state.tables.count(table);
                if let Some(bar) = &state.models {
                    bar.inc(1);
                }
                show_building(&state);
            }
            Progress::CheckFailed(check) => {
                let _ = self.bars.println(failed_check(check, self.style).trim_end());
            }
            Progress::StageBegins { stage: Stage::Publish, .. } => {
                if let Some(bar) = state.models.take() {
                    bar.finish_and_clear();
                }
                self.line(Stage::Model, &state.tables.words());
            }
            Progress::Published(published) => {
                self.line(Stage::Publish, &published_words(published));
            }
            Progress::TargetBegins { target } => {
                let bar = self
                    .bars
                    .add(ProgressBar::new_spinner().with_style(template("{spinner} {msg}")));
                bar.set_message(format!("loading {target}"));
                bar.enable_steady_tick(Duration::from_millis(100));
                state.target = Some(bar);
            }
            Progress::TargetDone(load) => {
                if let Some(bar) = state.target.take() {
                    bar.finish_and_clear();
                }
                self.line(Stage::Publish, &target_words(load));
            }
            Progress::StageBegins { .. } => {}
        }
    }
}

fn show_building(state: &BarState) {
    if let Some(bar) = &state.models {
        bar.set_message(state.building.join(", "));
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        let state = lock(&self.state);
        for bar in state.streams.values().chain(&state.models).chain(&state.target) {
            bar.finish_and_clear();
        }
    }
}
