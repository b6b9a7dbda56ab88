//! The one moment: everything that was staged becomes what readers see, in one transaction.
//!
//! Rows of tables that stay are exchanged by `delete` and `insert`, never by `truncate` or by
//! another table under the same name: a reader with an older snapshot goes on seeing all old rows,
//! waits for nobody, and views, grants and whatever else others hung on the table stay.

use std::time::Duration;

use salesmart_core::{Error, ErrorKind, Result};

use super::config::Settings;
use super::connect::Connection;
use super::control::Places;
use super::plan::{Plan, Planned, Way};
use super::shape::Shape;
use super::stage::{Staged, dropping, keys_table, rows_table};
use super::{failure, sql};
use crate::Snapshot;

/// How long readers may queue behind us at a time. It stays below PostgreSQL's `deadlock_timeout`
/// (a second): a reader that holds one of the tables and wants another would otherwise be ended.
const SHORT_LOCK: Duration = Duration::from_millis(400);
/// How long readers go ahead in between.
const PAUSE: Duration = Duration::from_millis(300);
/// Memory of one sort or hash of the exchange.
const WORK_MEMORY: &str = "64MB";

/// Makes the release visible.
pub(super) async fn swap(
    settings: &Settings,
    places: &Places,
    connection: &Connection,
    snapshot: &Snapshot,
    plan: &Plan,
    staged: &Staged,
) -> Result<()> {
    let begin = format!(
        "begin isolation level read committed; set local work_mem = '{WORK_MEMORY}'; \
         set local maintenance_work_mem = '{WORK_MEMORY}'"
    );
    connection.run("failed to begin", &begin).await?;
    let outcome = exchange(settings, places, connection, snapshot, plan, staged).await;
    if outcome.is_err() {
        // A connection that is gone has rolled back by itself.
        drop(connection.run("failed to roll back", "rollback").await);
    }
    outcome
}

async fn exchange(
    settings: &Settings,
    places: &Places,
    connection: &Connection,
    snapshot: &Snapshot,
    plan: &Plan,
    staged: &Staged,
) -> Result<()> {
    lock(settings, places, connection, plan).await?;
    let mut schemas: Vec<&str> = plan.tables.iter().map(|table| table.schema.as_str()).collect();
    schemas.dedup();
    for name in schemas {
        let schema = sql::name(name);
        // `if not exists` asks for the right to make schemas even where there is nothing to make.
        let there = connection
            .rows(
                "failed to look for a schema",
                "select 1 from pg_namespace where nspname = $1",
                &[&name],
            )
            .await?;
        if there.is_empty() {
            let what = format!("failed to make the schema {schema}");
            connection.run(&what, &format!("create schema {schema}")).await?;
        }
        if let Some(role) = &settings.read_role {
            let grant = format!("grant usage on schema {schema} to {}", sql::name(role));
            connection.run("failed to grant reading to `read_role`", &grant).await?;
        }
    }
    for name in &plan.removed {
        let (schema, table) = name.split_once('.').unwrap_or(("", name));
        let there = sql::qualified(&settings.schema(schema), table);
        let gone = format!(
            "drop table if exists {there}; delete from {} where table_name = {}",
            places.of("salesmart_table"),
            sql::text(name)
        );
        connection.run(&format!("failed to drop {there}"), &gone).await?;
    }
    for planned in &plan.tables {
        table(settings, places, connection, planned, staged)
            .await
            .map_err(|error| error.with("table", &planned.name))?;
        remember(places, connection, snapshot, planned).await?;
    }
    let release = &snapshot.release;
    let rows: u64 = plan.tables.iter().map(|table| table.source.rows).sum();
    let current = format!(
        "update {table} set is_current = false where is_current; \
         insert into {table} (release, as_of, released_at, pipeline, run_id, tables, rows, is_current) \
         values ({}, {}, {}, {}, {}, {}, {rows}, true); commit",
        sql::text(&release.id.to_string()),
        sql::text(&release.as_of.to_rfc3339()),
        sql::text(&release.created_at.to_rfc3339()),
        sql::text(&release.pipeline),
        sql::text(release.run_id.as_str()),
        plan.tables.len(),
        table = places.of("salesmart_release"),
    );
    connection.run("failed to commit the release", &current).await
}

