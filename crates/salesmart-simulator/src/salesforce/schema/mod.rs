//! The objects and fields of the org: what describe tells of them, and where their values come from.
//!
//! An object's rows are made on demand. A row is addressed by the *unit* of the world it comes from
//! (a deal, an account, a person) and its place within it, both of which are in its id.

mod accounts;
mod activities;
mod campaigns;
mod deals;
mod describe;
mod forecasts;
mod history;
mod leads;
mod people;
mod products;
mod records;
mod reference;

use std::collections::BTreeMap;
use std::ops::Range;

pub(crate) use deals::divided;
pub(crate) use describe::{describe, summary};
pub(crate) use forecasts::Forecasts;
pub(crate) use records::{Record, Snapshot};
pub(crate) use reference::fiscal_year;

use super::activity::ActivityUnit;
use super::ids::RecordId;
use super::org::{Org, Reader};
use super::value::{Decimal, Value};
use crate::Cents;

/// What kind of value a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Id,
    Reference,
    Text,
    TextArea,
    Picklist,
    Email,
    Url,
    Boolean,
    Int,
    Double,
    Currency,
    Percent,
    Date,
    DateTime,
    Any,
    Address,
}

/// When a field is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Always.
    Always,
    /// In an org with several currencies.
    ManyCurrencies,
    /// Once the fault `NewField` is on.
    New,
    /// Until the fault `RemovedField` is on.
    Removed,
    /// Until the fault `RetypedField` is on.
    BeforeRetyping,
    /// Once the fault `RetypedField` is on.
    AfterRetyping,
    /// Until the fault `HiddenField` is on.
    Hidden,
}

/// Where a value comes from.
#[derive(Clone, Copy)]
pub(crate) enum Get {
    /// The row's id.
    Id,
    /// The row's stamp, by which it is indexed.
    Stamp,
    /// Whether the row is in the bin.
    Deleted,
    /// The record.
    From(Getter),
}

/// Takes a value out of a record.
pub(crate) type Getter = for<'r> fn(&'r Reader<'_>, &'r Record) -> Value<'r>;

/// A field.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Type,
    pub(crate) length: u32,
    pub(crate) precision: u8,
    pub(crate) scale: u8,
    pub(crate) nillable: bool,
    pub(crate) filterable: bool,
    pub(crate) sortable: bool,
    pub(crate) calculated: bool,
    pub(crate) reference_to: &'static [&'static str],
    pub(crate) relationship: Option<&'static str>,
    pub(crate) picklist: &'static [&'static str],
    pub(crate) presence: Presence,
    pub(crate) get: Get,
}

/// A field with the defaults of its type.
fn field(name: &'static str, kind: Type, getter: Getter) -> Field {
    let (length, precision, scale) = match kind {
        Type::Id | Type::Reference => (18, 0, 0),
        Type::Text | Type::Picklist | Type::Url => (255, 0, 0),
        Type::TextArea => (32_000, 0, 0),
        Type::Email => (80, 0, 0),
        Type::Currency => (0, 18, 2),
        Type::Double => (0, 18, 6),
        Type::Percent => (0, 5, 2),
        Type::Any => (255, 0, 0),
        Type::Int | Type::Boolean | Type::Date | Type::DateTime | Type::Address => (0, 0, 0),
    };
    let is_loose = matches!(kind, Type::TextArea | Type::Any | Type::Address);
    Field {
        name,
        kind,
        length,
        precision,
        scale,
        nillable: true,
        filterable: !is_loose,
        sortable: !matches!(kind, Type::TextArea | Type::Address),
        calculated: false,
        reference_to: &[],
        relationship: None,
        picklist: &[],
        presence: Presence::Always,
        get: Get::From(getter),
    }
}

/// A field that points to a record, and the name of the way there.
fn reference(
    name: &'static str,
    to: &'static [&'static str],
    relationship: &'static str,
    getter: Getter,
) -> Field {
    let field = field(name, Type::Reference, getter);
    Field { reference_to: to, relationship: Some(relationship), ..field }
}

/// A field whose values are one of a list.
fn picklist(name: &'static str, values: &'static [&'static str], getter: Getter) -> Field {
    Field { picklist: values, ..field(name, Type::Picklist, getter) }
}

impl Field {
    fn get(self, get: Get) -> Self {
        Self { get, ..self }
    }

    fn required(self) -> Self {
        Self { nillable: false, ..self }
    }

    fn formula(self) -> Self {
        Self { calculated: true, ..self }
    }

    fn when(self, presence: Presence) -> Self {
        Self { presence, ..self }
    }

    fn long(self, length: u32) -> Self {
        Self { length, ..self }
    }

    /// Whether somebody made it for this org.
    pub(crate) fn is_custom(&self) -> bool {
        self.name.ends_with("__c")
    }

    /// Whether values are made of its components.
    pub(crate) fn is_compound(&self) -> bool {
        self.kind == Type::Address
    }
}

/// A row's place and what the index must know of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    /// The place within the unit.
    pub(crate) place: u64,
    /// Its stamp in seconds since 1970; 0 for objects without one.
    pub(crate) stamp: i64,
    /// When it was created, in seconds since 1970.
    pub(crate) created: i64,
    /// Whether it was deleted.
    pub(crate) deleted: bool,
}

