//! Filling tables out of readers' sight: several connections, part by part, each part and the note
//! that it is complete in one transaction. What is complete stays when a load ends early, and the
//! next one does not send it again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{StreamExt, TryStreamExt};
use futures::{FutureExt, SinkExt, pin_mut};
use salesmart_core::{Error, Result};
use salesmart_lake::{DataFile, Lake};

use super::config::{LONGEST_NAME, Settings};
use super::connect::Connection;
use super::control::Places;
use super::encode::{Encoder, nullable};
use super::plan::{Plan, Planned, Way};
use super::{failure, sql};
use crate::rows::{Piece, parts, read, some_columns};

/// Rows that are sent in one transaction: what is lost when a connection is.
const ROWS_A_PART: u64 = 250_000;
/// Encoded batches that wait for the network.
const AHEAD: usize = 4;

/// A table that is filled.
struct Filled<'a> {
    planned: &'a Planned,
    stage: String,
    fingerprint: String,
    create: String,
    schema: SchemaRef,
    files: &'a [DataFile],
    /// Whether it becomes the table itself, and so must survive a crash of the server.
    logged: bool,
    finish: Vec<String>,
    /// What may be left out where an index cannot hold the values.
    indexes: Vec<String>,
}

/// What was sent for one table of the release.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) seconds: f64,
    /// Rows that are staged, those of earlier attempts too.
    pub(super) staged: u64,
}

/// What staging did, by table.
#[derive(Debug, Default)]
pub(super) struct Staged {
    pub(super) tables: BTreeMap<String, Sent>,
    pub(super) replaced_texts: u64,
    pub(super) notes: Vec<String>,
}

/// The staged rows of a table.
pub(super) fn rows_table(planned: &Planned) -> String {
    let fingerprint = planned.fingerprint();
    let longest = LONGEST_NAME - fingerprint.len() - 3;
    let name = planned.name.replace('.', "_");
    format!("{}_r_{fingerprint}", sql::short(&name, longest))
}

/// The staged keys of a table's rows that go.
pub(super) fn keys_table(planned: &Planned) -> String {
    rows_table(planned).replace("_r_", "_k_")
}

fn filled<'a>(places: &Places, planned: &'a Planned) -> Vec<Filled<'a>> {
    let rows = rows_table(planned);
    let there = sql::qualified(&places.staging, &rows);
    let schema = nullable(&planned.source.schema);
    let analyze = format!("analyze {there}");
    match &planned.way {
        Way::Unchanged => Vec::new(),
        Way::Replace => vec![Filled {
            planned,
            fingerprint: planned.fingerprint(),
            create: planned.shape.create(&there, true, true),
            schema,
            files: &planned.source.files,
            logged: true,
            finish: vec![analyze],
            indexes: planned
                .shape
                .add_key(&there)
                .into_iter()
                .chain(planned.shape.indexes.iter().map(|index| index.create(&there)))
                .collect(),
            stage: rows,
        }],
        Way::Merge => vec![Filled {
            planned,
            fingerprint: planned.fingerprint(),
            create: planned.shape.create(&there, false, false),
            schema,
            files: &planned.source.files,
            logged: false,
            finish: vec![analyze],
            indexes: Vec::new(),
            stage: rows,
        }],
        Way::Difference { removed, added } => {
            let keys = keys_table(planned);
            let keys_there = sql::qualified(&places.staging, &keys);
            let columns: Vec<String> = planned
                .shape
                .key
                .iter()
                .filter_map(|name| planned.shape.column(name))
                .map(|column| format!("{} {}", sql::name(&column.name), column.sql_type))
                .collect();
            vec![
                Filled {
                    planned,
                    fingerprint: planned.fingerprint(),
                    create: planned.shape.create(&there, false, false),
                    schema: Arc::clone(&schema),
                    files: added,
                    logged: false,
                    finish: vec![analyze],
                    indexes: Vec::new(),
                    stage: rows,
                },
                Filled {
                    planned,
                    fingerprint: planned.fingerprint(),
                    create: format!("create unlogged table {keys_there} ({})", columns.join(", ")),
                    schema: some_columns(&schema, &planned.shape.key),
                    files: removed,
                    logged: false,
                    finish: vec![format!("analyze {keys_there}")],
                    indexes: Vec::new(),
                    stage: keys,
                },
            ]
        }
    }
}

