//! Records by the page, one by one, and by their ids.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{Answer, Asked, Reply};
use super::associations;
use super::ids::Kind;
use super::problem::Problem;
use super::record::{self, Selection, separated};
use super::value::stamp_text;
use super::view::View;

/// The longest page.
const LONGEST: usize = 100;

/// The longest page with histories, and the most ids of a batch with histories.
const LONGEST_WITH_HISTORY: usize = 50;

/// `GET /crm/v3/objects/{type}`.
pub(super) fn page(view: &View, asked: &Asked, kind: Kind, repeats: bool) -> Answer {
    let with_history = asked.list("propertiesWithHistory");
    let limit = asked.limit(10, LONGEST)?;
    if !with_history.is_empty() && limit > LONGEST_WITH_HISTORY {
        return Err(Problem::invalid(format!(
            "The limit must be at most {LONGEST_WITH_HISTORY} when propertiesWithHistory is \
             requested; it was {limit}."
        )));
    }
    let selection = selection(view, asked, kind)?;
    let archived = asked.is_set("archived")?;
    let index = view.index(kind);
    let from = asked.after()?.and_then(|id| kind.number(id)).map_or(0, |last| index.after(last));
    let mut positions: Vec<usize> = (from..index.len())
        .filter(|position| index.is_archived(*position) == archived)
        .take(limit + 1)
        .collect();
    let has_more = positions.len() > limit;
    positions.truncate(limit);
    let after = positions.last().filter(|_| has_more).map(|last| kind.id(index.number(*last)));
    if repeats {
        positions.extend(positions.first().copied());
    }

    let mut out = Vec::with_capacity(positions.len() * 1_024);
    out.extend_from_slice(b"{\"results\":[");
    write_all(view, kind, &selection, &positions, &mut out);
    out.push(b']');
    out.extend_from_slice(asked.paging(after).as_bytes());
    out.push(b'}');
    Ok(Reply::written(out))
}

/// Writes records with commas between them.
pub(super) fn write_all(
    view: &View,
    kind: Kind,
    selection: &Selection,
    positions: &[usize],
    out: &mut Vec<u8>,
) {
    let mut reader = view.reader(kind);
    separated(out, positions, |out, position| {
        reader.go(*position);
        record::write(view, &*reader, selection, out);
    });
}

/// `GET /crm/v3/objects/{type}/{id}`. The id of a record that was merged away shows the survivor.
pub(super) fn one(view: &View, asked: &Asked, kind: Kind, id: &str) -> Answer {
    if let Some(property) = asked.one("idProperty").filter(|name| *name != "hs_object_id") {
        return Err(Problem::invalid(format!("{property} is not a unique property")));
    }
    let selection = selection(view, asked, kind)?;
    let archived = asked.is_set("archived")?;
    let index = view.index(kind);
    let number = id.parse().ok().and_then(|id| kind.number(id));
    let position = number
        .and_then(|number| index.resolve(number))
        .filter(|position| index.is_archived(*position) == archived)
        .ok_or_else(|| {
            Problem::not_found("Object not found.  objectId are usually numeric.")
                .with("context", json!({ "objectId": [id] }))
        })?;
    let mut out = Vec::new();
    write_all(view, kind, &selection, &[position], &mut out);
    Ok(Reply::written(out))
}

fn selection(view: &View, asked: &Asked, kind: Kind) -> Result<Selection, Problem> {
    let with_history = asked.list("propertiesWithHistory");
    let mut kinds = Vec::new();
    for name in asked.list("associations") {
        let to = Kind::find(&name)
            .filter(|to| associations::bonds(kind, *to).is_some())
            .ok_or_else(|| unassociable(kind, &name))?;
        kinds.push(to);
    }
    kinds.dedup();
    let selection = Selection::new(view, kind, &asked.list("properties"), &with_history);
    Ok(selection.with_associations(kinds))
}

/// Records of these kinds never belong together.
pub(super) fn unassociable(from: Kind, to: &str) -> Problem {
    let from = from.facts().singular;
    Problem::invalid(format!("No associations are defined from {from} to {to}"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default)]
    properties_with_history: Vec<String>,
    inputs: Vec<Input>,
    #[serde(default)]
    id_property: Option<String>,
}

#[derive(Deserialize)]
struct Input {
    id: Value,
}

/// `POST /crm/v3/objects/{type}/batch/read`. Ids that nobody knows are told in `errors`, with 207.
/// What was merged away is not found here; whether HubSpot shows the survivor is not documented.
pub(super) fn batch(view: &View, asked: &Asked, kind: Kind) -> Answer {
    let batch: Batch = asked.json()?;
    let archived = asked.is_set("archived")?;
    let most = match batch.properties_with_history.as_slice() {
        [] => LONGEST,
        _ => LONGEST_WITH_HISTORY,
    };
    if batch.inputs.len() > most {
        return Err(Problem::invalid(format!(
            "The maximum number of inputs supported in a batch request for this is {most}; there \
             were {}.",
            batch.inputs.len()
        )));
    }
    if let Some(property) = batch.id_property.filter(|name| name != "hs_object_id") {
        return Err(Problem::invalid(format!("{property} is not a unique property")));
    }
    let index = view.index(kind);
    let (mut positions, mut missing) = (Vec::new(), Vec::new());
    for Input { id } in &batch.inputs {
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let number = id.parse().ok().and_then(|id| kind.number(id));
        let position = number.and_then(|number| index.find(number));
        match position.filter(|position| index.is_archived(*position) == archived) {
            Some(position) => positions.push(position),
            None => missing.push(id),
        }
    }
    positions.sort_unstable();
    positions.dedup();

    let selection = Selection::new(view, kind, &batch.properties, &batch.properties_with_history);
    let now = stamp_text(view.now);
    let mut out = Vec::with_capacity(positions.len() * 1_024);
    out.extend_from_slice(b"{\"status\":\"COMPLETE\",\"results\":[");
    write_all(view, kind, &selection, &positions, &mut out);
    out.push(b']');
    if !missing.is_empty() {
        let errors = json!([{
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "message": format!(
                "Could not get some {} objects, they may be deleted or not exist. Check that ids \
                 are valid.",
                kind.facts().singular.to_uppercase()
            ),
            "context": { "ids": missing },
            "errors": [],
            "links": {},
        }]);
        out.extend_from_slice(format!(",\"numErrors\":1,\"errors\":{errors}").as_bytes());
    }
    let times =
        format!(",\"requestedAt\":\"{now}\",\"startedAt\":\"{now}\",\"completedAt\":\"{now}\"}}");
    out.extend_from_slice(times.as_bytes());
    let status = if missing.is_empty() { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    Ok(Reply::written(out).with_status(status))
}
