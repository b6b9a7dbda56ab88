/* @check
description: Every rep whom the source describes and who does not manage others has at least one deal.
severity: warn
table: mart.dim_rep
*/
select rep.rep_id, rep.rep_name, rep.team_name
from mart.dim_rep as rep
left join (select distinct rep_id from mart.fct_opportunity) as owner on rep.rep_id = owner.rep_id
where owner.rep_id is null and not rep.is_manager and not rep.is_inferred
