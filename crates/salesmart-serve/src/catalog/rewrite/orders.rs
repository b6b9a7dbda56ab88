//! `order by case when x in (select …) …`: the engine plans subqueries in columns, and not in
//! orders, so what is ordered by becomes a column of a query inside.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, OrderBy, OrderByKind, Query, SelectItem, SetExpr, Statement, Value, Visit,
    VisitMut, Visitor, VisitorMut,
};

/// Rewrites all of a statement.
pub(super) struct Orders;

impl VisitorMut for Orders {
    type Break = ();

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let Some(better) = moved(query) {
            *query = better;
        }
        ControlFlow::Continue(())
    }
}

/// `x in (select …)` as a search in the list of what the query gives: where the engine finds the
/// same condition in two columns, it plans it only so.
struct Lists;

impl VisitorMut for Lists {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::InSubquery { expr: sought, subquery, negated } = expr else {
            return ControlFlow::Continue(());
        };
        let not = if *negated { "not " } else { "" };
        let sql = format!(
            "select {not}coalesce(array_has((select array_agg(_one) from ({subquery}) as _in \
             (_one)), {sought}), false)"
        );
        let parsed = crate::catalog::parse(&sql).ok().and_then(|parsed| parsed.into_iter().next());
        if let Some(Statement::Query(query)) = parsed
            && let SetExpr::Select(select) = *query.body
            && let Some(SelectItem::UnnamedExpr(found)) = select.projection.into_iter().next()
        {
            *expr = found;
        }
        ControlFlow::Continue(())
    }
}

fn moved(query: &Query) -> Option<Query> {
    let OrderBy { kind: OrderByKind::Expressions(by), .. } = query.order_by.as_ref()? else {
        return None;
    };
    if !by.iter().any(|one| asks(&one.expr)) {
        return None;
    }
    let SetExpr::Select(select) = &*query.body else { return None };
    let mut names = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::ExprWithAlias { alias, .. } => names.push(alias.clone()),
            SelectItem::UnnamedExpr(Expr::Identifier(name)) => names.push(name.clone()),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
                names.push(parts.last()?.clone());
            }
            _ => return None,
        }
    }
    let mut inner = select.clone();
    let mut by = by.clone();
    for one in &mut by {
        let _ = VisitMut::visit(&mut one.expr, &mut Lists);
    }
    let _ = VisitMut::visit(&mut inner.projection, &mut Lists);
    for (at, one) in by.iter_mut().enumerate() {
        let ordinal =
            matches!(&one.expr, Expr::Value(value) if matches!(value.value, Value::Number(..)));
        let named = matches!(&one.expr, Expr::Identifier(name) if names.contains(name));
        if ordinal || named {
            continue;
        }
        let alias = Ident::new(format!("_order_{at}"));
        let expr = std::mem::replace(&mut one.expr, Expr::Identifier(alias.clone()));
        inner.projection.push(SelectItem::ExprWithAlias { expr, alias });
    }
    let columns: Vec<String> = names.iter().map(ToString::to_string).collect();
    let sql = format!("select {} from ({inner}) as _ordered", columns.join(", "));
    let statement = crate::catalog::parse(&sql).ok()?.into_iter().next()?;
    let Statement::Query(mut outer) = statement else { return None };
    outer.order_by = Some(OrderBy { kind: OrderByKind::Expressions(by), interpolate: None });
    outer.limit_clause.clone_from(&query.limit_clause);
    outer.fetch.clone_from(&query.fetch);
    outer.with.clone_from(&query.with);
    Some(*outer)
}

/// Whether an expression holds a query.
fn asks(expr: &Expr) -> bool {
    struct Finds(bool);
    impl Visitor for Finds {
        type Break = ();
        fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
            self.0 = true;
            ControlFlow::Break(())
        }
    }
    let mut finds = Finds(false);
    let _ = expr.visit(&mut finds);
    finds.0
}
