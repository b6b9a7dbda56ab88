//! What the server remembers between requests: sessions, cursors, jobs, and what was used today.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::NaiveDate;

use super::ids::RecordId;
use super::org::Org;
use super::plan::Plan;
use super::run::Hits;
use super::schema::View;
use crate::world::Instant;

/// How many finished cursors are remembered, for clients that ask again.
const FINISHED: usize = 20;

/// What the server remembers.
#[derive(Default)]
pub(crate) struct State {
    /// How many requests each token is still good for.
    pub(crate) sessions: BTreeMap<String, Option<u32>>,
    pub(crate) cursors: VecDeque<Cursor>,
    pub(crate) jobs: BTreeMap<String, Job>,
    pub(crate) used_requests: u64,
    pub(crate) used_jobs: u64,
    pub(crate) day: Option<NaiveDate>,
    serial: u64,
}

/// A query, of which some pages are still to come.
pub(crate) struct Cursor {
    pub(crate) id: String,
    pub(crate) is_finished: bool,
    pub(crate) born: Instant,
    pub(crate) answer: Arc<Answer>,
}

/// What pages are made of. It stays as it was when the query was made.
pub(crate) struct Answer {
    pub(crate) org: Arc<Org>,
    pub(crate) view: View,
    pub(crate) plan: Plan,
    pub(crate) hits: Hits,
    pub(crate) page_rows: usize,
}

/// A Bulk query job.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) operation: &'static str,
    pub(crate) object: String,
    pub(crate) version: u32,
    pub(crate) delimiter: (&'static str, u8),
    pub(crate) line_end: (&'static str, &'static str),
    pub(crate) created: i64,
    pub(crate) polls: u32,
    pub(crate) stage: Stage,
    pub(crate) is_stuck: bool,
    /// Why it will fail.
    pub(crate) failure: Option<String>,
    /// What it is to do.
    pub(crate) work: Option<Arc<Work>>,
    /// What it found.
    pub(crate) hits: Option<Hits>,
}

/// What a job is to do, held against the org as it was when the job came.
pub(crate) struct Work {
    pub(crate) org: Arc<Org>,
    pub(crate) view: View,
    pub(crate) plan: Plan,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    UploadComplete,
    InProgress,
    JobComplete,
    Failed,
    Aborted,
}

impl Stage {
    /// Its name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::JobComplete => "JobComplete",
            Self::Failed => "Failed",
            Self::Aborted => "Aborted",
        }
    }
}

impl State {
    /// A number nobody had before.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Begins the day anew when it is another.
    pub(crate) fn on(&mut self, day: NaiveDate) {
        if self.day != Some(day) {
            self.day = Some(day);
            self.used_requests = 0;
            self.used_jobs = 0;
        }
    }

    /// Opens a cursor; the oldest ones go when there are more than may be.
    pub(crate) fn open(&mut self, answer: Arc<Answer>, born: Instant, most: usize) -> String {
        let id = RecordId::new(*b"01g", self.next_number()).to_string();
        self.cursors.push_back(Cursor { id: id.clone(), is_finished: false, born, answer });
        self.evict(false, most);
        id
    }

    /// Notes that all pages of a cursor were seen.
    pub(crate) fn finish(&mut self, id: &str) {
        for cursor in self.cursors.iter_mut().filter(|cursor| cursor.id == id) {
            cursor.is_finished = true;
        }
        self.evict(true, FINISHED);
    }

    fn evict(&mut self, is_finished: bool, most: usize) {
        let count = self.cursors.iter().filter(|cursor| cursor.is_finished == is_finished).count();
        let mut too_many = count.saturating_sub(most);
        self.cursors.retain(|cursor| {
            let goes = cursor.is_finished == is_finished && too_many > 0;
            too_many -= usize::from(goes);
            !goes
        });
    }
}
