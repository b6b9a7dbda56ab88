//! `salesmart releases`: what readers see, and since when.

use std::fmt::Write;

use clap::{Args, Subcommand};
use salesmart_core::{ReleaseId, Result};
use salesmart_lake::{Lake, Release};

use super::runs::instant;
use crate::context::Context;
use crate::output::{Align, TextTable};
use crate::style::Style;

/// Lists and shows releases, and rolls back to one.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart releases                          newest first, the current one marked
  salesmart releases show r000041             its tables, versions and rows
  salesmart releases roll-back r000041        readers see that one from now on
  salesmart query --release r000041 \"…\"       read an old one without rolling back

Rolling back moves the pointer and changes no table. The next run that publishes makes a new
release current, so mend the cause before it starts.")]
pub struct Releases {
    #[command(subcommand)]
    command: Option<ReleasesCommand>,
}

#[derive(Subcommand, Debug)]
enum ReleasesCommand {
    /// List the releases, newest first (the default)
    List {
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Show one release: its tables, their versions and rows
    Show {
        /// The release's id, or `current`
        id: String,
        /// How to write it
        #[arg(long, value_enum, default_value_t)]
        format: super::RecordFormat,
    },
    /// Make an older release the current one, or a newer one again
    #[command(visible_alias = "rollback")]
    RollBack {
        /// The release's id
        id: ReleaseId,
    },
}

impl Releases {
    /// Does what the subcommand says.
    ///
    /// # Errors
    /// When there is no such release or the lake cannot be read.
    pub fn run(&self, context: &Context) -> Result<()> {
        let workspace = context.workspace()?;
        let style = context.style();
        context.block_on(async {
            let lake = context.lake(&workspace).await?;
            let text = match &self.command {
                None => list(&lake, 20, style).await?,
                Some(ReleasesCommand::List { limit }) => list(&lake, *limit, style).await?,
                Some(ReleasesCommand::Show { id, format }) => {
                    let release = super::release(&lake, Some(id)).await?;
                    match format {
                        super::RecordFormat::Text => render(&release, style),
                        super::RecordFormat::Json => super::json(&release)?,
                    }
                }
                Some(ReleasesCommand::RollBack { id }) => roll_back(&lake, *id, style).await?,
            };
            context.print(&text)
        })
    }
}

async fn list(lake: &Lake, limit: usize, style: Style) -> Result<String> {
    let ids = lake.releases().await?;
    let current = lake.current_release().await?.map(|release| release.id);
    if ids.is_empty() {
        return Ok(format!("No release yet in {}.\n", lake.location()));
    }
    let mut table = TextTable::new([
        ("release", Align::Left),
        ("", Align::Left),
        ("made at", Align::Left),
        ("as of", Align::Left),
        ("pipeline", Align::Left),
        ("tables", Align::Right),
        ("run", Align::Left),
    ]);
    for id in ids.iter().rev().take(limit) {
        let release = lake.release(*id).await?;
        table.row([
            id.to_string(),
            if current == Some(*id) { "current".to_owned() } else { String::new() },
            instant(release.created_at),
            instant(release.as_of),
            release.pipeline,
            release.tables.len().to_string(),
            release.run_id.to_string(),
        ]);
    }
    let mut text = table.render(style);
    if ids.len() > limit {
        let more = ids.len() - limit;
        text.push_str(&style.dim(&format!("({more} older ones; `--limit` shows more)\n")));
    }
    Ok(text)
}

fn render(release: &Release, style: Style) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", style.bold(&release.id.to_string()));
    let _ = writeln!(text, "  made at   {}", instant(release.created_at));
    let _ = writeln!(text, "  as of     {}", instant(release.as_of));
    let _ = writeln!(text, "  pipeline  {}", release.pipeline);
    let _ = writeln!(text, "  run       {}", release.run_id);
    if let Some(head) = &release.forecast_head {
        let _ = writeln!(text, "  sealed    up to no {} {}", head.snapshot_no, head.hash);
    }
    text.push('\n');
    let mut table =
        TextTable::new([("table", Align::Left), ("rows", Align::Right), ("version", Align::Right)]);
    for (name, released) in &release.tables {
        table.row([name.clone(), released.rows.to_string(), released.version.to_string()]);
    }
    text.push_str(&table.render(style));
    text
}

/// Moves the pointer.
#[expect(clippy::disallowed_methods, reason = "the log of pointers says when it was moved")]
async fn roll_back(lake: &Lake, id: ReleaseId, style: Style) -> Result<String> {
    let release = salesmart_publish::roll_back(lake, id, chrono::Utc::now()).await?;
    Ok(format!("{} {id} is current, as of {}\n", style.green("done"), instant(release.as_of)))
}
