//! Which content has been read: the cursor, and how a file is compared with it.
//!
//! A file is read once per content. An object store names the content by its etag. A local file
//! is known by size and modification time while those stand still, and by its SHA-256 once they
//! move, so that a touched or copied file is not read again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Where a stream's reading stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The fingerprint of the declaration under which the files were read.
    pub declaration: String,
    /// What was read, by path relative to the location.
    pub files: BTreeMap<String, Content>,
}

/// What is known of a file's content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Content {
    /// Bytes.
    pub size: u64,
    /// When it was last written; only where that is proof enough (see [`settled`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<DateTime<Utc>>,
    /// The object store's name for the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The hash of the bytes as they are stored, where there is no etag to trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A file as a listing shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SourceFile {
    /// Its path relative to the location.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: DateTime<Utc>,
    /// The store's name for its content; `None` for local files, whose etag is made of inode and
    /// time and says nothing about the content.
    pub etag: Option<String>,
}

/// How a file stands to the content that was read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is that content.
    Same,
    /// It is other content.
    Other,
    /// Only its hash can tell.
    AskHash,
}

impl SourceFile {
    /// Compares with what was read before.
    pub(super) fn compare(&self, before: &Content) -> Seen {
        match (&self.etag, &before.etag) {
            (Some(now), Some(then)) if now == then => return Seen::Same,
            (Some(_), Some(_)) => return Seen::Other,
            _ => {}
        }
        if self.size != before.size {
            Seen::Other
        } else if before.modified == Some(self.modified) {
            Seen::Same
        } else if before.sha256.is_some() {
            Seen::AskHash
        } else {
            Seen::Other
        }
    }

    /// What the cursor keeps of this file after it was read from `started` on.
    pub(super) fn content(&self, started: DateTime<Utc>, sha256: Option<String>) -> Content {
        Content {
            size: self.size,
            modified: self.etag.is_none().then(|| settled(self.modified, started)).flatten(),
            etag: self.etag.clone(),
            sha256,
        }
    }
}

/// The modification time, if a later change must give another one. A file written in the same
/// instant as it was read could change once more within the clock's grain and keep its time.
fn settled(modified: DateTime<Utc>, read_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (read_at - modified > TimeDelta::seconds(2)).then_some(modified)
}

/// A hash that grows while a file's bytes pass by.
#[derive(Clone, Default)]
pub(super) struct SharedHash(Arc<Mutex<(Sha256, u64)>>);

impl SharedHash {
    /// Takes in the next bytes.
    pub(super) fn update(&self, bytes: &[u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.update(bytes);
        state.1 += bytes.len() as u64;
    }

    /// The hash and the number of all bytes so far.
    pub(super) fn value(&self) -> (String, u64) {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (hex(&state.0.clone().finalize()), state.1)
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: u64, second: i64, etag: Option<&str>) -> SourceFile {
        SourceFile {
            path: "a.csv".to_owned(),
            size,
            modified: DateTime::from_timestamp(second, 0).unwrap(),
            etag: etag.map(str::to_owned),
        }
    }

    #[test]
    fn a_touched_file_is_asked_for_its_hash_and_a_resized_one_is_not() {
        let started = DateTime::from_timestamp(1_000, 0).unwrap();
        let content = file(10, 500, None).content(started, Some("abc".to_owned()));
        assert_eq!(file(10, 500, None).compare(&content), Seen::Same);
        assert_eq!(file(10, 501, None).compare(&content), Seen::AskHash);
        assert_eq!(file(11, 500, None).compare(&content), Seen::Other);
    }

    #[test]
    fn a_time_too_young_to_be_proof_is_not_kept() {
        let started = DateTime::from_timestamp(501, 0).unwrap();
        let content = file(10, 500, None).content(started, Some("abc".to_owned()));
        assert_eq!(content.modified, None);
        assert_eq!(file(10, 500, None).compare(&content), Seen::AskHash);
    }

    #[test]
    fn an_etag_decides_alone() {
        let started = DateTime::from_timestamp(1_000, 0).unwrap();
        let content = file(10, 500, Some("v1")).content(started, None);
        assert_eq!(file(10, 900, Some("v1")).compare(&content), Seen::Same);
        assert_eq!(file(10, 500, Some("v2")).compare(&content), Seen::Other);
    }
}
