/* @check
description: Every deal names the company it is with.
severity: warn
table: mart.fct_opportunity
*/
select opportunity_id, outcome, rep_id
from mart.fct_opportunity
where account_id is null
