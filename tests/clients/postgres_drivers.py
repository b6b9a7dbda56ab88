"""What Python's drivers of PostgreSQL do with `salesmart serve`.

    PGHOST=… PGPORT=… PGUSER=… PGPASSWORD=… PGDATABASE=… python postgres_drivers.py

psycopg, asyncpg (which reads everything in binary and prepares everything), SQLAlchemy's
reflection and pandas. What they read is compared with each other; any difference ends with a
message and exit code 1. Nobody here wrote them, so what they cannot read is our fault.
"""

import asyncio
import datetime
import decimal
import os
import sys

import asyncpg
import pandas
import psycopg
import sqlalchemy

FIGURES = """
    select metric, period_grain, period_start, scope, value, n, as_of
    from kpi.win_rate
    where period_grain = {grain} and n >= {least}
    order by metric, period_start, scope, scope_id, stage_id, forecast_category,
        close_period_start
"""

wrong = []


def expect(what, got, wanted):
    """Notes a difference."""
    if got == wanted:
        print(f"ok    {what}")
    else:
        print(f"WRONG {what}: {repr(got)[:400]}, expected {repr(wanted)[:400]}")
        wrong.append(what)


def expect_true(what, holds, seen):
    """Notes what does not hold."""
    expect(what, bool(holds) or seen, True)


def with_psycopg():
    """Text and binary results, parameters, server-side names, errors and what follows them."""
    with psycopg.connect(autocommit=True) as connection:
        expect_true("psycopg: the server is PostgreSQL 15 to it",
                    150000 <= connection.info.server_version < 160000,
                    connection.info.server_version)
        rows = {}
        for binary in (False, True):
            with connection.cursor(binary=binary) as cursor:
                cursor.execute(FIGURES.format(grain="%s", least="%s"), ("quarter", 1))
                rows[binary] = cursor.fetchall()
                names = [column.name for column in cursor.description]
        expect("psycopg: names of columns", names,
               ["metric", "period_grain", "period_start", "scope", "value", "n", "as_of"])
        expect_true("psycopg: there are rows", len(rows[True]) > 10, len(rows[True]))
        expect("psycopg: binary is the same as text", rows[True], rows[False])
        types = [type(value) for value in next(row for row in rows[True] if row[4] is not None)]
        expect("psycopg: types", types, [str, str, datetime.date, str, decimal.Decimal, int,
                                         datetime.datetime])
        try:
            connection.execute("select no_such_column from kpi.win_rate")
            expect("psycopg: a column that is not there", "no error", "UndefinedColumn")
        except psycopg.Error as error:
            expect("psycopg: a column that is not there", type(error).__name__,
                   "UndefinedColumn")
        expect("psycopg: goes on after an error", connection.execute("select 1").fetchone(), (1,))
        try:
            connection.execute("delete from kpi.win_rate")
            expect("psycopg: writing", "no error", "an error")
        except psycopg.Error as error:
            expect_true("psycopg: writing is refused", error.sqlstate, error.sqlstate)
    with psycopg.connect() as connection:
        for _ in range(8):
            # From the sixth time on psycopg prepares it under a name.
            again = connection.execute(FIGURES.format(grain="%s", least="%s"), ("quarter", 1))
            expect("psycopg: prepared by itself", len(again.fetchall()), len(rows[True]))
        with connection.pipeline():
            first = connection.execute("select count(*) from kpi.win_rate")
            second = connection.execute("select max(as_of) from kpi.win_rate")
        expect_true("psycopg: a pipeline", first.fetchone()[0] > 0 and second.fetchone()[0], None)
        nothing = connection.execute("select 1 as one where false")
        expect("psycopg: no rows", (nothing.fetchall(), nothing.description[0].name), ([], "one"))
        with connection.cursor().copy("copy (select metric, n from kpi.win_rate) to stdout") as copy:
            copied = sum(bytes(block).count(b"\n") for block in copy)
        expect("psycopg: copy out", copied,
               connection.execute("select count(*) from kpi.win_rate").fetchone()[0])
    return rows[True]


