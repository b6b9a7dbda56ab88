//! Log-in: who connects, to which database, with which password.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::{Sink, SinkExt};
use pgwire::api::auth::{
    ServerParameterProvider, StartupHandler, finish_authentication, protocol_negotiation,
    save_startup_parameters_to_metadata,
};
use pgwire::api::{ClientInfo, METADATA_DATABASE, METADATA_USER, PgWireConnectionState};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::startup::{Authentication, PasswordMessageFamily, Startup};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use salesmart_config::serve::Authentication as Ways;

use super::session::Session;
use super::settings::Settings;
use super::{Server, fatal};
use crate::auth::{Exchange, Refusal};
use crate::engine::{Cancel, Database, Failure, code};

const METHOD: &str = "SCRAM-SHA-256";
/// How long a wrong password takes to be refused, so that trying many takes longer.
const REFUSAL: Duration = Duration::from_millis(250);

/// The log-in of one connection.
pub(super) struct LogIn {
    server: Arc<Server>,
    step: Mutex<Step>,
}

enum Step {
    /// Nothing was said yet.
    Start,
    /// The client was asked for its first message.
    Asked,
    /// It was answered; the proof comes next.
    Answered(Box<Exchange>),
    /// It is over, one way or the other.
    Over,
}

impl LogIn {
    pub(super) fn new(server: Arc<Server>) -> Self {
        Self { server, step: Mutex::new(Step::Start) }
    }

    fn take(&self) -> Step {
        let mut step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *step, Step::Over)
    }

    fn put(&self, step: Step) {
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = step;
    }

    /// Makes the session, when it is proven who this is.
    async fn enter<C>(&self, client: &mut C) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let engine = &self.server.engine;
        let name = user(client)?;
        let reader = engine.reader(&name).map_err(fatal)?;
        // libpq asks for a database named as the user where it is told none.
        let database = match client.metadata().get(METADATA_DATABASE) {
            Some(database) if *database != name => database.parse().map_err(fatal)?,
            Some(database) => database.parse().unwrap_or(Database::Warehouse),
            None => Database::Warehouse,
        };
        let connection = reader.connect().map_err(fatal)?;
        let settings = initial(client.metadata(), &name).map_err(fatal)?;
        if let Database::Release(_) = database {
            engine.releases.get(database).await.map_err(fatal)?;
        }
        let cancel = Arc::new(Cancel::new());
        let (pid, secret, entry) =
            self.server.registry.register(client.protocol_version(), Arc::clone(&cancel));
        client.set_pid_and_secret_key(pid, secret);
        let told = Told(settings.told());
        let session = Session::new(engine, reader, database, cancel, settings, connection, entry);
        client.session_extensions().insert(session);
        finish_authentication(client, &told).await
    }

    async fn begin<C>(&self, client: &mut C, startup: &Startup) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        protocol_negotiation(client, startup).await?;
        save_startup_parameters_to_metadata(client, startup);
        let name = user(client)?;
        let config = self.server.engine.config();
        if config.tls.as_ref().is_some_and(|tls| tls.required) && !client.is_secure() {
            return Err(fatal(
                Failure::new(
                    code::INVALID_AUTHORIZATION,
                    format!("user \"{name}\" may not connect without encryption"),
                )
                .with_hint("Connect with sslmode=require or better."),
            ));
        }
        if config.authentication == Ways::TrustEverybodyWhoReachesThePort {
            return self.enter(client).await;
        }
        client.set_state(PgWireConnectionState::AuthenticationInProgress);
        self.put(Step::Asked);
        let methods = Authentication::SASL(vec![METHOD.to_owned()]);
        client.send(PgWireBackendMessage::Authentication(methods)).await?;
        Ok(())
    }

    async fn answer<C>(&self, client: &mut C, message: PasswordMessageFamily) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let name = user(client)?;
        match self.take() {
            Step::Asked => {
                let body = body_of(message)?;
                let data = first_message(&body).map_err(|refusal| refused(&name, &refusal))?;
                let verifier = self.server.passwords.verifier(&name);
                let (exchange, answer) =
                    Exchange::begin(verifier, data).map_err(|refusal| refused(&name, &refusal))?;
                self.put(Step::Answered(Box::new(exchange)));
                let answer = Authentication::SASLContinue(answer.into());
                client.send(PgWireBackendMessage::Authentication(answer)).await?;
                Ok(())
            }
            Step::Answered(exchange) => {
                let last = body_of(message)?;
                match exchange.finish(&last) {
                    Ok(proof) => {
                        let proof = Authentication::SASLFinal(proof.into());
                        client.send(PgWireBackendMessage::Authentication(proof)).await?;
                        self.enter(client).await
                    }
                    Err(refusal) => {
                        tokio::time::sleep(REFUSAL).await;
                        tracing::warn!(
                            "{} could not log in as {name:?}",
                            client.socket_addr().ip()
                        );
                        Err(refused(&name, &refusal))
                    }
                }
            }
            Step::Start | Step::Over => Err(fatal(Failure::new(
                code::PROTOCOL_VIOLATION,
                "a password was sent that nobody asked for",
            ))),
        }
    }
}

/// A message's bytes. pgwire's own reading of them trusts the lengths that are in them.
fn body_of(message: PasswordMessageFamily) -> PgWireResult<bytes::BytesMut> {
    match message {
        PasswordMessageFamily::Raw(body) => Ok(body),
        _ => Err(fatal(Failure::new(code::PROTOCOL_VIOLATION, "a password was read twice"))),
    }
}

