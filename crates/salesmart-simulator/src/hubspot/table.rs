//! Objects as tables: a kind says how its records are found and shown, and every endpoint reads
//! all kinds in the same way.

use super::ids::Kind;
use super::index::Index;
use super::property::{Definition, Property, Type};
use super::value::{Millis, Value, lot, millis};
use super::view::View;
use crate::world::Instant;

/// What the index needs of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) number: u64,
    /// Where to find it again, if its number does not tell.
    pub(super) home: u64,
    pub(super) created: Instant,
    pub(super) modified: Instant,
    pub(super) deleted: Option<Instant>,
    pub(super) merged_into: Option<u64>,
}

/// A record with what the portal adds to it.
pub(super) struct Row<T> {
    pub(super) number: u64,
    pub(super) created: Millis,
    pub(super) modified: Millis,
    pub(super) archived: Option<Millis>,
    pub(super) it: T,
}

/// One value that a property had.
#[derive(Clone, Debug)]
pub(super) struct Version {
    /// As JSON: a string, or null.
    pub(super) value: Vec<u8>,
    pub(super) at: Millis,
    /// Who set it; none: HubSpot did.
    pub(super) by: Option<usize>,
}

/// How a kind's records are found and shown.
pub(super) trait Object: Sync + Sized + 'static {
    /// What a record shows.
    type Item;
    /// What is kept from one record to the next, to find neighbours faster.
    type Memo: Default;

    fn kind(&self) -> Kind;

    fn properties(&self) -> &'static [Property<Self::Item>];

    /// Every record that ever was, by number.
    fn scan(&self, view: &View, each: &mut dyn FnMut(Head));

    /// The record with a number.
    fn item(
        &self,
        view: &View,
        number: u64,
        home: u64,
        memo: &mut Self::Memo,
    ) -> Option<Self::Item>;

    /// When it was made.
    fn created(&self, item: &Self::Item) -> Instant;

    /// When it was archived.
    fn deleted(&self, item: &Self::Item) -> Option<Instant>;

    /// What a property was, oldest first; none: only its present value is known.
    fn history(&self, _view: &View, _row: &Row<Self::Item>, _name: &str) -> Option<Vec<Version>> {
        None
    }

    /// The numbers of the records it is associated with; they may be archived or merged away.
    fn links(&self, _view: &View, _item: &Self::Item, _to: Kind) -> Vec<u64> {
        Vec::new()
    }
}

/// A kind, whatever it shows.
pub(super) trait Table: Sync {
    fn kind(&self) -> Kind;

    /// Every property, those included that a fault takes away. Its place here is what the reader
    /// knows it by.
    fn definitions(&self) -> Vec<Definition>;

    fn scan(&self, view: &View, each: &mut dyn FnMut(Head));

    fn reader<'v>(&'static self, view: &'v View) -> Box<dyn Reader + 'v>;
}

/// Reads the records of a kind, one at a time.
pub(super) trait Reader {
    /// Goes to the record at a position of the index.
    fn go(&mut self, position: usize);

    /// Writes a property's value as JSON.
    fn value(&self, place: usize, out: &mut Vec<u8>);

    /// What a property was, newest first.
    fn history(&self, place: usize) -> Vec<Version>;

    /// The numbers of the associated records, as they were entered.
    fn links(&self, to: Kind) -> Vec<u64>;

    fn created(&self) -> Millis;

    fn modified(&self) -> Millis;

    fn archived(&self) -> Option<Millis>;

    fn number(&self) -> u64;
}

/// The properties that every kind has, before its own.
pub(super) const COMMON: usize = 4;

impl<O: Object> Table for O {
    fn kind(&self) -> Kind {
        Object::kind(self)
    }

    fn definitions(&self) -> Vec<Definition> {
        let facts = Object::kind(self).facts();
        let calculated = |mut definition: Definition| {
            definition.is_calculated = true;
            definition
        };
        let common = [
            Definition::new(facts.created, "Create Date", Type::DateTime),
            Definition::new(facts.modified, "Last Modified Date", Type::DateTime),
            Definition::new("hs_object_id", "Record ID", Type::Number),
            calculated(Definition::new("hs_merged_object_ids", "Merged record IDs", Type::Text)),
        ];
        let own = self.properties().iter().map(|property| property.definition);
        common.into_iter().chain(own).collect()
    }

