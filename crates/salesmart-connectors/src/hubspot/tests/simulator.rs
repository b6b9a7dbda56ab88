//! The connector against the simulated company: every object, row for row and field for field.

use std::collections::BTreeMap;
use std::sync::Arc;

use salesmart_core::{ColumnType, Cursor};
use salesmart_extract::columns::parse;
use salesmart_extract::{Connector, StreamSpec};
use salesmart_simulator::Size as WorldSize;
use salesmart_simulator::hubspot::{self, BatchTouch, Limits, Settings};
use salesmart_simulator::wire::{FaultPlan, Running, SharedWorld};
use salesmart_simulator::world::{self, World};
use serde_json::{Map, Value};

use super::{configured, connect, connect_as};
use crate::conformance::{Row, State, apply, assert_same, read_events};

const OAUTH: &str = "auth: {client_id: simulator-client, client_secret: \"${CLIENT_SECRET}\", \
                     refresh_token: \"${REFRESH_TOKEN}\"}";

/// A simulated account.
struct Company {
    world: SharedWorld,
    server: Running,
    more: String,
}

impl Company {
    async fn start(deals: u64, settings: Settings, faults: FaultPlan, more: &str) -> Self {
        let size = WorldSize { reps: 3, deals };
        let world = World::new(world::Settings { size, ..world::Settings::default() });
        let world = SharedWorld::new(world);
        let server = hubspot::start(world.clone(), settings, faults, None).await.unwrap();
        Self { world, server, more: more.to_owned() }
    }

    fn connect(&self) -> Arc<dyn Connector> {
        connect(self.server.url(), &self.more).unwrap()
    }

    fn connect_by_oauth(&self) -> Arc<dyn Connector> {
        connect_as(self.server.url(), OAUTH, &self.more).unwrap()
    }

    /// What the account has of an object or association, as its stream is to have it.
    async fn records(&self, name: &str, spec: &StreamSpec) -> Option<State> {
        let url = format!("{}/__simulator/records/{name}", self.server.url());
        let reply = reqwest::get(url).await.unwrap();
        if !reply.status().is_success() {
            return None;
        }
        let text = reply.text().await.unwrap();
        let record = |line: &str| {
            let record: Map<String, Value> = serde_json::from_str(line).unwrap();
            let row: Row = spec
                .columns
                .iter()
                .filter_map(|column| {
                    let value = wire(&record, &column.name)?;
                    Some((column.name.clone(), printed(value, column.column_type)))
                })
                .collect();
            let key: Vec<String> = spec.key.iter().map(|name| row[name].clone().unwrap()).collect();
            (key.join("|"), row)
        };
        Some(text.lines().map(record).collect())
    }
}

/// Where a column's value stands in a record of the wire.
fn wire<'a>(record: &'a Map<String, Value>, column: &str) -> Option<&'a Value> {
    let own = match column {
        "hs_record_created_at" => "createdAt",
        "hs_record_updated_at" => "updatedAt",
        "archived_at" => return Some(record.get("archivedAt").unwrap_or(&Value::Null)),
        "user_id" => "userId",
        "user_id_including_inactive" => "userIdIncludingInactive",
        "first_name" => "firstName",
        "last_name" => "lastName",
        "object_type" => "objectType",
        "occurred_at" => "occurredAt",
        "source_type" => "sourceType",
        "source_id" => "sourceId",
        "source_label" => "sourceLabel",
        "updated_by_user_id" => "updatedByUserId",
        // These are put together from several values.
        "properties" | "team_ids" | "primary_team_id" | "primary_team_name" => return None,
        other => other,
    };
    if own == "object_id" {
        return record.get("object_id").or_else(|| record.get("objectId"));
    }
    let property = || record.get("properties").and_then(|properties| properties.get(column));
    record.get(own).or_else(property)
}

/// A value of the wire as its column prints.
fn printed(value: &Value, column_type: ColumnType) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) if text.is_empty() => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(match column_type {
        ColumnType::Decimal(precision, scale) => {
            let digits = parse::decimal(&text, precision, scale).unwrap();
            let sign = if digits < 0 { "-" } else { "" };
            let one = 10_i128.pow(u32::try_from(scale).unwrap());
            format!("{sign}{}.{:018}", digits.abs() / one, digits.abs() % one)
        }
        ColumnType::Timestamp => {
            let micros = parse::timestamp(&text).unwrap();
            let at = chrono::DateTime::from_timestamp_micros(micros).unwrap();
            at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
        }
        _ => text,
    })
}

/// The landed state of all streams over several runs.
#[derive(Default)]
struct Lake {
    streams: BTreeMap<String, (State, Option<Cursor>, StreamSpec)>,
}

impl Lake {
    /// Reads every stream that the connection discovers.
    async fn run(&mut self, connector: &Arc<dyn Connector>) {
        let discovery = connector.discover().await.unwrap();
        assert!(discovery.failed.is_empty(), "{:?}", discovery.failed);
        assert!(discovery.streams.len() > 25, "{} streams", discovery.streams.len());
        for spec in discovery.streams {
            let name = spec.name.to_string();
            let before = self.streams.remove(&name);
            let (mut state, cursor) =
                before.map(|(state, cursor, _)| (state, cursor)).unwrap_or_default();
            let (result, reading, _) =
                read_events(connector, spec.clone(), cursor.clone(), usize::MAX).await;
            result.unwrap().unwrap_or_else(|error| panic!("{name}: {error:#}"));
            apply(&mut state, &spec, &reading.events);
            self.streams.insert(name, (state, reading.cursor().or(cursor), spec));
        }
    }

