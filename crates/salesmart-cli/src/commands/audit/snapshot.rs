//! `salesmart audit snapshot`: what was believed of a period on a day, deal by deal.

use std::fmt::Write;

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, ValueEnum};
use salesmart_core::{Error, Result};

use super::moment::{Moment, sql_instant};
use super::scope::{Scope, ScopeName};
use super::{Asked, AuditFormat, ledger, show};
use crate::commands::query::ask_all;
use crate::context::Context;
use crate::output::texts;
use crate::period::Period;

/// Shows what was believed of a fiscal period on a day: its deals, and the figures of a scope by
/// series. From the sealed snapshot of that night where there is one; otherwise from the ledger,
/// and then it says `reconstructed`.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart audit snapshot --period FY26Q3 --as-of 2026-08-01
  salesmart audit snapshot --period FY26Q3 --as-of 2026-08-01 --scope team:Blue
  salesmart audit snapshot --period FY26Q3 --as-of 2026-08-01 --known-at 2026-08-15
  salesmart audit snapshot --period FY26Q3 --as-of 2026-08-01 --show figures --format csv

Two times are asked about. `--as-of` is when it was so in the CRM; `--known-at` is when we knew it.
Without `--known-at` the sealed snapshot of that night answers; where the night was missed, the
ledger answers with all that is known by now. With `--known-at` the ledger answers with what was
known then, so the difference of two answers is what was learnt in between.

A day means its end in the company's zone; an instant such as 2026-08-01T05:00:00Z is asked of the
ledger. The ledger knows amounts, stages, owners and categories; the submitted calls and the two
weighted series of stages are in sealed snapshots and in forecast.figure only.")]
pub(super) struct Snapshot {
    /// The fiscal period the deals are due in, such as FY26Q3
    #[arg(long)]
    period: String,
    /// When it was so: a day, or an instant
    #[arg(long, value_name = "WHEN")]
    as_of: Moment,
    /// When it was known: a day, or an instant
    #[arg(long, value_name = "WHEN")]
    known_at: Option<Moment>,
    /// `company`, `region:NAME`, `team:NAME` or `rep:NAME`, by name or id
    #[arg(long, default_value = "company")]
    scope: ScopeName,
    /// What is shown; a table shows both unless told
    #[arg(long, value_enum)]
    show: Option<Show>,
    /// How it is written; csv and json are the deals unless told
    #[arg(long, short, value_enum, default_value_t)]
    format: AuditFormat,
}

/// The two parts of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Show {
    /// The deals.
    Deals,
    /// The figures by series.
    Figures,
}

/// Where the answer comes from.
enum Origin {
    /// The snapshot that was sealed that night.
    Sealed { number: String, hash: String, run: String, as_of: String },
    /// The ledger, at a pair of instants.
    Ledger { valid_at: DateTime<Utc>, known_at: DateTime<Utc> },
}

impl Snapshot {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        context.block_on(async {
            let asked = Asked::open(context).await?;
            let business = asked.workspace.business();
            let period = asked.period(&self.period)?;
            let scope = Scope::find(&asked, &self.scope).await?;
            let day = self.as_of.day(&business);
            let origin = match self.sealed(&asked, &period, day).await? {
                Some(origin) => origin,
                None => Origin::Ledger {
                    valid_at: self.as_of.last(&business),
                    known_at: self
                        .known_at
                        .map_or(asked.release.as_of, |known| known.last(&business)),
                },
            };
            if let Origin::Ledger { valid_at, .. } = &origin
                && *valid_at > end_of_release(&asked)
            {
                return Err(Error::configuration(format!("{day} has not been seen yet"))
                    .with("newest release as of", asked.release.as_of)
                    .with_hint("name a day up to that of the newest run"));
            }
            let is_table = self.format == AuditFormat::Table;
            if is_table {
                context.print(&heading(&origin, &period, &scope, day, context))?;
            }
            let shown: &[Show] = match self.show {
                Some(Show::Deals) => &[Show::Deals],
                Some(Show::Figures) => &[Show::Figures],
                None if is_table => &[Show::Deals, Show::Figures],
                None => &[Show::Deals],
            };
            for (place, part) in shown.iter().enumerate() {
                if place > 0 {
                    context.print("\n")?;
                }
                let sql = match part {
                    Show::Deals => deals(&origin, &period, &scope, day),
                    Show::Figures => self.figures(&asked, &origin, &period, &scope, day).await?,
                };
                // Programs get the origin in every row; people have read it above.
                let sql = if is_table { sql } else { with_origin(&sql, &origin, &period, day) };
                show(&asked, &sql, self.format, context).await?;
            }
            Ok(())
        })
    }

    /// The seal of that night, if it is what was asked for.
    async fn sealed(
        &self,
        asked: &Asked,
        period: &Period,
        day: NaiveDate,
    ) -> Result<Option<Origin>> {
        if self.known_at.is_some() || matches!(self.as_of, Moment::Instant(_)) {
            return Ok(None);
        }
        let sql = format!(
            "select snapshot_no, hash, sealed_run_id, as_of from forecast.snapshot \
             where snapshot_date = date '{day}' and period_start = date '{}'",
            period.start
        );
        let batches = ask_all(&asked.workspace, &asked.lake, &asked.release, &sql).await?;
        let Some(row) = texts(&batches)?.into_iter().next() else { return Ok(None) };
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || cells.next().unwrap_or_default();
        Ok(Some(Origin::Sealed { number: next(), hash: next(), run: next(), as_of: next() }))
    }

    /// The figures of the scope: those sealed, those that forecast.figure has of a missed night,
    /// or what the ledger's deals add up to.
    async fn figures(
        &self,
        asked: &Asked,
        origin: &Origin,
        period: &Period,
        scope: &Scope,
        day: NaiveDate,
    ) -> Result<String> {
        let published = format!(
            "select figure.series, figure.amount, figure.n, figure.n_excluded, figure.provenance \
             from forecast.figure figure where figure.snapshot_date = date '{day}' \
             and figure.period_start = date '{}' and {}",
            period.start,
            scope.is("figure")
        );
        match origin {
            Origin::Sealed { .. } => Ok(format!(
                "select figure.series, figure.amount, figure.n, figure.n_excluded, \
                 'sealed' as provenance from forecast.snapshot_figure figure \
                 where figure.snapshot_date = date '{day}' \
                 and figure.period_start = date '{}' and {} order by figure.series",
                period.start,
                scope.is("figure")
            )),
            Origin::Ledger { valid_at, known_at }
                if self.known_at.is_none() && matches!(self.as_of, Moment::Day(_)) =>
            {
                let count = format!("select count(*) from ({published})");
                let batches =
                    ask_all(&asked.workspace, &asked.lake, &asked.release, &count).await?;
                let is_there = texts(&batches)? != [[Some("0".to_owned())]];
                Ok(if is_there {
                    format!("{published} order by figure.series")
                } else {
                    ledger::figures(*valid_at, *known_at, period, scope)
                })
            }
            Origin::Ledger { valid_at, known_at } => {
                Ok(ledger::figures(*valid_at, *known_at, period, scope))
            }
        }
    }
}

