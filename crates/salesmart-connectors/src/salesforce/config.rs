//! What a person writes under `with:` for a connection of kind `salesforce`. The comments here are
//! the reference.

use std::path::Path;

use salesmart_core::yaml::{At, Node, Pairs};
use salesmart_core::{Error, Result, Secret, SecretRef};
use salesmart_extract::duration::Span;
use salesmart_extract::http::Url;
use salesmart_extract::selection::Glob;
use salesmart_extract::{Selection, secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One Salesforce org.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SalesforceConfig {
    /// Where to sign in: the org's My Domain (`https://fernhill.my.salesforce.com`). With
    /// `jwt_bearer`, `https://login.salesforce.com` and `https://test.salesforce.com` do too.
    #[schemars(with = "String")]
    pub login_url: At<String>,
    /// Who we are.
    pub auth: AuthConfig,
    /// The version of the API, such as `62.0`. Default `62.0`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub api_version: Option<At<String>>,
    /// The objects to read, by API name. Default: those of sales (accounts, leads, opportunities
    /// with their history, users, activities, forecasts, currencies …), as far as the org has them
    /// and lets us see them. Custom objects are read when they are named: `["*__c"]` beside the
    /// others. A name without wildcards that cannot be read is a failed stream.
    #[serde(default)]
    pub objects: ObjectsConfig,
    /// The fields to read, by object (a glob). Default: all that the user may see, except binary
    /// ones and the compounds whose parts are fields themselves. The id, the cursor field and
    /// `IsDeleted` are always read.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, Selection>")]
    pub fields: Pairs<At<Glob>, Selection>,
    /// When and how the Bulk API is used.
    #[serde(default)]
    pub bulk: BulkConfig,
    /// How far the end of a window stays behind the server's clock, because rows become visible
    /// minutes after their stamp. Default `10m`.
    #[serde(default = "ten_minutes")]
    pub lag: Span,
    /// How much of the previous window is read again, for what became visible later still.
    /// Default `10m`.
    #[serde(default = "ten_minutes")]
    pub overlap: Span,
    /// How often all ids are listed to find what is gone without a trace. Default `7d`.
    #[serde(default = "seven_days")]
    pub sweep_every: Span,
    /// How often formula fields are read for all records, since they change without a stamp.
    /// Default `1d`.
    #[serde(default = "one_day")]
    pub refresh_formulas_every: Span,
    /// The share of the org's daily API requests that may be used when we stop, by everybody
    /// together, from 0 to 1. Default `0.5`.
    #[serde(default = "half")]
    pub quota_share: f64,
    /// How many objects are read at the same time. Default 4; Salesforce keeps ten open cursors a
    /// user.
    #[serde(default = "four")]
    pub streams_at_once: usize,
    /// How forecasts are read.
    #[serde(default)]
    pub forecasts: ForecastsConfig,
}

/// How to sign in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// The OAuth flow.
    #[schemars(with = "Flow")]
    pub flow: At<Flow>,
    /// The consumer key of the connected app.
    pub client_id: String,
    /// `client_credentials`: the consumer secret, as `${VARIABLE}` or `file:PATH`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub client_secret: Option<SecretRef>,
    /// `jwt_bearer`: the user we act for.
    #[serde(default)]
    pub username: Option<String>,
    /// `jwt_bearer`: the RSA key in PEM whose certificate the connected app has, as `${VARIABLE}`
    /// or `file:PATH`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub private_key: Option<SecretRef>,
    /// `jwt_bearer`: whom the signed statement is for. Default `https://test.salesforce.com` for
    /// sandboxes (`login_url` has `.sandbox.` or begins with `https://test.`), and
    /// `https://login.salesforce.com` for all others.
    #[serde(default)]
    pub audience: Option<String>,
}

/// The OAuth flows for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// The connected app acts as the user that it runs as.
    ClientCredentials,
    /// The connected app acts as a named user, by a signed statement.
    JwtBearer,
}

/// Which objects are read.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectsConfig {
    /// The objects to read. Without any: those of sales.
    #[serde(default)]
    pub include: Vec<Glob>,
    /// The objects not to read, even if they are included.
    #[serde(default)]
    pub exclude: Vec<Glob>,
}

/// When and how the Bulk API is used.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkConfig {
    /// Whether it is used. Default `auto`.
    #[serde(default)]
    pub mode: BulkMode,
    /// `auto`: for windows with more rows than this. Default 20,000.
    #[serde(default = "twenty_thousand")]
    pub above: u64,
    /// How many rows a page of results has; it bounds the memory of a stream. Default 10,000.
    #[serde(default = "page_rows")]
    pub page_rows: u32,
    /// How many rows one job may have; larger windows are cut in time. Default 1,000,000.
    #[serde(default = "window_rows")]
    pub window_rows: u64,
    /// How long a job may take before it is aborted and the stream fails. Default `2h`.
    #[serde(default = "two_hours")]
    pub deadline: Span,
}

