//! What a statement is answered with. Statements that concern the session are answered here; those
//! that read are planned and run.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::sql::sqlparser::ast::{
    CloseCursor, ContextModifier, DeclareType, Expr, Reset, Set, Statement,
};
use pgwire::api::results::Tag;
use pgwire::messages::response::TransactionStatus;

use super::cursor::{Cursor, wanted};
use super::session::Session;
use super::settings::{name_of, shown_name, value_of};
use crate::engine::{Failure, Rows, code};

/// What a statement is answered with.
pub(super) enum Answer {
    /// Rows, and the word that the client is told at their end.
    Rows(Rows, &'static str),
    /// Done.
    Done(Tag),
    /// A transaction has begun.
    Began(Tag),
    /// A transaction is over.
    Ended(Tag),
}

/// An answer, and settings that the client is told have changed.
pub(super) struct Answered {
    pub(super) answer: Answer,
    pub(super) told: Vec<(String, String)>,
}

impl From<Answer> for Answered {
    fn from(answer: Answer) -> Self {
        Self { answer, told: Vec::new() }
    }
}

/// A statement that concerns the session rather than tables.
pub(super) fn is_of_session(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Set(_)
            | Statement::Reset(_)
            | Statement::ShowVariable { .. }
            | Statement::StartTransaction { .. }
            | Statement::Commit { .. }
            | Statement::Rollback { .. }
            | Statement::Savepoint { .. }
            | Statement::ReleaseSavepoint { .. }
            | Statement::Discard { .. }
            | Statement::Deallocate { .. }
            | Statement::Prepare { .. }
            | Statement::Execute { .. }
            | Statement::Declare { .. }
            | Statement::Fetch { .. }
            | Statement::Close { .. }
            | Statement::UNLISTEN { .. }
    )
}

/// In a failed transaction nothing is answered but its end.
///
/// # Errors
/// 25P02.
pub(super) fn allowed_now(statement: &Statement, status: TransactionStatus) -> Result<(), Failure> {
    let ends = matches!(statement, Statement::Commit { .. } | Statement::Rollback { .. });
    if status == TransactionStatus::Error && !ends {
        return Err(Failure::new(
            code::FAILED_TRANSACTION,
            "current transaction is aborted, commands ignored until end of transaction block",
        ));
    }
    Ok(())
}

/// The columns that a statement of the session returns, told before it runs.
pub(super) async fn columns(
    session: &Session,
    statement: &Statement,
) -> Result<Option<SchemaRef>, Failure> {
    Ok(match statement {
        Statement::ShowVariable { variable } => Some(shown_columns(&shown_name(variable))),
        Statement::Fetch { name, .. } => {
            let cursor = cursor(session, &name.value)?;
            let mut cursor = cursor.lock().await;
            Some(cursor.fetch(Some(0)).await?.schema())
        }
        _ => None,
    })
}

fn shown_columns(name: &str) -> SchemaRef {
    // Names that PostgreSQL writes with capitals, however they are asked for.
    let written = match name {
        "datestyle" => "DateStyle",
        "intervalstyle" => "IntervalStyle",
        "timezone" => "TimeZone",
        other => other,
    };
    let columns: &[&str] =
        if name == "all" { &["name", "setting", "description"] } else { &[written] };
    let fields: Vec<Field> =
        columns.iter().map(|column| Field::new(*column, DataType::Utf8, false)).collect();
    Arc::new(Schema::new(fields))
}

