/* @check
description: No deal is won or lost before it starts.
severity: warn
table: mart.fct_opportunity
*/
select opportunity_id, created_date, start_date, closed_date
from mart.fct_opportunity
where closed_date is not null and start_date is not null and cycle_days is null
