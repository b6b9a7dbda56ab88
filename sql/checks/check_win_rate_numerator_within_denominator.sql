/* @check
description: Nobody won more than was decided.
severity: error
table: kpi.win_rate
*/
select metric, period_grain, period_start, scope, scope_id, numerator, denominator
from kpi.win_rate
where numerator > denominator or numerator < 0
