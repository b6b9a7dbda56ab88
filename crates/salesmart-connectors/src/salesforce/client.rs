//! Salesforce over HTTP: the only place that knows its URLs, headers and error codes.
//!
//! `login` signs in, `dialect` says what replies mean, `bulk` is the Bulk API 2.0; the rest of the
//! REST API is here. Nothing in here knows rows or windows: a page is bytes.

mod bulk;
mod dialect;
mod login;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use salesmart_core::{ConnectionName, Error, ErrorKind, Result};
use salesmart_extract::Usage;
use salesmart_extract::auth::OAuth;
use salesmart_extract::http::{self, Call, Client, QuotaBudget};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::config::Settings;
use super::soql;

pub(super) use bulk::ResultsPage;
pub(super) use dialect::{Code, code_of};

use dialect::SalesforceDialect;

/// How often a page is asked for again whose body is not whole, although it came without an error.
const TORN_PAGES: usize = 4;
/// How many rows a page of a REST query has at most; Salesforce sends fewer when rows are wide.
const REST_PAGE_ROWS: u32 = 2_000;

/// How patiently we ask and poll; tests are in a hurry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The wait before the second attempt of a call.
    pub(super) first_wait: Duration,
    /// How often a call is sent at most.
    pub(super) attempts: u32,
    /// The first and the longest wait between two looks at a job.
    pub(super) poll: (Duration, Duration),
    /// Rows of a page of a REST query; none: as many as the server likes.
    pub(super) rest_page_rows: Option<u32>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_millis(500),
            attempts: 8,
            poll: (Duration::from_secs(2), Duration::from_secs(30)),
            rest_page_rows: Some(REST_PAGE_ROWS),
        }
    }
}

/// The REST API of one org, with what a stream or a run uses counted apart.
#[derive(Clone, Debug)]
pub(super) struct Api {
    http: Client,
    oauth: Arc<OAuth>,
    budget: Arc<QuotaBudget>,
    root: Arc<str>,
    pace: Pace,
}

/// An object as the list of all objects has it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Listed {
    pub(super) name: String,
    #[serde(default)]
    pub(super) queryable: bool,
}

/// A limit of the org.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Limit {
    #[serde(rename = "Max")]
    pub(super) max: u64,
    #[serde(rename = "Remaining")]
    pub(super) remaining: u64,
}

/// What was deleted in a span of time.
#[derive(Clone, Debug)]
pub(super) struct Deletions {
    pub(super) ids: Vec<String>,
    pub(super) earliest: Option<DateTime<Utc>>,
    pub(super) covered: Option<DateTime<Utc>>,
}

impl Api {
    /// The API that a connection's settings name. Nothing is sent yet.
    pub(super) fn new(
        connection: &ConnectionName,
        settings: &Settings,
        pace: Pace,
    ) -> Result<Self> {
        let patience = |base_url| http::Settings {
            first_wait: pace.first_wait,
            attempts: pace.attempts,
            // A query may think for two minutes before it sends its first byte.
            timeout: Duration::from_secs(150),
            concurrent: settings.streams_at_once.saturating_add(2),
            ..http::Settings::new(base_url)
        };
        let budget = Arc::new(QuotaBudget::new(settings.quota_share));
        let oauth = Arc::new(login::sign_in(connection, settings, patience)?);
        let dialect = Arc::new(SalesforceDialect::new(Arc::clone(&budget)));
        let auth: Arc<dyn http::Authorize> = Arc::<OAuth>::clone(&oauth);
        let http = Client::new(connection, patience(settings.login_url.clone()), auth, dialect)?;
        let root = format!("/services/data/v{}", settings.api_version).into();
        Ok(Self { http, oauth, budget, root, pace })
    }

    /// The same API, counting what is used from here on by itself.
    pub(super) fn metered(&self) -> Self {
        Self { http: self.http.metered(), ..self.clone() }
    }

    /// What was used since this was last asked.
    pub(super) fn take_usage(&self) -> Usage {
        self.http.take_usage()
    }

    /// The server's clock.
    pub(super) fn now(&self) -> Option<DateTime<Utc>> {
        self.http.server_now()
    }

    /// The server's clock minus ours.
    pub(super) fn clock_skew(&self) -> Option<TimeDelta> {
        self.http.clock_skew()
    }

    /// API requests of the day: used by everybody, and the limit.
    pub(super) fn requests(&self) -> Option<(u64, u64)> {
        self.budget.seen()
    }

    /// What the token endpoint says about us: the org's and the user's id among it.
    pub(super) async fn identity(&self) -> Result<Map<String, Value>> {
        self.oauth.facts().await
    }

