//! The simple protocol: text in, statements answered one after the other.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::sql::sqlparser::ast::Statement;
use futures::{Sink, SinkExt};
use pgwire::api::portal::Format;
use pgwire::api::query::{SimpleQueryHandler, send_query_response, send_ready_for_query};
use pgwire::api::results::{QueryResponse, Response};
use pgwire::api::store::PortalStore;
use pgwire::api::{ClientInfo, ClientPortalStore, PgWireConnectionState};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::response::{CommandComplete, EmptyQueryResponse};
use pgwire::messages::simplequery::Query;
use pgwire::messages::startup::ParameterStatus;

use super::answer::{Answer, Answered, allowed_now, is_of_session, of_session, of_tables};
use super::session::Session;
use super::{copy, encode, error};
use crate::engine::{Failure, code, parse};

/// Answers text.
pub(super) struct Simple;

/// Answers one statement, whichever it is.
///
/// # Errors
/// What the statement failed at.
pub(super) async fn answer(
    session: &Session,
    sql: Arc<str>,
    statement: Statement,
    status: pgwire::messages::response::TransactionStatus,
) -> Result<Answered, Failure> {
    allowed_now(&statement, status)?;
    if is_of_session(&statement) {
        of_session(session, &statement, status).await
    } else {
        of_tables(session, sql, statement, status).await
    }
}

/// Tells a client which settings have changed.
pub(super) async fn tell<C>(client: &mut C, told: Vec<(String, String)>) -> PgWireResult<()>
where
    C: Sink<PgWireBackendMessage> + Unpin,
    PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
{
    for (name, value) in told {
        let status = ParameterStatus::new(name, value);
        client.feed(PgWireBackendMessage::ParameterStatus(status)).await?;
    }
    Ok(())
}

#[async_trait]
impl SimpleQueryHandler for Simple {
    async fn on_query<C>(&self, client: &mut C, query: Query) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let session = Session::of(client)?;
        client.set_state(PgWireConnectionState::QueryInProgress);
        let sql: Arc<str> = query.query.into();
        let statements = parse(&sql).map_err(error)?;
        if statements.is_empty() {
            client
                .feed(PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new()))
                .await?;
        }
        for statement in statements {
            let status = client.transaction_status();
            if let Some(out) = copy::out(&statement).map_err(error)? {
                allowed_now(&statement, status).map_err(error)?;
                let query = out.query.clone();
                let answered =
                    of_tables(&session, Arc::clone(&sql), query, status).await.map_err(error)?;
                let Answer::Rows(rows, _) = answered.answer else {
                    return Err(copy::unexpected());
                };
                copy::send(client, &session, &out, rows).await?;
                continue;
            }
            let answered =
                answer(&session, Arc::clone(&sql), statement, status).await.map_err(error)?;
            tell(client, answered.told).await?;
            let tag = match answered.answer {
                Answer::Rows(rows, tag) => {
                    let options = encode::options(session.state().settings.values());
                    let fields = encode::fields(rows.schema(), &Format::UnifiedText, &options)?;
                    let fields = Arc::new(fields);
                    let rows = encode::rows(rows, Arc::clone(&fields));
                    let mut response = QueryResponse::new(fields, rows);
                    response.set_command_tag(tag);
                    send_query_response(client, response, true).await?;
                    continue;
                }
                Answer::Done(tag) => tag,
                Answer::Began(tag) => {
                    client.set_transaction_status(status.to_in_transaction_state());
                    tag
                }
                Answer::Ended(tag) => {
                    client.set_transaction_status(status.to_idle_state());
                    client.portal_store().clear_portals();
                    tag
                }
            };
            client.feed(PgWireBackendMessage::CommandComplete(CommandComplete::from(tag))).await?;
        }
        client.set_state(PgWireConnectionState::ReadyForQuery);
        let status = client.transaction_status();
        send_ready_for_query(client, status).await
    }

    /// Not called: `on_query` answers each statement before it looks at the next.
    async fn do_query<C>(&self, _: &mut C, _: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        Err(error(Failure::new(code::INTERNAL, "a statement was answered twice")))
    }
}
