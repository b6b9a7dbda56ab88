/* @check
description: Every open deal has an amount; without one it is in no figure in money.
severity: warn
table: mart.fct_opportunity
*/
select opportunity_id, stage_id, rep_id
from mart.fct_opportunity
where outcome = 'open' and amount is null
