//! The endpoints of associations: v4 one by one and in batches, and v3 one by one.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{Answer, Asked, Reply, cursor};
use super::associations::{self, Bond, bonds, category};
use super::ids::Kind;
use super::lists::unassociable;
use super::problem::Problem;
use super::value::stamp_text;
use super::view::View;

/// The most ids of a batch.
const LARGEST_BATCH: usize = 1_000;

/// The records one record belongs to, a page of them.
struct Page {
    numbers: Vec<u64>,
    /// The last id, if there is another page.
    after: Option<u64>,
}

/// A page of the records of `to` that a record belongs to; none: there is no such record.
fn page(
    view: &View,
    from: Kind,
    id: &str,
    to: Kind,
    after: Option<u64>,
    limit: usize,
) -> Option<Page> {
    let index = view.index(from);
    let number = id.parse().ok().and_then(|id| from.number(id))?;
    let position = index.find(number).filter(|position| !index.is_archived(*position))?;
    let mut reader = view.reader(from);
    reader.go(position);
    let mut numbers = associations::linked(view, from, &*reader, to);
    if let Some(after) = after.and_then(|after| to.number(after)) {
        numbers.retain(|number| *number > after);
    }
    let has_more = numbers.len() > limit;
    numbers.truncate(limit);
    let after = numbers.last().filter(|_| has_more).map(|last| to.id(*last));
    Some(Page { numbers, after })
}

/// `GET /crm/v4/objects/{type}/{id}/associations/{toType}`.
pub(super) fn v4(view: &View, asked: &Asked, from: Kind, id: &str, to: Kind) -> Answer {
    let limit = asked.limit(500, 500)?.min(view.settings.association_page);
    let bonds = known(from, to)?;
    let page = page(view, from, id, to, asked.after()?, limit).ok_or_else(|| no_such(from, id))?;
    let results: Vec<Value> =
        page.numbers.iter().map(|number| target(view, from, to, *number, bonds)).collect();
    let paging = asked.paging(page.after);
    Ok(Reply::written(format!("{{\"results\":{}{paging}}}", Value::from(results)).into_bytes()))
}

/// `GET /crm/v3/objects/{type}/{id}/associations/{toType}`.
pub(super) fn v3(view: &View, asked: &Asked, from: Kind, id: &str, to: Kind) -> Answer {
    let limit = asked.limit(500, 500)?.min(view.settings.association_page);
    let bonds = known(from, to)?;
    let page = page(view, from, id, to, asked.after()?, limit).ok_or_else(|| no_such(from, id))?;
    let each = page.numbers.iter().flat_map(|number| {
        bonds.iter().map(|bond| json!({ "id": to.id(*number).to_string(), "type": bond.name }))
    });
    let results: Vec<Value> = each.collect();
    let paging = asked.paging(page.after);
    Ok(Reply::written(format!("{{\"results\":{}{paging}}}", Value::from(results)).into_bytes()))
}

#[derive(Deserialize)]
struct Batch {
    inputs: Vec<Input>,
}

#[derive(Deserialize)]
struct Input {
    id: Value,
    #[serde(default)]
    after: Option<String>,
}

/// `POST /crm/v4/associations/{from}/{to}/batch/read`. A record without associations is told in
/// `errors`, with 207.
pub(super) fn batch(view: &View, asked: &Asked, from: Kind, to: Kind) -> Answer {
    let batch: Batch = asked.json()?;
    let bonds = known(from, to)?;
    if batch.inputs.len() > LARGEST_BATCH {
        return Err(Problem::invalid(format!(
            "The maximum number of inputs supported in a batch request for associations is \
             {LARGEST_BATCH}; there were {}.",
            batch.inputs.len()
        )));
    }
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for Input { id, after } in &batch.inputs {
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let after = after.as_deref().filter(|after| !after.is_empty()).map(cursor).transpose()?;
        match page(view, from, &id, to, after, view.settings.association_page) {
            Some(page) if !page.numbers.is_empty() => {
                let targets: Vec<Value> = page
                    .numbers
                    .iter()
                    .map(|number| target(view, from, to, *number, bonds))
                    .collect();
                let mut result = json!({ "from": { "id": id }, "to": targets });
                if let Some(after) = page.after {
                    let after = after.to_string();
                    let link = format!(
                        "{}/crm/v4/objects/{}/{id}/associations/{}?after={after}",
                        asked.base,
                        from.facts().plural,
                        to.facts().plural
                    );
                    result["paging"] = json!({ "next": { "after": after, "link": link } });
                }
                results.push(result);
            }
            _ => errors.push(json!({
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                "message": format!(
                    "No {} is associated with {} {id}.",
                    to.facts().singular,
                    from.facts().singular
                ),
                "context": {
                    "fromObjectId": [id],
                    "fromObjectType": [from.facts().singular],
                    "toObjectType": [to.facts().singular],
                },
                "errors": [],
                "links": {},
            })),
        }
    }
    let now = stamp_text(view.now);
    let mut body = json!({
        "status": "COMPLETE",
        "results": results,
        "startedAt": now,
        "completedAt": now,
    });
    let mut status = StatusCode::OK;
    if !errors.is_empty() {
        status = StatusCode::MULTI_STATUS;
        body["numErrors"] = json!(errors.len());
        body["errors"] = Value::from(errors);
    }
    Ok(Reply::ok(&body).with_status(status))
}

/// `GET /crm/v4/associations/{from}/{to}/labels`.
pub(super) fn labels(from: Kind, to: Kind) -> Answer {
    let types = known(from, to)?.iter().map(
        |bond| json!({ "category": category(from, to), "typeId": bond.id, "label": bond.label }),
    );
    Ok(Reply::ok(&json!({ "results": types.collect::<Vec<_>>() })))
}

fn target(view: &View, from: Kind, to: Kind, number: u64, bonds: &[Bond]) -> Value {
    let id = to.id(number);
    let id = if view.settings.numeric_to_object_id { json!(id) } else { json!(id.to_string()) };
    let types = bonds.iter().map(
        |bond| json!({ "category": category(from, to), "typeId": bond.id, "label": bond.label }),
    );
    json!({ "toObjectId": id, "associationTypes": types.collect::<Vec<_>>() })
}

fn known(from: Kind, to: Kind) -> Result<&'static [Bond], Problem> {
    bonds(from, to).ok_or_else(|| unassociable(from, to.facts().plural))
}

fn no_such(from: Kind, id: &str) -> Problem {
    Problem::not_found(format!("{} {id} could not be found.", from.facts().singular))
}
