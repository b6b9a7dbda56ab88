//! Shapes of expressions that PostgreSQL has and the engine has not.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList, FunctionArguments, Ident,
    LimitClause, OrderByKind, Query, Select, SelectItem, SetExpr, Statement, Subscript, TableAlias,
    TableAliasColumnDef, TableFactor, Value, VisitMut, VisitorMut,
};

use super::{call, called, text};
use crate::catalog::relations::system_table;

/// Columns that count from 0, where every other array counts from 1.
const FROM_ZERO: [&str; 5] = ["indkey", "indclass", "indoption", "indcollation", "proargtypes"];

/// Columns of the catalog that are always null.
const NULL_ARRAYS: [&str; 5] =
    ["reloptions", "attoptions", "attfdwoptions", "spcoptions", "evttags"];

/// Columns that are arrays in PostgreSQL, and text in the tables of datafusion-pg-catalog.
const TEXT_ARRAYS: [&str; 8] =
    ["proacl", "typacl", "lanacl", "fdwacl", "srvacl", "lomacl", "proconfig", "fdwoptions"];

/// Columns of the catalog that are true or false, and that clients compare with `'t'`.
const TRUTHS: [&str; 15] = [
    "attisdropped",
    "attnotnull",
    "atthasdef",
    "datallowconn",
    "datistemplate",
    "indisclustered",
    "indisprimary",
    "indisunique",
    "indisvalid",
    "relhasindex",
    "relhasrules",
    "relhastriggers",
    "relispartition",
    "relrowsecurity",
    "typnotnull",
];

/// Functions that return one value, and that PostgreSQL also reads as a table of it.
const VALUES: [&str; 5] =
    ["current_schema", "current_schemas", "current_setting", "parse_ident", "string_to_array"];

/// Rewrites arrays from subqueries, expanded arrays and subscripts.
pub(super) struct Shapes;

