//! `salesmart simulate`: data to try things on.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use salesmart_core::{Error, Result};
use salesmart_simulator::{Company, Size};

use crate::context::Context;

/// Generates the data of a made-up company. The same options give the same bytes.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart simulate export --out export
  salesmart simulate export --out export --deals 5000000 --seed 1 --as-of 2026-06-30
  salesmart simulate export --out export-after --changed 0.01     1 % of the deals changed since")]
pub struct Simulate {
    #[command(subcommand)]
    command: SimulateCommand,
}

#[derive(Subcommand, Debug)]
enum SimulateCommand {
    /// Write the files a CRM would export: opportunities, accounts, users, teams, products, stages
    Export(Export),
}

/// What to generate.
#[derive(Args, Debug)]
struct Export {
    /// The folder that the files are written into
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How many deals
    #[arg(long, default_value_t = 3_000)]
    deals: u64,
    /// How many sales reps
    #[arg(long, default_value_t = 20)]
    reps: usize,
    /// Which company
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The last day of its history
    #[arg(long, value_name = "DATE", default_value = "2026-09-30")]
    as_of: NaiveDate,
    /// The share of deals that somebody has worked on since, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    changed: f64,
}

impl Simulate {
    /// Writes the files.
    ///
    /// # Errors
    /// When an option is out of range or a file cannot be written.
    pub fn run(&self, context: &Context) -> Result<()> {
        let SimulateCommand::Export(export) = &self.command;
        if !(0.0..=1.0).contains(&export.changed) {
            return Err(Error::configuration(format!(
                "`--changed {}` is out of range",
                export.changed
            ))
            .with("expected", "a share from 0 to 1, such as 0.01 for 1 %"));
        }
        let size = Size { reps: export.reps, deals: export.deals };
        let company = Company::generate(export.seed, size, export.as_of).perturbed(export.changed);
        let written = company.write_export(&export.out)?;
        context.print(&format!(
            "{}: {} deals ({} changed), {} accounts, {} users in {} teams, {} to {}\n",
            export.out.display(),
            written.opportunities,
            company.changed_deals(),
            written.accounts,
            written.users,
            written.teams,
            company.starts(),
            company.as_of(),
        ))
    }
}
