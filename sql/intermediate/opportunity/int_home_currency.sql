/* @model
description: The currency of deals that name none - of an org or a portal its own one.
grain: [connection]
kind: table
owner: revops
tags: [crm, currencies]
columns:
  connection: {type: string, doc: "the connection", checks: [not_null]}
  currency: {type: string, doc: "ISO 4217 code", checks: [not_null]}
*/
with
organization as (
    select * from staging.stg_salesforce__organizations
),
hubspot_deal as (
    select * from staging.stg_hubspot__deals
),
-- An org with one currency does not write it at its records.
salesforce_currency as (
    select connection, max(currency) as currency
    from organization
    group by connection
),
-- A portal does not say what its currency is. It is the one whose rate is 1, of several the most
-- used.
hubspot_rate_of_one as (
    select connection, currency, count(*) as deals
    from hubspot_deal
    where exchange_rate = 1 and currency is not null
    group by connection, currency
),
hubspot_most_used as (
    select connection, max(deals) as deals
    from hubspot_rate_of_one
    group by connection
),
hubspot_currency as (
    select hubspot_rate_of_one.connection, min(hubspot_rate_of_one.currency) as currency
    from hubspot_rate_of_one
    inner join hubspot_most_used
        on hubspot_rate_of_one.connection = hubspot_most_used.connection
        and hubspot_rate_of_one.deals = hubspot_most_used.deals
    group by hubspot_rate_of_one.connection
),
final as (
    select connection, currency from salesforce_currency where currency is not null
    union all
    select connection, currency from hubspot_currency
)
select connection, currency
from final