/// How the rows of an object are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// The unit, and in so many bits the place within it.
    Places(u32),
    /// As [`ActivityUnit`] numbers activities: the place says it all.
    Activities,
}

/// An object.
#[derive(Clone)]
pub(crate) struct Object {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) prefix: [u8; 3],
    /// Added to the numbers of its ids, where objects share a prefix.
    pub(crate) id_base: u64,
    /// How many bits of its ids' numbers are the place within the unit.
    pub(crate) numbering: Numbering,
    /// Whether `deleted` and `updated` are served.
    pub(crate) is_replicateable: bool,
    /// Whether Bulk serves it, if it is not said otherwise in the settings.
    pub(crate) is_bulkable: bool,
    /// Whether what was saved last on a day may be committed late.
    pub(crate) is_committed_late: bool,
    pub(crate) fields: Vec<Field>,
    /// The units that may have rows.
    pub(crate) units: fn(&Org) -> Vec<Range<u64>>,
    /// Tells each row of a unit.
    pub(crate) spots: fn(&Org, u64, &mut dyn FnMut(Spot)),
    /// Makes a row's record.
    pub(crate) load: fn(&Reader<'_>, u64, u64) -> Option<Record>,
}

impl Object {
    /// Whether somebody made it for this org.
    pub(crate) fn is_custom(&self) -> bool {
        self.name.ends_with("__c")
    }

    /// The number of a row.
    pub(crate) fn number(&self, unit: u64, place: u64) -> u64 {
        match self.numbering {
            Numbering::Places(bits) => unit << bits | place,
            Numbering::Activities => place,
        }
    }

    /// The unit and place of a row by its number.
    pub(crate) fn address(&self, number: u64) -> (u64, u64) {
        match self.numbering {
            Numbering::Places(bits) => (number >> bits, number & ((1 << bits) - 1)),
            Numbering::Activities => (ActivityUnit::of_number(number).unit(), number),
        }
    }

    /// The id of a row by its number.
    pub(crate) fn id(&self, number: u64) -> RecordId {
        RecordId::new(self.prefix, self.id_base + number)
    }

    /// The number of an id, if it may be one of this object.
    pub(crate) fn number_of(&self, id: &RecordId) -> Option<u64> {
        let number = id.number().checked_sub(self.id_base)?;
        (self.id(number) == *id).then_some(number)
    }

    /// Whether rows can be in the bin.
    pub(crate) fn has_bin(&self) -> bool {
        self.fields.iter().any(|field| field.name == "IsDeleted")
    }
}

/// What is there at the moment: the catalogue less what is hidden, and with what was added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) has_new_field: bool,
    pub(crate) has_lost_field: bool,
    pub(crate) has_retyped_field: bool,
    pub(crate) has_hidden_field: bool,
    pub(crate) has_nul_bytes: bool,
    /// Objects the user may not see, in lower case.
    pub(crate) hidden_objects: Vec<String>,
    /// Fields the user may not see, as `object.field` in lower case.
    pub(crate) hidden_fields: Vec<String>,
}

impl View {
    /// Whether the user sees the object.
    pub(crate) fn shows(&self, object: &Object) -> bool {
        self.hidden_objects.is_empty()
            || !self.hidden_objects.contains(&object.name.to_ascii_lowercase())
    }

    /// Whether the field is there for the user.
    pub(crate) fn shows_field(&self, object: &Object, field: &Field) -> bool {
        let is_there = match field.presence {
            Presence::Always | Presence::ManyCurrencies => true,
            Presence::New => self.has_new_field,
            Presence::Removed => !self.has_lost_field,
            Presence::BeforeRetyping => !self.has_retyped_field,
            Presence::AfterRetyping => self.has_retyped_field,
            Presence::Hidden => !self.has_hidden_field,
        };
        is_there
            && (self.hidden_fields.is_empty() || {
                let name = format!("{}.{}", object.name, field.name).to_ascii_lowercase();
                !self.hidden_fields.contains(&name)
            })
    }

    /// The fields of an object that the user sees, with their places.
    pub(crate) fn fields<'a>(
        &'a self,
        object: &'a Object,
    ) -> impl Iterator<Item = (usize, &'a Field)> {
        object.fields.iter().enumerate().filter(|(_, field)| self.shows_field(object, field))
    }
}