/// Whether the Bulk API is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BulkMode {
    /// For windows with many rows.
    #[default]
    Auto,
    /// For everything that it supports.
    Always,
    /// For nothing.
    Never,
}

/// How forecasts are read: a snapshot of all open periods in each run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForecastsConfig {
    /// How long to wait for Salesforce to bring forecasts up to date before they are read as they
    /// are (`IsUpToDate` is a column). Default `1m`.
    #[serde(default = "one_minute")]
    pub wait: Span,
    /// How far ahead a period may begin. Default `366d`.
    #[serde(default = "one_year")]
    pub ahead: Span,
}

const fn ten_minutes() -> Span {
    Span::from_secs(600)
}
const fn one_minute() -> Span {
    Span::from_secs(60)
}
const fn two_hours() -> Span {
    Span::from_secs(2 * 3_600)
}
const fn one_day() -> Span {
    Span::from_secs(86_400)
}
const fn seven_days() -> Span {
    Span::from_secs(7 * 86_400)
}
const fn one_year() -> Span {
    Span::from_secs(366 * 86_400)
}
const fn half() -> f64 {
    0.5
}
const fn four() -> usize {
    4
}
const fn twenty_thousand() -> u64 {
    20_000
}
const fn page_rows() -> u32 {
    10_000
}
const fn window_rows() -> u64 {
    1_000_000
}

impl Default for BulkConfig {
    fn default() -> Self {
        Self {
            mode: BulkMode::Auto,
            above: twenty_thousand(),
            page_rows: page_rows(),
            window_rows: window_rows(),
            deadline: two_hours(),
        }
    }
}

impl Default for ForecastsConfig {
    fn default() -> Self {
        Self { wait: one_minute(), ahead: one_year() }
    }
}

/// What is read when nothing is said: what the models of sales are made of.
const SALES: [&str; 42] = [
    "Account",
    "AccountHistory",
    "BusinessHours",
    "Campaign",
    "CampaignMember",
    "CampaignMemberStatus",
    "Contact",
    "ContactHistory",
    "CurrencyType",
    "DatedConversionRate",
    "Event",
    "EventRelation",
    "FiscalYearSettings",
    "ForecastingAdjustment",
    "ForecastingFact",
    "ForecastingItem",
    "ForecastingOwnerAdjustment",
    "ForecastingQuota",
    "ForecastingType",
    "Group",
    "Holiday",
    "Lead",
    "LeadHistory",
    "LeadStatus",
    "Opportunity",
    "OpportunityContactRole",
    "OpportunityFieldHistory",
    "OpportunityHistory",
    "OpportunityLineItem",
    "OpportunitySplit",
    "OpportunitySplitType",
    "OpportunityStage",
    "OpportunityTeamMember",
    "Organization",
    "Period",
    "Pricebook2",
    "PricebookEntry",
    "Product2",
    "RecordType",
    "Task",
    "User",
    "UserRole",
];

/// Which objects are wanted, and whether a person named them.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    selection: Selection,
    pub(super) is_default: bool,
}

impl Wanted {
    /// Whether an object is wanted.
    pub(super) fn contains(&self, object: &str) -> bool {
        self.selection.contains(object)
    }

    /// The objects that are named one by one and not taken out again.
    pub(super) fn named(&self) -> impl Iterator<Item = &str> {
        let literal = self.selection.include.iter().filter(|glob| glob.is_literal());
        literal.map(Glob::as_str).filter(|name| self.contains(name))
    }
}

/// Everything the connector runs on: checked, and with secrets in place.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) login_url: Url,
    pub(super) login: Login,
    pub(super) api_version: String,
    pub(super) wanted: Wanted,
    pub(super) fields: Vec<(Glob, Selection)>,
    pub(super) bulk: BulkConfig,
    pub(super) lag: Span,
    pub(super) overlap: Span,
    pub(super) sweep_every: Span,
    pub(super) refresh_formulas_every: Span,
    pub(super) quota_share: f64,
    pub(super) streams_at_once: usize,
    pub(super) forecasts: ForecastsConfig,
}

/// How to sign in, with what is needed for it.
#[derive(Clone, Debug)]
pub(super) enum Login {
    ClientCredentials { client_id: String, secret: Secret },
    JwtBearer { client_id: String, username: String, private_key: Secret, audience: String },
}