/// One part that is still to be sent.
struct Part<'a> {
    of: &'a Filled<'a>,
    number: usize,
    pieces: Vec<Piece>,
}

/// A part that was sent: of what, how much, and the texts in which a character was replaced.
type Outcome<'a> = (&'a Filled<'a>, Sent, u64);

/// Connections that wait for work.
struct Pool<'a> {
    settings: &'a Settings,
    idle: Mutex<Vec<Connection>>,
}

impl Pool<'_> {
    async fn take(&self) -> Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(connection) = idle {
            return Ok(connection);
        }
        let connection = Connection::open(self.settings).await?;
        // What is staged and lost with the server is staged again, note and rows together.
        connection.run("failed to set up the session", "set synchronous_commit = off").await?;
        Ok(connection)
    }

    fn give_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

/// Fills what the plan needs.
pub(super) async fn stage(
    settings: &Settings,
    places: &Places,
    connection: &Connection,
    lake: &Lake,
    plan: &Plan,
) -> Result<Staged> {
    let wanted: Vec<Filled<'_>> =
        plan.tables.iter().flat_map(|planned| filled(places, planned)).collect();
    let complete = prepare(places, connection, &wanted).await?;
    let mut staged = Staged::default();
    let mut todo = Vec::new();
    for of in &wanted {
        let sent = staged.tables.entry(of.planned.name.clone()).or_default();
        if of.files.is_empty() {
            continue;
        }
        for (number, pieces) in parts(lake, of.files, ROWS_A_PART).await?.into_iter().enumerate() {
            match complete.get(&(of.stage.clone(), number)) {
                Some(rows) if of.stage == rows_table(of.planned) => sent.staged += rows,
                Some(_) => {}
                None => todo.push(Part { of, number, pieces }),
            }
        }
    }
    let pool = Pool { settings, idle: Mutex::default() };
    // Boxed one by one: a closure that makes them would have to hold for every lifetime.
    let mut sending: Vec<BoxFuture<'_, Result<Outcome<'_>>>> = Vec::new();
    for part in todo {
        sending.push(send(&pool, places, lake, part).boxed());
    }
    let outcomes: Vec<Outcome<'_>> =
        futures::stream::iter(sending).buffer_unordered(settings.streams).try_collect().await?;
    for (of, sent, replaced) in outcomes {
        let total = staged.tables.entry(of.planned.name.clone()).or_default();
        total.rows += sent.rows;
        total.bytes += sent.bytes;
        total.seconds += sent.seconds;
        if of.stage == rows_table(of.planned) {
            total.staged += sent.rows;
        }
        staged.replaced_texts += replaced;
    }
    let finished: BTreeSet<String> = finished(places, connection).await?;
    let mut finishing: Vec<BoxFuture<'_, Result<Vec<String>>>> = Vec::new();
    for of in &wanted {
        if !finished.contains(&of.stage) {
            finishing.push(finish(&pool, places, of).boxed());
        }
    }
    let notes: Vec<Vec<String>> =
        futures::stream::iter(finishing).buffer_unordered(settings.streams).try_collect().await?;
    staged.notes = notes.into_iter().flatten().collect();
    Ok(staged)
}