/// Every object of the org, by name.
pub(crate) struct Catalogue {
    objects: Vec<Object>,
    /// Places by name in lower case.
    places: BTreeMap<String, usize>,
}

impl Catalogue {
    /// The objects of an org with one currency, or with many.
    pub(crate) fn new(has_many_currencies: bool) -> Self {
        let mut objects = Vec::new();
        people::objects(&mut objects);
        accounts::objects(&mut objects);
        leads::objects(&mut objects);
        deals::objects(&mut objects);
        history::objects(&mut objects);
        products::objects(&mut objects);
        reference::objects(&mut objects, has_many_currencies);
        forecasts::objects(&mut objects);
        activities::objects(&mut objects);
        campaigns::objects(&mut objects);
        if !has_many_currencies {
            for object in &mut objects {
                object.fields.retain(|field| field.presence != Presence::ManyCurrencies);
            }
        }
        objects.sort_by_key(|object| object.name);
        let places = objects.iter().enumerate();
        let places = places.map(|(place, o)| (o.name.to_ascii_lowercase(), place)).collect();
        Self { objects, places }
    }

    /// Every object, in the order of names.
    pub(crate) fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// The place of the object of this name, whatever its case.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.places.get(&name.to_ascii_lowercase()).copied()
    }

    /// The object at a place.
    pub(crate) fn at(&self, place: usize) -> &Object {
        &self.objects[place]
    }

    /// The place of the object that a reference leads to: of several, the one with rows here.
    pub(crate) fn target(&self, field: &Field) -> Option<usize> {
        field.reference_to.iter().rev().find_map(|name| self.find(name))
    }
}

/// The units of an object whose rows come from one range of them.
fn one(units: Range<u64>) -> Vec<Range<u64>> {
    Vec::from([units])
}

/// Money.
fn money(amount: Cents) -> Value<'static> {
    Value::Number(Decimal::new(amount.0, 2))
}

/// Money, or nothing.
fn maybe_money(amount: Option<Cents>) -> Value<'static> {
    amount.map_or(Value::Null, money)
}

/// An instant.
fn at(instant: crate::world::Instant) -> Value<'static> {
    Value::Instant(instant.timestamp())
}

/// A user.
fn user(person: usize) -> Value<'static> {
    Value::Id(people::user_id(person))
}

/// A record of another object, by its number.
fn link(prefix: [u8; 3], number: u64) -> Value<'static> {
    Value::Id(RecordId::new(prefix, number))
}

/// A record of another object, or none.
fn maybe_link(prefix: [u8; 3], number: Option<u64>) -> Value<'static> {
    number.map_or(Value::Null, |number| link(prefix, number))
}

/// `Id`, and `IsDeleted` where there is a bin.
fn identity(has_bin: bool) -> Vec<Field> {
    let nothing: Getter = |_, _| Value::Null;
    let mut fields = vec![field("Id", Type::Id, nothing).get(Get::Id).required()];
    if has_bin {
        fields.push(field("IsDeleted", Type::Boolean, nothing).get(Get::Deleted).required());
    }
    fields
}

/// Who made and changed a record, and when.
struct Audit {
    created: Getter,
    created_by: Getter,
    modified: Getter,
    modified_by: Getter,
}

impl Audit {
    fn fields(self) -> Vec<Field> {
        vec![
            field("CreatedDate", Type::DateTime, self.created).required(),
            reference("CreatedById", &["User"], "CreatedBy", self.created_by).required(),
            field("LastModifiedDate", Type::DateTime, self.modified).required(),
            reference("LastModifiedById", &["User"], "LastModifiedBy", self.modified_by).required(),
            stamp("SystemModstamp"),
        ]
    }
}

/// A field that holds the row's stamp.
fn stamp(name: &'static str) -> Field {
    let nothing: Getter = |_, _| Value::Null;
    field(name, Type::DateTime, nothing).get(Get::Stamp).required()
}

/// The currencies that the company may sell in.
const CURRENCIES: [&str; 7] = ["USD", "AUD", "CAD", "EUR", "GBP", "JPY", "SGD"];

/// The currency of a record's money, in an org that has several.
fn currency(getter: Getter) -> Field {
    picklist("CurrencyIsoCode", &CURRENCIES, getter).long(3).when(Presence::ManyCurrencies)
}

/// A getter of one kind of record: `of!(Deal, deal => …)`, or with the reader `of!(Deal, reader,
/// deal => …)`. Records of other kinds never come to it.
macro_rules! of {
    ($variant:ident, $record:pat_param => $body:expr) => {
        of!($variant, _, $record => $body)
    };
    ($variant:ident, $reader:pat_param, $record:pat_param => $body:expr) => {
        |$reader, record| match record {
            crate::salesforce::schema::Record::$variant($record) => $body,
            _ => crate::salesforce::value::Value::Null,
        }
    };
}
use of;
