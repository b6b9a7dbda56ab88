//! The server: paths, sessions, versions, and the limits that hold for every request.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State as Shared};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use chrono::Months;
use serde_json::json;

use super::oauth;
use super::org::{Org, Reader, Ways};
use super::refusal::Refusal;
use super::run::Tree;
use super::schema::{Catalogue, View};
use super::settings::Settings;
use super::state::State;
use super::stream;
use super::value::Style;
use super::{bulk, replication, rest};
use crate::wire::{
    self, Count, Dialect, Fault, FaultPlan, FaultState, Records, Running, SharedWorld,
};
use crate::world::Instant;

/// The month the company's fiscal year starts in.
const FISCAL_START: u32 = 2;

/// The largest body that is read; jobs are small.
const LARGEST_BODY: usize = 1_024 * 1_024;

/// Rows of `/__simulator/records` that are made at a time.
const RECORDS: usize = 500;

/// Serves a world as a Salesforce org on 127.0.0.1; without a `port`, on a free one.
///
/// # Errors
/// The port is taken.
pub async fn start(
    world: SharedWorld,
    settings: Settings,
    faults: FaultPlan,
    port: Option<u16>,
) -> io::Result<Running> {
    let faults = FaultState::from(faults);
    let server = Arc::new(Server::new(world, settings, faults.clone()));
    let router = Router::new().fallback(handle).with_state(Arc::clone(&server));
    wire::start(router, faults, server, port).await
}

/// The server.
pub(crate) struct Server {
    pub(crate) world: SharedWorld,
    pub(crate) settings: Settings,
    pub(crate) faults: FaultState,
    catalogue: Arc<Catalogue>,
    /// The org keeps no field history from before; set when it starts, since it is cut now and
    /// then, and not every night.
    keeps_history_since: Option<Instant>,
    org: Mutex<Option<(u64, Arc<Org>)>>,
    state: Mutex<State>,
}

/// A request whose session and version are in order.
pub(crate) struct Called<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a axum::http::Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    /// `60` of `v60.0`.
    pub(crate) version: u32,
    /// `/services/data/v60.0`.
    pub(crate) base: String,
}

impl Called<'_> {
    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let query = self.uri.query().unwrap_or("");
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

