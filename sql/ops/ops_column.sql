/* @model
description: Columns of the published tables, with what they mean.
grain: [table_schema, table_name, column_name]
kind: table
owner: revops
tags: [ops]
columns:
  table_schema: {type: string, doc: "the schema"}
  table_name: {type: string, doc: "the table"}
  column_name: {type: string, doc: "the column"}
  position: {type: int64, doc: "its place, from 1"}
  type: {type: string, doc: "its type"}
  doc: {type: string, doc: "what it means"}
*/
select
    table_schema, table_name, column_name, position, type, doc
from system.model_column