    /// The versions of the API that the org speaks, oldest first.
    pub(super) async fn versions(&self) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Version {
            version: String,
        }
        let versions: Vec<Version> =
            self.http.json(Call::get("/services/data").name("the versions")).await?;
        Ok(versions.into_iter().map(|version| version.version).collect())
    }

    /// All objects that the user may see.
    pub(super) async fn objects(&self) -> Result<Vec<Listed>> {
        #[derive(Deserialize)]
        struct Objects {
            sobjects: Vec<Listed>,
        }
        let objects: Objects = self.json(self.get("sobjects")).await?;
        Ok(objects.sobjects)
    }

    /// An object's description, as `describe.rs` reads it.
    pub(super) async fn describe<T: serde::de::DeserializeOwned>(&self, object: &str) -> Result<T> {
        self.json(self.get(&format!("sobjects/{object}/describe"))).await
    }

    /// The org's limits by name.
    pub(super) async fn limits(&self) -> Result<BTreeMap<String, Limit>> {
        let limits: BTreeMap<String, Value> = self.json(self.get("limits")).await?;
        let limits: BTreeMap<String, Limit> = limits
            .into_iter()
            .filter_map(|(name, limit)| Some((name, Limit::deserialize(limit).ok()?)))
            .collect();
        if let Some(daily) = limits.get("DailyApiRequests") {
            self.budget.observe(daily.max.saturating_sub(daily.remaining), daily.max);
        }
        Ok(limits)
    }

    /// The first page of a query, with records in the bin and the archive.
    pub(super) async fn query(&self, query: &str) -> Result<Bytes> {
        let mut call = self.query_call(query);
        if let Some(rows) = self.pace.rest_page_rows {
            call = call.header("Sforce-Query-Options", &format!("batchSize={rows}"));
        }
        self.page(call).await
    }

    /// A further page, by the link of the one before.
    pub(super) async fn next_page(&self, link: &str) -> Result<Bytes> {
        self.page(Call::get(link)).await
    }

    /// How many records a query with `COUNT()` finds, those in the bin and the archive included.
    pub(super) async fn count(&self, query: &str) -> Result<u64> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Count {
            total_size: u64,
        }
        let count: Count = self.json(self.query_call(query).name("a count")).await?;
        Ok(count.total_size)
    }

    /// The records of a small query, all pages together.
    pub(super) async fn records(&self, query: &str) -> Result<Vec<Map<String, Value>>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            records: Vec<Map<String, Value>>,
            done: bool,
            next_records_url: Option<String>,
        }
        let mut page: Page = self.json(self.query_call(query)).await?;
        let mut records = std::mem::take(&mut page.records);
        while let (false, Some(link)) = (page.done, page.next_records_url) {
            page = self.json(Call::get(link)).await?;
            records.append(&mut page.records);
        }
        Ok(records)
    }

    /// The ids that were deleted between two instants, whether or not they are still in the bin.
    pub(super) async fn deleted(
        &self,
        object: &str,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> Result<Deletions> {
        #[derive(Deserialize)]
        struct Record {
            id: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            #[serde(default)]
            deleted_records: Vec<Record>,
            earliest_date_available: Option<String>,
            latest_date_covered: Option<String>,
        }
        let call = self
            .get(&format!("sobjects/{object}/deleted/"))
            .query("start", &soql::instant(start))
            .query("end", &soql::instant(end));
        let answer: Answer = self.json(call).await?;
        let instant = |text: Option<String>| text.and_then(|text| soql::read_instant(&text));
        Ok(Deletions {
            ids: answer.deleted_records.into_iter().map(|record| record.id).collect(),
            earliest: instant(answer.earliest_date_available),
            covered: instant(answer.latest_date_covered),
        })
    }

    /// How long the address of a query would be, host and headers aside.
    pub(super) fn query_length(&self, query: &str) -> usize {
        self.query_call(query).path.len()
    }

    fn query_call(&self, query: &str) -> Call {
        self.get("queryAll").query("q", query)
    }

    fn get(&self, path: &str) -> Call {
        Call::get(format!("{}/{path}", self.root))
    }

    /// Whether our share of the day's requests allows another one.
    pub(super) fn within_budget(&self) -> Result<()> {
        self.budget.check()
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, call: Call) -> Result<T> {
        self.within_budget()?;
        self.http.json(call).await
    }

    /// A page of records as bytes that are whole JSON, without the NUL bytes that some have.
    async fn page(&self, call: Call) -> Result<Bytes> {
        self.within_budget()?;
        for _ in 0..TORN_PAGES {
            let body = without_nul(self.http.send(call.clone()).await?.body);
            match serde_json::from_slice::<serde::de::IgnoredAny>(&body) {
                Err(error) if error.is_eof() => {
                    tracing::debug!(call = call.label(), "the body ends in the middle");
                }
                // What is wrong in another way is told by who reads it.
                _ => return Ok(body),
            }
        }
        Err(torn(&call))
    }
}

/// The error for a page that never came whole.
fn torn(call: &Call) -> Error {
    Error::new(
        ErrorKind::SourceUnavailable,
        format!("failed to call {}: its answer is cut off each time", call.label()),
    )
    .with_retryable(true)
    .with_hint("look for a proxy between here and Salesforce that limits answers, then run again")
}

/// NUL bytes occur in real data, mean nothing, and no database downstream takes them.
fn without_nul(body: Bytes) -> Bytes {
    match body.contains(&0) {
        false => body,
        true => body.iter().copied().filter(|byte| *byte != 0).collect(),
    }
}
