//! `salesmart demo`: the whole line on a made-up company, and the figures a sales leader asks for.

mod figures;
mod page;

use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_run::{RunOptions, RunRecord};
use salesmart_simulator::wire::{FaultPlan, Running, SharedWorld};
use salesmart_simulator::world::{Settings, World};
use salesmart_simulator::{COMPANY_NAME, Company, Size, hubspot, salesforce};

use crate::context::Context;
use crate::progress;
use crate::scaffold::{self, Existing, Simulated, System};

/// The day on which the made-up histories end: a quarter's last one.
pub const AS_OF: NaiveDate = NaiveDate::from_ymd_opt(2026, 9, 30).expect("it is a day");

/// Sales reps of the demo's company.
const REPS: usize = 20;

/// Where the demo's rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Source {
    /// A simulated Salesforce org, over HTTP
    Salesforce,
    /// A simulated HubSpot portal, over HTTP
    Hubspot,
    /// The files that a CRM exports
    Files,
}

/// Shows it all on a made-up company: serves its CRM over HTTP on this machine, runs the whole line
/// on it and prints what a sales leader asks for. Needs no account and no network.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart demo                              a simulated Salesforce, in ./salesmart-demo
  salesmart demo --source hubspot --temp      a simulated HubSpot, in a new temporary folder
  salesmart demo /tmp/try --deals 100000      larger

It makes a project folder like those of `salesmart init`, with a lake of its own. Run it again: the
same rows are read, and nothing new lands.")]
pub struct Demo {
    /// The folder
    #[arg(default_value = "salesmart-demo")]
    dir: PathBuf,
    /// Use a new temporary folder instead
    #[arg(long, conflicts_with = "dir")]
    temp: bool,
    /// Where the rows come from
    #[arg(long, value_enum, default_value_t = Source::Salesforce)]
    source: Source,
    /// Which company
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many deals its CRM holds
    #[arg(long, default_value_t = 3_000)]
    deals: u64,
}

/// A run of the demo, ready to begin.
struct Prepared {
    pipeline: &'static str,
    as_of: DateTime<Utc>,
    about: page::About,
    simulator: Option<(System, World)>,
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
        let prepared = self.prepare(&dir)?;
        context.print(&page::opening(&prepared.about, &dir, context.style()))?;

        let own_lake = context.global().lake.is_some().then(|| dir.join("lake"));
        let context = context.in_project(&dir);
        let style = context.style();
        let (record, figures) = context.block_on(walk(context.clone(), prepared))?;
        let mut text = page::figures(&figures, style);
        text.push_str(&page::closing(&record, begun.elapsed(), style));
        let quarter = figures.quarters.last().and_then(|row| row.first()?.as_deref());
        text.push_str(&page::next(&dir, own_lake.as_deref(), quarter, style));
        context.print(&text)
    }

    /// Writes the project.
    fn prepare(&self, dir: &Path) -> Result<Prepared> {
        let size = Size { reps: REPS, deals: self.deals };
        let system = match self.source {
            Source::Salesforce => System::Salesforce,
            Source::Hubspot => System::Hubspot,
            Source::Files => {
                let company = Company::generate(self.seed, size, AS_OF);
                scaffold::write(dir, COMPANY_NAME, &company, Existing::Keep)?;
                return Ok(Prepared {
                    pipeline: scaffold::PIPELINE,
                    as_of: company.as_of_instant(),
                    about: page::About {
                        source: "the files its CRM exports",
                        deals: self.deals,
                        reps: REPS,
                        starts: company.starts(),
                        ends: company.as_of(),
                    },
                    simulator: None,
                });
            }
        };
        let settings = Settings { seed: self.seed, size, as_of: AS_OF, ..Settings::default() };
        let world = World::new(settings);
        let simulated = Simulated {
            system,
            company_name: COMPANY_NAME,
            seed: self.seed,
            reps: REPS,
            deals: self.deals,
            world: &world,
        };
        scaffold::write_simulated(dir, &simulated)?;
        Ok(Prepared {
            pipeline: system.key(),
            as_of: world.now(),
            about: page::About {
                source: match system {
                    System::Salesforce => "a simulated Salesforce",
                    System::Hubspot => "a simulated HubSpot",
                },
                deals: self.deals,
                reps: REPS,
                starts: world.first_day(),
                ends: AS_OF,
            },
            simulator: Some((system, world)),
        })
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
        let is_demo = match self.source {
            Source::Files => self.dir.join(scaffold::EXPORT_FOLDER).is_dir(),
            Source::Salesforce => self.dir.join("pipelines/salesforce.yml").is_file(),
            Source::Hubspot => self.dir.join("pipelines/hubspot.yml").is_file(),
        };
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

/// Starts the simulator, walks the line, and reads the figures.
async fn walk(context: Context, prepared: Prepared) -> Result<(RunRecord, figures::Figures)> {
    let server = match prepared.simulator {
        Some((system, world)) => Some((system, serve(system, world).await?)),
        None => None,
    };
    let context = match &server {
        Some((system, server)) => context.with_variable(system.variable(), server.url()),
        None => context,
    };
    let workspace = context.workspace()?;
    let lake = context.lake(&workspace).await?;
    let observer = progress::observer(&context);
    let options = RunOptions { as_of: Some(prepared.as_of), ..RunOptions::default() };
    let record =
        salesmart_run::run(&workspace, &lake, prepared.pipeline, options, observer).await?;
    let release = super::release(&lake, None).await?;
    let figures = figures::Figures::read(&workspace, &lake, &release).await?;
    if let Some((_, server)) = server {
        server.stop().await;
    }
    Ok((record, figures))
}

async fn serve(system: System, world: World) -> Result<Running> {
    let world = SharedWorld::new(world);
    let faults = FaultPlan::none();
    match system {
        System::Salesforce => {
            salesforce::start(world, salesforce::Settings::default(), faults, None).await
        }
        System::Hubspot => {
            // The limits of a real portal would make the demo wait for a minute.
            let limits = hubspot::Limits::none();
            let settings = hubspot::Settings { limits, ..Default::default() };
            hubspot::start(world, settings, faults, None).await
        }
    }
    .map_err(|e| {
        Error::new(ErrorKind::SourceUnavailable, "failed to start the simulator on 127.0.0.1")
            .with_source(e)
    })
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
