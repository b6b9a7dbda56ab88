//! A small org for what must be seen in detail: one object and its periods, over HTTP on loopback,
//! with knobs for what seldom happens. It understands the queries that the connector writes, and
//! nothing else. `salesmart-simulator` is the large one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, Response};
use serde_json::{Map, Value, json};

/// One record: its fields' values as JSON.
pub(super) type Record = Map<String, Value>;

/// What a test may turn.
#[derive(Default)]
pub(super) struct Knobs {
    /// The server's clock.
    pub(super) now: String,
    /// The objects: name, fields of the description, records.
    pub(super) objects: BTreeMap<String, (Vec<Value>, Vec<Record>)>,
    /// Rows of a page.
    pub(super) page: usize,
    /// Queries that find more than this are `QUERY_TIMEOUT`.
    pub(super) too_much: Option<usize>,
    /// The Bulk API does not know any object.
    pub(super) no_bulk: bool,
    /// So many looks at a job before it is complete; none: never.
    pub(super) looks: Option<usize>,
    /// The state in which jobs end.
    pub(super) job_ends: Option<(&'static str, &'static str)>,
    /// The last page of results has no locator instead of `null`.
    pub(super) no_locator: bool,
    /// Links that are asked for so many times are not known any more.
    pub(super) links_lost: usize,
    /// Ids that are counted and never given.
    pub(super) withheld: Vec<String>,
    /// Ids that are given only from the second query on.
    pub(super) late: Vec<String>,
    /// The log of deletions: ids, and the error instead.
    pub(super) deletions: Vec<String>,
    pub(super) deletions_error: Option<&'static str>,
    pub(super) earliest: Option<String>,
    /// Bodies are cut so many times, in a way that HTTP does not notice.
    pub(super) torn: usize,
    /// Every call is answered with this instead.
    pub(super) refusal: Option<(u16, String)>,
    /// Every so many calls are answered with this instead, so many times.
    pub(super) every: Option<(usize, Answer, usize)>,
    /// All calls from now on but the next few are answered with this instead.
    pub(super) after: Option<(usize, Answer)>,
    /// Pages repeat their last row.
    pub(super) doubled: bool,
    /// `api-usage` counts up to this limit.
    pub(super) limit: u64,
    /// What was called.
    pub(super) calls: Vec<String>,
    /// Queries as they came.
    pub(super) queries: Vec<String>,
    pub(super) jobs: BTreeMap<String, Job>,
    pub(super) links: BTreeMap<String, (Vec<Value>, usize)>,
    pub(super) tokens: usize,
}

/// A query job.
#[derive(Default)]
pub(super) struct Job {
    query: String,
    looks: usize,
    aborted: bool,
}

/// A running org; it stops when it is dropped.
pub(super) struct Org {
    pub(super) url: String,
    knobs: Arc<Mutex<Knobs>>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Org {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Org {
    pub(super) async fn start(knobs: Knobs) -> Self {
        let knobs = Arc::new(Mutex::new(knobs));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state((Arc::clone(&knobs), url.clone()));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, knobs, server }
    }

    pub(super) fn knobs(&self) -> MutexGuard<'_, Knobs> {
        self.knobs.lock().unwrap()
    }

    /// How many calls have this in their path.
    pub(super) fn called(&self, part: &str) -> usize {
        self.knobs().calls.iter().filter(|call| call.contains(part)).count()
    }
}

