//! Arrow Flight SQL: whole columns instead of rows, over gRPC.
//!
//! The same users, roles and limits as with PostgreSQL's protocol. A client logs in once with user
//! and password and is given a token; a query is planned when the client asks about it, and run
//! when the client fetches it, over the same release.

mod kept;
mod metadata;
mod tokens;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, CommandGetCatalogs, CommandGetDbSchemas,
    CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables,
    CommandPreparedStatementQuery, CommandStatementQuery, CommandStatementUpdate,
    DoPutPreparedStatementResult, ProstMessageExt, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{
    FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest, HandshakeResponse, IpcMessage,
    SchemaAsIpc, Ticket,
};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use datafusion::common::ParamValues;
use datafusion::scalar::ScalarValue;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use prost::Message as _;
use salesmart_core::{Error, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};

use crate::auth::Passwords;
use crate::engine::{
    Allowance, Cancel, Database, Engine, Failure, PlanSettings, Planned, Rows, View, apart, code,
    parse, plan, run,
};
use kept::{Kept, Prepared};
use tokens::{Session, Tokens};

/// The header in which a client names the release that it reads.
const RELEASE: &str = "salesmart-release";
/// How long a wrong password takes to be refused.
const REFUSAL: std::time::Duration = std::time::Duration::from_millis(250);

type Rpc<T> = std::result::Result<Response<T>, Status>;
type Data = <Service as FlightService>::DoGetStream;

/// Answers Flight SQL.
#[derive(Clone)]
pub(crate) struct Service {
    engine: Arc<Engine>,
    passwords: Arc<Passwords>,
    tokens: Arc<Tokens>,
    kept: Arc<Kept>,
}

/// Takes calls until `stop` changes.
pub(crate) async fn serve(
    listener: TcpListener,
    engine: Arc<Engine>,
    passwords: Arc<Passwords>,
    mut stop: watch::Receiver<bool>,
) -> Result<()> {
    let failed = |e: tonic::transport::Error| {
        Error::configuration("Arrow Flight SQL cannot be served").with_source(e)
    };
    let mut builder = tonic::transport::Server::builder();
    if let Some(tls) = &engine.config().tls {
        let read = |path: &std::path::Path| {
            std::fs::read(path).map_err(|e| {
                Error::configuration(format!("failed to read `{}`: {e}", path.display()))
            })
        };
        let identity = Identity::from_pem(read(&tls.certificate)?, read(&tls.key)?);
        builder = builder.tls_config(ServerTlsConfig::new().identity(identity)).map_err(failed)?;
    }
    let service = Service { engine, passwords, tokens: Arc::default(), kept: Arc::default() };
    builder
        .add_service(FlightServiceServer::new(service))
        .serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            async move {
                // An error means that nobody can ask any more, because the server is gone.
                let _ = stop.wait_for(|stop| *stop).await;
            },
        )
        .await
        .map_err(failed)
}

/// A failure as gRPC tells it: the nearest of its codes, and PostgreSQL's in the text.
fn status(failure: &Failure) -> Status {
    let mut text = format!("{} (SQLSTATE {})", failure.message, failure.code);
    for more in [&failure.detail, &failure.hint].into_iter().flatten() {
        text.push_str("; ");
        text.push_str(more);
    }
    match failure.code {
        code::INVALID_AUTHORIZATION | code::INVALID_PASSWORD => Status::unauthenticated(text),
        code::PRIVILEGE | code::READ_ONLY => Status::permission_denied(text),
        code::UNDEFINED_TABLE | code::INVALID_CATALOG => Status::not_found(text),
        code::CANCELED => Status::cancelled(text),
        code::OUT_OF_MEMORY | code::TOO_MANY_CONNECTIONS | code::LIMIT_EXCEEDED => {
            Status::resource_exhausted(text)
        }
        code::FEATURE_NOT_SUPPORTED => Status::unimplemented(text),
        code::CANNOT_CONNECT_NOW => Status::unavailable(text),
        code::INTERNAL | code::IO => Status::internal(text),
        _ => Status::invalid_argument(text),
    }
}

fn internal(error: impl std::fmt::Display) -> Status {
    Status::internal(error.to_string())
}

impl Service {
    /// Who calls.
    fn session<T>(&self, request: &Request<T>) -> std::result::Result<Arc<Session>, Status> {
        let token = request
            .metadata()
            .get("authorization")
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        token
            .and_then(|token| self.tokens.find(token))
            .ok_or_else(|| Status::unauthenticated("log in with user and password first, or again"))
    }

