//! How HubSpot says what is wrong: status codes, categories, limits in headers, and which scope a
//! refusal is about.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use salesmart_core::{Error, ErrorKind};
use salesmart_extract::http::{
    Call, Dialect, HeaderMap, QuotaBudget, Reply, Verdict, date, retry_after,
};
use serde::Deserialize;
use serde_json::Value;

/// How long "too many requests a second" lasts.
const A_SECOND: Duration = Duration::from_secs(1);

/// What HubSpot sends instead of an answer. Nothing of it is certain to be there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Problem {
    pub(super) category: Option<String>,
    pub(super) message: Option<String>,
    pub(super) correlation_id: Option<String>,
    pub(super) policy_name: Option<String>,
    pub(super) sub_category: Option<Value>,
    pub(super) context: Option<Value>,
    pub(super) errors: Vec<Value>,
}

impl Problem {
    /// Reads it from a body; HTML and other texts are an empty one.
    pub(super) fn of(reply: &Reply) -> Self {
        reply.json().unwrap_or_default()
    }

    pub(super) fn category(&self) -> &str {
        self.category.as_deref().unwrap_or_default()
    }

    /// The scopes that it names as missing, wherever they stand in it.
    fn scopes(&self) -> Vec<String> {
        let mut scopes = Vec::new();
        for value in self.context.iter().chain(&self.errors) {
            collect_scopes(value, false, &mut scopes);
        }
        scopes.sort();
        scopes.dedup();
        scopes
    }
}

/// Every text below a key that speaks of scopes.
fn collect_scopes(value: &Value, about_scopes: bool, scopes: &mut Vec<String>) {
    match value {
        Value::String(text) if about_scopes => scopes.push(text.clone()),
        Value::Array(items) => {
            items.iter().for_each(|item| collect_scopes(item, about_scopes, scopes));
        }
        Value::Object(map) => {
            for (key, item) in map {
                let about = about_scopes || key.to_ascii_lowercase().contains("scope");
                collect_scopes(item, about, scopes);
            }
        }
        _ => {}
    }
}

/// A call that HubSpot refused for what it asks, not for how often.
#[derive(Debug)]
pub(super) struct Denied {
    /// The status; 0 when the call did not get as far.
    pub(super) status: u16,
    pub(super) error: Error,
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        Self { status: 0, error }
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        denied.error
    }
}

impl Denied {
    /// The error that such a reply is. `scope` is what to grant where the reply does not say it.
    pub(super) fn of(label: &str, reply: &Reply, scope: &str) -> Self {
        let problem = Problem::of(reply);
        let status = reply.status;
        let (kind, what) = match status {
            403 => (ErrorKind::Permission, "403 Forbidden"),
            404 => (ErrorKind::SourceUnavailable, "404 Not Found"),
            414 => (ErrorKind::Bug, "414 URI Too Long"),
            _ => (ErrorKind::SourceUnavailable, ""),
        };
        let answered = match what {
            "" => format!("{label} answered {status}"),
            what => format!("{label} answered {what}"),
        };
        let mut error = Error::new(kind, answered);
        if !problem.category().is_empty() {
            error = error.with("category", problem.category());
        }
        let said = problem.message.clone().unwrap_or_else(|| reply.excerpt());
        if !said.is_empty() {
            error = error.with("answer", said.chars().take(300).collect::<String>());
        }
        if let Some(id) = &problem.correlation_id {
            error = error.with("correlation id", id);
        }
        if status == 403 {
            let named = problem.scopes();
            let scopes = match named.is_empty() {
                true => scope.to_owned(),
                false => named.join("`, `"),
            };
            error = error.with_hint(format!(
                "grant `{scopes}` to the app, or exclude what needs it; \
                 then run `salesmart check --connections`"
            ));
        }
        Self { status, error }
    }
}

/// What all replies said of the account's limits.
#[derive(Debug)]
pub(super) struct Limits {
    /// The requests of the day.
    pub(super) budget: QuotaBudget,
    /// Whether HubSpot tells the day's limit itself.
    daily_told: Mutex<bool>,
    /// Until when not to ask, because the bucket of ten seconds is empty.
    empty_until: Mutex<Option<Instant>>,
    /// How many calls may be on their way while an answer tells how many are left: with fewer left
    /// than these, we wait.
    reserve: u64,
}

impl Limits {
    pub(super) fn new(share: f64, reserve: usize) -> Self {
        Self {
            budget: QuotaBudget::new(share),
            daily_told: Mutex::new(false),
            empty_until: Mutex::new(None),
            reserve: reserve as u64,
        }
    }

