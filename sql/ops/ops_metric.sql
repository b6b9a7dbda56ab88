/* @model
description: The catalogue of metrics, one row each, as defined in the headers of the models that compute them.
grain: [id]
kind: table
owner: revops
tags: [ops]
columns:
  id: {type: string, doc: "name of the metric, as in the column metric of the KPI tables"}
  title: {type: string, doc: "name for people"}
  definition: {type: string, doc: "what it is, in one sentence"}
  formula: {type: string, doc: "how it is computed"}
  unit: {type: string, doc: "unit of its values"}
  grain: {type: string, doc: "what one row is about"}
  time_anchor: {type: string, doc: "the day that puts a deal into a period"}
  additive: {type: boolean, doc: "whether values may be added up"}
  numerator: {type: string, doc: "upper part of a ratio"}
  denominator: {type: string, doc: "lower part of a ratio"}
  null_rule: {type: string, doc: "when a value is null, and what is left out"}
  owner: {type: string, doc: "who answers for it"}
  source_models: {type: string, doc: "the tables it is computed from"}
*/
select
    id, title, definition, formula, unit, grain, time_anchor, additive, numerator, denominator,
    null_rule, owner, source_models
from system.metric