/// What a client says first: the method, a length, and the message of that length.
fn first_message(body: &[u8]) -> Result<&[u8], Refusal> {
    let malformed = Refusal::Malformed("the method or its message is missing");
    let Some(end) = body.iter().position(|byte| *byte == 0) else { return Err(malformed) };
    let (method, rest) = (&body[..end], &body[end + 1..]);
    if method != METHOD.as_bytes() {
        return Err(Refusal::Malformed("the method is SCRAM-SHA-256"));
    }
    match rest.split_first_chunk::<4>() {
        Some((length, data)) if usize::try_from(u32::from_be_bytes(*length)) == Ok(data.len()) => {
            Ok(data)
        }
        _ => Err(malformed),
    }
}

fn refused(user: &str, refusal: &Refusal) -> PgWireError {
    fatal(match refusal {
        Refusal::Wrong => Failure::new(
            code::INVALID_PASSWORD,
            format!("password authentication failed for user \"{user}\""),
        ),
        Refusal::Malformed(why) => {
            Failure::new(code::PROTOCOL_VIOLATION, format!("malformed SCRAM message: {why}"))
        }
    })
}

fn user<C: ClientInfo>(client: &C) -> PgWireResult<String> {
    match client.metadata().get(METADATA_USER) {
        Some(name) if !name.is_empty() && name.len() <= 63 => Ok(name.clone()),
        _ => Err(fatal(Failure::new(
            code::INVALID_AUTHORIZATION,
            "no PostgreSQL user name specified in startup packet",
        ))),
    }
}

/// What a client sets as it connects: parameters of its own, and `options=-c name=value`.
fn initial(metadata: &HashMap<String, String>, user: &str) -> Result<Settings, Failure> {
    let mut settings = Settings::default();
    let mut set = |name: &str, value: &str| settings.set(name, Some(value)).map(|_| ());
    for (name, value) in metadata {
        match name.as_str() {
            METADATA_USER | METADATA_DATABASE | "options" | "replication" => {}
            // Protocol options begin so, and are no settings.
            name if name.starts_with("_pq_.") => {}
            name => set(name, value)?,
        }
    }
    if let Some(options) = metadata.get("options") {
        let mut words = words(options).into_iter();
        while let Some(word) = words.next() {
            let assignment = match word.strip_prefix("-c").or(word.strip_prefix("--")) {
                Some("") => words.next(),
                Some(rest) => Some(rest.to_owned()),
                None => continue,
            };
            if let Some((name, value)) = assignment.as_deref().and_then(|a| a.split_once('=')) {
                set(&name.replace('-', "_"), value)?;
            }
        }
    }
    settings.as_user(user);
    settings.begin();
    Ok(settings)
}

/// Words between spaces; a backslash makes the next character part of a word.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => word.extend(characters.next()),
            ' ' if !word.is_empty() => words.push(std::mem::take(&mut word)),
            ' ' => {}
            other => word.push(other),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// What a client is told as it enters.
struct Told(Vec<(String, String)>);

impl ServerParameterProvider for Told {
    fn server_parameters<C: ClientInfo>(&self, _: &C) -> Option<HashMap<String, String>> {
        Some(self.0.iter().cloned().collect())
    }
}

#[async_trait]
impl StartupHandler for LogIn {
    async fn on_startup<C>(
        &self,
        client: &mut C,
        message: PgWireFrontendMessage,
    ) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        match message {
            PgWireFrontendMessage::Startup(startup) => self.begin(client, &startup).await,
            PgWireFrontendMessage::PasswordMessageFamily(message) => {
                self.answer(client, message).await
            }
            _ => Err(fatal(Failure::new(code::PROTOCOL_VIOLATION, "nobody has logged in here"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_message_is_read_within_its_bounds() {
        let message = |method: &str, length: u32, data: &[u8]| {
            [method.as_bytes(), &[0], &length.to_be_bytes(), data].concat()
        };
        assert_eq!(first_message(&message(METHOD, 3, b"abc")), Ok(b"abc".as_slice()));
        for wrong in [
            message(METHOD, 4, b"abc"),
            message(METHOD, u32::MAX, b"abc"),
            message("SCRAM-SHA-256-PLUS", 3, b"abc"),
            METHOD.as_bytes().to_vec(),
            b"\0".to_vec(),
            Vec::new(),
        ] {
            assert!(first_message(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn options_are_read_as_libpq_writes_them() {
        assert_eq!(words(r"-c a=1  -cb=x\ y"), ["-c", "a=1", "-cb=x y"]);
        let metadata = HashMap::from([
            ("user".to_owned(), "ada".to_owned()),
            ("options".to_owned(), "-c search_path=mart --statement-timeout=5s".to_owned()),
            ("application_name".to_owned(), "psql".to_owned()),
        ]);
        let settings = initial(&metadata, "ada").unwrap();
        assert_eq!(settings.search_path(), ["mart"]);
        assert_eq!(settings.statement_timeout(), Some(Duration::from_secs(5)));
        assert_eq!(settings.get("session_authorization").unwrap(), "ada");
        let metadata = HashMap::from([("nonsense".to_owned(), "1".to_owned())]);
        assert_eq!(initial(&metadata, "ada").unwrap_err().code, code::UNDEFINED_OBJECT);
    }
}
