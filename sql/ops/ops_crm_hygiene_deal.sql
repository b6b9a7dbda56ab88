/* @model
description: What is wrong, or cannot be told, with each open deal as of the as-of day, and companies that share a domain; one row an issue and deal or company.
grain: [issue, subject, subject_id]
kind: table
owner: revops
tags: [ops, crm]
columns:
  issue: {type: string, doc: "close_date_past, no_amount, no_next_step, no_contact, stage_overdue, no_activity or duplicate_account", checks: [not_null, "accepted_values: [close_date_past, no_amount, no_next_step, no_contact, stage_overdue, no_activity, duplicate_account]"]}
  subject: {type: string, doc: "deal or account", checks: [not_null, "accepted_values: [deal, account]"]}
  subject_id: {type: string, doc: "the deal's or company's id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  is_known: {type: boolean, doc: "true: it has the issue; false: nobody can tell, see reason", checks: [not_null]}
  reason: {type: string, doc: "why nobody can tell: no_close_date, next_step_not_recorded, contact_not_recorded, no_history, no_completed_visit, no_activity_recorded, no_domain", checks: ["accepted_values: [no_close_date, next_step_not_recorded, contact_not_recorded, no_history, no_completed_visit, no_activity_recorded, no_domain]"]}
  rep_id: {type: string, doc: "owner of the deal or company"}
  rep_key: {type: int64, doc: "owner in the team of the as-of day, joins bridge_rep_scope", checks: [not_null]}
  stage_id: {type: string, doc: "the deal's stage"}
  amount_reporting: {type: "decimal(18,2)", doc: "the deal's amount in the reporting currency; null: unknown or unconverted"}
  expected_close_date: {type: date, doc: "the deal's planned close date"}
  days: {type: int64, doc: "days since the close date, in the stage, or without activity"}
  limit_days: {type: "decimal(38,6)", doc: "days from which on it is an issue: the p90 of completed visits to the stage, or stale_after_days"}
  detail: {type: string, doc: "of a company: the domain that it shares"}
*/
with
deal as (
    select * from mart.fct_opportunity where deal_exclusion is null and outcome = 'open'
),
detail as (
    select * from mart.fct_opportunity_detail
),
visit as (
    select * from funnel.stage_visit
),
account as (
    select * from intermediate.int_account_key
),
tenure as (
    select * from mart.dim_rep_tenure
),
business as (
    select * from system.business
),
-- How long visits to a stage take: of those that are over and whose beginning is known.
completed as (
    select stage_id, days, count(*) as visits
    from visit
    where not is_current and entry <> 'unknown' and stage_type = 'open'
    group by stage_id, days
),
completed_total as (
    select stage_id, sum(visits) as visits
    from completed
    group by stage_id
),
passing as (
    select
        stage_id,
        days,
        sum(visits) over (
            partition by stage_id
            order by days
            rows between unbounded preceding and current row
        ) as passed
    from completed
),
stage_limit as (
    select
        total.stage_id,
        cast(
            cast(
                10 * min(case when passing.passed > 9 * (total.visits - 1) / 10 then passing.days end)
                + (9 * (total.visits - 1)) % 10
                * (
                    min(
                        case
                            when passing.passed > (9 * (total.visits - 1) + 9) / 10
                                then passing.days
                        end
                    )
                    - min(
                        case
                            when passing.passed > 9 * (total.visits - 1) / 10 then passing.days
                        end
                    )
                )
                as decimal(38, 6)
            )
            / cast(10 as decimal(38, 6))
            as decimal(38, 6)
        ) as p90_days
    from completed_total as total
    inner join passing on total.stage_id = passing.stage_id
    group by total.stage_id, total.visits
),
current_visit as (
    select opportunity_id, cast($as_of_date - entered_date as bigint) as days
    from visit
    where is_current
),
joined as (
    select
        deal.opportunity_id,
        deal.connection,
        deal.rep_id,
        deal.rep_key,
        deal.stage_id,
        deal.amount,
        deal.amount_exclusion,
        deal.amount_reporting,
        deal.expected_close_date,
        deal.inactive_days,
        detail.next_step,
        coalesce(detail.is_next_step_kept, false) as is_next_step_kept,
        detail.contact_id,
        coalesce(detail.is_contact_kept, false) as is_contact_kept,
        current_visit.days as stage_days,
        stage_limit.p90_days,
        (select stale_after_days from business) as stale_after_days
    from deal
    left join detail on deal.opportunity_id = detail.opportunity_id
    left join current_visit on deal.opportunity_id = current_visit.opportunity_id
    left join stage_limit on deal.stage_id = stage_limit.stage_id
),
issue as (
    select issue
    from (
        values
            ('close_date_past'), ('no_amount'), ('no_next_step'), ('no_contact'),
            ('stage_overdue'), ('no_activity')
    ) as listed (issue)
),
-- Every rule once: true, false, or null where nobody can tell.
judged as (
    select
        issue.issue,
        deal.*,
        case issue.issue
            when 'close_date_past' then deal.expected_close_date < $as_of_date
            when 'no_amount'
                then deal.amount is null and deal.amount_exclusion is distinct from 'amount_too_large'
            when 'no_next_step'
                then case when deal.is_next_step_kept then deal.next_step is null end
            when 'no_contact' then case when deal.is_contact_kept then deal.contact_id is null end
            when 'stage_overdue'
                then cast(deal.stage_days as decimal(38, 6)) > deal.p90_days
            when 'no_activity' then deal.inactive_days >= deal.stale_after_days
        end as has_issue,
        case issue.issue
            when 'close_date_past' then 'no_close_date'
            when 'no_next_step' then 'next_step_not_recorded'
            when 'no_contact' then 'contact_not_recorded'
            when 'stage_overdue'
                then
                    case
                        when deal.stage_days is null then 'no_history'
                        else 'no_completed_visit'
                    end
            when 'no_activity' then 'no_activity_recorded'
        end as unknown_reason,
        case issue.issue
            when 'close_date_past' then $as_of_date - deal.expected_close_date
            when 'stage_overdue' then deal.stage_days
            when 'no_activity' then deal.inactive_days
        end as days,
        case issue.issue
            when 'stage_overdue' then deal.p90_days
            when 'no_activity' then cast(deal.stale_after_days as decimal(38, 6))
        end as limit_days
    from issue
    cross join joined as deal
),
shared_domain as (
    select connection, domain
    from account
    where domain is not null
    group by connection, domain
    having count(*) > 1
),
-- A company belongs to its owner's team of the as-of day; without an owner who sells to nobody.
account_owner as (
    select
        account.account_id,
        account.connection,
        account.domain,
        shared_domain.domain is not null as is_shared,
        coalesce(tenure.rep_id, nobody.rep_id) as rep_id,
        coalesce(tenure.rep_key, nobody.rep_key) as rep_key
    from account
    left join shared_domain
        on account.connection = shared_domain.connection
        and account.domain = shared_domain.domain
    left join tenure
        on account.owner_id = tenure.rep_id
        and $as_of_date >= tenure.valid_from
        and $as_of_date < tenure.valid_to
    left join tenure as nobody
        on account.connection || ':(unassigned)' = nobody.rep_id
        and $as_of_date >= nobody.valid_from
        and $as_of_date < nobody.valid_to
),
final as (
    select
        issue,
        'deal' as subject,
        opportunity_id as subject_id,
        connection,
        has_issue is not null as is_known,
        case when has_issue is null then unknown_reason end as reason,
        rep_id,
        rep_key,
        stage_id,
        amount_reporting,
        expected_close_date,
        cast(days as bigint) as days,
        limit_days,
        cast(null as varchar) as detail
    from judged
    where coalesce(has_issue, true)
    union all
    select
        'duplicate_account' as issue,
        'account' as subject,
        account_id as subject_id,
        connection,
        domain is not null as is_known,
        case when domain is null then 'no_domain' end as reason,
        rep_id,
        rep_key,
        cast(null as varchar) as stage_id,
        cast(null as decimal(18, 2)) as amount_reporting,
        cast(null as date) as expected_close_date,
        cast(null as bigint) as days,
        cast(null as decimal(38, 6)) as limit_days,
        domain as detail
    from account_owner
    where (is_shared or domain is null) and rep_key is not null
)
select
    issue, subject, subject_id, connection, is_known, reason, rep_id, rep_key, stage_id,
    amount_reporting, expected_close_date, days, limit_days, detail
from final
