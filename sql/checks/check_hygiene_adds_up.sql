/* @check
description: No issue is found more often than it can be judged, the scopes each sum up to the company, and the company's numbers are what ops.crm_hygiene_deal lists.
severity: error
table: ops.crm_hygiene
*/
with
hygiene as (
    select * from ops.crm_hygiene
),
too_many as (
    select concat(issue, ' ', scope, ' ', scope_id) as what, 'more than can be judged' as wrong
    from hygiene
    where n_affected > n_checked or n_checked + n_unknown <> n_total
),
summed as (
    select
        issue,
        scope,
        coalesce(sum(n_affected), 0) as n_affected,
        sum(n_unknown) as n_unknown,
        sum(n_total) as n_total
    from hygiene
    group by issue, scope
),
apart as (
    select issue as what, 'scopes do not sum up to the company' as wrong
    from summed
    group by issue
    having
        count(*) <> 4
        or max(n_affected) <> min(n_affected)
        or max(n_unknown) <> min(n_unknown)
        or max(n_total) <> min(n_total)
),
listed as (
    select
        issue,
        sum(case when is_known then 1 else 0 end) as n_affected,
        sum(case when is_known then 0 else 1 end) as n_unknown
    from ops.crm_hygiene_deal
    group by issue
),
unlisted as (
    select summed.issue as what, 'not what is listed' as wrong
    from summed
    left join listed on summed.issue = listed.issue
    where
        summed.scope = 'company'
        and (
            summed.n_affected <> coalesce(listed.n_affected, 0)
            or summed.n_unknown <> coalesce(listed.n_unknown, 0)
        )
)
select * from too_many
union all
select * from apart
union all
select * from unlisted
