/* @model
description: What else the CRMs tell of living deals - competitor, next step, contact - with whether the source keeps it at all. Deals from files are not in it.
grain: [opportunity_id]
kind: table
owner: revops
tags: [crm, opportunities]
columns:
  opportunity_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  competitor: {type: string, doc: "to whom it was lost; null: nobody named"}
  next_step: {type: string, doc: "what is to be done next; null: nothing written"}
  contact_id: {type: string, doc: "connection:source id of the deal's contact, of several the primary one; null: none"}
  is_next_step_kept: {type: boolean, doc: "false: no deal of the connection has a next step, so that it cannot be told from one that is not read", checks: [not_null]}
  is_contact_kept: {type: boolean, doc: "false: no deal of the connection has a contact, so that it cannot be told from one that is not read", checks: [not_null]}
*/
select
    opportunity_id, connection, competitor, next_step, contact_id, is_next_step_kept,
    is_contact_kept
from intermediate.int_opportunity_detail
