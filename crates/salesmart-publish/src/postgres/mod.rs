//! PostgreSQL as a target: every release in one transaction.
//!
//! The way of a load: `plan` compares what the release has with what `control` says is there;
//! `stage` fills tables out of readers' sight by binary COPY over several connections; `swap` makes
//! everything visible at once. `shape` is what a table looks like there, `encode` turns batches
//! into bytes, `connect` and `tls` make connections, and `failure` says what errors mean.

pub mod config;
mod connect;
mod control;
mod encode;
mod failure;
mod plan;
mod shape;
mod sql;
mod stage;
mod swap;
mod tls;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use backon::BackoffBuilder;
use salesmart_core::receipt::{LoadedHow, TableLoad};
use salesmart_core::yaml::Node;
use salesmart_core::{Error, ErrorKind, Finding, ReleaseId, Result, TargetName};

use crate::{Loaded, Snapshot, Target, TargetKind};
use config::Settings;
use connect::Connection;
use control::Places;
use plan::{Plan, Way};
use stage::Staged;

/// What the rest of the house knows of this kind.
pub const KIND: TargetKind = TargetKind {
    name: "postgres",
    summary: "a PostgreSQL database, 13 or newer: all tables of a release in one transaction",
    example: include_str!("example.yml"),
    configure,
    schema,
};

/// The oldest version that is loaded, as `server_version_num` has it.
const OLDEST: i32 = 130_000;
/// The first wait before a lost connection is made anew, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A database that releases are loaded into.
#[derive(Debug)]
pub struct Postgres {
    settings: Settings,
    places: Places,
}

fn configure(_: &TargetName, node: &Node, root: &Path) -> Result<Arc<dyn Target>> {
    let settings = Settings::new(node, root)?;
    let places = Places::new(&settings);
    Ok(Arc::new(Postgres { settings, places }))
}

fn schema() -> serde_json::Value {
    schemars::schema_for!(config::PostgresConfig).to_value()
}

/// One attempt's outcome that later attempts add to.
#[derive(Default)]
struct Progress {
    before: Option<Option<ReleaseId>>,
    sent: std::collections::BTreeMap<String, stage::Sent>,
    replaced_texts: u64,
    notes: Vec<String>,
}

impl Progress {
    fn add(&mut self, staged: &Staged) {
        for (name, sent) in &staged.tables {
            let total = self.sent.entry(name.clone()).or_default();
            total.rows += sent.rows;
            total.bytes += sent.bytes;
            total.seconds += sent.seconds;
        }
        self.replaced_texts += staged.replaced_texts;
        self.notes.extend(staged.notes.iter().cloned());
    }
}

impl Postgres {
    /// One try over fresh connections.
    async fn attempt(&self, snapshot: &Snapshot, progress: &mut Progress) -> Result<Loaded> {
        let connection = Connection::open(&self.settings).await?;
        version(&connection).await?;
        self.places.make(&connection, self.settings.read_role.as_deref()).await?;
        self.places.lock(&connection, self.settings.give_up_after).await?;
        let state = self.places.state(&self.settings, &connection).await?;
        progress.before.get_or_insert(state.current);
        let plan = Plan::new(&self.settings, snapshot, &state).await?;
        let is_current = state.current == Some(snapshot.release.id)
            && state.run.as_deref() == Some(snapshot.release.run_id.as_str());
        if !(is_current && plan.is_done()) {
            plan::refuse(&self.settings, &plan, &connection).await?;
            let outcome = self.stage_and_swap(snapshot, &plan, &connection, progress).await;
            if let Err(error) = outcome {
                if failure::is_full(&error) {
                    // The room is the server's; an error here would hide the one that matters.
                    drop(stage::drop_all(&self.places, &connection).await);
                }
                return Err(swap::explained(error));
            }
        }
        Ok(loaded(&plan, progress, &connection).await)
    }

    async fn stage_and_swap(
        &self,
        snapshot: &Snapshot,
        plan: &Plan,
        connection: &Connection,
        progress: &mut Progress,
    ) -> Result<()> {
        let (settings, places) = (&self.settings, &self.places);
        let staged = stage::stage(settings, places, connection, &snapshot.lake, plan).await?;
        progress.add(&staged);
        swap::swap(settings, places, connection, snapshot, plan, &staged).await
    }
}

/// Refuses a server that is too old.
async fn version(connection: &Connection) -> Result<i32> {
    let rows = connection
        .rows("failed to ask the server", "select current_setting('server_version_num')::int", &[])
        .await?;
    let version: i32 = rows.first().map_or(0, |row| row.get(0));
    if version < OLDEST {
        return Err(Error::new(
            ErrorKind::TargetRefused,
            format!("the server is PostgreSQL {}", version / 10_000),
        )
        .with("expected", "13 or newer"));
    }
    Ok(version)
}

