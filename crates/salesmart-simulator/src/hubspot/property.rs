//! Properties: what they are called, of what type they are, and how a record's value is written.

use super::table::Row;
use super::value::Value;
use super::view::{Flags, View};

/// The type of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Number,
    Bool,
    Date,
    DateTime,
    /// One of these values; without any, the options are kept elsewhere (owners, stages).
    Choice(&'static [&'static str]),
    /// Several of these values, with `;` between them.
    Several(&'static [&'static str]),
}

impl Type {
    /// `type` and `fieldType` as the properties endpoint has them.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Type::Text => ("string", "text"),
            Type::Number => ("number", "number"),
            Type::Bool => ("bool", "booleancheckbox"),
            Type::Date => ("date", "date"),
            Type::DateTime => ("datetime", "date"),
            Type::Choice(_) => ("enumeration", "select"),
            Type::Several(_) => ("enumeration", "checkbox"),
        }
    }
}

/// On which fault a property's being there hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Always,
    /// Only once the new field was added.
    OnceAdded,
    /// Until it is removed.
    UntilRemoved,
    /// Unless it is hidden.
    UnlessHidden,
    /// Until its type is changed.
    UntilRetyped,
    /// Since its type was changed.
    OnceRetyped,
}

/// What a property is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: Type,
    /// Worked out by HubSpot from other values; it changes without the record changing.
    pub(super) is_calculated: bool,
    /// Made by the portal, not by HubSpot.
    pub(super) is_custom: bool,
    pub(super) presence: Presence,
}

impl Definition {
    pub(super) const fn new(name: &'static str, label: &'static str, kind: Type) -> Self {
        Self {
            name,
            label,
            kind,
            is_calculated: false,
            is_custom: false,
            presence: Presence::Always,
        }
    }

    /// Whether it is there under these faults.
    pub(super) fn is_there(&self, flags: &Flags) -> bool {
        match self.presence {
            Presence::Always => true,
            Presence::OnceAdded => flags.new_field,
            Presence::UntilRemoved => !flags.removed_field,
            Presence::UnlessHidden => !flags.hidden_field,
            Presence::UntilRetyped => !flags.retyped_field,
            Presence::OnceRetyped => flags.retyped_field,
        }
    }
}

/// Writes the value of a record.
pub(super) type Get<T> = fn(&View, &Row<T>, Value<'_>);

/// A property of records that show a `T`.
pub(super) struct Property<T> {
    pub(super) definition: Definition,
    pub(super) get: Get<T>,
}

impl<T> Property<T> {
    const fn of(name: &'static str, label: &'static str, kind: Type, get: Get<T>) -> Self {
        Self { definition: Definition::new(name, label, kind), get }
    }

    pub(super) const fn text(name: &'static str, label: &'static str, get: Get<T>) -> Self {
        Self::of(name, label, Type::Text, get)
    }

    pub(super) const fn number(name: &'static str, label: &'static str, get: Get<T>) -> Self {
        Self::of(name, label, Type::Number, get)
    }

    pub(super) const fn bool(name: &'static str, label: &'static str, get: Get<T>) -> Self {
        Self::of(name, label, Type::Bool, get)
    }

    pub(super) const fn date(name: &'static str, label: &'static str, get: Get<T>) -> Self {
        Self::of(name, label, Type::Date, get)
    }

    pub(super) const fn instant(name: &'static str, label: &'static str, get: Get<T>) -> Self {
        Self::of(name, label, Type::DateTime, get)
    }

    pub(super) const fn choice(
        name: &'static str,
        label: &'static str,
        options: &'static [&'static str],
        get: Get<T>,
    ) -> Self {
        Self::of(name, label, Type::Choice(options), get)
    }

    pub(super) const fn several(
        name: &'static str,
        label: &'static str,
        options: &'static [&'static str],
        get: Get<T>,
    ) -> Self {
        Self::of(name, label, Type::Several(options), get)
    }

    pub(super) const fn calculated(mut self) -> Self {
        self.definition.is_calculated = true;
        self
    }

    pub(super) const fn custom(mut self) -> Self {
        self.definition.is_custom = true;
        self
    }

    /// A custom property whose being there hangs on a fault.
    pub(super) const fn there(mut self, presence: Presence) -> Self {
        self.definition.presence = presence;
        self.custom()
    }
}
