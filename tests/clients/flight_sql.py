"""Arrow Flight SQL of `salesmart serve` by ADBC's driver, compared with what psycopg reads.

    PGHOST=… PGPORT=… PGUSER=… PGPASSWORD=… PGDATABASE=… python flight_sql.py grpc://127.0.0.1:PORT

A query, a prepared one, the catalog, an error, and a million rows that are the same both ways; who
comes in, what a role may not see, limits, and cancelling. Any difference ends with a message and
exit code 1.
"""

import collections
import os
import sys
import threading
import time

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


# Takes far longer than any story.
SLOW = "select count(*) from generate_series(1, 1000000000000) as g(n) where n % 7 = 3"


def connected(url, user, password=None):
    """A connection of a user."""
    login = {"username": user, "password": password or os.environ["PGPASSWORD"]}
    return adbc_driver_flightsql.dbapi.connect(url, db_kwargs=login, autocommit=True)


def refused(what, cursor, sql, code):
    """Notes a statement that is not refused by PostgreSQL's code."""
    try:
        cursor.execute(sql)
        cursor.fetch_arrow_table()
        expect(what, "no error", code)
    except adbc_driver_manager.Error as error:
        expect(what, f"(SQLSTATE {code})" in str(error) or str(error), True)


def who_comes_in(url):
    """Names and passwords."""
    for what, user, password in [("a wrong password", "ada", "wrong horse"),
                                 ("a user who is not there", "mallory", "correct horse"),
                                 ("no password", "ada", " ")]:
        try:
            with connected(url, user, password) as flight, flight.cursor() as cursor:
                cursor.execute("select 1")
            expect(what, "no error", "an error")
        except adbc_driver_manager.Error as error:
            expect(what, error.status_code, adbc_driver_manager.AdbcStatusCode.UNAUTHENTICATED)
    with connected(url, "bob") as flight, flight.cursor() as cursor:
        cursor.execute("select count(*) as n from kpi.win_rate")
        expect("a role reads its schema", cursor.fetchone()[0] > 0, True)
        refused("and no other", cursor, "select * from mart.dim_rep", "42501")
        objects = flight.adbc_get_objects(depth="db_schemas").read_all().to_pylist()
        expect("and is told of no other",
               [schema["db_schema_name"] for catalog in objects
                for schema in catalog["catalog_db_schemas"]], ["kpi"])


def what_is_told(flight):
    """Metadata."""
    objects = flight.adbc_get_objects(depth="all", db_schema_filter="mart",
                                      table_name_filter="dim_rep").read_all().to_pylist()
    expect("the catalog has a name", [one["catalog_name"] for one in objects], ["warehouse"])
    tables = [table for one in objects for schema in one["catalog_db_schemas"]
              for table in schema["db_schema_tables"]]
    expect("one table was asked for", [(table["table_name"], table["table_type"])
                                       for table in tables], [("dim_rep", "TABLE")])
    columns = [column["column_name"] for column in tables[0]["table_columns"]]
    expect("its columns in order", columns[0], "rep_id")
    expect("kinds of tables", flight.adbc_get_table_types(), ["TABLE"])
    about = flight.adbc_get_info()
    expect("the server's name", about["vendor_name"], "Salesmart")
    expect("the server's version", bool(about["vendor_version"]), True)


def what_is_prepared(flight, rows):
    """Statements with parameters."""
    with flight.cursor() as cursor:
        sql = "select count(*) as n from kpi.win_rate where period_grain = $1 and n >= $2"
        asked = cursor.adbc_prepare(sql)
        expect("parameters are told", len(asked), 2)
        for grain, least in [("quarter", 1), ("month", 1), ("month", 3)]:
            cursor.execute(sql, (grain, least))
            wanted = rows.execute(sql.replace("$1", "%s").replace("$2", "%s"), (grain, least))
            expect(f"a prepared statement of {grain}, {least}", cursor.fetchone(),
                   wanted.fetchone())
        try:
            cursor.execute(sql, ("month",))
            cursor.fetchone()
            expect("too few parameters", "no error", "an error")
        except adbc_driver_manager.Error as error:
            expect("too few parameters", "parameters" in str(error) or str(error), True)
        refused("a value that is too long, by a parameter", cursor,
                "select repeat('x', 2000000000)", "54000")


def limits(url):
    """Rows, time and memory of a role, and going on after each."""
    with connected(url, "eve") as flight, flight.cursor() as cursor:
        refused("too many rows", cursor, "select n from generate_series(1, 1001) as g(n)", "54000")
        refused("too long", cursor, SLOW, "57014")
        refused("too much memory", cursor,
                "select n from generate_series(1, 20000000) as g(n) order by n % 1000, n desc",
                "53200")
        refused("too long a value", cursor, "select repeat('x', 2000000000)", "54000")
        refused("writing", cursor, "delete from kpi.win_rate", "25006")
        cursor.execute("select 1 as one")
        expect("goes on after refusals", cursor.fetchone(), (1,))


def cancelling(url):
    """A statement that is cancelled while its client waits."""
    with connected(url, "ada") as flight, flight.cursor() as cursor:
        threading.Timer(1.0, cursor.adbc_cancel).start()
        began = time.monotonic()
        try:
            cursor.execute(SLOW)
            cursor.fetch_arrow_table()
            expect("a statement is cancelled", "no error", "an error")
        except adbc_driver_manager.Error as error:
            expect("a statement is cancelled", error.status_code,
                   adbc_driver_manager.AdbcStatusCode.CANCELLED)
        expect("at once", time.monotonic() - began < 60, True)
    with connected(url, "ada") as flight, flight.cursor() as cursor:
        cursor.execute("select 1 as one")
        expect("and the next one is answered", cursor.fetchone(), (1,))


def main(url):
    login = {"username": os.environ["PGUSER"], "password": os.environ["PGPASSWORD"]}
    who_comes_in(url)
    limits(url)
    cancelling(url)
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

        what_is_told(flight)
        what_is_prepared(flight, rows)
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
