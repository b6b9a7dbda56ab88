/* @check
description: Every lost deal has a positive amount; without one it counts by number and not by value.
severity: warn
table: mart.fct_opportunity
*/
select opportunity_id, amount, rep_id
from mart.fct_opportunity
where outcome = 'lost' and coalesce(amount, 0) <= 0
