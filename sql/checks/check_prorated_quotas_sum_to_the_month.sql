/* @check
description: The parts of a month's quota that a rep holds in several teams sum to no more than the quota, give or take the cents of rounding.
severity: error
table: mart.fct_quota
*/
select
    rep_id,
    month_start,
    max(amount_reporting) as quota,
    sum(prorated_amount) as parts,
    sum(unprorated_amount) as whole
from mart.fct_quota
where amount_reporting is not null
group by rep_id, month_start
having
    abs(sum(prorated_amount)) > abs(max(amount_reporting)) + cast(0.01 as decimal(3, 2)) * count(*)
    or sum(unprorated_amount) <> max(amount_reporting)
    or sum(working_days_held) > max(working_days)
