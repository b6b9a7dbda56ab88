//! The simulator's systems, served on this machine for as long as a story lasts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use arrow::datatypes::{DataType, TimeUnit};
use chrono::NaiveDate;
use salesmart_simulator::wire::{FaultPlan, Running, SharedWorld};
use salesmart_simulator::world::{Settings, World};
use salesmart_simulator::{Known, Size, hubspot, salesforce};

use crate::raw::{self, Row, Rows};
use crate::{Project, Said, said};

/// Which system a story is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Salesforce.
    Salesforce,
    /// HubSpot.
    HubSpot,
}

impl System {
    /// Its name in pipelines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            System::Salesforce => "salesforce",
            System::HubSpot => "hubspot",
        }
    }
}

/// A simulated company of this size, as of 2026-09-30.
#[must_use]
pub fn world(seed: u64, reps: usize, deals: u64) -> SharedWorld {
    let settings = Settings { seed, size: Size { reps, deals }, ..Settings::default() };
    SharedWorld::new(World::new(settings))
}

/// A system that runs, and a project that reads it.
pub struct Simulated {
    /// The company behind it.
    pub world: SharedWorld,
    /// The project.
    pub project: Project,
    /// Which system.
    pub system: System,
    /// What the servers live in.
    pub runtime: tokio::runtime::Runtime,
    server: Running,
}

