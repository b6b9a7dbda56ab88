//! Parsing a model's SQL and putting the instant into it.

use std::ops::ControlFlow;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Query, Select, SelectItem, SetExpr, Statement, TableFactor, Value,
    visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Span;
use salesmart_core::{Error, Location, Result};

use crate::diagnostics;
use crate::settings::BusinessSettings;

/// The placeholder of the instant, a timestamp.
pub(crate) const AS_OF: &str = "$as_of";
/// The placeholder of the company's day at that instant, a date.
pub(crate) const AS_OF_DATE: &str = "$as_of_date";

/// Reads a file that holds one query. The header is a comment to SQL, so lines are the file's.
pub(crate) fn parse(file: &str, text: &str) -> Result<Query> {
    let statements = Parser::parse_sql(&GenericDialect, text)
        .map_err(|e| diagnostics::syntax(file, &e.to_string()))?;
    let mut statements = statements.into_iter();
    match (statements.next(), statements.next()) {
        (Some(Statement::Query(query)), None) => Ok(*query),
        (None, _) => Err(Error::configuration("the file has no query")
            .at(Location::line(file, 1))
            .with("expected", "one `select` below the header")),
        (Some(Statement::Query(_)), Some(_)) => {
            Err(Error::configuration("the file has more than one statement")
                .at(Location::line(file, 1))
                .with("expected", "one `select` below the header"))
        }
        (Some(_), _) => Err(Error::configuration("the file holds another statement than a query")
            .at(Location::line(file, 1))
            .with("expected", "one `select` below the header")),
    }
}

/// The instant of the last build, where only a part is built.
const LAST_AS_OF: &str = "$last_as_of";
/// The company's day at that instant.
const LAST_AS_OF_DATE: &str = "$last_as_of_date";

/// The instant models are built as of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant {
    pub(crate) as_of: DateTime<Utc>,
    pub(crate) date: NaiveDate,
}

impl Instant {
    pub(crate) fn new(as_of: DateTime<Utc>, business: &BusinessSettings) -> Self {
        Self { as_of, date: business.date_of(as_of) }
    }

    /// Any instant, where only its type matters.
    pub(crate) fn of_no_meaning() -> Self {
        Self { as_of: DateTime::UNIX_EPOCH, date: NaiveDate::default() }
    }
}

/// A copy of the query with `$as_of` and `$as_of_date` as literals of their types.
pub(crate) fn bind(query: &Query, instant: Instant) -> Query {
    bind_all(query, &[(AS_OF, timestamp(instant)), (AS_OF_DATE, date(instant))])
}

/// The same, with `$last_as_of` and `$last_as_of_date` for the instant of an earlier build.
pub(crate) fn bind_since(query: &Query, last: Instant, instant: Instant) -> Query {
    bind_all(
        query,
        &[
            (AS_OF, timestamp(instant)),
            (AS_OF_DATE, date(instant)),
            (LAST_AS_OF, timestamp(last)),
            (LAST_AS_OF_DATE, date(last)),
        ],
    )
}

// Typed in the tree, not in the text: places in messages stay the file's.
fn literal(text: &str) -> Expr {
    Parser::new(&GenericDialect)
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_expr())
        .expect("a fixed form is an expression")
}

fn timestamp(instant: Instant) -> Expr {
    literal(&format!(
        "arrow_cast('{}', 'Timestamp(Microsecond, Some(\"UTC\"))')",
        instant.as_of.to_rfc3339_opts(SecondsFormat::Micros, true)
    ))
}

fn date(instant: Instant) -> Expr {
    literal(&format!("cast('{}' as date)", instant.date))
}

fn bind_all(query: &Query, values: &[(&str, Expr)]) -> Query {
    let mut query = query.clone();
    let _: ControlFlow<()> = visit_expressions_mut(&mut query, |expr| {
        if let Expr::Value(value) = expr
            && let Value::Placeholder(name) = &value.value
            && let Some((_, value)) = values.iter().find(|(known, _)| known == name)
        {
            *expr = value.clone();
        }
        ControlFlow::Continue(())
    });
    query
}

/// The query with another end: everything of a common table expression instead of the result.
pub(crate) fn only_cte(query: &Query, cte: &str) -> Option<Query> {
    let with = query.with.as_ref()?;
    let known = with.cte_tables.iter().any(|table| table.alias.name.value == cte);
    if !known {
        return None;
    }
    let quoted = cte.replace('"', "\"\"");
    let Ok(Statement::Query(mut all)) =
        Parser::parse_sql(&GenericDialect, &format!("select * from \"{quoted}\""))
            .map(|mut all| all.remove(0))
    else {
        return None;
    };
    all.with = Some(with.clone());
    Some(*all)
}

/// A place in a file, from a parser's.
pub(crate) fn location(file: &str, span: Span) -> Location {
    let number = |n: u64| usize::try_from(n).unwrap_or(0);
    Location::new(file, number(span.start.line), number(span.start.column))
}

/// Where an output column is written in the query, as far as that can be followed.
pub(crate) fn output_span(query: &Query, column: &str) -> Option<Span> {
    output_in(query, query, column, 0)
}

fn output_in(outer: &Query, query: &Query, column: &str, depth: usize) -> Option<Span> {
    let mut body = query.body.as_ref();
    // The names of a union are those of its first branch.
    while let SetExpr::SetOperation { left, .. } = body {
        body = left;
    }
    match body {
        SetExpr::Query(inner) if depth < 8 => output_in(outer, inner, column, depth + 1),
        SetExpr::Select(select) => output_of_select(outer, select, column, depth),
        _ => None,
    }
}

fn output_of_select(outer: &Query, select: &Select, column: &str, depth: usize) -> Option<Span> {
    for item in &select.projection {
        let name: Option<&Ident> = match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(alias),
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(ident),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(idents)) => idents.last(),
            _ => None,
        };
        if let Some(ident) = name
            && ident.value.eq_ignore_ascii_case(column)
        {
            return Some(ident.span);
        }
    }
    // `select * from final`: look into the common table expression.
    let [from] = select.from.as_slice() else { return None };
    let TableFactor::Table { name, .. } = &from.relation else { return None };
    let [part] = name.0.as_slice() else { return None };
    let ident = part.as_ident()?;
    let cte = outer
        .with
        .as_ref()?
        .cte_tables
        .iter()
        .find(|table| table.alias.name.value == ident.value)?;
    if depth < 8 { output_in(outer, &cte.query, column, depth + 1) } else { None }
}
