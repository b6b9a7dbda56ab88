//! Search: filters, one order, pages of at most 200, and never more than 10,000 hits.
//!
//! What a search finds is kept from one page to the next, without the lower bound on the id: so
//! that a client that walks a window by id asks for each page in no time.

use serde::Deserialize;
use serde_json::Value;

use super::asked::{Answer, Asked, Reply, cursor};
use super::filter::{Filter, Test, order_of};
use super::ids::Kind;
use super::index::Index;
use super::lists;
use super::problem::Problem;
use super::record::{Selection, definitions};
use super::table::Reader;
use super::value::Millis;
use super::view::View;

/// The longest page.
const LONGEST: usize = 200;

/// The page size where none is given.
const DEFAULT: usize = 10;

/// The most groups, the most filters of a group, and the most filters of all groups.
const GROUPS: usize = 5;
const FILTERS_OF_GROUP: usize = 6;
const FILTERS: usize = 18;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    filter_groups: Vec<Group>,
    #[serde(default)]
    sorts: Vec<Sort>,
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default)]
    limit: Option<usize>,
    /// A text or a number; empty texts mean the start.
    #[serde(default)]
    after: Value,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Sort {
    Name(String),
    #[serde(rename_all = "camelCase")]
    Full {
        property_name: String,
        #[serde(default)]
        direction: Option<String>,
    },
}

/// What a search found, in its order.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) key: String,
    positions: Vec<u32>,
}

/// What the filters of a group come to.
#[derive(Clone, Debug)]
struct Plan {
    /// Bounds on when it changed, both included.
    changed: (Millis, Millis),
    /// Bounds on the id, both included.
    ids: (u64, u64),
    tests: Vec<Test>,
}

/// `POST /crm/v3/objects/{type}/search`.
pub(super) fn search(view: &View, asked: &Asked, kind: Kind, repeats: bool) -> Answer {
    let body: Body = asked.json()?;
    let limit = body.limit.unwrap_or(DEFAULT);
    if limit == 0 || limit > LONGEST {
        return Err(Problem::invalid(format!(
            "The limit must be from 1 to {LONGEST}; it was {limit}."
        )));
    }
    let offset = match &body.after {
        Value::Null => 0,
        Value::String(after) if after.is_empty() => 0,
        Value::String(after) => cursor(after)?,
        other => cursor(&other.to_string())?,
    };
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    if offset.saturating_add(limit) > view.settings.search_cap {
        return Err(Problem::invalid(format!(
            "Invalid value for after: the search results beyond the first {} cannot be paged \
             through.",
            view.settings.search_cap
        )));
    }
    let mut plans = plans(view, kind, &body.filter_groups)?;
    let sort = sort(view, kind, &body.sorts)?;

    // By id and with one group, the bounds on the id cut a piece out of what was found.
    let index = view.index(kind);
    let mut bounds = (0, u64::MAX);
    if let (Order::Id { .. }, [plan]) = (&sort, plans.as_mut_slice()) {
        bounds = std::mem::replace(&mut plan.ids, bounds);
    }
    let key = format!("{kind:?} {plans:?} {sort:?} {:?}", body.query);
    let found = view.found(&key, || {
        let positions = find(view, kind, &plans, body.query.as_deref(), &sort);
        Ok::<_, Problem>(Found { key: key.clone(), positions })
    })?;
    let hits = within(&found.positions, index, kind, bounds, &sort);
    let page = hits.iter().skip(offset).take(limit);
    let mut page: Vec<usize> = page.map(|position| *position as usize).collect();
    let next = (offset + page.len() < hits.len()).then(|| (offset + page.len()) as u64);
    if repeats {
        page.extend(page.first().copied());
    }

    let selection = Selection::new(view, kind, &body.properties, &[]);
    let mut out = Vec::with_capacity(page.len() * 1_024);
    out.extend_from_slice(format!("{{\"total\":{},\"results\":[", hits.len()).as_bytes());
    lists::write_all(view, kind, &selection, &page, &mut out);
    out.push(b']');
    if let Some(next) = next {
        out.extend_from_slice(
            format!(",\"paging\":{{\"next\":{{\"after\":\"{next}\"}}}}").as_bytes(),
        );
    }
    out.push(b'}');
    Ok(Reply::written(out))
}

