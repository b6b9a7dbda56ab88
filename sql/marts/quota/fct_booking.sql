/* @model
description: What was won and to whose credit - one row a won deal and person. Revenue shares sum to the deal's amount to the cent; overlay credit is the person's only.
grain: [opportunity_id, rep_id, is_overlay]
kind: table
owner: revops
tags: [crm, quotas]
columns:
  opportunity_id: {type: string, doc: "the deal", checks: [not_null]}
  rep_id: {type: string, doc: "who is credited", checks: [not_null]}
  rep_key: {type: int64, doc: "who is credited, in the team of closed_date; joins bridge_rep_scope", checks: [not_null, "relationships: mart.dim_rep_tenure.rep_key"]}
  closed_date: {type: date, doc: "day of the outcome", checks: [not_null]}
  share: {type: "decimal(9,6)", doc: "share as a fraction", checks: [not_null]}
  amount_reporting: {type: "decimal(18,2)", doc: "deal's amount × share, rounded half away from zero to cents; the last revenue share takes what is left; null where the deal's amount is"}
  is_overlay: {type: boolean, doc: "true: credit beside the revenue", checks: [not_null]}
  credit_source: {type: string, doc: "split: the source names shares; owner: it names none, or none that sum to one", checks: [not_null, "accepted_values: [split, owner]"]}
  counts_for: {type: string, doc: "all scopes, or the rep only", checks: [not_null, "accepted_values: [all, rep]"]}
  amount_exclusion: {type: string, doc: "why it is in no figure in money, as in fct_opportunity"}
*/
with
deal as (
    select opportunity_id, rep_id, closed_date, amount_reporting, amount_exclusion
    from mart.fct_opportunity
    where outcome = 'won' and deal_exclusion is null
),
credit as (
    select * from intermediate.int_credit
),
tenure as (
    select * from mart.dim_rep_tenure
),
revenue as (
    select * from credit where not is_overlay
),
overlay as (
    select * from credit where is_overlay
),
revenue_credit as (
    select
        deal.opportunity_id,
        coalesce(revenue.rep_id, deal.rep_id) as rep_id,
        deal.closed_date,
        coalesce(revenue.share, cast(1 as decimal(9, 6))) as share,
        coalesce(revenue.place, 1) as place,
        deal.amount_reporting as deal_amount,
        case
            when revenue.rep_id is null then deal.amount_reporting
            else cast(deal.amount_reporting * revenue.share as decimal(18, 2))
        end as amount,
        revenue.rep_id is not null as is_split,
        deal.amount_exclusion
    from revenue
    right join deal on revenue.opportunity_id = deal.opportunity_id
),
-- The last one takes what the others leave.
left_over as (
    select
        *,
        lead(place) over (partition by opportunity_id order by place) is null as is_last,
        coalesce(
            sum(amount) over (
                partition by opportunity_id order by place
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as amount_before
    from revenue_credit
),
credited as (
    select
        opportunity_id,
        rep_id,
        closed_date,
        share,
        case when is_last then deal_amount - amount_before else amount end as amount_reporting,
        false as is_overlay,
        case when is_split then 'split' else 'owner' end as credit_source,
        amount_exclusion
    from left_over
    union all
    select
        deal.opportunity_id,
        overlay.rep_id,
        deal.closed_date,
        overlay.share,
        deal.amount_reporting * overlay.share as amount_reporting,
        true as is_overlay,
        'split' as credit_source,
        deal.amount_exclusion
    from overlay
    inner join deal on overlay.opportunity_id = deal.opportunity_id
),
final as (
    select
        credited.opportunity_id,
        credited.rep_id,
        tenure.rep_key,
        credited.closed_date,
        credited.share,
        cast(credited.amount_reporting as decimal(18, 2)) as amount_reporting,
        credited.is_overlay,
        credited.credit_source,
        case when credited.is_overlay then 'rep' else 'all' end as counts_for,
        credited.amount_exclusion
    from tenure
    inner join credited
        on tenure.rep_id = credited.rep_id
        and credited.closed_date >= tenure.valid_from
        and credited.closed_date < tenure.valid_to
)
select
    opportunity_id, rep_id, rep_key, closed_date, share, amount_reporting, is_overlay,
    credit_source, counts_for, amount_exclusion
from final
