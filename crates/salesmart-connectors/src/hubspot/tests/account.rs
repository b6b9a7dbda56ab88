//! An account that a test makes record by record, over HTTP. It keeps to HubSpot's limits (pages,
//! batches, 10,000 hits of a search, lengths of addresses) and refuses what goes beyond.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// From which record, to which, of which type.
type Bonds = BTreeSet<(u64, u64, i64)>;

/// The account, and the server that shows it.
pub(super) struct Account {
    portal: Arc<Mutex<Portal>>,
    pub(super) url: String,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Account {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What the account has.
pub(super) struct Portal {
    pub(super) now: DateTime<Utc>,
    pub(super) objects: BTreeMap<String, Object>,
    pub(super) associations: BTreeMap<(String, String), Bonds>,
    /// Every call: method, path with query, body.
    pub(super) calls: Vec<(String, String, String)>,
    /// What to answer instead, once, to the next call whose method and path hold the text.
    pub(super) instead: VecDeque<(&'static str, Instead)>,
    /// How many more records searches count than there are.
    pub(super) miscounted: u64,
    /// Records that the search still shows with this instant of modification.
    pub(super) stale: BTreeMap<u64, DateTime<Utc>>,
    /// Ids whose reading in a batch fails with this category.
    pub(super) unreadable: Option<(u64, &'static str)>,
    /// Association page.
    pub(super) page: usize,
    tokens: u32,
    /// Whether pages of lists and searches repeat their first record.
    pub(super) repeats: bool,
    /// What to answer to every call.
    pub(super) always: Option<Instead>,
    pub(super) forbidden: BTreeSet<&'static str>,
    pub(super) daily: Option<(u64, u64)>,
}

/// An answer made by hand.
#[derive(Clone, Debug)]
pub(super) struct Instead {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Instead {
    pub(super) fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A "too many requests" of a policy.
    pub(super) fn too_many(policy: &str) -> Self {
        let body = json!({"status": "error", "errorType": "RATE_LIMIT", "policyName": policy});
        Self::new(429, body.to_string())
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    pub(super) properties: Vec<Value>,
    pub(super) records: BTreeMap<u64, Record>,
}

#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) values: BTreeMap<String, Value>,
    pub(super) modified: DateTime<Utc>,
    pub(super) archived: bool,
    pub(super) history: Vec<Value>,
}

impl Object {
    pub(super) fn with(properties: &[(&str, &str)]) -> Self {
        let mut object = Self::default();
        object.add("hs_object_id", "number", false);
        object.add("hs_lastmodifieddate", "datetime", false);
        for (name, kind) in properties {
            object.add(name, kind, false);
        }
        object
    }

    pub(super) fn add(&mut self, name: &str, kind: &str, calculated: bool) {
        self.properties.push(json!({
            "name": name, "label": name, "type": kind, "fieldType": "text", "calculated": calculated,
            "somethingNew": {"a": [1, 2]},
        }));
    }

    /// Puts a record, modified at an instant.
    pub(super) fn put(&mut self, id: u64, modified: DateTime<Utc>, values: &[(&str, &str)]) {
        let mut values: BTreeMap<String, Value> =
            values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        values.insert("hs_object_id".to_owned(), json!(id.to_string()));
        let history = self.records.remove(&id).map(|old| old.history).unwrap_or_default();
        let record = Record { values, modified, archived: false, history };
        self.records.insert(id, record);
    }
}

/// An instant of the world.
pub(super) fn at(hours: i64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-09-30T00:00:00Z".parse().unwrap();
    start + TimeDelta::hours(hours)
}

impl Account {
    /// An account at noon with deals, contacts and owners.
    pub(super) async fn new() -> Self {
        let mut objects = BTreeMap::new();
        let deal = [("dealname", "string"), ("amount", "number"), ("closedate", "datetime")];
        objects.insert("deals".to_owned(), Object::with(&deal));
        let mut contacts = Object::with(&[("email", "string")]);
        contacts.add("lastmodifieddate", "datetime", false);
        objects.insert("contacts".to_owned(), contacts);
        let portal = Portal {
            now: at(12),
            objects,
            associations: BTreeMap::new(),
            calls: Vec::new(),
            instead: VecDeque::new(),
            miscounted: 0,
            stale: BTreeMap::new(),
            unreadable: None,
            page: 500,
            tokens: 0,
            repeats: false,
            always: None,
            forbidden: BTreeSet::new(),
            daily: None,
        };
        let portal = Arc::new(Mutex::new(portal));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&portal));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self { portal, url, server }
    }

    pub(super) fn portal(&self) -> MutexGuard<'_, Portal> {
        self.portal.lock().unwrap()
    }

    /// Changes the deals.
    pub(super) fn deals(&self, change: impl FnOnce(&mut Object)) {
        change(self.portal().objects.get_mut("deals").unwrap());
    }

    /// Deals with these ids, all modified at one instant.
    pub(super) fn fill(&self, ids: impl Iterator<Item = u64>, modified: DateTime<Utc>) {
        self.deals(|deals| {
            for id in ids {
                deals.put(id, modified, &[("dealname", &format!("Deal {id}")), ("amount", "10.5")]);
            }
        });
    }

    /// Answers the next call that holds `text` with something else.
    pub(super) fn instead(&self, text: &'static str, instead: Instead) {
        self.portal().instead.push_back((text, instead));
    }

    /// Calls whose method and path hold a text.
    pub(super) fn calls(&self, text: &str) -> usize {
        let portal = self.portal();
        portal
            .calls
            .iter()
            .filter(|(method, path, _)| format!("{method} {path}").contains(text))
            .count()
    }

    pub(super) fn forget_calls(&self) {
        self.portal().calls.clear();
    }

    pub(super) fn wait(&self, hours: i64) {
        self.portal().now += TimeDelta::hours(hours);
    }
}

type Reply = Result<Value, (u16, Value)>;

fn invalid(message: &str) -> Reply {
    Err((400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": message})))
}

async fn answer(State(portal): State<Arc<Mutex<Portal>>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 10 << 20).await.unwrap();
    let path = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let token = parts.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let mut portal = portal.lock().unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    portal.calls.push((parts.method.to_string(), path.clone(), text));
    let date = httpdate(portal.now);
    let label = format!("{} {path}", parts.method);
    let place = portal.instead.iter().position(|(text, _)| label.contains(text));
    let made = place.and_then(|place| portal.instead.remove(place)).map(|(_, made)| made);
    let made = portal.always.clone().or(made);
    let made = made.unwrap_or_else(|| {
        let reply = portal.reply(parts.method.as_str(), &path, token.as_deref(), &body);
        let (status, body) = match reply {
            Ok(body) if body["numErrors"].is_number() => (207, body),
            Ok(body) => (200, body),
            Err((status, body)) => (status, body),
        };
        Instead::new(status, body.to_string())
    });
    let mut response =
        Response::builder().status(StatusCode::from_u16(made.status).unwrap()).header("date", date);
    if let Some((used, limit)) = portal.daily {
        response = response
            .header("X-HubSpot-RateLimit-Daily", limit.to_string())
            .header("X-HubSpot-RateLimit-Daily-Remaining", (limit - used).to_string());
    }
    for (name, value) in &made.headers {
        response = response.header(*name, value);
    }
    response.body(Body::from(made.body)).unwrap()
}

fn httpdate(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

impl Portal {
    fn reply(&mut self, method: &str, path: &str, token: Option<&str>, body: &Bytes) -> Reply {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if path == "/oauth/v1/token" {
            self.tokens += 1;
            let token = format!("access-{}", self.tokens);
            return Ok(json!({"access_token": token, "expires_in": 1800, "token_type": "bearer"}));
        }
        let current = format!("Bearer access-{}", self.tokens);
        if token != Some("Bearer pat-simulator") && token != Some(&current) {
            let body = json!({"status": "error", "category": "EXPIRED_AUTHENTICATION"});
            return Err((401, body));
        }
        if let Some(scope) = self.forbidden.iter().find(|part| path.contains(**part)) {
            let context = json!({"requiredGranularScopes": [format!("crm.objects.{scope}.read")]});
            let body = json!({"category": "MISSING_SCOPES", "message": "no", "context": context});
            return Err((403, body));
        }
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let json_body = || serde_json::from_slice::<Value>(body).unwrap();
        match (method, parts.as_slice()) {
            ("GET", ["crm", "v3", "owners"]) => {
                Ok(json!({"results": match query["archived"].as_str() {
                    "false" => json!([{"id": "7", "email": "a@b.example", "userId": 70, "archived": false,
                        "teams": [{"id": "1", "name": "North", "primary": true}, {"id": "2", "name": "All"}]}]),
                    _ => json!([{"id": "8", "email": "c@d.example", "userId": null, "archived": true}]),
                }}))
            }
            ("GET", ["crm", "v3", "schemas"]) => Ok(json!({"results": []})),
            ("GET", ["crm", "v3", "pipelines", "deals"]) => {
                Ok(json!({"results": [{"id": "p", "label": "Sales",
                "stages": [{"id": "s", "label": "Won", "displayOrder": 1, "archived": false,
                    "metadata": {"isClosed": "true", "probability": "1.0"}}]}]}))
            }
            ("GET", ["crm", "v3", "properties", name]) => match self.objects.get(*name) {
                Some(object) => Ok(json!({"results": object.properties})),
                None => invalid("Unable to infer object type"),
            },
            ("GET", ["crm", "v3", "objects", name]) => self.list(name, &query, path.len()),
            ("POST", ["crm", "v3", "objects", name, "search"]) => self.search(name, &json_body()),
            ("POST", ["crm", "v3", "objects", name, "batch", "read"]) => {
                self.batch(name, &json_body(), query.get("archived").is_some_and(|a| a == "true"))
            }
            ("POST", ["crm", "v4", "associations", from, to, "batch", "read"]) => {
                self.associated(from, to, &json_body())
            }
            _ => Err((404, json!({"status": "error", "message": "nothing here"}))),
        }
    }

    fn show(record: &Record, id: u64, names: &[&str], histories: &[&str]) -> Value {
        let mut properties = serde_json::Map::new();
        for name in names {
            properties.insert(
                (*name).to_owned(),
                record.values.get(*name).cloned().unwrap_or(Value::Null),
            );
        }
        let mut shown = json!({
            "id": id.to_string(), "properties": properties, "archived": record.archived,
            "createdAt": "2026-01-01T00:00:00Z", "updatedAt": record.modified.to_rfc3339(),
            "newThing": {"deep": [null]},
        });
        if record.archived {
            shown["archivedAt"] = json!("2026-09-30T11:00:00Z");
        }
        if !histories.is_empty() {
            let mut all = serde_json::Map::new();
            for name in histories {
                let values = record.history.iter().filter(|item| item["of"] == **name).cloned();
                all.insert((*name).to_owned(), values.collect());
            }
            shown["propertiesWithHistory"] = Value::Object(all);
        }
        shown
    }

    fn list(&self, name: &str, query: &BTreeMap<String, String>, length: usize) -> Reply {
        let length =
            length + query.iter().map(|(key, value)| key.len() + value.len() + 2).sum::<usize>();
        if length > 8_192 {
            return Err((414, json!("<html>414</html>")));
        }
        let names = |key: &str| -> Vec<&str> {
            query.get(key).map(|names| names.split(',').collect()).unwrap_or_default()
        };
        let (properties, histories) = (names("properties"), names("propertiesWithHistory"));
        let limit: usize = query["limit"].parse().unwrap();
        if limit > if histories.is_empty() { 100 } else { 50 } {
            return invalid("the limit is too large");
        }
        let after: u64 = query.get("after").map_or(0, |after| after.parse().unwrap());
        let archived = query["archived"] == "true";
        let mut found = self.objects[name]
            .records
            .range(after + 1..)
            .filter(|(_, record)| record.archived == archived);
        let page: Vec<(u64, Value)> = found
            .by_ref()
            .take(limit)
            .map(|(id, record)| (*id, Self::show(record, *id, &properties, &histories)))
            .collect();
        let repeated = page.first().filter(|_| self.repeats);
        let shown: Vec<&Value> = page.iter().chain(repeated).map(|(_, record)| record).collect();
        let mut reply = json!({"results": shown});
        if found.next().is_some() {
            reply["paging"] = json!({"next": {"after": page.last().unwrap().0.to_string()}});
        }
        Ok(reply)
    }

    fn search(&self, name: &str, body: &Value) -> Reply {
        let limit = usize::try_from(body["limit"].as_u64().unwrap()).unwrap();
        let offset: usize = body["after"].as_str().unwrap().parse().unwrap();
        if limit > 200 || offset + limit > 10_000 {
            return invalid("beyond the limits of a search");
        }
        let modified_by =
            if name == "contacts" { "lastmodifieddate" } else { "hs_lastmodifieddate" };
        let (mut from, mut to, mut above) = (i64::MIN, i64::MAX, 0);
        for filter in body["filterGroups"][0]["filters"].as_array().unwrap() {
            let value: i64 = filter["value"].as_str().unwrap().parse().unwrap();
            match (filter["propertyName"].as_str().unwrap(), filter["operator"].as_str().unwrap()) {
                (property, "GTE") if property == modified_by => from = value,
                (property, "LTE") if property == modified_by => to = value,
                ("hs_object_id", "GT") => above = u64::try_from(value).unwrap(),
                (property, operator) => return invalid(&format!("{property} {operator}")),
            }
        }
        let modified = |id: &u64, record: &Record| {
            self.stale.get(id).unwrap_or(&record.modified).timestamp_millis()
        };
        let found: Vec<(&u64, &Record)> = self.objects[name]
            .records
            .iter()
            .filter(|(id, record)| {
                !record.archived && **id > above && (from..=to).contains(&modified(id, record))
            })
            .collect();
        let names: Vec<&str> = body["properties"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        let page: Vec<Value> = found
            .iter()
            .skip(offset)
            .take(limit)
            .map(|(id, record)| {
                let mut shown = (*record).clone();
                shown.modified = *self.stale.get(id).unwrap_or(&record.modified);
                Self::show(&shown, **id, &names, &[])
            })
            .collect();
        let mut page = page;
        page.extend(page.first().cloned().filter(|_| self.repeats));
        let mut reply = json!({"total": found.len() as u64 + self.miscounted, "results": page});
        if found.len() > offset + limit {
            reply["paging"] = json!({"next": {"after": (offset + limit).to_string()}});
        }
        Ok(reply)
    }

    fn batch(&self, name: &str, body: &Value, archived: bool) -> Reply {
        let names = |key: &str| -> Vec<&str> {
            body[key]
                .as_array()
                .map(|names| names.iter().map(|name| name.as_str().unwrap()).collect())
                .unwrap_or_default()
        };
        let (properties, histories) = (names("properties"), names("propertiesWithHistory"));
        let inputs = body["inputs"].as_array().unwrap();
        if inputs.len() > if histories.is_empty() { 100 } else { 50 } {
            return invalid("too many inputs");
        }
        let (mut results, mut missing) = (Vec::new(), Vec::new());
        let mut errors = Vec::new();
        for input in inputs {
            let id: u64 = input["id"].as_str().unwrap().parse().unwrap();
            if let Some((_, category)) = self.unreadable.filter(|(of, _)| *of == id) {
                errors.push(json!({"status": "error", "category": category, "message": "cannot"}));
                continue;
            }
            match self.objects[name].records.get(&id).filter(|record| record.archived == archived) {
                Some(record) => results.push(Self::show(record, id, &properties, &histories)),
                None => missing.push(id.to_string()),
            }
        }
        if !missing.is_empty() {
            errors.push(json!({"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": missing}}));
        }
        let mut reply = json!({"status": "COMPLETE", "results": results});
        if !errors.is_empty() {
            reply["numErrors"] = json!(errors.len());
            reply["errors"] = json!(errors);
        }
        Ok(reply)
    }

    fn associated(&self, from: &str, to: &str, body: &Value) -> Reply {
        let all =
            self.associations.get(&(from.to_owned(), to.to_owned())).cloned().unwrap_or_default();
        let (mut results, mut none) = (Vec::new(), 0);
        for input in body["inputs"].as_array().unwrap() {
            let id: u64 = input["id"].as_str().unwrap().parse().unwrap();
            let skip: usize = input["after"].as_str().map_or(0, |after| after.parse().unwrap());
            let own: Vec<_> = all.iter().filter(|(of, _, _)| *of == id).collect();
            if own.is_empty() {
                none += 1;
                continue;
            }
            let to: Vec<Value> = own
                .iter()
                .skip(skip)
                .take(self.page)
                .map(|(_, to, kind)| {
                    // Once a number, today a text.
                    let to_id = if to % 2 == 0 { json!(to) } else { json!(to.to_string()) };
                    json!({"toObjectId": to_id, "associationTypes": [
                    {"category": "HUBSPOT_DEFINED", "typeId": kind, "label": null}]})
                })
                .collect();
            let mut result = json!({"from": {"id": id.to_string()}, "to": to});
            if own.len() > skip + self.page {
                result["paging"] = json!({"next": {"after": (skip + self.page).to_string()}});
            }
            results.push(result);
        }
        let mut reply = json!({"status": "COMPLETE", "results": results});
        if none > 0 {
            reply["numErrors"] = json!(none);
            reply["errors"] = json!([{"category": "OBJECT_NOT_FOUND",
                "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND", "message": "none"}]);
        }
        Ok(reply)
    }
}
