/* @model
description: How clean the open deals and the companies of the CRM are as of the as-of day - how many have an issue, of how many that can be judged, for the company, regions, teams and reps. The deals and companies behind each figure are in ops.crm_hygiene_deal.
grain: [issue, scope, scope_id]
kind: table
owner: revops
tags: [ops, crm]
columns:
  issue: {type: string, doc: "close_date_past (planned close before the as-of day), no_amount, no_next_step, no_contact, stage_overdue (in its stage for longer than 90 % of all completed visits to it), no_activity (for stale_after_days or more), duplicate_account (shares its domain with another)", checks: [not_null, "accepted_values: [close_date_past, no_amount, no_next_step, no_contact, stage_overdue, no_activity, duplicate_account]"]}
  subject: {type: string, doc: "what is counted: open deals, or accounts", checks: [not_null, "accepted_values: [deal, account]"]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  n_affected: {type: int64, doc: "deals or companies with the issue; null: none can be judged"}
  n_checked: {type: int64, doc: "those that can be judged", checks: [not_null]}
  n_unknown: {type: int64, doc: "those of which nobody can tell, see reason", checks: [not_null]}
  n_total: {type: int64, doc: "open deals, or companies: n_checked and n_unknown", checks: [not_null]}
  share: {type: "decimal(38,6)", doc: "n_affected ÷ n_checked; null: none can be judged", checks: ["between 0 and 1"]}
  reason: {type: string, doc: "why nobody can tell of n_unknown, of several the first; each one's is in ops.crm_hygiene_deal"}
  completeness: {type: string, doc: "complete, degraded (some cannot be judged) or partial (a source did not come in whole)", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
*/
with
finding as (
    select * from ops.crm_hygiene_deal
),
deal as (
    select * from mart.fct_opportunity where deal_exclusion is null and outcome = 'open'
),
account as (
    select * from intermediate.int_account_key
),
tenure as (
    select * from mart.dim_rep_tenure
),
rep_scope as (
    select * from mart.bridge_rep_scope
),
scope as (
    select * from mart.dim_scope
),
issue as (
    select issue, subject
    from (
        values
            ('close_date_past', 'deal'), ('no_amount', 'deal'), ('no_next_step', 'deal'),
            ('no_contact', 'deal'), ('stage_overdue', 'deal'), ('no_activity', 'deal'),
            ('duplicate_account', 'account')
    ) as listed (issue, subject)
),
subject_of_rep as (
    select 'deal' as subject, rep_key, count(*) as subjects
    from deal
    group by rep_key
    union all
    select
        'account' as subject,
        coalesce(tenure.rep_key, nobody.rep_key) as rep_key,
        count(*) as subjects
    from account
    left join tenure
        on account.owner_id = tenure.rep_id
        and $as_of_date >= tenure.valid_from
        and $as_of_date < tenure.valid_to
    left join tenure as nobody
        on account.connection || ':(unassigned)' = nobody.rep_id
        and $as_of_date >= nobody.valid_from
        and $as_of_date < nobody.valid_to
    group by coalesce(tenure.rep_key, nobody.rep_key)
),
found_of_rep as (
    select
        issue,
        rep_key,
        sum(case when is_known then 1 else 0 end) as n_affected,
        sum(case when is_known then 0 else 1 end) as n_unknown,
        min(reason) as reason
    from finding
    group by issue, rep_key
),
of_rep as (
    select
        issue.issue,
        issue.subject,
        subject.rep_key,
        subject.subjects,
        coalesce(found.n_affected, 0) as n_affected,
        coalesce(found.n_unknown, 0) as n_unknown,
        found.reason
    from issue
    inner join subject_of_rep as subject on issue.subject = subject.subject
    left join found_of_rep as found
        on issue.issue = found.issue and subject.rep_key = found.rep_key
),
spread as (
    select
        of_rep.issue,
        of_rep.subject,
        rep_scope.scope_key,
        sum(of_rep.subjects) as n_total,
        sum(of_rep.n_affected) as n_affected,
        sum(of_rep.n_unknown) as n_unknown,
        min(of_rep.reason) as reason
    from of_rep
    inner join rep_scope on of_rep.rep_key = rep_scope.rep_key
    group by of_rep.issue, of_rep.subject, rep_scope.scope_key
),
final as (
    select
        spread.issue,
        spread.subject,
        scope.scope,
        scope.scope_id,
        scope.scope_name,
        case when spread.n_total > spread.n_unknown then spread.n_affected end as n_affected,
        spread.n_total - spread.n_unknown as n_checked,
        spread.n_unknown,
        spread.n_total,
        case
            when spread.n_total > spread.n_unknown
                then
                    cast(
                        cast(spread.n_affected as decimal(38, 6))
                        / cast(spread.n_total - spread.n_unknown as decimal(38, 6))
                        as decimal(38, 6)
                    )
        end as share,
        spread.reason,
        case
            when not scope.is_whole then 'partial'
            when spread.n_unknown > 0 then 'degraded'
            else 'complete'
        end as completeness,
        $as_of as as_of
    from spread
    inner join scope on spread.scope_key = scope.scope_key
)
select
    issue, subject, scope, scope_id, scope_name, n_affected, n_checked, n_unknown, n_total,
    share, reason, completeness, as_of
from final
