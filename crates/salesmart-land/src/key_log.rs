//! Finding keys that came twice among rows that are new, in bounded memory.
//!
//! Keys that are in the index are caught there at once. For the rest their hashes are collected,
//! sorted in chunks that go to a temporary file, and merged at the end: the normal case, no key
//! twice, costs 16 bytes a row and nothing is written again.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};

use salesmart_core::{Error, Result};

/// Hashes kept in memory before a sorted chunk is written: 128 MiB.
const CHUNK: usize = 8 * 1024 * 1024;

/// The hashes of the keys that were new in one reading.
#[derive(Debug)]
pub(crate) struct KeyLog {
    keys: Vec<u128>,
    chunks: Vec<File>,
    chunk_size: usize,
}

fn failed(error: std::io::Error) -> Error {
    Error::configuration("failed to use a temporary file")
        .with_source(error)
        .with_hint("check the space in the temporary folder (TMPDIR)")
}

impl Default for KeyLog {
    fn default() -> Self {
        Self { keys: Vec::new(), chunks: Vec::new(), chunk_size: CHUNK }
    }
}

impl KeyLog {
    pub(crate) fn push(&mut self, key: u128) -> Result<()> {
        self.keys.push(key);
        if self.keys.len() >= self.chunk_size {
            self.keys.sort_unstable();
            let mut file = BufWriter::new(tempfile::tempfile().map_err(failed)?);
            for key in self.keys.drain(..) {
                file.write_all(&key.to_le_bytes()).map_err(failed)?;
            }
            let mut file = file.into_inner().map_err(|e| failed(e.into_error()))?;
            file.rewind().map_err(failed)?;
            self.chunks.push(file);
        }
        Ok(())
    }

    /// The keys that came more than once.
    pub(crate) fn duplicates(mut self) -> Result<HashSet<u128>> {
        self.keys.sort_unstable();
        let mut duplicates = HashSet::new();
        let mut sources: Vec<Box<dyn Iterator<Item = Result<u128>>>> =
            vec![Box::new(self.keys.into_iter().map(Ok))];
        for chunk in self.chunks {
            sources.push(Box::new(read_keys(BufReader::new(chunk))));
        }
        let mut heads = Vec::with_capacity(sources.len());
        for source in &mut sources {
            heads.push(source.next().transpose()?);
        }
        let mut last = None;
        // A handful of chunks: a linear look for the least head is as good as a heap.
        while let Some((at, key)) = heads
            .iter()
            .enumerate()
            .filter_map(|(at, head)| head.map(|key| (at, key)))
            .min_by_key(|(_, key)| *key)
        {
            if last == Some(key) {
                duplicates.insert(key);
            }
            last = Some(key);
            heads[at] = sources[at].next().transpose()?;
        }
        Ok(duplicates)
    }
}

fn read_keys(mut file: impl Read) -> impl Iterator<Item = Result<u128>> {
    std::iter::from_fn(move || {
        let mut bytes = [0; 16];
        match file.read_exact(&mut bytes) {
            Ok(()) => Some(Ok(u128::from_le_bytes(bytes))),
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => None,
            Err(e) => Some(Err(failed(e))),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_found_within_and_across_chunks() {
        let keys = [5, 1, 9, 5, 2, 7, 1, 3, 4, 8, 9, 9];
        for chunk_size in [1, 2, 3, 5, 100] {
            let mut log = KeyLog { chunk_size, ..KeyLog::default() };
            for key in keys {
                log.push(key).unwrap();
            }
            assert_eq!(
                log.duplicates().unwrap(),
                HashSet::from([1, 5, 9]),
                "chunks of {chunk_size}"
            );
        }
        assert!(KeyLog::default().duplicates().unwrap().is_empty());
    }
}
