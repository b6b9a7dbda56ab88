//! `salesmart simulate truth`: what the company's figures must come to.

use std::path::PathBuf;

use clap::Args;
use salesmart_core::{Error, Result};
use salesmart_simulator::write_truth;

use super::Which;
use crate::output::Sink;

/// Whose figures, and where to.
#[derive(Args, Debug)]
pub(super) struct Truth {
    #[command(flatten)]
    which: Which,
    /// How many days after that
    #[arg(long, default_value_t = 0)]
    days: u32,
    /// The month in which fiscal years start, from 1 to 12
    #[arg(long, value_name = "MONTH", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=12))]
    fiscal_year_start: u32,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Truth {
    /// Writes the figures: sorted by metric, scope, name and period; an empty field is unknown.
    pub(super) fn run(&self) -> Result<()> {
        let mut world = self.which.world();
        // The systems are taken to be read since the day it starts on.
        let first_read = world.today();
        if self.days > 0 {
            world.advance(self.days);
        }
        let mut text = Vec::new();
        write_truth(&world.truth(self.fiscal_year_start, first_read), &mut text)
            .map_err(|error| Error::bug("failed to write the figures as CSV").with_source(error))?;
        let mut sink = Sink::open(self.output.as_deref())?;
        sink.text(&String::from_utf8_lossy(&text))?;
        sink.complete()
    }
}
