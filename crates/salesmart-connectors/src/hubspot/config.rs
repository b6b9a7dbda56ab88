//! What a person writes under `with:` for a connection of kind `hubspot`. The comments here are
//! the reference; `Config::of` checks what they ask for.

use std::collections::BTreeMap;
use std::path::Path;

use salesmart_core::yaml::{At, Node};
use salesmart_core::{Error, Location, Result, Secret, SecretRef};
use salesmart_extract::Selection;
use salesmart_extract::duration::Span;
use salesmart_extract::http::Url;
use salesmart_extract::secret::resolve;
use salesmart_extract::selection::Glob;
use schemars::JsonSchema;
use serde::Deserialize;

/// Where HubSpot is.
const BASE_URL: &str = "https://api.hubapi.com";
/// Where refresh tokens are exchanged.
const TOKEN_PATH: &str = "/oauth/v1/token";
/// How often what changes silently is looked at.
const DAY: Span = Span::from_secs(86_400);
/// The most records that HubSpot lists in one call.
pub(super) const MOST_LISTED: usize = 100;

/// The associations that are read without being asked for.
const ASSOCIATIONS: [&str; 15] = [
    "deals_to_companies",
    "deals_to_contacts",
    "deals_to_line_items",
    "deals_to_leads",
    "contacts_to_companies",
    "meetings_to_contacts",
    "meetings_to_deals",
    "calls_to_deals",
    "emails_to_deals",
    "emails_to_contacts",
    "leads_to_contacts",
    "leads_to_companies",
    "meetings_to_leads",
    "calls_to_leads",
    "emails_to_leads",
];

/// The properties of deals whose history is read without being asked for.
const DEAL_HISTORY: [&str; 9] = [
    "dealstage",
    "amount",
    "closedate",
    "hubspot_owner_id",
    "pipeline",
    "hs_deal_stage_probability",
    "hs_manual_forecast_category",
    "hs_next_step",
    "deal_currency_code",
];

/// The properties of leads whose history is read without being asked for.
const LEAD_HISTORY: [&str; 2] = ["hs_pipeline_stage", "hubspot_owner_id"];

/// What HubSpot sums up from activities and associations.
const SILENT: [&str; 7] = [
    "notes_*",
    "num_notes",
    "num_contacted_notes",
    "num_associated_*",
    "hs_num_*",
    "hs_last_*",
    "hs_latest_*",
];

