//! What a table looks like over there: columns, constraints and indexes, from its columns in the
//! lake and its model's contract.

use arrow::datatypes::{DataType, Schema};
use chrono::NaiveDate;
use salesmart_core::{ColumnType, Result, TableContract, ValueRule};
use serde::{Deserialize, Serialize};

use super::config::LONGEST_NAME;
use super::sql;

/// Indexes beside that of the grain, at most.
const MOST_INDEXES: usize = 3;

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShapedColumn {
    pub(super) name: String,
    pub(super) sql_type: String,
    pub(super) not_null: bool,
}

/// A constraint of one column's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShapedCheck {
    pub(super) name: String,
    pub(super) expression: String,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShapedIndex {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) unique: bool,
}

/// A table's shape. It is kept over there, so that the next load knows what it finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shape {
    pub(super) columns: Vec<ShapedColumn>,
    /// The grain, where none of its columns may be null: the primary key.
    pub(super) key: Vec<String>,
    pub(super) key_name: String,
    pub(super) checks: Vec<ShapedCheck>,
    pub(super) indexes: Vec<ShapedIndex>,
}

impl Shape {
    pub(super) fn new(table: &str, schema: &Schema, contract: &TableContract) -> Result<Self> {
        let named = |ending: &str| {
            sql::short(&format!("{}_{ending}", table.replace('.', "_")), LONGEST_NAME)
        };
        let mut columns = Vec::new();
        let mut checks = Vec::new();
        for field in schema.fields() {
            let promise = contract.column(field.name());
            columns.push(ShapedColumn {
                name: field.name().clone(),
                sql_type: sql::column_type(table, field.name(), field.data_type())?,
                not_null: promise.is_some_and(|promise| promise.not_null),
            });
            let expressions = promise
                .into_iter()
                .flat_map(|promise| &promise.rules)
                .filter_map(|rule| expression(field.name(), field.data_type(), rule));
            for (n, expression) in expressions.enumerate() {
                let nth = if n == 0 { String::new() } else { (n + 1).to_string() };
                checks.push(ShapedCheck {
                    name: named(&format!("{}_check{nth}", field.name())),
                    expression,
                });
            }
        }
        let there = |name: &str| columns.iter().find(|column| column.name == name);
        let grain: Vec<String> = match contract.grain.iter().all(|name| there(name).is_some()) {
            true => contract.grain.clone(),
            false => Vec::new(),
        };
        let is_key =
            !grain.is_empty() && grain.iter().all(|name| there(name).is_some_and(|c| c.not_null));
        let mut indexes = Vec::new();
        if !grain.is_empty() && !is_key {
            indexes.push(ShapedIndex {
                name: named("grain"),
                columns: grain.clone(),
                unique: true,
            });
        }
        // Questions come by day and by whom; the first column of the grain has its index already.
        let asked = |name: &&String| {
            there(name).is_some_and(|column| {
                column.sql_type == "date"
                    || column.sql_type.starts_with("timestamp")
                    || column.name.ends_with("_id")
            })
        };
        for column in grain.iter().skip(1).filter(asked).take(MOST_INDEXES) {
            indexes.push(ShapedIndex {
                name: named(&format!("{column}_idx")),
                columns: vec![column.clone()],
                unique: false,
            });
        }
        let key = if is_key { grain } else { Vec::new() };
        Ok(Self { columns, key, key_name: named("pkey"), checks, indexes })
    }

    /// The columns' names.
    pub(super) fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    pub(super) fn column(&self, name: &str) -> Option<&ShapedColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// As it is kept.
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The columns with their types alone, of which two shapes may be equal though their
    /// constraints differ.
    pub(super) fn retyped<'a>(&'a self, before: &'a Shape) -> Vec<&'a ShapedColumn> {
        self.columns
            .iter()
            .filter(|column| {
                before.column(&column.name).is_some_and(|old| {
                    old.sql_type != column.sql_type && !widens(&old.sql_type, &column.sql_type)
                })
            })
            .collect()
    }

    /// The columns of `before` that are not here any more.
    pub(super) fn dropped<'a>(&self, before: &'a Shape) -> Vec<&'a ShapedColumn> {
        before.columns.iter().filter(|column| self.column(&column.name).is_none()).collect()
    }

    /// The columns whose type holds more than it did, which needs no new table.
    pub(super) fn widened<'a>(&'a self, before: &'a Shape) -> Vec<&'a ShapedColumn> {
        self.columns
            .iter()
            .filter(|column| {
                before
                    .column(&column.name)
                    .is_some_and(|old| widens(&old.sql_type, &column.sql_type))
            })
            .collect()
    }

    /// `create table` with what can be had while rows come in. `logged` tables survive a crash of
    /// the server.
    pub(super) fn create(&self, table: &str, logged: bool, constraints: bool) -> String {
        let mut parts: Vec<String> = self
            .columns
            .iter()
            .map(|column| {
                let not_null = if constraints && column.not_null { " not null" } else { "" };
                format!("{} {}{not_null}", sql::name(&column.name), column.sql_type)
            })
            .collect();
        if constraints {
            parts.extend(self.checks.iter().map(|check| {
                format!("constraint {} check ({})", sql::name(&check.name), check.expression)
            }));
        }
        let kind = if logged { "table" } else { "unlogged table" };
        format!("create {kind} {table} ({})", parts.join(", "))
    }

    /// The primary key, as `alter table` adds it.
    pub(super) fn add_key(&self, table: &str) -> Option<String> {
        (!self.key.is_empty()).then(|| {
            format!(
                "alter table {table} add constraint {} primary key ({})",
                sql::name(&self.key_name),
                sql::names(self.key.iter().map(String::as_str))
            )
        })
    }
}

