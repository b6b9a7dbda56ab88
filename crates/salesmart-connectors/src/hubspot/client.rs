//! What is asked of HubSpot: the only file that knows its URLs.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use salesmart_core::stream::Usage;
use salesmart_core::{ConnectionName, Error, ErrorKind, Result};
use salesmart_extract::auth::{Bearer, Grant, OAuth, TokenRefusal};
use salesmart_extract::http::{Authorize, Call, Client, RateClass, Reply, Settings};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::config::{Auth, Config};
use super::dialect::{Denied, HubSpotDialect, Limits, scope_of};
use super::properties::Property;

/// The rate classes.
const GENERAL: &str = "general";
const SEARCH: &str = "search";
/// Beyond this, addresses are refused by one proxy or another.
const LONGEST_ADDRESS: usize = 8_000;
/// How often a body that ends too early is asked for again.
const TORN: u32 = 5;

/// Asks HubSpot. Clones share everything but the count of what was used.
#[derive(Clone, Debug)]
pub(super) struct Api {
    client: Client,
    limits: Arc<Limits>,
    /// Counted against where HubSpot does not tell the day's limit.
    daily_limit: Option<u64>,
    whole: Client,
    page_size: usize,
}

/// How patient to be; a test is less so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) attempts: u32,
    pub(super) first_wait: Duration,
    pub(super) longest_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 8,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
        }
    }
}

/// One page of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListCall<'a> {
    pub(super) path: &'a str,
    pub(super) scope: &'a str,
    pub(super) properties: &'a [&'a str],
    pub(super) history: &'a [&'a str],
    pub(super) archived: bool,
    pub(super) after: Option<&'a str>,
}

/// One page of a search: records by id, modified in a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct SearchCall<'a> {
    pub(super) path: &'a str,
    pub(super) scope: &'a str,
    pub(super) modified: &'a str,
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) to: DateTime<Utc>,
    pub(super) above: u64,
    pub(super) properties: &'a [&'a str],
    pub(super) limit: usize,
}

/// Records by id.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchCall<'a> {
    pub(super) path: &'a str,
    pub(super) scope: &'a str,
    pub(super) properties: &'a [&'a str],
    pub(super) history: &'a [&'a str],
    pub(super) archived: bool,
    pub(super) ids: &'a [u64],
}

/// A whole answer, and what it answers.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Bytes,
    pub(super) label: String,
}

impl Body {
    /// The error for an answer that is not what it should be. The text of a shape error may quote
    /// a value, which belongs to no log.
    pub(super) fn unreadable(&self, error: &serde_json::Error) -> Error {
        let (kind, what) = match error.is_data() {
            true => (ErrorKind::SchemaChanged, "JSON of another shape than expected"),
            false => (ErrorKind::SourceUnavailable, "not JSON"),
        };
        Error::new(kind, format!("failed to read the answer to {}: it is {what}", self.label))
            .with("at", format!("line {}, column {}", error.line(), error.column()))
            .with("length", format!("{} bytes", self.bytes.len()))
            .with_hint(
                "check that `base_url` is HubSpot's API, and that no login page is in between",
            )
    }
}

/// A list of everything, in pages.
#[derive(Debug, Deserialize)]
pub(super) struct Results<T> {
    #[serde(default = "Vec::new")]
    pub(super) results: Vec<T>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Debug, Deserialize)]
struct Paging {
    next: Option<Next>,
}

#[derive(Debug, Deserialize)]
struct Next {
    after: String,
}

impl<T> Results<T> {
    /// Where the next page begins; `None` on the last one.
    pub(super) fn after(&mut self) -> Option<String> {
        self.paging.take()?.next.map(|next| next.after)
    }
}

/// A custom object type.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomObject {
    pub(super) name: String,
    pub(super) object_type_id: String,
    #[serde(default)]
    pub(super) archived: Option<bool>,
}

impl Api {
    /// A client of one account.
    pub(super) fn new(
        connection: &ConnectionName,
        config: &Config,
        patience: Patience,
    ) -> Result<Self> {
        let reserve = if config.heed_remaining { config.streams_at_once } else { 0 };
        let limits = Arc::new(Limits::new(config.quota_share, reserve));
        let settings = |url| {
            let mut settings = Settings::new(url);
            settings.attempts = patience.attempts;
            settings.first_wait = patience.first_wait;
            settings.longest_wait = patience.longest_wait;
            settings
        };
        let auth: Arc<dyn Authorize> = match &config.auth {
            Auth::Token(token) => Arc::new(Bearer(token.clone())),
            Auth::Refresh { client_id, client_secret, refresh_token, token_url } => {
                let grant = Grant::RefreshToken {
                    client_id: client_id.clone(),
                    client_secret: client_secret.clone(),
                    refresh_token: refresh_token.clone(),
                };
                let settings = settings(token_url.clone());
                Arc::new(OAuth::with_settings(connection, settings, grant, explain)?)
            }
        };
        let dialect = HubSpotDialect {
            limits: Arc::clone(&limits),
            pause: config.pause.as_std(),
            private_app: matches!(config.auth, Auth::Token(_)),
        };
        let mut settings = settings(config.base_url.clone());
        settings.concurrent = config.streams_at_once;
        settings.classes = vec![
            RateClass {
                name: GENERAL,
                requests: config.requests_per_ten_seconds,
                per: Duration::from_secs(10),
            },
            RateClass {
                name: SEARCH,
                requests: config.searches_per_second,
                per: Duration::from_secs(1),
            },
        ];
        let client = Client::new(connection, settings, auth, Arc::new(dialect))?;
        Ok(Self {
            whole: client.clone(),
            client,
            limits,
            daily_limit: config.daily_limit,
            page_size: config.page_size,
        })
    }