/// A HubSpot account, read through a private app or an OAuth app.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HubSpotConfig {
    /// Where the API is. Default `https://api.hubapi.com`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub base_url: Option<At<String>>,
    /// Who we are.
    #[schemars(with = "AuthConfig")]
    pub auth: At<AuthConfig>,
    /// Which object types to read, by globs on their names (`deals`, `line_items`, a custom
    /// object's own name). Default: deals, contacts, companies, leads, products, line items, calls,
    /// emails, meetings, notes, tasks, goal targets, and all custom objects. Another standard
    /// object (`tickets`, `quotes` …) is read when a glob of `include` names it.
    #[serde(default)]
    pub objects: Selection,
    /// Which properties of them to read. Default: all.
    #[serde(default)]
    pub properties: PropertiesConfig,
    /// Which associations to read, as `<from>_to_<to>`. Default: those between deals, companies,
    /// contacts, leads, line items, meetings, calls and emails that the models use.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub associations: Option<Vec<At<String>>>,
    /// Of which properties to keep the history, by object type. Default: for deals `dealstage`,
    /// `amount`, `closedate`, `hubspot_owner_id`, `pipeline`, `hs_deal_stage_probability`,
    /// `hs_manual_forecast_category`, `hs_next_step` and `deal_currency_code`, for leads
    /// `hs_pipeline_stage` and `hubspot_owner_id`. HubSpot itself keeps the newest twenty values
    /// or so.
    #[serde(default)]
    pub history: Option<BTreeMap<String, Vec<String>>>,
    /// Whether to read forecast types and submitted forecasts, where the account has them. Default
    /// `true`.
    #[serde(default)]
    pub forecasts: Option<bool>,
    /// How far behind HubSpot's clock the reading ends, since its search index runs behind.
    /// Default `5m`.
    #[serde(default)]
    pub lag: Option<Span>,
    /// How much of what was read before is read again, for records that the index got late.
    /// Default `10m`.
    #[serde(default)]
    pub overlap: Option<Span>,
    /// How often archived records and all associations are read as a whole: HubSpot does not tell
    /// when those change. Default `1d`.
    #[serde(default)]
    pub sweep_every: Option<Span>,
    /// How often calculated properties are read of all records: they change without a modification
    /// date. Default `1d`.
    #[serde(default)]
    pub calculated_every: Option<Span>,
    /// How often the ids of all records are compared, which shows what was merged away or deleted
    /// for good. Default `7d`.
    #[serde(default)]
    pub census_every: Option<Span>,
    /// Whether the values of changed records are read from the records themselves, since the search
    /// index may still show older ones. Default `true`.
    #[serde(default)]
    pub reread: Option<bool>,
    /// How much of the account's daily requests may be used, by everybody, before we stop; from 0
    /// to 1. Default `0.8`.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub quota_share: Option<At<f64>>,
    /// The account's requests a day, where HubSpot does not tell (its answers to OAuth apps do
    /// not). Our own requests of a run are counted against it then. Default: no limit.
    #[serde(default)]
    pub daily_limit: Option<u64>,
    /// How many streams are read at the same time. Default `4`.
    #[serde(default)]
    #[schemars(with = "Option<usize>")]
    pub streams_at_once: Option<At<usize>>,
    /// How many records to ask for in one call, at most 100. Default `100`.
    #[serde(default)]
    #[schemars(with = "Option<usize>")]
    pub page_size: Option<At<usize>>,
    /// How fast to ask.
    #[serde(default)]
    pub limits: LimitsConfig,
}

/// Who we are: `token`, or the three keys of an OAuth app.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// The token of a private app: `${HUBSPOT_TOKEN}` or `file:PATH`.
    #[serde(default)]
    pub token: Option<SecretRef>,
    /// The id of an OAuth app.
    #[serde(default)]
    pub client_id: Option<String>,
    /// Its secret: `${HUBSPOT_CLIENT_SECRET}` or `file:PATH`.
    #[serde(default)]
    pub client_secret: Option<SecretRef>,
    /// The refresh token that the app got when it was installed: `${HUBSPOT_REFRESH_TOKEN}` or
    /// `file:PATH`.
    #[serde(default)]
    pub refresh_token: Option<SecretRef>,
    /// Where the refresh token is exchanged, below `base_url`. Default `/oauth/v1/token`.
    #[serde(default)]
    pub token_path: Option<String>,
}

/// Which properties to read.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PropertiesConfig {
    /// Globs on the names of properties that are not wanted: `hs_analytics_*`, or `contacts.phone`
    /// for one object type.
    #[serde(default)]
    pub exclude: Vec<Glob>,
    /// Globs on the names of properties whose values change without a modification date. They are
    /// read of all records by `calculated_every`, with those that HubSpot itself calls calculated
    /// or read-only. Default: what HubSpot sums up from activities and associations.
    #[serde(default)]
    pub silent: Option<Vec<Glob>>,
}

/// How fast to ask. What HubSpot's answers say of its limits is kept besides.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Calls in any ten seconds, searches left out. Default `190`, what most accounts may; slower
    /// as soon as an answer says that fewer are left.
    #[serde(default)]
    pub requests_per_ten_seconds: Option<u32>,
    /// Searches in any second. Default `5`.
    #[serde(default)]
    pub searches_per_second: Option<u32>,
    /// Whether to wait as soon as an answer says that hardly any call of the ten seconds is left,
    /// rather than when a call is refused. Default `true`.
    #[serde(default)]
    pub heed_remaining: Option<bool>,
    /// How long to wait after a "too many requests" that does not say how long. Default `10s`.
    #[serde(default)]
    pub pause: Option<Span>,
}

