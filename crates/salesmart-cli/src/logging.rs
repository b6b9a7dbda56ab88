//! Logs: to standard error, as lines for people or as one JSON object a line.
//!
//! While progress bars are drawn, log lines go through them, so that neither tears the other.

use std::io::{self, Write};

use clap::ValueEnum;
use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::args::Global;
use crate::style::Style;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Begins logging. `SALESMART_LOG` (such as `salesmart_land=debug`) comes before `-v` and `-q`.
pub fn begin(global: &Global, bars: &MultiProgress) {
    let level = i16::from(global.verbose) - i16::from(global.quiet);
    let filter = EnvFilter::try_from_env("SALESMART_LOG")
        .unwrap_or_else(|_| filter(level, global.log_format));
    let writer = Stderr { bars: bars.clone() };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .log_internal_errors(false);
    // Only the first call in a process counts; tests make more.
    let _ = match global.log_format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => {
            let colored = Style::of_stderr(global.color).is_colored();
            builder.with_ansi(colored).without_time().with_target(global.verbose > 1).try_init()
        }
    };
}

/// What is logged at a level, 0 without options: of others, and of our own rooms and stages.
fn filter(level: i16, format: LogFormat) -> EnvFilter {
    let (others, own) = match (level, format) {
        (..=-1, _) => ("error", "error"),
        (0, LogFormat::Text) => ("warn", "warn"),
        // There is no other progress in a JSON log.
        (0, LogFormat::Json) | (1, _) => ("warn", "info"),
        (2, _) => ("info", "debug"),
        _ => ("debug", "trace"),
    };
    let mut filter = others.to_owned();
    for target in ["salesmart", "run", "extract", "land", "model", "publish"] {
        filter.push_str(&format!(",{target}={own}"));
    }
    EnvFilter::new(filter)
}

/// Standard error, with the bars out of the way.
#[derive(Clone)]
struct Stderr {
    bars: MultiProgress,
}

impl Write for Stderr {
    // A run does not end because nobody reads its log any more.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.bars.suspend(|| io::stderr().write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Stderr;

    fn make_writer(&'a self) -> Stderr {
        self.clone()
    }
}
