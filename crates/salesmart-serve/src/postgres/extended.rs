//! The extended protocol: statements that are prepared, described, bound and fetched in parts.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{Sink, SinkExt, StreamExt};
use pgwire::api::portal::{Format, Portal, PortalExecutionState};
use pgwire::api::query::ExtendedQueryHandler;
use pgwire::api::results::{FieldInfo, QueryResponse, Response, Tag};
use pgwire::api::stmt::QueryParser;
use pgwire::api::store::{Entry, PortalStore};
use pgwire::api::{ClientInfo, ClientPortalStore, DEFAULT_NAME, PgWireConnectionState, Type};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::extendedquery::{
    Bind, BindComplete, Execute, PortalSuspended, Sync as PgSync,
};
use pgwire::messages::response::{
    CommandComplete, EmptyQueryResponse, ReadyForQuery, TransactionStatus,
};

use super::answer::{Answer, Answered, allowed_now, columns, is_of_session, of_session, tag_of};
use super::prepared::{Inner, Prepared, parameters, with_values};
use super::session::Session;
use super::simple::tell;
use super::{copy, encode, error};
use crate::engine::{Failure, Planned, code, parse};

/// Prepares statements.
pub(super) struct Preparing;

#[async_trait]
impl QueryParser for Preparing {
    type Statement = Prepared;

    async fn parse_sql<C>(
        &self,
        client: &C,
        sql: &str,
        types: &[Option<Type>],
    ) -> PgWireResult<Option<Prepared>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let session = Session::of(client)?;
        let status = client.transaction_status();
        let mut statements = parse(sql).map_err(error)?;
        if statements.len() > 1 {
            return Err(error(Failure::new(
                code::SYNTAX,
                "cannot insert multiple commands into a prepared statement",
            )));
        }
        let Some(statement) = statements.pop() else { return Ok(None) };
        allowed_now(&statement, status).map_err(error)?;
        let sql: Arc<str> = sql.into();
        let copied = copy::out(&statement).map_err(error)?.map(Arc::new);
        let mut inner = Inner {
            sql: Arc::clone(&sql),
            statement: copied.as_ref().map_or(statement, |out| out.query.clone()),
            copied,
            given: types.to_vec(),
            planned: None,
            columns: None,
        };
        if is_of_session(&inner.statement) {
            inner.columns = columns(&session, &inner.statement).await.map_err(error)?;
        } else {
            let view = session.view(status != TransactionStatus::Idle).await.map_err(error)?;
            let planned = session.plan(view, sql, inner.statement.clone()).await.map_err(error)?;
            inner.planned = Some(parameters(planned, types).map_err(error)?);
        }
        Ok(Some(Prepared(Arc::new(inner))))
    }

    fn get_parameter_types(&self, prepared: &Prepared) -> PgWireResult<Vec<Type>> {
        let planned = prepared.0.planned.as_ref();
        Ok(planned.map(|(_, parameters)| parameters.wire().to_vec()).unwrap_or_default())
    }

    fn get_result_schema(
        &self,
        prepared: &Prepared,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        if prepared.0.copied.is_some() {
            // What is copied comes as a file, and not as rows.
            return Ok(Vec::new());
        }
        let schema = match (&prepared.0.planned, &prepared.0.columns) {
            (Some((planned, _)), _) => planned.plan.schema().inner(),
            (None, Some(columns)) => columns,
            (None, None) => return Ok(Vec::new()),
        };
        let format = format.unwrap_or(&Format::UnifiedText);
        encode::fields(schema, format, &Arc::default())
    }
}

/// Runs prepared statements.
pub(super) struct Extended(pub(super) Arc<Preparing>);

/// pgwire looks formats up by number and trusts the client to have sent enough of them.
fn formats_fit(bind: &Bind, columns: usize) -> Result<(), Failure> {
    let refused = |what: &str, sent: usize, there: usize| {
        Err(Failure::new(
            code::PROTOCOL_VIOLATION,
            format!("bind message has {sent} {what} formats but {there} {what}s"),
        ))
    };
    let parameters = bind.parameters.len();
    match (bind.parameter_format_codes.len(), bind.result_column_format_codes.len()) {
        (sent, _) if sent > 1 && sent != parameters => refused("parameter", sent, parameters),
        (_, sent) if sent > 1 && sent != columns => refused("result column", sent, columns),
        _ => Ok(()),
    }
}

