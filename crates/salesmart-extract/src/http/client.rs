//! The client: sends a call until it is answered.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::redirect::Policy;
use salesmart_core::{ConnectionName, Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use url::Url;

use super::clock::ServerClock;
use super::pace::Paces;
use super::patience::Patience;
use super::redirect::{redirected, stay_on_host};
use super::{Authorization, Authorize, Call, Dialect, Reply, Settings, Verdict};
use crate::Usage;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How many times [`Settings::timeout`] a whole reply may take.
const WHOLE_REPLY: u32 = 10;

/// Sends calls to one source. Clones share everything: connections, pace, credentials and counts.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    tally: Arc<Tally>,
}

struct Shared {
    connection: String,
    settings: Settings,
    http: reqwest::Client,
    auth: Arc<dyn Authorize>,
    dialect: Arc<dyn Dialect>,
    paces: Paces,
    slots: Semaphore,
    clock: ServerClock,
    /// What all clients used, metered ones too.
    total: Tally,
}

/// What was used.
#[derive(Debug, Default)]
struct Tally(Mutex<Usage>);

/// Why an attempt brought no reply.
enum Missed {
    /// Another attempt may bring one.
    Passing { why: String, source: Option<reqwest::Error> },
    /// It will be the same again.
    Lasting(Error),
}

