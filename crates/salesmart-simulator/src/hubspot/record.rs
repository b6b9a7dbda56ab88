//! A record as JSON, with what was asked for of it.

use std::collections::BTreeSet;

use super::associations::{self, bonds};
use super::ids::{self, Kind};
use super::property::Definition;
use super::table::{Reader, Version};
use super::value::{stamp, string};
use super::view::View;

/// What was asked for of the records of a kind.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    kind: Kind,
    /// The places and names of the properties.
    properties: Vec<(usize, &'static str)>,
    with_history: Vec<(usize, &'static str)>,
    associations: Vec<Kind>,
}

impl Selection {
    /// The properties with these names; without any, the default ones. Names that nobody knows
    /// are passed over, as HubSpot does.
    pub(super) fn new(view: &View, kind: Kind, names: &[String], with_history: &[String]) -> Self {
        let facts = kind.facts();
        let mut wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        if wanted.is_empty() {
            wanted.extend(facts.default);
        }
        wanted.extend([facts.created, facts.modified, "hs_object_id"]);
        Self {
            kind,
            properties: places(view, kind, &wanted),
            with_history: places(view, kind, &with_history.iter().map(String::as_str).collect()),
            associations: Vec::new(),
        }
    }

    /// Everything there is, without histories.
    pub(super) fn everything(view: &View, kind: Kind) -> Self {
        let names = definitions(view, kind).into_iter().map(|(_, definition)| definition.name);
        let properties = places(view, kind, &names.collect());
        Self { kind, properties, with_history: Vec::new(), associations: Vec::new() }
    }

    /// The same with inline associations to these kinds.
    pub(super) fn with_associations(mut self, associations: Vec<Kind>) -> Self {
        self.associations = associations;
        self
    }
}

/// The properties that are there, with their places.
pub(super) fn definitions(view: &View, kind: Kind) -> Vec<(usize, Definition)> {
    let all = view.table(kind).definitions().into_iter().enumerate();
    all.filter(|(_, definition)| definition.is_there(&view.flags)).collect()
}

fn places(view: &View, kind: Kind, names: &BTreeSet<&str>) -> Vec<(usize, &'static str)> {
    let there = definitions(view, kind).into_iter();
    let mut places: Vec<_> = there
        .filter(|(_, definition)| names.contains(definition.name))
        .map(|(place, definition)| (place, definition.name))
        .collect();
    places.sort_by_key(|(_, name)| *name);
    places
}

/// Writes the record the reader is at.
pub(super) fn write(view: &View, reader: &dyn Reader, selection: &Selection, out: &mut Vec<u8>) {
    let kind = selection.kind;
    out.extend_from_slice(format!("{{\"id\":\"{}\"", kind.id(reader.number())).as_bytes());
    out.extend_from_slice(b",\"properties\":{");
    separated(out, &selection.properties, |out, (place, name)| {
        key(out, name);
        reader.value(*place, out);
    });
    out.push(b'}');
    if !selection.with_history.is_empty() {
        out.extend_from_slice(b",\"propertiesWithHistory\":{");
        separated(out, &selection.with_history, |out, (place, name)| {
            key(out, name);
            write_history(view, kind, &reader.history(*place), out);
        });
        out.push(b'}');
    }
    out.extend_from_slice(b",\"createdAt\":");
    stamp(out, reader.created());
    out.extend_from_slice(b",\"updatedAt\":");
    stamp(out, reader.modified());
    match reader.archived() {
        Some(at) => {
            out.extend_from_slice(b",\"archived\":true,\"archivedAt\":");
            stamp(out, at);
        }
        None => out.extend_from_slice(b",\"archived\":false"),
    }
    write_associations(view, reader, selection, out);
    out.push(b'}');
}

/// A history as HubSpot cuts it off.
fn write_history(view: &View, kind: Kind, versions: &[Version], out: &mut Vec<u8>) {
    let longest = match kind {
        Kind::Contacts => view.settings.contact_history_length,
        _ => view.settings.history_length,
    };
    out.push(b'[');
    separated(out, &versions[..versions.len().min(longest)], |out, version| {
        out.push(b'{');
        write_version(version, out);
        out.push(b'}');
    });
    out.push(b']');
}

/// The members of one value of a history.
pub(super) fn write_version(version: &Version, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"value\":");
    out.extend_from_slice(&version.value);
    out.extend_from_slice(b",\"timestamp\":");
    stamp(out, version.at);
    match version.by.map(ids::user) {
        Some(user) => {
            let by = format!(
                ",\"sourceType\":\"CRM_UI\",\"sourceId\":\"userId:{user}\",\
                 \"sourceLabel\":null,\"updatedByUserId\":{user}"
            );
            out.extend_from_slice(by.as_bytes());
        }
        None => out.extend_from_slice(
            b",\"sourceType\":\"CALCULATED\",\"sourceId\":null,\"sourceLabel\":null,\
              \"updatedByUserId\":null",
        ),
    }
}

/// Inline associations; they have pages of their own.
fn write_associations(view: &View, reader: &dyn Reader, selection: &Selection, out: &mut Vec<u8>) {
    let from = selection.kind;
    let mut is_first = true;
    for to in &selection.associations {
        let (numbers, bonds) =
            (associations::linked(view, from, reader, *to), bonds(from, *to).unwrap_or_default());
        // A record without any has no key.
        let Some(page) = numbers.get(..numbers.len().min(view.settings.association_page)) else {
            continue;
        };
        if page.is_empty() {
            continue;
        }
        out.extend_from_slice(if is_first { b",\"associations\":{" } else { b"," });
        is_first = false;
        // In this place, and nowhere else, HubSpot writes the name with a space.
        key(out, &to.facts().plural.replace('_', " "));
        out.extend_from_slice(b"{\"results\":[");
        let each: Vec<_> =
            page.iter().flat_map(|number| bonds.iter().map(move |bond| (number, bond))).collect();
        separated(out, &each, |out, (number, bond)| {
            let text = format!("{{\"id\":\"{}\",\"type\":\"{}\"}}", to.id(**number), bond.name);
            out.extend_from_slice(text.as_bytes());
        });
        out.push(b']');
        if let (true, Some(last)) = (page.len() < numbers.len(), page.last()) {
            let after = to.id(*last);
            let link = format!(
                "/crm/v3/objects/{}/{}/associations/{}?after={after}",
                from.facts().plural,
                from.id(reader.number()),
                to.facts().plural
            );
            let paging =
                format!(",\"paging\":{{\"next\":{{\"after\":\"{after}\",\"link\":\"{link}\"}}}}");
            out.extend_from_slice(paging.as_bytes());
        }
        out.push(b'}');
    }
    if !is_first {
        out.push(b'}');
    }
}

/// Writes several things with commas between them.
pub(super) fn separated<T>(
    out: &mut Vec<u8>,
    things: &[T],
    mut write: impl FnMut(&mut Vec<u8>, &T),
) {
    for (place, thing) in things.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(out, thing);
    }
}

fn key(out: &mut Vec<u8>, name: &str) {
    string(out, name);
    out.push(b':');
}
