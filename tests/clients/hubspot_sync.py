"""A full sync of the simulator's portal with HubSpot's own client, `hubspot-api-client` from PyPI.

    python hubspot_sync.py http://127.0.0.1:8081

Nobody here wrote that client, so what it reads has to be what HubSpot would send. Every way in is
used: lists (live and archived), search windows by id, batches, histories, associations, owners,
pipelines, properties, schemas, and a token of the OAuth app. What it got is compared with what the
world has; any difference ends with a message and exit code 1.
"""

import json
import sys
import urllib.request

import hubspot
from hubspot.crm.associations.v4 import BatchInputPublicFetchAssociationsBatchRequest
from hubspot.crm.deals import BatchReadInputSimplePublicObjectId, PublicObjectSearchRequest
from hubspot.utils.objects import fetch_all
from urllib3.util.retry import Retry

OBJECTS = [
    "contacts", "companies", "deals", "leads", "products", "line_items", "calls", "emails",
    "meetings", "notes", "tasks", "goal_targets", "contracts",
]
ASSOCIATIONS = [
    ("deals", "companies"), ("deals", "contacts"), ("deals", "line_items"),
    ("contacts", "companies"), ("companies", "deals"), ("meetings", "deals"),
]
SEARCHED = ["deals", "contacts", "companies", "leads"]

differences = []


def expect(what, got, wanted):
    """Notes a difference."""
    if got == wanted:
        print(f"  ok    {what}: {got}")
    else:
        print(f"  WRONG {what}: {got}, expected {wanted}")
        differences.append(what)


def simulator(base, path):
    """What the simulator says of itself."""
    with urllib.request.urlopen(f"{base}/__simulator/{path}") as reply:
        return reply.read().decode()


def lines(base, path):
    return [json.loads(line) for line in simulator(base, path).splitlines()]


def connect(base, token):
    # HubSpot answers 429 when it is asked too fast; its client leaves the waiting to urllib3.
    retry = Retry(
        total=20, backoff_factor=0.2, status_forcelist=(429, 500, 502, 503, 504),
        allowed_methods=None,
    )
    return hubspot.HubSpot(access_token=token, host=base, retry=retry)


def api_of(client, kind):
    """The generic API of an object; its `get_page` lacks the object's name in `get_all`."""
    class Pages:
        def get_page(self, **kwargs):
            return client.crm.objects.basic_api.get_page(kind, **kwargs)
    return Pages()


def check_objects(client, counts):
    live = {}
    for kind in OBJECTS:
        records = fetch_all(api_of(client, kind))
        archived = fetch_all(api_of(client, kind), archived=True)
        live[kind] = records
        ids = {record.id for record in records}
        expect(f"{kind}, live", len(records), counts[kind]["live"])
        expect(f"{kind}, distinct ids", len(ids), len(records))
        expect(f"{kind}, archived", len(archived), counts[kind]["all"] - counts[kind]["live"])
        if any(record.archived_at is None for record in archived):
            expect(f"{kind}, archived with archivedAt", "some without", "all with")
    own = client.crm.deals.get_all(properties=["dealname"])
    expect("deals by crm.deals.get_all", len(own), counts["deals"]["live"])
    return live


def check_search(client, kind, live):
    """Walks all records of an object by id, as a client has to that wants more than 10,000."""
    modified = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
    last, seen, total = "0", [], None
    while True:
        request = PublicObjectSearchRequest(
            filter_groups=[{"filters": [
                {"propertyName": modified, "operator": "GTE", "value": "0"},
                {"propertyName": "hs_object_id", "operator": "GT", "value": last},
            ]}],
            sorts=["hs_object_id"], properties=[modified], limit=200,
        )
        page = client.crm.objects.search_api.do_search(kind, request)
        total = page.total if total is None else total
        if not page.results:
            break
        seen.extend(record.id for record in page.results)
        last = page.results[-1].id
    expect(f"{kind} by search, total", total, len(live))
    expect(f"{kind} by search, ids", sorted(seen) == sorted(record.id for record in live), True)


def check_batches(client, live):
    ids = [record.id for record in live["deals"][:99]] + ["399999999999"]
    batch = BatchReadInputSimplePublicObjectId(
        properties=["dealname", "amount"], properties_with_history=[],
        inputs=[{"id": id} for id in ids],
    )
    found = client.crm.deals.batch_api.read(batch)
    expect("batch of deals, found", len(found.results), len(ids) - 1)
    expect("batch of deals, ids in errors", found.errors[0].context["ids"], ids[-1:])


