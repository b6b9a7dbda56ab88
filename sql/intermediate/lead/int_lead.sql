/* @model
description: Living leads of all CRMs, with what the CRM itself says of their way - who had them first, when they were qualified and converted, and into what. Merged ones are their survivor.
grain: [lead_id]
kind: table
owner: revops
tags: [crm, leads]
columns:
  lead_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  lead_name: {type: string, doc: "name"}
  email_domain: {type: string, doc: "domain of the e-mail address, in lower case"}
  company_name: {type: string, doc: "company they work for, as entered"}
  source: {type: string, doc: "where it came from; null: not said"}
  status: {type: string, doc: "where it stands, as in the source"}
  rep_id: {type: string, doc: "owner now; connection:(unassigned) without one", checks: [not_null]}
  created_rep_id: {type: string, doc: "owner at creation, where the history knows, else the owner now", checks: [not_null]}
  created_at: {type: timestamp, doc: "moment of creation; null: the source has none"}
  status_contacted_at: {type: timestamp, doc: "when its status first said that it was contacted; null: never, or unknown"}
  is_status_contacted: {type: boolean, doc: "whether its status says, or once said, that somebody worked on it, as far as is known", checks: [not_null]}
  is_qualified: {type: boolean, doc: "whether it ever was, or is, qualified or converted, as far as is known", checks: [not_null]}
  qualified_at: {type: timestamp, doc: "when its status first said so; null: never, or unknown"}
  is_converted: {type: boolean, doc: "whether it was converted", checks: [not_null]}
  converted_at: {type: timestamp, doc: "moment of the conversion; null: none, or only the day is known"}
  converted_date: {type: date, doc: "day of the conversion in the company's zone"}
  is_disqualified: {type: boolean, doc: "whether it stands as unqualified", checks: [not_null]}
  account_id: {type: string, doc: "connection:source id of the company the CRM ties it to, of a merged one the survivor"}
  account_source: {type: string, doc: "converted: the account it was converted into; association: the company it is tied to", checks: ["accepted_values: [converted, association]"]}
  deal_id: {type: string, doc: "connection:source id of the deal it became, of a merged one the survivor"}
  contact_id: {type: string, doc: "connection:source id of the contact it is or became"}
*/
with
salesforce_lead as (
    select * from staging.stg_salesforce__leads
),
salesforce_history as (
    select * from staging.stg_salesforce__lead_history where changed_at is not null
),
hubspot_lead as (
    select * from staging.stg_hubspot__leads
),
hubspot_history as (
    select * from staging.stg_hubspot__leads_history
),
hubspot_deal as (
    select * from staging.stg_hubspot__deals_to_leads
),
hubspot_company as (
    select * from staging.stg_hubspot__leads_to_companies
),
hubspot_contact as (
    select * from staging.stg_hubspot__leads_to_contacts
),
merged as (
    select * from intermediate.int_merge
),
-- Salesforce's statuses are the org's own words. Those that hold "qualified" without a denial mean
-- it, and so does "contacted".
salesforce_worded as (
    select
        connection,
        lead_id,
        field,
        old_value,
        changed_at,
        field = 'Status'
        and regexp_like(lower(new_value), 'qualified')
        and not regexp_like(lower(new_value), '(un|dis|not |non-? ?)qualified') as is_qualified,
        field = 'Status'
        and regexp_like(lower(new_value), 'contacted|working')
        and not regexp_like(lower(new_value), 'not contacted') as is_contacted,
        field in ('Owner', 'ownerAssignment')
        and regexp_like(old_value, '^00[5G]') as is_owner_change,
        -- What it was before a change it was, also where the change to it is forgotten.
        field = 'Status'
        and regexp_like(lower(old_value), 'qualified')
        and not regexp_like(lower(old_value), '(un|dis|not |non-? ?)qualified') as was_qualified,
        field = 'Status'
        and regexp_like(lower(old_value), 'contacted|working')
        and not regexp_like(lower(old_value), 'not contacted') as was_contacted
    from salesforce_history
),
salesforce_told as (
    select
        connection,
        lead_id,
        min(case when is_contacted then changed_at end) as contacted_at,
        min(case when is_qualified then changed_at end) as qualified_at,
        coalesce(bool_or(is_contacted or was_contacted or is_qualified or was_qualified), false)
            as is_contacted,
        coalesce(bool_or(is_qualified or was_qualified), false) as is_qualified,
        min(case when field = 'leadConverted' then changed_at end) as converted_at,
        min(case when is_owner_change then changed_at end) as first_owner_change
    from salesforce_worded
    group by connection, lead_id
),
salesforce_first_owner as (
    select change.connection, change.lead_id, min(change.old_value) as owner_id
    from salesforce_told as told
    inner join salesforce_worded as change
        on told.connection = change.connection
        and told.lead_id = change.lead_id
        and told.first_owner_change = change.changed_at
        and change.is_owner_change
    group by change.connection, change.lead_id
),
-- HubSpot's standard stages. A lead that is qualified is what Salesforce calls converted: HubSpot
-- has nothing after it but the deal.
hubspot_told as (
    select
        connection,
        lead_id,
        min(
            case
                when
                    property = 'hs_pipeline_stage'
                    and value in ('attempting-stage-id', 'connected-stage-id')
                    then changed_at
            end
        ) as contacted_at,
        min(
            case
                when property = 'hs_pipeline_stage' and value = 'qualified-stage-id'
                    then changed_at
            end
        ) as qualified_at,
        min(case when property = 'hubspot_owner_id' and value <> '' then changed_at end)
            as first_owned_at
    from hubspot_history
    group by connection, lead_id
),
hubspot_first_owner as (
    select change.connection, change.lead_id, min(change.value) as owner_id
    from hubspot_told as told
    inner join hubspot_history as change
        on told.connection = change.connection
        and told.lead_id = change.lead_id
        and told.first_owned_at = change.changed_at
        and change.property = 'hubspot_owner_id'
        and change.value <> ''
    group by change.connection, change.lead_id
),
hubspot_lead_deal as (
    select connection, lead_id, min(deal_id) as deal_id
    from hubspot_deal
    group by connection, lead_id
),
hubspot_lead_company as (
    select
        connection,
        lead_id,
        coalesce(min(case when label = 'Primary' then company_id end), min(company_id))
            as company_id
    from hubspot_company
    group by connection, lead_id
),
hubspot_lead_contact as (
    select
        connection,
        lead_id,
        coalesce(min(case when label = 'Primary' then contact_id end), min(contact_id))
            as contact_id
    from hubspot_contact
    group by connection, lead_id
),
from_salesforce as (
    select
        lead.connection || ':' || lead.lead_id as lead_id,
        lead.connection,
        nullif(trim(concat(lead.first_name, ' ', lead.last_name)), '') as lead_name,
        lead.email,
        lead.company as company_name,
        lead.lead_source as source,
        lead.status,
        lead.owner_id,
        coalesce(first_owner.owner_id, lead.owner_id) as first_owner_id,
        lead.created_at,
        told.contacted_at as status_contacted_at,
        coalesce(told.is_contacted, false)
        or coalesce(
            regexp_like(lower(lead.status), 'contacted|working|qualified')
            and not regexp_like(
                lower(lead.status), 'not contacted|(un|dis|not |non-? ?)qualified'
            ),
            false
        ) as is_status_contacted,
        told.qualified_at,
        coalesce(told.is_qualified, false)
        or coalesce(
            regexp_like(lower(lead.status), 'qualified')
            and not regexp_like(lower(lead.status), '(un|dis|not |non-? ?)qualified'),
            false
        ) as stands_qualified,
        coalesce(lead.is_converted, false) as is_converted,
        case when lead.is_converted then told.converted_at end as converted_at,
        case when lead.is_converted then lead.converted_date end as converted_on,
        coalesce(
            regexp_like(lower(lead.status), '(un|dis|not |non-? ?)qualified|not converted'),
            false
        ) as is_disqualified,
        lead.connection || ':' || lead.converted_account_id as account_id,
        case when lead.converted_account_id is not null then 'converted' end as account_source,
        lead.connection || ':' || lead.converted_opportunity_id as deal_id,
        lead.connection || ':' || lead.converted_contact_id as contact_id
    from salesforce_lead as lead
    left join salesforce_told as told
        on lead.connection = told.connection and lead.lead_id = told.lead_id
    left join salesforce_first_owner as first_owner
        on lead.connection = first_owner.connection and lead.lead_id = first_owner.lead_id
),
from_hubspot as (
    select
        lead.connection || ':' || lead.lead_id as lead_id,
        lead.connection,
        lead.lead_name,
        lead.contact_email as email,
        lead.company_name,
        lead.lead_source as source,
        lead.lead_stage as status,
        lead.owner_id,
        coalesce(first_owner.owner_id, lead.owner_id) as first_owner_id,
        lead.created_at,
        coalesce(told.contacted_at, least(lead.attempted_at, lead.connected_at))
            as status_contacted_at,
        told.contacted_at is not null
        or told.qualified_at is not null
        or lead.attempted_at is not null
        or lead.connected_at is not null
        or lead.qualified_at is not null
        or coalesce(
            lead.lead_stage in (
                'attempting-stage-id', 'connected-stage-id', 'qualified-stage-id'
            ),
            false
        ) as is_status_contacted,
        coalesce(told.qualified_at, lead.qualified_at) as qualified_at,
        coalesce(lead.lead_stage = 'qualified-stage-id', false) as stands_qualified,
        coalesce(
            told.qualified_at is not null
            or lead.qualified_at is not null
            or lead.lead_stage = 'qualified-stage-id'
            or deal.deal_id is not null,
            false
        ) as is_converted,
        coalesce(told.qualified_at, lead.qualified_at) as converted_at,
        cast(null as date) as converted_on,
        coalesce(lead.lead_stage = 'unqualified-stage-id', false) as is_disqualified,
        lead.connection || ':' || company.company_id as account_id,
        case when company.company_id is not null then 'association' end as account_source,
        lead.connection || ':' || deal.deal_id as deal_id,
        lead.connection || ':' || contact.contact_id as contact_id
    from hubspot_lead as lead
    left join hubspot_told as told
        on lead.connection = told.connection and lead.lead_id = told.lead_id
    left join hubspot_first_owner as first_owner
        on lead.connection = first_owner.connection and lead.lead_id = first_owner.lead_id
    left join hubspot_lead_deal as deal
        on lead.connection = deal.connection and lead.lead_id = deal.lead_id
    left join hubspot_lead_company as company
        on lead.connection = company.connection and lead.lead_id = company.lead_id
    left join hubspot_lead_contact as contact
        on lead.connection = contact.connection and lead.lead_id = contact.lead_id
),
united as (
    select * from from_salesforce
    union all
    select * from from_hubspot
),
-- A survivor may be known before the loser is missed.
living as (
    select united.*
    from united
    left join merged on merged.object = 'lead' and united.lead_id = merged.loser_id
    where merged.loser_id is null
),
final as (
    select
        lead.lead_id,
        lead.connection,
        lead.lead_name,
        nullif(regexp_replace(lower(trim(lead.email)), '^[^@]*@?', ''), '') as email_domain,
        lead.company_name,
        lead.source,
        lead.status,
        lead.connection || ':' || coalesce(lead.owner_id, '(unassigned)') as rep_id,
        lead.connection || ':' || coalesce(lead.first_owner_id, '(unassigned)')
            as created_rep_id,
        lead.created_at,
        lead.status_contacted_at,
        lead.is_status_contacted,
        lead.stands_qualified or lead.qualified_at is not null or lead.is_converted
            as is_qualified,
        lead.qualified_at,
        lead.is_converted,
        lead.converted_at,
        coalesce(company_date(lead.converted_at), lead.converted_on) as converted_date,
        lead.is_disqualified and not lead.is_converted as is_disqualified,
        coalesce(merged_account.survivor_id, lead.account_id) as account_id,
        lead.account_source,
        coalesce(merged_deal.survivor_id, lead.deal_id) as deal_id,
        coalesce(merged_contact.survivor_id, lead.contact_id) as contact_id
    from living as lead
    left join merged as merged_account
        on merged_account.object = 'account' and lead.account_id = merged_account.loser_id
    left join merged as merged_deal
        on merged_deal.object = 'opportunity' and lead.deal_id = merged_deal.loser_id
    left join merged as merged_contact
        on merged_contact.object = 'contact' and lead.contact_id = merged_contact.loser_id
)
select
    lead_id, connection, lead_name, email_domain, company_name, source, status, rep_id,
    created_rep_id, created_at, status_contacted_at, is_status_contacted, is_qualified,
    qualified_at, is_converted, converted_at, converted_date, is_disqualified, account_id, account_source, deal_id,
    contact_id
from final
