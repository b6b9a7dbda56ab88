//! Records by id, exactly: what a batch could not read is looked for in the archive, and what is
//! not there either is gone.

use std::collections::BTreeSet;

use salesmart_core::{Error, ErrorKind, Result};

use super::super::client::{Api, BatchCall};
use super::super::decode::{PageEnd, Pages, Record};
use super::super::properties::ObjectType;

/// What is wanted of records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) object: &'a ObjectType,
    pub(super) properties: &'a [&'a str],
    pub(super) history: &'a [&'a str],
}

impl Wanted<'_> {
    /// How many records one call may ask for.
    pub(super) fn most(&self) -> usize {
        if self.history.is_empty() { 100 } else { 50 }
    }
}

/// Reads records by id, live ones and archived ones, and gives the ids that are in neither place.
pub(super) async fn exact(
    api: &Api,
    wanted: Wanted<'_>,
    pages: &Pages,
    ids: &[u64],
    each: &mut (dyn FnMut(&Record<'_>) + Send),
) -> Result<Vec<u64>> {
    let absent = batches(api, wanted, pages, ids, false, each).await?;
    if absent.is_empty() {
        return Ok(absent);
    }
    batches(api, wanted, pages, &absent, true, each).await
}

/// Reads records by id from one of the two places, and gives the ids that are not there.
pub(super) async fn batches(
    api: &Api,
    wanted: Wanted<'_>,
    pages: &Pages,
    ids: &[u64],
    archived: bool,
    each: &mut (dyn FnMut(&Record<'_>) + Send),
) -> Result<Vec<u64>> {
    let mut absent = Vec::new();
    for ids in ids.chunks(api.page(wanted.most())) {
        let batch = BatchCall {
            path: &wanted.object.path,
            scope: &wanted.object.name,
            properties: wanted.properties,
            history: wanted.history,
            archived,
            ids,
        };
        let body = api.batch(&batch).await?;
        let mut came = BTreeSet::new();
        let end = pages.read(&body, |record| {
            came.extend(record.number());
            each(record);
        })?;
        refuse(&body.label, &end)?;
        absent.extend(ids.iter().copied().filter(|id| !came.contains(id)));
    }
    Ok(absent)
}

/// A batch that lacks records for another reason than that they are not there failed.
fn refuse(label: &str, end: &PageEnd) -> Result<()> {
    let found = end.problems.iter().find(|(category, _)| !category.contains("NOT_FOUND"));
    let Some((category, message)) = found else { return Ok(()) };
    let (kind, hint) = match category.contains("SCOPE") {
        true => (ErrorKind::Permission, "grant what the answer names to the app"),
        false => (ErrorKind::SourceUnavailable, "run again later; the cursor stays where it is"),
    };
    Err(Error::new(kind, format!("{label} could not read some of the records"))
        .with("category", category)
        .with("answer", message.chars().take(300).collect::<String>())
        .with_hint(hint))
}
