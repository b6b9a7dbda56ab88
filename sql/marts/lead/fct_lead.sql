/* @model
description: One row a living lead with the moments of its way up to the as-of instant, whose it was when it came in, the company it belongs to, its deal, and a later deal of that company.
grain: [lead_id]
kind: table
owner: revops
tags: [crm, leads]
columns:
  lead_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  lead_name: {type: string, doc: "name"}
  company_name: {type: string, doc: "company they work for, as entered"}
  email_domain: {type: string, doc: "domain of the e-mail address, in lower case"}
  source: {type: string, doc: "where it came from, in the CRM's words; null: not said"}
  status: {type: string, doc: "where it stands, as in the source"}
  rep_id: {type: string, doc: "owner now", checks: [not_null]}
  created_rep_id: {type: string, doc: "owner at creation, where the history knows, else the owner now; of a queue (unassigned)", checks: [not_null]}
  created_rep_key: {type: int64, doc: "that owner in the team of that day, joins bridge_rep_scope"}
  team_id: {type: string, doc: "that owner's team of that day"}
  region_id: {type: string, doc: "that owner's region of that day"}
  created_at: {type: timestamp, doc: "moment of creation; null: the source has none"}
  created_date: {type: date, doc: "day of creation in the company's zone"}
  first_contacted_at: {type: timestamp, doc: "first call, mail out or meeting logged in the CRM; where none is, when its status first said so; null: never, or unknown"}
  contact_source: {type: string, doc: "activity; email_direction_unknown: a logged e-mail of which the CRM does not say whether it went out, while the status says that somebody worked on the lead; status: only its status says so; null: not contacted", checks: ["accepted_values: [activity, email_direction_unknown, status]"]}
  qualified_at: {type: timestamp, doc: "when its status first said qualified; null: never, or unknown"}
  is_qualified: {type: boolean, doc: "whether it was ever qualified or converted, as far as is known", checks: [not_null]}
  converted_at: {type: timestamp, doc: "moment of the conversion; null: none, or only the day is known"}
  converted_date: {type: date, doc: "day of the conversion"}
  is_converted: {type: boolean, doc: "whether it was converted", checks: [not_null]}
  is_disqualified: {type: boolean, doc: "whether it stands as unqualified", checks: [not_null]}
  account_id: {type: string, doc: "the company it belongs to; null: none found"}
  match_method: {type: string, doc: "how the company was found: converted, association, domain, contact_domain or name", checks: ["accepted_values: [converted, association, domain, contact_domain, name]"]}
  deal_id: {type: string, doc: "the living deal that it became; null: none", checks: ["relationships: mart.fct_opportunity.opportunity_id"]}
  deal_date: {type: date, doc: "day on which it had that deal: the later one of the deal's start and the conversion"}
  deal_outcome: {type: string, doc: "that deal's outcome now", checks: ["accepted_values: [open, won, lost]"]}
  won_date: {type: date, doc: "day on which that deal was won"}
  matched_deal_id: {type: string, doc: "of a lead without a deal of its own: the first deal of its company that started on the lead's day or later; nobody says that it came of the lead"}
  matched_deal_date: {type: date, doc: "the day that deal started"}
  matched_won_date: {type: date, doc: "of a lead without a deal of its own: the first day on which such a deal was won"}
  lead_exclusion: {type: string, doc: "why the lead is in no figure", checks: ["accepted_values: [no_created_date, implausible_date, created_after_as_of]"]}
*/
with
lead as (
    select * from intermediate.int_lead
),
outreach as (
    select * from intermediate.int_lead_outreach
),
match as (
    select * from intermediate.int_lead_match
),
tenure as (
    select * from mart.dim_rep_tenure
),
deal as (
    select * from mart.fct_opportunity where deal_exclusion is null
),
-- The small sides of the joins stand on the left: the engine holds them and streams the leads.
matched as (
    select
        lead.*,
        match.account_id as matched_account_id,
        match.match_method
    from match
    right join lead on match.lead_id = lead.lead_id
),
-- What happened after the as-of instant has not happened yet. A mail that may have come in is
-- outreach if the lead's status says that somebody worked on it.
dated as (
    select
        lead.*,
        company_date(lead.created_at) as created_date,
        outreach.first_outreach_at,
        case
            when
                lead.is_status_contacted and coalesce(lead.status_contacted_at <= $as_of, true)
                then outreach.first_undirected_at
        end as first_mail_at,
        case when lead.status_contacted_at <= $as_of then lead.status_contacted_at end
            as known_status_contacted_at,
        lead.is_status_contacted and coalesce(lead.status_contacted_at <= $as_of, true)
            as was_status_contacted,
        case when lead.qualified_at <= $as_of then lead.qualified_at end as known_qualified_at,
        lead.is_converted and coalesce(lead.converted_date <= $as_of_date, true)
            as was_converted
    from outreach
    right join matched as lead on outreach.lead_id = lead.lead_id
),
with_owner as (
    select
        dated.*,
        dated.connection || ':(unassigned)' as nobody_id,
        tenure.rep_id as known_rep_id,
        tenure.rep_key as known_rep_key,
        tenure.team_id as known_team_id,
        tenure.region_id as known_region_id
    from tenure
    right join dated
        on tenure.rep_id = dated.created_rep_id
        and dated.created_date >= tenure.valid_from
        and dated.created_date < tenure.valid_to
),
-- A queue is nobody: it counts as unassigned.
with_rep as (
    select
        with_owner.*,
        coalesce(with_owner.known_rep_key, nobody.rep_key) as rep_key,
        coalesce(with_owner.known_team_id, nobody.team_id) as team_id,
        coalesce(with_owner.known_region_id, nobody.region_id) as region_id,
        coalesce(with_owner.known_rep_id, nobody.rep_id, with_owner.created_rep_id)
            as counted_rep_id
    from tenure as nobody
    right join with_owner
        on nobody.rep_id = with_owner.nobody_id
        and with_owner.created_date >= nobody.valid_from
        and with_owner.created_date < nobody.valid_to
),
with_deal as (
    select
        with_rep.*,
        deal.opportunity_id as own_deal_id,
        case
            when deal.opportunity_id is not null
                then greatest(deal.start_date, coalesce(with_rep.converted_date, deal.start_date))
        end as deal_date,
        deal.outcome as deal_outcome,
        case when deal.outcome = 'won' then deal.closed_date end as won_date
    from deal
    right join with_rep on deal.opportunity_id = with_rep.deal_id
),
-- Deals of the company that started after the lead came in.
later_deal as (
    select
        lead.lead_id,
        deal.opportunity_id,
        deal.start_date,
        case when deal.outcome = 'won' then deal.closed_date end as won_date
    from with_deal as lead
    inner join deal
        on lead.matched_account_id = deal.account_id
        and deal.start_date >= lead.created_date
    where lead.own_deal_id is null
),
first_later as (
    select
        lead_id,
        min(start_date) as start_date,
        min(won_date) as won_date
    from later_deal
    group by lead_id
),
first_later_deal as (
    select
        first_later.lead_id,
        first_later.start_date,
        first_later.won_date,
        min(later_deal.opportunity_id) as opportunity_id
    from first_later
    inner join later_deal
        on first_later.lead_id = later_deal.lead_id
        and first_later.start_date = later_deal.start_date
    group by first_later.lead_id, first_later.start_date, first_later.won_date
),
final as (
    select
        lead.lead_id,
        lead.connection,
        lead.lead_name,
        lead.company_name,
        lead.email_domain,
        lead.source,
        lead.status,
        lead.rep_id,
        lead.counted_rep_id as created_rep_id,
        lead.rep_key as created_rep_key,
        lead.team_id,
        lead.region_id,
        lead.created_at,
        lead.created_date,
        coalesce(
            least(lead.first_outreach_at, lead.first_mail_at),
            lead.known_status_contacted_at
        ) as first_contacted_at,
        case
            when lead.first_mail_at < coalesce(lead.first_outreach_at, $as_of + interval '1 second')
                then 'email_direction_unknown'
            when lead.first_outreach_at is not null then 'activity'
            when lead.was_status_contacted then 'status'
        end as contact_source,
        lead.known_qualified_at as qualified_at,
        lead.known_qualified_at is not null
        or lead.was_converted
        or (lead.is_qualified and lead.qualified_at is null and not lead.is_converted)
            as is_qualified,
        case when lead.was_converted and lead.converted_at <= $as_of then lead.converted_at end
            as converted_at,
        case when lead.was_converted then lead.converted_date end as converted_date,
        lead.was_converted as is_converted,
        lead.is_disqualified,
        lead.matched_account_id as account_id,
        lead.match_method,
        lead.own_deal_id as deal_id,
        lead.deal_date,
        lead.deal_outcome,
        lead.won_date,
        later.opportunity_id as matched_deal_id,
        later.start_date as matched_deal_date,
        later.won_date as matched_won_date,
        case
            when lead.created_date is null then 'no_created_date'
            when lead.created_date < date '1970-01-01' then 'implausible_date'
            when lead.created_at > $as_of then 'created_after_as_of'
        end as lead_exclusion
    from first_later_deal as later
    right join with_deal as lead on later.lead_id = lead.lead_id
)
select
    lead_id, connection, lead_name, company_name, email_domain, source, status, rep_id,
    created_rep_id, created_rep_key, team_id, region_id, created_at, created_date,
    first_contacted_at, contact_source, qualified_at, is_qualified, converted_at,
    converted_date, is_converted, is_disqualified, account_id, match_method, deal_id, deal_date,
    deal_outcome, won_date, matched_deal_id, matched_deal_date, matched_won_date,
    lead_exclusion
from final
