/* @model
description: Which deals each series of the forecast adds up, and with what. A due deal stands in one bucket - won, or its forecast category while it is open; a series is one or more buckets.
grain: [series, bucket]
kind: table
owner: revops
tags: [crm, forecasts]
columns:
  series: {type: string, doc: "name of the series", checks: [not_null]}
  bucket: {type: string, doc: "won, commit, most_likely, best_case or pipeline", checks: [not_null, "accepted_values: [won, commit, most_likely, best_case, pipeline]"]}
  weight: {type: string, doc: "what a deal counts with: none (its amount), or its amount times the deal's own probability, the stage's default or the historical win rate of the stage", checks: [not_null, "accepted_values: [none, deal, stage, historical]"]}
  is_bridged: {type: boolean, doc: "whether forecast.bridge explains its moves: the series that add up plain amounts", checks: [not_null]}
  is_bridged_for_reps: {type: boolean, doc: "whether it does so for each rep too", checks: [not_null]}
*/
with
bucket as (
    select bucket, place
    from (
        values ('won', 1), ('commit', 2), ('most_likely', 3), ('best_case', 4), ('pipeline', 5)
    ) as listed (bucket, place)
),
-- A single category is its own bucket; the won deals are called closed.
single as (
    select
        case when bucket = 'won' then 'closed' else bucket end as series,
        bucket,
        'none' as weight
    from bucket
),
-- A cumulative series holds what is at least as sure as its name.
cumulative as (
    select
        named.bucket || '_cumulative' as series,
        bucket.bucket,
        'none' as weight
    from bucket as named
    cross join bucket
    where named.bucket <> 'won' and bucket.place <= named.place
),
-- What is won has no chance any more.
weighted as (
    select
        'weighted_' || weight.weight as series,
        bucket.bucket,
        case when bucket.bucket = 'won' then 'none' else weight.weight end as weight
    from (values ('deal'), ('stage'), ('historical')) as weight (weight)
    cross join bucket
),
united as (
    select *, true as is_bridged from single
    union all
    select *, true as is_bridged from cumulative
    union all
    select *, false as is_bridged from weighted
),
final as (
    select
        series,
        bucket,
        weight,
        is_bridged,
        series in ('closed', 'commit_cumulative', 'pipeline_cumulative') as is_bridged_for_reps
    from united
)
select series, bucket, weight, is_bridged, is_bridged_for_reps
from final
