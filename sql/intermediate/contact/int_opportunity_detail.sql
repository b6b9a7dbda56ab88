/* @model
description: What else the CRMs tell of living deals - competitor, next step, contact - with whether the source keeps it at all.
grain: [opportunity_id]
kind: table
owner: revops
tags: [crm, opportunities]
columns:
  opportunity_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  competitor: {type: string, doc: "to whom it was lost; null: nobody named"}
  next_step: {type: string, doc: "what is to be done next; null: nothing written"}
  contact_id: {type: string, doc: "connection:source id of a contact, of several the primary one, else the one with the smallest id; null: none"}
  is_next_step_kept: {type: boolean, doc: "false: no deal of the connection has a next step, so that it cannot be told from one that is not read", checks: [not_null]}
  is_contact_kept: {type: boolean, doc: "false: no deal of the connection has a contact, so that it cannot be told from one that is not read", checks: [not_null]}
*/
with
salesforce_deal as (
    select * from staging.stg_salesforce__opportunities
),
salesforce_role as (
    select * from staging.stg_salesforce__opportunity_contact_roles
),
hubspot_deal as (
    select * from staging.stg_hubspot__deals
),
hubspot_contact as (
    select * from staging.stg_hubspot__deals_to_contacts
),
merged_contact as (
    select * from intermediate.int_merge where object = 'contact'
),
salesforce_contact as (
    select
        connection,
        opportunity_id,
        coalesce(min(case when is_primary then contact_id end), min(contact_id)) as contact_id
    from salesforce_role
    where opportunity_id is not null and contact_id is not null
    group by connection, opportunity_id
),
hubspot_deal_contact as (
    select
        connection,
        deal_id,
        coalesce(min(case when label = 'Primary' then contact_id end), min(contact_id))
            as contact_id
    from hubspot_contact
    group by connection, deal_id
),
told as (
    select
        deal.connection || ':' || deal.opportunity_id as opportunity_id,
        deal.connection,
        nullif(trim(deal.competitor), '') as competitor,
        nullif(trim(deal.next_step), '') as next_step,
        deal.connection || ':' || coalesce(role.contact_id, deal.contact_id) as contact_id
    from salesforce_contact as role
    right join salesforce_deal as deal
        on role.connection = deal.connection and role.opportunity_id = deal.opportunity_id
    union all
    select
        deal.connection || ':' || deal.deal_id as opportunity_id,
        deal.connection,
        nullif(trim(deal.competitor), '') as competitor,
        nullif(trim(deal.next_step), '') as next_step,
        deal.connection || ':' || contact.contact_id as contact_id
    from hubspot_deal_contact as contact
    right join hubspot_deal as deal
        on contact.connection = deal.connection and contact.deal_id = deal.deal_id
),
kept as (
    select
        connection,
        count(next_step) > 0 as is_next_step_kept,
        count(contact_id) > 0 as is_contact_kept
    from told
    group by connection
),
final as (
    select
        told.opportunity_id,
        told.connection,
        told.competitor,
        told.next_step,
        coalesce(merged_contact.survivor_id, told.contact_id) as contact_id,
        kept.is_next_step_kept,
        kept.is_contact_kept
    from kept
    inner join told on kept.connection = told.connection
    left join merged_contact on told.contact_id = merged_contact.loser_id
)
select
    opportunity_id, connection, competitor, next_step, contact_id, is_next_step_kept,
    is_contact_kept
from final
