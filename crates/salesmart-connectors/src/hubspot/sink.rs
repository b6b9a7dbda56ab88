//! From a record to its row: which value goes into which column.

use salesmart_core::stream::StreamSpec;
use salesmart_extract::columns::Rows;

use super::decode::{Pages, Record, Text};
use super::properties::{ARCHIVED, ARCHIVED_AT, CREATED_AT, ID, UPDATED_AT, property_of};

/// The columns of a history stream.
pub(super) const HISTORY: [&str; 8] = [
    "object_id",
    "property",
    "timestamp",
    "value",
    "source_type",
    "source_id",
    "source_label",
    "updated_by_user_id",
];

/// Takes records, and holds the rows that become of them until they are sent.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) rows: Rows,
    /// Reads the pages that the records are in.
    pub(super) pages: Pages,
    /// The object type, as positions name it.
    object: String,
    shape: Shape,
    position: String,
}

/// What becomes of a record.
#[derive(Debug)]
enum Shape {
    /// One row; the column of each wanted property, and of what every record has.
    Whole { columns: Vec<usize>, facts: Facts },
    /// A row for each former value.
    History,
}

#[derive(Debug)]
struct Facts {
    id: Option<usize>,
    created_at: Option<usize>,
    updated_at: Option<usize>,
    archived: Option<usize>,
    archived_at: Option<usize>,
}

impl Sink {
    /// One row a record, with the columns of `spec`.
    pub(super) fn whole(spec: &StreamSpec, object: &str, capacity: usize) -> Self {
        let rows = Rows::new(spec, capacity);
        let mut names = Vec::new();
        let mut columns = Vec::new();
        for (place, column) in spec.columns.iter().enumerate() {
            if let Some(property) = property_of(&column.name) {
                names.push(property.to_owned());
                columns.push(place);
            }
        }
        let facts = Facts {
            id: rows.column(ID),
            created_at: rows.column(CREATED_AT),
            updated_at: rows.column(UPDATED_AT),
            archived: rows.column(ARCHIVED),
            archived_at: rows.column(ARCHIVED_AT),
        };
        let shape = Shape::Whole { columns, facts };
        Self::new(rows, names, object, shape)
    }

    /// A row for each former value of a record's properties.
    pub(super) fn history(spec: &StreamSpec, object: &str, capacity: usize) -> Self {
        Self::new(Rows::new(spec, capacity), Vec::new(), object, Shape::History)
    }

    fn new(rows: Rows, names: Vec<String>, object: &str, shape: Shape) -> Self {
        Self {
            rows,
            pages: Pages::new(&names),
            object: object.to_owned(),
            shape,
            position: String::new(),
        }
    }

    /// Whether it is about former values.
    pub(super) fn is_history(&self) -> bool {
        matches!(self.shape, Shape::History)
    }

    /// The pages' reader and the sink for what it reads.
    pub(super) fn split(&mut self) -> (&Pages, Putting<'_>) {
        let Self { rows, pages, object, shape, position } = self;
        let names = &pages.names;
        (&*pages, Putting { rows, names, object, shape, position })
    }
}

/// The part of a sink that takes records.
pub(super) struct Putting<'a> {
    rows: &'a mut Rows,
    names: &'a [String],
    object: &'a str,
    shape: &'a Shape,
    position: &'a mut String,
}

impl Putting<'_> {
    /// Takes a record.
    pub(super) fn put(&mut self, record: &Record<'_>) {
        self.position.clear();
        self.position.push_str(self.object);
        self.position.push('/');
        self.position.push_str(&record.id);
        match self.shape {
            Shape::Whole { columns, facts } => self.whole(record, columns, facts),
            Shape::History => self.history(record),
        }
    }

    fn whole(&mut self, record: &Record<'_>, columns: &[usize], facts: &Facts) {
        let rows = &mut *self.rows;
        for (&column, value) in columns.iter().zip(&record.values) {
            match value {
                Some(value) => rows.text(column, value),
                None => rows.null(column),
            }
        }
        let mut tell = |column: Option<usize>, value: &Text<'_>| match (column, value) {
            (Some(column), Some(value)) => rows.text_or_null(column, value),
            (Some(column), None) => rows.null(column),
            (None, _) => {}
        };
        tell(facts.created_at, &record.created_at);
        tell(facts.updated_at, &record.updated_at);
        // A restored record may still carry the date of its archiving.
        tell(facts.archived_at, if record.archived { &record.archived_at } else { &None });
        if let Some(column) = facts.id {
            rows.text(column, &record.id);
        }
        if let Some(column) = facts.archived {
            rows.boolean(column, record.archived);
        }
        rows.end_row(self.position, || record.to_json(self.names));
    }

    /// Oldest first, as things happened: HubSpot sends the newest first.
    fn history(&mut self, record: &Record<'_>) {
        for former in record.history.iter().rev() {
            let told = [
                &Some(record.id.clone()),
                &Some(former.property.clone()),
                &former.timestamp,
                &former.value,
                &former.source_type,
                &former.source_id,
                &former.source_label,
                &former.updated_by_user_id,
            ];
            for (column, value) in told.into_iter().enumerate() {
                match value {
                    Some(value) => self.rows.text(column, value),
                    None => self.rows.null(column),
                }
            }
            if former.timestamp.is_none() {
                self.rows.reject(2, "", "a former value without its instant has no key");
            }
            let json = || {
                let text = |text: &Text<'_>| text.as_deref().map(str::to_owned);
                serde_json::json!({
                    "id": record.id,
                    "property": former.property,
                    "value": text(&former.value),
                    "timestamp": text(&former.timestamp),
                    "sourceType": text(&former.source_type),
                    "sourceId": text(&former.source_id),
                })
                .to_string()
            };
            self.rows.end_row(self.position, json);
        }
    }
}
