/* @check
description: What the ledger believes now of deals with a history are their versions, one for one - as many, with the same beginnings, ends and amounts. A run that looks back adds nothing to the ledger, so then it may believe more.
severity: warn
table: forecast.ledger
*/
with
known as (
    select
        opportunity_id,
        cast(valid_from as bigint) as from_moment,
        case when valid_to <= $as_of then cast(valid_to as bigint) end as to_moment,
        amount_reporting
    from mart.fct_opportunity_version
    where valid_from <= $as_of
),
believed as (
    select
        ledger.opportunity_id,
        cast(ledger.valid_from as bigint) as from_moment,
        cast(ledger.valid_to as bigint) as to_moment,
        ledger.amount_reporting
    from (select distinct opportunity_id from known) as deal
    inner join forecast.ledger as ledger on deal.opportunity_id = ledger.opportunity_id
    where ledger.known_to is null
),
united as (
    select opportunity_id, 1 as sign, from_moment, to_moment, amount_reporting from known
    union all
    select opportunity_id, -1 as sign, from_moment, to_moment, amount_reporting from believed
)
select
    opportunity_id,
    sum(sign) as versions_gap,
    sum(sign * amount_reporting) as amount_gap
from united
group by opportunity_id
having
    sum(sign) <> 0
    or bit_xor(from_moment) <> 0
    or coalesce(bit_xor(to_moment), 0) <> 0
    or coalesce(sum(sign * amount_reporting), 0) <> 0