/// The part of what was found whose ids are within bounds.
fn within<'a>(
    positions: &'a [u32],
    index: &Index,
    kind: Kind,
    (low, high): (u64, u64),
    sort: &Order,
) -> &'a [u32] {
    let id = |position: &u32| kind.id(index.number(*position as usize));
    let (from, to) = match sort {
        Order::Id { descending: false } => (
            positions.partition_point(|position| id(position) < low),
            positions.partition_point(|position| id(position) <= high),
        ),
        Order::Id { descending: true } => (
            positions.partition_point(|position| id(position) > high),
            positions.partition_point(|position| id(position) >= low),
        ),
        _ => (0, positions.len()),
    };
    positions.get(from..to).unwrap_or_default()
}

/// Checks the filters, and sorts out what the index knows.
fn plans(view: &View, kind: Kind, groups: &[Group]) -> Result<Vec<Plan>, Problem> {
    let filters: usize = groups.iter().map(|group| group.filters.len()).sum();
    let longest = groups.iter().map(|group| group.filters.len()).max().unwrap_or_default();
    if groups.len() > GROUPS || longest > FILTERS_OF_GROUP || filters > FILTERS {
        return Err(Problem::invalid(format!(
            "There can be {GROUPS} filterGroups of {FILTERS_OF_GROUP} filters, and {FILTERS} \
             filters in all."
        )));
    }
    if groups.is_empty() {
        return Ok(vec![Plan::everything()]);
    }
    groups.iter().map(|group| Plan::of(view, kind, &group.filters)).collect()
}

impl Plan {
    fn everything() -> Self {
        Self { changed: (Millis::MIN, Millis::MAX), ids: (0, u64::MAX), tests: Vec::new() }
    }

    fn of(view: &View, kind: Kind, filters: &[Filter]) -> Result<Self, Problem> {
        let known = definitions(view, kind);
        let mut plan = Self::everything();
        for filter in filters {
            let (place, definition) = known
                .iter()
                .find(|(_, definition)| definition.name == filter.property_name)
                .ok_or_else(|| unknown(kind, &filter.property_name))?;
            let test = filter.test(*place, definition.kind)?;
            let range = test.range().filter(|_| *place == 1 || *place == 2);
            match range {
                Some((low, high)) if *place == 1 => {
                    let clamp = |bound: i128| {
                        let bound = bound.clamp(i128::from(Millis::MIN), i128::from(Millis::MAX));
                        Millis::try_from(bound).unwrap_or_default()
                    };
                    plan.changed.0 = plan.changed.0.max(clamp(low));
                    plan.changed.1 = plan.changed.1.min(clamp(high));
                }
                Some((low, high)) => {
                    let clamp = |bound: i128| u64::try_from(bound.max(0)).unwrap_or(u64::MAX);
                    plan.ids.0 = plan.ids.0.max(clamp(low));
                    // Nothing has an id below zero.
                    plan.ids.1 = if high < 0 { 0 } else { plan.ids.1.min(clamp(high)) };
                }
                None => plan.tests.push(test),
            }
        }
        Ok(plan)
    }

    fn accepts(&self, index: &Index, kind: Kind, reader: &mut dyn Reader, position: u32) -> bool {
        let position = position as usize;
        let (modified, id) = (index.modified(position), kind.id(index.number(position)));
        if !(self.changed.0..=self.changed.1).contains(&modified)
            || !(self.ids.0..=self.ids.1).contains(&id)
        {
            return false;
        }
        if self.tests.is_empty() {
            return true;
        }
        reader.go(position);
        self.tests.iter().all(|test| test.accepts(reader))
    }
}

/// The order of the hits. Ties are in the order of ids.
#[derive(Clone, Debug)]
enum Order {
    Id { descending: bool },
    Changed { descending: bool },
    Property { test: Test, descending: bool },
}