async def with_asyncpg(rows):
    """Everything in binary and prepared; a cursor in a transaction."""
    connection = await asyncpg.connect()
    try:
        query = FIGURES.format(grain="$1", least="$2")
        got = await connection.fetch(query, "quarter", 1)
        expect("asyncpg: the same rows as psycopg", [tuple(row) for row in got], rows)
        statement = await connection.prepare("select $1::date as day, $2::numeric as amount,"
                                             " $3::timestamptz as at, $4::boolean as yes")
        day = datetime.date(2026, 2, 28)
        moment = datetime.datetime(2026, 2, 28, 23, 59, 59, 123456, datetime.timezone.utc)
        row = await statement.fetchrow(day, decimal.Decimal("1234.50"), moment, True)
        expect("asyncpg: parameters of every kind", tuple(row),
               (day, decimal.Decimal("1234.50"), moment, True))
        async with connection.transaction():
            seen = 0
            async for _ in connection.cursor("select metric, value from kpi.win_rate",
                                             prefetch=50):
                seen += 1
        count = await connection.fetchval("select count(*) from kpi.win_rate")
        expect("asyncpg: a cursor in a transaction", seen, count)
        try:
            await connection.fetch("select * from kpi.no_such_table")
            expect("asyncpg: a table that is not there", "no error", "UndefinedTableError")
        except asyncpg.PostgresError as error:
            expect("asyncpg: a table that is not there", type(error).__name__,
                   "UndefinedTableError")
    finally:
        await connection.close()


def with_sqlalchemy(rows):
    """Reflection: schemas, tables, columns, comments, keys; then a query by reflected tables."""
    engine = sqlalchemy.create_engine("postgresql+psycopg://")
    inspector = sqlalchemy.inspect(engine)
    schemas = inspector.get_schema_names()
    expect_true("SQLAlchemy: schemas", {"kpi", "mart"} <= set(schemas), schemas)
    tables = inspector.get_table_names("kpi")
    expect_true("SQLAlchemy: tables", {"win_rate", "metric_value"} <= set(tables), tables)
    columns = {column["name"]: column for column in inspector.get_columns("win_rate", "kpi")}
    expect_true("SQLAlchemy: a decimal keeps precision and scale",
                isinstance(columns["value"]["type"], sqlalchemy.Numeric)
                and (columns["value"]["type"].precision, columns["value"]["type"].scale) == (38, 6),
                columns["value"])
    expect_true("SQLAlchemy: types", isinstance(columns["period_start"]["type"], sqlalchemy.Date)
                and isinstance(columns["metric"]["type"], sqlalchemy.Text)
                and isinstance(columns["n"]["type"], sqlalchemy.BigInteger)
                and columns["as_of"]["type"].timezone, columns)
    expect("SQLAlchemy: the comment of a column", columns["metric"]["comment"],
           "which figure, as in ops.metric")
    comment = inspector.get_table_comment("win_rate", "kpi")["text"] or ""
    expect_true("SQLAlchemy: the comment of a table", comment.startswith("Won deals over"), comment)
    key = inspector.get_pk_constraint("dim_rep", "mart")["constrained_columns"]
    expect("SQLAlchemy: the primary key", key, ["rep_id"])
    expect("SQLAlchemy: foreign keys", inspector.get_foreign_keys("win_rate", "kpi"), [])
    indexes = inspector.get_indexes("win_rate", "kpi")
    expect("SQLAlchemy: the grain as an index", [index["unique"] for index in indexes], [True])
    expect("SQLAlchemy: views", inspector.get_view_names("kpi"), [])
    expect("SQLAlchemy: has_table", (inspector.has_table("win_rate", "kpi"),
                                     inspector.has_table("lose_rate", "kpi")), (True, False))
    metadata = sqlalchemy.MetaData()
    metadata.reflect(engine, schema="kpi")
    table = metadata.tables["kpi.win_rate"]
    query = sqlalchemy.select(sqlalchemy.func.count()).where(
        table.c.period_grain == "quarter", table.c.n >= 1)
    with engine.connect() as connection:
        expect("SQLAlchemy: a query by the reflected table", connection.execute(query).scalar(),
               len(rows))
        frame = pandas.read_sql(
            sqlalchemy.text(FIGURES.format(grain=":grain", least=":least")), connection,
            params={"grain": "quarter", "least": 1}, parse_dates=["period_start"])
    expect("pandas: rows and columns", frame.shape, (len(rows), 7))
    engine.dispose()


def main():
    os.environ.setdefault("PGCONNECT_TIMEOUT", "20")
    rows = with_psycopg()
    asyncio.run(with_asyncpg(rows))
    with_sqlalchemy(rows)
    if wrong:
        sys.exit(f"{len(wrong)} differences: {', '.join(wrong)}")


main()