async fn finished(places: &Places, connection: &Connection) -> Result<BTreeSet<String>> {
    let rows = connection
        .rows(
            "failed to read what is staged",
            &format!("select stage from {} where finished", places.of("salesmart_stage")),
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Makes the tables that are not there, drops those that nobody fills any more, and says which
/// parts are complete, with their rows.
async fn prepare(
    places: &Places,
    connection: &Connection,
    wanted: &[Filled<'_>],
) -> Result<BTreeMap<(String, usize), u64>> {
    let what = "failed to read what is staged";
    let (stages, all_parts) = (places.of("salesmart_stage"), places.of("salesmart_stage_part"));
    let mut there: BTreeMap<String, String> = BTreeMap::new();
    for row in
        connection.rows(what, &format!("select stage, fingerprint from {stages}"), &[]).await?
    {
        there.insert(row.get(0), row.get(1));
    }
    let mut complete: BTreeMap<(String, usize), u64> = BTreeMap::new();
    for row in
        connection.rows(what, &format!("select stage, part, rows from {all_parts}"), &[]).await?
    {
        let (part, rows): (i64, i64) = (row.get(1), row.get(2));
        complete.insert(
            (row.get(0), usize::try_from(part).unwrap_or(0)),
            u64::try_from(rows).unwrap_or(0),
        );
    }
    let mut keep = BTreeSet::new();
    for of in wanted {
        if there.get(&of.stage) != Some(&of.fingerprint) {
            continue;
        }
        let rows: u64 = complete
            .iter()
            .filter(|((stage, _), _)| *stage == of.stage)
            .map(|(_, rows)| rows)
            .sum();
        let table = sql::qualified(&places.staging, &of.stage);
        let exists = connection
            .rows(what, "select to_regclass($1) is not null", &[&table])
            .await?
            .first()
            .is_some_and(|row| row.get(0));
        // A server that crashed has emptied its unlogged tables.
        let has_rows = exists
            && (of.logged
                || rows == 0
                || !connection
                    .rows(what, &format!("select 1 from {table} limit 1"), &[])
                    .await?
                    .is_empty());
        if has_rows {
            keep.insert(of.stage.clone());
        }
    }
    for stage in there.keys().filter(|stage| !keep.contains(*stage)) {
        complete.retain(|(of, _), _| of != stage);
        drop_stage(places, connection, stage).await?;
    }
    for of in wanted {
        if keep.contains(&of.stage) {
            continue;
        }
        let made = format!(
            "begin; drop table if exists {table}; {create}; \
             insert into {stages} (stage, table_name, fingerprint) values ({stage}, {name}, {fingerprint}); \
             commit",
            table = sql::qualified(&places.staging, &of.stage),
            create = of.create,
            stage = sql::text(&of.stage),
            name = sql::text(&of.planned.name),
            fingerprint = sql::text(&of.fingerprint),
        );
        let what = format!("failed to make the table that `{}` is staged in", of.planned.name);
        if let Err(error) = connection.run(&what, &made).await {
            drop(connection.run("failed to roll back", "rollback").await);
            return Err(error);
        }
    }
    Ok(complete)
}

/// Forgets a staged table.
pub(super) async fn drop_stage(
    places: &Places,
    connection: &Connection,
    stage: &str,
) -> Result<()> {
    connection.run("failed to drop a staged table", &dropping(places, stage)).await
}

/// The statements that forget a staged table.
pub(super) fn dropping(places: &Places, stage: &str) -> String {
    format!(
        "drop table if exists {}; delete from {} where stage = {name}; delete from {} where stage = {name}",
        sql::qualified(&places.staging, stage),
        places.of("salesmart_stage_part"),
        places.of("salesmart_stage"),
        name = sql::text(stage),
    )
}

/// Forgets everything that is staged: a full disk is not ours to fill.
pub(super) async fn drop_all(places: &Places, connection: &Connection) -> Result<()> {
    let rows = connection
        .rows(
            "failed to read what is staged",
            &format!("select stage from {}", places.of("salesmart_stage")),
            &[],
        )
        .await?;
    for row in rows {
        drop_stage(places, connection, &row.get::<_, String>(0)).await?;
    }
    Ok(())
}

/// Sends one part.
async fn send<'a>(
    pool: &Pool<'_>,
    places: &Places,
    lake: &Lake,
    part: Part<'a>,
) -> Result<Outcome<'a>> {
    let begun = Instant::now();
    let connection = pool.take().await?;
    let of = part.of;
    let what = format!("failed to send rows of `{}`", of.planned.name);
    let named = |error: Error| error.with("table", &of.planned.name);
    let columns = sql::names(of.schema.fields().iter().map(|field| field.name().as_str()));
    let copy = format!(
        "copy {} ({columns}) from stdin (format binary)",
        sql::qualified(&places.staging, &of.stage)
    );
    connection.run(&what, "begin").await.map_err(named)?;
    let sink = connection
        .client
        .copy_in::<_, Bytes>(&copy)
        .await
        .map_err(|e| named(connection.failed(&what, e)))?;
    pin_mut!(sink);
    // Reading and encoding have a core of their own while the network and the server have theirs.
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Bytes>(AHEAD);
    let schema = Arc::clone(&of.schema);
    let mut batches = read(lake, part.pieces, Arc::clone(&of.schema));
    let encoding = async move {
        let mut encoder = Encoder::new(&schema)?;
        let mut rows = 0;
        while let Some(batch) = batches.try_next().await? {
            rows += batch.num_rows() as u64;
            let bytes = encoder.batch(&batch)?;
            if sender.send(bytes).await.is_err() {
                return Ok((rows, encoder.replaced));
            }
        }
        let replaced = encoder.replaced;
        // A receiver that is gone has an error of its own.
        drop(sender.send(encoder.end()?).await);
        Ok::<_, Error>((rows, replaced))
    };
    let encoding = tokio::spawn(encoding);
    let mut bytes = 0;
    let mut sending = Ok(());
    while let Some(chunk) = receiver.recv().await {
        bytes += chunk.len() as u64;
        if let Err(error) = sink.feed(chunk).await {
            sending = Err(named(connection.failed(&what, error)));
            break;
        }
    }
    drop(receiver);
    let encoded = encoding.await.map_err(|e| Error::bug("encoding panicked").with_source(e))?;
    sending?;
    // An error of the lake ends the connection, and with it the transaction.
    let (rows, replaced) = encoded?;
    let written = sink.finish().await.map_err(|e| named(connection.failed(&what, e)))?;
    if written != rows {
        return Err(Error::bug(format!(
            "the server took {written} of {rows} rows of `{}`",
            of.planned.name
        )));
    }
    let note = format!(
        "insert into {} (stage, part, rows, bytes) values ({}, {}, {rows}, {bytes}); commit",
        places.of("salesmart_stage_part"),
        sql::text(&of.stage),
        part.number,
    );
    connection.run(&what, &note).await.map_err(named)?;
    pool.give_back(connection);
    let sent = Sent { rows, bytes, seconds: begun.elapsed().as_secs_f64(), staged: 0 };
    Ok((of, sent, replaced))
}

/// Ends the filling of a table: key, indexes, statistics.
async fn finish(pool: &Pool<'_>, places: &Places, of: &Filled<'_>) -> Result<Vec<String>> {
    let connection = pool.take().await?;
    let what = format!("failed to index `{}`", of.planned.name);
    let mut notes = Vec::new();
    connection.run(&what, "begin").await?;
    for index in &of.indexes {
        connection.run(&what, "savepoint one").await?;
        match connection.run(&what, index).await {
            Ok(()) => {}
            Err(error) if failure::is_too_long(&error) => {
                connection.run(&what, "rollback to savepoint one").await?;
                notes.push(format!(
                    "`{}` has values that are too long for an index, so it goes without: {index}",
                    of.planned.name
                ));
            }
            Err(error) => return Err(error.with("table", &of.planned.name)),
        }
    }
    for statement in &of.finish {
        connection.run(&what, statement).await?;
    }
    let done = format!(
        "update {} set finished = true where stage = {}; commit",
        places.of("salesmart_stage"),
        sql::text(&of.stage)
    );
    connection.run(&what, &done).await?;
    pool.give_back(connection);
    Ok(notes)
}