async fn handle(Shared(server): Shared<Arc<Server>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return wire::html_error(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let answered = tokio::task::spawn_blocking(move || server.answer(&parts, &body)).await;
    answered.unwrap_or_else(|_| wire::html_error(StatusCode::INTERNAL_SERVER_ERROR))
}

impl Server {
    fn new(world: SharedWorld, settings: Settings, faults: FaultState) -> Self {
        let start = world.read();
        let has_many_currencies = start.settings().currencies;
        let keeps_history_since = settings
            .history_months
            .and_then(|months| start.now().checked_sub_months(Months::new(months)));
        Self {
            world,
            settings,
            faults,
            catalogue: Arc::new(Catalogue::new(has_many_currencies)),
            keeps_history_since,
            org: Mutex::new(None),
            state: Mutex::new(State::default()),
        }
    }

    /// What is remembered.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The org as it is now.
    pub(crate) fn org(&self) -> Arc<Org> {
        let (world, version) = self.world.versioned();
        let late = match self.faults.find(&Fault::LateCommit { minutes: 0 }) {
            Some(Fault::LateCommit { minutes }) => Some(minutes),
            _ => None,
        };
        let ways = Ways {
            fiscal_start: FISCAL_START,
            bin_days: self.settings.bin_days,
            deletion_log_days: self.settings.deletion_log_days,
            keeps_history_since: self.keeps_history_since,
            forecasts_up_to_date: self.settings.forecasts_up_to_date,
            late_minutes: late,
        };
        let mut held = self.org.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, org)) =
            held.as_ref().filter(|(of, org)| *of == version && org.is_made(&ways))
        {
            return Arc::clone(org);
        }
        let org = Arc::new(Org::new(world, Arc::clone(&self.catalogue), ways));
        *held = Some((version, Arc::clone(&org)));
        org
    }

    /// What the user sees now.
    pub(crate) fn view(&self) -> View {
        let lower = |names: &[String]| names.iter().map(|name| name.to_ascii_lowercase()).collect();
        View {
            has_new_field: self.faults.is_on(&Fault::NewField),
            has_lost_field: self.faults.is_on(&Fault::RemovedField),
            has_retyped_field: self.faults.is_on(&Fault::RetypedField),
            has_hidden_field: self.faults.is_on(&Fault::HiddenField),
            has_nul_bytes: self.faults.is_on(&Fault::NulBytes),
            hidden_objects: lower(&self.settings.hidden_objects),
            hidden_fields: lower(&self.settings.hidden_fields),
        }
    }

    /// How values are written.
    pub(crate) fn style(&self) -> Style {
        Style {
            exponents: self.settings.exponents,
            bulk_integers_with_point: self.settings.bulk_integers_with_point,
        }
    }

    /// Where clients are to send their requests.
    pub(crate) fn instance_url(&self, headers: &HeaderMap) -> String {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.unwrap_or("127.0.0.1");
        self.settings.instance_url.clone().unwrap_or_else(|| format!("http://{host}"))
    }

    /// A JSON answer, compressed where that is wanted.
    pub(crate) fn json(&self, called: &Called<'_>, text: Vec<u8>) -> Response {
        stream::json(text, self.settings.gzip && stream::accepts_gzip(called.headers))
    }

    fn answer(&self, parts: &Parts, body: &Bytes) -> Response {
        let Some(path) = parts.uri.path().strip_prefix("/services/") else {
            return Refusal::not_found().response();
        };
        let path = path.strip_suffix('/').unwrap_or(path);
        if path == "oauth2/token" {
            return match parts.method {
                Method::POST => oauth::token(self, &parts.headers, body),
                _ => wire::json(
                    StatusCode::BAD_REQUEST,
                    &json!({ "error": "invalid_request", "error_description": "must use HTTP POST" }),
                ),
            };
        }
        if let Some(response) = self.too_long(parts) {
            return response;
        }
        if path == "data" {
            return self.versions();
        }
        let mut response = match self.checked(parts, path, body) {
            Ok(response) => response,
            Err(refusal) => refusal.response(),
        };
        self.add_limit_info(&mut response);
        response
    }

    /// Addresses and headers have limits, which the web server in front keeps: it answers in HTML.
    fn too_long(&self, parts: &Parts) -> Option<Response> {
        let address = parts.uri.to_string().len();
        let headers: usize =
            parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if address > self.settings.address_bytes {
            return Some(wire::html_error(StatusCode::URI_TOO_LONG));
        }
        (address + headers > self.settings.address_bytes)
            .then(|| wire::html_error(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE))
    }

    fn versions(&self) -> Response {
        let versions: Vec<_> = (self.settings.oldest_version..=self.settings.newest_version)
            .map(|version| {
                let season = ["Spring", "Summer", "Winter"][(version as usize + 2) % 3];
                json!({
                    "label": format!("{season} v{version}"),
                    "url": format!("/services/data/v{version}.0"),
                    "version": format!("{version}.0"),
                })
            })
            .collect();
        wire::json(StatusCode::OK, &versions.into())
    }

    /// Checks the session, the version and the quota, and goes on to what is asked for.
    fn checked(&self, parts: &Parts, path: &str, body: &Bytes) -> Result<Response, Refusal> {
        let rest = path.strip_prefix("data/v").ok_or_else(Refusal::not_found)?;
        let (version, rest) = rest.split_once('/').unwrap_or((rest, ""));
        self.check_session(&parts.headers)?;
        let version: u32 = version
            .strip_suffix(".0")
            .and_then(|version| version.parse().ok())
            .filter(|v| (self.settings.oldest_version..=self.settings.newest_version).contains(v))
            .ok_or_else(Refusal::not_found)?;
        self.use_request()?;
        let called = Called {
            method: &parts.method,
            uri: &parts.uri,
            headers: &parts.headers,
            body,
            version,
            base: format!("/services/data/v{version}.0"),
        };
        let steps: Vec<&str> = if rest.is_empty() { Vec::new() } else { rest.split('/').collect() };
        match steps.as_slice() {
            ["jobs", "query", rest @ ..] => bulk::answer(self, &called, rest),
            ["sobjects", object, "deleted"] => replication::deleted(self, &called, object),
            ["sobjects", object, "updated"] => replication::updated(self, &called, object),
            steps => rest::answer(self, &called, steps),
        }
    }

    fn check_session(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let expired = || {
            Refusal::bad("INVALID_SESSION_ID", "Session expired or invalid")
                .status(StatusCode::UNAUTHORIZED)
        };
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, token) = given.and_then(|given| given.split_once(' ')).ok_or_else(expired)?;
        if !scheme.eq_ignore_ascii_case("bearer") && !scheme.eq_ignore_ascii_case("oauth") {
            return Err(expired());
        }
        let mut state = self.state();
        match state.sessions.get_mut(token) {
            None => return Err(expired()),
            Some(None) => {}
            Some(Some(0)) => {
                state.sessions.remove(token);
                return Err(expired());
            }
            Some(Some(left)) => *left -= 1,
        }
        Ok(())
    }

    fn use_request(&self) -> Result<(), Refusal> {
        let today = self.world.read().now().date_naive();
        let mut state = self.state();
        state.on(today);
        if state.used_requests >= self.settings.daily_requests {
            return Err(quota_exhausted());
        }
        state.used_requests += 1;
        Ok(())
    }

    fn add_limit_info(&self, response: &mut Response) {
        let used = self.state().used_requests;
        let mut info = format!("api-usage={used}/{}", self.settings.daily_requests);
        if let Some((app, most)) = &self.settings.app_requests {
            info.push_str(&format!("; per-app-api-usage={used}/{most}(appName={app})"));
        }
        if let Ok(info) = HeaderValue::from_str(&info) {
            response.headers_mut().insert("sforce-limit-info", info);
        }
    }

    fn refused(&self, refusal: &Refusal) -> Response {
        let mut response = refusal.response();
        self.add_limit_info(&mut response);
        response
    }
}

