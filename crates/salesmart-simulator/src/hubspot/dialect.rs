//! What the shared machinery asks of HubSpot: its errors, its counts and its records.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::associations::{self, bonds, category};
use super::ids::Kind;
use super::problem::{Policy, Problem, too_many};
use super::record::{self, Selection, definitions, write_version};
use super::value::string;
use super::view::View;
use super::{Server, forecast, portal};
use crate::wire::{Count, Dialect, Records, SharedWorld};

/// How many records are made at once; a reader finds neighbours faster.
const BATCH: usize = 256;

impl Dialect for Server {
    fn world(&self) -> &SharedWorld {
        &self.world
    }

    fn unauthorized(&self) -> Response {
        Problem::expired().into_response()
    }

    fn quota_exhausted(&self) -> Response {
        too_many(Policy::Daily)
    }

    fn too_many_requests(&self) -> Response {
        too_many(Policy::TenSecondly)
    }

    fn counts(&self) -> BTreeMap<String, Count> {
        let view = self.view();
        let mut counts = BTreeMap::new();
        for kind in Kind::ALL {
            let index = view.index(kind);
            let count = Count { all: index.len() as u64, live: index.live() };
            counts.insert(kind.facts().plural.to_owned(), count);
        }
        let people = view.world.people();
        let live = people.iter().filter(|person| !portal::has_left(&view, person)).count();
        let owners = Count { all: people.len() as u64, live: live as u64 };
        counts.insert("owners".to_owned(), owners);
        counts
    }

    /// Objects by their plural, `owners`, `forecast_submissions`, associations such as
    /// `deals_to_contacts`, and whole histories such as `deals_history`.
    fn records(&self, object: &str) -> Option<Records> {
        let view = self.view();
        if object == "owners" {
            let people = view.world.people();
            let owners: Vec<String> =
                people.iter().map(|person| portal::owner(&view, person).to_string()).collect();
            return Some(Box::new(owners.into_iter()));
        }
        if object == "forecast_submissions" {
            let events = forecast::events(&view).into_iter();
            return Some(Box::new(events.map(|(_, _, event)| event.to_string())));
        }
        if let Some(kind) = Kind::find(object) {
            let selection = Selection::everything(&view, kind);
            return Some(each(view, kind, move |view, reader, lines| {
                let mut line = Vec::with_capacity(1_024);
                record::write(view, reader, &selection, &mut line);
                lines.push(text(line));
            }));
        }
        if let Some(kind) = object.strip_suffix("_history").and_then(Kind::find) {
            let places = definitions(&view, kind);
            return Some(each(view, kind, move |_, reader, lines| {
                for (place, definition) in &places {
                    for version in reader.history(*place) {
                        let id = kind.id(reader.number());
                        let mut line =
                            format!("{{\"object_id\":\"{id}\",\"property\":").into_bytes();
                        string(&mut line, definition.name);
                        line.push(b',');
                        write_version(&version, &mut line);
                        line.push(b'}');
                        lines.push(text(line));
                    }
                }
            }));
        }
        let (from, to) = object.split_once("_to_")?;
        let (from, to) = (Kind::find(from)?, Kind::find(to)?);
        let bonds = bonds(from, to)?;
        Some(each(view, from, move |view, reader, lines| {
            if reader.archived().is_some() {
                return;
            }
            for number in associations::linked(view, from, reader, to) {
                for bond in bonds {
                    let line = json!({
                        "from_id": from.id(reader.number()).to_string(),
                        "to_id": to.id(number).to_string(),
                        "type_id": bond.id,
                        "category": category(from, to),
                        "label": bond.label,
                    });
                    lines.push(line.to_string());
                }
            }
        }))
    }
}

/// The lines of every record of a kind, made a few records at a time.
fn each(
    view: Arc<View>,
    kind: Kind,
    write: impl Fn(&View, &dyn super::table::Reader, &mut Vec<String>) + Send + 'static,
) -> Records {
    let mut next = 0;
    let batches = std::iter::from_fn(move || {
        let to = (next + BATCH).min(view.index(kind).len());
        if next == to {
            return None;
        }
        let mut reader = view.reader(kind);
        let mut lines = Vec::new();
        for position in next..to {
            reader.go(position);
            write(&view, &*reader, &mut lines);
        }
        next = to;
        Some(lines)
    });
    Box::new(batches.flatten())
}

fn text(line: Vec<u8>) -> String {
    String::from_utf8(line).expect("what is written here is UTF-8")
}
