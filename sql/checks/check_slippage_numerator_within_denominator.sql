/* @check
description: No more slipped out of a period, and no more was quiet, than was there.
severity: warn
table: kpi.pipeline_efficiency
*/
select metric, period_grain, period_start, scope, scope_id, numerator, denominator
from kpi.pipeline_efficiency
where
    metric in ('pipeline_slippage', 'pipeline_stale_share')
    and denominator > 0
    and numerator > denominator
