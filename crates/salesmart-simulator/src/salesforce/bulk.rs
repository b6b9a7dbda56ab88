//! Bulk API 2.0 query jobs.

use std::sync::Arc;

use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::bind::{bind, read};
use super::ids::RecordId;
use super::oauth::integration_user;
use super::org::Reader;
use super::plan::Output;
use super::refusal::Refusal;
use super::run::{Csv, find};
use super::server::{Called, Server};
use super::soql::{Item, Query};
use super::state::{Job, Stage, Work};
use super::stream;
use super::value::instant_text;
use crate::wire::{self, Fault};

/// How a job may separate its columns.
const DELIMITERS: [(&str, u8); 6] = [
    ("COMMA", b','),
    ("TAB", b'\t'),
    ("PIPE", b'|'),
    ("SEMICOLON", b';'),
    ("CARET", b'^'),
    ("BACKQUOTE", b'`'),
];

/// How a job may end its lines.
const LINE_ENDS: [(&str, &str); 2] = [("LF", "\n"), ("CRLF", "\r\n")];

/// How many pages one answer of `resultPages` names.
const PAGES_AT_ONCE: usize = 5;

/// The version that has `resultPages`.
const PARALLEL_SINCE: u32 = 58;

/// How often Salesforce tries a job before it gives up.
const RETRIES: u32 = 15;

/// A job as a client asks for it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    operation: String,
    query: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    column_delimiter: Option<String>,
    #[serde(default)]
    line_ending: Option<String>,
}

/// Answers what comes below `/jobs/query`.
pub(crate) fn answer(
    server: &Server,
    called: &Called<'_>,
    steps: &[&str],
) -> Result<Response, Refusal> {
    if called.version < 47 {
        return Err(Refusal::not_found());
    }
    match (called.method.as_str(), steps) {
        ("POST", []) => create(server, called),
        ("GET", []) => Ok(list(server)),
        ("GET", [id]) => look(server, id),
        ("PATCH", [id]) => abort(server, called, id),
        ("DELETE", [id]) => delete(server, id),
        ("GET", [id, "results"]) => results(server, called, id),
        ("GET", [id, "resultPages"]) if called.version >= PARALLEL_SINCE => {
            result_pages(server, called, id)
        }
        (_, [] | [_] | [_, "results"]) => {
            let message = format!("HTTP Method '{}' not allowed", called.method);
            Err(Refusal::bad("METHOD_NOT_ALLOWED", message).status(StatusCode::METHOD_NOT_ALLOWED))
        }
        _ => Err(Refusal::not_found()),
    }
}

fn invalid_job(message: impl Into<String>) -> Refusal {
    Refusal::bad("INVALIDJOB", message)
}

