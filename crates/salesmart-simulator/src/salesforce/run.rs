//! Runs a plan: which rows, in which order, and what is written of them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::org::{Entry, Index, Org, Reader, Row};
use super::plan::{Figure, Found, GroupColumn, Output, Plan, Sorting};
use super::refusal::Refusal;
use super::schema::{Catalogue, Object, View};
use super::soql::Function;
use super::value::{Decimal, Style, Value, write_csv, write_csv_text, write_json, write_json_text};

/// The most groups that a query may have.
const MOST_GROUPS: usize = 2_000;

/// The rows that a query found: where they are, not what is in them.
#[derive(Clone)]
pub(crate) struct Hits {
    pub(crate) object: usize,
    pub(crate) index: Arc<Index>,
    pub(crate) entries: Arc<Vec<Entry>>,
}

/// Finds the rows of a plan.
pub(crate) fn find(plan: &Plan, org: &Org, view: &View, with_deleted: bool) -> Hits {
    let catalogue = &*org.catalogue;
    let index = org.index(plan.object);
    let (from, to) = plan.stamps(catalogue);
    let candidates = if from <= to { index.between(from, to) } else { &[] };
    let reader = Reader::new(org, view);
    let passes = |entry: &Entry| {
        (with_deleted || !entry.is_deleted())
            && plan
                .filter
                .as_ref()
                .is_none_or(|test| test.passes(&reader.row(plan.object, &index, *entry), catalogue))
    };
    let most = plan.limit.map(|limit| plan.offset.saturating_add(limit));
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let mut entries: Vec<Entry>;
    if plan.is_by_stamp(catalogue) {
        // What is wanted comes first: whoever wants a page pays for a page.
        entries = candidates.iter().copied().filter(passes).take(most).collect();
    } else if plan.is_by_id(catalogue) {
        entries = candidates.iter().copied().filter(passes).collect();
        entries.sort_unstable_by_key(|entry| entry.number());
    } else {
        entries = candidates.iter().copied().filter(passes).collect();
        sort(&mut entries, &plan.order, |entry| reader.row(plan.object, &index, entry), catalogue);
    }
    entries.truncate(most);
    let skip = usize::try_from(plan.offset).unwrap_or(usize::MAX).min(entries.len());
    entries.drain(..skip);
    Hits { object: plan.object, index, entries: Arc::new(entries) }
}

/// Sorts entries by values of their rows, and by id where those are the same.
fn sort<'r>(
    entries: &mut Vec<Entry>,
    order: &[Sorting],
    row: impl Fn(Entry) -> Row<'r>,
    catalogue: &Catalogue,
) {
    let mut keyed: Vec<(Vec<Value<'static>>, Entry)> = entries
        .iter()
        .map(|entry| {
            let row = row(*entry);
            let key = |sorting: &Sorting| sorting.found.value(&row, catalogue).into_owned();
            (order.iter().map(key).collect(), *entry)
        })
        .collect();
    keyed.sort_by(|(a, first), (b, second)| {
        let orders = order.iter().zip(a.iter().zip(b)).map(|(s, (a, b))| compare(s, a, b));
        orders.fold(Ordering::Equal, Ordering::then).then(first.number().cmp(&second.number()))
    });
    *entries = keyed.into_iter().map(|(_, entry)| entry).collect();
}

fn compare(sorting: &Sorting, a: &Value<'_>, b: &Value<'_>) -> Ordering {
    let nulls = if sorting.nulls_last { Ordering::Greater } else { Ordering::Less };
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => nulls,
        (_, Value::Null) => nulls.reverse(),
        _ => {
            let order = a.compare(b).unwrap_or(Ordering::Equal);
            if sorting.descending { order.reverse() } else { order }
        }
    }
}

