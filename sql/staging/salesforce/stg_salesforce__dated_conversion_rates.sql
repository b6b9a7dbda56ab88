/* @model
description: Salesforce dated rates, where the org has advanced currency management.
grain: [connection, rate_id]
kind: view
owner: revops
tags: [crm, currencies]
source: {id: string, isocode: string, startdate: date, nextstartdate: date, conversionrate: "decimal(38,18)"}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  rate_id: {type: string, doc: "record id", checks: [not_null]}
  currency: {type: string, doc: "ISO 4217 code"}
  start_date: {type: date, doc: "first day"}
  next_start_date: {type: date, doc: "first day of the next rate"}
  rate: {type: "decimal(38,18)", doc: "units for one of the corporate currency"}
*/
with
version as (
    select * from raw.salesforce.datedconversionrate
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
        version.id as rate_id,
        version.isocode as currency,
        version.startdate as start_date,
        version.nextstartdate as next_start_date,
        version.conversionrate as rate
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
    connection, rate_id, currency, start_date, next_start_date, rate
from latest