fn create(server: &Server, called: &Called<'_>) -> Result<Response, Refusal> {
    let wanted: Wanted = serde_json::from_slice(called.body)
        .map_err(|error| Refusal::bad("JSON_PARSER_ERROR", format!("{error}")))?;
    let operation = match wanted.operation.as_str() {
        "query" => "query",
        "queryAll" => "queryAll",
        other => return Err(invalid_job(format!("Unsupported operation: {other}"))),
    };
    if wanted.content_type.is_some_and(|kind| kind != "CSV") {
        return Err(invalid_job("Unsupported content type: only CSV is supported"));
    }
    let delimiter = wanted.column_delimiter.unwrap_or_else(|| "COMMA".to_owned());
    let delimiter = *DELIMITERS
        .iter()
        .find(|(name, _)| *name == delimiter)
        .ok_or_else(|| invalid_job(format!("Invalid column delimiter: {delimiter}")))?;
    let line_end = wanted.line_ending.unwrap_or_else(|| "LF".to_owned());
    let line_end = *LINE_ENDS
        .iter()
        .find(|(name, _)| *name == line_end)
        .ok_or_else(|| invalid_job(format!("Invalid line ending: {line_end}")))?;
    let text = wanted.query.ok_or_else(|| invalid_job("query is required"))?;
    let query = read(&text)?;
    refuse_unsupported(&query)?;

    let (org, view) = (server.org(), server.view());
    if let Some(object) = org.catalogue.find(&query.from.text) {
        let object = org.catalogue.at(object);
        let refused = &server.settings.bulk_refused;
        if !object.is_bulkable || refused.iter().any(|name| name.eq_ignore_ascii_case(object.name))
        {
            let message = format!("Entity '{}' is not supported by the Bulk API.", object.name);
            return Err(Refusal::bad("INVALIDENTITY", message));
        }
    }
    let (work, mut failure) = match bind(&text, &query, &org, &view) {
        Ok(plan) => {
            refuse_compound(&plan.output, &org.catalogue)?;
            (Some(Arc::new(Work { org: Arc::clone(&org), view, plan })), None)
        }
        Err(refusal) if server.settings.bulk_fails_late => {
            (None, Some(format!("{}: {}", refusal.code, refusal.message)))
        }
        Err(refusal) => return Err(refusal),
    };
    let (method, path) = (called.method.as_str(), called.uri.path());
    if server.faults.asked(method, path, &Fault::JobFailed) {
        failure = Some("InternalServerError : Retried more than fifteen times".to_owned());
    }
    let is_stuck = server.faults.asked(method, path, &Fault::JobStuck);

    let object = work
        .as_ref()
        .map_or(query.from.text, |work| org.catalogue.at(work.plan.object).name.to_owned());
    let mut state = server.state();
    if state.used_jobs >= server.settings.bulk_daily_jobs {
        let message = format!(
            "Max bulk v2 query jobs ({}) per 24 hrs has been reached",
            server.settings.bulk_daily_jobs
        );
        return Err(Refusal::bad("LIMIT_EXCEEDED", message));
    }
    state.used_jobs += 1;
    let id = RecordId::new(*b"750", state.next_number()).to_string();
    let job = Job {
        id: id.clone(),
        operation,
        object,
        version: called.version,
        delimiter,
        line_end,
        created: org.now.timestamp(),
        polls: 0,
        stage: Stage::UploadComplete,
        is_stuck,
        failure,
        work,
        hits: None,
    };
    let info = info(&job);
    state.jobs.insert(id, job);
    Ok(wire::json(StatusCode::OK, &info))
}

/// Refuses what Bulk does not do, whatever the object.
fn refuse_unsupported(query: &Query) -> Result<(), Refusal> {
    let refuse = |what: &str| {
        let message = format!("FUNCTIONALITY_NOT_ENABLED: {what} not supported in Bulk Query");
        Err(Refusal::bad("API_ERROR", message))
    };
    for item in &query.select {
        match item {
            Item::Figure { .. } => return refuse("Aggregate Relationships"),
            Item::Fields(..) => return refuse("The FIELDS function is"),
            Item::SubQuery(..) => return refuse("Foreign Key Relationships"),
            Item::Field(_) => {}
        }
    }
    if !query.group_by.is_empty() {
        return refuse("GROUP BY is");
    }
    if query.offset.is_some() {
        return refuse("OFFSET is");
    }
    Ok(())
}

fn refuse_compound(output: &Output, catalogue: &super::schema::Catalogue) -> Result<(), Refusal> {
    let Output::Rows(columns) = output else { return Ok(()) };
    let compound = columns.iter().find(|column| column.found.description(catalogue).is_compound());
    match compound {
        None => Ok(()),
        Some(column) => Err(Refusal::bad(
            "API_ERROR",
            format!(
                "FUNCTIONALITY_NOT_ENABLED: Selecting compound data not supported in Bulk Query: {}",
                column.names.join(".")
            ),
        )),
    }
}

/// What is told of a job.
fn info(job: &Job) -> Json {
    let created = instant_text(job.created, "+0000");
    let mut info = json!({
        "id": job.id,
        "operation": job.operation,
        "object": job.object,
        "createdById": integration_user().as_str(),
        "createdDate": created,
        "systemModstamp": created,
        "state": job.stage.name(),
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": f64::from(job.version),
        "jobType": "V2Query",
        "lineEnding": job.line_end.0,
        "columnDelimiter": job.delimiter.0,
    });
    if let Some(map) = info.as_object_mut()
        && job.polls > 0
    {
        let found = job.hits.as_ref().map_or(0, |hits| hits.entries.len());
        let is_failed = job.stage == Stage::Failed;
        map.insert("numberRecordsProcessed".to_owned(), found.into());
        map.insert("retries".to_owned(), if is_failed { RETRIES } else { 0 }.into());
        map.insert("totalProcessingTime".to_owned(), (found / 100 + 33).into());
        if let Some(failure) = job.failure.as_ref().filter(|_| is_failed) {
            map.insert("errorMessage".to_owned(), failure.as_str().into());
        }
    }
    info
}

