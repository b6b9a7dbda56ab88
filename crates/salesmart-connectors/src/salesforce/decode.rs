//! From pages of records to batches. JSON of REST and CSV of Bulk give the same batches, byte for
//! byte: every value goes through its column's type, and what has no type of its own
//! (`any`) is spelled in one way.

mod any;
mod csv;
mod json;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashSet;

use arrow::array::RecordBatch;
use salesmart_core::Column;
use salesmart_extract::RejectedRow;
use salesmart_extract::columns::{Rows, parse};

use super::describe::{Object, SNAPSHOT_DATE};
use super::soql::{Order, Place, instant, read_instant};

pub(super) use csv::page as csv_page;
pub(super) use json::{Records, page as json_page};

/// How many rows a batch has at most.
const BATCH_ROWS: usize = 8_192;

/// What is asked for and what is made of it.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// The object, for positions.
    object: String,
    /// The fields of the query, in order.
    pub(super) fields: Vec<Selected>,
    /// The columns of the batches, without position.
    columns: Vec<Column>,
    /// Whether batches have positions.
    positions: bool,
    /// The place of the id among the fields.
    id: usize,
    /// The place of the cursor field, where there is one.
    stamp: Option<usize>,
    /// The place of the field that tells the type of values that have their own.
    data_type: Option<usize>,
    /// A column that has the same value in all rows.
    constant: Option<(usize, String)>,
}

/// A field of a query.
#[derive(Clone, Debug)]
pub(super) struct Selected {
    /// Its API name.
    pub(super) name: String,
    /// The column that it fills; fields that only tell the order fill none.
    column: Option<usize>,
    is_any: bool,
}

impl Shape {
    /// Whole rows of an object's stream.
    pub(super) fn rows(object: &Object, snapshot_date: Option<String>) -> Self {
        let columns = object.spec.columns.clone();
        let constant = snapshot_date.and_then(|date| {
            let at = columns.iter().position(|column| column.name == SNAPSHOT_DATE)?;
            Some((at, date))
        });
        Self { constant, ..Self::new(object, columns, true) }
    }

    /// The id and some columns, to patch rows with.
    pub(super) fn patch(object: &Object, columns: &[String]) -> Self {
        let is_in = |column: &&Column| column.name == "id" || columns.contains(&column.name);
        let columns = object.spec.columns.iter().filter(is_in).cloned().collect();
        Self::new(object, columns, true)
    }

    /// The ids alone.
    pub(super) fn census(object: &Object) -> Self {
        let is_id = |column: &&Column| column.name == "id";
        let columns = object.spec.columns.iter().filter(is_id).cloned().collect();
        Self::new(object, columns, false)
    }

    fn new(object: &Object, columns: Vec<Column>, positions: bool) -> Self {
        let cursor = match object.order() {
            // A census is read by id: it needs no stamps, and neither has any use for them.
            Order::Stamp(field) if positions => Some(field),
            _ => None,
        };
        let mut fields = Vec::new();
        for field in &object.fields {
            let column = columns.iter().position(|column| column.name == field.column.name);
            if column.is_some() || cursor.as_deref() == Some(field.name.as_str()) {
                fields.push(Selected { name: field.name.clone(), column, is_any: field.is_any });
            }
        }
        // What leads the order leads the query, so that each part of a split one has it.
        fields.sort_by_key(|field| match field.name.as_str() {
            "Id" => 0,
            name if cursor.as_deref() == Some(name) => 1,
            _ => 2,
        });
        let place = |name: &str| fields.iter().position(|field| field.name == name);
        Self {
            object: object.name.clone(),
            id: place("Id").unwrap_or_default(),
            stamp: cursor.as_deref().and_then(place),
            data_type: place("DataType"),
            fields,
            columns,
            positions,
            constant: None,
        }
    }

    /// The API names of the fields.
    pub(super) fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|field| field.name.as_str()).collect()
    }

    /// How many fields at the front tell which record it is.
    pub(super) fn leading(&self) -> usize {
        1 + usize::from(self.stamp.is_some())
    }

    /// How its rows are ordered.
    pub(super) fn order(&self) -> Order {
        match self.stamp.and_then(|stamp| self.fields.get(stamp)) {
            Some(field) => Order::Stamp(field.name.clone()),
            None => Order::Id,
        }
    }

    fn builder(&self, capacity: usize) -> Rows {
        match self.positions {
            true => Rows::of(&self.columns, capacity),
            false => Rows::without_position(&self.columns, capacity),
        }
    }
}

/// What a page held.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    /// The rows.
    pub(super) batches: Vec<RecordBatch>,
    /// The rows that do not fit.
    pub(super) rejected: Vec<RejectedRow>,
    /// How many records there were that had not come before.
    pub(super) records: u64,
    /// How many there were in all.
    pub(super) came: u64,
    /// The last record.
    pub(super) last: Option<Place>,
}

