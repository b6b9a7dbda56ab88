/* @model
description: Salesforce quotas, latest version.
grain: [connection, quota_id]
kind: view
owner: revops
tags: [crm, quotas]
source: {id: string, quotaownerid: string, startdate: date, quotaamount: "decimal(38,18)", currencyisocode: string, forecastingtypeid: string, periodid: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  quota_id: {type: string, doc: "record id", checks: [not_null]}
  user_id: {type: string, doc: "id of the user whose quota it is"}
  start_date: {type: date, doc: "first day of its period"}
  amount: {type: "decimal(22,2)", doc: "how much"}
  currency: {type: string, doc: "ISO 4217 code; null in an org with one currency"}
  forecasting_type_id: {type: string, doc: "id of the forecast type"}
  period_id: {type: string, doc: "id of the period"}
*/
with
version as (
    select * from raw.salesforce.forecastingquota
),
-- Most keys have one version, so only the others are looked up: see sql/DECISIONS.md.
changed as (
    select _connection, id, max(_sequence) as newest_sequence
    from version
    group by _connection, id
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.id as quota_id,
        version.quotaownerid as user_id,
        version.startdate as start_date,
        cast(version.quotaamount as decimal(22, 2)) as amount,
        version.currencyisocode as currency,
        version.forecastingtypeid as forecasting_type_id,
        version.periodid as period_id
    from changed
    right join version
        on changed._connection = version._connection
        and changed.id = version.id
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, quota_id, user_id, start_date, amount, currency, forecasting_type_id,
    period_id
from latest
