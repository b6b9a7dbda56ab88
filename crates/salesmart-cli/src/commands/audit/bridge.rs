//! `salesmart audit bridge FROM TO`: why a period's figure moved between any two days.
//!
//! The rules are those of `forecast.bridge_deal`, literally: its own SQL is run once more, over two
//! days that were asked for rather than over each sealed night and the one before it.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type};
use chrono::NaiveDate;
use clap::Args;
use futures::TryStreamExt;
use salesmart_core::{Error, ErrorKind, Result};

use super::rows::Texts;
use super::scope::{Scope, ScopeName, literal};
use super::{Asked, AuditFormat};
use crate::commands::query::{ask_all, failed, versions};
use crate::context::Context;
use crate::output::texts;
use crate::period::Period;

/// Explains how a series of a period moved between two days, deal by deal: what it started with,
/// what came in, changed and went out, and what it ended with. Starting and all that moved is the
/// ending, to the cent, which is checked and shown.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart audit bridge 2026-08-01 2026-08-31 --period FY26Q3
  salesmart audit bridge 2026-08-01 2026-08-31 --period FY26Q3 --scope team:Blue
  salesmart audit bridge 2026-08-01 2026-08-31 --period FY26Q3 --series commit --format csv

A day that was sealed is taken as it was sealed; any other as the CRM's history tells it now, and
marked so. A deal has one row a component: new, pulled_in and pushed_in (its close came from a later
or an earlier quarter), pushed_out and pulled_out, increased and decreased, revalued (only the rate
changed), recategorised, won, lost, reopened, moved_in and moved_out (another owner),
deleted_or_merged. What comes in and goes out of one series at once is not there.

forecast.bridge has the same for each sealed night and the one before it. The exit code is 7
(check_failed) when it does not add up.")]
pub(super) struct Bridge {
    /// The first day
    from: NaiveDate,
    /// The second day
    to: NaiveDate,
    /// The fiscal period, such as FY26Q3
    #[arg(long)]
    period: String,
    /// `company`, `region:NAME`, `team:NAME` or `rep:NAME`, by name or id
    #[arg(long, default_value = "company")]
    scope: ScopeName,
    /// The series: closed, or commit, most_likely, best_case, pipeline, alone or with _cumulative
    #[arg(long, default_value = "pipeline_cumulative")]
    series: String,
    /// How it is written
    #[arg(long, short, value_enum, default_value_t)]
    format: AuditFormat,
}

/// One move of one deal.
struct Move {
    component: String,
    deal: String,
    name: Option<String>,
    rep: Option<String>,
    close_before: Option<String>,
    close: Option<String>,
    cents: i128,
}

/// A day as it is known.
struct Side {
    day: NaiveDate,
    /// The number of its seal.
    sealed: Option<String>,
}

impl Side {
    fn provenance(&self) -> String {
        match &self.sealed {
            Some(number) => format!("sealed no {number}"),
            None => "reconstructed".to_owned(),
        }
    }

    /// The deals due in the period on that day, as a query with the columns that the bridge reads.
    fn due(&self, period: &Period) -> String {
        let (day, start) = (self.day, period.start);
        if self.sealed.is_some() {
            return format!(
                "select snapshot_date, period_start, opportunity_id, bucket, amount, currency, \
                 amount_reporting, rep_id, team_id, region_id, close_date \
                 from forecast.snapshot_deal \
                 where snapshot_date = date '{day}' and period_start = date '{start}'"
            );
        }
        format!(
            "select date '{day}' as snapshot_date, state.period_start, state.opportunity_id, \
             state.bucket, state.amount, state.currency, state.amount_reporting, state.rep_id, \
             tenure.team_id, tenure.region_id, state.close_date \
             from mart.fct_forecast_state state \
             inner join (select rep_key, team_id, region_id from mart.dim_rep_tenure) tenure \
                 on tenure.rep_key = state.rep_key \
             where state.valid_from <= date '{day}' and state.valid_to > date '{day}' \
             and state.period_start = date '{start}'"
        )
    }
}

