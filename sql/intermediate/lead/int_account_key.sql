/* @model
description: Living companies of the CRMs with what they can be found again by - the domain of their web site and their name without case, blanks and signs.
grain: [account_id]
kind: table
owner: revops
tags: [crm, accounts]
columns:
  account_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  domain: {type: string, doc: "domain of the web site, without www; null: none, or one of free mail"}
  name_key: {type: string, doc: "letters and digits of the name in lower case; null: no name"}
  owner_id: {type: string, doc: "connection:source id of who owns it; null: nobody"}
*/
with
salesforce_account as (
    select * from staging.stg_salesforce__accounts
),
hubspot_company as (
    select * from staging.stg_hubspot__companies
),
merged as (
    select * from intermediate.int_merge where object = 'account'
),
free_mail as (
    select * from intermediate.int_free_mail
),
told as (
    select
        connection,
        connection || ':' || account_id as account_id,
        website,
        account_name,
        connection || ':' || owner_id as owner_id
    from salesforce_account
    union all
    select
        connection,
        connection || ':' || company_id as account_id,
        domain as website,
        company_name as account_name,
        connection || ':' || owner_id as owner_id
    from hubspot_company
),
-- https://www.acme.com:443/en?x → acme.com
keyed as (
    select
        *,
        nullif(
            regexp_replace(
                regexp_replace(lower(trim(website)), '^[a-z]+://', ''),
                '^(www[.])?([^/:?#]*).*$',
                '\2'
            ),
            ''
        ) as domain,
        nullif(regexp_replace(lower(account_name), '[^\p{L}\p{N}]+', '', 'g'), '') as name_key
    from told
),
final as (
    select
        keyed.account_id,
        keyed.connection,
        case when free_mail.domain is null then keyed.domain end as domain,
        keyed.name_key,
        keyed.owner_id
    from keyed
    left join merged on keyed.account_id = merged.loser_id
    left join free_mail on keyed.domain = free_mail.domain
    where merged.loser_id is null
)
select account_id, connection, domain, name_key, owner_id
from final
