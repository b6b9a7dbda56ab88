#!/usr/bin/env bash
# Measures what issue 4 asks for: all models on a Salesforce org of so many deals with twelve
# history rows each, two years of days, from nothing, again after one more night, and after the
# first night of another month, in which every open deal weighs something else.
#
#   benches/history.sh [DEALS]               1,000,000 by default
#
#   SALESMART_BIN   the binary (default: the release build)
#   BENCH_DIR       where the data and the lake go (default: a new temporary folder, removed after)
#   MEMORY          what models may take before they spill (default: 2GiB)
#
# The org is made by SQL: deal number i is created i/DEALS of the way through the two years, lives
# 20 to 200 days, and changes thirteen times at even distances. Everything follows from i.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

deals=${1:-1000000}
reps=500
memory=${MEMORY:-2GiB}
target=${CARGO_TARGET_DIR:-${SALESMART_CACHE:-$HOME/.cache/salesmart}/target}
bin=$(realpath "${SALESMART_BIN:-$target/release/salesmart}")

stop() {
    printf 'error: %s\n\nhint: %s\n' "$1" "$2" >&2
    exit 1
}
[ -x "$bin" ] || stop "there is no \`$bin\`" "type \`cargo xtask bench history\`, which builds it first"
[ -x /usr/bin/time ] || stop "there is no /usr/bin/time" "type \`apt-get install time\`"

if [ -n "${BENCH_DIR:-}" ]; then
    work=$(realpath -m "$BENCH_DIR")
    mkdir -p "$work"
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
project=$work/project data=$work/data log=$work/log.txt
mkdir -p "$project/pipelines" "$project/config" "$data"
: > "$log"

fail() {
    tail -n 40 "$log" >&2
    stop "\`$1\` failed" "the whole output is in $log (set BENCH_DIR to keep it)"
}

rows=()
# measure NAME COMMAND…: runs it once; its output goes to the log and is shown if it fails.
measure() {
    local name=$1 figures=()
    shift
    printf '%s …\n' "$name" >&2
    printf '== %s\n' "$name" >> "$log"
    /usr/bin/time -q -o "$work/time" -f '%e %M %U %S' "$@" >> "$log" 2>&1 || fail "$name"
    read -r -a figures <<< "$(tail -n 1 "$work/time")"
    rows+=("$name|${figures[0]}|$(awk "BEGIN { print ${figures[2]} + ${figures[3]} }")|$((figures[1] / 1024))")
}

# A project whose only purpose is a release, so that there is something to ask SQL of.
"$bin" -q demo --source files --deals 100 "$work/seed" >> "$log" 2>&1 || fail "demo"
make() { "$bin" -q --project "$work/seed" query "$2" --format parquet --output "$data/$1" >> "$log" 2>&1 || fail "$1"; }

cat > "$project/config/business.yml" <<'YAML'
company_name: Benchmark
reporting_currency: USD
fiscal_year: {starts: february}
YAML

# Change number k of deal i: thirteen of them, from its creation to its end. Instants are seconds
# since 1970; the two years begin on 2024-10-01.
changes="
change as (
    select
        i, k, base, won, start + k * life / 12 as at, start,
        case when k = 12 then case when won then 6 else 7 end else 1 + k * 5 / 12 end as stage,
        base + base * (k / 3) / 20 as amount,
        plan + (k / 5) * 30 * push as close_day,
        i % $reps + case when k >= 6 and i % 10 = 0 then 1 else 0 end as owner
    from (
        select
            i,
            1727740800 + cast(cast(i as decimal(38, 0)) * 63072000 / $deals as bigint) as start,
            (20 + (i * 7919) % 180) * 86400 as life,
            1000 + (i * 104729) % 90000 as base,
            (i * 31) % 100 < 27 as won,
            cast((1727740800 + cast(cast(i as decimal(38, 0)) * 63072000 / $deals as bigint)) / 86400 + 20 + (i * 7919) % 180 as bigint) as plan,
            case when (i * 17) % 3 = 0 then 1 else 0 end as push
        from (select value as i from generate_series(1, $deals) as series (value))
    )
    cross join (select value as k from generate_series(0, 12) as steps (value))
)"
stage_name="case stage when 1 then 'Prospecting' when 2 then 'Qualification' when 3 then 'Proposal' when 4 then 'Negotiation' when 5 then 'Commit' when 6 then 'Closed Won' else 'Closed Lost' end"
chance="case stage when 1 then 10 when 2 then 20 when 3 then 40 when 4 then 60 when 5 then 80 when 6 then 100 else 0 end"
category="case stage when 1 then 'Pipeline' when 2 then 'Pipeline' when 3 then 'BestCase' when 4 then 'MostLikely' when 5 then 'Forecast' when 6 then 'Closed' else 'Omitted' end"
instant() { printf "arrow_cast(to_timestamp_seconds(%s), 'Timestamp(Microsecond, Some(\"UTC\"))')" "$1"; }
day() { printf "cast(to_timestamp_seconds((%s) * 86400) as date)" "$1"; }
none() { printf "cast(null as %s)" "$1"; }

