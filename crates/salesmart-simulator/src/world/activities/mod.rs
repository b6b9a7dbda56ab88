//! Calls, mails, meetings and tasks, about deals and leads, and what people do among themselves.

mod about_deals;
mod about_leads;
mod diary;
mod touches;

pub(super) use touches::awake;

use super::core::Core;
use super::{Activity, Answer, Change, DealEvent, Instant, Participant};

/// Activities of deals are numbered from 0, of leads from here, and of the diary from further up.
const LEADS: u64 = 1 << 40;
const DIARY: u64 = 1 << 41;

/// Who held a deal when.
pub(super) struct Owners(Vec<(Instant, usize)>);

impl Owners {
    pub(super) fn new(history: &[Change]) -> Self {
        let owners = history.iter().filter_map(|change| match change.what {
            DealEvent::Created { owner, .. } => Some((change.at, owner)),
            DealEvent::Owner { to, .. } => Some((change.at, to)),
            _ => None,
        });
        Self(owners.collect())
    }

    fn at(&self, when: Instant) -> usize {
        let begun = self.0.partition_point(|(from, _)| *from <= when);
        self.0[begun.saturating_sub(1)].1
    }
}

impl Core {
    /// One of ours.
    fn colleague(&self, person: usize, answer: Answer) -> Participant {
        Participant {
            email: self.organisation.members[person].email.clone(),
            person: Some(person),
            contact: None,
            lead: None,
            answer,
        }
    }
}

/// Leaves out what is not known yet.
fn known(activities: Vec<Activity>, now: Instant) -> Vec<Activity> {
    activities.into_iter().filter(|activity| activity.created_at <= now).collect()
}