impl Client {
    /// A client of one connection.
    ///
    /// # Errors
    /// When the machine has no certificates to tell servers by.
    pub fn new(
        connection: &ConnectionName,
        settings: Settings,
        auth: Arc<dyn Authorize>,
        dialect: Arc<dyn Dialect>,
    ) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("salesmart/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::custom(stay_on_host))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(settings.timeout)
            .timeout(settings.timeout.saturating_mul(WHOLE_REPLY));
        if is_loopback(&settings.base_url) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| {
            Error::configuration(format!("failed to set up HTTP for the connection `{connection}`"))
                .with_source(error)
                .with_hint("install the system's root certificates (`ca-certificates`)")
        })?;
        let shared = Shared {
            connection: connection.to_string(),
            paces: Paces::new(&settings.classes),
            slots: Semaphore::new(settings.concurrent.clamp(1, Semaphore::MAX_PERMITS)),
            settings,
            http,
            auth,
            dialect,
            clock: ServerClock::default(),
            total: Tally::default(),
        };
        Ok(Self { shared: Arc::new(shared), tally: Arc::default() })
    }

    /// The same client with counts of its own, for one stream of several.
    #[must_use]
    pub fn metered(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), tally: Arc::default() }
    }

    /// Sends a call until its reply is accepted. The whole body is in memory then.
    ///
    /// A call may reach the server more than once: when a reply is lost, what it answered is not
    /// known. Dropping the future gives everything back that it held.
    ///
    /// # Errors
    /// What the dialect calls a failure; [`ErrorKind::SourceUnavailable`] when the attempts or the
    /// patience are used up; [`ErrorKind::Permission`] when renewed credentials are refused.
    pub async fn send(&self, call: Call) -> Result<Reply> {
        self.send_until(&call, |_| Ok(())).await.map(|(reply, ())| reply)
    }

    /// Sends a call and reads the reply's JSON. A body that ends in the middle of its JSON counts
    /// as one that did not arrive.
    ///
    /// # Errors
    /// As [`Client::send`], and as [`Reply::json`].
    pub async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let read = |reply: &Reply| match reply.json::<T>() {
            Ok(value) => Ok(Ok(value)),
            Err(_) if ends_early(&reply.body) => {
                Err("the body ends in the middle of its JSON".to_owned())
            }
            Err(error) => Ok(Err(error)),
        };
        let (_, outcome) = self.send_until(&call, read).await?;
        outcome.map_err(|error| {
            self.about(&call, error.wrap(format!("failed to read the answer to {}", call.label())))
        })
    }

    /// What was used since the last [`Client::take_usage`], and goes on being counted.
    #[must_use]
    pub fn usage(&self) -> Usage {
        *self.tally.lock()
    }

    /// What was used since the last time it was taken, to be sent as
    /// [`Event::Used`](crate::Event::Used).
    #[must_use]
    pub fn take_usage(&self) -> Usage {
        std::mem::take(&mut *self.tally.lock())
    }

    /// What was used in all, by this client and all others that share its connection.
    #[must_use]
    pub fn total_usage(&self) -> Usage {
        *self.shared.total.lock()
    }

    /// The server's clock, as the `Date` of the newest reply shows it.
    #[must_use]
    pub fn server_now(&self) -> Option<DateTime<Utc>> {
        self.shared.clock.now()
    }

    /// The server's clock minus ours, to the second, when the newest reply came.
    #[must_use]
    pub fn clock_skew(&self) -> Option<TimeDelta> {
        self.shared.clock.skew()
    }

    /// Sends a call until its reply is accepted and `finish` takes it. What `finish` refuses, with
    /// the reason, counts as not arrived.
    async fn send_until<T>(
        &self,
        call: &Call,
        finish: impl Fn(&Reply) -> Result<T, String>,
    ) -> Result<(Reply, T)> {
        if let Some(fault) = &call.fault {
            return Err(Error::bug(format!("failed to call {}: {fault}", call.label())));
        }
        let mut patience = Patience::new(&self.shared.settings);
        let mut refused = false;
        loop {
            let authorization = match call.authorised {
                true => Some(self.shared.auth.header().await?),
                false => None,
            };
            let (why, after, source) = match self.attempt(call, authorization.as_ref()).await {
                Ok(reply) => match self.shared.dialect.judge(call, &reply) {
                    Verdict::Accept => match finish(&reply) {
                        Ok(value) => return Ok((reply, value)),
                        Err(why) => (why, None, None),
                    },
                    Verdict::Fail(error) => return Err(self.about(call, error)),
                    Verdict::Reauthorise => {
                        let Some(authorization) = authorization.filter(|_| !refused) else {
                            let error = self.shared.dialect.refused(call, &reply);
                            return Err(self.about(call, error));
                        };
                        tracing::debug!(call = call.label(), "the credentials were refused");
                        refused = true;
                        self.count(|usage| usage.retries += 1);
                        self.shared.auth.renew(authorization.generation).await?;
                        continue;
                    }
                    Verdict::Retry { after, why } => (why, after, None),
                },
                Err(Missed::Lasting(error)) => return Err(self.about(call, error)),
                Err(Missed::Passing { why, source }) => (why, None, source),
            };
            refused = false;
            let Some(wait) = patience.next(after) else {
                return Err(self.about(call, patience.lost(call, &why, after, source)));
            };
            tracing::debug!(
                connection = self.shared.connection,
                call = call.label(),
                why,
                attempt = patience.attempts,
                wait_ms = wait.as_millis(),
                "asking again"
            );
            if let Some(after) = after {
                self.shared.paces.hold(call.class, after);
            }
            tokio::time::sleep(wait).await;
            self.count(|usage| {
                usage.retries += 1;
                usage.waited_seconds += wait.as_secs_f64();
            });
        }
    }

    /// Sends a call once.
    async fn attempt(
        &self,
        call: &Call,
        authorization: Option<&Authorization>,
    ) -> Result<Reply, Missed> {
        let request = self.request(call, authorization).map_err(Missed::Lasting)?;
        let Some(paced) = self.shared.paces.ready(call.class).await else {
            return Err(Missed::Lasting(Error::bug(format!(
                "failed to call {}: there is no rate class `{}`",
                call.label(),
                call.class
            ))));
        };
        let slot = self.shared.slots.acquire().await.expect("the semaphore is never closed");
        self.count(|usage| {
            usage.requests += 1;
            usage.waited_seconds += paced.as_secs_f64();
        });
        let started = Instant::now();
        let reply = self.exchange(call, request).await;
        drop(slot);
        let took_ms = started.elapsed().as_millis();
        match &reply {
            Ok(reply) => tracing::debug!(
                connection = self.shared.connection,
                call = call.label(),
                status = reply.status,
                bytes = reply.body.len(),
                took_ms,
                "answered"
            ),
            Err(_) => tracing::debug!(
                connection = self.shared.connection,
                call = call.label(),
                took_ms,
                "not answered"
            ),
        }
        reply
    }

    fn request(
        &self,
        call: &Call,
        authorization: Option<&Authorization>,
    ) -> Result<reqwest::Request> {
        let settings = &self.shared.settings;
        let base = authorization.and_then(|it| it.base_url.as_ref()).unwrap_or(&settings.base_url);
        let url = call.url(base)?;
        let mut request = reqwest::Request::new(call.method.clone(), url);
        request.headers_mut().clone_from(&call.headers);
        *request.body_mut() = call.body.clone().map(Into::into);
        let Some(authorization) = authorization.filter(|it| !it.value.expose().is_empty()) else {
            return Ok(request);
        };
        if request.url().origin() != base.origin() {
            return Err(Error::new(
                ErrorKind::SourceUnavailable,
                format!("failed to call {}: the link leads to another host", call.label()),
            )
            .with("expected", base.origin().ascii_serialization())
            .with("found", request.url().origin().ascii_serialization())
            .with_hint("our credentials are not sent there; check the URL of the connection"));
        }
        let value = reqwest::header::HeaderValue::from_str(authorization.value.expose());
        let mut value = value.map_err(|_| {
            Error::configuration("the credentials hold characters that no header can have")
                .with_hint("check the secret for line ends and characters beyond ASCII")
        })?;
        value.set_sensitive(true);
        request.headers_mut().insert(authorization.name.clone(), value);
        Ok(request)
    }

    /// Sends a request and reads the whole reply.
    async fn exchange(&self, call: &Call, request: reqwest::Request) -> Result<Reply, Missed> {
        let host = request.url().authority().to_owned();
        let passing = |why: String, error: reqwest::Error| Missed::Passing {
            why,
            source: Some(error.without_url()),
        };
        let mut response = self.shared.http.execute(request).await.map_err(|error| {
            let why = if error.is_connect() {
                format!("there is no connection to `{host}`")
            } else if error.is_timeout() {
                format!("`{host}` does not answer in time")
            } else {
                format!("`{host}` hung up before it answered")
            };
            passing(why, error)
        })?;
        self.shared.clock.observe(response.headers());
        if response.status().is_redirection() {
            return Err(Missed::Lasting(redirected(call, &response)));
        }
        let body = match self.body(call, &mut response).await {
            Ok(body) => body,
            Err(Missed::Passing { why, source: Some(error) }) => return Err(passing(why, error)),
            Err(missed) => return Err(missed),
        };
        let status = response.status().as_u16();
        Ok(Reply { status, headers: std::mem::take(response.headers_mut()), body })
    }

    async fn body(&self, call: &Call, response: &mut reqwest::Response) -> Result<Bytes, Missed> {
        let mut whole = BytesMut::new();
        loop {
            let part = response.chunk().await.map_err(|error| {
                let why = match error.is_timeout() {
                    true => format!("the body stopped after {} bytes", whole.len()),
                    false => format!("the body was cut after {} bytes", whole.len()),
                };
                Missed::Passing { why, source: Some(error) }
            })?;
            let Some(part) = part else { return Ok(whole.freeze()) };
            self.count(|usage| usage.bytes += part.len() as u64);
            if whole.len() + part.len() > self.shared.settings.max_body {
                let most = self.shared.settings.max_body;
                return Err(Missed::Lasting(
                    Error::new(
                        ErrorKind::SourceUnavailable,
                        format!("failed to call {}: the answer is too large", call.label()),
                    )
                    .with("expected", format!("at most {most} bytes"))
                    .with_hint("ask for smaller pages"),
                ));
            }
            whole.extend_from_slice(&part);
        }
    }

    fn count(&self, change: impl Fn(&mut Usage)) {
        change(&mut self.tally.lock());
        change(&mut self.shared.total.lock());
    }

    fn about(&self, call: &Call, error: Error) -> Error {
        let error = match error.context().iter().any(|(key, _)| *key == "connection") {
            true => error,
            false => error.with("connection", &self.shared.connection),
        };
        if error.message().contains(&call.label()) {
            error
        } else {
            error.with("request", call.label())
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("connection", &self.shared.connection)
            .field("base_url", &self.shared.settings.base_url.origin().ascii_serialization())
            .finish_non_exhaustive()
    }
}

impl Tally {
    fn lock(&self) -> MutexGuard<'_, Usage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether JSON stops before it is complete.
fn ends_early(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err_and(|error| error.is_eof())
}
