//! The streams of an account: what each one is made of, and who reads it.

mod associations;
mod events;
mod exact;
mod objects;
mod sweeps;
mod whole;
mod windows;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use salesmart_core::{Cursor, Result};
use salesmart_extract::{Outlet, StreamSpec};

use super::client::Api;
use super::config::Config;
use super::feed::Feed;
use super::properties::ObjectType;

pub(super) use associations::spec as association_spec;
pub(super) use events::spec as submissions_spec;
pub(super) use objects::history_spec;
pub(super) use whole::{Small, spec as small_spec};

/// What a stream is made of.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    /// The records of an object type.
    Records(Arc<ObjectType>),
    /// Former values of some of its properties.
    History(Arc<ObjectType>, Vec<String>),
    /// The associations from one object type to another.
    Associations(Arc<ObjectType>, Arc<ObjectType>),
    /// Something small that is read as a whole.
    Small(Small),
    /// Submitted forecasts.
    Submissions,
}

/// What is the same for all streams of a run.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) api: Api,
    pub(super) config: Arc<Config>,
    /// HubSpot's clock when the run began.
    pub(super) now: DateTime<Utc>,
    /// Up to which instant of modification the run reads.
    pub(super) to: DateTime<Utc>,
    /// Every object type, for the stream of their properties.
    pub(super) objects: Vec<Arc<ObjectType>>,
}

impl Context {
    /// Whether something that is to be done every so often is due.
    pub(super) fn is_due(&self, last: Option<DateTime<Utc>>, every: chrono::TimeDelta) -> bool {
        last.is_none_or(|last| self.now - last >= every)
    }
}

/// Reads a stream.
pub(super) async fn read(
    context: &Context,
    plan: &Plan,
    spec: StreamSpec,
    cursor: Option<Cursor>,
    outlet: Outlet,
) -> Result<()> {
    let feed = Feed::new(&context.api, outlet);
    match plan {
        Plan::Records(object) => objects::read(context, object, None, spec, cursor, feed).await,
        Plan::History(object, properties) => {
            objects::read(context, object, Some(properties), spec, cursor, feed).await
        }
        Plan::Associations(from, to) => {
            associations::read(context, from, to, spec, cursor, feed).await
        }
        Plan::Small(small) => whole::read(context, *small, spec, cursor, feed).await,
        Plan::Submissions => events::read(context, spec, cursor, feed).await,
    }
}
