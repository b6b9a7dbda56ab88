//! What PostgreSQL's clients expect of a server beside tables: its catalog, its functions, its
//! ways of writing SQL.

use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};

use crate::engine::Description;

/// The version of PostgreSQL that clients are told.
pub(crate) const SERVER_VERSION: &str = "15.0";

/// Reads what a client sent: no statement, one or more.
///
/// # Errors
/// Where it is no SQL.
pub(crate) fn parse(sql: &str) -> Result<Vec<Statement>, ParserError> {
    Parser::parse_sql(&PostgreSqlDialect {}, sql)
}

/// Makes a session look like PostgreSQL to those who ask its catalog. The session's catalog is
/// named `description.database` and holds the visible schemas already.
pub(crate) fn register(context: &SessionContext, description: &Description) -> Result<()> {
    let _ = (context, description);
    Ok(())
}

/// Rewrites a statement from what clients write to what the engine knows.
pub(crate) fn rewrite(statement: Statement) -> Statement {
    statement
}
