/* @model
description: What each account has bought so far.
grain: [account_id]
kind: table
owner: you
tags: [example]
columns:
  account_id: {type: string, doc: "the account", checks: [not_null, unique, "relationships: mart.dim_account.account_id"]}
  account_name: {type: string, doc: "its name"}
  deals_won: {type: int64, doc: "deals won", checks: ["between 1 and 1000000"]}
  amount_won: {type: "decimal(28,2)", doc: "their amounts, in the reporting currency; null: none is known"}
  last_won_date: {type: date, doc: "the day of the last one"}
*/
-- A model of this project. Its path says what it builds: sql/marts/<topic>/fct_x.sql is mart.fct_x.
-- A file with the same path as one in the binary (`salesmart models list`) would replace that one.
with
won as (
    select * from mart.fct_opportunity where outcome = 'won' and account_id is not null
),
account as (
    select * from mart.dim_account
),
counted as (
    select
        account_id,
        count(*) as deals_won,
        sum(amount_reporting) as amount_won,
        max(closed_date) as last_won_date
    from won
    group by account_id
),
final as (
    select
        counted.account_id,
        account.account_name,
        counted.deals_won,
        counted.amount_won,
        counted.last_won_date
    from counted
    left join account on account.account_id = counted.account_id
)
select account_id, account_name, deals_won, amount_won, last_won_date from final
