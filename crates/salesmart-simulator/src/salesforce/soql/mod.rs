//! The query language, as far as it is spoken here: reading it, and writing it out again.
//!
//! A query is parsed into a tree first and only then held against the objects and fields there are,
//! as Salesforce does: what cannot be read is `MALFORMED_QUERY`, what does not exist is
//! `INVALID_TYPE` or `INVALID_FIELD`.

mod dates;
mod lex;
mod parse;
mod print;
#[cfg(test)]
mod tests;

use chrono::{DateTime, NaiveDate, Utc};

pub(crate) use dates::{Calendar, DateName};
pub(crate) use parse::parse;

use super::value::Decimal;

/// A whole query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) select: Vec<Item>,
    pub(crate) from: Name,
    pub(crate) filter: Option<Condition>,
    pub(crate) group_by: Vec<Path>,
    pub(crate) order_by: Vec<Order>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: Option<u64>,
}

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    /// The byte it begins at, for messages.
    pub(crate) at: usize,
}

/// Two names are the same wherever they stand.
impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A field, or one of a parent: `Account.Owner.Name`.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) parts: Vec<String>,
    /// The byte it begins at, for messages.
    pub(crate) at: usize,
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Path {
    /// As it is written.
    pub(crate) fn text(&self) -> String {
        self.parts.join(".")
    }
}

/// One thing that is selected.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    /// A field.
    Field(Path),
    /// A figure of a group.
    Figure {
        function: Function,
        /// What it is of; `COUNT()` is of nothing.
        of: Option<Path>,
        alias: Option<String>,
        /// Where it stands.
        at: Place,
    },
    /// `FIELDS(…)`.
    Fields(FieldSet, Place),
    /// The children of each row.
    SubQuery(Box<Query>, Place),
}

/// Where something stands; places are all the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(pub(crate) usize);

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What is worked out of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Count,
    CountDistinct,
    Sum,
    Avg,
    Min,
    Max,
}

impl Function {
    /// Every function and its name.
    pub(crate) const ALL: [(Function, &'static str); 6] = [
        (Function::Count, "COUNT"),
        (Function::CountDistinct, "COUNT_DISTINCT"),
        (Function::Sum, "SUM"),
        (Function::Avg, "AVG"),
        (Function::Min, "MIN"),
        (Function::Max, "MAX"),
    ];
}

/// Which fields `FIELDS()` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldSet {
    All,
    Standard,
    Custom,
}

/// What must hold of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare { path: Path, operator: Operator, literal: Literal },
    In { path: Path, negated: bool, literals: Vec<Literal> },
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

impl Operator {
    /// As it is written.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Like => "LIKE",
        }
    }
}

/// A value in a query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Number(Decimal),
    Text(String),
    Date(NaiveDate),
    Instant(DateTime<Utc>),
    Named(DateName),
}

/// How rows are sorted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Order {
    pub(crate) path: Path,
    pub(crate) descending: bool,
    /// Where nulls go; ascending order has them first unless it is said.
    pub(crate) nulls_last: Option<bool>,
}

/// Why a text is no query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// The byte it became clear at.
    pub(crate) at: usize,
    /// In Salesforce's words.
    pub(crate) message: String,
}

/// A message about a place in a query, in the form Salesforce gives it: the line, a caret below the
/// place, row and column, and what is wrong.
pub(crate) fn pointed(query: &str, at: usize, message: &str) -> String {
    let mut at = at.min(query.len());
    while !query.is_char_boundary(at) {
        at -= 1;
    }
    let before = &query[..at];
    let row = before.matches('\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |place| place + 1);
    let column = before[line_start..].chars().count() + 1;
    let line = query[line_start..].lines().next().unwrap_or("");
    // Long queries are shown by what is around the place.
    let characters: Vec<char> = line.chars().collect();
    let from = column.saturating_sub(50);
    let to = (column + 30).min(characters.len());
    let shown: String = characters.get(from..to).unwrap_or(&[]).iter().collect();
    let caret = " ".repeat(column - 1 - from);
    format!("\n{shown}\n{caret}^\nERROR at Row:{row}:Column:{column}\n{message}")
}
