//! `salesmart audit accuracy`: how good the forecasts of a period were.

use std::fmt::Write;

use clap::Args;
use salesmart_core::Result;

use super::scope::{Scope, ScopeName, literal};
use super::{Asked, AuditFormat, show};
use crate::commands::query::ask_all;
use crate::context::Context;
use crate::output::texts;
use crate::period::Period;

/// Compares each series with what was won in the period, at the checkpoints before its end and
/// before its start, or on every day.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart audit accuracy --period FY26Q3
  salesmart audit accuracy --period FY26Q3 --series commit --scope team:Blue
  salesmart audit accuracy --period FY26Q3 --series commit_cumulative --daily --format csv

F is the forecast, A the actual: frozen when the books of the period closed.
  error = F - A, bias = error over A (positive: over-forecast), ratio = F over A
  accuracy_vs_actual = 1 - |F - A| over A, accuracy_vs_forecast = 1 - |F - A| over F
  wape = the sum of |F - A| over the sum of A, of the units one level below
A figure without A, or with A = 0, is null, and its row says why.")]
pub(super) struct Accuracy {
    /// The fiscal period, such as FY26Q3
    #[arg(long)]
    period: String,
    /// `company`, `region:NAME`, `team:NAME` or `rep:NAME`, by name or id
    #[arg(long, default_value = "company")]
    scope: ScopeName,
    /// One series, such as commit, best_case_cumulative, weighted_deal, rep_call
    #[arg(long)]
    series: Option<String>,
    /// Every day, not only the configured checkpoints
    #[arg(long)]
    daily: bool,
    /// How it is written
    #[arg(long, short, value_enum, default_value_t)]
    format: AuditFormat,
}

/// What people read of a row; programs get all of it.
const READ: &str = "accuracy.series, accuracy.snapshot_date, accuracy.horizon_days, \
    accuracy.provenance, accuracy.forecast, accuracy.actual, accuracy.error, accuracy.bias, \
    accuracy.ratio, accuracy.accuracy_vs_actual, accuracy.accuracy_vs_forecast, accuracy.wape, \
    accuracy.hit_rate_10, \
    coalesce(accuracy.null_reason, accuracy.forecast_null_reason, accuracy.unit_null_reason) \
        as null_reason";

impl Accuracy {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        context.block_on(async {
            let asked = Asked::open(context).await?;
            let period = asked.period(&self.period)?;
            let scope = Scope::find(&asked, &self.scope).await?;
            let mut conditions = vec![
                format!("accuracy.period_start = date '{}'", period.start),
                scope.is("accuracy"),
            ];
            if let Some(series) = &self.series {
                conditions.push(format!("accuracy.series = {}", literal(series)));
            }
            if !self.daily {
                conditions
                    .push("(accuracy.is_checkpoint or accuracy.is_start_checkpoint)".to_owned());
            }
            let sql = format!(
                "select {} from forecast.accuracy accuracy where {} \
                 order by accuracy.series, accuracy.snapshot_date",
                if self.format == AuditFormat::Table { READ } else { "*" },
                conditions.join(" and ")
            );
            if self.format == AuditFormat::Table {
                context.print(&self.heading(&asked, &period, &scope, context).await?)?;
            }
            show(&asked, &sql, self.format, context).await
        })
    }

    /// What the forecasts are compared with, and whether it still is what it was.
    async fn heading(
        &self,
        asked: &Asked,
        period: &Period,
        scope: &Scope,
        context: &Context,
    ) -> Result<String> {
        let sql = format!(
            "select actual.amount, actual.n, actual.provenance, actual.frozen_at, \
             actual.amount_restated, actual.restatement, actual.books_close_date \
             from forecast.actual actual where actual.period_start = date '{}' and {}",
            period.start,
            scope.is("actual")
        );
        let rows = texts(&ask_all(&asked.workspace, &asked.lake, &asked.release, &sql).await?)?;
        let style = context.style();
        let title = format!("{}, {}", period.name, scope.label());
        let mut text = format!("{}\n", style.bold(&title));
        let Some(row) = rows.into_iter().next() else {
            text.push_str("nothing was won in it, as far as is known\n\n");
            return Ok(text);
        };
        let mut cells = row.into_iter();
        let mut next = || cells.next().flatten();
        let (amount, n, provenance, frozen_at) = (next(), next(), next(), next());
        let (restated, restatement, closes) = (next(), next(), next());
        let known = |cell: Option<String>| cell.unwrap_or_default();
        match (amount, frozen_at) {
            (Some(amount), Some(frozen_at)) => {
                let _ = writeln!(
                    text,
                    "actual {amount} of {} deals, frozen as of {frozen_at} ({}); by what is known \
                     now {}, a difference of {}\n",
                    known(n),
                    known(provenance),
                    known(restated),
                    known(restatement)
                );
            }
            _ => {
                let _ = writeln!(
                    text,
                    "no actual yet: its books close on {}; {} is won so far\n",
                    known(closes),
                    known(restated)
                );
            }
        }
        Ok(text)
    }
}