    /// Whether a reply told the day's limit.
    pub(super) fn are_told(&self) -> bool {
        *self.daily_told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long to wait before the next call.
    pub(super) fn wait(&self) -> Option<Duration> {
        let until = *self.empty_until.lock().unwrap_or_else(PoisonError::into_inner);
        until?.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero())
    }

    fn observe(&self, headers: &HeaderMap) {
        let number = |name: &str| -> Option<u64> {
            headers.get(format!("x-hubspot-ratelimit-{name}"))?.to_str().ok()?.trim().parse().ok()
        };
        if let (Some(limit), Some(left)) = (number("daily"), number("daily-remaining")) {
            self.budget.observe(limit.saturating_sub(left), limit);
            *self.daily_told.lock().unwrap_or_else(PoisonError::into_inner) = true;
        }
        // What is left counts calls that were answered; those on their way need some of it too.
        if let (Some(left), Some(most)) = (number("remaining"), number("max"))
            && left < self.reserve.min(most)
        {
            let interval = Duration::from_millis(number("interval-milliseconds").unwrap_or(10_000));
            let until = Instant::now().checked_add(interval.min(Duration::from_secs(60)));
            *self.empty_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
        }
    }
}

/// How HubSpot's replies are to be taken.
pub(super) struct HubSpotDialect {
    pub(super) limits: Arc<Limits>,
    /// How long to wait where a 429 does not say it.
    pub(super) pause: Duration,
    /// Whether we have the token of a private app.
    pub(super) private_app: bool,
}

impl Dialect for HubSpotDialect {
    /// What a call was refused for is left to the caller: it knows what it asked.
    fn judge(&self, call: &Call, reply: &Reply) -> Verdict {
        self.limits.observe(&reply.headers);
        let retry =
            |after| Verdict::Retry { after, why: format!("the server answered {}", reply.status) };
        let asked = || retry_after(&reply.headers, date(&reply.headers));
        match reply.status {
            401 => Verdict::Reauthorise,
            429 => match Problem::of(reply).policy_name.as_deref() {
                Some("DAILY") => Verdict::Fail(used_up(call)),
                Some("SECONDLY") => retry(Some(asked().unwrap_or(A_SECOND.min(self.pause)))),
                _ => retry(Some(asked().unwrap_or(self.pause))),
            },
            // 423 and 477: the account is being moved. 520 to 524: Cloudflare's own.
            408 | 423 | 425 | 477 | 500..=599 => retry(asked()),
            _ => Verdict::Accept,
        }
    }

    fn refused(&self, call: &Call, reply: &Reply) -> Error {
        let problem = Problem::of(reply);
        let error = Error::new(
            ErrorKind::Permission,
            format!("failed to call {}: HubSpot refuses our token", call.label()),
        )
        .with("status", reply.status);
        let error = match problem.category() {
            "" => error,
            category => error.with("category", category),
        };
        match self.private_app {
            true => error.with_hint(
                "the private app's token was rotated or revoked: copy the present one from \
                 Settings › Integrations › Private Apps into the variable or file that `auth.token` \
                 names",
            ),
            false => error.with_hint(
                "the OAuth app's new access token was refused too: install the app in the account \
                 again, and put its refresh token where `auth.refresh_token` says",
            ),
        }
    }
}

fn used_up(call: &Call) -> Error {
    Error::new(
        ErrorKind::QuotaExhausted,
        format!("failed to call {}: the account's requests for the day are used up", call.label()),
    )
    .with_state("what was read so far is kept")
    .with_hint(
        "the next run goes on from here after midnight in the account's time zone; \
         lower `quota_share`, or run less often, to leave room for others",
    )
}

/// What to grant for an object type, where HubSpot does not say it itself.
pub(super) fn scope_of(object: &str) -> String {
    match object {
        "owners" => "crm.objects.owners.read".to_owned(),
        "goal_targets" => "crm.objects.goals.read".to_owned(),
        "emails" => "sales-email-read".to_owned(),
        "calls" | "meetings" | "notes" | "tasks" | "communications" | "postal_mail" => {
            "crm.objects.contacts.read".to_owned()
        }
        "pipelines" | "deal_stages" => "crm.objects.deals.read".to_owned(),
        "forecast_types" | "forecast_submissions" => "crm.objects.forecasts.read".to_owned(),
        "schemas" => "crm.schemas.custom.read".to_owned(),
        "tickets" => "tickets".to_owned(),
        "deals" | "contacts" | "companies" | "leads" | "products" | "line_items" | "quotes"
        | "orders" | "carts" | "invoices" | "subscriptions" | "appointments" | "courses"
        | "listings" | "services" | "users" => format!("crm.objects.{object}.read"),
        _ => "crm.objects.custom.read".to_owned(),
    }
}