fn list(server: &Server) -> Response {
    let state = server.state();
    let jobs: Vec<Json> = state.jobs.values().map(info).collect();
    let all = json!({ "done": true, "records": jobs, "nextRecordsUrl": Json::Null });
    wire::json(StatusCode::OK, &all)
}

/// Tells how a job stands. Each look moves it on a little: that is how time passes for it.
fn look(server: &Server, id: &str) -> Result<Response, Refusal> {
    let work = {
        let mut state = server.state();
        let job = state.jobs.get_mut(id).ok_or_else(Refusal::not_found)?;
        let is_under_way = matches!(job.stage, Stage::UploadComplete | Stage::InProgress);
        if !is_under_way {
            return Ok(wire::json(StatusCode::OK, &info(job)));
        }
        job.polls += 1;
        job.stage = Stage::InProgress;
        let is_due = !job.is_stuck && job.polls >= server.settings.bulk_polls;
        if is_due && job.failure.is_some() {
            job.stage = Stage::Failed;
        }
        match &job.work {
            Some(work) if is_due && job.stage == Stage::InProgress => Arc::clone(work),
            _ => return Ok(wire::json(StatusCode::OK, &info(job))),
        }
    };
    // Beside the lock: others need not wait for a long query.
    let with_deleted = server.state().jobs.get(id).is_some_and(|job| job.operation == "queryAll");
    let hits = find(&work.plan, &work.org, &work.view, with_deleted);
    let mut state = server.state();
    let job = state.jobs.get_mut(id).ok_or_else(Refusal::not_found)?;
    if job.stage == Stage::InProgress {
        job.hits = Some(hits);
        job.stage = Stage::JobComplete;
    }
    Ok(wire::json(StatusCode::OK, &info(job)))
}

fn abort(server: &Server, called: &Called<'_>, id: &str) -> Result<Response, Refusal> {
    let wanted: Json = serde_json::from_slice(called.body)
        .map_err(|error| Refusal::bad("JSON_PARSER_ERROR", format!("{error}")))?;
    if wanted.get("state").and_then(Json::as_str) != Some("Aborted") {
        return Err(invalid_job("Only the state Aborted can be set"));
    }
    let mut state = server.state();
    let job = state.jobs.get_mut(id).ok_or_else(Refusal::not_found)?;
    if !matches!(job.stage, Stage::UploadComplete | Stage::InProgress) {
        let message = format!("Aborting already {} Job not allowed", job.stage.name());
        return Err(Refusal::bad("INVALIDJOBSTATE", message));
    }
    job.stage = Stage::Aborted;
    Ok(wire::json(StatusCode::OK, &info(job)))
}

