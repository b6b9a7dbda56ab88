/* @model
description: Deals of all connections under CRM-neutral names. Instants become days in the company's zone here and nowhere else.
grain: [opportunity_id]
kind: incremental
incremental:
  key: opportunity_id
  changed_by:
    raw.salesforce.opportunity: "_connection || ':' || id"
    raw.salesforce.opportunitylineitem: "_connection || ':' || opportunityid"
    raw.hubspot.deals: "_connection || ':' || id"
    raw.hubspot.deals_to_companies: "_connection || ':' || from_id"
    raw.hubspot.deals_to_line_items: "_connection || ':' || from_id"
    intermediate.int_opportunity_version: opportunity_id
owner: revops
tags: [crm, opportunities]
columns:
  opportunity_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection that delivered the deal", checks: [not_null]}
  opportunity_name: {type: string, doc: "name of the deal; null where the source has none"}
  account_id: {type: string, doc: "connection:source id of the account, of a merged one the survivor; null: the deal names none"}
  rep_id: {type: string, doc: "connection:source id of the owner now; connection:(unassigned) where the deal names none", checks: [not_null]}
  created_rep_id: {type: string, doc: "the owner when it was created; null: no history tells"}
  outcome_rep_id: {type: string, doc: "the owner at the moment of the last transition into a won or lost stage; null: no history tells"}
  has_history: {type: boolean, doc: "whether the source keeps a history of the deal", checks: [not_null]}
  product_id: {type: string, doc: "connection:source id of the product; null: the deal names none"}
  stage_id: {type: string, doc: "connection:stage name; in HubSpot connection:pipeline/stage", checks: [not_null]}
  stage_name: {type: string, doc: "the stage's name in the source"}
  amount: {type: "decimal(18,2)", doc: "amount in the deal's currency; null: unknown"}
  currency: {type: string, doc: "ISO 4217 code; null: unknown"}
  amount_reporting: {type: "decimal(18,2)", doc: "amount in the reporting currency, by the rate of the close date, rounded half away from zero to cents; null: unknown or unconverted"}
  is_amount_too_large: {type: boolean, doc: "true: the source has an amount of more than 16 digits before the point, which is left out", checks: [not_null]}
  probability: {type: "decimal(9,6)", doc: "the deal's own probability, a fraction"}
  forecast_category: {type: string, doc: "omitted, pipeline, best_case, most_likely, commit or closed; null: none or unknown"}
  created_at: {type: timestamp, doc: "moment of creation; null: the source has none"}
  created_date: {type: date, doc: "day of creation in the company's zone"}
  qualified_at: {type: timestamp, doc: "first entry into a qualified stage; null where the source has only a day"}
  qualified_date: {type: date, doc: "day of the first entry into a qualified stage"}
  closed_at: {type: timestamp, doc: "moment of the outcome: the last transition into a won or lost stage where there is a history; null where the source has only a day"}
  closed_date: {type: date, doc: "day of the outcome, whatever the stage says"}
  expected_close_date: {type: date, doc: "planned close date"}
  lost_reason: {type: string, doc: "why it was lost"}
  last_activity_at: {type: timestamp, doc: "last activity on the deal; null: unknown"}
  last_activity_date: {type: date, doc: "day of the last activity in the company's zone"}
  push_count: {type: int64, doc: "how often the planned close date was moved to a later month; null: unknown"}
  is_loss_amount_recorded: {type: boolean, doc: "false where the source is known to record 0 on every lost deal, so that the amount lost is unknown", checks: [not_null]}
*/
with
file_deal as (
    select * from staging.stg_crm_sales_opportunities__sales_pipeline
),
export_deal as (
    select * from staging.stg_crm_export__opportunities
),
salesforce_deal as (
    select * from staging.stg_salesforce__opportunities
),
salesforce_line as (
    select * from staging.stg_salesforce__opportunity_line_items
),
hubspot_deal as (
    select * from staging.stg_hubspot__deals
),
hubspot_company as (
    select * from staging.stg_hubspot__deals_to_companies
),
hubspot_deal_line as (
    select * from staging.stg_hubspot__deals_to_line_items
),
hubspot_line as (
    select * from staging.stg_hubspot__line_items
),
rate as (
    select * from intermediate.int_exchange_rate
),
home as (
    select * from intermediate.int_home_currency
),
version as (
    select * from intermediate.int_opportunity_version
),
stage as (
    select * from intermediate.int_stage_described
),
merged_account as (
    select * from intermediate.int_merge where object = 'account'
),
merged_deal as (
    select * from intermediate.int_merge where object = 'opportunity'
),
business as (
    select * from system.business
),
typed_version as (
    select
        version.opportunity_id,
        version.valid_from,
        coalesce(version.rep_id, version.connection || ':(unassigned)') as rep_id,
        version.is_at_creation,
        version.stage_id is not null as is_known,
        version.stage_id is not null and version.previous_stage_id is null as is_first,
        version.stage_id <> version.previous_stage_id as is_entry,
        coalesce(stage.is_qualified, false) as is_qualified,
        coalesce(stage.stage_type in ('won', 'lost'), false) as is_closed,
        date_trunc('month', version.close_date)
        > date_trunc('month', version.previous_close_date) as is_push
    from stage
    right join version on stage.stage_id = version.stage_id
    where not version.is_deleted
),
-- Where a row stands among those that tell who created the deal, and who closed it; the others
-- come before them all.
placed_version as (
    select
        *,
        case
            when is_at_creation then cast(valid_from as bigint)
            else -9223372036854775807
        end as creation_place,
        case
            when is_closed and (is_entry or is_first) then cast(valid_from as bigint)
            else -9223372036854775807
        end as outcome_place
    from typed_version
),
-- What the history says, in one pass over the versions. Entries are moments at which the stage
-- became another one; how a deal came to the first stage that is known is not.
history as (
    select
        opportunity_id,
        min(case when is_known then valid_from end) as known_from,
        bool_or(is_first and is_qualified) as begins_qualified,
        bool_or(is_first and is_closed) as begins_closed,
        min(case when is_entry and is_qualified then valid_from end) as qualified_at,
        max(case when is_entry and is_closed then valid_from end) as closed_at,
        sum(case when is_push then 1 else 0 end) as push_count,
        last_value(rep_id order by creation_place) as created_rep_id,
        last_value(rep_id order by outcome_place) as outcome_rep_id
    from placed_version
    group by opportunity_id
),
-- A deal's product is that of its dearest line.
salesforce_dearest as (
    select connection, opportunity_id, max(total_price) as total_price
    from salesforce_line
    group by connection, opportunity_id
),
salesforce_product as (
    select line.connection, line.opportunity_id, min(line.product_id) as product_id
    from salesforce_dearest as dearest
    inner join salesforce_line as line
        on dearest.connection = line.connection
        and dearest.opportunity_id = line.opportunity_id
        and dearest.total_price = line.total_price
    group by line.connection, line.opportunity_id
),
hubspot_deal_with_line as (
    select
        hubspot_deal_line.connection,
        hubspot_deal_line.deal_id,
        hubspot_line.product_id,
        hubspot_line.total_price
    from hubspot_deal_line
    inner join hubspot_line
        on hubspot_deal_line.connection = hubspot_line.connection
        and hubspot_deal_line.line_item_id = hubspot_line.line_item_id
),
hubspot_dearest as (
    select connection, deal_id, max(total_price) as total_price
    from hubspot_deal_with_line
    group by connection, deal_id
),
hubspot_product as (
    select line.connection, line.deal_id, min(line.product_id) as product_id
    from hubspot_dearest as dearest
    inner join hubspot_deal_with_line as line
        on dearest.connection = line.connection
        and dearest.deal_id = line.deal_id
        and dearest.total_price = line.total_price
    group by line.connection, line.deal_id
),
-- The primary company, or the one with the smallest id.
hubspot_account as (
    select
        connection,
        deal_id,
        coalesce(
            min(case when label = 'Primary' or association_type_id = '5' then company_id end),
            min(company_id)
        ) as company_id
    from hubspot_company
    group by connection, deal_id
),
-- Dates only: no instants, no creation date. Currency by the data dictionary ("in USD").
-- `close_value` is revenue, so a lost deal's 0 says nothing of what was lost.
from_files as (
    select
        connection || ':' || opportunity_id as opportunity_id,
        connection,
        cast(null as varchar) as opportunity_name,
        connection || ':' || account_name as account_id,
        connection || ':' || coalesce(rep_name, '(unassigned)') as rep_id,
        cast(null as varchar) as created_rep_id,
        cast(null as varchar) as outcome_rep_id,
        false as has_history,
        connection || ':' || product_name as product_id,
        connection || ':' || coalesce(stage_name, '(none)') as stage_id,
        stage_name,
        amount,
        'USD' as currency,
        case when (select reporting_currency from business) = 'USD' then amount end
            as amount_reporting,
        false as is_amount_too_large,
        cast(null as decimal(9, 6)) as probability,
        cast(null as varchar) as forecast_category,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as created_at,
        cast(null as date) as created_date,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as qualified_at,
        engaged_date as qualified_date,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as closed_at,
        closed_date,
        cast(null as date) as expected_close_date,
        cast(null as varchar) as lost_reason,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as last_activity_at,
        cast(null as date) as last_activity_date,
        cast(null as bigint) as push_count,
        false as is_loss_amount_recorded
    from file_deal
),
-- An export brings no rates and no history, and what it says of moments is taken as it is.
from_export as (
    select
        connection || ':' || opportunity_id as opportunity_id,
        connection,
        opportunity_name,
        connection || ':' || account_id as account_id,
        connection || ':' || coalesce(owner_id, '(unassigned)') as rep_id,
        cast(null as varchar) as created_rep_id,
        cast(null as varchar) as outcome_rep_id,
        false as has_history,
        connection || ':' || product_id as product_id,
        connection || ':' || coalesce(stage, '(none)') as stage_id,
        stage as stage_name,
        amount,
        currency,
        case when currency = (select reporting_currency from business) then amount end
            as amount_reporting,
        false as is_amount_too_large,
        probability,
        cast(null as varchar) as forecast_category,
        created_at,
        company_date(created_at) as created_date,
        qualified_at,
        company_date(qualified_at) as qualified_date,
        closed_at,
        company_date(closed_at) as closed_date,
        expected_close_date,
        lost_reason,
        last_activity_at,
        company_date(last_activity_at) as last_activity_date,
        push_count,
        true as is_loss_amount_recorded
    from export_deal
),
from_salesforce as (
    select
        deal.connection || ':' || deal.opportunity_id as opportunity_id,
        deal.connection,
        deal.opportunity_name,
        deal.connection || ':' || deal.account_id as account_id,
        deal.connection || ':' || coalesce(deal.owner_id, '(unassigned)') as rep_id,
        deal.connection || ':' || salesforce_product.product_id as product_id,
        deal.connection || ':' || coalesce(deal.stage, '(none)') as stage_id,
        deal.stage as stage_name,
        deal.amount,
        coalesce(
            deal.currency,
            home.currency,
            (select reporting_currency from business)
        ) as currency,
        cast(null as decimal(22, 2)) as amount_home,
        cast(null as varchar) as home_currency,
        deal.probability,
        case deal.forecast_category
            when 'Omitted' then 'omitted'
            when 'Pipeline' then 'pipeline'
            when 'BestCase' then 'best_case'
            when 'MostLikely' then 'most_likely'
            when 'Forecast' then 'commit'
            when 'Closed' then 'closed'
        end as forecast_category,
        deal.created_at,
        deal.close_date as expected_close_date,
        deal.lost_reason,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as last_activity_at,
        deal.last_activity_date
    from salesforce_product
    right join salesforce_deal as deal
        on salesforce_product.connection = deal.connection
        and salesforce_product.opportunity_id = deal.opportunity_id
    left join home on deal.connection = home.connection
),
hubspot_dated as (
    select
        *,
        case
            when close_at = date_trunc('day', close_at) then cast(close_at as date)
            else company_date(close_at)
        end as close_date
    from hubspot_deal
),
from_hubspot as (
    select
        deal.connection || ':' || deal.deal_id as opportunity_id,
        deal.connection,
        deal.deal_name as opportunity_name,
        deal.connection || ':' || hubspot_account.company_id as account_id,
        deal.connection || ':' || coalesce(deal.owner_id, '(unassigned)') as rep_id,
        deal.connection || ':' || hubspot_product.product_id as product_id,
        case
            when deal.stage_id is null then deal.connection || ':(none)'
            when deal.pipeline_id is null then deal.connection || ':' || deal.stage_id
            else deal.connection || ':' || deal.pipeline_id || '/' || deal.stage_id
        end as stage_id,
        deal.stage_id as stage_name,
        deal.amount,
        coalesce(
            deal.currency,
            home.currency,
            (select reporting_currency from business)
        ) as currency,
        deal.amount_home,
        coalesce(home.currency, (select reporting_currency from business))
            as home_currency,
        deal.probability,
        case upper(deal.forecast_category)
            when 'OMIT' then 'omitted'
            when 'OMITTED' then 'omitted'
            when 'PIPELINE' then 'pipeline'
            when 'BEST_CASE' then 'best_case'
            when 'MOST_LIKELY' then 'most_likely'
            when 'COMMIT' then 'commit'
            when 'CLOSED' then 'closed'
        end as forecast_category,
        coalesce(deal.created_at, deal.record_created_at) as created_at,
        deal.close_date as expected_close_date,
        deal.lost_reason,
        deal.last_activity_at,
        company_date(deal.last_activity_at) as last_activity_date
    from hubspot_product
    right join hubspot_dated as deal
        on hubspot_product.connection = deal.connection
        and hubspot_product.deal_id = deal.deal_id
    left join hubspot_account
        on deal.connection = hubspot_account.connection
        and deal.deal_id = hubspot_account.deal_id
    left join home on deal.connection = home.connection
),
from_crm as (
    select * from from_salesforce
    union all
    select * from from_hubspot
),
-- The small sides of the joins stand on the left: the engine holds them and streams the deals.
-- HubSpot's survivor says at once whom it took in; that the other is gone is found by a sweep.
living as (
    select from_crm.*
    from merged_deal
    right join from_crm on merged_deal.loser_id = from_crm.opportunity_id
    where merged_deal.loser_id is null
),
redirected as (
    select
        living.*,
        coalesce(merged_account.survivor_id, living.account_id) as live_account_id
    from merged_account
    right join living on merged_account.loser_id = living.account_id
),
typed as (
    select
        redirected.*,
        stage.stage_type in ('won', 'lost') as is_closed
    from stage
    right join redirected on stage.stage_id = redirected.stage_id
),
with_deal_rate as (
    select
        typed.*,
        rate.rate as deal_rate
    from rate
    right join typed
        on rate.connection = typed.connection
        and rate.currency = typed.currency
        and typed.expected_close_date >= rate.valid_from
        and typed.expected_close_date < coalesce(rate.valid_to, date '9999-12-31')
),
reporting_rate as (
    select rate.*
    from rate
    inner join business on rate.currency = business.reporting_currency
),
rated as (
    select
        deal.*,
        (select reporting_currency from business) as reporting_currency,
        reporting_rate.rate as reporting_rate
    from reporting_rate
    right join with_deal_rate as deal
        on reporting_rate.connection = deal.connection
        and deal.expected_close_date >= reporting_rate.valid_from
        and deal.expected_close_date < coalesce(reporting_rate.valid_to, date '9999-12-31')
),
-- Through the corporate currency: amount ÷ the deal's rate × the reporting currency's, multiplied
-- first so that only one step rounds.
converted as (
    select
        *,
        case
            when currency = reporting_currency then amount
            when home_currency = reporting_currency then amount_home
            when deal_rate is not null and reporting_rate is not null
                then
                    cast(
                        cast(amount * reporting_rate as decimal(38, 6)) / deal_rate
                        as decimal(22, 2)
                    )
        end as amount_converted
    from rated
),
-- A CRM stamps the first row of its histories within seconds of the record.
with_history as (
    select
        deal.*,
        history.known_from <= deal.created_at + interval '1 minute' as is_known_from_start,
        history.known_from,
        history.begins_qualified,
        history.begins_closed,
        history.qualified_at as entered_qualified_at,
        history.closed_at as entered_closed_at,
        history.push_count,
        history.created_rep_id,
        history.outcome_rep_id as last_closer_id,
        history.opportunity_id is not null as has_history
    from history
    right join converted as deal on history.opportunity_id = deal.opportunity_id
),
moments as (
    select
        *,
        case
            when begins_qualified then case when is_known_from_start then known_from end
            else entered_qualified_at
        end as qualified_at,
        case
            when not is_closed then null
            when entered_closed_at is not null then entered_closed_at
            when begins_closed and is_known_from_start then known_from
        end as closed_at
    from with_history
),
final as (
    select * from from_files
    union all
    select * from from_export
    union all
    select
        opportunity_id,
        connection,
        opportunity_name,
        live_account_id as account_id,
        rep_id,
        created_rep_id,
        case when closed_at is not null then last_closer_id end as outcome_rep_id,
        has_history,
        product_id,
        stage_id,
        stage_name,
        case when abs(amount) < 10000000000000000 then cast(amount as decimal(18, 2)) end
            as amount,
        currency,
        case
            when abs(amount) < 10000000000000000 and abs(amount_converted) < 10000000000000000
                then cast(amount_converted as decimal(18, 2))
        end as amount_reporting,
        coalesce(abs(amount) >= 10000000000000000, false) as is_amount_too_large,
        probability,
        forecast_category,
        created_at,
        company_date(created_at) as created_date,
        qualified_at,
        company_date(qualified_at) as qualified_date,
        closed_at,
        coalesce(company_date(closed_at), expected_close_date) as closed_date,
        expected_close_date,
        lost_reason,
        last_activity_at,
        last_activity_date,
        case when is_known_from_start then cast(push_count as bigint) end as push_count,
        true as is_loss_amount_recorded
    from moments
)
select
    opportunity_id, connection, opportunity_name, account_id, rep_id, created_rep_id,
    outcome_rep_id, has_history, product_id, stage_id, stage_name, amount, currency,
    amount_reporting, is_amount_too_large, probability, forecast_category, created_at,
    created_date, qualified_at, qualified_date, closed_at, closed_date, expected_close_date,
    lost_reason, last_activity_at, last_activity_date, push_count, is_loss_amount_recorded
from final