# night N FROM TO: what happened after FROM until TO, and the deals as they are at TO.
night() {
    local n=$1 from=$2 to=$3
    make "opportunityhistory-$n.parquet" "
with $changes
select
    'h' || lpad(cast(i as varchar), 9, '0') || lpad(cast(k as varchar), 2, '0') as id,
    '006' || lpad(cast(i as varchar), 9, '0') as opportunityid, $(instant at) as createddate,
    '005' || lpad(cast(owner as varchar), 4, '0') as createdbyid, $stage_name as stagename,
    cast(amount as decimal(38, 18)) as amount, $(day close_day) as closedate,
    cast($chance as decimal(38, 18)) as probability, $category as forecastcategory
from change where at > $from and at <= $to"
    make "opportunityfieldhistory-$n.parquet" "
with $changes
select
    'f' || lpad(cast(i as varchar), 9, '0') as id,
    '006' || lpad(cast(i as varchar), 9, '0') as opportunityid, 'Owner' as field,
    'EntityId' as datatype, '005' || lpad(cast(owner - 1 as varchar), 4, '0') as oldvalue,
    '005' || lpad(cast(owner as varchar), 4, '0') as newvalue, $(instant at) as createddate,
    '005' || lpad(cast(owner as varchar), 4, '0') as createdbyid
from change where k = 6 and i % 10 = 0 and at > $from and at <= $to"
    make "opportunity-$n.parquet" "
with $changes,
newest as (select i, max(k) as k from change where at <= $to group by i having max(at) > $from)
select
    '006' || lpad(cast(change.i as varchar), 9, '0') as id,
    'Deal ' || cast(change.i as varchar) as name,
    '001' || lpad(cast(change.i % 50000 as varchar), 7, '0') as accountid,
    '003' || lpad(cast(change.i % 90000 as varchar), 7, '0') as contactid,
    '005' || lpad(cast(owner as varchar), 4, '0') as ownerid, $stage_name as stagename,
    cast(amount as decimal(38, 18)) as amount, $(none varchar) as currencyisocode,
    cast($chance as decimal(38, 18)) as probability, $category as forecastcategory,
    $(day close_day) as closedate, 'Web' as leadsource, 'New business' as type,
    case when change.i % 3 = 0 then 'Call' end as nextstep,
    case when stage = 7 then case change.i % 3 when 0 then 'Price' when 1 then 'Timing' else 'Competitor' end end as loss_reason__c,
    $(none varchar) as competitor__c, cast($(instant at) as date) as lastactivitydate,
    $(instant start) as createddate, $(instant at) as systemmodstamp, false as isdeleted,
    $(none varchar) as merged_into__c
from newest inner join change on newest.i = change.i and newest.k = change.k"
}

one_day=86400
# The end of 2026-09-29.
first_night=$((1727740800 + 729 * one_day - 1))
small() { make "$1.parquet" "$2"; }
small user-0 "
select
    '005' || lpad(cast(i as varchar), 4, '0') as id, 'Rep ' || lpad(cast(i as varchar), 4, '0') as name,
    $(none varchar) as firstname, $(none varchar) as lastname, 'rep' || cast(i as varchar) || '@bench.example' as email,
    '00E' || lpad(cast(i / 10 as varchar), 3, '0') as userroleid, $(none varchar) as managerid, true as isactive,
    'Standard' as usertype, 'UTC' as timezonesidkey, $(none date) as hire_date__c, $(none date) as leaving_date__c,
    $(instant 1700000000) as createddate, $(instant 1700000000) as systemmodstamp
from (select value as i from generate_series(0, $reps) as series (value))"
small userrole-0 "
select '00E' || lpad(cast(i as varchar), 3, '0') as id, 'Team ' || lpad(cast(i as varchar), 3, '0') as name,
    '00R' || cast(i / 10 as varchar) as parentroleid,
    $(none varchar) as forecastuserid from (select value as i from generate_series(0, $reps / 10) as series (value))
union all
select '00R' || cast(i as varchar), 'Region ' || cast(i as varchar), $(none varchar), $(none varchar) from (select value as i from generate_series(0, $reps / 100) as series (value))"
small opportunitystage-0 "
select '01J' || cast(stage as varchar) as id, $stage_name as apiname, $stage_name as masterlabel, stage as sortorder,
    true as isactive, stage >= 6 as isclosed, stage = 6 as iswon, cast($chance as decimal(38, 18)) as defaultprobability,
    $category as forecastcategory, $(instant 1700000000) as systemmodstamp