impl VisitorMut for Shapes {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        number_tables(select);
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item
                && called(expr).as_deref() == Some("_pg_expandarray")
            {
                *expr = call("unnest", vec![expr.clone()]);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, alias, args: Some(arguments), .. } = factor else {
            return ControlFlow::Continue(());
        };
        let Some(function) = name.0.last().and_then(|part| part.as_ident()) else {
            return ControlFlow::Continue(());
        };
        let lower = function.value.to_ascii_lowercase();
        if lower == "generate_series"
            && let Some(alias) = alias
            && alias.columns.is_empty()
        {
            // Its one column has the name of the alias.
            let column = alias.name.value.clone();
            alias.columns = vec![TableAliasColumnDef::from_name(column)];
        }
        if VALUES.contains(&lower.as_str()) {
            let known =
                alias.as_ref().map_or_else(|| Ident::new(&lower), |alias| alias.name.clone());
            let list: Vec<String> = arguments.args.iter().map(ToString::to_string).collect();
            let sql = format!("select {lower}({}) as {known}", list.join(", "));
            if let Ok(statements) = crate::catalog::parse(&sql)
                && let Some(Statement::Query(subquery)) = statements.into_iter().next()
            {
                let alias =
                    TableAlias { explicit: true, name: known, columns: Vec::new(), at: None };
                *factor = TableFactor::Derived {
                    lateral: false,
                    subquery,
                    alias: Some(alias),
                    sample: None,
                };
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::CompoundFieldAccess { root, access_chain } => {
                if let Some(fields) = fields(access_chain) {
                    let mut value = bare(root).clone();
                    if called(&value).as_deref() == Some("_pg_expandarray") {
                        value = call("unnest", vec![value]);
                    }
                    *expr = fields
                        .into_iter()
                        .fold(value, |value, field| call("get_field", vec![value, text(&field)]));
                } else {
                    count_from_one(root, access_chain);
                }
            }
            Expr::Function(function) => {
                let name = function.name.to_string();
                if name.eq_ignore_ascii_case("array_to_string")
                    && let FunctionArguments::List(list) = &function.args
                    && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(array))) =
                        list.args.first()
                    && last_name(array).is_some_and(|name| TEXT_ARRAYS.contains(&name.as_str()))
                {
                    *expr = array.clone();
                    return ControlFlow::Continue(());
                }
                if name.eq_ignore_ascii_case("generate_series") {
                    *expr = call("unnest", vec![expr.clone()]);
                    return ControlFlow::Continue(());
                }
                if name.eq_ignore_ascii_case("generate_subscripts")
                    && let Some(rows) = subscripts(function)
                {
                    *expr = rows;
                    return ControlFlow::Continue(());
                }
                let is_array = called_array(&name);
                if let FunctionArguments::Subquery(query) = &function.args
                    && is_array
                    && let Some(gathered) = gathered(query)
                {
                    *expr = gathered;
                }
            }
            Expr::BinaryOp { left, op, right } => {
                if let BinaryOperator::PGCustomBinaryOperator(name) = &*op
                    && let Some(plain) = name.last().and_then(|symbol| operator(symbol))
                {
                    *op = plain;
                }
                if matches!(op, BinaryOperator::Eq | BinaryOperator::NotEq) {
                    truth(left, right);
                    truth(right, left);
                }
            }
            Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
                if let Some(escape) = escape_char.take() {
                    let escape = match escape.value {
                        Value::SingleQuotedString(escape) => escape,
                        _ => return ControlFlow::Continue(()),
                    };
                    if escape != "\\" && !escape.is_empty() {
                        **pattern = with_backslash(pattern, &escape);
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The engine counts the places of arrays from one, PostgreSQL those of its vectors from zero.
fn count_from_one(root: &Expr, chain: &mut [AccessExpr]) {
    // `i.indkey[0]` is read as: of `i` its `indkey`, of that the place.
    let mut name = last_name(root);
    for access in chain {
        match access {
            AccessExpr::Dot(Expr::Identifier(field)) => {
                name = Some(field.value.to_ascii_lowercase());
            }
            AccessExpr::Subscript(Subscript::Index { index })
                if name.as_deref().is_some_and(|name| FROM_ZERO.contains(&name)) =>
            {
                *index = Expr::BinaryOp {
                    left: Box::new(Expr::Nested(Box::new(index.clone()))),
                    op: BinaryOperator::Plus,
                    right: Box::new(number("1")),
                };
            }
            _ => {}
        }
    }
}

/// `c.tableoid` is the number of the table that `c` stands for.
fn number_tables(select: &mut Select) {
    let mut numbers: HashMap<String, i32> = HashMap::new();
    let mut add = |factor: &TableFactor| {
        if let TableFactor::Table { name, alias, args: None, .. } = factor
            && let Some(table) = name.0.last().and_then(|part| part.as_ident())
        {
            let known = alias.as_ref().map_or(&table.value, |alias| &alias.name.value);
            let number = system_table(&table.value.to_ascii_lowercase());
            if number != 0 {
                numbers.insert(known.to_lowercase(), number);
            }
        }
    };
    for tables in &select.from {
        add(&tables.relation);
        tables.joins.iter().for_each(|join| add(&join.relation));
    }
    if !numbers.is_empty() {
        let _ = select.visit(&mut NumberTables(numbers));
    }
}

struct NumberTables(HashMap<String, i32>);

impl VisitorMut for NumberTables {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(names) = expr
            && let [table, column] = names.as_slice()
            && column.value.eq_ignore_ascii_case("tableoid")
            && let Some(found) = self.0.get(&table.value.to_lowercase())
        {
            *expr = number(&found.to_string());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) = item
                && names.last().is_some_and(|name| name.value.eq_ignore_ascii_case("tableoid"))
            {
                let expr = Expr::CompoundIdentifier(names.clone());
                *item = SelectItem::ExprWithAlias { expr, alias: Ident::new("tableoid") };
            }
        }
        ControlFlow::Continue(())
    }
}

fn called_array(name: &str) -> bool {
    name.eq_ignore_ascii_case("array")
}

fn number(digits: &str) -> Expr {
    Expr::Value(Value::Number(digits.to_owned(), false).with_empty_span())
}

fn last_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(name.value.to_ascii_lowercase()),
        Expr::CompoundIdentifier(names) => Some(names.last()?.value.to_ascii_lowercase()),
        Expr::Nested(inner) => last_name(inner),
        _ => None,
    }
}

/// `operator(pg_catalog.>)` is `>`.
fn operator(symbol: &str) -> Option<BinaryOperator> {
    Some(match symbol {
        "=" => BinaryOperator::Eq,
        "<>" | "!=" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "||" => BinaryOperator::StringConcat,
        "~~" => BinaryOperator::PGLikeMatch,
        "!~~" => BinaryOperator::PGNotLikeMatch,
        _ => return None,
    })
}

