/* @check
description: Every quota has a holder, a period, an amount and a currency with a rate.
severity: warn
table: mart.fct_quota
*/
select quota_id as quota, rep_id, first_day as from_day, quota_exclusion as reason
from intermediate.int_quota
where quota_exclusion = 'no_period'
union all
select rep_id as quota, rep_id, month_start as from_day, quota_exclusion as reason
from mart.fct_quota
where quota_exclusion is not null
