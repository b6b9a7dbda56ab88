//! The names that PostgreSQL gives to columns that a query does not name.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, DataType, Expr, Ident, Select, SelectItem, SetExpr, Statement, VisitMut, VisitorMut,
};

/// Names every column that is computed. The engine would write the whole expression, and refuses
/// two columns of one name where PostgreSQL does not mind.
pub(super) fn outputs(statement: &mut Statement) {
    let _ = statement.visit(&mut Outputs);
}

struct Outputs;

impl VisitorMut for Outputs {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let mut taken: HashSet<String> = HashSet::new();
        for item in &select.projection {
            match item {
                SelectItem::ExprWithAlias { alias, .. } => {
                    taken.insert(folded(alias));
                }
                SelectItem::UnnamedExpr(Expr::Identifier(name)) => {
                    taken.insert(folded(name));
                }
                SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => {
                    taken.extend(names.last().map(folded));
                }
                _ => {}
            }
        }
        for item in &mut select.projection {
            let SelectItem::UnnamedExpr(expr) = item else { continue };
            if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
                continue;
            }
            let name = figure(expr).unwrap_or_else(|| "?column?".to_owned());
            let mut free = name.clone();
            let mut count = 1;
            while !taken.insert(free.clone()) {
                count += 1;
                free = format!("{name}_{count}");
            }
            let alias = Ident::with_quote('"', free);
            *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
        }
        ControlFlow::Continue(())
    }
}

fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

/// The name of a column, as PostgreSQL's parser figures it.
fn figure(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(folded(name)),
        Expr::CompoundIdentifier(names) => names.last().map(folded),
        Expr::Function(function) => function.name.0.last()?.as_ident().map(folded),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => figure(inner),
        Expr::Cast { expr: inner, data_type, .. } => {
            figure(inner).or_else(|| named_type(data_type))
        }
        Expr::Case { else_result, .. } => {
            let of_else = else_result
                .as_deref()
                .filter(|expr| matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)));
            of_else.and_then(figure).or_else(|| Some("case".to_owned()))
        }
        Expr::Exists { .. } => Some("exists".to_owned()),
        Expr::Array(_) => Some("array".to_owned()),
        Expr::Extract { .. } => Some("extract".to_owned()),
        Expr::Substring { .. } => Some("substring".to_owned()),
        Expr::Trim { .. } => Some("btrim".to_owned()),
        Expr::Position { .. } => Some("position".to_owned()),
        Expr::AtTimeZone { .. } => Some("timezone".to_owned()),
        Expr::Subquery(query) => match &*query.body {
            SetExpr::Select(select) => match select.projection.as_slice() {
                [SelectItem::UnnamedExpr(expr)] => figure(expr),
                [SelectItem::ExprWithAlias { alias, .. }] => Some(folded(alias)),
                _ => None,
            },
            _ => None,
        },
        Expr::CompoundFieldAccess { root, access_chain } => {
            let last = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(name)) => Some(folded(name)),
                _ => None,
            });
            last.or_else(|| figure(root))
        }
        _ => None,
    }
}

fn named_type(data_type: &DataType) -> Option<String> {
    let name = match data_type {
        DataType::Text => "text",
        DataType::Boolean | DataType::Bool => "bool",
        DataType::SmallInt(_) | DataType::Int2(_) => "int2",
        DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => "int4",
        DataType::BigInt(_) | DataType::Int8(_) => "int8",
        DataType::Numeric(_) | DataType::Decimal(_) => "numeric",
        DataType::Date => "date",
        DataType::Varchar(_) | DataType::CharacterVarying(_) => "varchar",
        DataType::Regclass => "regclass",
        DataType::Custom(name, _) => return name.0.last()?.as_ident().map(folded),
        _ => return None,
    };
    Some(name.to_owned())
}