/// What was done to each table; also gives merged tables fresh statistics.
async fn loaded(plan: &Plan, progress: &mut Progress, connection: &Connection) -> Loaded {
    let mut result = Loaded {
        before: progress.before.flatten(),
        notes: std::mem::take(&mut progress.notes),
        ..Loaded::default()
    };
    for planned in &plan.tables {
        let sent = progress.sent.get(&planned.name).copied().unwrap_or_default();
        let how = match planned.way {
            // What an earlier attempt committed before its connection went is unchanged by now.
            Way::Unchanged if sent.rows == 0 => LoadedHow::Unchanged,
            Way::Unchanged | Way::Merge => LoadedHow::Merged,
            Way::Replace => LoadedHow::Whole,
            Way::Difference { .. } => LoadedHow::Difference,
        };
        if matches!(planned.way, Way::Merge | Way::Difference { .. }) {
            let analyze = format!("analyze {}", planned.there());
            if let Err(error) = connection.run("failed to gather statistics", &analyze).await {
                tracing::warn!(target: "publish", table = %planned.name, %error, "no fresh statistics");
            }
        }
        result.tables.push(TableLoad {
            table: planned.name.clone(),
            how,
            rows: planned.source.rows,
            sent: sent.rows,
            bytes: sent.bytes,
            seconds: sent.seconds,
        });
    }
    for name in &plan.removed {
        result.tables.push(TableLoad {
            table: name.clone(),
            how: LoadedHow::Removed,
            rows: 0,
            sent: 0,
            bytes: 0,
            seconds: 0.0,
        });
    }
    if progress.replaced_texts > 0 {
        result.notes.push(format!(
            "{} texts have the character U+0000, which PostgreSQL cannot hold: U+FFFD stands for it",
            progress.replaced_texts
        ));
    }
    result
}

#[async_trait]
impl Target for Postgres {
    async fn check(&self) -> Vec<Finding> {
        let settings = &self.settings;
        let connection = match Connection::open(settings).await {
            Ok(connection) => connection,
            Err(error) => return vec![Finding::bad(&settings.server(), &error)],
        };
        match look(settings, &connection).await {
            Ok(findings) => findings,
            Err(error) => vec![Finding::bad(&settings.server(), &error)],
        }
    }

    async fn holds(&self) -> Result<Option<ReleaseId>> {
        let connection = Connection::open(&self.settings).await?;
        if !self.places.are_there(&connection).await? {
            return Ok(None);
        }
        Ok(self.places.state(&self.settings, &connection).await?.current)
    }

    async fn load(&self, snapshot: &Snapshot) -> Result<Loaded> {
        let mut progress = Progress::default();
        let mut reconnects = 0;
        let mut since = Instant::now();
        let waits = || {
            backon::ExponentialBuilder::default()
                .with_min_delay(FIRST_WAIT)
                .with_max_delay(LONGEST_WAIT)
                .without_max_times()
                .build()
        };
        let mut waiting = waits();
        loop {
            let sent_before: u64 = progress.sent.values().map(|sent| sent.bytes).sum();
            let error = match self.attempt(snapshot, &mut progress).await {
                Ok(loaded) => return Ok(Loaded { reconnects, ..loaded }),
                Err(error) => error,
            };
            if progress.sent.values().map(|sent| sent.bytes).sum::<u64>() > sent_before {
                since = Instant::now();
                waiting = waits();
            }
            if !error.is_retryable() || since.elapsed() >= self.settings.give_up_after {
                return Err(match reconnects {
                    0 => error,
                    tries => error.with("tried again", format!("{tries} times")),
                });
            }
            reconnects += 1;
            let wait = waiting.next().unwrap_or(LONGEST_WAIT);
            tracing::warn!(target: "publish", server = %self.settings.server(), %error, wait_seconds = wait.as_secs_f64(), "connection lost, trying again");
            tokio::time::sleep(wait).await;
        }
    }
}

/// What `check --connections` says.
async fn look(settings: &Settings, connection: &Connection) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let version = version(connection).await?;
    let protected = match (settings.sslmode, settings.is_socket()) {
        (_, true) => "over a socket",
        (config::SslMode::Disable, _) => "in clear",
        _ => "over TLS",
    };
    findings.push(Finding::good(format!(
        "`{}` answers {protected} as PostgreSQL {}.{}",
        settings.server(),
        version / 10_000,
        version % 10_000
    )));
    let what = "failed to look at the database";
    let rows = connection
        .rows(what, "select has_database_privilege(current_database(), 'CREATE')", &[])
        .await?;
    findings.push(match rows.first().is_some_and(|row| row.get(0)) {
        true => Finding::good(format!("`{}` may make schemas", settings.user)),
        false => Finding::unmet(
            ErrorKind::Permission,
            format!("`{}` may not make schemas in `{}`", settings.user, settings.database),
            format!(
                "as its owner: `grant create on database {} to {}`",
                settings.database, settings.user
            ),
        ),
    });
    if let Some(role) = &settings.read_role {
        let rows =
            connection.rows(what, "select 1 from pg_roles where rolname = $1", &[role]).await?;
        findings.push(match rows.is_empty() {
            false => Finding::good(format!("the role `{role}` is there")),
            true => Finding::unmet(
                ErrorKind::Configuration,
                format!("there is no role `{role}`"),
                format!("make it: `create role {role}`, or take `read_role` out"),
            ),
        });
    }
    Ok(findings)
}
