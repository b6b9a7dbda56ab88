#!/usr/bin/env bash
# From the wire to landed Delta: the simulator serves a company over HTTP on this machine, and the
# binary reads it. Prints records and megabytes per second of the binary's own processor time (the
# simulator's is not counted), wall time and peak memory.
#
#     benches/sources.sh [DEALS]          one million by default
#
# SALESMART_BIN is the binary; `cargo xtask bench sources` builds it and sets that.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

deals=${1:-1000000}
bin=${SALESMART_BIN:-salesmart}
work=${BENCH_DIR:-$(mktemp -d -t salesmart-bench-XXXXXX)}
mkdir -p "$work"
log=$work/log
: > "$log"

fail() {
    printf 'failed: %s\n%s\n' "$1" "$(tail -n 20 "$log")" >&2
    exit 1
}

server=
trap '[ -z "$server" ] || kill "$server"' EXIT

printf 'generating %s deals …\n' "$deals" >&2
"$bin" simulate serve --no-limits --deals "$deals" --reps 500 > "$work/environment" 2>> "$log" &
server=$!
for _ in $(seq 600); do
    grep -q HUBSPOT_TOKEN "$work/environment" && break
    kill -0 "$server" 2> /dev/null || fail 'the simulator did not start'
    sleep 0.2
done
# shellcheck disable=SC1091
. "$work/environment"

# measure NAME SYSTEM STREAM WITH…: lands one stream into an empty lake.
measure() {
    local name=$1 system=$2 stream=$3 project=$work/$2-$RANDOM
    shift 3
    rm -rf "$project"
    mkdir -p "$project/pipelines" "$project/config"
    printf 'url: ./lake\n' > "$project/config/lake.yml"
    {
        printf 'description: A benchmark.\nextract:\n  %s:\n    connector: %s\n    with:\n' "$system" "$system"
        printf '      %s\n' "$@"
    } > "$project/pipelines/bench.yml"
    printf '%s …\n' "$name" >&2
    /usr/bin/time -q -o "$work/time" -f '%e %U %S %M' env -C "$project" "$bin" run bench --until land >> "$log" 2>&1 || fail "$name"
    read -r wall user system_time memory < "$work/time"
    local rows bytes
    rows=$(env -C "$project" "$bin" runs show last --format json | python3 -c "
import json, sys
record = json.load(sys.stdin)
print(*[(s['rows']['landed'], s['usage']['bytes']) for s in record['landed']['streams'] if s['stream'] == '$stream'][0])")
    read -r rows bytes <<< "$rows"
    awk -v name="$name" -v rows="$rows" -v bytes="$bytes" -v wall="$wall" -v cpu="$(awk "BEGIN {print $user + $system_time}")" -v memory="$memory" 'BEGIN {
        printf "| %s | %d | %.0f | %.1f | %s | %.1f | %d |\n", name, rows, rows / cpu, bytes / 1e6 / cpu, wall, cpu, memory / 1024
    }' >> "$work/table"
    rm -rf "$project"
}

: > "$work/table"
measure 'Salesforce, Bulk CSV' salesforce opportunity "login_url: $SALESFORCE_URL" \
    'auth: {flow: client_credentials, client_id: "${SALESFORCE_CLIENT_ID}", client_secret: "${SALESFORCE_CLIENT_SECRET}"}' \
    'objects: {include: [Opportunity]}'
measure 'HubSpot, list pages' hubspot deals "base_url: $HUBSPOT_URL" \
    'auth: {token: "${HUBSPOT_TOKEN}"}' 'objects: {include: [deals]}' 'associations: []' 'history: {}' 'forecasts: false' \
    'limits: {requests_per_ten_seconds: 1000000, searches_per_second: 1000000, pause: 0s}'

printf '\n| what | records | records per core-second | MB per core-second | wall s | core-s | peak MiB |\n'
printf '| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n'
cat "$work/table"
