/* @check
description: How deals stand at the end of the as-of day is how they are - open, won and lost, their number and what they are worth, by connection.
severity: warn
table: mart.fct_opportunity_state
*/
with
deal as (
    select connection, outcome, count(*) as deals, sum(amount_reporting) as amount
    from mart.fct_opportunity
    where deal_exclusion is null
    group by connection, outcome
),
state as (
    select connection, outcome, count(*) as deals, sum(amount_reporting) as amount
    from mart.fct_opportunity_state
    where
        valid_from <= $as_of_date
        and valid_to > $as_of_date
        and deal_exclusion is null
        and not is_gone
        and not is_deleted
    group by connection, outcome
)
select
    coalesce(deal.connection, state.connection) as connection,
    coalesce(deal.outcome, state.outcome) as outcome,
    deal.deals,
    state.deals as states,
    deal.amount,
    state.amount as amount_of_states
from deal
full join state on deal.connection = state.connection and deal.outcome = state.outcome
where
    coalesce(deal.deals, 0) <> coalesce(state.deals, 0)
    or coalesce(deal.amount, 0) <> coalesce(state.amount, 0)