/// A checked configuration.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) base_url: Url,
    pub(super) auth: Auth,
    pub(super) objects: Selection,
    pub(super) excluded: Vec<Glob>,
    /// Properties that change without a modification date, as far as HubSpot does not say so.
    pub(super) silent: Vec<Glob>,
    /// The associations as `(from, to)`, and whether a person named them.
    pub(super) associations: Vec<(String, String)>,
    pub(super) associations_named: bool,
    /// Properties with history, by object type, and whether a person named them.
    pub(super) history: BTreeMap<String, Vec<String>>,
    pub(super) history_named: bool,
    pub(super) forecasts: bool,
    pub(super) lag: Span,
    pub(super) overlap: Span,
    pub(super) sweep_every: Span,
    pub(super) calculated_every: Span,
    pub(super) census_every: Span,
    pub(super) reread: bool,
    pub(super) quota_share: f64,
    pub(super) daily_limit: Option<u64>,
    pub(super) streams_at_once: usize,
    pub(super) page_size: usize,
    pub(super) requests_per_ten_seconds: u32,
    pub(super) searches_per_second: u32,
    pub(super) heed_remaining: bool,
    pub(super) pause: Span,
    /// Where it is written.
    pub(super) location: Location,
}

/// Who we are, checked.
#[derive(Clone, Debug)]
pub(super) enum Auth {
    /// A private app.
    Token(Secret),
    /// An OAuth app.
    Refresh { client_id: String, client_secret: Secret, refresh_token: Secret, token_url: Url },
}

impl Config {
    /// Decodes and checks a connection's section. Reports every problem, not only the first.
    pub(super) fn of(node: &Node, project: &Path) -> Result<Self> {
        let written: HubSpotConfig = node.decode()?;
        let mut problems = Vec::new();
        let base_url = base_url(&written, node, &mut problems);
        let auth = auth(&written.auth, base_url.as_ref(), project, &mut problems);
        let associations = associations(written.associations.as_deref(), &mut problems);
        let history_named = written.history.is_some();
        let history = history(written.history, &node.location, &mut problems);
        let quota_share = within(written.quota_share.as_ref(), 0.8, 0.0, 1.0, &mut problems);
        let streams_at_once = within(written.streams_at_once.as_ref(), 4, 1, 64, &mut problems);
        let page_size =
            within(written.page_size.as_ref(), MOST_LISTED, 1, MOST_LISTED, &mut problems);
        if let Some(error) = Error::many(problems) {
            return Err(error);
        }
        let (Some(base_url), Some(auth)) = (base_url, auth) else {
            return Err(Error::bug("a wrong setting of a HubSpot connection was not told"));
        };
        let limits = written.limits;
        let silent = match written.properties.silent {
            Some(globs) => globs,
            None => SILENT.iter().map(|text| text.parse()).collect::<Result<_>>()?,
        };
        Ok(Self {
            base_url,
            auth,
            objects: written.objects,
            excluded: written.properties.exclude,
            silent,
            associations,
            associations_named: written.associations.is_some(),
            history,
            history_named,
            forecasts: written.forecasts.unwrap_or(true),
            lag: written.lag.unwrap_or(Span::from_secs(5 * 60)),
            overlap: written.overlap.unwrap_or(Span::from_secs(10 * 60)),
            sweep_every: written.sweep_every.unwrap_or(DAY),
            calculated_every: written.calculated_every.unwrap_or(DAY),
            census_every: written.census_every.unwrap_or(Span::from_secs(7 * 86_400)),
            reread: written.reread.unwrap_or(true),
            quota_share,
            daily_limit: written.daily_limit,
            streams_at_once,
            page_size,
            requests_per_ten_seconds: limits.requests_per_ten_seconds.unwrap_or(190).max(1),
            searches_per_second: limits.searches_per_second.unwrap_or(5).max(1),
            heed_remaining: limits.heed_remaining.unwrap_or(true),
            pause: limits.pause.unwrap_or(Span::from_secs(10)),
            location: node.location.clone(),
        })
    }
}

fn base_url(written: &HubSpotConfig, node: &Node, problems: &mut Vec<Error>) -> Option<Url> {
    let (text, location) = match &written.base_url {
        Some(url) => (url.value.as_str(), &url.location),
        None => (BASE_URL, &node.location),
    };
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "https" | "http") && url.has_host() => Some(url),
        _ => {
            let error = Error::configuration(format!("`{text}` is not a base URL"))
                .with("expected", format!("a URL such as `{BASE_URL}`"))
                .at(location.clone());
            problems.push(error);
            None
        }
    }
}