/// Locks the tables whose columns change, all at once and only for as long as readers can wait.
async fn lock(
    settings: &Settings,
    places: &Places,
    connection: &Connection,
    plan: &Plan,
) -> Result<()> {
    let mut tables: Vec<String> = plan.locked().iter().map(|planned| planned.there()).collect();
    for name in &plan.removed {
        let (schema, table) = name.split_once('.').unwrap_or(("", name));
        tables.push(sql::qualified(&settings.schema(schema), table));
    }
    if tables.is_empty() {
        return Ok(());
    }
    // Who has read the name of the old release in its transaction reads the old tables too.
    tables.push(places.of("salesmart_release"));
    let what = "failed to lock the tables whose columns change";
    let begun = tokio::time::Instant::now();
    loop {
        let short = format!(
            "savepoint locks; set local lock_timeout = {}; lock table {} in access exclusive mode; \
             set local lock_timeout = {}",
            SHORT_LOCK.as_millis(),
            tables.join(", "),
            settings.lock_wait.as_millis(),
        );
        let Err(error) = connection.run(what, &short).await else { return Ok(()) };
        if !error.context().iter().any(|(_, fact)| fact.ends_with("(55P03)")) {
            return Err(error);
        }
        connection.run(what, "rollback to savepoint locks").await?;
        if begun.elapsed() >= settings.lock_wait {
            let holders = holders(connection, &tables).await?;
            return Err(error.with("held by", holders));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Who holds the tables.
async fn holders(connection: &Connection, tables: &[String]) -> Result<String> {
    let rows = connection
        .rows(
            "failed to ask who holds the tables",
            "select a.pid, coalesce(a.usename::text, '?'), coalesce(a.application_name, ''), \
                    coalesce(extract(epoch from now() - a.xact_start)::bigint, -1), \
                    string_agg(distinct l.relation::regclass::text, ', ') \
             from pg_locks l join pg_stat_activity a on a.pid = l.pid \
             where l.granted and a.pid <> pg_backend_pid() and l.locktype = 'relation' \
               and l.relation = any(select to_regclass(t)::oid from unnest($1::text[]) as t) \
             group by 1, 2, 3, 4 order by 4 desc",
            &[&tables],
        )
        .await?;
    let told: Vec<String> = rows
        .iter()
        .map(|row| {
            let (pid, user, program): (i32, String, String) = (row.get(0), row.get(1), row.get(2));
            let (seconds, relations): (i64, String) = (row.get(3), row.get(4));
            let program = if program.is_empty() { String::new() } else { format!(" ({program})") };
            let since = if seconds < 0 { String::new() } else { format!(" for {seconds} s") };
            format!("process {pid} of `{user}`{program} holds {relations}{since}")
        })
        .collect();
    Ok(if told.is_empty() { "nobody any more".to_owned() } else { told.join("; ") })
}

/// Brings one table to what the release has.
async fn table(
    settings: &Settings,
    places: &Places,
    connection: &Connection,
    planned: &Planned,
    staged: &Staged,
) -> Result<()> {
    let there = planned.there();
    let what = format!("failed to change {there}");
    let mut has_new_words =
        planned.before.as_ref().is_none_or(|before| before.words != planned.words);
    if planned.way == Way::Replace {
        let stage = rows_table(planned);
        let sent = staged.tables.get(&planned.name).copied().unwrap_or_default();
        expect_rows(planned, sent.staged)?;
        let renamed = format!(
            "drop table if exists {there}; alter table {from} rename to {table}; \
             alter table {renamed} set schema {schema}; {forget}",
            from = sql::qualified(&places.staging, &stage),
            table = sql::name(&planned.table),
            renamed = sql::qualified(&places.staging, &planned.table),
            schema = sql::name(&planned.schema),
            forget = dropping(places, &stage),
        );
        connection.run(&what, &renamed).await?;
        has_new_words = true;
    } else {
        let before = planned.before.as_ref().map_or(&planned.shape, |before| &before.shape);
        for statement in reshape_before(&there, &planned.schema, before, &planned.shape) {
            connection.run(&what, &statement).await?;
        }
        if planned.way != Way::Unchanged {
            rows(places, connection, planned).await?;
        }
        for statement in reshape_after(&there, before, &planned.shape) {
            connection.run(&what, &statement).await?;
        }
        has_new_words |= planned.is_reshaped();
    }
    if has_new_words {
        connection.run(&format!("failed to describe {there}"), &words(settings, planned)).await?;
    }
    Ok(())
}

fn expect_rows(planned: &Planned, found: u64) -> Result<()> {
    if found == planned.source.rows {
        return Ok(());
    }
    Err(Error::bug(format!(
        "`{}` would have {found} rows in the target, and has {} in the release",
        planned.name, planned.source.rows
    )))
}

/// Exchanges the rows that differ.
async fn rows(places: &Places, connection: &Connection, planned: &Planned) -> Result<()> {
    let live = planned.there();
    let stage = sql::qualified(&places.staging, &rows_table(planned));
    let what = format!("failed to exchange rows of {live}");
    let shape = &planned.shape;
    let columns = sql::names(shape.names());
    let before = planned.before.as_ref().map_or(0, |before| before.rows);
    let (deleted, inserted);
    if shape.key.is_empty() {
        deleted = connection.touch(&what, &format!("delete from {live}")).await?;
        let insert = format!("insert into {live} ({columns}) select {columns} from {stage}");
        inserted = connection.touch(&what, &insert).await?;
    } else {
        let same_key = |a: &str, b: &str| {
            let pairs: Vec<String> = shape
                .key
                .iter()
                .map(|column| format!("{a}.{c} = {b}.{c}", c = sql::name(column)))
                .collect();
            pairs.join(" and ")
        };
        let rest: Vec<&str> = shape
            .names()
            .into_iter()
            .filter(|name| !shape.key.iter().any(|key| key == name))
            .collect();
        let of = |alias: &str| {
            let all: Vec<String> =
                rest.iter().map(|column| format!("{alias}.{}", sql::name(column))).collect();
            all.join(", ")
        };
        let same_rest = match rest.is_empty() {
            true => String::new(),
            false => format!(" and row({}) is not distinct from row({})", of("l"), of("s")),
        };
        let stays =
            format!("exists (select 1 from {stage} s where {}{same_rest})", same_key("s", "l"));
        let delete = match planned.way {
            Way::Difference { .. } => {
                let keys = sql::qualified(&places.staging, &keys_table(planned));
                format!(
                    "delete from {live} l using {keys} d where {} and not {stays}",
                    same_key("l", "d")
                )
            }
            _ => format!("delete from {live} l where not {stays}"),
        };
        deleted = connection.touch(&what, &delete).await?;
        let insert = format!(
            "insert into {live} ({columns}) select {columns} from {stage} s \
             where not exists (select 1 from {live} l where {})",
            same_key("l", "s")
        );
        inserted = connection.touch(&what, &insert).await?;
    }
    let mut found = (before + inserted).saturating_sub(deleted);
    if found != planned.source.rows {
        // Somebody else has changed the table since; what counts is what is there now.
        let count = connection.rows(&what, &format!("select count(*) from {live}"), &[]).await?;
        found = count.first().map_or(0, |row| u64::try_from(row.get::<_, i64>(0)).unwrap_or(0));
    }
    if found != planned.source.rows {
        return Err(Error::new(
            ErrorKind::TargetRefused,
            format!("rows of {live} were changed by somebody else"),
        )
        .with("rows", format!("{found} instead of {}", planned.source.rows))
        .with_hint(format!("`drop table {live}`, then publish again: it is loaded whole")));
    }
    connection.run(&what, &dropping(places, &rows_table(planned))).await?;
    if matches!(planned.way, Way::Difference { .. }) {
        connection.run(&what, &dropping(places, &keys_table(planned))).await?;
    }
    Ok(())
}

/// What goes before the rows come: constraints that no longer hold, columns that are gone, new
/// columns, empty.
fn reshape_before(there: &str, schema: &str, before: &Shape, now: &Shape) -> Vec<String> {
    let mut statements = Vec::new();
    let alter = |what: String| format!("alter table {there} {what}");
    for check in before.checks.iter().filter(|check| !now.checks.contains(check)) {
        statements.push(alter(format!("drop constraint if exists {}", sql::name(&check.name))));
    }
    if !before.key.is_empty() && before.key != now.key {
        statements
            .push(alter(format!("drop constraint if exists {}", sql::name(&before.key_name))));
    }
    for index in before.indexes.iter().filter(|index| !now.indexes.contains(index)) {
        statements.push(format!("drop index if exists {}", sql::qualified(schema, &index.name)));
    }
    for column in before.columns.iter().filter(|column| column.not_null) {
        if now.column(&column.name).is_some_and(|now| !now.not_null) {
            statements
                .push(alter(format!("alter column {} drop not null", sql::name(&column.name))));
        }
    }
    for column in now.dropped(before) {
        statements.push(alter(format!("drop column {}", sql::name(&column.name))));
    }
    for column in now.widened(before) {
        statements.push(alter(format!(
            "alter column {} type {}",
            sql::name(&column.name),
            column.sql_type
        )));
    }
    for column in now.columns.iter().filter(|column| before.column(&column.name).is_none()) {
        statements.push(alter(format!(
            "add column {} {}",
            sql::name(&column.name),
            column.sql_type
        )));
    }
    statements
}

/// What comes when the rows are there.
fn reshape_after(there: &str, before: &Shape, now: &Shape) -> Vec<String> {
    let mut statements = Vec::new();
    let alter = |what: String| format!("alter table {there} {what}");
    for column in now.columns.iter().filter(|column| column.not_null) {
        if before.column(&column.name).is_none_or(|before| !before.not_null) {
            statements
                .push(alter(format!("alter column {} set not null", sql::name(&column.name))));
        }
    }
    for check in now.checks.iter().filter(|check| !before.checks.contains(check)) {
        statements.push(alter(format!(
            "add constraint {} check ({})",
            sql::name(&check.name),
            check.expression
        )));
    }
    if before.key != now.key {
        statements.extend(now.add_key(there));
    }
    for index in now.indexes.iter().filter(|index| !before.indexes.contains(index)) {
        statements.push(index.create(there));
    }
    statements
}

/// Comments and grants.
fn words(settings: &Settings, planned: &Planned) -> String {
    let there = planned.there();
    let mut statements = Vec::new();
    let comment = |text: &str| match text.is_empty() {
        true => "null".to_owned(),
        false => sql::text(text),
    };
    statements
        .push(format!("comment on table {there} is {}", comment(&planned.contract.description)));
    for column in &planned.shape.columns {
        let doc = planned.contract.column(&column.name).map_or("", |promise| promise.doc.as_str());
        statements.push(format!(
            "comment on column {there}.{} is {}",
            sql::name(&column.name),
            comment(doc)
        ));
    }
    if let Some(role) = &settings.read_role {
        statements.push(format!("grant select on {there} to {}", sql::name(role)));
    }
    statements.join("; ")
}

/// Notes what a table was loaded from.
async fn remember(
    places: &Places,
    connection: &Connection,
    snapshot: &Snapshot,
    planned: &Planned,
) -> Result<()> {
    let note = format!(
        "insert into {table} as t (table_name, version, files, rows, shape, words, changed_by) \
         values ({name}, {version}, {files}, {rows}, {shape}, {words}, {release}) \
         on conflict (table_name) do update set version = excluded.version, files = excluded.files, \
         rows = excluded.rows, shape = excluded.shape, words = excluded.words, \
         changed_by = case when t.files = excluded.files then t.changed_by else excluded.changed_by end",
        table = places.of("salesmart_table"),
        name = sql::text(&planned.name),
        version = planned.source.version,
        files = sql::text(&planned.files),
        rows = planned.source.rows,
        shape = sql::text(&planned.shape.to_text()),
        words = sql::text(&planned.words),
        release = sql::text(&snapshot.release.id.to_string()),
    );
    connection.run("failed to note what is loaded", &note).await
}

/// Says why nothing was changed when the exchange failed by what the release holds.
pub(super) fn explained(error: Error) -> Error {
    let constraint = ["(23502)", "(23505)", "(23514)"];
    let breaks =
        error.context().iter().any(|(_, fact)| constraint.iter().any(|code| fact.ends_with(code)));
    if breaks && error.kind() == ErrorKind::TargetRefused {
        return error.with_hint(
            "the rows of this release break what the model promises now: run the pipeline, so that the release is checked against it",
        );
    }
    if failure::is_full(&error) {
        return error.with_state("what was staged is gone, what readers see did not change");
    }
    error
}
