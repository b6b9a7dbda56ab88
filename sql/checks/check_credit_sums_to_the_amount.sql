/* @check
description: The revenue credit of every won deal sums to its amount to the cent, and every won deal has some.
severity: error
table: mart.fct_booking
*/
with
won as (
    select opportunity_id, amount_reporting
    from mart.fct_opportunity
    where outcome = 'won' and deal_exclusion is null
),
credited as (
    select
        opportunity_id,
        count(*) as credits,
        sum(amount_reporting) as amount
    from mart.fct_booking
    where not is_overlay
    group by opportunity_id
)
select
    won.opportunity_id,
    won.amount_reporting,
    credited.amount
from won
left join credited on won.opportunity_id = credited.opportunity_id
where
    coalesce(credited.credits, 0) = 0
    or coalesce(won.amount_reporting, 0) <> coalesce(credited.amount, 0)
