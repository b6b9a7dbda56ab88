//! Subqueries that look at the row outside and return one value.
//!
//! The engine plans them where they aggregate and are tied to the row outside by equalities alone.
//! PostgreSQL refuses a second row, so the greatest of at most one value is that value; what is
//! asked of the row outside only is asked outside; and where an inner column equals an outer one,
//! it stands for it.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, GroupByExpr, Ident, LimitClause, ObjectName, Query, Select,
    SelectItem, SetExpr, TableFactor, TableWithJoins, Value, Visit, VisitMut, Visitor, VisitorMut,
    helpers::attached_token::AttachedToken,
};

use super::{call, called};

/// Functions that make one value of many rows.
const AGGREGATES: [&str; 14] = [
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "json_agg",
    "max",
    "min",
    "string_agg",
    "sum",
    "first_value",
];

/// Rewrites all of a statement.
pub(super) struct Subqueries;

impl VisitorMut for Subqueries {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Subquery(query) = expr
            && let Some(better) = decorrelated(query)
        {
            *expr = better;
        }
        ControlFlow::Continue(())
    }
}

fn decorrelated(query: &Query) -> Option<Expr> {
    let mut query = query.clone();
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    let inner = aliases(&select.from);
    if !looks_outside(select, &inner)
        || !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty())
    {
        return None;
    }
    let aggregates = select.projection.iter().any(aggregated);
    if !aggregates {
        one_of(select)?;
        if let Some(LimitClause::LimitOffset {
            limit: Some(Expr::Value(limit)), offset: None, ..
        }) = &query.limit_clause
            && limit.to_string() == "1"
            && query.order_by.is_none()
        {
            query.limit_clause = None;
        }
    }
    let mut conjuncts = Vec::new();
    if let Some(condition) = select.selection.take() {
        split(condition, &mut conjuncts);
    }
    stand_in(&mut conjuncts, &inner);
    let (outside, inside): (Vec<Expr>, Vec<Expr>) = if aggregates {
        (Vec::new(), conjuncts)
    } else {
        conjuncts.into_iter().partition(|conjunct| only_outside(conjunct, &inner))
    };
    select.selection = joined(inside);
    let subquery = Expr::Subquery(Box::new(query));
    Some(match joined(outside) {
        None => subquery,
        Some(condition) => Expr::Case {
            case_token: AttachedToken::empty(),
            end_token: AttachedToken::empty(),
            operand: None,
            conditions: vec![CaseWhen { condition, result: subquery }],
            else_result: None,
        },
    })
}

/// Makes the only column the greatest of its values.
fn one_of(select: &mut Select) -> Option<()> {
    let [item] = select.projection.as_mut_slice() else { return None };
    let (value, alias) = match item {
        SelectItem::UnnamedExpr(expr) => (expr.clone(), Ident::new("max")),
        SelectItem::ExprWithAlias { expr, alias } => (expr.clone(), alias.clone()),
        _ => return None,
    };
    // The greatest of null is null, and null has no type to be the greatest of.
    if !matches!(&value, Expr::Value(value) if value.value == Value::Null) {
        *item = SelectItem::ExprWithAlias { expr: call("max", vec![value]), alias };
    }
    select.distinct = None;
    Some(())
}

/// Whether a column of a query aggregates; what a subquery in it does is its own affair.
pub(super) fn aggregated(item: &SelectItem) -> bool {
    struct Finds {
        found: bool,
        depth: usize,
    }
    impl Visitor for Finds {
        type Break = ();
        fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
            self.depth += 1;
            ControlFlow::Continue(())
        }
        fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
            self.depth -= 1;
            ControlFlow::Continue(())
        }
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if self.depth == 0
                && called(expr).is_some_and(|name| AGGREGATES.contains(&name.as_str()))
            {
                self.found = true;
            }
            ControlFlow::Continue(())
        }
    }
    let mut finds = Finds { found: false, depth: 0 };
    let _ = item.visit(&mut finds);
    finds.found
}

