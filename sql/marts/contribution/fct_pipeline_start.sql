/* @model
description: How each deal stood at the end of its first day, of the deals that count. What was created in a period has its date_day in it.
grain: [opportunity_id]
kind: view
owner: revops
tags: [crm, contribution, pipeline]
columns:
  opportunity_id: {type: string, doc: "the deal", checks: [not_null]}
  date_day: {type: date, doc: "its first day", checks: [not_null]}
  rep_key: {type: int64, doc: "the owner in his team then", checks: [not_null]}
  amount_reporting: {type: "decimal(18,2)", doc: "amount in the reporting currency"}
  yield_exclusion: {type: string, doc: "why it is not in the pipeline yield: as amount_exclusion, or loss_amounts_not_recorded"}
  is_assumed: {type: boolean, doc: "whether nobody knows that it stood so: its source has no history", checks: [not_null]}
*/
with
state as (
    select * from mart.fct_opportunity_state
),
silent_on_losses as (
    select connection
    from mart.fct_opportunity
    where pipeline_exclusion = 'loss_amounts_not_recorded'
    group by connection
),
final as (
    select
        state.opportunity_id,
        state.valid_from as date_day,
        state.rep_key,
        state.amount_reporting,
        coalesce(
            state.amount_exclusion,
            case when silent.connection is not null then 'loss_amounts_not_recorded' end
        ) as yield_exclusion,
        state.provenance = 'assumed' as is_assumed
    from silent_on_losses as silent
    right join state on silent.connection = state.connection
    where state.is_first_day and not state.is_gone and state.deal_exclusion is null
)
select opportunity_id, date_day, rep_key, amount_reporting, yield_exclusion, is_assumed
from final
