/* @model
description: Salesforce forecasts as they stood in each run's photograph, one row a person, period, category and day.
grain: [connection, item_id, snapshot_date]
kind: view
owner: revops
tags: [crm, forecasts]
source: {id: string, snapshot_date: date, ownerid: string, periodid: string, forecastingtypeid: string, forecastcategoryname: string, forecastingitemcategory: string, forecastamount: "decimal(38,18)", amountwithoutmanageradjustment: "decimal(38,18)", amountwithoutadjustments: "decimal(38,18)", hasadjustment: boolean, hasowneradjustment: boolean, isuptodate: boolean, currencyisocode: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  item_id: {type: string, doc: "record id", checks: [not_null]}
  snapshot_date: {type: date, doc: "day of the photograph, in UTC", checks: [not_null]}
  seen_at: {type: timestamp, doc: "moment of the photograph", checks: [not_null]}
  user_id: {type: string, doc: "id of the user whose forecast it is"}
  period_id: {type: string, doc: "id of the period"}
  forecasting_type_id: {type: string, doc: "id of the forecast type"}
  item_category: {type: string, doc: "PipelineOnly, BestCaseOnly, MostLikelyOnly, CommitOnly or ClosedOnly, with cumulative roll-ups CommitForecast and the like"}
  amount: {type: "decimal(22,2)", doc: "with all adjustments"}
  amount_without_manager: {type: "decimal(22,2)", doc: "with the owner's own adjustment and without those of managers"}
  amount_without_adjustments: {type: "decimal(22,2)", doc: "what the deals add up to"}
  has_owner_adjustment: {type: boolean, doc: "whether the owner set a figure of his own", checks: [not_null]}
  is_up_to_date: {type: boolean, doc: "false: Salesforce was still computing"}
  currency: {type: string, doc: "ISO 4217 code; null in an org with one currency"}
*/
with
version as (
    select * from raw.salesforce.forecastingitem
),
-- A second run on the same day replaces the first one's rows.
changed as (
    select _connection, id, snapshot_date, max(_sequence) as newest_sequence
    from version
    group by _connection, id, snapshot_date
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.id as item_id,
        version.snapshot_date,
        version._extracted_at as seen_at,
        version.ownerid as user_id,
        version.periodid as period_id,
        version.forecastingtypeid as forecasting_type_id,
        version.forecastingitemcategory as item_category,
        cast(version.forecastamount as decimal(22, 2)) as amount,
        cast(version.amountwithoutmanageradjustment as decimal(22, 2)) as amount_without_manager,
        cast(version.amountwithoutadjustments as decimal(22, 2)) as amount_without_adjustments,
        coalesce(version.hasowneradjustment, false) as has_owner_adjustment,
        version.isuptodate as is_up_to_date,
        version.currencyisocode as currency
    from changed
    right join version
        on changed._connection = version._connection
        and changed.id = version.id
        and changed.snapshot_date = version.snapshot_date
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, item_id, snapshot_date, seen_at, user_id, period_id, forecasting_type_id,
    item_category, amount, amount_without_manager, amount_without_adjustments,
    has_owner_adjustment, is_up_to_date, currency
from latest