fn sort(view: &View, kind: Kind, sorts: &[Sort]) -> Result<Order, Problem> {
    let (name, descending) = match sorts {
        [] => return Ok(Order::Id { descending: false }),
        [Sort::Name(name)] => match name.strip_prefix('-') {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        },
        [Sort::Full { property_name, direction }] => match direction.as_deref() {
            None | Some("ASCENDING") => (property_name.as_str(), false),
            Some("DESCENDING") => (property_name.as_str(), true),
            Some(other) => {
                return Err(Problem::invalid(format!("Invalid sort direction: {other}")));
            }
        },
        _ => return Err(Problem::invalid("Only one sort is supported.")),
    };
    let known = definitions(view, kind);
    let (place, definition) = known
        .iter()
        .find(|(_, definition)| definition.name == name)
        .ok_or_else(|| unknown(kind, name))?;
    Ok(match place {
        1 => Order::Changed { descending },
        2 => Order::Id { descending },
        _ => Order::Property { test: order_of(*place, definition.kind), descending },
    })
}

/// Everything that one of the plans accepts, in order.
fn find(view: &View, kind: Kind, plans: &[Plan], query: Option<&str>, sort: &Order) -> Vec<u32> {
    let index = view.index(kind);
    let mut reader = view.reader(kind);
    // The index has them by when they changed; the widest window of the plans is enough.
    let low = plans.iter().map(|plan| plan.changed.0).min().unwrap_or(Millis::MIN);
    let high = plans.iter().map(|plan| plan.changed.1).max().unwrap_or(Millis::MAX);
    let mut positions = index.changed(low, high).to_vec();
    let accepts = |reader: &mut dyn Reader, position: u32| {
        plans.iter().any(|plan| plan.accepts(index, kind, reader, position))
    };
    positions.retain(|position| accepts(&mut *reader, *position));
    if let Some(query) = query.map(str::trim).filter(|query| !query.is_empty()) {
        let texts: Vec<usize> = searched(view, kind);
        let query = query.to_lowercase();
        positions.retain(|position| {
            reader.go(*position as usize);
            let mut value = Vec::new();
            texts.iter().any(|place| {
                value.clear();
                reader.value(*place, &mut value);
                String::from_utf8_lossy(&value).to_lowercase().contains(&query)
            })
        });
    }
    match sort {
        Order::Id { descending } => {
            positions.sort_unstable();
            if *descending {
                positions.reverse();
            }
        }
        // They come in this order.
        Order::Changed { descending: false } => {}
        Order::Changed { descending: true } => {
            positions.sort_by_key(|position| {
                (std::cmp::Reverse(index.modified(*position as usize)), *position)
            });
        }
        Order::Property { test, descending } => {
            positions.sort_unstable();
            let mut keyed: Vec<_> = positions
                .into_iter()
                .map(|position| {
                    reader.go(position as usize);
                    (test.value(&*reader), position)
                })
                .collect();
            keyed.sort_by(
                |(one, _), (other, _)| {
                    if *descending { other.cmp(one) } else { one.cmp(other) }
                },
            );
            positions = keyed.into_iter().map(|(_, position)| position).collect();
        }
    }
    positions
}

/// The properties that a `query` looks into.
fn searched(view: &View, kind: Kind) -> Vec<usize> {
    let wanted = [
        "name",
        "domain",
        "dealname",
        "firstname",
        "lastname",
        "email",
        "hs_lead_name",
        "contract_number",
        "hs_object_id",
        "hs_meeting_title",
        "hs_email_subject",
        "hs_call_title",
    ];
    let known = definitions(view, kind).into_iter();
    known.filter(|(_, known)| wanted.contains(&known.name)).map(|(place, _)| place).collect()
}

fn unknown(kind: Kind, property: &str) -> Problem {
    Problem::invalid("There was a problem with the request.").with(
        "errors",
        serde_json::json!([{
            "message": format!(
                "Property {property} does not exist for object type {}",
                kind.facts().plural
            ),
            "code": "PROPERTY_DOESNT_EXIST",
            "context": { "propertyName": [property] },
        }]),
    )
}