impl Extended {
    /// The plan of a prepared statement over the release that is read now.
    async fn current(
        &self,
        session: &Session,
        prepared: &Prepared,
        status: TransactionStatus,
    ) -> Result<Option<(Planned, super::prepared::Parameters)>, Failure> {
        let Some((planned, found)) = &prepared.0.planned else { return Ok(None) };
        let view = session.view(status != TransactionStatus::Idle).await?;
        if Arc::ptr_eq(&view.release, &planned.view.release) {
            return Ok(Some((planned.clone(), found.clone())));
        }
        // Another release: the same statement over other tables.
        let inner = &prepared.0;
        let again = session.plan(view, Arc::clone(&inner.sql), inner.statement.clone()).await?;
        let (again, parameters) = parameters(again, &inner.given)?;
        let types = |planned: &Planned| {
            let fields = planned.plan.schema().fields().iter();
            fields
                .map(|field| (field.name().clone(), field.data_type().clone()))
                .collect::<Vec<_>>()
        };
        if types(&again) != types(planned) || parameters.wire() != found.wire() {
            return Err(Failure::new(
                code::FEATURE_NOT_SUPPORTED,
                "cached plan must not change result type",
            )
            .with_detail("A new release has other columns.")
            .with_hint("Prepare the statement again."));
        }
        Ok(Some((again, parameters)))
    }

    async fn answer(
        &self,
        session: &Session,
        portal: &Portal<Prepared>,
        status: TransactionStatus,
    ) -> PgWireResult<Answered> {
        let prepared = &portal.statement.statement;
        let statement = &prepared.0.statement;
        allowed_now(statement, status).map_err(error)?;
        match self.current(session, prepared, status).await.map_err(error)? {
            None => of_session(session, statement, status).await.map_err(error),
            Some((planned, parameters)) => {
                let values = parameters.values(portal)?;
                let planned = with_values(planned, &values).map_err(error)?;
                Ok(Answer::Rows(session.run(planned), tag_of(statement)).into())
            }
        }
    }
}

#[async_trait]
impl ExtendedQueryHandler for Extended {
    type Statement = Prepared;
    type QueryParser = Preparing;

    fn query_parser(&self) -> Arc<Preparing> {
        Arc::clone(&self.0)
    }

