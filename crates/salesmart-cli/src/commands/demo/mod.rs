//! `salesmart demo`: the whole line on a made-up company, and the figures a sales leader asks for.

mod figures;
mod page;

use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::NaiveDate;
use clap::Args;
use salesmart_core::{Error, Result};
use salesmart_run::{RunOptions, RunRecord};
use salesmart_simulator::{COMPANY_NAME, Company, Size};

use crate::context::Context;
use crate::progress;
use crate::scaffold::{self, Existing};

/// The day on which the made-up histories end: a quarter's last one.
pub const AS_OF: NaiveDate = NaiveDate::from_ymd_opt(2026, 9, 30).expect("it is a day");

/// Sales reps of the demo's company.
const REPS: usize = 20;

/// Shows it all on a made-up company: generates the export of its CRM, runs the whole line on it
/// and prints what a sales leader asks for. Needs no account and no network.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart demo                              in ./salesmart-demo
  salesmart demo /tmp/try --deals 100000      larger
  salesmart demo --temp                       in a new temporary folder

It makes a project folder like those of `salesmart init`, with a lake of its own. Run it again: the
same rows are read, and nothing new lands.")]
pub struct Demo {
    /// The folder
    #[arg(default_value = "salesmart-demo")]
    dir: PathBuf,
    /// Use a new temporary folder instead
    #[arg(long, conflicts_with = "dir")]
    temp: bool,
    /// Which company
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many deals its CRM holds
    #[arg(long, default_value_t = 3_000)]
    deals: u64,
}

impl Demo {
    /// Runs the demo.
    ///
    /// # Errors
    /// When the folder is something else's, or the line fails.
    pub fn run(&self, context: Context) -> Result<()> {
        let begun = Instant::now();
        let dir = self.folder()?;
        if context.global().lake.is_some() {
            tracing::warn!("the demo uses the lake in its own folder, and not the given one");
        }
        let size = Size { reps: REPS, deals: self.deals };
        let company = Company::generate(self.seed, size, AS_OF);
        context.print(&page::opening(&company, &dir, context.style()))?;
        scaffold::write(&dir, COMPANY_NAME, &company, Existing::Keep)?;

        let own_lake = context.global().lake.is_some().then(|| dir.join("lake"));
        let context = context.in_project(&dir);
        let workspace = context.workspace()?;
        let options = RunOptions { as_of: Some(company.as_of_instant()), ..RunOptions::default() };
        let (record, figures) = context.block_on(async {
            let lake = context.lake(&workspace).await?;
            let observer = progress::observer(&context);
            let record =
                salesmart_run::run(&workspace, &lake, scaffold::PIPELINE, options, observer)
                    .await?;
            let release = super::release(&lake, None).await?;
            let figures = figures::Figures::read(&workspace, &lake, &release).await?;
            Ok((record, figures))
        })?;
        let style = context.style();
        let mut text = page::figures(&figures, style);
        text.push_str(&page::closing(&record, begun.elapsed(), style));
        text.push_str(&page::next(&dir, own_lake.as_deref(), style));
        context.print(&text)
    }

    /// The folder to use: one that is not there, or one that an earlier demo made.
    fn folder(&self) -> Result<PathBuf> {
        if self.temp {
            return tempfile::Builder::new()
                .prefix("salesmart-demo-")
                .tempdir()
                .map(tempfile::TempDir::keep)
                .map_err(|e| {
                    Error::configuration("failed to make a temporary folder").with_source(e)
                });
        }
        let is_demo = self.dir.join(scaffold::EXPORT_FOLDER).is_dir();
        let is_free =
            std::fs::read_dir(&self.dir).map_or(true, |mut entries| entries.next().is_none());
        if is_demo || is_free {
            return Ok(self.dir.clone());
        }
        Err(Error::configuration(format!(
            "`{}` holds something else than a demo",
            self.dir.display()
        ))
        .with_state("nothing was written")
        .with_hint("name another folder: `salesmart demo NEW-FOLDER`, or use `--temp`"))
    }
}

/// Whether a run found only what it knew.
fn nothing_new(record: &RunRecord) -> bool {
    let rows = record.rows();
    rows.landed == 0 && rows.deleted == 0
}

/// A path as a shell takes it.
pub(crate) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || "/._-+:@".contains(c));
    if is_plain && !text.is_empty() { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests;