    /// Compares every stream with the account.
    async fn compare(&self, company: &Company, when: &str) {
        let mut compared = 0;
        for (name, (state, _, spec)) in &self.streams {
            let Some(mut live) = company.records(name, spec).await else { continue };
            if name.ends_with("_history") {
                // The account tells the history of more properties than are read, and of archived
                // and merged deals in full.
                assert!(!state.is_empty(), "{when}: `{name}` is empty");
                live.retain(|key, _| state.contains_key(key));
                assert!(live.len() == state.len(), "{when}: `{name}` has what never was");
            }
            assert_same(state, &live, &format!("{when}: `{name}`"));
            compared += live.len();
        }
        assert!(compared > 2_000, "{when}: only {compared} records");
    }
}

/// A server that never says "too many" of its own accord.
fn patient() -> Settings {
    Settings { limits: Limits::none(), ..Settings::default() }
}

const DAILY: &str = "census_every: 1d\nsweep_every: 1d\ncalculated_every: 1d\nobjects: {}";

#[tokio::test(flavor = "multi_thread")]
async fn ten_days_end_in_the_same_state() {
    let company = Company::start(120, patient(), FaultPlan::none(), DAILY).await;
    let connector = company.connect();
    let mut lake = Lake::default();
    for day in 0..=10 {
        lake.run(&connector).await;
        lake.compare(&company, &format!("day {day}")).await;
        company.world.advance(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_days_with_everything_going_wrong_end_in_the_same_state() {
    let settings = Settings {
        token_requests: Some(40),
        restoring_modifies: false,
        merging_modifies: false,
        numeric_to_object_id: true,
        association_page: 2,
        ..patient()
    };
    let company = Company::start(80, settings, FaultPlan::chaos(3), DAILY).await;
    let connector = company.connect_by_oauth();
    let mut lake = Lake::default();
    for day in 0..=10 {
        lake.run(&connector).await;
        if day % 5 == 0 {
            company.server.set_faults(FaultPlan::none());
            lake.compare(&company, &format!("day {day}")).await;
            company.server.set_faults(FaultPlan::chaos(3 + day));
        }
        company.world.advance(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_job_that_stamps_many_deals_at_once_is_read_once_each() {
    let world = World::new(world::Settings::default());
    let touch =
        BatchTouch { at: world.now() + chrono::TimeDelta::hours(3), first: 0, count: 2_500 };
    let settings = Settings { batch_touch: Some(touch), search_cap: 1_000, ..patient() };
    let world = SharedWorld::new(world);
    let server = hubspot::start(world.clone(), settings, FaultPlan::none(), None).await.unwrap();
    let more = "census_every: 99d\nsweep_every: 99d\ncalculated_every: 99d";
    let connector = connect(server.url(), more).unwrap();
    let first = super::read_from(&connector, "deals", None).await.good();
    world.advance(1);
    let second = super::read_from(&connector, "deals", first.cursor()).await.good();
    let ids = second.ids();
    let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert!(distinct.len() > 2_000, "{} deals", distinct.len());
    assert_eq!(distinct.len(), ids.len(), "every id once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_scope_is_named_and_the_rest_is_read() {
    let scopes = hubspot::SCOPES.iter().filter(|scope| !scope.contains("leads"));
    let settings = Settings { scopes: Some(scopes.map(|&s| s.to_owned()).collect()), ..patient() };
    let company = Company::start(20, settings, FaultPlan::none(), "").await;
    let connector = company.connect();
    let discovery = connector.discover().await.unwrap();
    let failed: Vec<&str> = discovery.failed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        failed,
        [
            "calls_to_leads",
            "deals_to_leads",
            "emails_to_leads",
            "leads",
            "leads_history",
            "leads_to_companies",
            "leads_to_contacts",
            "meetings_to_leads"
        ]
    );
    for (_, error) in &discovery.failed {
        assert!(error.hint().unwrap().contains("crm.objects.leads.read"), "{error:?}");
    }
    let findings = connector.check().await;
    assert_eq!(findings.iter().filter(|finding| !finding.ok).count(), 8, "{findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_that_answers_tell_are_kept() {
    let limits = Limits { daily: None, ten_secondly: Some(40), search_per_second: Some(5) };
    let settings = Settings { limits, ..Settings::default() };
    let company = Company::start(60, settings, FaultPlan::none(), "").await;
    let url = company.server.url();
    let limits = "{requests_per_ten_seconds: 1000000, searches_per_second: 1000000, pause: 0s}";
    let auth = "auth: {token: \"${TOKEN}\"}";
    let section = format!("base_url: {url}\n{auth}\npage_size: 4\nlimits: {limits}\n");
    let connector = configured(&section).unwrap();
    connector.discover().await.unwrap();
    for name in ["deals", "contacts", "companies"] {
        let seen = super::read_from(&connector, name, None).await.good();
        assert!(seen.rows() > 0, "{name}");
    }
    let calls = company.server.calls();
    let too_many = calls.iter().filter(|call| call.status == 429).count();
    assert!(calls.len() > 45, "{} calls are more than ten seconds allow", calls.len());
    assert_eq!(too_many, 0, "we wait before we are told to");
}