impl Settings {
    /// Reads and checks a section of a pipeline file.
    pub(super) fn read(node: &Node, project: &Path) -> Result<Self> {
        let config: SalesforceConfig = node.decode()?;
        let login_url = address(&config.login_url)?;
        let login = login(&config.auth, &login_url, project)?;
        let api_version = match &config.api_version {
            None => "62.0".to_owned(),
            Some(version) => api_version(version)?,
        };
        if !(config.quota_share > 0.0 && config.quota_share <= 1.0) {
            return Err(Error::configuration(format!(
                "`quota_share: {}` is no share",
                config.quota_share
            ))
            .with("expected", "more than 0 and at most 1")
            .at(node.location.clone()));
        }
        let ObjectsConfig { include, exclude } = config.objects;
        let is_default = include.is_empty();
        let include = match is_default {
            true => Selection::new(&SALES, &[])?.include,
            false => include,
        };
        let selection = Selection { include, exclude };
        let fields = config.fields.0.into_iter();
        let fields = fields.map(|(object, fields)| (object.value, fields)).collect();
        let bulk = BulkConfig { page_rows: config.bulk.page_rows.max(1), ..config.bulk };
        Ok(Self {
            login_url,
            login,
            api_version,
            wanted: Wanted { selection, is_default },
            fields,
            bulk,
            lag: config.lag,
            overlap: config.overlap,
            sweep_every: config.sweep_every,
            refresh_formulas_every: config.refresh_formulas_every,
            quota_share: config.quota_share,
            streams_at_once: config.streams_at_once.max(1),
            forecasts: config.forecasts,
        })
    }

    /// Whether a field is wanted: by every rule for its object.
    pub(super) fn wants_field(&self, object: &str, field: &str) -> bool {
        let mut rules = self.fields.iter().filter(|(glob, _)| glob.matches(object));
        rules.all(|(_, fields)| fields.contains(field))
    }
}

fn address(text: &At<String>) -> Result<Url> {
    let fault = || {
        Error::configuration(format!("`{}` is not an address to sign in at", text.value))
            .with("expected", "`https://` and a host, such as `https://fernhill.my.salesforce.com`")
            .at(text.location.clone())
    };
    let url = Url::parse(&text.value).map_err(|error| fault().with_source(error))?;
    let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let is_usable = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    let is_bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    if is_usable && is_bare { Ok(url) } else { Err(fault()) }
}

fn login(auth: &AuthConfig, login_url: &Url, project: &Path) -> Result<Login> {
    let missing = |key: &str, flow: &str| {
        Error::configuration(format!("`auth.{key}` is missing"))
            .with("expected", format!("`{key}` with `flow: {flow}`"))
            .at(auth.flow.location.clone())
    };
    let idle = |key: &str, flow: &str| {
        Error::configuration(format!("`auth.{key}` has no meaning with `flow: {flow}`"))
            .at(auth.flow.location.clone())
    };
    let client_id = auth.client_id.clone();
    match auth.flow.value {
        Flow::ClientCredentials => {
            let flow = "client_credentials";
            for (key, is_there) in [
                ("username", auth.username.is_some()),
                ("private_key", auth.private_key.is_some()),
                ("audience", auth.audience.is_some()),
            ] {
                if is_there {
                    return Err(idle(key, flow));
                }
            }
            let secret =
                auth.client_secret.as_ref().ok_or_else(|| missing("client_secret", flow))?;
            Ok(Login::ClientCredentials { client_id, secret: secret::resolve(secret, project)? })
        }
        Flow::JwtBearer => {
            let flow = "jwt_bearer";
            if auth.client_secret.is_some() {
                return Err(idle("client_secret", flow));
            }
            let username = auth.username.clone().ok_or_else(|| missing("username", flow))?;
            let key = auth.private_key.as_ref().ok_or_else(|| missing("private_key", flow))?;
            let private_key = secret::resolve(key, project)?;
            let audience = auth.audience.clone().unwrap_or_else(|| audience(login_url));
            Ok(Login::JwtBearer { client_id, username, private_key, audience })
        }
    }
}

/// Whom a signed statement is for, where nobody said it.
fn audience(login_url: &Url) -> String {
    let host = login_url.host_str().unwrap_or_default();
    let is_sandbox = host.contains(".sandbox.") || host.starts_with("test.");
    format!("https://{}.salesforce.com", if is_sandbox { "test" } else { "login" })
}

/// A version as paths spell it, without the `v`.
fn api_version(version: &At<String>) -> Result<String> {
    let text = version.value.trim().trim_start_matches('v');
    let is_version = text.split_once('.').is_some_and(|(major, minor)| {
        minor == "0" && major.parse::<u32>().is_ok_and(|major| major >= 47)
    });
    if is_version {
        return Ok(text.to_owned());
    }
    Err(Error::configuration(format!("`{}` is not a version of the API", version.value))
        .with("expected", "`47.0` or later, such as `62.0`")
        .at(version.location.clone()))
}