/// A query's whole answer in figures: groups as JSON objects, and how many there are.
pub(crate) fn groups(
    plan: &Plan,
    org: &Org,
    view: &View,
    style: Style,
    with_deleted: bool,
) -> Result<(usize, Vec<u8>), Refusal> {
    let Output::Groups { keys, columns } = &plan.output else { return Ok((0, Vec::new())) };
    let catalogue = &*org.catalogue;
    let index = org.index(plan.object);
    let (from, to) = plan.stamps(catalogue);
    let candidates = if from <= to { index.between(from, to) } else { &[] };
    let reader = Reader::new(org, view);
    let mut groups: BTreeMap<String, (Vec<Value<'static>>, Vec<Sum>)> = BTreeMap::new();
    for entry in candidates.iter().filter(|entry| with_deleted || !entry.is_deleted()) {
        let row = reader.row(plan.object, &index, *entry);
        if plan.filter.as_ref().is_some_and(|test| !test.passes(&row, catalogue)) {
            continue;
        }
        let key: Vec<Value<'static>> =
            keys.iter().map(|key| key.value(&row, catalogue).into_owned()).collect();
        let name = format!("{key:?}");
        let (_, sums) = groups
            .entry(name)
            .or_insert_with(|| (key, columns.iter().map(|_| Sum::default()).collect()));
        for (column, sum) in columns.iter().zip(sums) {
            if let Figure::Of(function, of) = &column.figure {
                sum.add(*function, of.as_ref(), &row, catalogue);
            }
        }
    }
    if keys.is_empty() && groups.is_empty() {
        // Figures of no rows are one group all the same.
        groups
            .insert(String::new(), (Vec::new(), columns.iter().map(|_| Sum::default()).collect()));
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    sort_groups(&mut groups, plan, keys);
    let from = usize::try_from(plan.offset).unwrap_or(usize::MAX).min(groups.len());
    let most = plan.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let shown: Vec<_> = groups.into_iter().skip(from).take(most).collect();
    if shown.len() > MOST_GROUPS {
        return Err(Refusal::bad(
            "EXCEEDED_ID_LIMIT",
            "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a \
             single batch",
        ));
    }
    let mut out = Vec::new();
    for (place, (key, sums)) in shown.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_group(&mut out, columns, key, sums, style);
    }
    Ok((shown.len(), out))
}

fn sort_groups(groups: &mut [(Vec<Value<'static>>, Vec<Sum>)], plan: &Plan, keys: &[Found]) {
    let by_key = Sorting {
        found: Found { steps: Vec::new(), object: 0, field: 0 },
        descending: false,
        nulls_last: false,
    };
    groups.sort_by(|(a, _), (b, _)| {
        let asked = plan.order.iter().filter_map(|sorting| {
            let key = keys.iter().position(|key| *key == sorting.found)?;
            Some(compare(sorting, &a[key], &b[key]))
        });
        let rest = a.iter().zip(b).map(|(a, b)| compare(&by_key, a, b));
        asked.chain(rest).fold(Ordering::Equal, Ordering::then)
    });
}

fn write_group(
    out: &mut Vec<u8>,
    columns: &[GroupColumn],
    key: &[Value<'static>],
    sums: &[Sum],
    style: Style,
) {
    out.extend_from_slice(b"{\"attributes\":{\"type\":\"AggregateResult\"}");
    for (column, sum) in columns.iter().zip(sums) {
        out.push(b',');
        write_json_text(out, &column.name);
        out.push(b':');
        match &column.figure {
            Figure::Key(place) => write_json(out, &key[*place], style),
            Figure::Of(function, _) => write_json(out, &sum.value(*function), style),
        }
    }
    out.push(b'}');
}

/// What is added up of one column of a group.
#[derive(Default)]
struct Sum {
    count: i64,
    total: i128,
    scale: u32,
    least: Option<Value<'static>>,
    most: Option<Value<'static>>,
    different: std::collections::BTreeSet<String>,
}

impl Sum {
    fn add(
        &mut self,
        function: Function,
        of: Option<&Found>,
        row: &Row<'_>,
        catalogue: &Catalogue,
    ) {
        let Some(of) = of else {
            self.count += 1;
            return;
        };
        let value = of.value(row, catalogue);
        let number = match &value {
            Value::Null => return,
            Value::Int(value) => Some(Decimal::new(*value, 0)),
            Value::Number(value) => Some(*value),
            _ => None,
        };
        self.count += 1;
        if let Some(number) = number {
            let scale = self.scale.max(number.scale);
            let factor = |from: u32| 10_i128.saturating_pow(scale - from);
            self.total = self.total.saturating_mul(factor(self.scale));
            self.total =
                self.total.saturating_add(number.unscaled.saturating_mul(factor(number.scale)));
            self.scale = scale;
        }
        if self.least.as_ref().is_none_or(|least| value.compare(least) == Some(Ordering::Less)) {
            self.least = Some(value.clone().into_owned());
        }
        if self.most.as_ref().is_none_or(|most| value.compare(most) == Some(Ordering::Greater)) {
            self.most = Some(value.clone().into_owned());
        }
        if function == Function::CountDistinct {
            self.different.insert(format!("{value:?}"));
        }
    }

    fn value(&self, function: Function) -> Value<'static> {
        let total = || Decimal::new(self.total, self.scale);
        match function {
            Function::Count => Value::Int(self.count),
            Function::CountDistinct => Value::Int(i64::try_from(self.different.len()).unwrap_or(0)),
            Function::Sum if self.count == 0 => Value::Null,
            Function::Sum => Value::Number(total()),
            Function::Avg if self.count == 0 => Value::Null,
            Function::Avg => {
                let scaled = self.total.saturating_mul(1_000_000);
                let unscaled = scaled / i128::from(self.count);
                Value::Number(Decimal::new(unscaled, self.scale + 6))
            }
            Function::Min => self.least.clone().unwrap_or(Value::Null),
            Function::Max => self.most.clone().unwrap_or(Value::Null),
        }
    }
}

/// Columns as a tree: fields of a parent are inside of it, at the place of the first of them.
pub(crate) struct Tree(Vec<Node>);

enum Node {
    Field { name: &'static str, field: usize },
    Parent { name: &'static str, step: (usize, usize), inner: Tree },
}

impl Tree {
    /// The tree of a plan's columns.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut tree = Self(Vec::new());
        if let Output::Rows(columns) = &plan.output {
            for column in columns {
                tree.add(&column.names, &column.found.steps, column.found.field);
            }
        }
        tree
    }

    fn add(&mut self, names: &[&'static str], steps: &[(usize, usize)], field: usize) {
        let Some((name, names)) = names.split_first() else { return };
        let Some((step, steps)) = steps.split_first() else {
            self.0.push(Node::Field { name, field });
            return;
        };
        for node in &mut self.0 {
            if let Node::Parent { step: known, inner, .. } = node
                && known == step
            {
                inner.add(names, steps, field);
                return;
            }
        }
        let mut inner = Self(Vec::new());
        inner.add(names, steps, field);
        self.0.push(Node::Parent { name, step: *step, inner });
    }

    /// Writes a row as a JSON object; `base` is the path of the API's version.
    pub(crate) fn write(&self, out: &mut Vec<u8>, row: &Row<'_>, base: &str, style: Style) {
        let object = row.object();
        out.extend_from_slice(b"{\"attributes\":{\"type\":\"");
        out.extend_from_slice(object.name.as_bytes());
        out.extend_from_slice(b"\",\"url\":\"");
        for part in [base, "/sobjects/", object.name, "/", row.id().as_str()] {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(b"\"}");
        for node in &self.0 {
            out.extend_from_slice(b",\"");
            match node {
                Node::Field { name, field } => {
                    out.extend_from_slice(name.as_bytes());
                    out.extend_from_slice(b"\":");
                    write_json(out, &row.value(&object.fields[*field]), style);
                }
                Node::Parent { name, step: (step, target), inner } => {
                    out.extend_from_slice(name.as_bytes());
                    out.extend_from_slice(b"\":");
                    match row.parent(&object.fields[*step], *target) {
                        Some(parent) => inner.write(out, &parent, base, style),
                        None => out.extend_from_slice(b"null"),
                    }
                }
            }
        }
        out.push(b'}');
    }

    /// Every field of an object that the user sees.
    pub(crate) fn whole(object: &Object, view: &View) -> Self {
        let fields = view.fields(object);
        Self(fields.map(|(field, f)| Node::Field { name: f.name, field }).collect())
    }
}

/// How a page of CSV looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Csv {
    pub(crate) delimiter: u8,
    pub(crate) line_end: &'static str,
    pub(crate) style: Style,
}

impl Csv {
    /// Writes the names of a plan's columns.
    pub(crate) fn header(self, out: &mut Vec<u8>, plan: &Plan) {
        let Output::Rows(columns) = &plan.output else { return };
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                out.push(self.delimiter);
            }
            out.push(b'"');
            write_csv_text(out, &column.names.join("."));
            out.push(b'"');
        }
        out.extend_from_slice(self.line_end.as_bytes());
    }

    /// Writes a row.
    pub(crate) fn row(self, out: &mut Vec<u8>, plan: &Plan, row: &Row<'_>, catalogue: &Catalogue) {
        let Output::Rows(columns) = &plan.output else { return };
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                out.push(self.delimiter);
            }
            write_csv(out, &column.found.value(row, catalogue), self.style);
        }
        out.extend_from_slice(self.line_end.as_bytes());
    }
}
