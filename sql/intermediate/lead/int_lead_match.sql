/* @model
description: The company that each lead belongs to - the one it was converted into or is tied to, else one that has the domain of its e-mail address, else one that has its company's name. Free mail says nothing of a company. Only companies of the same connection.
grain: [lead_id]
kind: table
owner: revops
tags: [crm, leads, accounts]
columns:
  lead_id: {type: string, doc: "connection:source id", checks: [not_null]}
  account_id: {type: string, doc: "connection:source id of the company", checks: [not_null]}
  match_method: {type: string, doc: "converted, association, domain (of its web site), contact_domain (of its contacts' addresses) or name", checks: [not_null, "accepted_values: [converted, association, domain, contact_domain, name]"]}
*/
with
lead as (
    select * from intermediate.int_lead
),
account as (
    select * from intermediate.int_account_key
),
free_mail as (
    select * from intermediate.int_free_mail
),
merged_account as (
    select * from intermediate.int_merge where object = 'account'
),
salesforce_contact as (
    select * from staging.stg_salesforce__contacts
),
hubspot_contact as (
    select * from staging.stg_hubspot__contacts
),
contact as (
    select
        connection,
        connection || ':' || account_id as account_id,
        nullif(regexp_replace(lower(trim(email)), '^[^@]*@?', ''), '') as domain
    from salesforce_contact
    where account_id is not null
    union all
    select
        connection,
        connection || ':' || company_id as account_id,
        nullif(regexp_replace(lower(trim(email)), '^[^@]*@?', ''), '') as domain
    from hubspot_contact
    where company_id is not null
),
-- The small sides of the joins stand on the left: the engine holds them and streams the leads.
-- Of several companies with one domain or name the one with the smallest id.
by_domain as (
    select connection, domain, min(account_id) as account_id
    from account
    where domain is not null
    group by connection, domain
),
by_contact_domain as (
    select
        contact.connection,
        contact.domain,
        min(coalesce(merged_account.survivor_id, contact.account_id)) as account_id
    from contact
    left join merged_account on contact.account_id = merged_account.loser_id
    left join free_mail on contact.domain = free_mail.domain
    where contact.domain is not null and free_mail.domain is null
    group by contact.connection, contact.domain
),
by_name as (
    select connection, name_key, min(account_id) as account_id
    from account
    where name_key is not null
    group by connection, name_key
),
keyed as (
    select
        lead.lead_id,
        lead.connection,
        lead.account_id,
        lead.account_source,
        case when free_mail.domain is null then lead.email_domain end as domain,
        nullif(regexp_replace(lower(lead.company_name), '[^\p{L}\p{N}]+', '', 'g'), '')
            as name_key
    from free_mail
    right join lead on free_mail.domain = lead.email_domain
),
with_domain as (
    select keyed.*, by_domain.account_id as domain_account_id
    from by_domain
    right join keyed
        on by_domain.connection = keyed.connection and by_domain.domain = keyed.domain
),
with_contact_domain as (
    select lead.*, by_contact_domain.account_id as contact_account_id
    from by_contact_domain
    right join with_domain as lead
        on by_contact_domain.connection = lead.connection
        and by_contact_domain.domain = lead.domain
),
with_name as (
    select lead.*, by_name.account_id as name_account_id
    from by_name
    right join with_contact_domain as lead
        on by_name.connection = lead.connection and by_name.name_key = lead.name_key
),
matched as (
    select
        lead_id,
        coalesce(account_id, domain_account_id, contact_account_id, name_account_id)
            as account_id,
        case
            when account_id is not null then account_source
            when domain_account_id is not null then 'domain'
            when contact_account_id is not null then 'contact_domain'
            when name_account_id is not null then 'name'
        end as match_method
    from with_name
),
final as (
    select lead_id, account_id, match_method
    from matched
    where account_id is not null
)
select lead_id, account_id, match_method
from final