impl Simulated {
    /// Starts a system over a world.
    #[must_use]
    pub fn start(system: System, world: SharedWorld, faults: FaultPlan) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime
            .block_on(async {
                match system {
                    System::Salesforce => {
                        let settings = salesforce::Settings::default();
                        salesforce::start(world.clone(), settings, faults, None).await
                    }
                    System::HubSpot => {
                        // The documented limits have their own tests; waiting for them here
                        // would take minutes.
                        let limits = hubspot::Limits::none();
                        let settings = hubspot::Settings { limits, ..Default::default() };
                        hubspot::start(world.clone(), settings, faults, None).await
                    }
                }
            })
            .unwrap();
        let project = Project::new();
        project.write("config/business.yml", BUSINESS);
        match system {
            System::Salesforce => project.write("pipelines/crm.yml", SALESFORCE_PIPELINE),
            System::HubSpot => project.write("pipelines/crm.yml", HUBSPOT_PIPELINE),
        }
        Self { world, project, system, runtime, server }
    }

    /// What the system tells of the company when it is first read on a day.
    #[must_use]
    pub fn known(&self, since: NaiveDate) -> Known {
        match self.system {
            System::Salesforce => {
                let settings = salesforce::Settings::default();
                Known::salesforce(since, settings.history_months, settings.bin_days)
            }
            System::HubSpot => Known::hubspot(since),
        }
    }

    /// A night: everything is read and worked out, as of the company's now.
    #[track_caller]
    pub fn night(&self) {
        let as_of = self.world.read().now().to_rfc3339();
        let _ = self.salesmart(&["run", "crm", "--as-of", &as_of]).ok();
    }

    /// Where the server listens.
    #[must_use]
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Running {
        &self.server
    }

    /// What the pipeline needs of the environment.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        match self.system {
            System::Salesforce => vec![
                ("SALESFORCE_URL", self.url().to_owned()),
                ("SALESFORCE_CLIENT_ID", "simulator-client".to_owned()),
                ("SALESFORCE_CLIENT_SECRET", "simulator-secret".to_owned()),
            ],
            System::HubSpot => vec![
                ("HUBSPOT_URL", self.url().to_owned()),
                ("HUBSPOT_TOKEN", "pat-simulator".to_owned()),
            ],
        }
    }

    /// A command line in the project, with that environment.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.command(arguments);
        command.envs(self.environment());
        command
    }

    /// Runs `salesmart`.
    #[must_use]
    pub fn salesmart(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }

    /// The rows that a query gives.
    #[must_use]
    #[track_caller]
    pub fn query(&self, sql: &str) -> Vec<BTreeMap<String, String>> {
        self.salesmart(&["query", sql, "--format", "csv"]).ok().rows()
    }

    /// The lake.
    #[must_use]
    pub fn lake(&self) -> PathBuf {
        self.project.path().join("lake")
    }

    /// What the world's own records of an object are, in the wire's format; none where the
    /// simulator keeps no such object.
    #[must_use]
    pub fn records(&self, object: &str) -> Option<Vec<serde_json::Value>> {
        let url = format!("{}/__simulator/records/{object}", self.url());
        self.runtime.block_on(async {
            let response = reqwest::get(&url).await.unwrap();
            if response.status() == reqwest::StatusCode::NOT_FOUND {
                return None;
            }
            let text = response.error_for_status().unwrap().text().await.unwrap();
            Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
        })
    }

    /// Compares every raw table with the world, row for row, and returns how many rows that were.
    ///
    /// # Panics
    /// When anything differs, or the simulator does not know a stream.
    #[track_caller]
    pub fn assert_everything_landed(&self, connection: &str) -> usize {
        let mut compared = 0;
        let streams = raw::streams(&self.lake(), connection);
        assert!(streams.len() > 5, "{streams:?}");
        for stream in streams {
            compared += self.assert_stream_landed(connection, &stream);
        }
        compared
    }

    #[track_caller]
    fn assert_stream_landed(&self, connection: &str, stream: &str) -> usize {
        match self.system {
            System::Salesforce => self.compare_salesforce(connection, stream),
            System::HubSpot => self.compare_hubspot(connection, stream),
        }
    }

    fn compare_salesforce(&self, connection: &str, stream: &str) -> usize {
        let landed = self.runtime.block_on(raw::table(&self.lake(), connection, stream, &["id"]));
        let mut records = self
            .records(stream)
            .unwrap_or_else(|| panic!("the simulator has no object `{stream}`"));
        // Forecasts are photographed day by day, for the periods that are open.
        let newest = landed.rows.values().filter_map(|row| row.get("snapshot_date")).max().cloned();
        if landed.types.contains_key("snapshot_date") {
            let open = self.open_periods();
            records.retain(|record| open.contains(record["PeriodId"].as_str().unwrap()));
        }
        let source: Rows = records
            .iter()
            .map(|record| {
                let fields = record.as_object().unwrap();
                let row: Row = fields
                    .iter()
                    .filter_map(|(name, value)| {
                        let name = name.to_lowercase();
                        let data_type = landed.types.get(&name)?;
                        Some((name, raw::from_json(value, data_type)?))
                    })
                    .collect();
                (row["id"].clone(), row)
            })
            .filter(|(_, row)| is_live(row))
            .collect();
        let rows: Rows = landed
            .rows
            .into_iter()
            .filter(|(_, row)| is_live(row) && row.get("snapshot_date") == newest.as_ref())
            .map(|(key, mut row)| {
                row.remove("snapshot_date");
                (key, row)
            })
            .collect();
        raw::assert_same(stream, &source, &rows);
        source.len()
    }

    /// The ids of the periods that are not over and begin within a year.
    fn open_periods(&self) -> BTreeSet<String> {
        let today = self.world.read().now().date_naive();
        let day = |record: &serde_json::Value, name: &str| -> NaiveDate {
            record[name].as_str().unwrap().parse().unwrap()
        };
        self.records("period")
            .unwrap()
            .iter()
            .filter(|period| {
                day(period, "EndDate") >= today
                    && day(period, "StartDate") <= today + chrono::Days::new(366)
            })
            .map(|period| period["Id"].as_str().unwrap().to_owned())
            .collect()
    }

    fn compare_hubspot(&self, connection: &str, stream: &str) -> usize {
        if stream.contains("_to_") {
            return self.compare_associations(connection, stream);
        }
        // What the simulator does not list under the stream's name is compared by the connector's
        // own tests.
        let Some(records) = self.records(stream) else { return 0 };
        if stream.ends_with("_history") {
            return self.compare_history(connection, stream, &records);
        }
        if !records
            .iter()
            .all(|record| record["properties"].is_object() && record["id"].is_string())
        {
            return 0;
        }
        let landed = self.runtime.block_on(raw::table(&self.lake(), connection, stream, &["id"]));
        let source: Rows = records
            .iter()
            .map(|record| {
                let properties = record["properties"].as_object().unwrap();
                let mut row: Row = properties
                    .iter()
                    .filter_map(|(name, value)| {
                        let data_type = landed.types.get(name)?;
                        Some((name.clone(), raw::from_json(value, data_type)?))
                    })
                    .collect();
                for (name, key) in [
                    ("id", "id"),
                    ("hs_record_created_at", "createdAt"),
                    ("hs_record_updated_at", "updatedAt"),
                    ("archived", "archived"),
                    ("archived_at", "archivedAt"),
                ] {
                    if let Some(data_type) = landed.types.get(name)
                        && let Some(value) = raw::from_json(&record[key], data_type)
                    {
                        row.insert(name.to_owned(), value);
                    }
                }
                (row["id"].clone(), row)
            })
            .filter(|(_, row)| is_live(row))
            .collect();
        let rows: Rows = landed.rows.into_iter().filter(|(_, row)| is_live(row)).collect();
        raw::assert_same(stream, &source, &rows);
        source.len()
    }

    fn compare_associations(&self, connection: &str, stream: &str) -> usize {
        let records = self
            .records(stream)
            .unwrap_or_else(|| panic!("the simulator has no associations `{stream}`"));
        let key = ["from_id", "to_id", "type_id"];
        let landed = self.runtime.block_on(raw::table(&self.lake(), connection, stream, &key));
        let text = |value: &serde_json::Value| raw::from_json(value, &DataType::Utf8);
        let source: Rows = records
            .iter()
            .map(|record| {
                let row: Row = ["from_id", "to_id", "type_id", "category", "label"]
                    .into_iter()
                    .filter_map(|name| Some((name.to_owned(), text(&record[name])?)))
                    .collect();
                (key.map(|name| row[name].clone()).join("|"), row)
            })
            .collect();
        raw::assert_same(stream, &source, &landed.rows);
        source.len()
    }

    /// The source cuts histories off, so not all of it is there to be landed; what is landed has
    /// to be true, and the newest value of each property has to be there.
    fn compare_history(
        &self,
        connection: &str,
        stream: &str,
        records: &[serde_json::Value],
    ) -> usize {
        let key = ["object_id", "property", "timestamp"];
        let landed = self.runtime.block_on(raw::table(&self.lake(), connection, stream, &key));
        let instant = DataType::Timestamp(TimeUnit::Microsecond, None);
        let source: BTreeMap<String, Option<String>> = records
            .iter()
            .map(|record| {
                let at = raw::from_json(&record["timestamp"], &instant).unwrap();
                let id = record["object_id"].as_str().unwrap();
                let property = record["property"].as_str().unwrap();
                let value = raw::from_json(&record["value"], &DataType::Utf8);
                (format!("{id}|{property}|{at}"), value)
            })
            .collect();
        for (key, row) in &landed.rows {
            let known = source.get(key).unwrap_or_else(|| panic!("{stream}: `{key}` never was"));
            assert_eq!(known.as_ref(), row.get("value"), "{stream}: {key}");
        }
        landed.rows.len()
    }
}

fn is_live(row: &Row) -> bool {
    let is = |name: &str| row.get(name).is_some_and(|value| value == "true");
    !is("isdeleted") && !is("archived")
}

/// The simulated company: its fiscal year begins in February.
const BUSINESS: &str = "company_name: Fernhill Systems
reporting_currency: USD
time_zone: UTC
fiscal_year:
  starts: february
";

const SALESFORCE_PIPELINE: &str = "description: Everything in the org.
extract:
  salesforce:
    connector: salesforce
    with:
      login_url: ${SALESFORCE_URL}
      auth:
        flow: client_credentials
        client_id: ${SALESFORCE_CLIENT_ID}
        client_secret: ${SALESFORCE_CLIENT_SECRET}
";

const HUBSPOT_PIPELINE: &str = "description: Everything in the portal.
extract:
  hubspot:
    connector: hubspot
    with:
      base_url: ${HUBSPOT_URL}
      census_every: 1d
      limits: {requests_per_ten_seconds: 1000000, searches_per_second: 1000000, pause: 0s}
      auth:
        token: ${HUBSPOT_TOKEN}
";
