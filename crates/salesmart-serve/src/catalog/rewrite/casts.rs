//! Casts to types that the engine does not have.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, BinaryOperator, DataType, Expr, Ident, SelectItem, SetExpr, Statement,
    VisitorMut,
};

use super::{call, called, text};
use crate::catalog::references::KINDS;

/// Types that are text to everybody but PostgreSQL itself.
const TEXT: [&str; 13] = [
    "name",
    "char",
    "cstring",
    "unknown",
    "bpchar",
    "aclitem",
    "xid",
    "sql_identifier",
    "character_data",
    "yes_or_no",
    "pg_lsn",
    "refcursor",
    "citext",
];

/// Columns of the catalog that are shown as the name of a function and compared as its number.
const FUNCTION_COLUMNS: [&str; 8] = [
    "typinput",
    "typoutput",
    "typreceive",
    "typsend",
    "typmodin",
    "typmodout",
    "typanalyze",
    "typsubscript",
];

/// Replaces casts to `regclass` and its like by calls, and other names of types by those that the
/// engine knows.
pub(super) struct Casts;

impl VisitorMut for Casts {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Cast { expr: inner, data_type, .. } => {
                if let Some((_, reads, _)) = reference(data_type) {
                    *expr = call(reads, vec![(**inner).clone()]);
                } else if is_text(data_type)
                    && let Some(writes) = writer(inner)
                {
                    *expr = call(writes, vec![(**inner).clone()]);
                } else {
                    plain(data_type);
                }
            }
            Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
                for side in [left, right] {
                    if let Some(writes) = writer(side) {
                        **side = call(writes, vec![(**side).clone()]);
                    }
                }
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq | BinaryOperator::NotEq, right } => {
                number_of_function(left, right);
                number_of_function(right, left);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// `t.typreceive = p.oid` compares numbers.
fn number_of_function(side: &mut Expr, other: &Expr) {
    let is_number = matches!(last_name(other).as_deref(), Some("oid"))
        || called(other).is_some_and(|name| name == "_regproc_in");
    if is_number && last_name(side).is_some_and(|name| FUNCTION_COLUMNS.contains(&name.as_str())) {
        *side = call("_regproc_in", vec![side.clone()]);
    }
}

/// The last part of the name of a column.
fn last_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(name.value.to_ascii_lowercase()),
        Expr::CompoundIdentifier(names) => Some(names.last()?.value.to_ascii_lowercase()),
        Expr::Nested(inner) => last_name(inner),
        _ => None,
    }
}

/// What a type is called, without its schema, in lower case.
fn type_name(data_type: &DataType) -> Option<String> {
    match data_type {
        DataType::Regclass => Some("regclass".to_owned()),
        DataType::Custom(name, modifiers) if modifiers.is_empty() => {
            Some(name.0.last()?.as_ident()?.value.to_ascii_lowercase())
        }
        _ => None,
    }
}

fn reference(data_type: &DataType) -> Option<&'static (&'static str, &'static str, &'static str)> {
    let name = type_name(data_type)?;
    KINDS.iter().find(|(kind, _, _)| *kind == name)
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Text | DataType::Varchar(_) | DataType::CharacterVarying(_))
        || type_name(data_type).is_some_and(|name| {
            ["text", "varchar"].contains(&name.as_str()) || TEXT.contains(&name.as_str())
        })
}

/// The function that writes what an expression reads.
fn writer(expr: &Expr) -> Option<&'static str> {
    if let Expr::Nested(inner) = expr {
        return writer(inner);
    }
    let name = called(expr)?;
    KINDS.iter().find(|(_, reads, _)| *reads == name).map(|(_, _, writes)| *writes)
}

fn plain(data_type: &mut DataType) {
    match data_type {
        DataType::Array(ArrayElemTypeDef::SquareBracket(inner, _)) => return plain(inner),
        DataType::Char(None) | DataType::Character(None) => *data_type = DataType::Text,
        _ => {}
    }
    let Some(name) = type_name(data_type) else { return };
    if TEXT.contains(&name.as_str()) {
        *data_type = DataType::Text;
    } else if name == "cardinal_number" {
        *data_type = DataType::Integer(None);
    } else if name == "oidvector" || name == "int2vector" {
        let item = Box::new(DataType::SmallInt(None));
        *data_type = DataType::Array(ArrayElemTypeDef::SquareBracket(item, None));
    }
}

/// Columns that are vectors: clients know them as numbers with spaces between, and as no array.
fn is_vector(name: &str) -> bool {
    ["indkey", "indclass", "indoption", "indcollation"].contains(&name)
}

/// What a query returns as `regclass` or its like is shown as the name, a vector as its numbers.
pub(super) fn shown(statement: &mut Statement) {
    let query = match statement {
        Statement::Query(query) => query,
        _ => return,
    };
    show(&mut query.body);
}

fn show(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => {
            for item in &mut select.projection {
                if let SelectItem::UnnamedExpr(expr) = item
                    && let Some(name) = last_name(expr).filter(|name| is_vector(name))
                {
                    let (expr, alias) = (expr.clone(), Ident::new(name));
                    *item = SelectItem::ExprWithAlias { expr, alias };
                }
                let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item
                else {
                    continue;
                };
                if let Some(writes) = writer(expr) {
                    *expr = call(writes, vec![expr.clone()]);
                } else if last_name(expr).is_some_and(|name| is_vector(&name)) {
                    *expr = call("array_to_string", vec![expr.clone(), text(" ")]);
                }
            }
        }
        SetExpr::SetOperation { left, right, .. } => {
            show(left);
            show(right);
        }
        SetExpr::Query(query) => show(&mut query.body),
        _ => {}
    }
}
