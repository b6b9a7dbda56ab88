//! Queries of things that are never here: triggers, policies, publications, enumerations.
//!
//! What such a query computes is never computed, so it is not planned either: it becomes a query of
//! the same columns without rows. The engine has no words for many of these expressions.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, GroupByExpr, Ident, JoinOperator, Query, Select, SelectItem, SetExpr,
    TableFactor, TableWithJoins, Value, VisitorMut,
};

use super::subqueries::aggregated;

/// The tables that never have rows.
const EMPTY: [&str; 34] = [
    "pg_attrdef",
    "pg_auth_members",
    "pg_db_role_setting",
    "pg_default_acl",
    "pg_depend",
    "pg_enum",
    "pg_event_trigger",
    "pg_extension",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_foreign_table",
    "pg_inherits",
    "pg_largeobject",
    "pg_largeobject_metadata",
    "pg_matviews",
    "pg_parameter_acl",
    "pg_partitioned_table",
    "pg_policies",
    "pg_policy",
    "pg_publication",
    "pg_publication_namespace",
    "pg_publication_rel",
    "pg_replication_origin",
    "pg_rewrite",
    "pg_seclabel",
    "pg_sequence",
    "pg_sequences",
    "pg_statistic_ext",
    "pg_statistic_ext_data",
    "pg_subscription",
    "pg_subscription_rel",
    "pg_transform",
    "pg_trigger",
    "pg_user_mapping",
];

/// Rewrites all of a statement.
pub(super) struct Empty;

impl VisitorMut for Empty {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let plain = matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
        if !plain || !select.from.iter().any(never) || select.projection.iter().any(aggregated) {
            return ControlFlow::Continue(());
        }
        let mut projection = Vec::new();
        for item in &select.projection {
            let name = match item {
                SelectItem::ExprWithAlias { alias, .. } => alias.clone(),
                SelectItem::UnnamedExpr(Expr::Identifier(name)) => name.clone(),
                SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => match names.last() {
                    Some(name) => name.clone(),
                    None => return ControlFlow::Continue(()),
                },
                // Of `*` the columns are not known here.
                _ => return ControlFlow::Continue(()),
            };
            projection.push(SelectItem::ExprWithAlias { expr: nothing(), alias: name });
        }
        unique(&mut projection);
        select.projection = projection;
        select.from = Vec::new();
        select.distinct = None;
        let no = Value::Boolean(false).with_empty_span();
        select.selection = Some(Expr::Value(no));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        // No rows are in every order, and the order may name a column that is gone.
        if let SetExpr::Select(select) = &*query.body
            && select.from.is_empty()
            && matches!(&select.selection, Some(Expr::Value(no)) if no.value == Value::Boolean(false))
        {
            query.order_by = None;
        }
        ControlFlow::Continue(())
    }
}

fn nothing() -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::Value(Value::Null.with_empty_span())),
        data_type: DataType::Text,
        array: false,
        format: None,
    }
}

/// Two columns of one name came from two tables, and those are gone.
fn unique(projection: &mut [SelectItem]) {
    let mut taken: Vec<String> = Vec::new();
    for item in projection {
        if let SelectItem::ExprWithAlias { alias, .. } = item {
            let mut count = 1;
            let first = alias.value.clone();
            while taken.contains(&alias.value) {
                count += 1;
                *alias = Ident::with_quote('"', format!("{first}_{count}"));
            }
            taken.push(alias.value.clone());
        }
    }
}

/// Whether tables joined so never have a row together.
fn never(tables: &TableWithJoins) -> bool {
    let keeps_right = |join: &JoinOperator| {
        matches!(
            join,
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_)
        )
    };
    if tables.joins.iter().any(|join| keeps_right(&join.join_operator)) {
        return false;
    }
    let inner = |join: &JoinOperator| {
        matches!(join, JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_))
    };
    is_empty(&tables.relation)
        || tables.joins.iter().any(|join| inner(&join.join_operator) && is_empty(&join.relation))
}

fn is_empty(factor: &TableFactor) -> bool {
    let TableFactor::Table { name, args: None, .. } = factor else { return false };
    let parts: Vec<&str> =
        name.0.iter().filter_map(|part| part.as_ident().map(|name| name.value.as_str())).collect();
    matches!(parts.as_slice(), ["pg_catalog", table] if EMPTY.contains(table))
}
