"""Sets Metabase up: the administrator, the warehouse, questions and a dashboard.

Everything is looked up by name first, so running it again changes nothing that is there. Only the
standard library is used.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

SCHEMAS = "mart,kpi,funnel,forecast,ops"
DATABASE = "Salesmart"
DASHBOARD = "Sales"

BY_QUARTER = """select p.period_name as quarter, {columns}
from {table} f
join mart.dim_period p on p.period_grain = f.period_grain and p.period_start = f.period_start
where f.metric = '{metric}' and f.period_grain = 'quarter' and f.scope = 'company'
order by f.period_start"""


def by_quarter(table, metric, columns="f.value"):
    return BY_QUARTER.format(table=table, metric=metric, columns=columns)


# Name, display, dimensions, measures, SQL, and the place on the dashboard: row, column, width.
QUESTIONS = [
    ("Win rate by quarter", "line", ["quarter"], ["value"],
     by_quarter("kpi.win_rate", "win_rate_count"), (0, 0, 12)),
    ("Quota attainment by quarter", "line", ["quarter"], ["value"],
     by_quarter("kpi.quota_achievement", "quota_attainment"), (0, 12, 12)),
    ("Amount won by quarter", "bar", ["quarter"], ["amount_won"],
     by_quarter("kpi.deal_size", "deal_size_won_average", "f.numerator as amount_won"), (6, 0, 12)),
    ("Median sales cycle by quarter, days", "bar", ["quarter"], ["value"],
     by_quarter("kpi.sales_cycle", "sales_cycle_median"), (6, 12, 12)),
    ("Teams this quarter", "table", [], [],
     """select f.scope_name as team, f.numerator as won, f.denominator as closed, f.value as win_rate
from kpi.win_rate f
join mart.dim_period p on p.period_grain = f.period_grain and p.period_start = f.period_start
where f.metric = 'win_rate_count' and f.period_grain = 'quarter' and f.scope = 'team' and p.is_current
order by f.numerator desc""", (12, 0, 12)),
    ("Checks that did not pass", "table", [], [],
     """select table_name, check_text, severity, offending_rows
from ops.check_result where not passed order by severity, table_name""", (12, 12, 12)),
]


class Refused(Exception):
    """What Metabase answered, and what to do."""


class Metabase:
    """Metabase's API, as much of it as is needed."""

    def __init__(self, url):
        self.url = url.rstrip("/")
        self.session = None

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Content-Type", "application/json")
        if self.session:
            request.add_header("X-Metabase-Session", self.session)
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            # The body of a refusal names the field; a request's body may hold a password.
            said = error.read().decode(errors="replace")[:500]
            raise Refused(f"{method} {path} answered {error.code}: {said}") from None
        return json.loads(text) if text else None

    def wait(self, seconds=300):
        """Waits until it answers: the first start makes its tables."""
        end = time.monotonic() + seconds
        while True:
            try:
                if self.call("GET", "/api/health")["status"] == "ok":
                    return
                said = "it is starting"
            except (Refused, OSError, ValueError) as error:
                said = str(error)
            if time.monotonic() > end:
                raise Refused(f"Metabase at {self.url} is not ready: {said}")
            time.sleep(2)

    def sign_in(self, email, password):
        """Makes the administrator where there is none, and signs in."""
        properties = self.call("GET", "/api/session/properties")
        if properties.get("has-user-setup"):
            self.session = self.call("POST", "/api/session", {"username": email, "password": password})["id"]
            return
        user = {"first_name": "Sales", "last_name": "Operations", "email": email, "password": password}
        self.session = self.call("POST", "/api/setup", {
            "token": properties["setup-token"],
            "user": {**user, "password_confirm": password, "site_name": "Salesmart"},
            "prefs": {"site_name": "Salesmart", "site_locale": "en", "allow_tracking": False},
        })["id"]

    def named(self, path, name):
        """What has that name in a list, or nothing."""
        found = self.call("GET", path)
        found = found["data"] if isinstance(found, dict) else found
        return next((one for one in found if one["name"] == name and not one.get("archived")), None)

    def database(self, details):
        body = {"engine": "postgres", "name": DATABASE, "details": details}
        known = self.named("/api/database", DATABASE)
        if known:
            # The password may have changed meanwhile.
            self.call("PUT", f"/api/database/{known['id']}", body)
            return known["id"]
        return self.call("POST", "/api/database", body)["id"]

    def question(self, database, name, display, dimensions, measures, sql):
        known = self.named("/api/card?f=all", name)
        if known:
            return known["id"]
        settings = {"graph.dimensions": dimensions, "graph.metrics": measures} if dimensions else {}
        return self.call("POST", "/api/card", {
            "name": name,
            "display": display,
            "dataset_query": {"type": "native", "database": database, "native": {"query": sql}},
            "visualization_settings": settings,
        })["id"]

    def dashboard(self, cards):
        known = self.named("/api/dashboard", DASHBOARD)
        if known:
            return known["id"]
        made = self.call("POST", "/api/dashboard", {
            "name": DASHBOARD,
            "description": "Figures of the newest release. What each means: the documentation site.",
        })["id"]
        places = [
            {"id": -number, "card_id": card, "row": row, "col": column, "size_x": width, "size_y": 6}
            for number, (card, (row, column, width)) in enumerate(cards, start=1)
        ]
        self.call("PUT", f"/api/dashboard/{made}", {"dashcards": places})
        return made


def secret(name):
    """A secret from the file that NAME_FILE names."""
    path = os.environ[name + "_FILE"]
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def main():
    metabase = Metabase(os.environ["METABASE_URL"])
    metabase.wait()
    metabase.sign_in(os.environ["METABASE_ADMIN_EMAIL"], secret("METABASE_ADMIN_PASSWORD"))
    database = metabase.database({
        "host": os.environ["WAREHOUSE_HOST"],
        "port": int(os.environ["WAREHOUSE_PORT"]),
        "dbname": os.environ["WAREHOUSE_DATABASE"],
        "user": os.environ["WAREHOUSE_USER"],
        "password": secret("WAREHOUSE_PASSWORD"),
        "ssl": False,
        "schema-filters-type": "inclusion",
        "schema-filters-patterns": SCHEMAS,
    })
    cards = [
        (metabase.question(database, name, display, dimensions, measures, sql), place)
        for name, display, dimensions, measures, sql, place in QUESTIONS
    ]
    dashboard = metabase.dashboard(cards)
    # New releases bring tables; questions work without it, browsing does not.
    metabase.call("POST", f"/api/database/{database}/sync_schema")
    print(f"the dashboard `{DASHBOARD}` is at /dashboard/{dashboard}")


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"error: failed to set up Metabase\n  caused by: {error}\n\n"
                 "hint: `docker compose logs metabase` says more; run this container again when it is mended")
