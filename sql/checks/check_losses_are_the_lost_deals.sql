/* @check
description: The losses of each grain are the lost deals, in number and value, and the scopes each sum up to the company.
severity: error
table: funnel.loss
*/
with
lost as (
    select
        count(*) as n_lost,
        coalesce(
            sum(
                case
                    when
                        amount_exclusion is null
                        and win_value_exclusion is distinct from 'loss_amounts_not_recorded'
                        then amount_reporting
                end
            ),
            0
        ) as value_lost
    from mart.fct_opportunity
    where outcome = 'lost' and deal_exclusion is null
),
unit as (
    select grain, scope
    from (values ('day'), ('week'), ('month'), ('quarter'), ('year')) as listed_grain (grain)
    cross join (values ('company'), ('region'), ('team'), ('rep')) as listed_scope (scope)
),
counted as (
    select
        unit.grain,
        unit.scope,
        coalesce(sum(loss.n_lost), 0) as n_lost,
        coalesce(sum(loss.value_lost), 0) as value_lost
    from unit
    left join funnel.loss as loss
        on unit.grain = loss.period_grain and unit.scope = loss.scope
    group by unit.grain, unit.scope
)
select
    counted.grain,
    counted.scope,
    counted.n_lost,
    lost.n_lost as lost_deals,
    counted.value_lost,
    lost.value_lost as value_of_lost_deals
from lost
cross join counted
where counted.n_lost <> lost.n_lost or counted.value_lost <> lost.value_lost