    /// What the caller sees: the current release, or the one the call names.
    async fn view<T>(
        &self,
        session: &Session,
        request: &Request<T>,
    ) -> std::result::Result<View, Status> {
        let named = request.metadata().get(RELEASE).map(|value| {
            let id = value.to_str().unwrap_or_default();
            id.parse().map(Database::Release).map_err(|_| {
                Status::invalid_argument(format!("`{id}` is not a release, such as r000042"))
            })
        });
        let database = named.transpose()?.unwrap_or(Database::Warehouse);
        let release = self.engine.releases.get(database).await.map_err(|e| status(&e))?;
        release.view(&session.reader, database).map_err(|e| status(&e))
    }

    fn allowance(session: &Session, cancel: &Cancel) -> Allowance {
        Allowance { timeout: session.reader.role.statement_timeout, cancel: cancel.watch() }
    }

    async fn plan(
        &self,
        session: &Session,
        view: View,
        sql: &str,
    ) -> std::result::Result<Planned, Failure> {
        let mut statements = parse(sql)?;
        let (Some(statement), true) = (statements.pop(), statements.is_empty()) else {
            return Err(Failure::new(code::SYNTAX, "a query is one statement"));
        };
        let work = plan(view, PlanSettings::default(), sql.into(), statement);
        apart(&self.engine, Self::allowance(session, &Cancel::new()), work).await
    }

    /// The rows of a plan, as Flight sends them. They stop when the client goes.
    fn data(&self, session: &Session, planned: Planned) -> Response<Data> {
        let cancel = Cancel::new();
        let rows = run(&self.engine, planned, Self::allowance(session, &cancel));
        let schema = Arc::clone(rows.schema());
        // Nobody else can cancel it; it lives as long as the stream.
        let batches =
            stream::unfold((rows, cancel), |(mut rows, cancel): (Rows, Cancel)| async move {
                let batch = rows.next().await?;
                Some((batch.map_err(|e| FlightError::Tonic(Box::new(status(&e)))), (rows, cancel)))
            });
        encoded(schema, batches.boxed())
    }

    /// Rows that are there already.
    fn ready(batch: RecordBatch) -> Response<Data> {
        encoded(batch.schema(), stream::iter([Ok(batch)]).boxed())
    }
}

fn encoded(
    schema: SchemaRef,
    batches: BoxStream<'static, std::result::Result<RecordBatch, FlightError>>,
) -> Response<Data> {
    let data = FlightDataEncoderBuilder::new().with_schema(schema).build(batches);
    Response::new(data.map_err(Status::from).boxed())
}

/// What a client is told of a query before it fetches.
fn info(schema: &Schema, ticket: Vec<u8>, descriptor: FlightDescriptor) -> Rpc<FlightInfo> {
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket));
    let info = FlightInfo::new()
        .try_with_schema(schema)
        .map_err(internal)?
        .with_endpoint(endpoint)
        .with_descriptor(descriptor);
    Ok(Response::new(info))
}

fn ipc(schema: &Schema) -> std::result::Result<bytes::Bytes, Status> {
    let options = arrow::ipc::writer::IpcWriteOptions::default();
    let message: IpcMessage = SchemaAsIpc::new(schema, &options).try_into().map_err(internal)?;
    Ok(message.0)
}

/// The parameters of a plan, as columns.
fn parameters(planned: &Planned) -> std::result::Result<Schema, Status> {
    let types = planned
        .plan
        .get_parameter_types()
        .map_err(|e| status(&Failure::of_engine(&planned.sql, &e)))?;
    let mut fields: Vec<(usize, Field)> = Vec::new();
    for (id, data_type) in types {
        let number = id.trim_start_matches('$').parse().map_err(|_| {
            Status::invalid_argument(format!("there is no parameter {id}: write $1, $2 and so on"))
        })?;
        let data_type = data_type.unwrap_or(arrow::datatypes::DataType::Utf8);
        fields.push((number, Field::new(id, data_type, true)));
    }
    fields.sort_by_key(|(number, _)| *number);
    Ok(Schema::new(fields.into_iter().map(|(_, field)| field).collect::<Vec<_>>()))
}

