/* @check
description: The versions that are open now are the deals as they are - their number and their amounts, by connection and stage.
severity: warn
table: mart.fct_opportunity_version
*/
with
deal as (
    select connection, stage_id, count(*) as deals, sum(amount) as amount
    from intermediate.int_opportunity
    group by connection, stage_id
),
-- A merge is known from the survivor before the loser is missed.
merged as (
    select loser_id from intermediate.int_merge where object = 'opportunity'
),
version as (
    select
        version.connection,
        coalesce(version.stage_id, version.connection || ':(none)') as stage_id,
        count(*) as deals,
        sum(case when abs(version.amount) < 10000000000000000 then version.amount end) as amount
    from mart.fct_opportunity_version as version
    left join merged on version.opportunity_id = merged.loser_id
    where version.valid_to is null and not version.is_deleted and merged.loser_id is null
    group by version.connection, coalesce(version.stage_id, version.connection || ':(none)')
),
with_versions as (
    select connection
    from version
    group by connection
)
select
    coalesce(deal.connection, version.connection) as connection,
    coalesce(deal.stage_id, version.stage_id) as stage_id,
    deal.deals,
    version.deals as versions,
    deal.amount,
    version.amount as amount_of_versions
from deal
full join version on deal.connection = version.connection and deal.stage_id = version.stage_id
inner join with_versions
    on coalesce(deal.connection, version.connection) = with_versions.connection
where
    coalesce(deal.deals, 0) <> coalesce(version.deals, 0)
    or coalesce(deal.amount, 0) <> coalesce(version.amount, 0)
