//! From the SQL that PostgreSQL's clients write to the SQL that the engine plans.
//!
//! A rule changes the spelling of a statement and never what it asks. Rules of
//! datafusion-pg-catalog are used where they keep to that; its replacement of correlated subqueries
//! by null, and of whole statements by empty ones, are not.

mod casts;
mod empty;
mod formats;
mod named;
mod orders;
mod shapes;
mod subqueries;

use std::ops::ControlFlow;
use std::sync::LazyLock;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, ObjectNamePart, Statement, TableFactor, Value, VisitMut, VisitorMut,
};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::PG_CATALOG_TABLES;
use datafusion_postgres::datafusion_pg_catalog::sql::rules::{
    AliasDuplicatedProjectionRewrite, CurrentUserVariableToSessionUserFunctionCall,
    FixArrayLiteral, ResolveUnqualifiedIdentifier, RewriteArrayAnyAllOperation,
    RewritePgCatalogOperator, SqlStatementRewriteRule, StripCallableQualifier, StripCollate,
};

static BEFORE: LazyLock<Vec<Box<dyn SqlStatementRewriteRule>>> = LazyLock::new(|| {
    vec![
        Box::new(AliasDuplicatedProjectionRewrite),
        Box::new(ResolveUnqualifiedIdentifier),
        Box::new(StripCallableQualifier),
        Box::new(CurrentUserVariableToSessionUserFunctionCall),
        Box::new(StripCollate),
        Box::new(RewritePgCatalogOperator),
    ]
});

static AFTER: LazyLock<Vec<Box<dyn SqlStatementRewriteRule>>> =
    LazyLock::new(|| vec![Box::new(RewriteArrayAnyAllOperation), Box::new(FixArrayLiteral)]);

/// Rewrites one statement.
pub(super) fn rewrite(mut statement: Statement) -> Statement {
    if !matches!(statement, Statement::Query(_) | Statement::Explain { .. }) {
        return statement;
    }
    let _ = statement.visit(&mut QualifyTables);
    named::outputs(&mut statement);
    let _ = statement.visit(&mut empty::Empty);
    let _ = statement.visit(&mut orders::Orders);
    for rule in BEFORE.iter() {
        statement = rule.rewrite(statement);
    }
    let _ = statement.visit(&mut formats::Formats);
    let _ = statement.visit(&mut shapes::Shapes);
    let _ = statement.visit(&mut casts::Casts);
    casts::shown(&mut statement);
    for rule in AFTER.iter() {
        statement = rule.rewrite(statement);
    }
    let _ = statement.visit(&mut subqueries::Subqueries);
    statement
}

/// `pg_class` is `pg_catalog.pg_class`: that schema is searched first, always.
struct QualifyTables;

impl VisitorMut for QualifyTables {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: None, .. } = factor
            && let [ObjectNamePart::Identifier(bare)] = name.0.as_slice()
        {
            let lower = bare.value.to_ascii_lowercase();
            let known = |names: &[&str]| names.contains(&lower.as_str());
            if known(PG_CATALOG_TABLES) || known(super::MORE_TABLES) {
                let schema = ObjectNamePart::Identifier(Ident::new("pg_catalog"));
                name.0.insert(0, schema);
            }
        }
        ControlFlow::Continue(())
    }
}

/// A call of a function.
fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let unnamed = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        args: FunctionArguments::List(FunctionArgumentList {
            args: arguments.into_iter().map(unnamed).collect(),
            duplicate_treatment: None,
            clauses: Vec::new(),
        }),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// The name of a function that is called, in lower case.
fn called(expr: &Expr) -> Option<String> {
    let Expr::Function(function) = expr else { return None };
    let last = function.name.0.last()?.as_ident()?;
    Some(last.value.to_ascii_lowercase())
}

/// A string as SQL writes it.
fn text(value: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(value.to_owned()).with_empty_span())
}
