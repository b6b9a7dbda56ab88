/* @model
description: One row a deal and span of company days at whose end it stood the same, from its first day on, without hole or overlap. Of a deal without a history the span before its outcome is assumed.
grain: [opportunity_id, valid_from]
kind: incremental
incremental:
  key: opportunity_id
  changed_by:
    mart.fct_opportunity_version: opportunity_id
    mart.fct_opportunity: opportunity_id
  as_of: |
    select opportunity_id from mart.fct_opportunity where not has_history
    union all
    select version.opportunity_id
    from mart.fct_opportunity_version as version
    where
        version.valid_from > $last_as_of and version.valid_from <= $as_of
        or version.valid_to > $last_as_of and version.valid_to <= $as_of
        or (
            select count(*) from mart.dim_rep_tenure as tenure
            where
                tenure.valid_from > $last_as_of_date and tenure.valid_from <= $as_of_date
                or tenure.valid_to > $last_as_of_date and tenure.valid_to <= $as_of_date
        ) > 0
owner: revops
tags: [crm, opportunities]
columns:
  opportunity_id: {type: string, doc: "connection:source id; deleted and merged deals too", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  valid_from: {type: date, doc: "first day at whose end it stood so", checks: [not_null]}
  valid_to: {type: date, doc: "first day at whose end it no longer did; 9999-12-31: it does now", checks: [not_null]}
  rep_id: {type: string, doc: "owner then; connection:(unassigned) where there was none", checks: [not_null]}
  rep_key: {type: int64, doc: "the owner in his team then, as in dim_rep_tenure; joins bridge_rep_scope", checks: [not_null]}
  stage_id: {type: string, doc: "stage then; null: unknown"}
  stage_key: {type: int64, doc: "its number within this build, as in dim_stage"}
  outcome: {type: string, doc: "open, won or lost by the stage's type; null: unknown", checks: ["accepted_values: [open, won, lost]"]}
  is_qualified: {type: boolean, doc: "whether it counted as qualified; null: unknown"}
  amount: {type: "decimal(18,2)", doc: "amount in the deal's currency; null: none, or unknown"}
  currency: {type: string, doc: "ISO 4217 code; null: unknown"}
  amount_reporting: {type: "decimal(18,2)", doc: "amount in the reporting currency, by the rate of this span's close date; null: unknown or unconverted"}
  amount_exclusion: {type: string, doc: "why its amount is in no figure in money", checks: ["accepted_values: [amount_too_large, no_amount, no_currency, unconverted]"]}
  close_date: {type: date, doc: "planned close date then; of an assumed span today's"}
  close_quarter_start: {type: date, doc: "first day of the fiscal quarter of the close date"}
  forecast_category: {type: string, doc: "omitted, pipeline, best_case, most_likely, commit or closed; null: none or unknown", checks: ["accepted_values: [omitted, pipeline, best_case, most_likely, commit, closed]"]}
  probability: {type: "decimal(9,6)", doc: "the deal's own probability then, a fraction"}
  stage_probability: {type: "decimal(9,6)", doc: "the default probability of its stage, a fraction"}
  is_deleted: {type: boolean, doc: "true: in the bin, merged away or gone then; the other columns say what it was before", checks: [not_null]}
  provenance: {type: string, doc: "observed: a run saw it; reconstructed: from the CRM's history; assumed: the source has no history", checks: [not_null, "accepted_values: [observed, reconstructed, assumed]"]}
  deal_exclusion: {type: string, doc: "why the deal is in no figure at all, as in fct_opportunity"}
  is_first_day: {type: boolean, doc: "whether it is how the deal stood at the end of its first day; never where nobody knows that day", checks: [not_null]}
  is_gone: {type: boolean, doc: "whether the deal is deleted or merged away as of now: it is in no figure that is not about the past as it was believed then", checks: [not_null]}
*/
with
version as (
    select * from mart.fct_opportunity_version
),
deal as (
    select * from mart.fct_opportunity
),
stage as (
    select * from mart.dim_stage
),
-- Moves of people after the as-of day are not known yet either.
tenure as (
    select
        rep_id,
        rep_key,
        valid_from,
        case when valid_to > $as_of_date then date '9999-12-31' else valid_to end as valid_to
    from mart.dim_rep_tenure
    where valid_from <= $as_of_date
),
-- A version holds at the end of the days from its first one to the one before its end: what did
-- not last until a day's end has no day. What came after the as-of instant is not known yet.
dated as (
    select
        opportunity_id,
        connection,
        company_date(valid_from) as valid_from,
        case
            when valid_to is null or valid_to > $as_of then date '9999-12-31'
            else company_date(valid_to)
        end as valid_to,
        coalesce(rep_id, connection || ':(unassigned)') as rep_id,
        stage_id,
        outcome,
        amount,
        currency,
        amount_reporting,
        amount_exclusion,
        close_date,
        forecast_category,
        probability,
        is_deleted,
        provenance,
        company_date(valid_from) = company_date(began_at) as is_first_day
    from version
    where valid_from <= $as_of
),
lasting as (
    select * from dated where valid_from < valid_to
),
-- The small sides of the joins stand on the left, and the versions keep their order.
from_history as (
    select
        span.opportunity_id,
        span.connection,
        span.valid_from,
        span.valid_to,
        span.rep_id,
        span.stage_id,
        stage.stage_key,
        span.outcome,
        stage.is_qualified,
        case when abs(span.amount) < 10000000000000000 then cast(span.amount as decimal(18, 2)) end
            as amount,
        span.currency,
        span.amount_reporting,
        span.amount_exclusion,
        span.close_date,
        span.forecast_category,
        span.probability,
        stage.default_probability as stage_probability,
        span.is_deleted,
        span.provenance,
        span.is_first_day
    from stage
    right join lasting as span on stage.stage_id = span.stage_id
),
judged as (
    select
        span.*,
        deal.deal_exclusion,
        deal.opportunity_id is null as is_gone
    from deal
    right join from_history as span on deal.opportunity_id = span.opportunity_id
),
-- Without a history: open from its start to its outcome (or the as-of day), with today's amount;
-- then as it is now. A deal that is qualified now, or was when it ended, is from its
-- qualification on.
without_history as (
    select
        deal.opportunity_id,
        deal.connection,
        deal.rep_id,
        deal.stage_id,
        stage.stage_key,
        deal.outcome,
        stage.is_qualified,
        deal.start_date,
        coalesce(deal.closed_date, $as_of_date) as end_date,
        case
            when deal.outcome = 'open' and not stage.is_qualified then null
            else deal.qualified_date
        end as qualified_date,
        deal.amount,
        deal.currency,
        deal.amount_reporting,
        deal.amount_exclusion,
        deal.expected_close_date,
        deal.closed_date,
        deal.forecast_category,
        deal.probability,
        stage.default_probability as stage_probability,
        deal.deal_exclusion
    from stage
    right join deal on stage.stage_id = deal.stage_id
    where
        not deal.has_history
        and deal.deal_exclusion is distinct from 'created_after_as_of'
),
assumed as (
    select
        opportunity_id,
        connection,
        start_date as valid_from,
        least(coalesce(qualified_date, end_date), end_date) as valid_to,
        false as is_qualified,
        true as is_before,
        rep_id, stage_id, stage_key, outcome, amount, currency, amount_reporting,
        amount_exclusion, expected_close_date, closed_date, forecast_category, probability,
        stage_probability, deal_exclusion, start_date
    from without_history
    where start_date is not null
    union all
    select
        opportunity_id,
        connection,
        greatest(qualified_date, start_date) as valid_from,
        end_date as valid_to,
        true as is_qualified,
        true as is_before,
        rep_id, stage_id, stage_key, outcome, amount, currency, amount_reporting,
        amount_exclusion, expected_close_date, closed_date, forecast_category, probability,
        stage_probability, deal_exclusion, start_date
    from without_history
    where start_date is not null and qualified_date is not null
    union all
    select
        opportunity_id,
        connection,
        end_date as valid_from,
        date '9999-12-31' as valid_to,
        is_qualified,
        false as is_before,
        rep_id, stage_id, stage_key, outcome, amount, currency, amount_reporting,
        amount_exclusion, expected_close_date, closed_date, forecast_category, probability,
        stage_probability, deal_exclusion, start_date
    from without_history
),
from_deal as (
    select
        opportunity_id,
        connection,
        valid_from,
        case when valid_to > $as_of_date then date '9999-12-31' else valid_to end as valid_to,
        rep_id,
        case when not is_before then stage_id end as stage_id,
        case when not is_before then stage_key end as stage_key,
        case when is_before then 'open' else outcome end as outcome,
        is_qualified,
        amount,
        currency,
        amount_reporting,
        amount_exclusion,
        case when is_before then expected_close_date else coalesce(closed_date, expected_close_date) end
            as close_date,
        case when not is_before then forecast_category end as forecast_category,
        case when not is_before then probability end as probability,
        case when not is_before then stage_probability end as stage_probability,
        false as is_deleted,
        'assumed' as provenance,
        coalesce(valid_from = start_date, false) as is_first_day,
        deal_exclusion,
        false as is_gone
    from assumed
    where valid_from < valid_to and valid_from <= $as_of_date
),
span as (
    select * from judged
    union all
    select * from from_deal
),
-- An owner who changes teams within a span splits it.
final as (
    select
        span.opportunity_id,
        span.connection,
        greatest(span.valid_from, tenure.valid_from) as valid_from,
        least(span.valid_to, tenure.valid_to) as valid_to,
        span.rep_id,
        tenure.rep_key,
        span.stage_id,
        span.stage_key,
        span.outcome,
        span.is_qualified,
        span.amount,
        span.currency,
        span.amount_reporting,
        span.amount_exclusion,
        span.close_date,
        period_start('quarter', span.close_date) as close_quarter_start,
        span.forecast_category,
        span.probability,
        span.stage_probability,
        span.is_deleted,
        span.provenance,
        span.deal_exclusion,
        -- A split that a new team makes later than that day is not of it.
        span.is_first_day and span.valid_from >= tenure.valid_from as is_first_day,
        span.is_gone
    from tenure
    right join span
        on tenure.rep_id = span.rep_id
        and span.valid_from < tenure.valid_to
        and span.valid_to > tenure.valid_from
)
select
    opportunity_id, connection, valid_from, valid_to, rep_id, rep_key, stage_id, stage_key,
    outcome, is_qualified, amount, currency, amount_reporting, amount_exclusion, close_date,
    close_quarter_start, forecast_category, probability, stage_probability, is_deleted,
    provenance, deal_exclusion, is_first_day, is_gone
from final
