//! What was deleted and what was changed between two instants.

use axum::http::Method;
use axum::response::Response;
use chrono::{DateTime, Days};
use serde_json::json;

use super::org::Org;
use super::refusal::Refusal;
use super::rest::visible;
use super::schema::Object;
use super::server::{Called, Server};
use super::value::instant_text;

/// The shortest span that can be asked for, in seconds.
const SHORTEST: i64 = 60;

/// A span that was asked for, in seconds since 1970.
struct Span {
    from: i64,
    /// The last second it covers: neither after `end` nor after now.
    to: i64,
}

/// `GET /sobjects/X/deleted`.
pub(crate) fn deleted(
    server: &Server,
    called: &Called<'_>,
    object: &str,
) -> Result<Response, Refusal> {
    let (org, place, span) = asked(server, called, object)?;
    let index = org.index(place);
    let entries = index.deletions(span.from, span.to);
    check_count(server, entries.len())?;
    let description = org.catalogue.at(place);
    let records: Vec<_> = entries
        .iter()
        .map(|entry| {
            json!({
                "deletedDate": instant_text(index.stamp(*entry), "+0000"),
                "id": description.id(entry.number()).as_str(),
            })
        })
        .collect();
    let reply = json!({
        "deletedRecords": records,
        "earliestDateAvailable": instant_text(org.deletions_since(), "+0000"),
        "latestDateCovered": instant_text(span.to, "+0000"),
    });
    Ok(server.json(called, reply.to_string().into_bytes()))
}

/// `GET /sobjects/X/updated`.
pub(crate) fn updated(
    server: &Server,
    called: &Called<'_>,
    object: &str,
) -> Result<Response, Refusal> {
    let (org, place, span) = asked(server, called, object)?;
    let index = org.index(place);
    let description = org.catalogue.at(place);
    let ids: Vec<String> = index
        .between(span.from, span.to)
        .iter()
        .filter(|entry| !entry.is_deleted())
        .map(|entry| description.id(entry.number()).to_string())
        .collect();
    check_count(server, ids.len())?;
    let reply = json!({ "ids": ids, "latestDateCovered": instant_text(span.to, "+0000") });
    Ok(server.json(called, reply.to_string().into_bytes()))
}

fn check_count(server: &Server, count: usize) -> Result<(), Refusal> {
    if count > server.settings.replication_ids {
        return Err(Refusal::bad(
            "EXCEEDED_ID_LIMIT",
            format!("exceeded {} ids, use a smaller date range", server.settings.replication_ids),
        ));
    }
    Ok(())
}

fn asked(
    server: &Server,
    called: &Called<'_>,
    object: &str,
) -> Result<(std::sync::Arc<Org>, usize, Span), Refusal> {
    if *called.method != Method::GET {
        return Err(Refusal::not_found());
    }
    let (org, view) = (server.org(), server.view());
    let place = visible(&org, &view, object)?;
    let description: &Object = org.catalogue.at(place);
    if !description.is_replicateable {
        let message = format!("object type {} is not replicateable", description.name);
        return Err(Refusal::bad("INVALID_TYPE_FOR_OPERATION", message));
    }
    let start = instant(called, "start")?;
    let end = instant(called, "end")?;
    let invalid = |message: &str| Err(Refusal::bad("INVALID_REPLICATION_DATE", message));
    if end - start < SHORTEST {
        return invalid("endDate must be at least one minute greater than startDate");
    }
    let now = org.now.timestamp();
    if start > now {
        return invalid("startDate cannot be in the future");
    }
    let reach = org.now.checked_sub_days(Days::new(server.settings.replication_days.into()));
    if reach.is_some_and(|reach| start < reach.timestamp()) {
        return invalid("startDate before org replication enabled date");
    }
    // Seconds play no part: spans begin and end on minutes.
    let minute = |at: i64| at - at.rem_euclid(60);
    let span = Span { from: minute(start), to: minute(end).min(now) };
    Ok((org, place, span))
}

fn instant(called: &Called<'_>, name: &str) -> Result<i64, Refusal> {
    let text = called.parameter(name).unwrap_or_default();
    let parsed = DateTime::parse_from_rfc3339(&text)
        .or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f%z"));
    parsed.map(|at| at.timestamp()).map_err(|_| {
        Refusal::bad(
            "INVALID_REPLICATION_DATE",
            format!("{name}: '{text}' is not a valid dateTime"),
        )
    })
}