    fn scan(&self, view: &View, each: &mut dyn FnMut(Head)) {
        Object::scan(self, view, each);
    }

    fn reader<'v>(&'static self, view: &'v View) -> Box<dyn Reader + 'v> {
        let index = view.index(Object::kind(self));
        Box::new(Rows { object: self, view, index, memo: O::Memo::default(), row: None })
    }
}

struct Rows<'v, O: Object> {
    object: &'static O,
    view: &'v View,
    index: &'v Index,
    memo: O::Memo,
    row: Option<Row<O::Item>>,
}

impl<O: Object> Rows<'_, O> {
    fn row(&self) -> &Row<O::Item> {
        self.row.as_ref().expect("a reader goes to a record before it reads it")
    }
}

impl<O: Object> Reader for Rows<'_, O> {
    fn go(&mut self, position: usize) {
        let number = self.index.number(position);
        let home = self.index.home(position);
        let item = self
            .object
            .item(self.view, number, home, &mut self.memo)
            .expect("the index was made from this very world");
        let fraction = fraction_of(self.object.kind(), number);
        self.row = Some(Row {
            number,
            created: millis(self.object.created(&item)) + fraction,
            modified: self.index.modified(position),
            archived: self.object.deleted(&item).map(|at| millis(at) + fraction),
            it: item,
        });
    }

    fn value(&self, place: usize, out: &mut Vec<u8>) {
        let (row, kind) = (self.row(), self.object.kind());
        let lot = lot(kind as u64, row.number, place as u64);
        let value = Value::new(out, lot, self.view.style(), self.view.flags.nul_bytes);
        match place {
            0 => value.stamp(row.created),
            1 => value.stamp(row.modified),
            2 => value.whole(kind.id(row.number)),
            3 => match self.index.merged(row.number) {
                [] => value.null(),
                losers => {
                    let ids: Vec<String> =
                        losers.iter().map(|number| kind.id(*number).to_string()).collect();
                    value.word(&ids.join(";"));
                }
            },
            _ => (self.object.properties()[place - COMMON].get)(self.view, row, value),
        }
    }

    fn history(&self, place: usize) -> Vec<Version> {
        let row = self.row();
        let own = place.checked_sub(COMMON).map(|own| &self.object.properties()[own].definition);
        let known = own.and_then(|own| self.object.history(self.view, row, own.name));
        let mut versions = known.unwrap_or_else(|| {
            // A value that nobody keeps the history of was set when the record was made.
            let mut value = Vec::new();
            self.value(place, &mut value);
            let at = if place == 1 { row.modified } else { row.created };
            vec![Version { value, at, by: None }]
        });
        // What was never set has no history, and what was taken away is an empty text in it.
        let unset = versions.iter().take_while(|version| version.value == b"null").count();
        versions.drain(..unset);
        for version in versions.iter_mut().filter(|version| version.value == b"null") {
            version.value = b"\"\"".to_vec();
        }
        versions.reverse();
        versions
    }

    fn links(&self, to: Kind) -> Vec<u64> {
        self.object.links(self.view, &self.row().it, to)
    }

    fn created(&self) -> Millis {
        self.row().created
    }

    fn modified(&self) -> Millis {
        self.row().modified
    }

    fn archived(&self) -> Option<Millis> {
        self.row().archived
    }

    fn number(&self) -> u64 {
        self.row().number
    }
}

/// The milliseconds of all stamps of a record. The world counts in seconds and HubSpot in
/// milliseconds; the same ones for all stamps leave their order as it is.
pub(super) fn fraction_of(kind: Kind, number: u64) -> Millis {
    Millis::try_from(lot(kind as u64, number, u64::MAX) % 1_000).expect("below a thousand")
}
