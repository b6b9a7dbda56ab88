//! `salesmart simulate export`: the files that a CRM would export.

use std::path::PathBuf;

use clap::Args;
use salesmart_core::{Error, Result};
use salesmart_simulator::Company;

use super::Which;
use crate::context::Context;

/// What to generate.
#[derive(Args, Debug)]
pub(super) struct Export {
    /// The folder that the files are written into
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    which: Which,
    /// The share of deals that somebody has worked on since, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    changed: f64,
}

impl Export {
    /// Writes the files.
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        if !(0.0..=1.0).contains(&self.changed) {
            return Err(Error::configuration(format!(
                "`--changed {}` is out of range",
                self.changed
            ))
            .with("expected", "a share from 0 to 1, such as 0.01 for 1 %"));
        }
        let which = &self.which;
        let company = Company::generate(which.seed, which.size(), which.as_of);
        let company = company.perturbed(self.changed);
        let written = company.write_export(&self.out)?;
        context.print(&format!(
            "{}: {} deals ({} changed), {} accounts, {} users in {} teams, {} to {}\n",
            self.out.display(),
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