impl Bridge {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        if self.from >= self.to {
            return Err(Error::configuration(format!("{} is not before {}", self.from, self.to))
                .with_hint("name the earlier day first"));
        }
        context.block_on(async {
            let asked = Asked::open(context).await?;
            let today = asked.workspace.business().date_of(asked.release.as_of);
            if self.to > today {
                return Err(Error::configuration(format!("{} has not been seen yet", self.to))
                    .with("newest release as of", asked.release.as_of)
                    .with_hint("name days up to that of the newest run"));
            }
            let period = asked.period(&self.period)?;
            let scope = Scope::find(&asked, &self.scope).await?;
            self.known_series(&asked).await?;
            let from = side(&asked, &period, self.from).await?;
            let to = side(&asked, &period, self.to).await?;
            let starting = self.figure(&asked, &period, &scope, &from).await?;
            let ending = self.figure(&asked, &period, &scope, &to).await?;
            let moves = self.moves(&asked, &period, &scope, &from, &to).await?;
            let moved: i128 = moves.iter().map(|one| one.cents).sum();
            let adds_up = starting.0 + moved == ending.0;
            if self.format == AuditFormat::Table {
                let title = format!(
                    "{} of {}, {}: {} ({}) to {} ({})",
                    self.series,
                    period.name,
                    scope.label(),
                    from.day,
                    from.provenance(),
                    to.day,
                    to.provenance()
                );
                context.print(&format!("{}\n\n", context.style().bold(&title)))?;
            }
            let style = context.style();
            listed(&moves, starting, ending, self.format).write(self.format, style)?;
            if self.format == AuditFormat::Table {
                context.print("\n")?;
                totals(&moves, starting, ending).write(self.format, style)?;
                let sum = format!(
                    "starting {} + moved {} = {}{}",
                    money(starting.0),
                    money(moved),
                    if adds_up { "ending " } else { "" },
                    money(starting.0 + moved)
                );
                let judged = if adds_up {
                    format!("{} {sum}\n", style.green("adds up:"))
                } else {
                    format!(
                        "{} {sum}, and not {}\n",
                        style.red("DOES NOT ADD UP:"),
                        money(ending.0)
                    )
                };
                context.print(&format!("\n{judged}"))?;
            }
            if adds_up {
                return Ok(());
            }
            Err(Error::new(ErrorKind::CheckFailed, "starting and what moved is not the ending")
                .with("starting", money(starting.0))
                .with("moved", money(moved))
                .with("ending", money(ending.0))
                .with_hint("`salesmart audit verify` says whether the sealed days were changed"))
        })
    }

    /// Fails for a series that no bridge explains.
    async fn known_series(&self, asked: &Asked) -> Result<()> {
        let sql =
            "select distinct series from mart.dim_forecast_series where is_bridged order by 1";
        let rows = texts(&ask_all(&asked.workspace, &asked.lake, &asked.release, sql).await?)?;
        let known: Vec<String> = rows.into_iter().flatten().flatten().collect();
        if known.contains(&self.series) {
            return Ok(());
        }
        Err(Error::configuration(format!("no bridge explains the series `{}`", self.series))
            .with("expected", known.join(", ")))
    }

    /// The figure of a day in cents, and the deals in it.
    async fn figure(
        &self,
        asked: &Asked,
        period: &Period,
        scope: &Scope,
        side: &Side,
    ) -> Result<(i128, u64)> {
        let sql = format!(
            "with deal as ({}) select deal.rep_id, deal.team_id, deal.region_id, \
             cast(coalesce(sum(deal.amount_reporting), 0) as decimal(38, 2)) as amount, \
             count(deal.amount_reporting) as n \
             from mart.dim_forecast_series series \
             inner join deal on deal.bucket = series.bucket where series.series = {} \
             group by deal.rep_id, deal.team_id, deal.region_id",
            side.due(period),
            literal(&self.series)
        );
        let (mut sum, mut deals) = (0, 0);
        for batch in explained(asked, &sql).await? {
            for (row, cells) in texts(std::slice::from_ref(&batch))?.iter().enumerate() {
                if scope.has(cells.get(..3).unwrap_or_default()) {
                    sum += cents(&batch, "amount", row)?;
                    let n = cells.get(4).and_then(Option::as_deref).unwrap_or_default();
                    deals += n.parse::<u64>().unwrap_or(0);
                }
            }
        }
        Ok((sum, deals))
    }

    /// What moved the series within the scope.
    async fn moves(
        &self,
        asked: &Asked,
        period: &Period,
        scope: &Scope,
        from: &Side,
        to: &Side,
    ) -> Result<Vec<Move>> {
        let rules = rules(asked, period, from, to)?;
        // The scope is chosen here and not in SQL: whatever it is, the engine runs the same plan.
        let sql = format!(
            "{rules} select bridge_deal.rep_id, bridge_deal.team_id, bridge_deal.region_id, \
             bridge_deal.other_rep_id, bridge_deal.other_team_id, bridge_deal.other_region_id, \
             bridge_deal.component, bridge_deal.opportunity_id, opportunity.opportunity_name, \
             rep.rep_name, bridge_deal.close_date_before, bridge_deal.close_date, \
             bridge_deal.amount \
             from bridge_deal \
             left join mart.fct_opportunity opportunity \
                 on opportunity.opportunity_id = bridge_deal.opportunity_id \
             left join mart.dim_rep rep on rep.rep_id = bridge_deal.rep_id \
             where bridge_deal.series = {} \
             order by bridge_deal.component, bridge_deal.amount desc, bridge_deal.opportunity_id",
            literal(&self.series)
        );
        let mut moves = Vec::new();
        for batch in explained(asked, &sql).await? {
            for (row, cells) in texts(std::slice::from_ref(&batch))?.into_iter().enumerate() {
                let (units, others) =
                    (cells.get(..3).unwrap_or_default(), cells.get(3..6).unwrap_or_default());
                // A deal that changed hands within the scope did not move it.
                let changed_hands = others.iter().any(Option::is_some);
                if !scope.has(units) || (changed_hands && scope.has(others)) {
                    continue;
                }
                let mut cells = cells.into_iter().skip(6);
                let mut next = || cells.next().flatten();
                moves.push(Move {
                    component: next().unwrap_or_default(),
                    deal: next().unwrap_or_default(),
                    name: next(),
                    rep: next(),
                    close_before: next(),
                    close: next(),
                    cents: cents(&batch, "amount", row)?,
                });
            }
        }
        Ok(moves)
    }
}

