#!/usr/bin/env bash
# 200 connections ask a dashboard's questions for a minute: `salesmart serve`, and PostgreSQL over
# the same tables on the same machine. Prints p50, p99, errors, and the server's memory at the
# start, in the middle and at the end.
#
#   benches/serve.sh [DEALS] [CONNECTIONS] [SECONDS]
#
# SALESMART_BIN is the binary (default: target/release/salesmart), BENCH_DIR the folder to work in.
# PostgreSQL's own programs are Debian's `postgresql`; as root, its server runs as `postgres`.
set -euo pipefail
cd "$(dirname "$0")/.."
deals=${1:-1000}
connections=${2:-200}
seconds=${3:-60}
bin=$(realpath "${SALESMART_BIN:-target/release/salesmart}")
work=${BENCH_DIR:-$(mktemp -d)}
script=$(realpath benches/serve.pgbench.sql)
pg=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -1)
mkdir -p "$work"
as_postgres() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }

server=""
started=""
cleanup() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
    if [ -n "$started" ]; then as_postgres "$pg/pg_ctl" -D "$work/pg" -m immediate stop >/dev/null 2>&1 || true; fi
}
trap cleanup EXIT

[ -d "$work/demo" ] || "$bin" demo "$work/demo" --deals "$deals" >"$work/demo.log" 2>&1
cat >"$work/demo/config/serve.yml" <<YML
postgres: {listen: 127.0.0.1:54391}
users:
  bench: {role: all, password: '\${BENCH_PASSWORD}'}
roles:
  all: {connections: $((connections + 10))}
limits: {connections: $((connections + 20))}
YML
export BENCH_PASSWORD=bench PGPASSWORD=bench PGHOST=127.0.0.1

# What one run of pgbench's log says: the third column is microseconds of a transaction.
percentiles() {
    cat "$1".* | awk '{print $3}' | sort -n |
        awk '{v[NR]=$1} END {printf "%d requests, p50 %.1f ms, p99 %.1f ms, most %.1f ms\n", NR, v[int(NR*.5)]/1000, v[int(NR*.99)]/1000, v[NR]/1000}'
}
ask() { # name, port, user, database
    rm -f "$work/$1".log.*
    "$pg/pgbench" -n -M prepared -c "$connections" -j 2 -T "$seconds" -l --log-prefix="$work/$1.log" \
        -f "$script" -p "$2" -U "$3" "$4" >"$work/$1.out" 2>"$work/$1.err" || true
    echo "$1: $(percentiles "$work/$1.log"), $(grep -c ERROR "$work/$1.err" || true) errors, $(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$work/$1.out" | head -1) requests a second"
}

"$bin" --project "$work/demo" serve >"$work/serve.out" 2>"$work/serve.err" &
server=$!
for _ in $(seq 100); do psql -X -q -p 54391 -U bench warehouse -c 'select 1' >/dev/null 2>&1 && break; sleep 0.1; done
resident() { awk '/VmRSS/ {printf "%.0f MiB", $2/1024}' "/proc/$server/status"; }
# Once with everything opened, so that the start is not that of an idle server.
"$pg/pgbench" -n -M prepared -c "$connections" -j 2 -t 5 -f "$script" -p 54391 -U bench warehouse >/dev/null 2>&1 || true
begin=$(resident)
( sleep $((seconds / 2)); resident >"$work/middle" ) &
ask salesmart 54391 bench warehouse
echo "salesmart: memory $begin at the start, $(cat "$work/middle") in the middle, $(resident) at the end"

if [ ! -d "$work/pg" ]; then
    mkdir "$work/pg" && { [ "$(id -u)" != 0 ] || chown postgres "$work/pg"; }
    as_postgres "$pg/initdb" -D "$work/pg" -U bench --auth=trust -E UTF8 >/dev/null
fi
as_postgres "$pg/pg_ctl" -D "$work/pg" -w -l "$work/pg/log" \
    -o "-p 54392 -k $work/pg -c max_connections=$((connections + 20))" start >/dev/null
started=yes
for table in kpi.win_rate kpi.metric_value; do
    psql -X -q -p 54391 -U bench warehouse -c "\\copy $table to '$work/table.csv' csv"
    columns=$(psql -X -A -t -p 54391 -U bench warehouse -c "select string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum) from pg_attribute where attrelid = '$table'::regclass")
    psql -X -q -p 54392 -U bench postgres -c "create schema if not exists kpi" -c "drop table if exists $table" \
        -c "create table $table ($columns)" -c "\\copy $table from '$work/table.csv' csv" -c "analyze $table" 2>/dev/null
done
ask postgresql 54392 bench postgres