/// `indisprimary = 't'` compares truth, not text.
fn truth(column: &Expr, value: &mut Expr) {
    let is_truth = last_name(column).is_some_and(|name| TRUTHS.contains(&name.as_str()));
    if let Expr::Value(said) = value
        && is_truth
        && let Value::SingleQuotedString(text) = &said.value
    {
        said.value = Value::Boolean(text.to_ascii_lowercase().starts_with('t'));
    }
}

/// An expression without the parentheses around it.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => bare(inner),
        other => other,
    }
}

/// The fields that `(expression).a.b` takes.
fn fields(chain: &[AccessExpr]) -> Option<Vec<String>> {
    let field = |access: &AccessExpr| match access {
        AccessExpr::Dot(Expr::Identifier(field)) => Some(field.value.to_ascii_lowercase()),
        _ => None,
    };
    chain.iter().map(field).collect()
}

/// `generate_subscripts(a, 1)` as rows of numbers from the array's first place to its last.
fn subscripts(function: &Function) -> Option<Expr> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(array)) = list.args.first()? else {
        return None;
    };
    let big = |expr| Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(expr),
        data_type: DataType::BigInt(None),
        array: false,
        format: None,
    };
    let length = big(call("array_length", vec![array.clone()]));
    let from_zero = last_name(array).is_some_and(|name| FROM_ZERO.contains(&name.as_str()));
    let (first, last) = if from_zero {
        let minus = BinaryOperator::Minus;
        let last =
            Expr::BinaryOp { left: Box::new(length), op: minus, right: Box::new(number("1")) };
        (number("0"), last)
    } else {
        (number("1"), length)
    };
    Some(call("unnest", vec![call("generate_series", vec![first, last])]))
}

/// `like x escape '/'` with the only escape that the engine knows, the backslash.
fn with_backslash(pattern: &Expr, escape: &str) -> Expr {
    let replaced = |expr, from: &str, to: &str| call("replace", vec![expr, text(from), text(to)]);
    let twice = format!("{escape}{escape}");
    // An escaped escape is kept apart while the others change.
    let kept = replaced(pattern.clone(), &twice, "\u{1}");
    let kept = replaced(kept, "\\", "\\\\");
    replaced(replaced(kept, escape, "\\"), "\u{1}", escape)
}

/// `ARRAY(select x from … order by y)` as `(select array_agg(x order by y) from …)`.
fn gathered(query: &Query) -> Option<Expr> {
    let mut query = query.clone();
    if !matches!(query.limit_clause, None | Some(LimitClause::LimitOffset { limit: None, .. })) {
        return None;
    }
    let order = query.order_by.take();
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    if select.from.iter().any(|tables| is_null_array(&tables.relation)) {
        return Some(Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(Expr::Value(Value::Null.with_empty_span())),
            data_type: DataType::Array(ArrayElemTypeDef::SquareBracket(
                Box::new(DataType::Text),
                None,
            )),
            array: false,
            format: None,
        });
    }
    let [item] = select.projection.as_mut_slice() else { return None };
    let value = match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => expr.clone(),
        _ => return None,
    };
    let mut clauses = Vec::new();
    if let Some(order) = order
        && let OrderByKind::Expressions(mut by) = order.kind
    {
        for one in &mut by {
            // `order by 1` names the only column.
            if matches!(&one.expr, Expr::Value(position) if position.to_string() == "1") {
                one.expr = value.clone();
            }
        }
        clauses.push(FunctionArgumentClause::OrderBy(by));
    }
    let mut gather = call("array_agg", Vec::new());
    if let Expr::Function(function) = &mut gather {
        function.args = FunctionArguments::List(FunctionArgumentList {
            args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(value))],
            duplicate_treatment: None,
            clauses,
        });
    }
    *item = SelectItem::ExprWithAlias { expr: gather, alias: Ident::new("array") };
    Some(Expr::Subquery(Box::new(query)))
}

/// Whether rows come from an array that is always null.
fn is_null_array(factor: &TableFactor) -> bool {
    let is_null =
        |expr: &Expr| last_name(expr).is_some_and(|name| NULL_ARRAYS.contains(&name.as_str()));
    match factor {
        TableFactor::Table { args: Some(arguments), .. } => {
            arguments.args.iter().any(|argument| {
                matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if is_null(expr))
            })
        }
        TableFactor::UNNEST { array_exprs, .. } => array_exprs.iter().any(is_null),
        _ => false,
    }
}
