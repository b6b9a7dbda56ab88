//! A server that speaks HubSpot's wire over the world.
//!
//! [`start`] serves a portal on 127.0.0.1: private-app tokens and OAuth, lists, single records,
//! batches and search of objects, histories, associations, properties, pipelines, owners, goals,
//! forecasts and the portal's one custom object. `../shared/design/sources.md` section 2 is the
//! contract; what it leaves open is in [`Settings`].
//!
//! Rows are made from the world when they are asked for; only where they are is kept.

mod asked;
mod associations;
mod auth;
mod dialect;
mod filter;
mod forecast;
mod ids;
mod index;
mod limits;
mod linked;
mod lists;
mod oauth;
mod objects;
mod portal;
mod problem;
mod property;
mod record;
mod search;
mod settings;
mod table;
mod value;
mod view;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::wire::{self, Fault, FaultPlan, FaultState, Running, SharedWorld};
use asked::{Answer, Asked};
use auth::Tokens;
use ids::Kind;
use limits::Meter;
use problem::Problem;
use view::{Flags, View};

pub use settings::{BatchTouch, Limits, Settings};

/// The largest body that is read.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// Every scope that anything here asks for.
pub const SCOPES: [&str; 14] = [
    "crm.objects.companies.read",
    "crm.objects.contacts.read",
    "crm.objects.custom.read",
    "crm.objects.deals.read",
    "crm.objects.forecasts.read",
    "crm.objects.goals.read",
    "crm.objects.leads.read",
    "crm.objects.line_items.read",
    "crm.objects.owners.read",
    "crm.objects.products.read",
    "crm.schemas.custom.read",
    "crm.schemas.deals.read",
    "oauth",
    "sales-email-read",
];

/// Serves a portal on 127.0.0.1; without a `port`, on a free one.
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
    let server = Arc::new(Server {
        world,
        settings: Arc::new(settings),
        faults: faults.clone(),
        view: Mutex::new(None),
        tokens: Mutex::default(),
        meter: Mutex::default(),
    });
    let router = Router::new().fallback(answer).with_state(Arc::clone(&server));
    wire::start(router, faults, server, port).await
}

/// What all requests share.
struct Server {
    world: SharedWorld,
    settings: Arc<Settings>,
    faults: FaultState,
    /// The view of the newest version and state of faults.
    view: Mutex<Option<(u64, Arc<View>)>>,
    tokens: Mutex<Tokens>,
    meter: Mutex<Meter>,
}

impl Server {
    /// The portal as it is now.
    fn view(&self) -> Arc<View> {
        let (world, version) = self.world.versioned();
        let flags = Flags::of(&self.faults);
        let mut held = locked(&self.view);
        if let Some((of, view)) = held.as_ref()
            && *of == version
            && view.flags == flags
        {
            return Arc::clone(view);
        }
        let view = Arc::new(View::new(world, Arc::clone(&self.settings), flags));
        *held = Some((version, Arc::clone(&view)));
        view
    }

    /// Refuses what the scopes do not cover.
    fn require(&self, scope: &str) -> Result<(), Problem> {
        match &self.settings.scopes {
            Some(granted) if !granted.contains(scope) => Err(Problem::missing_scope(scope)),
            _ => Ok(()),
        }
    }

    /// The kind with this name, if it may be read.
    fn kind(&self, name: &str) -> Result<Kind, Problem> {
        let kind = Kind::find(name)
            .ok_or_else(|| Problem::invalid(format!("Unable to infer object type from: {name}")))?;
        self.require(kind.facts().scope)?;
        Ok(kind)
    }