def check_histories(client, base, counts):
    tracked = ["dealstage", "amount", "closedate", "hubspot_owner_id", "hs_next_step"]
    deals = client.crm.deals.get_all(properties_with_history=tracked)
    expect("deals with history", len(deals), counts["deals"]["live"])
    got, wanted = {}, {}
    for deal in deals:
        for name, versions in deal.properties_with_history.items():
            stamps = [version.timestamp for version in versions]
            if stamps != sorted(stamps, reverse=True):
                expect(f"history of {name} of {deal.id}", "in another order", "newest first")
            got[deal.id, name] = [version.value for version in versions]
    for version in lines(base, "records/deals_history"):
        wanted.setdefault((version["object_id"], version["property"]), []).append(version["value"])
    wrong = [key for key, values in got.items() if values != wanted.get(key, [])[:20]]
    expect("histories that differ", wrong[:3], [])
    expect("stages entered, at least", sum(len(v) for (_, n), v in got.items() if n == "dealstage")
           >= len(deals), True)


def check_associations(client, base, live):
    for source, target in ASSOCIATIONS:
        got = set()
        waiting = [{"id": record.id} for record in live[source]]
        while waiting:
            batch = BatchInputPublicFetchAssociationsBatchRequest(inputs=waiting[:1000])
            waiting = waiting[1000:]
            # The typed reply knows no errors: those without associations are not in it.
            page = client.crm.associations.v4.batch_api.get_page(source, target, batch)
            for result in page.results:
                for to in result.to:
                    for kind in to.association_types:
                        got.add((result._from.id, to.to_object_id, kind.type_id))
                if result.paging is not None and result.paging.next is not None:
                    waiting.append({"id": result._from.id, "after": result.paging.next.after})
        wanted = {
            (line["from_id"], line["to_id"], line["type_id"])
            for line in lines(base, f"records/{source}_to_{target}")
        }
        expect(f"associations from {source} to {target}", len(got), len(wanted))
        expect(f"the very same from {source} to {target}", got == wanted, True)


def check_owners(client, counts):
    found = []
    for archived in (False, True):
        after = None
        while True:
            page = client.crm.owners.owners_api.get_page(limit=100, after=after, archived=archived)
            found.extend(page.results)
            if page.paging is None or page.paging.next is None:
                break
            after = page.paging.next.after
        if not archived:
            expect("owners, live", len(found), counts["owners"]["live"])
    expect("owners, all", len(found), counts["owners"]["all"])


def check_portal(client, live):
    properties = client.crm.properties.core_api.get_all("deals").results
    names = [definition.name for definition in properties]
    expect("properties of deals, distinct", len(set(names)), len(names))
    deals = client.crm.deals.get_all(properties=names, limit=100)
    expect("properties of a deal", set(deals[0].properties) == set(names), True)
    known = {
        stage.id
        for pipeline in client.crm.pipelines.pipelines_api.get_all("deals").results
        if pipeline.id == "default"
        for stage in pipeline.stages
    }
    used = {deal.properties["dealstage"] for deal in deals}
    expect("stages that no pipeline has", sorted(used - known), [])
    schemas = client.crm.schemas.core_api.get_all().results
    expect("schemas", [schema.name for schema in schemas], ["contracts"])


def check_oauth(client, base, counts):
    token = client.oauth.tokens_api.create(
        grant_type="refresh_token", client_id="simulator-client",
        client_secret="simulator-secret", refresh_token="simulator-refresh",
    )
    app = connect(base, token.access_token)
    expect("companies by the OAuth app", len(app.crm.companies.get_all()),
           counts["companies"]["live"])


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: hubspot_sync.py BASE_URL")
    base = sys.argv[1].rstrip("/")
    counts = json.loads(simulator(base, "counts"))
    client = connect(base, "pat-simulator")
    live = check_objects(client, counts)
    for kind in SEARCHED:
        check_search(client, kind, live[kind])
    check_batches(client, live)
    check_histories(client, base, counts)
    check_associations(client, base, live)
    check_owners(client, counts)
    check_portal(client, live)
    check_oauth(client, base, counts)
    if differences:
        sys.exit(f"{len(differences)} differences: {', '.join(differences)}")
    print("everything agrees with the world")


main()
