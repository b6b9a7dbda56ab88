/* @model
description: What was believed of each version of each deal, one row whenever that changed - when a version was learnt of, ended, turned out to have been different, or never to have been. Only ever added to; forecast.ledger says until when each belief held.
grain: [opportunity_id, valid_from, known_from]
kind: snapshot
incremental:
  key: opportunity_id
  changed_by: {mart.fct_opportunity_version: opportunity_id, mart.fct_opportunity: opportunity_id}
  matters: {system.run: nothing}
  as_of: "select opportunity_id from mart.fct_opportunity_version where (valid_from > $last_as_of and valid_from <= $as_of) or (valid_to > $last_as_of and valid_to <= $as_of)"
owner: revops
tags: [forecast, ledger]
columns:
  opportunity_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  valid_from: {type: timestamp, doc: "moment from which it was so in the CRM; of a source without history, the as-of instant of the run that first saw it", checks: [not_null]}
  valid_to: {type: timestamp, doc: "moment at which it no longer was; null: it was still so when this was learnt"}
  known_from: {type: timestamp, doc: "as-of instant of the run that learnt it", checks: [not_null]}
  run_id: {type: string, doc: "that run", checks: [not_null]}
  provenance: {type: string, doc: "observed: a run saw it; reconstructed: from the CRM's history; corrected: it replaces an entry of the same version that said otherwise", checks: [not_null, "accepted_values: [observed, reconstructed, corrected]"]}
  is_retracted: {type: boolean, doc: "true: there was no such version after all; the other columns repeat what was believed", checks: [not_null]}
  stage_id: {type: string, doc: "stage; null: unknown"}
  stage_name: {type: string, doc: "the stage's name when it was learnt"}
  outcome: {type: string, doc: "open, won or lost; null: unknown", checks: ["accepted_values: [open, won, lost]"]}
  amount: {type: "decimal(22,2)", doc: "amount in the deal's currency"}
  currency: {type: string, doc: "ISO 4217 code"}
  amount_reporting: {type: "decimal(18,2)", doc: "amount in the reporting currency, by the rates known then"}
  close_date: {type: date, doc: "planned close date; in a source without history of a decided deal the day of the outcome"}
  rep_id: {type: string, doc: "owner; null: unknown"}
  team_id: {type: string, doc: "the owner's team on the first day of the version; null: unknown"}
  forecast_category: {type: string, doc: "as the source says; null: none"}
  probability: {type: "decimal(9,6)", doc: "the deal's own probability"}
  is_deleted: {type: boolean, doc: "true: in the bin, merged away or gone", checks: [not_null]}
  content_hash: {type: int64, doc: "hash of what is believed; 0: a retraction. For comparing quickly, no seal", checks: [not_null]}
  replaced_hash: {type: int64, doc: "content_hash of the entry that this one replaces; 0: it replaces none", checks: [not_null]}
*/
with
entry as (
    select * from forecast.ledger_entry
),
version as (
    select * from mart.fct_opportunity_version where valid_from <= $as_of
),
deal as (
    select *
    from mart.fct_opportunity
    where not has_history and deal_exclusion is distinct from 'created_after_as_of'
),
stage as (
    select * from mart.dim_stage
),
tenure as (
    select * from mart.dim_rep_tenure
),
-- The run under way: it alone has this instant and no end.
run as (
    select max(run_id) as run_id
    from system.run
    where as_of = $as_of and finished_at is null
),
-- A run that looks back, or at the same instant again, learns nothing.
learnt as (
    select coalesce(max(known_from) < $as_of, true) as is_later from entry
),
-- What is known now of deals with a history: their versions. Everything that is compared is in one
-- text; a stage's name is only its label.
version_now as (
    select
        version.opportunity_id,
        version.connection,
        version.valid_from,
        case when version.valid_to <= $as_of then version.valid_to end as valid_to,
        version.provenance,
        version.stage_id,
        version.stage_name,
        version.outcome,
        version.amount,
        version.currency,
        version.amount_reporting,
        version.close_date,
        version.rep_id,
        tenure.team_id,
        version.forecast_category,
        version.probability,
        version.is_deleted,
        concat_ws(
            '|', coalesce(version.stage_id, '\N'), coalesce(version.outcome, '\N'),
            coalesce(cast(version.amount as varchar), '\N'), coalesce(version.currency, '\N'),
            coalesce(cast(version.amount_reporting as varchar), '\N'),
            coalesce(cast(version.close_date as varchar), '\N'),
            coalesce(version.rep_id, '\N'), coalesce(tenure.team_id, '\N'),
            coalesce(version.forecast_category, '\N'),
            coalesce(cast(version.probability as varchar), '\N'),
            cast(version.is_deleted as varchar)
        ) as content
    from tenure
    right join version
        on tenure.rep_id = version.rep_id
        and company_date(version.valid_from) >= tenure.valid_from
        and company_date(version.valid_from) < tenure.valid_to
),
-- Of deals without one: how they are. Its place is after all that is known of the deal.
deal_now as (
    select
        deal.opportunity_id,
        deal.connection,
        arrow_cast('9999-12-31T00:00:00', 'Timestamp(Microsecond, Some("UTC"))') as valid_from,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as valid_to,
        'observed' as provenance,
        deal.stage_id,
        stage.stage_name,
        deal.outcome,
        cast(deal.amount as decimal(22, 2)) as amount,
        deal.currency,
        deal.amount_reporting,
        coalesce(deal.closed_date, deal.expected_close_date) as close_date,
        deal.rep_id,
        deal.team_id,
        deal.forecast_category,
        deal.probability,
        false as is_deleted
    from stage
    right join deal on stage.stage_id = deal.stage_id
),
-- Deals of which the newest beliefs are not what is known now: the hashes of both do not cancel
-- out. An entry takes the one it replaces away. Deals without a history are looked at one by one,
-- and those that no source tells of any more. Two narrow passes, whatever the history's length.
hashed as (
    select
        opportunity_id,
        content_hash ^ replaced_hash as hash,
        1 as is_entry,
        0 as is_version,
        0 as is_deal
    from entry
    union all
    select
        opportunity_id,
        text_hash(
            concat_ws(
                '|', cast(cast(valid_from as bigint) as varchar),
                coalesce(cast(cast(valid_to as bigint) as varchar), '\N'), content
            )
        ) as hash,
        0 as is_entry,
        1 as is_version,
        0 as is_deal
    from version_now
    union all
    select opportunity_id, 0 as hash, 0 as is_entry, 0 as is_version, 1 as is_deal from deal
),
suspect as (
    select
        opportunity_id,
        max(is_entry) = 1 as has_entry,
        max(is_version) = 1 as has_version,
        max(is_deal) = 1 as has_deal
    from hashed
    where (select is_later from learnt)
    group by opportunity_id
    having bit_xor(hash) <> 0 or max(is_deal) = 1
),
united as (
    select
        opportunity_id, connection, valid_from, valid_to, known_from as place, 'entry' as side,
        provenance, is_retracted, stage_id, stage_name, outcome, amount, currency,
        amount_reporting, close_date, rep_id, team_id, forecast_category, probability,
        is_deleted, content_hash
    from entry
    union all
    select
        opportunity_id, connection, valid_from, valid_to,
        arrow_cast('9999-12-31T00:00:00', 'Timestamp(Microsecond, Some("UTC"))') as place,
        'version' as side,
        provenance, false as is_retracted, stage_id, stage_name, outcome, amount, currency,
        amount_reporting, close_date, rep_id, team_id, forecast_category, probability,
        is_deleted, 0 as content_hash
    from version_now
    union all
    select
        opportunity_id, connection, valid_from, valid_to,
        valid_from as place,
        'deal' as side,
        provenance, false as is_retracted, stage_id, stage_name, outcome, amount, currency,
        amount_reporting, close_date, rep_id, team_id, forecast_category, probability,
        is_deleted, 0 as content_hash
    from deal_now
),
known as (
    select
        united.*,
        suspect.has_entry,
        suspect.has_version,
        suspect.has_deal,
        concat_ws(
            '|', coalesce(stage_id, '\N'), coalesce(outcome, '\N'),
            coalesce(cast(amount as varchar), '\N'), coalesce(currency, '\N'),
            coalesce(cast(amount_reporting as varchar), '\N'),
            coalesce(cast(close_date as varchar), '\N'),
            coalesce(rep_id, '\N'), coalesce(team_id, '\N'),
            coalesce(forecast_category, '\N'),
            coalesce(cast(probability as varchar), '\N'),
            cast(is_deleted as varchar)
        ) as content
    from suspect
    inner join united on suspect.opportunity_id = united.opportunity_id
    where united.side <> 'deal' or not suspect.has_version
),
-- Beliefs so far and what is known now, in one order: of each version the newest belief stands
-- just before what is known now. Deals that are new to the ledger, in the first night all, have
-- nothing to be compared with and need no order.
believed as (
    select * from known where has_entry
),
compared as (
    select
        *,
        lag(opportunity_id) over in_order as before_id,
        lag(valid_from) over in_order as before_from,
        lag(valid_to) over in_order as before_to,
        lag(content) over in_order as before_content,
        lag(content_hash) over in_order as before_hash,
        lag(is_retracted) over in_order as before_is_retracted,
        lead(opportunity_id) over in_order as after_id,
        lead(valid_from) over in_order as after_from,
        lead(content) over in_order as after_content,
        lead(side) over in_order as after_side
    from believed
    window in_order as (order by opportunity_id, valid_from, place)
),
judged as (
    select
        *,
        coalesce(before_id = opportunity_id, false) as has_before,
        coalesce(before_id = opportunity_id and before_from = valid_from, false) as is_known,
        coalesce(after_id = opportunity_id, false) as has_after,
        coalesce(after_id = opportunity_id and after_from = valid_from, false) as is_followed
    from compared
),
-- What an entry says, by what it is compared with.
said as (
    select
        *,
        case
            -- a version that is new, or of which something else was believed
            when
                side = 'version'
                and (
                    not is_known
                    or before_is_retracted
                    or before_content <> content
                    or before_to is distinct from valid_to
                )
                then 'version'
            -- a deal without a history that is not as it was
            when side = 'deal' and (not has_before or before_content <> content) then 'begin'
            -- … which ends the version before
            when
                side = 'entry'
                and has_after
                and after_side = 'deal'
                and after_content <> content
                then 'end'
            -- the newest belief of a version that the deal does not have any more
            when side = 'entry' and has_version and not is_followed and not is_retracted
                then 'retract'
            -- the last belief of a deal that vanished
            when
                side = 'entry'
                and not has_version
                and not has_deal
                and not has_after
                and not is_deleted
                then 'vanish'
        end as finding
    from judged
),
finding as (
    select
        opportunity_id, connection,
        case when side = 'deal' then $as_of else valid_from end as valid_from,
        valid_to, provenance, is_retracted, stage_id, stage_name, outcome, amount, currency,
        amount_reporting, close_date, rep_id, team_id, forecast_category, probability,
        is_deleted, content, 0 as replaced_hash
    from known
    where not has_entry
    union all
    select
        opportunity_id, connection, valid_from, valid_to,
        case
            when is_known and (before_is_retracted or before_content <> content) then 'corrected'
            else provenance
        end as provenance,
        false as is_retracted, stage_id, stage_name, outcome, amount, currency, amount_reporting,
        close_date, rep_id, team_id, forecast_category, probability, is_deleted, content,
        case when is_known then before_hash else 0 end as replaced_hash
    from said
    where finding = 'version'
    union all
    select
        opportunity_id, connection, $as_of as valid_from, valid_to, provenance, is_retracted,
        stage_id, stage_name, outcome, amount, currency, amount_reporting, close_date, rep_id,
        team_id, forecast_category, probability, is_deleted, content, 0 as replaced_hash
    from said
    where finding = 'begin'
    union all
    select
        opportunity_id, connection, valid_from, $as_of as valid_to, provenance, is_retracted,
        stage_id, stage_name, outcome, amount, currency, amount_reporting, close_date, rep_id,
        team_id, forecast_category, probability, is_deleted, content,
        content_hash as replaced_hash
    from said
    where finding in ('end', 'vanish')
    union all
    select
        opportunity_id, connection, valid_from, valid_to, 'corrected' as provenance,
        true as is_retracted, stage_id, stage_name, outcome, amount, currency, amount_reporting,
        close_date, rep_id, team_id, forecast_category, probability, is_deleted, content,
        content_hash as replaced_hash
    from said
    where finding = 'retract'
    union all
    -- A deal that vanished ends like any other, with a version that says so.
    select
        opportunity_id, connection, $as_of as valid_from,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as valid_to,
        provenance, is_retracted, stage_id, stage_name, outcome, amount, currency,
        amount_reporting, close_date, rep_id, team_id, forecast_category, probability,
        true as is_deleted, content || '|vanished' as content, 0 as replaced_hash
    from said
    where finding = 'vanish'
),
final as (
    select
        *,
        case
            when is_retracted then 0
            else
                text_hash(
                    concat_ws(
                        '|', cast(cast(valid_from as bigint) as varchar),
                        coalesce(cast(cast(valid_to as bigint) as varchar), '\N'), content
                    )
                )
        end as content_hash
    from finding
)
select
    opportunity_id, connection, valid_from, valid_to, $as_of as known_from,
    (select run_id from run) as run_id, provenance, is_retracted, stage_id, stage_name, outcome,
    amount, currency, amount_reporting, close_date, rep_id, team_id, forecast_category,
    probability, is_deleted, content_hash, replaced_hash
from final
