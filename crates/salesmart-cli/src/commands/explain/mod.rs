//! `salesmart explain METRIC`: what one figure is made of, and that it adds up.
//!
//! ```text
//! release ─▶ figure (one row of a kpi table) ─┐
//!                                             ├▶ proof ─▶ page
//! views of the marts ─▶ contributions ────────┘
//! ```
//!
//! The contributions are the very rows that the figure's model sums up. They are summed here once
//! more, over the release as it is, and must give the figure's parts.

mod contribution;
mod figure;
mod page;
mod proof;
mod release;
mod scope;
mod target;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::Args;
use futures::StreamExt;
use salesmart_core::{Error, Result};
use salesmart_run::Period;

use super::metrics;
use crate::context::Context;
use crate::output::{Format, RowWriter};
use contribution::Contributions;
use figure::Figure;
use release::Explained;
use scope::{Scope, Slice};
use target::Target;

/// Shows what one figure is made of: the deals behind it, what each contributes, what was left
/// out and why; and proves that they add up to it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart explain win_rate_count --period FY26Q3
  salesmart explain sales_cycle_median --period 2026-09 --scope \"team:Europe Enterprise\"
  salesmart explain quota_attainment --period FY26Q3 --scope \"rep:Ana Suarez\"
  salesmart explain weighted_pipeline_deal --period 2026-09-15 --slice category=commit
  salesmart explain win_rate_value --period FY26 --format csv --output deals.csv
  salesmart metrics                             which figures there are

Periods: a fiscal year FY26, quarter FY26Q3 or month FY26M07, a month 2026-09, a week 2026-W38, a
day 2026-09-15. A fiscal year is named by the calendar year in which it ends.
Scopes: company, region:X, team:X, rep:X, by name or id.

It ends with exit code 7 when the contributions do not add up to the figure.")]
pub struct Explain {
    /// The metric's id
    metric: String,
    /// The period: FY26Q3, FY26, 2026-09, 2026-W38, 2026-09-15
    #[arg(long, value_name = "PERIOD")]
    period: String,
    /// Whose figure: company, region:X, team:X or rep:X, by name or id
    #[arg(long, value_name = "SCOPE", default_value = "company")]
    scope: String,
    /// One slice of it: stage=X, category=X, close_period=FY26Q4, target=METRIC
    #[arg(long = "slice", value_name = "KEY=VALUE")]
    slices: Vec<String>,
    /// The release to explain, instead of the current one
    #[arg(long, value_name = "ID")]
    release: Option<String>,
    /// How contributions are written; anything but a table has all of them and nothing else
    #[arg(long, short, value_enum, default_value_t)]
    format: Format,
    /// The file to write to; it appears when it is complete
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show at most so many contributions [default: 40 in a table, otherwise all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// Contributions that a table shows.
const SHOWN: usize = 40;

impl Explain {
    /// Explains the figure.
    ///
    /// # Errors
    /// When there is no such metric, period, scope or slice, or the contributions do not add up
    /// to the figure.
    pub fn run(&self, context: &Context) -> Result<()> {
        let workspace = context.workspace()?;
        let card = metrics::card(workspace.catalog(), &self.metric)?;
        let calendar = workspace.business().calendar;
        let period = Period::parse(&self.period, &calendar)?;
        let slices = self
            .slices
            .iter()
            .map(|text| Slice::parse(text, &calendar))
            .collect::<Result<Vec<_>>>()?;
        context.block_on(async {
            let lake = context.lake(&workspace).await?;
            let release = super::release(&lake, self.release.as_deref()).await?;
            let explained = Explained::new(&workspace, &lake, &release);
            let scope = Scope::find(&explained, &self.scope).await?;
            let figure = Figure::find(&explained, card, &period, &scope, &slices).await?;
            let page = page::Page {
                card,
                period: &period,
                scope: &scope,
                release: &release,
                figure: &figure,
            };
            let proof = match target::metric(&figure.slices) {
                Some(metric) => self.target(context, &explained, &page, metric).await?,
                None => self.contributions(context, &explained, &page).await?,
            };
            proof::judge(&proof, &self.metric)
        })
    }

    /// A figure that its contributions make.
    async fn contributions(
        &self,
        context: &Context,
        explained: &Explained<'_>,
        page: &page::Page<'_>,
    ) -> Result<Vec<proof::Compared>> {
        let page::Page { card, period, scope, figure, .. } = *page;
        let contributions =
            Contributions::find(explained, card, period, scope, &figure.slices).await?;
        let sums = contributions.sums(explained).await?;
        let reading = contributions.reading(explained, card.0, &sums).await?;
        let proof = proof::prove(figure, &sums, reading.as_ref());
        if !self.is_page() {
            self.write(context, explained, &contributions.rows(self.limit)).await?;
            return Ok(proof);
        }
        let limit = self.limit.unwrap_or(SHOWN);
        let listed = contributions.listed(explained, reading.as_ref(), limit).await?;
        let made = page::Made { sums: &sums, reading: reading.as_ref(), listed: &listed };
        context.print(&page.of_contributions(&made, &proof, context.style()))?;
        Ok(proof)
    }

    /// Progress towards a target.
    async fn target(
        &self,
        context: &Context,
        explained: &Explained<'_>,
        page: &page::Page<'_>,
        metric: &str,
    ) -> Result<Vec<proof::Compared>> {
        let page::Page { card, period, scope, figure, .. } = *page;
        let target = Target::find(explained, &card.0.id, metric, period, scope).await?;
        let proof = target.prove(figure)?;
        if self.is_page() {
            context.print(&page.of_target(&target, &proof, context.style()))?;
        } else {
            self.write(context, explained, &target.rows(period, scope)).await?;
        }
        Ok(proof)
    }

    /// Whether a page is asked for, and not rows.
    fn is_page(&self) -> bool {
        self.format == Format::Table && self.output.is_none()
    }

    /// Writes the answer to a question as rows.
    async fn write(&self, context: &Context, explained: &Explained<'_>, sql: &str) -> Result<()> {
        let mut rows = explained.stream(sql).await?;
        let output = self.output.as_deref();
        let mut writer = RowWriter::new(self.format, output, rows.schema(), context.style())?;
        while let Some(batch) = rows.next().await {
            writer.write(&batch.map_err(super::query::failed)?)?;
        }
        writer.finish()?;
        Ok(())
    }
}

/// A text as SQL quotes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A cell that must be there.
fn cell<'a>(row: &'a [Option<String>], place: usize, what: &str) -> Result<&'a str> {
    row.get(place)
        .and_then(Option::as_deref)
        .ok_or_else(|| Error::bug(format!("a row of the release has no {what}")))
}
