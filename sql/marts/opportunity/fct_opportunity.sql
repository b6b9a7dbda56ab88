/* @model
description: One row a deal as of the as-of instant, with its outcome, dates, money, cycle, and for each kind of figure the reason why the deal is left out of it, or null.
grain: [opportunity_id]
kind: table
owner: revops
tags: [crm, opportunities]
columns:
  opportunity_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection that delivered the deal", checks: [not_null]}
  opportunity_name: {type: string, doc: "name of the deal"}
  account_id: {type: string, doc: "account; null: the deal names none", checks: ["relationships: mart.dim_account.account_id"]}
  rep_id: {type: string, doc: "owner now; of a closed deal at the moment of its outcome, where history tells", checks: [not_null, "relationships: mart.dim_rep.rep_id"]}
  rep_key: {type: int64, doc: "the owner in his team of closed_date, or of the as-of day; joins bridge_rep_scope", checks: [not_null]}
  team_id: {type: string, doc: "that team", checks: [not_null]}
  region_id: {type: string, doc: "that team's region", checks: [not_null]}
  created_rep_id: {type: string, doc: "owner when it was created, where history tells, else rep_id", checks: [not_null]}
  created_rep_key: {type: int64, doc: "that owner in his team of start_date; joins bridge_rep_scope", checks: [not_null]}
  product_id: {type: string, doc: "product; null: the deal names none", checks: ["relationships: mart.dim_product.product_id"]}
  stage_id: {type: string, doc: "stage now", checks: [not_null, "relationships: mart.dim_stage.stage_id"]}
  outcome: {type: string, doc: "open, won or lost by the stage's type; null: the stage is unknown", checks: ["accepted_values: [open, won, lost]"]}
  created_date: {type: date, doc: "day of creation"}
  qualified_date: {type: date, doc: "day of the first entry into a qualified stage"}
  start_date: {type: date, doc: "day the cycle starts: created, or where the source has no creation, qualified"}
  cycle_start_source: {type: string, doc: "created, engaged, or null without a start", checks: ["accepted_values: [created, engaged]"]}
  closed_at: {type: timestamp, doc: "moment of the outcome, where the source has it"}
  closed_date: {type: date, doc: "day of the outcome; null while open"}
  anchor_source: {type: string, doc: "where closed_date comes from: closed_at (moment of the outcome), close_date (the source's close date) or expected_close_date (a closed deal without either)", checks: ["accepted_values: [closed_at, close_date, expected_close_date]"]}
  expected_close_date: {type: date, doc: "planned close date"}
  amount: {type: "decimal(18,2)", doc: "amount in the deal's currency; null: unknown"}
  currency: {type: string, doc: "ISO 4217 code; null: unknown"}
  amount_reporting: {type: "decimal(18,2)", doc: "amount in the reporting currency, by the rate of the close date, rounded half away from zero to cents; null: unknown or unconverted"}
  probability: {type: "decimal(9,6)", doc: "the deal's own probability, a fraction", checks: [{check: "between 0 and 1", severity: warn}]}
  forecast_category: {type: string, doc: "how sure the rep is; null: the source has none", checks: ["accepted_values: [omitted, pipeline, best_case, most_likely, commit, closed]"]}
  age_days: {type: int64, doc: "days from start_date to the as-of day; open deals only"}
  cycle_days: {type: int64, doc: "days from start_date to closed_date of a closed deal; null where it would be negative", checks: ["between 0 and 100000"]}
  qualified_cycle_days: {type: int64, doc: "days from qualified_date to closed_date of a closed deal; null where it would be negative", checks: ["between 0 and 100000"]}
  last_activity_at: {type: timestamp, doc: "last activity; null: unknown"}
  inactive_days: {type: int64, doc: "days from the last activity to the as-of day; open deals only"}
  push_count: {type: int64, doc: "how often the planned close date was moved to a later month"}
  lost_reason: {type: string, doc: "why it was lost"}
  has_history: {type: boolean, doc: "whether the source keeps a history of the deal: fct_opportunity_version has it", checks: [not_null]}
  deal_exclusion: {type: string, doc: "why the deal is in no figure at all", checks: ["accepted_values: [unknown_stage, no_close_date, implausible_date, created_after_as_of, closed_after_as_of]"]}
  amount_exclusion: {type: string, doc: "why its amount is in no figure in money", checks: ["accepted_values: [amount_too_large, no_amount, no_currency, unconverted]"]}
  win_value_exclusion: {type: string, doc: "closed deals: why it is not in the win rate by value", checks: ["accepted_values: [amount_too_large, no_amount, no_currency, unconverted, amount_not_positive, loss_amounts_not_recorded]"]}
  cycle_exclusion: {type: string, doc: "won deals: why it is not in the sales cycle", checks: ["accepted_values: [no_start_date, negative_cycle]"]}
  qualified_cycle_exclusion: {type: string, doc: "won deals: why it is not in the sales cycle from qualification", checks: ["accepted_values: [no_qualified_date, negative_cycle]"]}
  pipeline_exclusion: {type: string, doc: "why it is not in the pipeline yield", checks: ["accepted_values: [no_start_date, negative_cycle, amount_too_large, no_amount, no_currency, unconverted, loss_amounts_not_recorded]"]}
  stale_exclusion: {type: string, doc: "open deals: why it is not in the stale share", checks: ["accepted_values: [amount_too_large, no_amount, no_currency, unconverted, no_activity_recorded]"]}
*/
with
deal as (
    select * from intermediate.int_opportunity
),
stage as (
    select * from intermediate.int_stage
),
tenure as (
    select * from mart.dim_rep_tenure
),
-- A connection none of whose lost deals has an amount does not record what was lost.
lost_amounts as (
    select deal.connection, bool_or(coalesce(deal.amount, 0) > 0) as has_any
    from deal
    inner join stage on deal.stage_id = stage.stage_id
    where stage.stage_type = 'lost'
    group by deal.connection
),
joined as (
    select
        deal.*,
        stage.stage_type as outcome,
        coalesce(stage.stage_type in ('won', 'lost'), false) as is_closed,
        coalesce(deal.created_date, deal.qualified_date) as start_date,
        case
            when deal.created_date is not null then 'created'
            when deal.qualified_date is not null then 'engaged'
        end as cycle_start_source,
        deal.is_loss_amount_recorded and coalesce(lost_amounts.has_any, true)
            as is_loss_recorded
    from deal
    inner join stage on deal.stage_id = stage.stage_id
    left join lost_amounts on deal.connection = lost_amounts.connection
),
anchored as (
    select
        *,
        case
            when not is_closed then null
            when closed_at is not null then 'closed_at'
            when closed_date is not null then 'close_date'
            when expected_close_date is not null then 'expected_close_date'
        end as anchor_source,
        case when is_closed then coalesce(closed_date, expected_close_date) end as outcome_date,
        case when is_closed then closed_at end as outcome_at,
        case when is_closed then coalesce(outcome_rep_id, rep_id) else rep_id end as holder_id
    from joined
),
-- Whose it was: in his team of the outcome's day, or of now.
held as (
    select
        anchored.*,
        tenure.rep_key,
        tenure.team_id,
        tenure.region_id
    from tenure
    right join anchored
        on tenure.rep_id = anchored.holder_id
        and coalesce(anchored.outcome_date, $as_of_date) >= tenure.valid_from
        and coalesce(anchored.outcome_date, $as_of_date) < tenure.valid_to
),
-- And whose when it began.
begun as (
    select
        held.*,
        tenure.rep_id as creator_id,
        tenure.rep_key as created_rep_key
    from tenure
    right join held
        on tenure.rep_id = coalesce(held.created_rep_id, held.holder_id)
        and coalesce(held.start_date, $as_of_date) >= tenure.valid_from
        and coalesce(held.start_date, $as_of_date) < tenure.valid_to
),
dated as (
    select
        *,
        coalesce(outcome_date < start_date or outcome_at < created_at, false)
            as is_negative_cycle,
        coalesce(outcome_date < qualified_date or outcome_at < qualified_at, false)
            as is_negative_qualified_cycle,
        case
            when outcome is null then 'unknown_stage'
            when is_closed and outcome_date is null then 'no_close_date'
            when
                least(start_date, qualified_date, outcome_date) < date '1970-01-01'
                then 'implausible_date'
            when start_date > $as_of_date or created_at > $as_of then 'created_after_as_of'
            when outcome_date > $as_of_date or outcome_at > $as_of then 'closed_after_as_of'
        end as deal_exclusion,
        case
            when is_amount_too_large then 'amount_too_large'
            when amount is null then 'no_amount'
            when currency is null then 'no_currency'
            when amount_reporting is null then 'unconverted'
        end as amount_exclusion
    from begun
),
final as (
    select
        opportunity_id,
        connection,
        opportunity_name,
        account_id,
        holder_id as rep_id,
        rep_key,
        team_id,
        region_id,
        creator_id as created_rep_id,
        created_rep_key,
        product_id,
        stage_id,
        outcome,
        created_date,
        qualified_date,
        start_date,
        cycle_start_source,
        outcome_at as closed_at,
        outcome_date as closed_date,
        anchor_source,
        expected_close_date,
        amount,
        currency,
        amount_reporting,
        probability,
        forecast_category,
        case when outcome = 'open' then $as_of_date - start_date end as age_days,
        case when not is_negative_cycle then outcome_date - start_date end as cycle_days,
        case when not is_negative_qualified_cycle then outcome_date - qualified_date end
            as qualified_cycle_days,
        last_activity_at,
        case when outcome = 'open' then $as_of_date - last_activity_date end as inactive_days,
        push_count,
        lost_reason,
        has_history,
        deal_exclusion,
        amount_exclusion,
        case
            when not is_closed then null
            when amount_exclusion is not null then amount_exclusion
            when amount <= 0 then 'amount_not_positive'
            when not is_loss_recorded then 'loss_amounts_not_recorded'
        end as win_value_exclusion,
        case
            when outcome <> 'won' then null
            when start_date is null then 'no_start_date'
            when is_negative_cycle then 'negative_cycle'
        end as cycle_exclusion,
        case
            when outcome <> 'won' then null
            when qualified_date is null then 'no_qualified_date'
            when is_negative_qualified_cycle then 'negative_cycle'
        end as qualified_cycle_exclusion,
        case
            when start_date is null then 'no_start_date'
            when is_negative_cycle then 'negative_cycle'
            when amount_exclusion is not null then amount_exclusion
            when not is_loss_recorded then 'loss_amounts_not_recorded'
        end as pipeline_exclusion,
        case
            when outcome <> 'open' then null
            when amount_exclusion is not null then amount_exclusion
            when last_activity_date is null then 'no_activity_recorded'
        end as stale_exclusion
    from dated
)
select
    opportunity_id, connection, opportunity_name, account_id, rep_id, rep_key, team_id, region_id,
    created_rep_id, created_rep_key, product_id, stage_id, outcome, created_date, qualified_date, start_date, cycle_start_source,
    closed_at, closed_date, anchor_source, expected_close_date, amount, currency,
    amount_reporting, probability, forecast_category, age_days, cycle_days, qualified_cycle_days,
    last_activity_at, inactive_days, push_count, lost_reason, has_history, deal_exclusion, amount_exclusion,
    win_value_exclusion, cycle_exclusion, qualified_cycle_exclusion, pipeline_exclusion,
    stale_exclusion
from final
