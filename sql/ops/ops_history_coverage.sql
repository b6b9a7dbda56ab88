/* @model
description: For each connection and field of a deal the days of which its history is observed (a run saw it), reconstructed (from the history the CRM keeps) or unknown. From the day of the oldest deal to the as-of day.
grain: [connection, field, from_date]
kind: table
owner: revops
tags: [ops, crm, opportunities]
columns:
  connection: {type: string, doc: "the connection", checks: [not_null]}
  field: {type: string, doc: "stage, amount, close_date, probability, forecast_category, owner or currency", checks: [not_null]}
  from_date: {type: date, doc: "first day, in the company's zone", checks: [not_null]}
  to_date: {type: date, doc: "last day", checks: [not_null]}
  coverage: {type: string, doc: "observed, reconstructed or unknown", checks: [not_null, "accepted_values: [observed, reconstructed, unknown]"]}
*/
with
coverage as (
    select * from intermediate.int_history_coverage
)
select connection, field, from_date, to_date, coverage
from coverage