fn delete(server: &Server, id: &str) -> Result<Response, Refusal> {
    let mut state = server.state();
    let job = state.jobs.get(id).ok_or_else(Refusal::not_found)?;
    if job.stage == Stage::InProgress {
        let message = "Deleting a job that is in progress is not allowed: abort it first";
        return Err(Refusal::bad("INVALIDJOBSTATE", message));
    }
    state.jobs.remove(id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A job whose results may be read with this version of the API.
fn complete(server: &Server, called: &Called<'_>, id: &str) -> Result<Job, Refusal> {
    let job = server.state().jobs.get(id).cloned().ok_or_else(Refusal::not_found)?;
    if job.version != called.version {
        let message = format!(
            "The API version {}.0 is not the one that the job was created with: {}.0",
            called.version, job.version
        );
        return Err(Refusal::bad("INVALIDVERSION", message).status(StatusCode::CONFLICT));
    }
    if job.stage != Stage::JobComplete {
        let message = format!("Invalid job state: {}: results are not available", job.stage.name());
        return Err(Refusal::bad("INVALIDJOBSTATE", message));
    }
    Ok(job)
}

fn results(server: &Server, called: &Called<'_>, id: &str) -> Result<Response, Refusal> {
    let invalid = |name: &str| Refusal::bad("INVALIDREQUEST", format!("Invalid value for {name}"));
    let job = complete(server, called, id)?;
    let most = match called.parameter("maxRecords") {
        None => server.settings.bulk_page_rows,
        Some(text) => match text.parse::<usize>() {
            Ok(most) if most > 0 => most.min(server.settings.bulk_page_rows),
            _ => return Err(invalid("maxRecords")),
        },
    };
    let (Some(work), Some(hits)) = (job.work.clone(), job.hits.clone()) else {
        return Err(Refusal::not_found());
    };
    let total = hits.entries.len();
    let from = match called.parameter("locator") {
        None => 0,
        Some(locator) => {
            let from = unlocated(&locator).filter(|from| *from < total);
            let (method, path) = (called.method.as_str(), called.uri.path());
            let is_expired = server.faults.asked(method, path, &Fault::ExpiredCursor);
            from.filter(|_| !is_expired).ok_or_else(|| invalid("locator"))?
        }
    };
    let to = from.saturating_add(most).min(total);
    let (method, path) = (called.method.as_str(), called.uri.path());
    let is_repeated = from < to && server.faults.asked(method, path, &Fault::DuplicateRows);

    let csv = Csv { delimiter: job.delimiter.1, line_end: job.line_end.1, style: server.style() };
    let has_header = total > 0 || server.settings.bulk_empty_has_header;
    let is_compressed = server.settings.gzip && stream::accepts_gzip(called.headers);
    let mut place = from;
    let mut is_first = true;
    let write = move |out: &mut Vec<u8>| {
        let reader = Reader::new(&work.org, &work.view);
        let row = |entry| reader.row(hits.object, &hits.index, entry);
        if std::mem::take(&mut is_first) {
            if has_header {
                csv.header(out, &work.plan);
            }
            if is_repeated && let Some(entry) = hits.entries.get(from) {
                csv.row(out, &work.plan, &row(*entry), &work.org.catalogue);
            }
        }
        let end = (place + 1_000).min(to);
        for entry in hits.entries.get(place..end).unwrap_or(&[]) {
            csv.row(out, &work.plan, &row(*entry), &work.org.catalogue);
        }
        place = end;
        place < to
    };
    let mut response = stream::long("text/csv", is_compressed, write);
    let headers = response.headers_mut();
    let count = to - from + usize::from(is_repeated);
    headers.insert("sforce-numberofrecords", HeaderValue::from(count));
    let next = if to < total { located(to) } else { "null".to_owned() };
    if (to < total || !server.settings.bulk_last_locator_absent)
        && let Ok(next) = HeaderValue::from_str(&next)
    {
        headers.insert("sforce-locator", next);
    }
    Ok(response)
}

/// Up to five pages that can be read side by side.
fn result_pages(server: &Server, called: &Called<'_>, id: &str) -> Result<Response, Refusal> {
    if *called.method != Method::GET {
        return Err(Refusal::not_found());
    }
    let job = complete(server, called, id)?;
    let total = job.hits.as_ref().map_or(0, |hits| hits.entries.len());
    let rows = server.settings.bulk_page_rows.max(1);
    let from = called.parameter("locator").and_then(|locator| unlocated(&locator)).unwrap_or(0);
    let base = format!("{}/jobs/query/{id}", called.base);
    let starts: Vec<usize> = (from..total.max(from + 1)).step_by(rows).collect();
    let pages: Vec<Json> = starts
        .iter()
        .take(PAGES_AT_ONCE)
        .map(|start| match start {
            0 => json!({ "resultUrl": format!("{base}/results") }),
            start => json!({ "resultUrl": format!("{base}/results?locator={}", located(*start)) }),
        })
        .collect();
    let next = starts
        .get(PAGES_AT_ONCE)
        .map(|start| format!("{base}/resultPages?locator={}", located(*start)));
    let reply = json!({ "resultPages": pages, "nextRecordsUrl": next, "done": next.is_none() });
    Ok(wire::json(StatusCode::OK, &reply))
}

/// A locator: opaque to clients, and the same place whenever it is asked for.
fn located(row: usize) -> String {
    format!("Mz{row:x}Q4N")
}

fn unlocated(locator: &str) -> Option<usize> {
    let row = locator.strip_prefix("Mz")?.strip_suffix("Q4N")?;
    usize::from_str_radix(row, 16).ok()
}