/// Which records have come: those of this page and the one before, or of a whole job. A record is
/// known by its id and its stamp, both packed, exactly, into 128 bits.
#[derive(Debug, Default)]
pub(super) struct Seen {
    now: HashSet<u128>,
    before: HashSet<u128>,
    /// Those of the newest page, which may have to be read again.
    page: Vec<u128>,
}

impl Seen {
    /// Whether it is new. What cannot be packed always is: twice is harmless, never is not.
    fn insert(&mut self, id: &str, stamp: Option<&str>) -> bool {
        match packed(id, stamp) {
            Some(key) => {
                // Known from the page before, it is to be known in the next one too.
                let is_known = self.before.contains(&key);
                let is_new = self.now.insert(key) && !is_known;
                if is_new {
                    self.page.push(key);
                }
                is_new
            }
            None => true,
        }
    }

    /// The newest page counts.
    pub(super) fn keep(&mut self) {
        self.page.clear();
    }

    /// The newest page does not count: it was not whole.
    pub(super) fn undo(&mut self) {
        for key in self.page.drain(..) {
            self.now.remove(&key);
        }
    }

    /// Forgets all but the newest page: ordered pages overlap at their ends only.
    pub(super) fn turn(&mut self) {
        self.before = std::mem::take(&mut self.now);
        self.page.clear();
    }
}

/// The 15 characters of an id that tell records apart (18-character ids add a checksum) take 90
/// bits; the milliseconds of a stamp the other 38, which come round every nine years.
fn packed(id: &str, stamp: Option<&str>) -> Option<u128> {
    const CYCLE: i64 = 1 << 38;
    let characters = id.as_bytes().get(..15)?;
    if !matches!(id.len(), 15 | 18) {
        return None;
    }
    let mut number: u128 = 0;
    for character in characters {
        let digit = match character {
            b'0'..=b'9' => character - b'0',
            b'A'..=b'Z' => character - b'A' + 10,
            b'a'..=b'z' => character - b'a' + 36,
            _ => return None,
        };
        number = number * 62 + u128::from(digit);
    }
    let millis = match stamp {
        Some(stamp) => (parse::timestamp(stamp).ok()? / 1_000).rem_euclid(CYCLE),
        None => 0,
    };
    Some(number << 38 | u128::try_from(millis).ok()?)
}

/// Rows on their way from the fields of one page to batches.
struct Emitter<'a> {
    shape: &'a Shape,
    seen: &'a mut Seen,
    rows: Rows,
    decoded: Decoded,
    position: String,
}

impl<'a> Emitter<'a> {
    fn new(shape: &'a Shape, seen: &'a mut Seen, expected: usize) -> Self {
        let rows = shape.builder(expected.clamp(1, BATCH_ROWS));
        let position = format!("{}/", shape.object);
        Self { shape, seen, rows, decoded: Decoded::default(), position }
    }

    /// Takes one record: its fields' texts in the order of the shape, null and empty alike.
    fn record<'r>(
        &mut self,
        field: impl Fn(usize) -> Option<Cow<'r, str>>,
        record: impl FnOnce() -> String,
    ) {
        let id = field(self.shape.id).unwrap_or_default();
        let stamp = self.shape.stamp.and_then(&field);
        self.decoded.came += 1;
        if self.seen.insert(&id, stamp.as_deref()) {
            self.decoded.records += 1;
            let data_type = self.shape.data_type.and_then(&field);
            for (place, selected) in self.shape.fields.iter().enumerate() {
                let Some(column) = selected.column else { continue };
                match field(place) {
                    Some(value) if selected.is_any => {
                        let value = any::value(&value, data_type.as_deref());
                        self.rows.text_or_null(column, &value);
                    }
                    Some(value) => self.rows.text_or_null(column, &value),
                    None => self.rows.null(column),
                }
            }
            if let Some((column, value)) = &self.shape.constant {
                self.rows.text(*column, value);
            }
            self.position.truncate(self.shape.object.len() + 1);
            self.position.push_str(&id);
            self.rows.end_row(&self.position, record);
            if self.rows.len() >= BATCH_ROWS {
                self.flush();
            }
        }
        // Only the last one is asked for; keeping its texts costs little beside its cells.
        let last = self
            .decoded
            .last
            .get_or_insert_with(|| Place { stamp: String::new(), id: String::new() });
        last.id.clear();
        last.id.push_str(&id);
        last.stamp.clear();
        last.stamp.push_str(stamp.as_deref().unwrap_or_default());
    }

    fn flush(&mut self) {
        let (batch, rejected) = self.rows.take();
        self.decoded.batches.extend(batch);
        self.decoded.rejected.extend(rejected);
    }

    fn finish(mut self) -> Decoded {
        self.flush();
        if let Some(last) = &mut self.decoded.last {
            // In the one spelling that queries take.
            if let Some(at) = read_instant(&last.stamp) {
                last.stamp = instant(at);
            }
        }
        self.decoded
    }
}
