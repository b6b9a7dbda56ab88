//! What a table was made of, as one hash: the same fingerprint means the same rows.

use std::fmt::Write as _;

use arrow::array::RecordBatch;
use arrow::ipc::writer::StreamWriter;
use salesmart_core::{Error, Result};
use sha2::{Digest, Sha256};

pub(super) struct Fingerprint(Sha256);

impl Fingerprint {
    /// Begins with what every table depends on: this version and the engine's.
    pub(super) fn new() -> Self {
        let mut fingerprint = Self::empty();
        fingerprint.add("salesmart", env!("CARGO_PKG_VERSION").as_bytes());
        fingerprint.add("engine", datafusion::DATAFUSION_VERSION.as_bytes());
        fingerprint
    }

    /// Begins with nothing, for what is the same whatever made it.
    pub(super) fn empty() -> Self {
        Self(Sha256::new())
    }

    /// Adds a fact. Lengths go in too, so that no two lists of facts run together alike.
    pub(super) fn add(&mut self, what: &str, value: &[u8]) {
        self.0.update((what.len() as u64).to_le_bytes());
        self.0.update(what.as_bytes());
        self.0.update((value.len() as u64).to_le_bytes());
        self.0.update(value);
    }

    pub(super) fn finish(self) -> String {
        self.0.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// The fingerprint of rows that come from outside the lake.
pub(super) fn of_batches(batches: &[RecordBatch]) -> Result<String> {
    let mut fingerprint = Fingerprint::empty();
    for batch in batches {
        let failed = |e| Error::bug("rows of a system table cannot be hashed").with_source(e);
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).map_err(failed)?;
        writer.write(batch).and_then(|()| writer.finish()).map_err(failed)?;
        drop(writer);
        fingerprint.add("batch", &bytes);
    }
    Ok(fingerprint.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_do_not_run_together() {
        let of = |facts: &[(&str, &str)]| {
            let mut fingerprint = Fingerprint::new();
            for (what, value) in facts {
                fingerprint.add(what, value.as_bytes());
            }
            fingerprint.finish()
        };
        assert_eq!(of(&[("a", "b")]), of(&[("a", "b")]));
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
        assert_ne!(of(&[("a", "b"), ("c", "d")]), of(&[("c", "d"), ("a", "b")]));
        assert_eq!(of(&[]).len(), 64);
    }
}
