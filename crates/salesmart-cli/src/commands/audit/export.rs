//! `salesmart audit export`: one file for somebody who trusts nobody.

use std::fmt::Write as _;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Args;
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_forecast::export::{Exported, Selection, export};

use crate::context::Context;
use crate::output::{Sink, grouped};
use crate::period::Period;
use crate::style::Style;

/// Writes the sealed documents, their hashes, the list of them, the ledger's entries, and how to
/// verify all of it with `sha256sum` and a shell, into one tar file.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart audit export --output history.tar
  salesmart audit export --period FY26Q3 --output fy26q3.tar
  tar -xf history.tar && cd forecast-history && sha256sum -c SHA256SUMS

README.txt in it says how to verify it, with commands that need nothing of Salesmart. The same
history and choice give the same bytes. A part of the chain is exported without holes: with a period
go the other periods' snapshots of the same nights, because a chain with holes cannot be followed.")]
pub(super) struct Export {
    /// The file to write; it appears when it is complete
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// The snapshots of one fiscal period, such as FY26Q3
    #[arg(long)]
    period: Option<String>,
    /// Snapshots from this night on
    #[arg(long, value_name = "DAY")]
    from: Option<NaiveDate>,
    /// Snapshots up to this night
    #[arg(long, value_name = "DAY")]
    to: Option<NaiveDate>,
}

impl Export {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let workspace = context.workspace()?;
        let calendar = workspace.business().calendar;
        let period =
            self.period.as_deref().map(|text| Period::parse(text, &calendar)).transpose()?;
        let selection = Selection {
            period_start: period.map(|period| period.start),
            from: self.from,
            to: self.to,
        };
        let spool = tempfile::tempdir().map_err(|e| {
            Error::configuration("failed to make a temporary folder").with_source(e)
        })?;
        let mut sink = Sink::open(Some(&self.output))?;
        let exported = context.block_on(async {
            let lake = context.lake(&workspace).await?;
            export(&lake, &selection, spool.path(), &mut sink).await
        })?;
        sink.complete()?;
        context.print(&self.told(&exported, context.style()))?;
        if exported.broken.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::CheckFailed,
            format!(
                "{} of the exported documents do not have the hash they were sealed with",
                exported.broken.len()
            ),
        )
        .with("documents", exported.broken.join(", "))
        .with_state(format!("`{}` is written, and shows it", self.output.display()))
        .with_hint("`salesmart audit verify` says what is wrong with them"))
    }

    fn told(&self, exported: &Exported, style: Style) -> String {
        let mut text = String::new();
        let (first, last) = exported.numbers.unwrap_or_default();
        let _ = writeln!(text, "{} {}", style.green("written"), self.output.display());
        let snapshots = grouped(exported.snapshots);
        let _ = writeln!(text, "  snapshots       {snapshots} (no {first} to {last})");
        let _ = writeln!(text, "  lines           {}", grouped(exported.lines));
        let _ = writeln!(text, "  ledger entries  {}", grouped(exported.ledger_entries));
        let _ = writeln!(text, "  follows         {}", exported.starts_after);
        let _ = writeln!(text, "  head            {}", exported.head);
        text
    }
}
