/* @model
description: The spans in which a deal was open and counts - not deleted then or since, and not left out of all figures. What was open at the end of a day has valid_from <= day < valid_to.
grain: [opportunity_id, valid_from]
kind: view
owner: revops
tags: [crm, contribution, pipeline]
columns:
  opportunity_id: {type: string, doc: "the deal", checks: [not_null]}
  valid_from: {type: date, doc: "first day at whose end it stood so", checks: [not_null]}
  valid_to: {type: date, doc: "first day at whose end it no longer did", checks: [not_null]}
  rep_key: {type: int64, doc: "the owner in his team then", checks: [not_null]}
  stage_id: {type: string, doc: "stage; null: unknown"}
  stage_key: {type: int64, doc: "its number within this build"}
  is_qualified: {type: boolean, doc: "whether it counted as qualified"}
  amount_reporting: {type: "decimal(18,2)", doc: "amount in the reporting currency"}
  amount_exclusion: {type: string, doc: "why its amount is in no figure in money"}
  yield_exclusion: {type: string, doc: "why it is not in the pipeline yield: as amount_exclusion, or loss_amounts_not_recorded"}
  close_date: {type: date, doc: "planned close date"}
  close_quarter_start: {type: date, doc: "first day of its fiscal quarter"}
  forecast_category: {type: string, doc: "forecast category; null: none or unknown"}
  probability: {type: "decimal(9,6)", doc: "the deal's own probability"}
  stage_probability: {type: "decimal(9,6)", doc: "the default probability of its stage"}
  is_assumed: {type: boolean, doc: "whether nobody knows that it stood so: its source has no history", checks: [not_null]}
*/
with
state as (
    select * from mart.fct_opportunity_state
),
-- Connections that do not record what was lost, as fct_opportunity found them out.
silent_on_losses as (
    select connection
    from mart.fct_opportunity
    where pipeline_exclusion = 'loss_amounts_not_recorded'
    group by connection
),
final as (
    select
        state.opportunity_id,
        state.valid_from,
        state.valid_to,
        state.rep_key,
        state.stage_id,
        state.stage_key,
        state.is_qualified,
        state.amount_reporting,
        state.amount_exclusion,
        coalesce(
            state.amount_exclusion,
            case when silent.connection is not null then 'loss_amounts_not_recorded' end
        ) as yield_exclusion,
        state.close_date,
        state.close_quarter_start,
        state.forecast_category,
        state.probability,
        state.stage_probability,
        state.provenance = 'assumed' as is_assumed
    from silent_on_losses as silent
    right join state on silent.connection = state.connection
    where
        state.outcome = 'open'
        and not state.is_deleted
        and not state.is_gone
        and state.deal_exclusion is null
)
select
    opportunity_id, valid_from, valid_to, rep_key, stage_id, stage_key, is_qualified,
    amount_reporting, amount_exclusion, yield_exclusion, close_date, close_quarter_start,
    forecast_category, probability, stage_probability, is_assumed
from final