/// How a day is known.
async fn side(asked: &Asked, period: &Period, day: NaiveDate) -> Result<Side> {
    let sql = format!(
        "select snapshot_no from forecast.snapshot \
         where snapshot_date = date '{day}' and period_start = date '{}'",
        period.start
    );
    let rows = texts(&ask_all(&asked.workspace, &asked.lake, &asked.release, &sql).await?)?;
    Ok(Side { day, sealed: rows.into_iter().flatten().flatten().next() })
}

/// The model whose SQL holds the rules.
const RULES: &str = "forecast.bridge_deal";

/// The SQL of the model as a list of CTEs, over the two days, the last one named `bridge_deal`.
fn rules(asked: &Asked, period: &Period, from: &Side, to: &Side) -> Result<String> {
    let model = asked
        .workspace
        .catalog()
        .models()
        .find(|model| model.name.to_string() == RULES)
        .ok_or_else(|| Error::configuration(format!("there is no model `{RULES}`")))?;
    let nights = format!(
        "select date '{}' as snapshot_date, date '{start}' as period_start union all \
         select date '{}' as snapshot_date, date '{start}' as period_start",
        from.day,
        to.day,
        start = period.start
    );
    let deals = if from.sealed.is_some() && to.sealed.is_some() {
        // In one filter: over a union of two constant days the engine takes the rules' full outer
        // join for an inner one, and loses deals that are in the later seal alone.
        format!(
            "select snapshot_date, period_start, opportunity_id, bucket, amount, currency, \
             amount_reporting, rep_id, team_id, region_id, close_date \
             from forecast.snapshot_deal \
             where snapshot_date in (date '{}', date '{}') and period_start = date '{}'",
            from.day, to.day, period.start
        )
    } else {
        format!("{} union all {}", from.due(period), to.due(period))
    };
    over(&model.text, &nights, &deals).ok_or_else(|| {
        Error::configuration(format!("the rules of `{RULES}` cannot be run over other days"))
            .at(salesmart_core::Location::line(&model.file, 1))
            .with(
                "expected",
                "CTEs, two of which are `select * from forecast.snapshot` and \
                 `select * from forecast.snapshot_deal`, and a last select",
            )
    })
}

/// The model's text with its two inputs exchanged and its last select made a CTE.
fn over(text: &str, nights: &str, deals: &str) -> Option<String> {
    let body = text.split_once("*/").map_or(text, |(_, body)| body);
    let body = body.trim_start().strip_prefix("with")?;
    let last = body.rfind("\nselect")?;
    let (ctes, last) = body.split_at(last);
    let (snapshot, deal) = (
        "(\n    select * from forecast.snapshot\n)",
        "(\n    select * from forecast.snapshot_deal\n)",
    );
    if ctes.matches(snapshot).count() != 1 || ctes.matches(deal).count() != 1 {
        return None;
    }
    let ctes = ctes.replace(snapshot, &format!("({nights})")).replace(deal, &format!("({deals})"));
    Some(format!("with{}, bridge_deal as ({last})", ctes.trim_end()))
}

