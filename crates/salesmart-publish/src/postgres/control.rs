//! What the target keeps about itself: which release it holds, which version of each table, and
//! what is staged.
//!
//! ```text
//! salesmart.salesmart_release     one row a load; `is_current` marks what readers see
//! salesmart.salesmart_table       the tables that are loaded, with what they were loaded from
//! salesmart.salesmart_stage       tables that are being filled, out of readers' sight
//! salesmart.salesmart_stage_part  the parts of them that are complete
//! ```

use std::collections::{BTreeMap, BTreeSet};

use salesmart_core::{Error, ErrorKind, ReleaseId, Result};

use super::config::Settings;
use super::connect::Connection;
use super::shape::Shape;
use super::sql;

/// The schema of the tables that say what is loaded.
const CONTROL: &str = "salesmart";
/// The schema of what is being filled.
const STAGING: &str = "salesmart_load";

/// The places of ours in the database.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) control: String,
    pub(super) staging: String,
}

/// A table that is loaded.
#[derive(Clone, Debug)]
pub(super) struct LoadedTable {
    /// The version of the table in the lake.
    pub(super) version: u64,
    /// The fingerprint of its files.
    pub(super) files: String,
    pub(super) rows: u64,
    pub(super) shape: Shape,
    /// The fingerprint of its comments and grants.
    pub(super) words: String,
}

/// What is there.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) current: Option<ReleaseId>,
    /// The run that made the current release: another lake has the same ids.
    pub(super) run: Option<String>,
    pub(super) tables: BTreeMap<String, LoadedTable>,
}

impl Places {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { control: settings.schema(CONTROL), staging: settings.schema(STAGING) }
    }

    /// One of the control tables.
    pub(super) fn of(&self, table: &str) -> String {
        sql::qualified(&self.control, table)
    }

    /// Makes what is not there.
    pub(super) async fn make(&self, connection: &Connection, role: Option<&str>) -> Result<()> {
        let (control, staging) = (sql::name(&self.control), sql::name(&self.staging));
        let (release, table) = (self.of("salesmart_release"), self.of("salesmart_table"));
        let (stage, part) = (self.of("salesmart_stage"), self.of("salesmart_stage_part"));
        let there = connection
            .rows(
                "failed to look at the database",
                "select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                 where n.nspname = $1 and c.relname = 'salesmart_stage_part'",
                &[&self.control],
            )
            .await?;
        if there.is_empty() {
            let made = format!(
                "begin;
                 create schema if not exists {control};
                 create schema if not exists {staging};
                 create table if not exists {release} (
                     load_id bigint generated always as identity primary key,
                     release text not null,
                     as_of timestamp with time zone not null,
                     released_at timestamp with time zone not null,
                     pipeline text not null,
                     run_id text not null,
                     loaded_at timestamp with time zone not null default now(),
                     tables bigint not null,
                     rows bigint not null,
                     is_current boolean not null);
                 create unique index if not exists salesmart_release_current
                     on {release} (is_current) where is_current;
                 comment on table {release} is 'One row a load of a release; is_current marks the one that all tables show now.';
                 create table if not exists {table} (
                     table_name text primary key, version bigint not null, files text not null,
                     rows bigint not null, shape text not null, words text not null,
                     changed_by text not null);
                 comment on table {table} is 'The tables that Salesmart loads, each with what it was loaded from.';
                 create table if not exists {stage} (
                     stage text primary key, table_name text not null, fingerprint text not null,
                     finished boolean not null default false);
                 create table if not exists {part} (
                     stage text not null, part bigint not null, rows bigint not null,
                     bytes bigint not null, primary key (stage, part));
                 commit"
            );
            if let Err(error) =
                connection.run("failed to make the tables that say what is loaded", &made).await
            {
                // The error stands; the transaction must not.
                drop(connection.run("failed to roll back", "rollback").await);
                return Err(error);
            }
        }
        if let Some(role) = role {
            let grant = format!(
                "grant usage on schema {control} to {role}; grant select on {release} to {role}",
                role = sql::name(role)
            );
            connection.run("failed to grant reading to `read_role`", &grant).await?;
        }
        Ok(())
    }

    /// What is loaded. A table that somebody dropped is not.
    pub(super) async fn state(
        &self,
        settings: &Settings,
        connection: &Connection,
    ) -> Result<State> {
        let what = "failed to read what is loaded";
        let mut state = State::default();
        let current = format!(
            "select release, run_id from {} where is_current",
            self.of("salesmart_release")
        );
        if let Some(row) = connection.rows(what, &current, &[]).await?.first() {
            let release: String = row.get(0);
            state.current = release.parse().ok();
            state.run = Some(row.get(1));
        }
        let tables = format!(
            "select table_name, version, files, rows, shape, words from {}",
            self.of("salesmart_table")
        );
        let there: BTreeSet<(String, String)> = connection
            .rows(
                what,
                "select n.nspname::text, c.relname::text from pg_class c \
                 join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r'",
                &[],
            )
            .await?
            .iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect();
        for row in connection.rows(what, &tables, &[]).await? {
            let name: String = row.get(0);
            let (schema, table) = name.split_once('.').unwrap_or(("", &name));
            if !there.contains(&(settings.schema(schema), table.to_owned())) {
                continue;
            }
            let (version, rows): (i64, i64) = (row.get(1), row.get(3));
            let shape: String = row.get(4);
            let shape = Shape::from_text(&shape).ok_or_else(|| {
                Error::new(
                    ErrorKind::TargetRefused,
                    format!("the target was loaded by a version of Salesmart that this one does not know (table `{name}`)"),
                )
                .with_hint("load it with the newer version")
            })?;
            let loaded = LoadedTable {
                version: u64::try_from(version).unwrap_or(0),
                files: row.get(2),
                rows: u64::try_from(rows).unwrap_or(0),
                shape,
                words: row.get(5),
            };
            state.tables.insert(name, loaded);
        }
        Ok(state)
    }

    /// Whether anything was ever loaded here.
    pub(super) async fn are_there(&self, connection: &Connection) -> Result<bool> {
        let rows = connection
            .rows(
                "failed to look at the database",
                "select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                 where n.nspname = $1 and c.relname = 'salesmart_release'",
                &[&self.control],
            )
            .await?;
        Ok(!rows.is_empty())
    }

    /// Takes the right to load, which one session has at a time.
    pub(super) async fn lock(
        &self,
        connection: &Connection,
        wait: std::time::Duration,
    ) -> Result<()> {
        let key =
            i64::from_str_radix(&sql::hash(&format!("salesmart load {}", self.control))[..15], 16)
                .unwrap_or(1);
        let begun = tokio::time::Instant::now();
        loop {
            let rows = connection
                .rows(
                    "failed to ask for the right to load",
                    "select pg_try_advisory_lock($1)",
                    &[&key],
                )
                .await?;
            if rows.first().is_some_and(|row| row.get(0)) {
                return Ok(());
            }
            if begun.elapsed() >= wait {
                return Err(Error::new(
                    ErrorKind::TargetRefused,
                    "another session is loading this database",
                )
                .with_hint("let it finish, then publish again; `select * from pg_locks where locktype = 'advisory'` shows it"));
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    }
}
