/* @model
description: Shares of credit for deals that the source names - revenue shares, which sum to one a deal, and overlay credit beside them. A deal without revenue shares is its owner's.
grain: [opportunity_id, rep_id, is_overlay]
kind: table
owner: revops
tags: [crm, quotas]
columns:
  opportunity_id: {type: string, doc: "connection:source id of the deal", checks: [not_null]}
  rep_id: {type: string, doc: "connection:source id of who is credited", checks: [not_null]}
  is_overlay: {type: boolean, doc: "true: credit beside the revenue, for the person only", checks: [not_null]}
  share: {type: "decimal(9,6)", doc: "share as a fraction", checks: [not_null]}
  place: {type: int64, doc: "order of the revenue shares of a deal: by the source's record id", checks: [not_null]}
*/
with
split as (
    select *
    from staging.stg_salesforce__opportunity_splits
    where opportunity_id is not null and user_id is not null and share <> 0
),
split_type as (
    select * from staging.stg_salesforce__opportunity_split_types
),
-- Shares that must sum to the whole are revenue, others are overlay. Of several kinds that must,
-- one counts: that of the amount before one of another field, and the one that Salesforce calls
-- Revenue before the org's own.
ranked_type as (
    select
        *,
        row_number() over (
            partition by connection, is_total_validated
            order by
                case when split_field like '%Amount' then 1 else 2 end,
                case when developer_name = 'Revenue' then 1 else 2 end,
                developer_name,
                split_type_id
        ) as place
    from split_type
    where coalesce(is_active, true) and is_total_validated is not null
),
typed as (
    select
        split.connection || ':' || split.opportunity_id as opportunity_id,
        split.connection || ':' || split.user_id as rep_id,
        not type.is_total_validated as is_overlay,
        sum(split.share) as share,
        min(split.split_id) as split_id
    from split
    inner join ranked_type as type
        on split.connection = type.connection and split.split_type_id = type.split_type_id
    where type.place = 1 or not type.is_total_validated
    group by
        split.connection, split.opportunity_id, split.user_id, type.is_total_validated
),
-- Revenue shares that are not the whole are no shares: such a deal is its owner's. Percentages
-- have few digits, so a thousandth may be missing.
placed as (
    select
        *,
        sum(share) over (partition by opportunity_id, is_overlay) as share_total,
        row_number() over (partition by opportunity_id, is_overlay order by split_id) as place
    from typed
),
final as (
    select
        opportunity_id,
        rep_id,
        is_overlay,
        cast(share as decimal(9, 6)) as share,
        cast(place as bigint) as place
    from placed
    where is_overlay or share_total between 0.999 and 1.001
)
select opportunity_id, rep_id, is_overlay, share, place
from final