/// Asks the release, with the views of the marts.
async fn explained(asked: &Asked, sql: &str) -> Result<Vec<RecordBatch>> {
    let business = asked.workspace.business();
    let rows = salesmart_model::explain(
        &asked.lake,
        &versions(&asked.release),
        asked.release.as_of,
        asked.workspace.catalog(),
        &business,
        sql,
    )
    .await?;
    rows.try_collect().await.map_err(failed)
}

fn cents(batch: &RecordBatch, name: &str, row: usize) -> Result<i128> {
    let strange = || Error::bug(format!("the bridge has no usable column `{name}`"));
    let column = batch.column_by_name(name).ok_or_else(strange)?;
    let column = cast(column, &DataType::Decimal128(38, 2)).map_err(|_| strange())?;
    let column = column.as_primitive::<Decimal128Type>();
    Ok(if column.is_null(row) { 0 } else { column.value(row) })
}

/// Cents as money.
fn money(cents: i128) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// The moves between starting and ending.
fn listed(
    moves: &[Move],
    starting: (i128, u64),
    ending: (i128, u64),
    format: AuditFormat,
) -> Texts {
    let mut rows = Texts::new(&[
        "component",
        "opportunity_id",
        "opportunity_name",
        "rep_name",
        "close_date_before",
        "close_date",
        "amount",
    ]);
    let bound = |component: &str, cents: i128| {
        let mut cells = vec![None; 7];
        cells[0] = Some(component.to_owned());
        cells[6] = Some(money(cents));
        cells
    };
    // A table shows them below, with the components.
    if format != AuditFormat::Table {
        rows.row(bound("starting", starting.0));
    }
    for one in moves {
        rows.row([
            Some(one.component.clone()),
            Some(one.deal.clone()),
            one.name.clone(),
            one.rep.clone(),
            one.close_before.clone(),
            one.close.clone(),
            Some(money(one.cents)),
        ]);
    }
    if format != AuditFormat::Table {
        rows.row(bound("ending", ending.0));
    }
    rows
}

/// The sum of each component.
fn totals(moves: &[Move], starting: (i128, u64), ending: (i128, u64)) -> Texts {
    let mut components: BTreeMap<&str, (i128, u64)> = BTreeMap::new();
    for one in moves {
        let sum = components.entry(&one.component).or_default();
        sum.0 += one.cents;
        sum.1 += 1;
    }
    let mut rows = Texts::new(&["component", "amount", "n"]);
    let ordered = std::iter::once(("starting", starting))
        .chain(components)
        .chain(std::iter::once(("ending", ending)));
    for (component, (cents, n)) in ordered {
        rows.row([Some(component.to_owned()), Some(money(cents)), Some(n.to_string())]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "/* @model\n*/\nwith\nsealed as (\n    select * from forecast.snapshot\n),\n\
        deal as (\n    select * from forecast.snapshot_deal\n),\nfinal as (\n    select 1 as a\n)\n\
        select\n    a\nfrom final\n";

    #[test]
    fn the_rules_are_run_over_other_days() {
        assert_eq!(
            over(MODEL, "NIGHTS", "DEALS").unwrap(),
            "with\nsealed as (NIGHTS),\ndeal as (DEALS),\nfinal as (\n    select 1 as a\n)\
             , bridge_deal as (\nselect\n    a\nfrom final\n)"
        );
        assert_eq!(over(&MODEL.replace("snapshot_deal", "other"), "NIGHTS", "DEALS"), None);
        assert_eq!(over("select 1", "NIGHTS", "DEALS"), None);
    }

    #[test]
    fn the_model_in_the_binary_can_be_run_so() {
        let models = crate::builtin::models();
        let (_, text) = models
            .iter()
            .find(|(file, _)| file.ends_with("forecast/forecast_bridge_deal.sql"))
            .unwrap();
        assert!(over(text, "NIGHTS", "DEALS").is_some());
    }

    #[test]
    fn money_has_its_cents() {
        assert_eq!(money(123_450), "1234.50");
        assert_eq!(money(-5), "-0.05");
        assert_eq!(money(0), "0.00");
    }
}