async fn answer(
    State((knobs, url)): State<(Arc<Mutex<Knobs>>, String)>,
    request: Request,
) -> Response<Body> {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let length = uri.to_string().len();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let mut knobs = knobs.lock().unwrap();
    knobs.calls.push(format!("{method} {}", uri.path()));
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let (status, headers, body) = match (length, knobs.refusal.clone()) {
        (16_385.., _) => (414, vec![], "<html>URI Too Long</html>".to_owned()),
        (_, Some((status, body))) if uri.path() != "/services/oauth2/token" => {
            (status, vec![], body)
        }
        _ => match knobs.instead(uri.path()) {
            Some(answer) => answer,
            None => knobs.route(&method, uri.path(), &query, &body, &url),
        },
    };
    let now = crate::salesforce::soql::read_instant(&knobs.now).unwrap();
    let mut response = Response::builder()
        .status(status)
        .header("date", now.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .header("sforce-limit-info", format!("api-usage={}/{}", knobs.calls.len(), knobs.limit));
    for (name, value) in headers {
        response = response.header(name, value);
    }
    let body = match knobs.torn > 0 && uri.path().contains("quer") && body.len() > 400 {
        true => {
            knobs.torn -= 1;
            body[..body.len() - 150].to_owned()
        }
        false => body,
    };
    response.body(Body::from(body)).unwrap()
}

/// Status, headers and body.
pub(super) type Answer = (u16, Vec<(&'static str, String)>, String);

fn ok(body: Value) -> Answer {
    (200, vec![], body.to_string())
}

pub(super) fn refused(status: u16, code: &str, message: &str) -> Answer {
    (status, vec![], json!([{"message": message, "errorCode": code}]).to_string())
}

impl Knobs {
    /// What is answered instead of the truth.
    fn instead(&mut self, path: &str) -> Option<Answer> {
        if path == "/services/oauth2/token" {
            return None;
        }
        match &mut self.after {
            Some((0, answer)) => return Some(answer.clone()),
            Some((left, _)) => *left -= 1,
            None => {}
        }
        let calls = self.calls.len();
        match &mut self.every {
            Some((every, answer, times)) if *times > 0 && calls.is_multiple_of(*every) => {
                *times -= 1;
                Some(answer.clone())
            }
            _ => None,
        }
    }

    fn route(
        &mut self,
        method: &Method,
        path: &str,
        query: &BTreeMap<String, String>,
        body: &Bytes,
        url: &str,
    ) -> Answer {
        let root = "/services/data/v62.0/";
        match path {
            "/services/oauth2/token" => {
                self.tokens += 1;
                let id = format!("{url}/id/00D000000000001EAA/005000000000001AAA");
                let token = format!("token-{}", self.tokens);
                return ok(
                    json!({"access_token": token, "instance_url": url, "id": id, "token_type": "Bearer"}),
                );
            }
            "/services/data" => return ok(json!([{"version": "61.0"}, {"version": "62.0"}])),
            _ => {}
        }
        let Some(path) = path.strip_prefix(root) else {
            return refused(404, "NOT_FOUND", "no such path");
        };
        match path.split('/').collect::<Vec<_>>().as_slice() {
            ["sobjects"] => {
                let names = self.objects.keys();
                let listed: Vec<Value> =
                    names.map(|name| json!({"name": name, "queryable": true})).collect();
                ok(json!({"sobjects": listed}))
            }
            ["sobjects", name, "describe"] => match self.objects.get(*name) {
                Some((fields, _)) => ok(json!({
                    "name": name, "queryable": true, "replicateable": true, "fields": fields,
                })),
                None => refused(404, "NOT_FOUND", "The requested resource does not exist"),
            },
            ["sobjects", _, "deleted", ""] => self.deleted(query),
            ["limits"] => {
                ok(json!({"DailyApiRequests": {"Max": self.limit, "Remaining": self.limit}}))
            }
            ["queryAll"] => self.first_page(&query["q"]),
            ["query", link] => self.page(link),
            ["jobs", "query"] if method == Method::POST => self.create(body),
            ["jobs", "query", id] => self.job(method, id),
            ["jobs", "query", id, "results"] => self.results(id, query),
            _ => refused(404, "NOT_FOUND", path),
        }
    }

    fn deleted(&self, query: &BTreeMap<String, String>) -> Answer {
        if let Some(code) = self.deletions_error {
            return refused(400, code, "not that");
        }
        let ids: Vec<Value> = self.deletions.iter().map(|id| json!({"id": id})).collect();
        let earliest =
            self.earliest.clone().unwrap_or_else(|| "2000-01-01T00:00:00.000+0000".to_owned());
        ok(json!({
            "deletedRecords": ids, "earliestDateAvailable": earliest, "latestDateCovered": query["end"],
        }))
    }

    /// What a query finds: its fields, and the records in order.
    fn find(&mut self, query: &str) -> (Vec<String>, Vec<Record>) {
        let (fields, rest) = query.strip_prefix("SELECT ").unwrap().split_once(" FROM ").unwrap();
        let (rest, limit) = match rest.split_once(" LIMIT ") {
            Some((rest, limit)) => (rest, limit.parse().unwrap()),
            None => (rest, usize::MAX),
        };
        let (rest, order) = match rest.split_once(" ORDER BY ") {
            Some((rest, order)) => (rest, Some(order)),
            None => (rest, None),
        };
        let (object, conditions) = match rest.split_once(" WHERE ") {
            Some((object, conditions)) => (object, and(conditions)),
            None => (rest, vec![]),
        };
        let records =
            self.objects.get(object).map(|(_, records)| records.clone()).unwrap_or_default();
        let mut found: Vec<Record> = records
            .into_iter()
            .filter(|record| conditions.iter().all(|it| holds(it, record)))
            .collect();
        if let Some(order) = order {
            let keys: Vec<&str> = order.split(", ").collect();
            found
                .sort_by_key(|record| keys.iter().map(|key| text(record, key)).collect::<Vec<_>>());
        }
        found.truncate(limit);
        (fields.split(',').map(str::to_owned).collect(), found)
    }

    fn first_page(&mut self, query: &str) -> Answer {
        self.queries.push(query.to_owned());
        let is_count = query.contains("COUNT()");
        let (fields, found) = self.find(query);
        if self.too_much.is_some_and(|most| found.len() > most) && !query.contains("LIMIT") {
            return refused(400, "QUERY_TIMEOUT", "Your query request was running for too long.");
        }
        if is_count {
            return ok(json!({"totalSize": found.len(), "done": true, "records": []}));
        }
        let rows = self.given(found);
        let rows = rows.iter().map(|record| {
            let mut row = json!({"attributes": {"type": "X"}});
            for field in &fields {
                row[field] = record.get(field).cloned().unwrap_or(Value::Null);
            }
            row
        });
        let mut rows: Vec<Value> = rows.collect();
        if let (true, Some(last)) = (self.doubled, rows.last().cloned()) {
            rows.push(last);
        }
        let link = format!("01g{:012}-0", self.links.len());
        self.links.insert(link.clone(), (rows, 0));
        self.page(&link)
    }

    /// What is given of what is found.
    fn given(&mut self, found: Vec<Record>) -> Vec<Record> {
        let hidden: Vec<String> = self.withheld.iter().chain(&self.late).cloned().collect();
        let given: Vec<Record> =
            found.iter().filter(|record| !hidden.contains(&text(record, "Id"))).cloned().collect();
        if given.len() != found.len() {
            self.late.clear();
        }
        given
    }

    fn page(&mut self, link: &str) -> Answer {
        let Some((name, from)) = link.rsplit_once('-') else {
            return refused(404, "NOT_FOUND", link);
        };
        let from: usize = from.parse().unwrap();
        if from > 0 && self.links_lost > 0 {
            self.links_lost -= 1;
            return refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator");
        }
        let (rows, _) = &self.links[&format!("{name}-0")];
        let to = rows.len().min(from + self.page);
        let mut body =
            json!({"totalSize": rows.len(), "done": to == rows.len(), "records": rows[from..to]});
        if to < rows.len() {
            body["nextRecordsUrl"] = json!(format!("/services/data/v62.0/query/{name}-{to}"));
        }
        ok(body)
    }

    fn create(&mut self, body: &Bytes) -> Answer {
        let job: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(job["operation"], "queryAll");
        if self.no_bulk {
            return refused(400, "INVALIDENTITY", "Entity 'X' is not supported by the Bulk API.");
        }
        let query = job["query"].as_str().unwrap().to_owned();
        assert!(!query.contains("ORDER BY"), "an order keeps Salesforce from reading in chunks");
        self.queries.push(query.clone());
        let id = format!("750{:012}AAA", self.jobs.len());
        self.jobs.insert(id.clone(), Job { query, ..Job::default() });
        ok(json!({"id": id, "state": "UploadComplete"}))
    }

    fn job(&mut self, method: &Method, id: &str) -> Answer {
        let Some(job) = self.jobs.get_mut(id) else { return refused(404, "NOT_FOUND", "no job") };
        match *method {
            Method::DELETE => {
                self.jobs.remove(id);
                return (204, vec![], String::new());
            }
            Method::PATCH => job.aborted = true,
            _ => job.looks += 1,
        }
        if let Some((state, message)) = self.job_ends {
            return ok(json!({"id": id, "state": state, "errorMessage": message}));
        }
        let state = match (job.aborted, self.looks) {
            (true, _) => "Aborted",
            (_, Some(looks)) if job.looks > looks => "JobComplete",
            _ => "InProgress",
        };
        ok(json!({"id": id, "state": state, "jobType": "V2Query", "apiVersion": 62.0}))
    }

    fn results(&mut self, id: &str, query: &BTreeMap<String, String>) -> Answer {
        let Some(job) = self.jobs.get(id) else { return refused(404, "NOT_FOUND", "no job") };
        let text_of_query = job.query.clone();
        let (fields, found) = self.find(&text_of_query);
        let found = self.given(found);
        let from: usize = query.get("locator").map_or(0, |locator| locator.parse().unwrap());
        let to = found.len().min(from + query["maxRecords"].parse::<usize>().unwrap());
        let mut csv = quoted(fields.iter().map(String::as_str));
        let last = found[from..to].last().filter(|_| self.doubled);
        for record in found[from..to].iter().chain(last) {
            let cells: Vec<String> = fields.iter().map(|field| cell(record.get(field))).collect();
            csv.push_str(&quoted(cells.iter().map(String::as_str)));
        }
        let mut headers =
            vec![("sforce-numberofrecords", (to - from + last.iter().count()).to_string())];
        if to < found.len() {
            headers.push(("sforce-locator", to.to_string()));
        } else if !self.no_locator {
            headers.push(("sforce-locator", "null".to_owned()));
        }
        (200, headers, csv)
    }
}

fn quoted<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cells: Vec<String> =
        cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
    cells.join(",") + "\n"
}

/// A value as Bulk writes it: instants and numbers otherwise than REST.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.replace("+0000", "Z"),
        Some(Value::Number(number)) if number.is_i64() => format!("{number}.0"),
        Some(other) => other.to_string(),
    }
}