    /// Finds the endpoint and answers.
    fn endpoint(&self, asked: &Asked) -> Answer {
        let view = &*self.view();
        let segments = asked.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let repeats = || self.faults.asked(&asked.method, &asked.path, &Fault::DuplicateRows);
        match (asked.method.as_str(), segments.as_slice()) {
            ("GET", ["crm", "v3", "objects", kind]) => {
                lists::page(view, asked, self.kind(kind)?, repeats())
            }
            ("POST", ["crm", "v3", "objects", kind, "search"]) => {
                search::search(view, asked, self.kind(kind)?, repeats())
            }
            ("POST", ["crm", "v3", "objects", kind, "batch", "read"]) => {
                lists::batch(view, asked, self.kind(kind)?)
            }
            ("GET", ["crm", "v3", "objects", kind, id]) => {
                lists::one(view, asked, self.kind(kind)?, id)
            }
            ("GET", ["crm", "v3", "objects", from, id, "associations", to]) => {
                linked::v3(view, asked, self.kind(from)?, id, self.kind(to)?)
            }
            ("GET", ["crm", "v4", "objects", from, id, "associations", to]) => {
                linked::v4(view, asked, self.kind(from)?, id, self.kind(to)?)
            }
            ("POST", ["crm", "v4", "associations", from, to, "batch", "read"]) => {
                linked::batch(view, asked, self.kind(from)?, self.kind(to)?)
            }
            ("GET", ["crm", "v4", "associations", from, to, "labels"]) => {
                linked::labels(self.kind(from)?, self.kind(to)?)
            }
            ("GET", ["crm", "v3", "properties", kind]) => {
                portal::properties(view, asked, self.kind(kind)?)
            }
            ("GET", ["crm", "v3", "properties", kind, name]) => {
                portal::one_property(view, self.kind(kind)?, name)
            }
            ("GET", ["crm", "v3", "pipelines", kind, rest @ ..]) => {
                portal::pipelines(view, self.kind(kind)?, rest)
            }
            ("GET", ["crm", "v3", "owners", rest @ ..]) if rest.len() < 2 => {
                self.require("crm.objects.owners.read")?;
                match rest {
                    [id] => portal::one_owner(view, asked, id),
                    _ => portal::owners(view, asked),
                }
            }
            (
                "GET",
                ["crm", "v3", "schemas", rest @ ..]
                // Where HubSpot's own client looks.
                | ["crm-object-schemas", _, "schemas", rest @ ..],
            ) if rest.len() < 2 => {
                self.require("crm.schemas.custom.read")?;
                match rest {
                    [name] => portal::one_schema(view, name),
                    _ => portal::schemas(view, asked),
                }
            }
            ("GET", ["account-info", _, "details"]) => portal::account(view),
            ("GET", ["account-info", _, "api-usage", "daily", ..]) => {
                portal::usage(view, locked(&self.meter).today(self.settings.limits))
            }
            ("GET", ["forecast-settings", _, "forecast-types"]) => {
                self.require("crm.objects.forecasts.read")?;
                forecast::types(view)
            }
            ("GET", ["forecast-submissions", _, "events"]) => {
                self.require("crm.objects.forecasts.read")?;
                forecast::submissions(view, asked)
            }
            _ => Err(Problem::not_found(format!(
                "There is nothing at {} {}",
                asked.method, asked.path
            ))),
        }
    }
}

/// Lets a request in, answers it, and tells of the limits.
async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let uri = &parts.uri;
    if uri.path_and_query().map_or(0, |uri| uri.as_str().len()) > server.settings.longest_url {
        return wire::html_error(StatusCode::URI_TOO_LONG);
    }
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return Problem::invalid("The body is too large or broke off").into_response();
    };
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let query = uri.query().unwrap_or_default();
    let asked = Asked {
        method: parts.method.to_string(),
        path: uri.path().to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        base: format!("http://{}", header(header::HOST).unwrap_or("localhost")),
        body,
    };
    let segments = asked.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let settings = &server.settings;
    let given = {
        let tokens = &mut locked(&server.tokens);
        let answer = oauth::answer(settings, tokens, &asked.method, &segments, &asked.body);
        if let Some(answer) = answer {
            return answer;
        }
        tokens.caller(settings, header(header::AUTHORIZATION))
    };
    let caller = match given {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let is_search = asked.method == "POST" && segments.last() == Some(&"search");
    let day = server.world.version();
    if let Err(policy) = locked(&server.meter).admit(settings.limits, day, is_search) {
        return problem::too_many(policy);
    }

    // Making rows, and indexing at the first request, takes longer than an event loop likes.
    let working = Arc::clone(&server);
    let answered = tokio::task::spawn_blocking(move || working.endpoint(&asked)).await;
    let mut response = match answered {
        Ok(Ok(reply)) => reply.into_response(),
        Ok(Err(problem)) => problem.into_response(),
        Err(_) => wire::html_error(StatusCode::INTERNAL_SERVER_ERROR),
    };
    locked(&server.meter).tell(settings.limits, caller, is_search, response.headers_mut());
    response
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