    /// The same, with a count of its own.
    pub(super) fn metered(&self) -> Self {
        Self { client: self.client.metered(), ..self.clone() }
    }

    /// What was used since it was last taken.
    pub(super) fn take_usage(&self) -> Usage {
        self.client.take_usage()
    }

    /// HubSpot's clock.
    pub(super) fn server_now(&self) -> Option<DateTime<Utc>> {
        self.client.server_now()
    }

    /// HubSpot's clock minus ours.
    pub(super) fn clock_skew(&self) -> Option<TimeDelta> {
        self.client.clock_skew()
    }

    /// The day's requests as HubSpot told them: used, of how many.
    pub(super) fn quota(&self) -> Option<(u64, u64)> {
        self.limits.budget.seen().filter(|_| self.limits.are_told())
    }

    /// How many records to ask for where HubSpot allows `most`.
    pub(super) fn page(&self, most: usize) -> usize {
        match self.page_size {
            super::config::MOST_LISTED => most,
            size => size.min(most),
        }
    }

    async fn send(&self, call: Call, scope: &str) -> Result<Reply, Denied> {
        // Answers to OAuth apps do not tell the day's limit: our own count stands in for it.
        if let Some(limit) = self.daily_limit.filter(|_| !self.limits.are_told()) {
            self.limits.budget.observe(self.whole.total_usage().requests, limit);
        }
        self.limits.budget.check()?;
        while let Some(wait) = self.limits.wait() {
            tokio::time::sleep(wait).await;
        }
        let label = call.label();
        let reply = self.client.send(call).await?;
        match reply.is_success() {
            true => Ok(reply),
            false => Err(Denied::of(&label, &reply, &scope_of(scope))),
        }
    }

