"""Arrow Flight SQL of `salesmart serve` by ADBC's driver, compared with what psycopg reads.

    PGHOST=… PGPORT=… PGUSER=… PGPASSWORD=… PGDATABASE=… python flight_sql.py grpc://127.0.0.1:PORT

A query, a prepared one, the catalog, an error, and a million rows that are the same both ways. Any
difference ends with a message and exit code 1.
"""

import collections
import os
import sys

import adbc_driver_flightsql.dbapi
import adbc_driver_manager
import psycopg

# The figures of the release, repeated until there are more than a million rows.
BULK = """
    select m.metric, m.period_start, m.value, m.n, g.g as round
    from kpi.metric_value m cross join generate_series(1, {rounds}) g
"""

wrong = []


def expect(what, got, wanted):
    """Notes a difference."""
    if got == wanted:
        print(f"ok    {what}")
    else:
        print(f"WRONG {what}: {repr(got)[:400]}, expected {repr(wanted)[:400]}")
        wrong.append(what)


def main(url):
    login = {"username": os.environ["PGUSER"], "password": os.environ["PGPASSWORD"]}
    with adbc_driver_flightsql.dbapi.connect(url, db_kwargs=login, autocommit=True) as flight, \
            psycopg.connect(autocommit=True) as rows:
        cursor = flight.cursor()
        cursor.execute("select 1 as one, 'a' as letter")
        expect("a query", cursor.fetch_arrow_table().to_pylist(), [{"one": 1, "letter": "a"}])

        figures = "select metric, value, n from kpi.win_rate where n > 0 order by 1, 2, 3"
        cursor.execute(figures)
        got = [tuple(row.values()) for row in cursor.fetch_arrow_table().to_pylist()]
        expect("the same figures", got, rows.execute(figures).fetchall())

        tables = flight.adbc_get_objects(depth="tables").read_all().to_pylist()
        names = {f"{schema['db_schema_name']}.{table['table_name']}"
                 for catalog in tables for schema in catalog["catalog_db_schemas"] or []
                 for table in schema["db_schema_tables"] or []}
        expect("the catalog", {"kpi.win_rate", "mart.dim_rep"} <= names or names, True)
        schema = flight.adbc_get_table_schema("win_rate", db_schema_filter="kpi")
        expect("columns of a table", str(schema.field("value").type), "decimal128(38, 6)")

        try:
            cursor.execute("select no_such_column from kpi.win_rate")
            cursor.fetch_arrow_table()
            expect("a column that is not there", "no error", "an error")
        except adbc_driver_manager.Error as error:
            expect("a column that is not there", "no_such_column" in str(error) or str(error), True)

        count = rows.execute("select count(*) from kpi.metric_value").fetchone()[0]
        rounds = 1_000_000 // count + 1
        bulk = BULK.format(rounds=rounds)
        cursor.execute(bulk)
        table = cursor.fetch_arrow_table()
        expect("a million rows", table.num_rows, count * rounds)
        with rows.cursor(binary=True) as other:
            other.execute(bulk)
            wanted = collections.Counter(other.fetchall())
        columns = [table[name].to_pylist() for name in table.column_names]
        expect("the same rows as psycopg reads", collections.Counter(zip(*columns)) == wanted, True)
    if wrong:
        sys.exit(f"{len(wrong)} differences: {', '.join(wrong)}")


main(sys.argv[1])