/// The names under which the tables of a `from` are known.
fn aliases(from: &[TableWithJoins]) -> HashSet<String> {
    fn add(factor: &TableFactor, names: &mut HashSet<String>) {
        match factor {
            TableFactor::Table { name, alias, .. } => {
                let own = alias.as_ref().map(|alias| alias.name.value.to_lowercase());
                names.extend(own.or_else(|| last(name)));
            }
            TableFactor::Derived { alias: Some(alias), .. }
            | TableFactor::UNNEST { alias: Some(alias), .. }
            | TableFactor::Function { alias: Some(alias), .. }
            | TableFactor::TableFunction { alias: Some(alias), .. } => {
                names.insert(alias.name.value.to_lowercase());
            }
            TableFactor::NestedJoin { table_with_joins, .. } => {
                add(&table_with_joins.relation, names);
                table_with_joins.joins.iter().for_each(|join| add(&join.relation, names));
            }
            _ => {}
        }
    }
    let mut names = HashSet::new();
    for tables in from {
        add(&tables.relation, &mut names);
        tables.joins.iter().for_each(|join| add(&join.relation, &mut names));
    }
    names
}

fn last(name: &ObjectName) -> Option<String> {
    Some(name.0.last()?.as_ident()?.value.to_lowercase())
}

/// The qualifiers of the columns in an expression; `None` for one without.
fn qualifiers<T: Visit>(part: &T) -> Vec<Option<String>> {
    struct Collects(Vec<Option<String>>);
    impl Visitor for Collects {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Identifier(_) => self.0.push(None),
                Expr::CompoundIdentifier(names) if names.len() > 1 => {
                    let table = &names[names.len() - 2];
                    self.0.push(Some(table.value.to_lowercase()));
                }
                _ => {}
            }
            ControlFlow::Continue(())
        }
    }
    let mut collects = Collects(Vec::new());
    let _ = part.visit(&mut collects);
    collects.0
}

fn looks_outside(select: &Select, inner: &HashSet<String>) -> bool {
    qualifiers(select).into_iter().flatten().any(|name| !inner.contains(&name))
}

/// Whether an expression speaks of the row outside, and of nothing inside.
fn only_outside(expr: &Expr, inner: &HashSet<String>) -> bool {
    let names = qualifiers(expr);
    !names.is_empty()
        && names.iter().all(|name| name.as_ref().is_some_and(|name| !inner.contains(name)))
}

fn only_inside(expr: &Expr, inner: &HashSet<String>) -> bool {
    matches!(expr, Expr::CompoundIdentifier(_))
        && qualifiers(expr)
            .iter()
            .all(|name| name.as_ref().is_some_and(|name| inner.contains(name)))
}

fn split(condition: Expr, conjuncts: &mut Vec<Expr>) {
    match condition {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            split(*left, conjuncts);
            split(*right, conjuncts);
        }
        Expr::Nested(inner) if matches!(*inner, Expr::BinaryOp { op: BinaryOperator::And, .. }) => {
            split(*inner, conjuncts);
        }
        other => conjuncts.push(other),
    }
}

fn joined(conjuncts: Vec<Expr>) -> Option<Expr> {
    conjuncts.into_iter().reduce(|left, right| Expr::BinaryOp {
        left: Box::new(left),
        op: BinaryOperator::And,
        right: Box::new(right),
    })
}

/// Where `inner = outer` is one condition, the inner column stands for the outer one in the others.
fn stand_in(conjuncts: &mut [Expr], inner: &HashSet<String>) {
    let mut equal: Vec<(usize, Expr, Expr)> = Vec::new();
    for (at, conjunct) in conjuncts.iter().enumerate() {
        if let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = conjunct {
            for (outer, own) in [(left, right), (right, left)] {
                if matches!(**outer, Expr::CompoundIdentifier(_))
                    && only_outside(outer, inner)
                    && only_inside(own, inner)
                {
                    equal.push((at, (**outer).clone(), (**own).clone()));
                }
            }
        }
    }
    struct Replaces<'a>(&'a Expr, &'a Expr);
    impl VisitorMut for Replaces<'_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if expr == self.0 {
                *expr = self.1.clone();
            }
            ControlFlow::Continue(())
        }
    }
    for (place, conjunct) in conjuncts.iter_mut().enumerate() {
        if only_outside(conjunct, inner) {
            continue;
        }
        for (at, outer, own) in &equal {
            if *at != place {
                let _ = conjunct.visit(&mut Replaces(outer, own));
            }
        }
    }
}
