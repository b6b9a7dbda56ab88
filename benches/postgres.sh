#!/usr/bin/env bash
# Measures the loading of a release into PostgreSQL beside psql's `\copy` from CSV and ADBC's bulk
# ingest, on this machine, of the same rows into the same table.
#
#   benches/postgres.sh [ROWS]               10,000,000 by default
#
#   SALESMART_BIN   the binary (default: the release build)
#   BENCH_PYTHON    a Python with adbc-driver-postgresql, deltalake and pyarrow (default: a new
#                   environment, installed from PyPI)
#   BENCH_ROUNDS    how often; the median is printed (default: 3)
#   BENCH_DIR       where data, lake and server go (default: a new temporary folder, removed after)
#
# The server is Debian's `postgresql` with its own defaults: every way is as durable as the others.
# It runs as the user `postgres` where this script runs as root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rows=${1:-10000000}
target=${CARGO_TARGET_DIR:-${SALESMART_CACHE:-$HOME/.cache/salesmart}/target}
bin=$(realpath "${SALESMART_BIN:-$target/release/salesmart}")
stop() {
    printf 'error: %s\n\nhint: %s\n' "$1" "$2" >&2
    exit 1
}
[ -x "$bin" ] || stop "there is no \`$bin\`" "type \`cargo xtask bench postgres\`, which builds it first"
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$programs" ] || stop "there is no PostgreSQL server" "type \`apt-get install postgresql\`"

server=
work=${BENCH_DIR:-$(mktemp -d)}
finish() {
    if [ -n "$server" ]; then
        kill -INT "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    [ -n "${BENCH_DIR:-}" ] || rm -rf "$work"
}
trap finish EXIT
mkdir -p "$work"
chmod 755 "$work"

python=${BENCH_PYTHON:-}
if [ -z "$python" ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check \
        adbc-driver-postgresql adbc-driver-manager deltalake numpy pyarrow
    python=$work/venv/bin/python
fi

as_postgres=()
mkdir -p "$work/server"
if [ "$(id -u)" = 0 ]; then
    as_postgres=(setpriv --reuid postgres --regid postgres --clear-groups)
    chown postgres "$work/server"
fi
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
(
    cd "$work/server"
    "${as_postgres[@]}" "$programs/initdb" -D "$work/server/data" -U bench -A trust -E UTF8 --locale=C.UTF-8 > /dev/null
)
"${as_postgres[@]}" "$programs/postgres" -D "$work/server/data" -p "$port" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories="$work/server" > "$work/server.log" 2>&1 &
server=$!
until "$programs/pg_isready" -q -h 127.0.0.1 -p "$port"; do sleep 0.2; done
psql=("$programs/psql" -X -q -h 127.0.0.1 -p "$port" -U bench -v ON_ERROR_STOP=1)

# A lake of one table, of the columns that a table of deals has.
mkdir -p "$work/project/pipelines" "$work/project/data"
cat > "$work/project/pipelines/bench.yml" <<EOF
extract:
  nothing: {connector: files, with: {location: data, streams: {deals: {path: deals.csv, columns: {id: string}}}}}
publish:
  warehouse:
    target: postgres
    with: {host: 127.0.0.1, port: $port, database: postgres, user: bench, sslmode: disable}
EOF
"$python" - "$work/project/lake" "$rows" "$work/rows.csv" <<'EOF'
import json, os, sys
from decimal import Decimal
import numpy
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from deltalake import write_deltalake

lake, rows, csv = sys.argv[1], int(sys.argv[2]), sys.argv[3]
stages = pa.array(["Prospecting", "Qualified", "Proposal", "Negotiation", "Closed Won", "Closed Lost"])
chance = numpy.random.default_rng(42)

def batch(first, count):
    n = numpy.arange(first, first + count)
    cents = chance.integers(1, 50_000_000, count)
    hundredth = pa.scalar(Decimal("0.01"), pa.decimal128(3, 2))
    amount = pc.cast(pc.multiply(pc.cast(pa.array(cents), pa.decimal128(19, 0)), hundredth), pa.decimal128(18, 2))
    amount = pc.if_else(pa.array(chance.random(count) < 0.05), pa.scalar(None, pa.decimal128(18, 2)), amount)
    days = pa.array(numpy.datetime64("2024-10-01") + (n % 730), pa.date32())
    micros = 1_727_740_800_000_000 + n * 6_300_000
    return pa.record_batch({
        "deal_id": pa.array([f"006{i:012d}" for i in n]),
        "account_id": pa.array([f"001{i % 85000:012d}" for i in n]),
        "rep_id": pa.array([f"005{i % 350:012d}" for i in n]),
        "stage": stages.take(pa.array(n % 6)),
        "amount": amount,
        "close_date": days,
        "modified_at": pa.array(micros, pa.timestamp("us", "UTC")),
        "version_no": pa.array(n % 17, pa.int64()),
        "is_won": pa.array(n % 6 == 4),
    })

step = 250_000
batches = (batch(first, min(step, rows - first)) for first in range(0, rows, step))
schema = batch(0, 1).schema
path = f"{lake}/warehouse/mart/deal"
def told():
    with pyarrow.csv.CSVWriter(csv, schema, write_options=pyarrow.csv.WriteOptions(include_header=False)) as out:
        for one in batches:
            out.write_batch(one)
            yield one
write_deltalake(path, pa.RecordBatchReader.from_batches(schema, told()))
release = {
    "id": "r000001", "created_at": "2026-11-23T00:00:00Z", "pipeline": "bench", "run_id": "bench",
    "as_of": "2026-09-30T23:59:59Z", "tables": {"mart.deal": {"version": 0, "rows": rows}},
}
os.makedirs(f"{lake}/releases/current")
json.dump(release, open(f"{lake}/releases/r000001.json", "w"))
json.dump({"release": "r000001", "at": "2026-11-23T00:00:00Z", "reason": "published", "run_id": None},
          open(f"{lake}/releases/current/0000000001.json", "w"))
EOF
sync

columns="deal_id text, account_id text, rep_id text, stage text, amount numeric(18,2), close_date date, modified_at timestamp with time zone, version_no bigint, is_won boolean"
now() { date +%s.%N; }
# told NAME FROM TO TABLE: keeps the time, and fails when rows are missing.
told() {
    local found
    found=$("${psql[@]}" -At -c "select count(*) from $4" postgres)
    [ "$found" = "$rows" ] || stop "$1 loaded $found of $rows rows" "look at $work/server.log"
    [ "$1" = "warm up" ] || awk -v from="$2" -v to="$3" 'BEGIN { print to - from }' >> "$work/times $1"
    "${psql[@]}" -c "drop table $4" -c checkpoint postgres
}

ours() {
    local from
    from=$(now)
    "$bin" --project "$work/project" --lake "$work/project/lake" -q publish bench --targets-only
    told "salesmart publish" "$from" "$(now)" mart.deal
    # As if it had never been there.
    "${psql[@]}" -c "set client_min_messages = warning; drop schema salesmart cascade" postgres
}

copied() {
    local from
    from=$(now)
    "${psql[@]}" postgres <<EOF
begin;
create table copied ($columns);
\copy copied from '$work/rows.csv' with (format csv)
analyze copied;
commit;
EOF
    told "$1" "$from" "$(now)" copied
}

cat > "$work/ingest.py" <<'EOF'
import sys
import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_postgresql import dbapi
from deltalake import DeltaTable

files = DeltaTable(sys.argv[2]).file_uris()
schema = pq.read_schema(files[0])
rows = (batch for file in files for batch in pq.ParquetFile(file).iter_batches(batch_size=65_536))
with dbapi.connect(sys.argv[1]) as connection, connection.cursor() as cursor:
    cursor.execute(f"create table ingested ({sys.argv[3]})")
    cursor.adbc_ingest("ingested", pa.RecordBatchReader.from_batches(schema, rows), mode="append")
    cursor.execute("analyze ingested")
    connection.commit()
EOF
ingested() {
    local from
    from=$(now)
    "$python" "$work/ingest.py" "postgresql://bench@127.0.0.1:$port/postgres" \
        "$work/project/lake/warehouse/mart/deal" "$columns"
    told "ADBC bulk ingest" "$from" "$(now)" ingested
}

# The first load of a server makes the files of its write-ahead log, which those after it use again.
rm -f "$work"/times*
copied "warm up"
for _ in $(seq "${BENCH_ROUNDS:-3}"); do
    ours
    copied "psql copy from CSV"
    ingested
done
echo "| $rows rows, $(du -m "$work/rows.csv" | cut -f1) MB as CSV | seconds | rows/s |"
echo "| --- | ---: | ---: |"
for way in "salesmart publish" "psql copy from CSV" "ADBC bulk ingest"; do
    sort -n "$work/times $way" | awk -v name="$way" -v rows="$rows" \
        '{ all[NR] = $1 } END { s = all[int((NR + 1) / 2)]; printf "| %s | %.1f | %d |\n", name, s, rows / s }'
done