#[async_trait]
impl FlightSqlService for Service {
    type FlightService = Service;

    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Rpc<Answers<HandshakeResponse>> {
        let header = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let credentials = header
            .and_then(|header| header.strip_prefix("Basic "))
            .and_then(|basic| STANDARD_NO_PAD.decode(basic.trim_end_matches('=')).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let Some((user, password)) = credentials.as_deref().and_then(|text| text.split_once(':'))
        else {
            return Err(Status::unauthenticated("log in with user and password"));
        };
        let trusting = self.engine.config().authentication
            == salesmart_config::serve::Authentication::TrustEverybodyWhoReachesThePort;
        let (passwords, name, secret) =
            (Arc::clone(&self.passwords), user.to_owned(), password.to_owned());
        // Thousands of rounds of hashing: nothing for the threads that answer others.
        let right = trusting
            || tokio::task::spawn_blocking(move || passwords.is_right(&name, &secret))
                .await
                .unwrap_or(false);
        if !right {
            tokio::time::sleep(REFUSAL).await;
            return Err(status(&Failure::new(
                code::INVALID_PASSWORD,
                format!("password authentication failed for user \"{user}\""),
            )));
        }
        let reader = self.engine.reader(user).map_err(|e| status(&e))?;
        let token = self.tokens.begin(reader).map_err(|e| status(&e))?;
        let answer = HandshakeResponse { protocol_version: 0, payload: token.clone().into() };
        let mut response: Response<Answers<HandshakeResponse>> =
            Response::new(Box::pin(stream::iter([Ok(answer)])));
        let value = format!("Bearer {token}").parse().map_err(internal)?;
        response.metadata_mut().insert("authorization", value);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Rpc<FlightInfo> {
        let session = self.session(&request)?;
        let view = self.view(&session, &request).await?;
        let planned = self.plan(&session, view, &query.query).await.map_err(|e| status(&e))?;
        let schema = Arc::clone(planned.plan.schema().inner());
        let handle = self.kept.keep_query(&session.reader.name, planned);
        let ticket = TicketStatementQuery { statement_handle: handle.into() };
        info(&schema, ticket.as_any().encode_to_vec(), request.into_inner())
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Rpc<Data> {
        let session = self.session(&request)?;
        let planned = self.kept.take_query(&session.reader.name, &ticket.statement_handle);
        let planned =
            planned.ok_or_else(|| Status::not_found("this query was fetched, or is too old"))?;
        Ok(self.data(&session, planned))
    }

    async fn do_put_statement_update(
        &self,
        update: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> std::result::Result<i64, Status> {
        let session = self.session(&request)?;
        let view = self.view(&session, &request).await?;
        // Whatever reads is no update, and whatever updates is refused.
        let planned = self.plan(&session, view, &update.query).await;
        planned.map_err(|e| status(&e))?;
        Err(status(&Failure::new(code::FEATURE_NOT_SUPPORTED, "a query is no update")))
    }

    async fn do_action_create_prepared_statement(
        &self,
        create: ActionCreatePreparedStatementRequest,
        request: Request<arrow_flight::Action>,
    ) -> std::result::Result<ActionCreatePreparedStatementResult, Status> {
        let session = self.session(&request)?;
        let view = self.view(&session, &request).await?;
        let planned = self.plan(&session, view, &create.query).await.map_err(|e| status(&e))?;
        let parameters = parameters(&planned)?;
        let result = ActionCreatePreparedStatementResult {
            dataset_schema: ipc(planned.plan.schema().as_arrow())?,
            parameter_schema: ipc(&parameters)?,
            prepared_statement_handle: self
                .kept
                .prepare(&session.reader.name, Prepared::new(create.query))
                .into(),
        };
        Ok(result)
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> std::result::Result<DoPutPreparedStatementResult, Status> {
        let session = self.session(&request)?;
        let handle = query.prepared_statement_handle;
        let data = request.into_inner().map_err(|e| FlightError::Tonic(Box::new(e)));
        let batches: Vec<RecordBatch> = FlightRecordBatchStream::new_from_flight_data(data)
            .try_collect()
            .await
            .map_err(Status::from)?;
        let batches: Vec<&RecordBatch> = batches.iter().filter(|b| b.num_rows() > 0).collect();
        let [batch] = batches.as_slice() else {
            return Err(Status::invalid_argument("parameters are one row"));
        };
        if batch.num_rows() != 1 {
            return Err(Status::unimplemented(
                "a statement runs with one row of parameters at a time",
            ));
        }
        let values = batch
            .columns()
            .iter()
            .map(|column| ScalarValue::try_from_array(column, 0))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(internal)?;
        if !self.kept.bind(&session.reader.name, &handle, values) {
            return Err(Status::not_found("this statement was closed"));
        }
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(handle) })
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Rpc<FlightInfo> {
        let session = self.session(&request)?;
        let prepared = self
            .kept
            .prepared(&session.reader.name, &query.prepared_statement_handle)
            .ok_or_else(|| Status::not_found("this statement was closed"))?;
        let view = self.view(&session, &request).await?;
        let mut planned =
            self.plan(&session, view, prepared.sql()).await.map_err(|e| status(&e))?;
        let expected = parameters(&planned)?;
        let failed = |planned: &Planned| {
            let sql = Arc::clone(&planned.sql);
            move |e: datafusion::common::DataFusionError| status(&Failure::of_engine(&sql, &e))
        };
        let values = prepared.values();
        if values.len() != expected.fields().len() {
            return Err(Status::invalid_argument(format!(
                "{} parameters are given, {} are asked for",
                values.len(),
                expected.fields().len()
            )));
        }
        let cast = values
            .iter()
            .zip(expected.fields())
            .map(|(value, field)| value.cast_to(field.data_type()))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(failed(&planned))?;
        if !cast.is_empty() {
            planned.plan = planned
                .plan
                .clone()
                .replace_params_with_values(&ParamValues::from(cast))
                .map_err(failed(&planned))?;
        }
        let schema = Arc::clone(planned.plan.schema().inner());
        let handle = self.kept.keep_query(&session.reader.name, planned);
        let ticket = TicketStatementQuery { statement_handle: handle.into() };
        info(&schema, ticket.as_any().encode_to_vec(), request.into_inner())
    }

    async fn do_action_close_prepared_statement(
        &self,
        close: ActionClosePreparedStatementRequest,
        request: Request<arrow_flight::Action>,
    ) -> std::result::Result<(), Status> {
        let session = self.session(&request)?;
        self.kept.close(&session.reader.name, &close.prepared_statement_handle);
        Ok(())
    }

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Rpc<FlightInfo> {
        self.session(&request)?;
        let schema = query.into_builder().schema();
        info(&schema, query.as_any().encode_to_vec(), request.into_inner())
    }

    async fn do_get_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<Ticket>,
    ) -> Rpc<Data> {
        let session = self.session(&request)?;
        let view = self.view(&session, &request).await?;
        metadata::catalogs(query, &view.description).map(Self::ready).map_err(internal)
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Rpc<FlightInfo> {
        self.session(&request)?;
        let ticket = query.as_any().encode_to_vec();
        info(&query.into_builder().schema(), ticket, request.into_inner())
    }

    async fn do_get_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<Ticket>,
    ) -> Rpc<Data> {
        let session = self.session(&request)?;
        let view = self.view(&session, &request).await?;
        metadata::schemas(query, &view.description).map(Self::ready).map_err(internal)
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Rpc<FlightInfo> {
        self.session(&request)?;
        let ticket = query.as_any().encode_to_vec();
        info(&query.into_builder().schema(), ticket, request.into_inner())
    }

    async fn do_get_tables(&self, query: CommandGetTables, request: Request<Ticket>) -> Rpc<Data> {
        let session = self.session(&request)?;
        let view = self.view(&session, &request).await?;
        metadata::tables(query, &view.description).map(Self::ready).map_err(internal)
    }

    async fn get_flight_info_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Rpc<FlightInfo> {
        self.session(&request)?;
        let schema = query.into_builder().schema();
        info(&schema, query.as_any().encode_to_vec(), request.into_inner())
    }

    async fn do_get_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<Ticket>,
    ) -> Rpc<Data> {
        self.session(&request)?;
        metadata::table_types(query).map(Self::ready).map_err(internal)
    }

    async fn get_flight_info_primary_keys(
        &self,
        query: CommandGetPrimaryKeys,
        request: Request<FlightDescriptor>,
    ) -> Rpc<FlightInfo> {
        self.session(&request)?;
        let ticket = query.as_any().encode_to_vec();
        info(&metadata::primary_keys_schema(), ticket, request.into_inner())
    }

    async fn do_get_primary_keys(
        &self,
        query: CommandGetPrimaryKeys,
        request: Request<Ticket>,
    ) -> Rpc<Data> {
        let session = self.session(&request)?;
        let view = self.view(&session, &request).await?;
        metadata::primary_keys(&query, &view.description).map(Self::ready).map_err(internal)
    }

    async fn get_flight_info_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Rpc<FlightInfo> {
        self.session(&request)?;
        let about = metadata::about_the_server().map_err(internal)?;
        let ticket = query.as_any().encode_to_vec();
        info(&query.into_builder(&about).schema(), ticket, request.into_inner())
    }

    async fn do_get_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<Ticket>,
    ) -> Rpc<Data> {
        self.session(&request)?;
        let about = metadata::about_the_server().map_err(internal)?;
        query.into_builder(&about).build().map(Self::ready).map_err(internal)
    }

    async fn register_sql_info(&self, _: i32, _: &SqlInfo) {}
}

/// A stream of answers, as the trait writes it.
type Answers<T> =
    std::pin::Pin<Box<dyn futures::Stream<Item = std::result::Result<T, Status>> + Send>>;
