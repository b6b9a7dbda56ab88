/* @model
description: Salesforce currencies of the org with their undated rates; there are none in an org with one currency.
grain: [connection, currency_type_id]
kind: view
owner: revops
tags: [crm, currencies]
source: {id: string, isocode: string, conversionrate: "decimal(38,18)", iscorporate: boolean, isactive: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  currency_type_id: {type: string, doc: "record id", checks: [not_null]}
  currency: {type: string, doc: "ISO 4217 code"}
  rate: {type: "decimal(38,18)", doc: "units for one of the corporate currency"}
  is_corporate: {type: boolean, doc: "whether it is the corporate currency"}
  is_active: {type: boolean, doc: "whether it can be used"}
*/
with
version as (
    select * from raw.salesforce.currencytype
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
        version.id as currency_type_id,
        version.isocode as currency,
        version.conversionrate as rate,
        version.iscorporate as is_corporate,
        version.isactive as is_active
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
    connection, currency_type_id, currency, rate, is_corporate, is_active
from latest