/// Answers a statement that concerns the session.
///
/// # Errors
/// When it asks for what is not there.
pub(super) async fn of_session(
    session: &Session,
    statement: &Statement,
    status: TransactionStatus,
) -> Result<Answered, Failure> {
    let done = |tag: &str| Ok(Answered::from(Answer::Done(Tag::new(tag))));
    match statement {
        Statement::Set(set) => self::set(session, set),
        Statement::Reset(reset) => {
            let mut state = session.state();
            let told = match &reset.reset {
                Reset::ALL => state.settings.reset(),
                Reset::ConfigurationParameter(name) => {
                    state.settings.set(&name_of(name), None)?.into_iter().collect()
                }
            };
            Ok(Answered { answer: Answer::Done(Tag::new("RESET")), told })
        }
        Statement::ShowVariable { variable } => show(session, &shown_name(variable)),
        Statement::StartTransaction { begin, .. } => {
            let tag = Tag::new(if *begin { "BEGIN" } else { "START TRANSACTION" });
            Ok(match status {
                TransactionStatus::Idle => Answer::Began(tag).into(),
                // PostgreSQL warns, and goes on.
                _ => Answer::Done(tag).into(),
            })
        }
        Statement::Commit { .. } => {
            let told = session.end_transaction();
            let failed = status == TransactionStatus::Error;
            let tag = Tag::new(if failed { "ROLLBACK" } else { "COMMIT" });
            Ok(Answered { answer: Answer::Ended(tag), told })
        }
        Statement::Rollback { savepoint: Some(_), .. }
        | Statement::Savepoint { .. }
        | Statement::ReleaseSavepoint { .. } => savepoint(statement, status),
        Statement::Rollback { .. } => {
            let told = session.end_transaction();
            Ok(Answered { answer: Answer::Ended(Tag::new("ROLLBACK")), told })
        }
        Statement::Discard { .. } => {
            let mut state = session.state();
            let told = state.settings.reset();
            state.cursors.clear();
            state.prepared.clear();
            Ok(Answered { answer: Answer::Done(Tag::new("DISCARD ALL")), told })
        }
        Statement::UNLISTEN { .. } => done("UNLISTEN"),
        Statement::Deallocate { name, .. } => {
            let mut state = session.state();
            if name.value.eq_ignore_ascii_case("all") {
                state.prepared.clear();
                return done("DEALLOCATE ALL");
            }
            match state.prepared.remove(&name.value) {
                Some(_) => done("DEALLOCATE"),
                None => Err(no_statement(&name.value)),
            }
        }
        Statement::Prepare { name, statement, .. } => {
            let mut state = session.state();
            if state.prepared.contains_key(&name.value) {
                return Err(Failure::new(
                    code::DUPLICATE_STATEMENT,
                    format!("prepared statement \"{}\" already exists", name.value),
                ));
            }
            let text: Arc<str> = statement.to_string().into();
            state.prepared.insert(name.value.clone(), (text, statement.as_ref().clone()));
            done("PREPARE")
        }
        Statement::Execute { name, parameters, .. } => {
            execute(session, name.as_ref().map(name_of), parameters, status).await
        }
        Statement::Declare { stmts } => {
            declare(session, stmts, status).await?;
            done("DECLARE CURSOR")
        }
        Statement::Fetch { name, direction, .. } => {
            let cursor = cursor(session, &name.value)?;
            let rows = cursor.lock().await.fetch(wanted(direction)?).await?;
            Ok(Answer::Rows(Rows::ready(rows), "FETCH").into())
        }
        Statement::Close { cursor: CloseCursor::All } => {
            session.state().cursors.clear();
            done("CLOSE CURSOR ALL")
        }
        Statement::Close { cursor: CloseCursor::Specific { name } } => {
            match session.state().cursors.remove(&name.value) {
                Some(_) => done("CLOSE CURSOR"),
                None => Err(no_cursor(&name.value)),
            }
        }
        other => Err(Failure::new(
            code::FEATURE_NOT_SUPPORTED,
            format!("{other} is not a statement of this server"),
        )),
    }
}

fn savepoint(statement: &Statement, status: TransactionStatus) -> Result<Answered, Failure> {
    let tag = match statement {
        Statement::Savepoint { .. } => "SAVEPOINT",
        Statement::ReleaseSavepoint { .. } => "RELEASE",
        _ => "ROLLBACK",
    };
    if status == TransactionStatus::Idle {
        return Err(Failure::new(
            code::NO_ACTIVE_TRANSACTION,
            format!("{tag} TO SAVEPOINT can only be used in transaction blocks"),
        ));
    }
    // Nothing changes here that could be taken back. In a failed transaction only its end helps.
    if status == TransactionStatus::Error {
        return Err(Failure::new(
            code::FAILED_TRANSACTION,
            "current transaction is aborted, commands ignored until end of transaction block",
        )
        .with_hint("Savepoints are not kept here: ROLLBACK, and begin again."));
    }
    Ok(Answer::Done(Tag::new(tag)).into())
}

fn set(session: &Session, set: &Set) -> Result<Answered, Failure> {
    let mut state = session.state();
    let (name, value, local) = match set {
        Set::SingleAssignment { scope, variable, values, .. } => {
            (name_of(variable), value_of(values), matches!(scope, Some(ContextModifier::Local)))
        }
        Set::SetTimeZone { local, value } => {
            ("timezone".to_owned(), value_of(std::slice::from_ref(value)), *local)
        }
        Set::SetNames { charset_name, .. } => {
            ("client_encoding".to_owned(), Some(charset_name.value.clone()), false)
        }
        // Everything is read-only and repeatable here; whatever is asked for beside is given.
        Set::SetTransaction { .. } | Set::SetSessionParam(_) | Set::SetNamesDefault {} => {
            return Ok(Answer::Done(Tag::new("SET")).into());
        }
        Set::SetRole { .. } | Set::SetSessionAuthorization(_) => {
            return Err(Failure::new(code::PRIVILEGE, "permission denied to set role"));
        }
        Set::ParenthesizedAssignments { .. } | Set::MultipleAssignments { .. } => {
            return Err(Failure::new(code::SYNTAX, "SET takes one setting"));
        }
    };
    if name == super::settings::RELEASE && state.transaction.is_some() {
        return Err(Failure::new(
            "25001",
            "the release cannot be changed within a transaction that has read one",
        )
        .with_hint("COMMIT first, or SET it as the transaction's first statement."));
    }
    if local {
        let before = state.settings.values().get(&name).cloned();
        state.local.push((name.clone(), before));
    }
    let told = state.settings.set(&name, value.as_deref())?.into_iter().collect();
    Ok(Answered { answer: Answer::Done(Tag::new("SET")), told })
}