/// A field's text, instants in the spelling of queries.
fn text(record: &Record, field: &str) -> String {
    match record.get(field) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.replace("+0000", "Z"),
        Some(other) => other.to_string(),
    }
}

/// The parts of a conjunction, parentheses kept whole.
fn and(conditions: &str) -> Vec<String> {
    let (mut parts, mut part, mut depth) = (vec![], String::new(), 0);
    for word in conditions.split_inclusive(' ') {
        if word.trim() == "AND" && depth == 0 {
            parts.push(std::mem::take(&mut part).trim().to_owned());
            continue;
        }
        depth += word.matches('(').count();
        depth -= word.matches(')').count();
        part.push_str(word);
    }
    parts.push(part.trim().to_owned());
    parts
}

fn holds(condition: &str, record: &Record) -> bool {
    if let Some(inner) = condition.strip_prefix('(').and_then(|it| it.strip_suffix(')')) {
        let (one, other) = inner.split_once(" OR ").unwrap();
        let other = other.trim_start_matches('(').trim_end_matches(')');
        return holds(one, record) || and(other).iter().all(|it| holds(it, record));
    }
    if let Some((field, list)) = condition.split_once(" IN (") {
        let value = text(record, field);
        return list.trim_end_matches(')').split(',').any(|it| it.trim_matches('\'') == value);
    }
    let parts: Vec<&str> = condition.splitn(3, ' ').collect();
    let (value, literal) = (text(record, parts[0]), parts[2].trim_matches('\''));
    match parts[1] {
        ">" => value.as_str() > literal,
        "<" => value.as_str() < literal,
        ">=" => value.as_str() >= literal,
        "<=" => value.as_str() <= literal,
        "=" => value == literal,
        other => panic!("no operator `{other}`"),
    }
}
