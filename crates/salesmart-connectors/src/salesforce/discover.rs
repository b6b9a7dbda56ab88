//! What an org has, and up to when this run reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Timelike, Utc};
use futures::{StreamExt, stream};
use salesmart_core::{Error, ErrorKind, Result, StreamName};

use super::client::Api;
use super::config::Settings;
use super::describe::{Description, Object};

/// How many objects are described at the same time.
const DESCRIBED_AT_ONCE: usize = 4;

/// What was discovered for a run.
#[derive(Debug)]
pub(super) struct Run {
    /// Nothing later is read: the server's clock at the beginning, less the lag.
    pub(super) bound: DateTime<Utc>,
    /// The objects by stream.
    pub(super) objects: BTreeMap<StreamName, Arc<Object>>,
}

/// The wanted objects of an org: those that it has, and those that were named and it has not.
pub(super) struct Selected {
    pub(super) names: Vec<String>,
    pub(super) missing: Vec<String>,
}

/// Finds out which objects are to be read.
pub(super) async fn select(api: &Api, settings: &Settings) -> Result<Selected> {
    let wanted = &settings.wanted;
    let listed = api.objects().await?;
    let is_named = |name: &str| wanted.named().any(|named| named.eq_ignore_ascii_case(name));
    // An object that cannot be queried is no loss where a wildcard found it.
    let is_wanted = |name: &str, queryable: bool| {
        wanted.contains(name) && (queryable || (is_named(name) && !wanted.is_default))
    };
    let mut names: Vec<String> = listed
        .iter()
        .filter(|object| is_wanted(&object.name, object.queryable))
        .map(|object| object.name.clone())
        .collect();
    names.sort();
    let is_listed = |name: &&str| listed.iter().any(|it| it.name.eq_ignore_ascii_case(name));
    let missing = wanted.named().filter(|name| !is_listed(name)).map(str::to_owned).collect();
    Ok(Selected { names, missing })
}

/// Describes the wanted objects and fixes the bound.
pub(super) async fn discover(
    api: &Api,
    settings: &Settings,
) -> Result<(Run, Vec<(StreamName, Error)>)> {
    let Selected { names, missing } = select(api, settings).await?;
    let now = api.now().ok_or_else(|| {
        Error::new(ErrorKind::SourceUnavailable, "Salesforce does not say what time it is")
            .with("expected", "a `Date` header in its replies")
            .with_hint("look for a proxy between here and Salesforce that takes headers away")
    })?;
    let bound = now - settings.lag.as_delta();
    let bound = bound.with_nanosecond(0).unwrap_or(bound);
    if let Err(error) = api.limits().await {
        // Every reply tells the quota too; this only tells it before the first one counts.
        if error.kind() == ErrorKind::QuotaExhausted {
            return Err(error);
        }
        tracing::debug!(%error, "the limits cannot be read");
    }
    let mut failed = Vec::new();
    if !settings.wanted.is_default {
        for name in missing {
            failed.push((StreamName::new(name.to_ascii_lowercase())?, hidden(&name)));
        }
    }
    let described = stream::iter(names)
        .map(|name| async move {
            let description = api.describe::<Description>(&name).await;
            let object = description.and_then(|description| Object::new(description, settings));
            (name, object)
        })
        .buffered(DESCRIBED_AT_ONCE);
    let described: Vec<(String, Result<Object>)> = described.collect().await;
    let mut objects = BTreeMap::new();
    for (name, object) in described {
        match object {
            Ok(object) => {
                objects.insert(object.spec.name.clone(), Arc::new(object));
            }
            Err(error) => failed.push((StreamName::new(name.to_ascii_lowercase())?, error)),
        }
    }
    failed.sort_by(|one, other| one.0.cmp(&other.0));
    Ok((Run { bound, objects }, failed))
}

/// The error for an object that was named and is not there for us.
pub(super) fn hidden(name: &str) -> Error {
    Error::new(ErrorKind::Permission, format!("the object `{name}` is not there or hidden from us"))
        .with_state("nothing was read")
        .with_hint(format!(
            "grant the integration user `Read` and `View All` on `{name}` in its permission set, or \
             take it out of `objects`"
        ))
}
