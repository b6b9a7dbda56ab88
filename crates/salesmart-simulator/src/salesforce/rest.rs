//! The REST API: objects, records, queries and their pages, limits.

use std::sync::Arc;

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::bind::{bind, read};
use super::ids::RecordId;
use super::org::{Org, Reader};
use super::plan::{Output, Plan};
use super::refusal::Refusal;
use super::run::{Tree, find, groups};
use super::schema::{View, describe, summary};
use super::server::{Called, Server};
use super::state::Answer;
use super::value::write_json_text;
use crate::wire::{self, Fault};

/// Answers what is neither Bulk nor replication.
pub(crate) fn answer(
    server: &Server,
    called: &Called<'_>,
    steps: &[&str],
) -> Result<Response, Refusal> {
    if *called.method != Method::GET && *called.method != Method::HEAD {
        let message = format!("HTTP Method '{}' not allowed. Allowed are HEAD,GET", called.method);
        return Err(
            Refusal::bad("METHOD_NOT_ALLOWED", message).status(StatusCode::METHOD_NOT_ALLOWED)
        );
    }
    match steps {
        [] => Ok(resources(called)),
        ["limits"] => Ok(limits(server)),
        ["sobjects"] => Ok(list(server, called)),
        ["sobjects", object] => basic(server, called, object),
        ["sobjects", object, "describe"] => {
            let (org, view) = (server.org(), server.view());
            let place = visible(&org, &view, object)?;
            let described = describe(org.catalogue.at(place), &view, &called.base);
            Ok(server.json(called, described.to_string().into_bytes()))
        }
        ["sobjects", object, id] => record(server, called, object, id),
        ["query"] => query(server, called, false),
        ["queryAll"] => query(server, called, true),
        ["query" | "queryAll", locator] => more(server, called, locator),
        _ => Err(Refusal::not_found()),
    }
}

fn resources(called: &Called<'_>) -> Response {
    let base = &called.base;
    let resources: serde_json::Map<_, _> = ["sobjects", "query", "queryAll", "limits", "jobs"]
        .into_iter()
        .map(|name| (name.to_owned(), format!("{base}/{name}").into()))
        .collect();
    wire::json(StatusCode::OK, &resources.into())
}

fn limits(server: &Server) -> Response {
    let settings = &server.settings;
    let (requests, jobs) = {
        let state = server.state();
        (state.used_requests, state.used_jobs)
    };
    let limit =
        |most: u64, used: u64| json!({ "Max": most, "Remaining": most.saturating_sub(used) });
    wire::json(
        StatusCode::OK,
        &json!({
            "ConcurrentAsyncGetReportInstances": limit(200, 0),
            "DailyApiRequests": limit(settings.daily_requests, requests),
            "DailyBulkApiBatches": limit(15_000, 0),
            "DailyBulkV2QueryFileStorageMB": limit(976_562, 0),
            "DailyBulkV2QueryJobs": limit(settings.bulk_daily_jobs, jobs),
            "DataStorageMB": limit(1_024, 512),
            "FileStorageMB": limit(1_024, 16),
            "SingleEmail": limit(5_000, 0),
        }),
    )
}

/// The place of an object that the user sees.
pub(crate) fn visible(org: &Org, view: &View, name: &str) -> Result<usize, Refusal> {
    let place = org.catalogue.find(name);
    place.filter(|place| view.shows(org.catalogue.at(*place))).ok_or_else(Refusal::not_found)
}

