"""Reads the files of a release: Parquet and CSV with DuckDB, Excel with openpyxl."""

import json
import sys
from pathlib import Path

import duckdb
import openpyxl

folder = Path(sys.argv[1])
book = openpyxl.load_workbook(folder / "salesmart.xlsx")
told = {}
for path in sorted(folder.glob("*.parquet")):
    name = path.name.removesuffix(".parquet")
    sources = {
        "parquet": f"read_parquet('{path}')",
        "csv": f"read_csv('{folder}/{name}.csv', all_varchar=true, header=true)",
    }
    table = {}
    for way, source in sources.items():
        table[way] = {"rows": duckdb.sql(f"select count(*) from {source}").fetchall()[0][0]}
        if name == "mart.fct_opportunity":
            total = duckdb.sql(f"select sum(cast(amount as decimal(18,2))) from {source}").fetchall()[0][0]
            table[way]["amount"] = str(total)
    sheet = book[name]
    table["xlsx"] = {"rows": sheet.max_row - 1}
    header = [cell.value for cell in sheet[1]]
    if name == "mart.fct_opportunity":
        column = header.index("amount")
        values = (row[column] for row in sheet.iter_rows(min_row=2, values_only=True))
        table["xlsx"]["amount"] = str(sum(value for value in values if value is not None))
    told[name] = table
sheet = book["kpi.win_rate"]
header = [cell.value for cell in sheet[1]]
day = sheet.cell(2, header.index("period_start") + 1).value
told["workbook"] = {
    "frozen": sheet.freeze_panes,
    "filter": sheet.auto_filter.ref,
    "dates": type(day).__name__,
    "note": sheet["A1"].comment.text if sheet["A1"].comment else "",
}
print(json.dumps(told))
