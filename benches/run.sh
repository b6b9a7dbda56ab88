#!/usr/bin/env bash
# Measures what issue 2 asks for and prints a table: start-up, `check`, landing, the whole line
# cold, again with nothing changed, and again with 1 % of the deals changed.
#
#   benches/run.sh [DEALS]                   5,000,000 by default
#
#   SALESMART_BIN   the binary (default: the release build)
#   BENCH_DIR       where the data and the lake go (default: a new temporary folder, removed after)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

deals=${1:-5000000}
as_of=2026-06-30
target=${CARGO_TARGET_DIR:-${SALESMART_CACHE:-$HOME/.cache/salesmart}/target}
bin=$(realpath "${SALESMART_BIN:-$target/release/salesmart}")

stop() {
    printf 'error: %s\n\nhint: %s\n' "$1" "$2" >&2
    exit 1
}
[ -x "$bin" ] || stop "there is no \`$bin\`" "type \`cargo xtask bench\`, which builds it first"
[ -x /usr/bin/time ] || stop "there is no /usr/bin/time" "type \`apt-get install time\`"

if [ -n "${BENCH_DIR:-}" ]; then
    work=$BENCH_DIR
    mkdir -p "$work"
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
project=$work/project export_before=$work/export export_after=$work/export-1-percent
log=$work/log.txt
: > "$log"

# fail NAME: shows the end of what the command said.
fail() {
    tail -n 40 "$log" >&2
    stop "\`$1\` failed" "the whole output is in $log (set BENCH_DIR to keep it)"
}

# What was measured, one line a row: name, seconds, peak memory in MiB, rows (empty: none).
rows=()

# measure NAME ROWS COMMAND…: runs it once; its output goes to the log and is shown if it fails.
measure() {
    local name=$1 count=$2 figures
    shift 2
    printf '%s …\n' "$name" >&2
    if ! /usr/bin/time -q -o "$work/time" -f '%e %M' "$@" >> "$log" 2>&1; then
        fail "$name"
    fi
    figures=$(tail -n 1 "$work/time")
    rows+=("$name|${figures% *}|$((${figures#* } / 1024))|$count")
}

# often NAME COMMAND…: the median of 21 runs, for what takes milliseconds.
often() {
    local name=$1 seconds
    shift
    printf '%s …\n' "$name" >&2
    for _ in $(seq 21); do
        local from=$EPOCHREALTIME
        "$@" >> "$log" 2>&1 || fail "$name"
        printf '%s %s\n' "$from" "$EPOCHREALTIME"
    done > "$work/often"
    seconds=$(awk '{printf "%.4f\n", $2 - $1}' "$work/often" | sort -n | sed -n 11p)
    /usr/bin/time -q -o "$work/time" -f '%M' "$@" >> "$log" 2>&1
    rows+=("$name|$seconds|$(($(tail -n 1 "$work/time") / 1024))|")
}

fresh_lake() { rm -rf "$work/lake"; }

simulate() { "$bin" simulate export --seed 1 --as-of "$as_of" --deals "$deals" "$@" >> "$log" 2>&1; }

printf 'generating %s deals in %s …\n' "$deals" "$work" >&2
rm -rf "$project" "$export_before" "$export_after"
simulate --out "$export_before" || stop "the export was not generated" "$(tail -n 3 "$log")"
simulate --out "$export_after" --changed 0.01 ||
    stop "the changed export was not generated" "$(tail -n 3 "$log")"
"$bin" init "$project" >> "$log" 2>&1
# This repository's own pipeline over the neutral export, with a clock that stands still.
{
    cat pipelines/crm-export.yml
    printf 'model:\n  as_of: %sT23:59:59Z\n' "$as_of"
} > "$project/pipelines/bench.yml"
# The template's own pipeline declares the same streams, which two pipelines may not.
rm "$project/pipelines/crm-export.yml"
bytes=$(stat -c %s "$export_before/opportunities.csv")

# Every command runs in the project, on the lake of the benchmark, over one of the two exports.
command=(env -C "$project" SALESMART_LAKE="$work/lake")
before=("${command[@]}" CRM_EXPORT_DIR="$export_before" "$bin")
after=("${command[@]}" CRM_EXPORT_DIR="$export_after" "$bin")

often 'salesmart --version' "$bin" --version
often 'salesmart check, in a project of `init`' "${before[@]}" check
often 'salesmart check, in this repository' "$bin" check

fresh_lake
measure 'extract and land, into an empty lake' "$deals" "${before[@]}" run bench --until land
fresh_lake
measure 'whole line, cold' "$deals" "${before[@]}" run bench
measure 'whole line, nothing changed' "$deals" "${before[@]}" run bench
measure 'whole line, 1 % of the deals changed' "$deals" "${after[@]}" run bench
measure 'query: 20 rows of kpi.win_rate' '' "${after[@]}" query \
    'select * from kpi.win_rate order by period_grain, period_start, scope, scope_id, metric limit 20'

printf '\n%s deals, opportunities.csv of %s MB; %s cores; %s\n\n' "$deals" \
    $((bytes / 1000000)) "$(nproc)" "$("$bin" --version)"
printf '| what | seconds | peak memory, MiB | rows/s |\n| --- | ---: | ---: | ---: |\n'
printf '%s\n' "${rows[@]}" | awk -F'|' '{
    rate = ($4 == "" || $2 == 0) ? "" : sprintf("%d", $4 / $2)
    printf "| %s | %s | %s | %s |\n", $1, $2, $3, rate
}'
printf '\nlake: %s MB\n' $(($(du -sk "$work/lake" | cut -f1) / 1024))
