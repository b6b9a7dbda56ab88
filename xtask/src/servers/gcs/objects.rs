//! The objects: each write is a new generation, and a write may be tied to the generation it
//! replaces.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

/// Bucket and name.
pub(super) type Key = (String, String);

/// One live object.
pub(super) struct Object {
    pub(super) body: Vec<u8>,
    /// Grows with every write, over all objects.
    pub(super) generation: u64,
    /// Of the content, in quotes, as the XML API has it.
    pub(super) e_tag: String,
    pub(super) modified: SystemTime,
}

/// Why a request is not carried out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NoSuchKey,
    NoSuchUpload,
    PreconditionFailed,
    InvalidPart,
    InvalidRange,
    InvalidArgument,
}

/// A page of a listing.
pub(super) struct Listing<'a> {
    pub(super) objects: Vec<(&'a str, &'a Object)>,
    pub(super) prefixes: BTreeSet<String>,
    /// Where the next page begins, if there is one.
    pub(super) next: Option<String>,
}

/// Everything stored.
#[derive(Default)]
pub(super) struct Objects {
    live: BTreeMap<Key, Object>,
    uploads: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    counter: u64,
}

impl Objects {
    pub(super) fn get(&self, key: &Key) -> Result<&Object, Refusal> {
        self.live.get(key).ok_or(Refusal::NoSuchKey)
    }

    /// Writes an object, if the live generation is `only_if` (0: there must be none).
    pub(super) fn put(
        &mut self,
        key: Key,
        body: Vec<u8>,
        only_if: Option<u64>,
    ) -> Result<&Object, Refusal> {
        let live = self.live.get(&key).map_or(0, |object| object.generation);
        if only_if.is_some_and(|generation| generation != live) {
            return Err(Refusal::PreconditionFailed);
        }
        self.counter += 1;
        let e_tag = e_tag(&body);
        let object = Object { body, generation: self.counter, e_tag, modified: SystemTime::now() };
        Ok(self.live.entry(key).insert_entry(object).into_mut())
    }

    pub(super) fn delete(&mut self, key: &Key) -> Result<(), Refusal> {
        self.live.remove(key).map(|_| ()).ok_or(Refusal::NoSuchKey)
    }

    /// The id of a new multipart upload.
    pub(super) fn begin_upload(&mut self) -> String {
        self.counter += 1;
        let id = format!("upload-{}", self.counter);
        self.uploads.insert(id.clone(), BTreeMap::new());
        id
    }

    /// Keeps a part; the number is checked when the upload is completed.
    pub(super) fn put_part(
        &mut self,
        upload: &str,
        number: &str,
        body: &[u8],
    ) -> Result<String, Refusal> {
        let parts = self.uploads.get_mut(upload).ok_or(Refusal::NoSuchUpload)?;
        parts.insert(number.to_owned(), body.to_vec());
        Ok(e_tag(body))
    }

    /// Makes one object of the named parts.
    pub(super) fn complete_upload(
        &mut self,
        upload: &str,
        numbers: &[String],
        key: Key,
    ) -> Result<&Object, Refusal> {
        let parts = self.uploads.get(upload).ok_or(Refusal::NoSuchUpload)?;
        let mut body = Vec::new();
        for number in numbers {
            body.extend_from_slice(parts.get(number).ok_or(Refusal::InvalidPart)?);
        }
        self.uploads.remove(upload);
        self.put(key, body, None)
    }

    pub(super) fn abort_upload(&mut self, upload: &str) -> Result<(), Refusal> {
        self.uploads.remove(upload).map(|_| ()).ok_or(Refusal::NoSuchUpload)
    }

    /// The names after `after` that begin with `prefix`, at most so many of them; those with the
    /// delimiter behind the prefix are rolled up into common prefixes.
    pub(super) fn list(
        &self,
        bucket: &str,
        prefix: &str,
        delimiter: &str,
        after: &str,
        most: usize,
    ) -> Listing<'_> {
        let mut page = Listing { objects: Vec::new(), prefixes: BTreeSet::new(), next: None };
        let mut last = String::new();
        for ((in_bucket, name), object) in &self.live {
            if in_bucket != bucket || !name.starts_with(prefix) || name.as_str() <= after {
                continue;
            }
            let rest = &name[prefix.len()..];
            let rolled_up = (!delimiter.is_empty())
                .then(|| rest.find(delimiter))
                .flatten()
                .map(|at| format!("{prefix}{}", &rest[..at + delimiter.len()]));
            // A page may have ended with this very prefix: everything below it was told then.
            if rolled_up.as_ref().is_some_and(|p| after.starts_with(p.as_str())) {
                continue;
            }
            let known = rolled_up.as_ref().is_some_and(|p| page.prefixes.contains(p));
            if !known && page.objects.len() + page.prefixes.len() == most {
                page.next = Some(last);
                return page;
            }
            last.clone_from(rolled_up.as_ref().unwrap_or(name));
            match rolled_up {
                Some(prefix) => {
                    page.prefixes.insert(prefix);
                }
                None => page.objects.push((name, object)),
            }
        }
        page
    }
}

/// The same content has the same tag: FNV-1a and the length, which is enough among friends.
fn e_tag(body: &[u8]) -> String {
    let hash = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("\"{hash:016x}{:x}\"", body.len())
}