    async fn on_bind<C>(&self, client: &mut C, bind: Bind) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        Session::of(client)?;
        let name = bind.statement_name.as_deref().unwrap_or(DEFAULT_NAME);
        match client.portal_store().get_statement(name) {
            Some(Entry::Value(statement)) => {
                let prepared = &statement.statement;
                let columns = self.0.get_result_schema(prepared, None)?.len();
                formats_fit(&bind, columns).map_err(error)?;
                let parameters = self.0.get_parameter_types(prepared)?.len();
                if bind.parameters.len() != parameters {
                    return Err(error(Failure::new(
                        code::PROTOCOL_VIOLATION,
                        format!(
                            "bind message supplies {} parameters, but prepared statement requires {parameters}",
                            bind.parameters.len(),
                        ),
                    )));
                }
                let portal = Portal::try_new(&bind, statement)?;
                client.portal_store().put_portal(Arc::new(portal));
            }
            Some(Entry::Empty) => {
                let portal = bind.portal_name.as_deref().unwrap_or(DEFAULT_NAME);
                client.portal_store().put_empty_portal(portal);
            }
            None => {
                return Err(error(Failure::new(
                    code::INVALID_STATEMENT_NAME,
                    format!("prepared statement \"{}\" does not exist", shown(name)),
                )));
            }
        }
        client.send(PgWireBackendMessage::BindComplete(BindComplete::new())).await?;
        Ok(())
    }

    /// Rows go to the client as they come: pgwire's own would collect all of them first.
    async fn on_execute<C>(&self, client: &mut C, execute: Execute) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let session = Session::of(client)?;
        client.set_state(PgWireConnectionState::QueryInProgress);
        let name = execute.name.as_deref().unwrap_or(DEFAULT_NAME);
        let portal = match client.portal_store().get_portal(name) {
            Some(Entry::Value(portal)) => portal,
            Some(Entry::Empty) => {
                client
                    .feed(PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new()))
                    .await?;
                client.set_state(PgWireConnectionState::ReadyForQuery);
                return Ok(());
            }
            None => {
                return Err(error(Failure::new(
                    code::INVALID_CURSOR_NAME,
                    format!("portal \"{}\" does not exist", shown(name)),
                )));
            }
        };
        // No number, or one below zero, is no limit.
        let most = usize::try_from(execute.max_rows).ok().filter(|most| *most > 0);
        let state = portal.state();
        let mut state = state.lock().await;
        if matches!(*state, PortalExecutionState::Initial) {
            let status = client.transaction_status();
            let answered = self.answer(&session, &portal, status).await?;
            tell(client, answered.told).await?;
            let tag = match answered.answer {
                Answer::Rows(rows, _) if let Some(out) = &portal.statement.statement.0.copied => {
                    *state = PortalExecutionState::Finished;
                    copy::send(client, &session, out, rows).await?;
                    client.set_state(PgWireConnectionState::ReadyForQuery);
                    return Ok(());
                }
                Answer::Rows(rows, tag) => {
                    let options = encode::options(session.state().settings.values());
                    let format = &portal.result_column_format;
                    let fields = Arc::new(encode::fields(rows.schema(), format, &options)?);
                    let rows = encode::rows(rows, Arc::clone(&fields));
                    let mut response = QueryResponse::new(fields, rows);
                    response.set_command_tag(tag);
                    *state = PortalExecutionState::Suspended(response);
                    None
                }
                Answer::Done(tag) => Some(tag),
                Answer::Began(tag) => {
                    client.set_transaction_status(status.to_in_transaction_state());
                    Some(tag)
                }
                Answer::Ended(tag) => {
                    client.set_transaction_status(status.to_idle_state());
                    client.portal_store().clear_portals();
                    Some(tag)
                }
            };
            if let Some(tag) = tag {
                *state = PortalExecutionState::Finished;
                let done = CommandComplete::from(tag);
                client.feed(PgWireBackendMessage::CommandComplete(done)).await?;
                client.set_state(PgWireConnectionState::ReadyForQuery);
                return Ok(());
            }
        }
        let mut sent = 0;
        let mut tag = "SELECT".to_owned();
        let mut finished = true;
        if let PortalExecutionState::Suspended(response) = &mut *state {
            response.command_tag().clone_into(&mut tag);
            while most.is_none_or(|most| sent < most) {
                match response.data_rows().next().await {
                    Some(row) => {
                        client.feed(PgWireBackendMessage::DataRow(row?)).await?;
                        sent += 1;
                    }
                    None => break,
                }
            }
            finished = most.is_none_or(|most| sent < most);
        }
        if finished {
            *state = PortalExecutionState::Finished;
            let done = CommandComplete::from(Tag::new(&tag).with_rows(sent));
            client.feed(PgWireBackendMessage::CommandComplete(done)).await?;
        } else {
            client.feed(PgWireBackendMessage::PortalSuspended(PortalSuspended::new())).await?;
        }
        client.set_state(PgWireConnectionState::ReadyForQuery);
        Ok(())
    }

    /// Outside a transaction, portals end with their messages; a transaction keeps them.
    async fn on_sync<C>(&self, client: &mut C, _: PgSync) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        Session::of(client)?;
        let status = client.transaction_status();
        match status {
            TransactionStatus::Transaction => client.portal_store().rm_portal(DEFAULT_NAME),
            _ => client.portal_store().clear_portals(),
        }
        client.send(PgWireBackendMessage::ReadyForQuery(ReadyForQuery::new(status))).await?;
        Ok(())
    }

    /// Not called: `on_execute` sends rows as they come.
    async fn do_query<C>(&self, _: &mut C, _: &Portal<Prepared>, _: usize) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        Err(error(Failure::new(code::INTERNAL, "a portal was executed twice")))
    }
}

fn shown(name: &str) -> &str {
    if name == DEFAULT_NAME { "" } else { name }
}
