//! Leases: one writer at a time, on stores that offer no lock.
//!
//! A lease is a row of epoch documents, `leases/<name>/<epoch>.json`. Whoever creates the next
//! epoch holds it, and the epoch is the fencing number. The holder writes a heartbeat into its own
//! document; a lease whose heart has stopped (or whose process is known to be dead on this
//! machine) is taken over by creating the epoch after it. A holder that finds a later epoch has
//! lost the lease and must stop.

#![expect(
    clippy::disallowed_methods,
    reason = "a heartbeat is about the present moment, wherever the figures are as of"
)]

use std::time::Duration;

use chrono::{DateTime, Utc};
use salesmart_core::{Error, ErrorKind, Result, RunId};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::Lake;

/// How often the holder shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long after the last heartbeat a lease counts as abandoned.
const ABANDONED_AFTER: chrono::TimeDelta = chrono::TimeDelta::seconds(90);
/// How many past epochs stay to be looked at.
const KEPT_EPOCHS: u64 = 20;

/// What an epoch document says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// The run that holds the lease.
    pub run_id: RunId,
    /// The machine it runs on.
    pub host: String,
    /// Its process there.
    pub pid: u32,
    /// When that process started, in the machine's own ticks: process ids are used again.
    pub process_started: Option<u64>,
    /// When the lease was taken.
    pub acquired_at: DateTime<Utc>,
    /// The last sign of life.
    pub heartbeat_at: DateTime<Utc>,
    /// Whether it was given back.
    pub released: bool,
}

impl LeaseRecord {
    fn new(run_id: &RunId, now: DateTime<Utc>) -> Self {
        let pid = std::process::id();
        Self {
            run_id: run_id.clone(),
            host: host(),
            pid,
            process_started: process_started(pid),
            acquired_at: now,
            heartbeat_at: now,
            released: false,
        }
    }

    /// Whether nobody holds it any more.
    fn is_free(&self, now: DateTime<Utc>) -> bool {
        self.released || now - self.heartbeat_at > ABANDONED_AFTER || self.holder_is_dead()
    }

    /// Whether the holder was a process of this machine that is gone. A holder elsewhere, or on a
    /// system without `/proc`, is judged by its heartbeat alone.
    fn holder_is_dead(&self) -> bool {
        self.host == host()
            && self.process_started.is_some()
            && process_started(self.pid) != self.process_started
    }
}

/// The machine's name with the id of its present boot: a process id means nothing beyond either.
fn host() -> String {
    let read = |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned());
    let name = read("/proc/sys/kernel/hostname")
        .or_else(|_| std::env::var("HOSTNAME"))
        .unwrap_or_else(|_| "unknown".to_owned());
    match read("/proc/sys/kernel/random/boot_id") {
        Ok(boot) => format!("{name}/{boot}"),
        Err(_) => name,
    }
}

/// The start time of a process in clock ticks since boot (`man 5 proc`, field 22 of `stat`).
pub(crate) fn process_started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name, in parentheses, may hold spaces; what follows it does not.
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace();
    // A zombie has ended, even if nobody has collected it yet.
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// A lease that is held. Dropped without [`Lease::release`], it is free once its process has ended
/// or its heartbeat is old.
#[derive(Debug)]
pub struct Lease {
    lake: Lake,
    name: String,
    epoch: u64,
    pub(crate) record: LeaseRecord,
    heart: JoinHandle<()>,
}

fn epoch_path(name: &str, epoch: u64) -> String {
    format!("leases/{name}/{epoch:010}.json")
}

async fn last_epoch(lake: &Lake, name: &str) -> Result<u64> {
    let names = lake.list_json(&format!("leases/{name}")).await?;
    Ok(names.last().and_then(|name| name.parse().ok()).unwrap_or(0))
}

