"""Syncs the simulator's Salesforce with simple-salesforce, which nobody here wrote.

Usage: simple_salesforce_sync.py BASE_URL [CLIENT_ID CLIENT_SECRET]

Logs in with client credentials, describes the org, reads every object over REST (`query_all_iter`,
deleted rows included) and the large ones over Bulk 2.0 (`bulk2.X.query` and `download`), and holds
the counts against those of the world (`/__simulator/counts`), and the rows of both paths against
each other. Ends with 1 and a message at the first difference.

simple-salesforce speaks https only. The session given to it, which is its own way of being
extended, sends everything to BASE_URL instead; the library itself is as it was published.
"""

import csv
import io
import json
import sys
import tempfile
import urllib.request
from urllib.parse import urlsplit

import requests
from simple_salesforce import Salesforce, SalesforceMalformedRequest

BULK = ["Opportunity", "Account", "Contact"]
VERSION = "60.0"


class ToSimulator(requests.Session):
    """A session that sends every request to the simulator, whatever host it is for."""

    def __init__(self, base):
        super().__init__()
        self.base = base.rstrip("/")

    def request(self, method, url, *args, **kwargs):
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        return super().request(method, f"{self.base}{parts.path}{query}", *args, **kwargs)


def fail(message):
    print(f"FAILED: {message}", file=sys.stderr)
    sys.exit(1)


def check(what, expected, found):
    if expected != found:
        fail(f"{what}: expected {expected}, found {found}")


def normal(kind, value):
    """A value of REST or Bulk, as both mean it."""
    if value is None or value == "":
        return None
    if kind in ("double", "currency", "percent", "int"):
        return round(float(value), 6)
    if kind == "datetime":
        return value.replace("+0000", "Z")
    if kind == "boolean":
        return str(value).lower()
    return str(value)


def sync_rest(sf, name, fields):
    """Every row by id, deleted ones included; wide lists of fields fit, since they are in one page each."""
    rows = {}
    for row in sf.query_all_iter(f"SELECT {', '.join(fields)} FROM {name}", include_deleted=True):
        check(f"type of a {name}", name, row["attributes"]["type"])
        if row["Id"] in rows:
            fail(f"{name} {row['Id']} came twice")
        rows[row["Id"]] = row
    return rows


def sync_bulk(sf, name, fields):
    """Every live row by id."""
    rows = {}
    query = f"SELECT {', '.join(fields)} FROM {name}"
    pages = 0
    for page in getattr(sf.bulk2, name).query(query, max_records=1000, wait=0.05):
        pages += 1
        for row in csv.DictReader(io.StringIO(page, newline="")):
            if row["Id"] in rows:
                fail(f"{name} {row['Id']} came twice by bulk")
            rows[row["Id"]] = row
    return rows, pages


def main():
    if len(sys.argv) not in (2, 4):
        fail(__doc__)
    base = sys.argv[1]
    key, secret = (sys.argv + ["simulator-client", "simulator-secret"])[-2:]
    sf = Salesforce(
        consumer_key=key,
        consumer_secret=secret,
        domain="fernhill.my",
        version=VERSION,
        session=ToSimulator(base),
    )
    with urllib.request.urlopen(f"{base}/__simulator/counts") as reply:
        counts = json.load(reply)

    check("is_sandbox", False, sf.is_sandbox())
    described = sf.describe()
    objects = {o["name"]: o for o in described["sobjects"] if o["queryable"]}
    check("the objects", sorted(counts), sorted(objects))
    if len(objects) < 30:
        fail(f"only {len(objects)} objects")
    if sf.limits()["DailyApiRequests"]["Remaining"] <= 0:
        fail("no requests left")
    if sf.api_usage["api-usage"].used <= 0:
        fail(f"usage was not read: {sf.api_usage}")

    total = 0
    for name in sorted(objects):
        handle = getattr(sf, name)
        # Compound fields are values of REST only; their parts are fields of their own.
        kinds = {f["name"]: f["type"] for f in handle.describe()["fields"] if f["type"] != "address"}
        rows = sync_rest(sf, name, list(kinds))
        check(f"rows of {name}, deleted ones included", counts[name]["all"], len(rows))
        live = {id: row for id, row in rows.items() if not row.get("IsDeleted")}
        check(f"live rows of {name}", counts[name]["live"], len(live))
        counted = sf.query(f"SELECT COUNT() FROM {name}")["totalSize"]
        check(f"COUNT() of {name}", counts[name]["live"], counted)
        total += len(rows)
        print(f"{name}: {len(rows)} rows")
        if live:
            one = next(iter(live))
            check(f"{name}.get", one, handle.get(one)["Id"])
        if name in BULK:
            bulk, pages = sync_bulk(sf, name, list(kinds))
            check(f"rows of {name} by bulk", counts[name]["live"], len(bulk))
            check(f"pages of {name} by bulk", max(1, -(-len(bulk) // 1000)), pages)
            for id, row in bulk.items():
                for field, kind in kinds.items():
                    check(
                        f"{name}.{field} of {id}, REST against Bulk",
                        normal(kind, rows[id][field]),
                        normal(kind, row[field]),
                    )
            with tempfile.TemporaryDirectory() as folder:
                files = getattr(sf.bulk2, name).download(
                    f"SELECT Id FROM {name}", path=folder, max_records=5000, wait=0.05
                )
                check(
                    f"rows of {name} by download",
                    counts[name]["live"],
                    sum(file["number_of_records"] for file in files),
                )

    try:
        sf.query("SELECT Nothing FROM Account")
        fail("an unknown field was served")
    except SalesforceMalformedRequest as error:
        check("the code of an unknown field", "INVALID_FIELD", error.content[0]["errorCode"])
    print(f"synced {total} rows of {len(objects)} objects; {sf.api_usage['api-usage'].used} requests")


if __name__ == "__main__":
    main()
