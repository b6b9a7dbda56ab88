"""Reads every table of a release with deltalake and DuckDB, at the released version.

DuckDB's own `delta` extension is downloaded when it is first used, and there is no network in the
tests: DuckDB reads the files that deltalake lists.
"""

import json
import sys
from pathlib import Path

import duckdb
from deltalake import DeltaTable, QueryBuilder

project, release = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
lake = next(p.parent for p in project.rglob("warehouse") if p.is_dir())
told = {}
for name, released in release["tables"].items():
    schema, table = name.split(".")
    delta = DeltaTable(str(lake / "warehouse" / schema / table), version=released["version"])
    rows = sum(batch.num_rows for batch in QueryBuilder().register("t", delta).execute("select 1 from t"))
    files = delta.file_uris()
    sums = {}
    count = 0
    if files:
        source = "read_parquet([" + ", ".join(f"'{file}'" for file in files) + "])"
        count = duckdb.sql(f"select count(*) from {source}").fetchall()[0][0]
        for column, kind, *_ in duckdb.sql(f"describe select * from {source}").fetchall():
            if kind.startswith("DECIMAL") or kind == "BIGINT":
                value = duckdb.sql(f'select sum("{column}") from {source}').fetchall()[0][0]
                # `salesmart query` adds integers up in 64 bits, which sums of hashes leave.
                if kind == "BIGINT" and value is not None and abs(value) >= 2**63:
                    continue
                sums[column] = "" if value is None else str(value)
    told[name] = {"deltalake": rows, "duckdb": count, "sums": sums}
print(json.dumps(told))