/// The last instant that a release can say something about: the end of its own day.
fn end_of_release(asked: &Asked) -> DateTime<Utc> {
    let business = asked.workspace.business();
    Moment::Day(business.date_of(asked.release.as_of)).last(&business)
}

/// What a person reads first: what it is, and how far it can be trusted.
fn heading(
    origin: &Origin,
    period: &Period,
    scope: &Scope,
    day: NaiveDate,
    context: &Context,
) -> String {
    let style = context.style();
    let mut text = String::new();
    let title = format!(
        "{} ({} to {}), {}, as of {day}",
        period.name,
        period.start,
        period.end,
        scope.label()
    );
    let _ = writeln!(text, "{}", style.bold(&title));
    match origin {
        Origin::Sealed { number, hash, run, as_of } => {
            let _ = writeln!(text, "{} no {number}, {hash}", style.green("sealed"));
            let _ = writeln!(text, "       by run {run} as of {as_of}");
        }
        Origin::Ledger { valid_at, known_at } => {
            let _ = writeln!(
                text,
                "{} from the ledger: as it was at {}, by what was known at {}",
                style.yellow("reconstructed"),
                crate::commands::runs::instant(*valid_at),
                crate::commands::runs::instant(*known_at),
            );
        }
    }
    text.push('\n');
    text
}

/// The deals due in the period.
fn deals(origin: &Origin, period: &Period, scope: &Scope, day: NaiveDate) -> String {
    let deal = match origin {
        Origin::Sealed { .. } => format!(
            "select * from forecast.snapshot_deal deal \
             where deal.snapshot_date = date '{day}' and deal.period_start = date '{}' and {}",
            period.start,
            scope.holds("deal")
        ),
        Origin::Ledger { valid_at, known_at } => ledger::deals(*valid_at, *known_at, period, scope),
    };
    format!(
        "select deal.opportunity_id, deal.opportunity_name, rep.rep_name, deal.stage_name, \
         deal.outcome, deal.bucket, deal.probability, deal.amount, deal.currency, \
         deal.amount_reporting, deal.due_date \
         from ({deal}) deal left join mart.dim_rep rep on rep.rep_id = deal.rep_id \
         order by deal.amount_reporting desc nulls last, deal.opportunity_id"
    )
}

/// The same rows with where they come from in front.
fn with_origin(sql: &str, origin: &Origin, period: &Period, day: NaiveDate) -> String {
    let (provenance, number, hash, known_at) = match origin {
        Origin::Sealed { number, hash, .. } => {
            ("sealed", number.clone(), format!("'{hash}'"), "null".to_owned())
        }
        Origin::Ledger { known_at, .. } => {
            ("reconstructed", "null".to_owned(), "null".to_owned(), sql_instant(*known_at))
        }
    };
    format!(
        "select date '{day}' as snapshot_date, '{}' as period, '{provenance}' as origin, \
         {number} as snapshot_no, {hash} as hash, {known_at} as known_at, answer.* \
         from ({sql}) answer",
        period.name
    )
}