    /// Asks. An answer that does not end as JSON does was cut on the way, and is asked for again.
    async fn ask(&self, call: Call, scope: &str) -> Result<Body, Denied> {
        let label = call.label();
        let mut attempt = 1;
        loop {
            let bytes = self.send(call.clone(), scope).await?.body;
            let last = bytes.trim_ascii_end().last();
            if attempt == TORN || matches!(last, Some(b'}' | b']')) {
                return Ok(Body { bytes, label });
            }
            attempt += 1;
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, scope: &str) -> Result<T, Denied> {
        let body = self.ask(Call::get(path).class(GENERAL), scope).await?;
        serde_json::from_slice(&body.bytes).map_err(|error| body.unreadable(&error).into())
    }

    /// The properties of an object type.
    pub(super) async fn properties(
        &self,
        object: &str,
        scope: &str,
    ) -> Result<Vec<Property>, Denied> {
        let path = format!("/crm/v3/properties/{object}");
        Ok(self.get::<Results<Property>>(&path, scope).await?.results)
    }

    /// The custom object types.
    pub(super) async fn custom_objects(&self) -> Result<Vec<CustomObject>, Denied> {
        Ok(self.get::<Results<CustomObject>>("/crm/v3/schemas", "schemas").await?.results)
    }

    /// The pipelines of an object type.
    pub(super) async fn pipelines<T: DeserializeOwned>(
        &self,
        object: &str,
    ) -> Result<Vec<T>, Denied> {
        let path = format!("/crm/v3/pipelines/{object}");
        Ok(self.get::<Results<T>>(&path, "pipelines").await?.results)
    }

    /// One page of the owners.
    pub(super) async fn owners<T: DeserializeOwned>(
        &self,
        archived: bool,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Results<T>, Denied> {
        let path = format!("/crm/v3/owners?limit={limit}&archived={archived}");
        self.get(&with_after(path, after), "owners").await
    }

    /// The forecast types.
    pub(super) async fn forecast_types(&self) -> Result<Vec<Value>, Denied> {
        let reply: Value =
            self.get("/forecast-settings/v3/forecast-types", "forecast_types").await?;
        Ok(match reply {
            Value::Array(types) => types,
            Value::Object(mut map) => match map.remove("results") {
                Some(Value::Array(types)) => types,
                _ => Vec::new(),
            },
            _ => Vec::new(),
        })
    }

    /// One page of the submitted forecasts after one instant and before another.
    pub(super) async fn submissions<T: DeserializeOwned>(
        &self,
        from: Option<DateTime<Utc>>,
        to: DateTime<Utc>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Results<T>, Denied> {
        let mut path = format!("/forecast-submissions/2026-09-beta/events?limit={limit}");
        if let Some(from) = from {
            path.push_str(&format!("&occurredAfter={}", instant(from)));
        }
        path.push_str(&format!("&occurredBefore={}", instant(to)));
        self.get(&with_after(path, after), "forecast_submissions").await
    }

    /// Whether a list call's address is short enough for every proxy on the way.
    pub(super) fn fits(&self, list: &ListCall<'_>) -> bool {
        list_path(list, self.page_size).len() + self.longest_after() <= LONGEST_ADDRESS
    }

    /// Room for the base URL and a position.
    fn longest_after(&self) -> usize {
        300
    }

    /// One page of records.
    pub(super) async fn list(&self, list: &ListCall<'_>) -> Result<Body, Denied> {
        let most = if list.history.is_empty() { 100 } else { 50 };
        let path = with_after(list_path(list, self.page(most)), list.after);
        self.ask(Call::get(path).class(GENERAL), list.scope).await
    }

    /// One page of a search.
    pub(super) async fn search(&self, search: &SearchCall<'_>) -> Result<Body, Denied> {
        let filter = |property: &str, operator: &str, value: String| json!({"propertyName": property, "operator": operator, "value": value});
        let millis = |at: DateTime<Utc>| at.timestamp_millis().to_string();
        let mut filters = Vec::new();
        if let Some(from) = search.from {
            filters.push(filter(search.modified, "GTE", millis(from)));
        }
        filters.push(filter(search.modified, "LTE", millis(search.to)));
        if search.above > 0 {
            filters.push(filter("hs_object_id", "GT", search.above.to_string()));
        }
        let body = json!({
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": search.properties,
            "limit": search.limit,
            "after": "0",
        });
        let path = format!("/crm/v3/objects/{}/search", search.path);
        self.ask(Call::post_json(path, &body).class(SEARCH), search.scope).await
    }

    /// Records by id: 200, or 207 where some of them could not be read.
    pub(super) async fn batch(&self, batch: &BatchCall<'_>) -> Result<Body, Denied> {
        let inputs: Vec<Value> = batch.ids.iter().map(|id| json!({"id": id.to_string()})).collect();
        let mut body = json!({"properties": batch.properties, "inputs": inputs});
        if !batch.history.is_empty() {
            body["propertiesWithHistory"] = json!(batch.history);
        }
        let archived = if batch.archived { "?archived=true" } else { "" };
        let path = format!("/crm/v3/objects/{}/batch/read{archived}", batch.path);
        self.ask(Call::post_json(path, &body).class(GENERAL), batch.scope).await
    }

    /// The associations of some records, each with the position at which to go on.
    pub(super) async fn associations(
        &self,
        from: &str,
        to: &str,
        scope: &str,
        inputs: &[(u64, Option<String>)],
    ) -> Result<Body, Denied> {
        let inputs: Vec<Value> = inputs
            .iter()
            .map(|(id, after)| match after {
                Some(after) => json!({"id": id.to_string(), "after": after}),
                None => json!({"id": id.to_string()}),
            })
            .collect();
        let body = json!({"inputs": inputs});
        let path = format!("/crm/v4/associations/{from}/{to}/batch/read");
        self.ask(Call::post_json(path, &body).class(GENERAL), scope).await
    }
}

fn list_path(list: &ListCall<'_>, limit: usize) -> String {
    let mut path =
        format!("/crm/v3/objects/{}?limit={limit}&archived={}", list.path, list.archived);
    for (key, names) in [("properties", list.properties), ("propertiesWithHistory", list.history)] {
        if !names.is_empty() {
            path.push_str(&format!("&{key}="));
            for (place, name) in names.iter().enumerate() {
                if place > 0 {
                    path.push(',');
                }
                path.extend(url::form_urlencoded::byte_serialize(name.as_bytes()));
            }
        }
    }
    path
}

/// Positions are opaque: sent as they came.
fn with_after(mut path: String, after: Option<&str>) -> String {
    if let Some(after) = after {
        path.push_str("&after=");
        path.extend(url::form_urlencoded::byte_serialize(after.as_bytes()));
    }
    path
}

fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// What a refusal of the token endpoint means.
fn explain(refusal: &TokenRefusal) -> Error {
    let error = Error::new(
        ErrorKind::Permission,
        "HubSpot does not exchange the refresh token for an access token",
    )
    .with("status", refusal.status);
    let error = match refusal.description.as_str() {
        "" => error,
        description => error.with("answer", description),
    };
    match refusal.error.as_str() {
        "invalid_client" => error.with_hint("check `auth.client_id` and `auth.client_secret`"),
        _ => error.with_hint(
            "check `auth.client_id`, `auth.client_secret` and `auth.refresh_token`; if the app was \
             uninstalled, install it again and take its new refresh token",
        ),
    }
}