impl Lake {
    /// Takes a lease, or says who holds it.
    ///
    /// # Errors
    /// [`ErrorKind::LeaseHeld`] while another run holds it; otherwise when the store fails.
    pub async fn acquire_lease(&self, name: &str, run_id: &RunId) -> Result<Lease> {
        let last = last_epoch(self, name).await?;
        let now = Utc::now();
        if last > 0
            && let Some(record) = self.get_json::<LeaseRecord>(&epoch_path(name, last)).await?
        {
            if !record.is_free(now) {
                return Err(held(name, &record));
            }
            if !record.released {
                tracing::warn!(target: "lake", lease = name, "taking over from run {}, which ended without giving its lease back", record.run_id);
            }
        }
        let epoch = last + 1;
        let record = LeaseRecord::new(run_id, now);
        if !self.create_json(&epoch_path(name, epoch), &record).await? {
            let winner = self.get_json::<LeaseRecord>(&epoch_path(name, epoch)).await?;
            return Err(held(name, &winner.unwrap_or(record)));
        }
        if epoch > KEPT_EPOCHS {
            self.remove_folder(&epoch_path(name, epoch - KEPT_EPOCHS)).await?;
        }
        let heart = tokio::spawn(beat(self.clone(), epoch_path(name, epoch), record.clone()));
        Ok(Lease { lake: self.clone(), name: name.to_owned(), epoch, record, heart })
    }
}

impl Lake {
    /// Who holds a lease now, `None` where nobody does.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn lease_holder(&self, name: &str) -> Result<Option<LeaseRecord>> {
        let last = last_epoch(self, name).await?;
        let record = match last {
            0 => None,
            _ => self.get_json::<LeaseRecord>(&epoch_path(name, last)).await?,
        };
        Ok(record.filter(|record| !record.is_free(Utc::now())))
    }
}

fn held(name: &str, record: &LeaseRecord) -> Error {
    Error::new(ErrorKind::LeaseHeld, format!("`{name}` is being run by {}", record.run_id))
        .with("host", &record.host)
        .with("process", record.pid)
        .with("last sign of life", record.heartbeat_at.format("%Y-%m-%dT%H:%M:%SZ"))
        .with_state("nothing was changed")
        .with_hint(format!(
            "wait for it to end; a run that died is replaced {} seconds after its last sign of life",
            ABANDONED_AFTER.num_seconds()
        ))
}

/// Renews the heartbeat until the lease is given back. A failed renewal is tried again at the next
/// beat; if the store stays away, the fence stops this holder before its next commit.
async fn beat(lake: Lake, path: String, mut record: LeaseRecord) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        record.heartbeat_at = Utc::now();
        if let Err(error) = lake.put_json_quietly(&path, &record).await {
            tracing::warn!(target: "lake", "failed to renew lease `{path}`: {error}");
        }
    }
}

impl Lake {
    /// Like `put_json`, but not counted as a step of the run: heartbeats come at any moment.
    async fn put_json_quietly(&self, path: &str, record: &LeaseRecord) -> Result<()> {
        use object_store::ObjectStoreExt;
        let bytes = serde_json::to_vec_pretty(record)
            .map_err(|e| Error::bug(format!("failed to encode `{path}`")).with_source(e))?;
        self.store
            .put(&object_store::path::Path::from(path), bytes.into())
            .await
            .map_err(|e| crate::store::store_error(format!("failed to write `{path}`"), e))?;
        Ok(())
    }
}

impl Lease {
    /// The fencing number.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Makes sure that the lease is still held; called before every commit.
    ///
    /// # Errors
    /// [`ErrorKind::LeaseHeld`] when another run took it over.
    pub async fn check(&self) -> Result<()> {
        if last_epoch(&self.lake, &self.name).await? == self.epoch {
            return Ok(());
        }
        Err(Error::new(ErrorKind::LeaseHeld, format!("this run lost its lease on `{}`", self.name))
            .with_state("nothing was committed since")
            .with_hint("another run took over because this one showed no sign of life; see `salesmart runs`"))
    }

    /// Gives the lease back.
    ///
    /// # Errors
    /// When the store fails; the lease then frees itself when the process has ended.
    pub async fn release(self) -> Result<()> {
        self.heart.abort();
        let record =
            LeaseRecord { released: true, heartbeat_at: Utc::now(), ..self.record.clone() };
        self.lake.put_json(&epoch_path(&self.name, self.epoch), &record).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.heart.abort();
    }
}
