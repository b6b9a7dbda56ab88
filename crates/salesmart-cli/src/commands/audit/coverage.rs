//! `salesmart audit coverage`: which nights are sealed, and what is known of the time before.

use clap::Args;
use salesmart_core::Result;

use super::{Asked, AuditFormat, show};
use crate::context::Context;

/// Shows, for each fiscal period, the runs of days that are sealed, reconstructed or missing, and
/// for each connection and field since when its history is observed or reconstructed.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart audit coverage
  salesmart audit coverage --period FY26Q3 --days
  salesmart audit coverage --fields --format csv

A day is `sealed` when a run sealed its snapshot; `reconstructed` when it is before the first seal,
and known from the CRM's own history; `missing` when a run should have sealed it and none did. What
can be known of a missing day is reconstructed too, and marked so in forecast.figure.")]
pub(super) struct Coverage {
    /// One fiscal period, such as FY26Q3
    #[arg(long)]
    period: Option<String>,
    /// Each day by itself
    #[arg(long, conflicts_with = "fields")]
    days: bool,
    /// Only the fields' history
    #[arg(long)]
    fields: bool,
    /// How it is written; csv and json are the nights unless `--fields` is given
    #[arg(long, short, value_enum, default_value_t)]
    format: AuditFormat,
}

impl Coverage {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        context.block_on(async {
            let asked = Asked::open(context).await?;
            let period = match &self.period {
                Some(text) => {
                    format!("where period_start = date '{}'", asked.period(text)?.start)
                }
                None => String::new(),
            };
            let is_table = self.format == AuditFormat::Table;
            if !self.fields {
                let sql = if self.days { days(&period) } else { spans_of_days(&period) };
                show(&asked, &sql, self.format, context).await?;
            }
            if self.fields || (is_table && !self.days && self.period.is_none()) {
                if !self.fields {
                    context.print("\n")?;
                }
                show(&asked, SPANS_OF_FIELDS, self.format, context).await?;
            }
            Ok(())
        })
    }
}

/// Each day of the periods.
fn days(period: &str) -> String {
    format!(
        "select period_name, snapshot_date, status, has_figures, snapshot_no, deals, reason \
         from forecast.snapshot_day {period} order by period_start, snapshot_date"
    )
}

/// Days of one kind in a row, as one.
fn spans_of_days(period: &str) -> String {
    format!(
        "with day as (select * from forecast.snapshot_day {period}), \
         marked as (select *, case when (lag(status) over days is distinct from status) \
             or (lag(has_figures) over days is distinct from has_figures) then 1 else 0 end as begins \
             from day window days as (partition by period_start order by snapshot_date)), \
         numbered as (select *, sum(begins) over \
             (partition by period_start order by snapshot_date) as span from marked) \
         select period_name, status, min(snapshot_date) as first_day, \
             max(snapshot_date) as last_day, count(*) as days, has_figures, \
             min(snapshot_no) as first_no, max(snapshot_no) as last_no, min(reason) as reason \
         from numbered group by period_start, period_name, status, has_figures, span \
         order by period_start, first_day"
    )
}

/// The same of what is known of each field.
const SPANS_OF_FIELDS: &str = "with marked as (select *, \
        case when lag(coverage) over days is distinct from coverage then 1 else 0 end as begins \
        from forecast.coverage \
        window days as (partition by connection, field order by date_day)), \
    numbered as (select *, sum(begins) over \
        (partition by connection, field order by date_day) as span from marked) \
    select connection, field, coverage, min(date_day) as first_day, max(date_day) as last_day, \
        count(*) as days \
    from numbered group by connection, field, coverage, span \
    order by connection, field, first_day";