fn auth(
    written: &At<AuthConfig>,
    base_url: Option<&Url>,
    project: &Path,
    problems: &mut Vec<Error>,
) -> Option<Auth> {
    let config = &written.value;
    let mut secret = |reference: &SecretRef| {
        let found = resolve(reference, project);
        found.map_err(|error| problems.push(error.at(written.location.clone()))).ok()
    };
    match (&config.token, &config.client_id, &config.client_secret, &config.refresh_token) {
        (Some(token), None, None, None) if config.token_path.is_none() => {
            secret(token).map(Auth::Token)
        }
        (None, Some(client_id), Some(client_secret), Some(refresh_token)) => {
            let (client_secret, refresh_token) = (secret(client_secret), secret(refresh_token));
            let path = config.token_path.as_deref().unwrap_or(TOKEN_PATH);
            let Ok(token_url) = base_url?.join(path) else {
                let error = Error::configuration(format!("`{path}` is not a path"))
                    .at(written.location.clone());
                problems.push(error);
                return None;
            };
            let client_id = client_id.clone();
            let (client_secret, refresh_token) = (client_secret?, refresh_token?);
            Some(Auth::Refresh { client_id, client_secret, refresh_token, token_url })
        }
        _ => {
            let error = Error::configuration("`auth` says neither or both of two ways to sign in")
                .with(
                    "expected",
                    "`token` alone, or `client_id`, `client_secret` and `refresh_token`",
                )
                .at(written.location.clone());
            problems.push(error);
            None
        }
    }
}

fn associations(
    written: Option<&[At<String>]>,
    problems: &mut Vec<Error>,
) -> Vec<(String, String)> {
    let Some(written) = written else {
        return ASSOCIATIONS.iter().filter_map(|name| pair(name)).collect();
    };
    let mut pairs = Vec::new();
    for name in written {
        match pair(&name.value) {
            Some(pair) if !pairs.contains(&pair) => pairs.push(pair),
            Some(_) => problems.push(
                Error::configuration(format!("`{}` is there twice", name.value))
                    .at(name.location.clone()),
            ),
            None => problems.push(
                Error::configuration(format!("`{}` is not an association", name.value))
                    .with("expected", "`<from>_to_<to>`, such as `deals_to_companies`")
                    .at(name.location.clone()),
            ),
        }
    }
    pairs
}

/// The two ends of `<from>_to_<to>`.
fn pair(name: &str) -> Option<(String, String)> {
    let (from, to) = name.split_once("_to_")?;
    (!from.is_empty() && !to.is_empty()).then(|| (from.to_owned(), to.to_owned()))
}

fn history(
    written: Option<BTreeMap<String, Vec<String>>>,
    location: &Location,
    problems: &mut Vec<Error>,
) -> BTreeMap<String, Vec<String>> {
    let Some(written) = written else {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        return BTreeMap::from([
            ("deals".to_owned(), owned(&DEAL_HISTORY)),
            ("leads".to_owned(), owned(&LEAD_HISTORY)),
        ]);
    };
    for (object, _) in written.iter().filter(|(_, properties)| properties.is_empty()) {
        let error = Error::configuration(format!("`history` names no property of `{object}`"))
            .with_hint(format!("leave `{object}` out to keep no history of it"))
            .at(location.clone());
        problems.push(error);
    }
    written
}

/// A number between two others, both included.
fn within<T: Copy + PartialOrd + std::fmt::Display>(
    written: Option<&At<T>>,
    default: T,
    least: T,
    most: T,
    problems: &mut Vec<Error>,
) -> T {
    let Some(number) = written else { return default };
    if number.value >= least && number.value <= most {
        return number.value;
    }
    let error = Error::configuration(format!("`{}` is out of range", number.value))
        .with("expected", format!("{least} to {most}"))
        .at(number.location.clone());
    problems.push(error);
    default
}