fn show(session: &Session, name: &str) -> Result<Answered, Failure> {
    let state = session.state();
    let columns = shown_columns(name);
    let arrays: Vec<ArrayRef> = if name == "all" {
        let (names, values): (Vec<String>, Vec<String>) = state.settings.all().into_iter().unzip();
        let texts = vec![""; names.len()];
        vec![
            Arc::new(StringArray::from(names)),
            Arc::new(StringArray::from(values)),
            Arc::new(StringArray::from(texts)),
        ]
    } else {
        vec![Arc::new(StringArray::from(vec![state.settings.get(name)?]))]
    };
    let batch = RecordBatch::try_new(columns, arrays)
        .map_err(|e| Failure::new(code::INTERNAL, e.to_string()))?;
    Ok(Answer::Rows(Rows::ready(batch), "SHOW").into())
}

fn no_statement(name: &str) -> Failure {
    Failure::new(
        code::INVALID_STATEMENT_NAME,
        format!("prepared statement \"{name}\" does not exist"),
    )
}

fn no_cursor(name: &str) -> Failure {
    Failure::new(code::INVALID_CURSOR_NAME, format!("cursor \"{name}\" does not exist"))
}

fn cursor(session: &Session, name: &str) -> Result<Arc<tokio::sync::Mutex<Cursor>>, Failure> {
    session.state().cursors.get(name).cloned().ok_or_else(|| no_cursor(name))
}

/// `EXECUTE name (value, …)`: values are literals.
async fn execute(
    session: &Session,
    name: Option<String>,
    values: &[Expr],
    status: TransactionStatus,
) -> Result<Answered, Failure> {
    let name = name.unwrap_or_default();
    let found = session.state().prepared.get(&name).cloned();
    let (text, statement) = found.ok_or_else(|| no_statement(&name))?;
    let view = session.view(status != TransactionStatus::Idle).await?;
    let mut planned = session.plan(view, text, statement).await?;
    planned = super::prepared::with_literals(planned, values)?;
    Ok(Answer::Rows(session.run(planned), "SELECT").into())
}

async fn declare(
    session: &Session,
    declared: &[datafusion::sql::sqlparser::ast::Declare],
    status: TransactionStatus,
) -> Result<(), Failure> {
    for declare in declared {
        let (Some(DeclareType::Cursor), Some(name), Some(query)) =
            (&declare.declare_type, declare.names.first(), &declare.for_query)
        else {
            return Err(Failure::new(
                code::SYNTAX,
                "DECLARE declares cursors: DECLARE name CURSOR FOR query",
            ));
        };
        let hold = declare.hold.unwrap_or(false);
        if status == TransactionStatus::Idle && !hold {
            return Err(Failure::new(
                code::NO_ACTIVE_TRANSACTION,
                "DECLARE CURSOR can only be used in transaction blocks",
            ));
        }
        if session.state().cursors.contains_key(&name.value) {
            return Err(Failure::new(
                code::DUPLICATE_CURSOR,
                format!("cursor \"{}\" already exists", name.value),
            ));
        }
        let statement = Statement::Query(query.clone());
        let view = session.view(status != TransactionStatus::Idle).await?;
        let planned = session.plan(view, query.to_string().into(), statement).await?;
        let cursor = Cursor::new(session.run(planned), hold);
        session
            .state()
            .cursors
            .insert(name.value.clone(), Arc::new(tokio::sync::Mutex::new(cursor)));
    }
    Ok(())
}

/// Answers a statement that reads.
///
/// # Errors
/// When it cannot be planned.
pub(super) async fn of_tables(
    session: &Session,
    sql: Arc<str>,
    statement: Statement,
    status: TransactionStatus,
) -> Result<Answered, Failure> {
    let tag = tag_of(&statement);
    let view = session.view(status != TransactionStatus::Idle).await?;
    let planned = session.plan(view, sql, statement).await?;
    Ok(Answer::Rows(session.run(planned), tag).into())
}

/// The word that a client is told at the end of a statement's rows.
pub(super) fn tag_of(statement: &Statement) -> &'static str {
    match statement {
        Statement::Explain { .. } => "EXPLAIN",
        Statement::Query(_) => "SELECT",
        _ => "SHOW",
    }
}
