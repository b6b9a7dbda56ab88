//! Serving a system on loopback, behind the layer of clock, faults and log.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::serve::ListenerExt as _;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Dialect, Fault, FaultPlan, FaultState, RetryAfter, body, control};
use crate::world::Instant;

/// How long [`Running::stop`] waits for open connections.
const PATIENCE: Duration = Duration::from_secs(2);

/// One call that a server answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// Its query, as it came; empty without one.
    pub query: String,
    /// The status of the answer.
    pub status: u16,
    /// The transport fault that was applied, by name.
    pub fault: Option<String>,
}

/// What the layer and the control endpoints share.
#[derive(Clone)]
pub(super) struct Machinery {
    pub(super) dialect: Arc<dyn Dialect>,
    pub(super) faults: FaultState,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Machinery {
    pub(super) fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's clock: the world's, and what it is off by.
    fn now(&self) -> Instant {
        let skew = match self.faults.find(&Fault::ClockSkew { seconds: 0 }) {
            Some(Fault::ClockSkew { seconds }) => TimeDelta::seconds(seconds),
            _ => TimeDelta::zero(),
        };
        self.dialect.world().read().now() + skew
    }
}

/// A running server on 127.0.0.1; stops when dropped.
#[derive(Debug)]
pub struct Running {
    url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    faults: FaultState,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    /// Where it listens, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The calls so far, without those to the control endpoints.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Replaces the fault plan; counting begins anew.
    pub fn set_faults(&self, plan: FaultPlan) {
        self.faults.set(plan);
    }

    /// Stops listening, and waits a little for the connections that are open.
    pub async fn stop(mut self) {
        self.signal();
        // Who still reads after that is cut off: a server that stops has to stop.
        let _ = tokio::time::timeout(PATIENCE, &mut self.task).await;
        self.task.abort();
    }

    fn signal(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Nobody listens if the server ended by itself, and then it is stopped already.
            let _ = stop.send(());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal();
    }
}

/// Serves a system on 127.0.0.1; without a `port`, on a free one.
///
/// `faults` is a [`FaultPlan`], or the [`FaultState`] that the router's handlers ask.
///
/// # Errors
/// The port is taken.
pub async fn start(
    router: Router,
    faults: impl Into<FaultState>,
    dialect: Arc<dyn Dialect>,
    port: Option<u16>,
) -> io::Result<Running> {
    let machinery =
        Machinery { dialect, faults: faults.into(), calls: Arc::new(Mutex::new(Vec::new())) };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
    let listener = TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);
    // Small answers leave at once.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "cannot switch off Nagle's algorithm");
        }
    });

    let (stop, stopped) = oneshot::channel::<()>();
    let app = router
        .layer(middleware::from_fn_with_state(machinery.clone(), misbehave))
        .merge(control::router(machinery.clone()));
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
        // A dropped sender means the same as a sent word.
        let _ = stopped.await;
    });
    let task = tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the simulator stopped serving");
        }
    });
    let Machinery { faults, calls, .. } = machinery;
    Ok(Running { url, calls, faults, stop: Some(stop), task })
}

/// Applies the fault of this call, stamps the clock, and logs.
async fn misbehave(State(machinery): State<Machinery>, request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let fault = machinery.faults.transport(&method, &path);
    let dialect = &machinery.dialect;
    let mut response = match fault {
        Some(Fault::Unauthorized) => dialect.unauthorized(),
        Some(Fault::QuotaExhausted) => dialect.quota_exhausted(),
        Some(Fault::TooManyRequests { retry_after }) => {
            come_again(dialect.too_many_requests(), retry_after, machinery.now())
        }
        Some(Fault::ServerError { status }) => dialect.server_error(
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        ),
        Some(Fault::Slow { millis }) => body::slow(next.run(request).await, millis).await,
        Some(Fault::Cut { after_bytes_permille }) => {
            body::cut(next.run(request).await, after_bytes_permille).await
        }
        _ => next.run(request).await,
    };
    if let Ok(date) = HeaderValue::from_str(&http_date(machinery.now())) {
        response.headers_mut().insert(header::DATE, date);
    }
    let status = response.status().as_u16();
    let fault = fault.map(|fault| fault.name().to_owned());
    machinery.calls().push(Call { method, path, query, status, fault });
    response
}

/// The answer with the word when to come again.
fn come_again(mut response: Response, retry_after: RetryAfter, now: Instant) -> Response {
    let word = match retry_after {
        RetryAfter::None => return response,
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::Date(ahead) => {
            let ahead = TimeDelta::seconds(i64::try_from(ahead).unwrap_or(i64::from(i32::MAX)));
            http_date(now + ahead)
        }
    };
    if let Ok(word) = HeaderValue::from_str(&word) {
        response.headers_mut().insert(header::RETRY_AFTER, word);
    }
    response
}

fn http_date(at: Instant) -> String {
    httpdate::fmt_http_date(SystemTime::from(at))
}