from (select value as stage from generate_series(1, 7) as series (value))"
small forecastingquota-0 "
select 'q' || lpad(cast(i as varchar), 4, '0') || lpad(cast(m as varchar), 2, '0') as id,
    '005' || lpad(cast(i as varchar), 4, '0') as quotaownerid,
    cast(date '2024-10-01' + cast(cast(m as varchar) || ' months' as interval) as date) as startdate,
    cast(90000 as decimal(38, 18)) as quotaamount, $(none varchar) as currencyisocode,
    $(none varchar) as forecastingtypeid, $(none varchar) as periodid
from (select value as i from generate_series(0, $reps) as series (value))
cross join (select value as m from generate_series(0, 26) as steps (value))"
small organization-0 "select '00D' as id, 'Benchmark' as name, 'USD' as defaultcurrencyisocode"

printf 'making %s deals …\n' "$deals" >&2
night 0 0 "$first_night"
for later in 1 2; do
    night "$later" "$((first_night + (later - 1) * one_day))" "$((first_night + later * one_day))"
    mkdir -p "$work/later-$later"
    mv "$data"/*-"$later".parquet "$work/later-$later/"
done

# Each file's own columns are declared: what the staging models read beyond them is null.
declare_stream() {
    local stream=$1 columns=$2
    printf '        %s:\n          path: %s-*.parquet\n          key: [id]\n          on_change: upsert\n          columns: {%s}\n' \
        "$stream" "$stream" "$columns"
}
number='"decimal(38,18)"'
{
    printf 'description: A benchmark.\nextract:\n  crm:\n    connector: files\n    system: salesforce\n    with:\n      location: %s\n      streams:\n' "$data"
    declare_stream opportunity "id: string, name: string, accountid: string, contactid: string, ownerid: string, stagename: string, amount: $number, currencyisocode: string, probability: $number, forecastcategory: string, closedate: date, leadsource: string, type: string, nextstep: string, loss_reason__c: string, competitor__c: string, lastactivitydate: date, createddate: timestamp, systemmodstamp: timestamp, isdeleted: boolean, merged_into__c: string"
    declare_stream opportunityhistory "id: string, opportunityid: string, createddate: timestamp, createdbyid: string, stagename: string, amount: $number, closedate: date, probability: $number, forecastcategory: string"
    declare_stream opportunityfieldhistory "id: string, opportunityid: string, field: string, datatype: string, oldvalue: string, newvalue: string, createddate: timestamp, createdbyid: string"
    declare_stream user "id: string, name: string, firstname: string, lastname: string, email: string, userroleid: string, managerid: string, isactive: boolean, usertype: string, timezonesidkey: string, hire_date__c: date, leaving_date__c: date, createddate: timestamp, systemmodstamp: timestamp"
    declare_stream userrole "id: string, name: string, parentroleid: string, forecastuserid: string"
    declare_stream opportunitystage "id: string, apiname: string, masterlabel: string, sortorder: int64, isactive: boolean, isclosed: boolean, iswon: boolean, defaultprobability: $number, forecastcategory: string, systemmodstamp: timestamp"
    declare_stream forecastingquota "id: string, quotaownerid: string, startdate: date, quotaamount: $number, currencyisocode: string, forecastingtypeid: string, periodid: string"
    declare_stream organization "id: string, name: string, defaultcurrencyisocode: string"
} > "$project/pipelines/crm.yml"

as_of() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }
salesmart() { "$bin" -q --project "$project" "$@"; }
# one_night NAME NUMBER: extracts, lands, models and publishes.
one_night() {
    local name=$1 at=$((first_night + $2 * one_day))
    measure "extract$name" "$bin" --project "$project" extract crm
    measure "land$name" "$bin" --project "$project" land crm
    measure "all models$name" "$bin" --project "$project" --verbose --log-format json model crm --as-of "$(as_of "$at")" --memory "$memory"
    measure "publish$name" "$bin" --project "$project" publish crm
}
one_night '' 0
mv "$work"/later-1/*.parquet "$data/"
one_night ', one night later' 1
mv "$work"/later-2/*.parquet "$data/"
one_night ', first of a month' 2

history_rows=$(salesmart query "select count(*) as rows from mart.fct_opportunity_version" --format csv | tail -n 1)
forecast_figures=$(salesmart query "select count(*) as rows from forecast.figure" --format csv | tail -n 1)
printf '\n%s deals, %s versions, %s forecast figures\n\n' "$deals" "$history_rows" "$forecast_figures"
printf '%-34s %10s %14s %10s\n' step seconds 'cpu seconds' 'peak MiB'
for row in "${rows[@]}"; do
    IFS='|' read -r name seconds cpu peak <<< "$row"
    printf '%-34s %10s %14s %10s\n' "$name" "$seconds" "$cpu" "$peak"
done