fn list(server: &Server, called: &Called<'_>) -> Response {
    let (org, view) = (server.org(), server.view());
    let objects: Vec<_> = org
        .catalogue
        .objects()
        .iter()
        .filter(|object| view.shows(object))
        .map(|object| summary(object, &called.base))
        .collect();
    let all = json!({ "encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects });
    server.json(called, all.to_string().into_bytes())
}

fn basic(server: &Server, called: &Called<'_>, object: &str) -> Result<Response, Refusal> {
    let (org, view) = (server.org(), server.view());
    let place = visible(&org, &view, object)?;
    let summary = summary(org.catalogue.at(place), &called.base);
    let all = json!({ "objectDescribe": summary, "recentItems": [] });
    Ok(server.json(called, all.to_string().into_bytes()))
}

/// One record with all fields, or with those that are named.
fn record(
    server: &Server,
    called: &Called<'_>,
    object: &str,
    id: &str,
) -> Result<Response, Refusal> {
    let (org, view) = (server.org(), server.view());
    let place = visible(&org, &view, object)?;
    let missing = || {
        let message =
            format!("Provided external ID field does not exist or is not accessible: {id}");
        Refusal::bad("NOT_FOUND", message).status(StatusCode::NOT_FOUND)
    };
    let id = RecordId::parse(id).ok_or_else(missing)?;
    let reader = Reader::new(&org, &view);
    let row = reader.find(place, &id).ok_or_else(missing)?;
    if row.is_deleted() {
        return Err(
            Refusal::bad("ENTITY_IS_DELETED", "entity is deleted").status(StatusCode::NOT_FOUND)
        );
    }
    let tree = match called.parameter("fields") {
        None => Tree::whole(org.catalogue.at(place), &view),
        Some(fields) => {
            let text = format!("SELECT {fields} FROM {}", org.catalogue.at(place).name);
            Tree::new(&bind(&text, &read(&text)?, &org, &view)?)
        }
    };
    let mut out = Vec::new();
    tree.write(&mut out, &row, &called.base, server.style());
    Ok(server.json(called, out))
}

fn query(server: &Server, called: &Called<'_>, with_deleted: bool) -> Result<Response, Refusal> {
    let text = called
        .parameter("q")
        .ok_or_else(|| Refusal::bad("MALFORMED_QUERY", "A query string has to be specified"))?;
    let (org, view) = (server.org(), server.view());
    let plan = bind(&text, &read(&text)?, &org, &view)?;
    match plan.output {
        Output::Count => {
            let count = find(&plan, &org, &view, with_deleted).entries.len();
            let out = format!("{{\"totalSize\":{count},\"done\":true,\"records\":[]}}");
            Ok(server.json(called, out.into_bytes()))
        }
        Output::Groups { .. } => {
            let (count, records) = groups(&plan, &org, &view, server.style(), with_deleted)?;
            let mut out =
                format!("{{\"totalSize\":{count},\"done\":true,\"records\":[").into_bytes();
            out.extend(records);
            out.extend_from_slice(b"]}");
            Ok(server.json(called, out))
        }
        Output::Rows(_) => {
            let hits = find(&plan, &org, &view, with_deleted);
            if server.settings.most_query_rows.is_some_and(|most| hits.entries.len() > most) {
                let message = "Your query request was running for too long.";
                return Err(Refusal::bad("QUERY_TIMEOUT", message));
            }
            let page_rows = page_rows(server, called.headers, &plan);
            let answer = Arc::new(Answer { org, view, plan, hits, page_rows });
            let id = if answer.hits.entries.len() > page_rows {
                let now = server.world.read().now();
                Some(server.state().open(Arc::clone(&answer), now, server.settings.open_cursors))
            } else {
                None
            };
            Ok(page(server, called, &answer, id.as_deref(), 0))
        }
    }
}

/// How many rows a page has: what the client wishes for is a hint, and wide rows come in smaller ones.
fn page_rows(server: &Server, headers: &HeaderMap, plan: &Plan) -> usize {
    let settings = &server.settings;
    let wish = headers
        .get("sforce-query-options")
        .and_then(|value| value.to_str().ok())
        .into_iter()
        .flat_map(|value| value.split([',', ';']))
        .find_map(|option| option.trim().strip_prefix("batchSize=")?.trim().parse::<usize>().ok());
    let rows = wish.map_or(settings.page_rows, |wish| wish.clamp(200, 2_000));
    let is_wide = match &plan.output {
        Output::Rows(columns) => columns.len() > settings.wide_row_fields,
        _ => false,
    };
    if is_wide { rows.min(settings.wide_page_rows).max(1) } else { rows.max(1) }
}

/// The next page of a query: `01g…-2000`.
fn more(server: &Server, called: &Called<'_>, locator: &str) -> Result<Response, Refusal> {
    let invalid = || Refusal::bad("INVALID_QUERY_LOCATOR", "invalid query locator");
    let (id, from) = locator.split_once('-').ok_or_else(invalid)?;
    let from: usize = from.parse().map_err(|_| invalid())?;
    let is_expired =
        server.faults.asked(called.method.as_str(), called.uri.path(), &Fault::ExpiredCursor);
    let now = server.world.read().now();
    let answer = {
        let mut state = server.state();
        let lives = chrono::TimeDelta::days(server.settings.cursor_days.into());
        state
            .cursors
            .retain(|cursor| !(is_expired && cursor.id == id) && now - cursor.born < lives);
        let cursor = state.cursors.iter().find(|cursor| cursor.id == id).ok_or_else(invalid)?;
        Arc::clone(&cursor.answer)
    };
    if from >= answer.hits.entries.len() {
        return Err(invalid());
    }
    Ok(page(server, called, &answer, Some(id), from))
}

fn page(
    server: &Server,
    called: &Called<'_>,
    answer: &Answer,
    id: Option<&str>,
    from: usize,
) -> Response {
    let Answer { org, view, plan, hits, page_rows } = answer;
    let (total, style) = (hits.entries.len(), server.style());
    let to = from.saturating_add(*page_rows).min(total);
    let mut out = format!("{{\"totalSize\":{total},\"done\":{}", to == total).into_bytes();
    if to < total
        && let Some(id) = id
    {
        out.extend_from_slice(b",\"nextRecordsUrl\":");
        write_json_text(&mut out, &format!("{}/query/{id}-{to}", called.base));
    } else if let Some(id) = id {
        server.state().finish(id);
    }
    out.extend_from_slice(b",\"records\":[");
    let tree = Tree::new(plan);
    let reader = Reader::new(org, view);
    let page = hits.entries.get(from..to).unwrap_or(&[]);
    let is_repeated =
        server.faults.asked(called.method.as_str(), called.uri.path(), &Fault::DuplicateRows);
    let repeated = page.first().filter(|_| is_repeated);
    for (place, entry) in page.iter().chain(repeated).enumerate() {
        if place > 0 {
            out.push(b',');
        }
        tree.write(&mut out, &reader.row(hits.object, &hits.index, *entry), &called.base, style);
    }
    out.extend_from_slice(b"]}");
    server.json(called, out)
}
