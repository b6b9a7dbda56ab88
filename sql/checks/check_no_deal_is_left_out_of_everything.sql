/* @check
description: No deal is left out of every figure.
severity: warn
table: mart.fct_opportunity
*/
select opportunity_id, deal_exclusion, stage_id, start_date, closed_date
from mart.fct_opportunity
where deal_exclusion is not null