fn quota_exhausted() -> Refusal {
    Refusal::bad("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        .status(StatusCode::FORBIDDEN)
}

impl Dialect for Server {
    fn world(&self) -> &SharedWorld {
        &self.world
    }

    fn unauthorized(&self) -> Response {
        let refusal = Refusal::bad("INVALID_SESSION_ID", "Session expired or invalid");
        self.refused(&refusal.status(StatusCode::UNAUTHORIZED))
    }

    fn quota_exhausted(&self) -> Response {
        self.refused(&quota_exhausted())
    }

    fn too_many_requests(&self) -> Response {
        let message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded.";
        let refusal = Refusal::bad("REQUEST_LIMIT_EXCEEDED", message);
        self.refused(&refusal.status(StatusCode::TOO_MANY_REQUESTS))
    }

    fn server_error(&self, status: StatusCode) -> Response {
        // Salesforce's own errors are JSON; those of what stands in front of it are HTML.
        let refusal = match status {
            StatusCode::SERVICE_UNAVAILABLE => {
                Refusal::bad("SERVER_UNAVAILABLE", "Server too busy. Please try again later.")
            }
            StatusCode::INTERNAL_SERVER_ERROR => Refusal::bad(
                "UNKNOWN_EXCEPTION",
                "An unexpected error occurred. Please include this ErrorId if you contact support: \
                 1234567890-12345 (-1234567890)",
            ),
            _ => return wire::html_error(status),
        };
        self.refused(&refusal.status(status))
    }

    fn counts(&self) -> BTreeMap<String, Count> {
        let (org, view) = (self.org(), self.view());
        let objects = org.catalogue.objects().iter().enumerate();
        let shown = objects.filter(|(_, object)| view.shows(object));
        let counted = shown.map(|(place, object)| {
            let (all, live) = org.index(place).count();
            (object.name.to_owned(), Count { all, live })
        });
        counted.collect()
    }

    fn records(&self, object: &str) -> Option<Records> {
        let (org, view) = (self.org(), self.view());
        let place = org.catalogue.find(object)?;
        if !view.shows(org.catalogue.at(place)) {
            return None;
        }
        let index = org.index(place);
        let mut entries: Vec<_> = index.between(i64::MIN, i64::MAX).to_vec();
        entries.retain(|entry| !entry.is_deleted());
        entries.sort_unstable_by_key(|entry| entry.number());
        let base = format!("/services/data/v{}.0", self.settings.newest_version);
        let style = self.style();
        let starts: Vec<usize> = (0..entries.len()).step_by(RECORDS).collect();
        Some(Box::new(starts.into_iter().flat_map(move |start| {
            let reader = Reader::new(&org, &view);
            let tree = Tree::whole(org.catalogue.at(place), &view);
            let end = (start + RECORDS).min(entries.len());
            let lines = entries[start..end].iter().map(|entry| {
                let mut line = Vec::new();
                tree.write(&mut line, &reader.row(place, &index, *entry), &base, style);
                String::from_utf8_lossy(&line).into_owned()
            });
            lines.collect::<Vec<_>>()
        })))
    }
}
