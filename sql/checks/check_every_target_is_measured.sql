/* @check
description: Every target of the settings names a region, team or rep and a period that there are, and a metric without slices that has a definition card.
severity: warn
table: kpi.target_progress
*/
select
    target.target_id,
    target.metric,
    target.scope,
    target.scope_id,
    target.period_grain,
    target.period_start
from system.target as target
left join mart.dim_scope as scope
    on target.scope = scope.scope and target.scope_id = scope.scope_id
left join mart.dim_period as period
    on target.period_grain = period.period_grain
    and target.period_start between period.period_start and period.period_end
left join system.metric as card on target.metric = card.id
where scope.scope_id is null or period.period_start is null or card.id is null
