//! `salesmart simulate`: a company that never was, to try things on.

mod advance;
mod export;
mod serve;
mod truth;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use salesmart_core::Result;
use salesmart_simulator::Size;
use salesmart_simulator::world::{Settings, World};

use crate::context::Context;

/// Generates a made-up company, and speaks for its systems. The same options give the same bytes.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart simulate export --out export
  salesmart simulate export --out export --deals 5000000 --seed 1 --as-of 2026-06-30
  salesmart simulate export --out export-after --changed 0.01     1 % of the deals changed since
  salesmart simulate serve --deals 5000       its Salesforce and HubSpot, until Ctrl-C
  salesmart simulate serve --only hubspot --hubspot-port 8765 --faults chaos
  salesmart simulate advance --url http://127.0.0.1:8765 --days 1
  salesmart simulate truth --deals 5000       what its figures must come to")]
pub struct Simulate {
    #[command(subcommand)]
    command: SimulateCommand,
}

#[derive(Subcommand, Debug)]
enum SimulateCommand {
    /// Write the files a CRM would export: opportunities, accounts, users, teams, products, stages
    Export(export::Export),
    /// Be its Salesforce and its HubSpot, over HTTP on this machine, until Ctrl-C
    ///
    /// Prints the variables that pipelines find them by, as lines that a shell can read. The servers
    /// answer as the real ones do: formats, pages, limits, errors.
    Serve(serve::Serve),
    /// Move the company of running servers on by some days
    Advance(advance::Advance),
    /// Write the true figures of the company as CSV
    ///
    /// They are worked out from what happened, not from what a system tells of it.
    Truth(truth::Truth),
}

impl Simulate {
    /// Does what the subcommand says.
    ///
    /// # Errors
    /// When an option is out of range, a file cannot be written or a server cannot be reached.
    pub fn run(&self, context: &Context) -> Result<()> {
        match &self.command {
            SimulateCommand::Export(command) => command.run(context),
            SimulateCommand::Serve(command) => command.run(context),
            SimulateCommand::Advance(command) => command.run(context),
            SimulateCommand::Truth(command) => command.run(),
        }
    }
}

/// Which company.
#[derive(Args, Clone, Debug)]
struct Which {
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
}

impl Which {
    fn size(&self) -> Size {
        Size { reps: self.reps, deals: self.deals }
    }

    fn world(&self) -> World {
        World::new(Settings {
            seed: self.seed,
            size: self.size(),
            as_of: self.as_of,
            ..Settings::default()
        })
    }
}
