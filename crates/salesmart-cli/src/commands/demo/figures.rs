//! What the page shows, asked of the release in SQL: the same questions a person may paste.

use salesmart_core::Result;
use salesmart_lake::{Lake, Release};
use salesmart_run::Workspace;

use crate::commands::query::ask_all;
use crate::output::texts;

/// A row of values as text; `None` is null.
pub(super) type Row = Vec<Option<String>>;

/// Everything on the page.
pub(super) struct Figures {
    pub(super) quarters: Vec<Row>,
    pub(super) teams: Vec<Row>,
    pub(super) reps: Vec<Row>,
    pub(super) pipeline: Vec<Row>,
    pub(super) forecast: Vec<Row>,
    pub(super) currency: String,
    pub(super) stale_after_days: i64,
}

/// The figures of one scope and quarter in one row. Each is a row of `kpi.metric_value`; ratios
/// carry their parts, so that won and lost are read off the win rate.
const PIVOT: &str = "
    max(case when metric = 'win_rate_count' then numerator end) as won,
    max(case when metric = 'win_rate_count' then denominator - numerator end) as lost,
    max(case when metric = 'win_rate_count' then value end) as win_rate,
    max(case when metric = 'win_rate_value' then value end) as win_rate_by_value,
    max(case when metric = 'deal_size_won_average' then numerator end) as amount_won,
    max(case when metric = 'deal_size_won_average' then value end) as average_deal,
    max(case when metric = 'sales_cycle_median' then value end) as median_cycle,
    max(case when metric = 'quota_attainment' then value end) as attainment";

/// The quarter in which the release's instant lies.
const THIS_QUARTER: &str = "period_grain = 'quarter'
    and period_start <= cast(as_of as date) and cast(as_of as date) <= period_end";

/// What the open quarters were forecast to bring when they were sealed last.
const FORECAST: &str = "
    select period_name,
        max(case when series = 'closed' then amount end) as closed,
        max(case when series = 'commit_cumulative' then amount end) as commit,
        max(case when series = 'best_case_cumulative' then amount end) as best_case,
        max(case when series = 'pipeline_cumulative' then amount end) as pipeline,
        max(case when series = 'weighted_deal' then amount end) as weighted
    from forecast.figure
    where scope = 'company' and provenance = 'sealed'
        and snapshot_date = (select max(snapshot_date) from forecast.figure)
    group by period_name, period_start
    order by period_start";

impl Figures {
    pub(super) async fn read(
        workspace: &Workspace,
        lake: &Lake,
        release: &Release,
    ) -> Result<Self> {
        let business = workspace.business();
        let ask = async |sql: String| texts(&ask_all(workspace, lake, release, &sql).await?);
        Ok(Self {
            quarters: ask(format!(
                "select * from (
                    select 'FY' || cast(fiscal_year(period_start) as varchar)
                        || ' Q' || cast(fiscal_quarter(period_start) as varchar) as quarter,
                        {PIVOT}
                    from kpi.metric_value
                    where scope = 'company' and period_grain = 'quarter'
                        and period_start <= cast(as_of as date)
                    group by period_start
                    order by period_start desc
                    limit 6
                ) order by quarter"
            ))
            .await?,
            teams: ask(format!(
                "select scope_name, {PIVOT} from kpi.metric_value
                where scope = 'team' and {THIS_QUARTER}
                group by scope_id, scope_name having max(n) > 0 order by scope_name"
            ))
            .await?,
            reps: ask(format!(
                "select scope_name, {PIVOT} from kpi.metric_value
                where scope = 'rep' and {THIS_QUARTER}
                group by scope_id, scope_name having max(n) > 0
                order by amount_won desc nulls last, scope_name limit 5"
            ))
            .await?,
            pipeline: ask(format!(
                "
                select stage.stage_name, count(*) as deals,
                    count(deal.amount_reporting) as deals_with_amount,
                    sum(deal.amount_reporting) as amount,
                    sum(deal.amount_reporting * deal.probability) as weighted,
                    sum(case when deal.inactive_days >= {stale} then 1 else 0 end) as stale
                from mart.fct_opportunity as deal
                join mart.dim_stage as stage on stage.stage_id = deal.stage_id
                where deal.outcome = 'open' and deal.deal_exclusion is null
                group by stage.stage_name, stage.sort_order
                order by stage.sort_order, stage.stage_name",
                stale = business.stale_after_days
            ))
            .await?,
            forecast: ask(FORECAST.to_owned()).await?,
            currency: business.reporting_currency,
            stale_after_days: business.stale_after_days,
        })
    }
}