impl ShapedIndex {
    pub(super) fn create(&self, table: &str) -> String {
        let unique = if self.unique { "unique " } else { "" };
        format!(
            "create {unique}index {} on {table} ({})",
            sql::name(&self.name),
            sql::names(self.columns.iter().map(String::as_str))
        )
    }
}

/// Whether every value of one numeric type is one of the other, digits behind the point included:
/// PostgreSQL then changes the type without touching a row.
fn widens(from: &str, to: &str) -> bool {
    let parts = |text: &str| -> Option<(u8, u8)> {
        let (precision, scale) =
            text.strip_prefix("numeric(")?.strip_suffix(')')?.split_once(',')?;
        Some((precision.parse().ok()?, scale.parse().ok()?))
    };
    match (parts(from), parts(to)) {
        (Some((before, scale)), Some((now, same))) => scale == same && now > before,
        _ => false,
    }
}

/// A rule as an expression; `None` where it cannot be said of this type.
fn expression(column: &str, data_type: &DataType, rule: &ValueRule) -> Option<String> {
    let known = ColumnType::from_arrow(data_type)?;
    let literal = |value: &str| -> Option<String> {
        match known {
            ColumnType::String => Some(sql::text(value)),
            ColumnType::Int64 | ColumnType::Decimal(..) | ColumnType::Float64 => {
                let number = value.strip_prefix(['-', '+']).unwrap_or(value);
                let digits = number.chars().all(|c| c.is_ascii_digit() || c == '.');
                (digits && number.parse::<f64>().is_ok()).then(|| value.to_owned())
            }
            ColumnType::Date => value.parse::<NaiveDate>().ok().map(|day| format!("date '{day}'")),
            ColumnType::Timestamp | ColumnType::Boolean => None,
        }
    };
    let name = sql::name(column);
    match rule {
        ValueRule::OneOf(values) => {
            let values: Option<Vec<String>> = values.iter().map(|value| literal(value)).collect();
            values.map(|values| format!("{name} in ({})", values.join(", ")))
        }
        ValueRule::Between(low, high) => {
            Some(format!("{name} between {} and {}", literal(low)?, literal(high)?))
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;
    use salesmart_core::ColumnPromise;

    use super::*;

    fn promise(name: &str, not_null: bool, rules: Vec<ValueRule>) -> ColumnPromise {
        ColumnPromise { name: name.to_owned(), doc: String::new(), not_null, rules }
    }

    fn schema() -> Schema {
        let field = |name: &str, of: ColumnType| Field::new(name, of.to_arrow(), true);
        Schema::new(vec![
            field("scope_id", ColumnType::String),
            field("period_start", ColumnType::Date),
            field("value", ColumnType::Decimal(18, 6)),
            field("state", ColumnType::String),
        ])
    }

    #[test]
    fn a_contract_becomes_a_table() {
        let contract = TableContract {
            grain: vec!["scope_id".to_owned(), "period_start".to_owned()],
            columns: vec![
                promise("scope_id", true, Vec::new()),
                promise("period_start", true, Vec::new()),
                promise("value", false, vec![ValueRule::Between("0".to_owned(), "1".to_owned())]),
                promise(
                    "state",
                    false,
                    vec![ValueRule::OneOf(vec!["won".to_owned(), "it's".to_owned()])],
                ),
            ],
            ..TableContract::default()
        };
        let shape = Shape::new("kpi.win_rate", &schema(), &contract).unwrap();
        insta::assert_snapshot!(shape.create("t", true, true), @r#"create table t ("scope_id" text not null, "period_start" date not null, "value" numeric(18,6), "state" text, constraint "kpi_win_rate_value_check" check ("value" between 0 and 1), constraint "kpi_win_rate_state_check" check ("state" in ('won', 'it''s')))"#);
        insta::assert_snapshot!(shape.add_key("t").unwrap(), @r#"alter table t add constraint "kpi_win_rate_pkey" primary key ("scope_id", "period_start")"#);
        assert_eq!(shape.indexes.len(), 1);
        insta::assert_snapshot!(shape.indexes[0].create("t"), @r#"create index "kpi_win_rate_period_start_idx" on t ("period_start")"#);
        assert_eq!(Shape::from_text(&shape.to_text()), Some(shape));
    }

    #[test]
    fn a_grain_that_may_be_null_is_unique_and_no_key() {
        let contract = TableContract {
            grain: vec!["scope_id".to_owned()],
            columns: vec![promise("scope_id", false, Vec::new())],
            ..TableContract::default()
        };
        let shape = Shape::new("kpi.x", &schema(), &contract).unwrap();
        assert!(shape.key.is_empty() && shape.indexes[0].unique);
        let unknown = TableContract { grain: vec!["gone".to_owned()], ..contract };
        let shape = Shape::new("kpi.x", &schema(), &unknown).unwrap();
        assert!(shape.key.is_empty() && shape.indexes.is_empty());
    }

    #[test]
    fn only_more_digits_before_the_point_widen() {
        assert!(widens("numeric(18,2)", "numeric(20,2)"));
        assert!(!widens("numeric(18,2)", "numeric(20,4)"));
        assert!(!widens("numeric(18,2)", "numeric(12,2)"));
        assert!(!widens("bigint", "numeric(20,0)"));
    }
}
