//! One reading of one stream: which files, in which order, with which events around them.

use std::io::{self, Read};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use salesmart_core::{Cursor, Error, ErrorKind, Result};
use salesmart_extract::{Event, Outlet};
use tokio::runtime::Handle;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::batch::{Batcher, RepairCounts, Sink};
use super::config::{Format, OnChange};
use super::declaration::Stream;
use super::identity::{Content, Position, Seen, SharedHash, SourceFile};
use super::store::{Opened, PIECE, Store};
use super::transport::{self, Bytes};
use super::{csv, failure, json, parquet};

/// Reads what is new since the cursor.
pub(super) async fn read(
    store: Store,
    stream: Arc<Stream>,
    cursor: Option<Cursor>,
    outlet: Outlet,
) -> Result<()> {
    let before: Position = cursor.as_ref().map(Cursor::decode).transpose()?.unwrap_or_default();
    // What appears from here on is the next run's.
    let files = store.list(&stream.pattern).await?;
    if files.is_empty() {
        return Err(failure::no_files(&stream, &store).await.with_state("nothing was read"));
    }
    let reading = Reading { store, stream, outlet };
    match reading.stream.on_change {
        OnChange::Replace => reading.replace(before, &files).await,
        OnChange::Upsert => reading.upsert(before, &files).await,
    }
}

struct Reading {
    store: Store,
    stream: Arc<Stream>,
    outlet: Outlet,
}

impl Reading {
    /// All files as one snapshot, if any of them is new, changed or gone.
    async fn replace(&self, before: Position, files: &[SourceFile]) -> Result<()> {
        if !self.is_other(&before, files).await? {
            return Ok(());
        }
        let mut position = self.new_position();
        let mut repairs = RepairCounts::new(&self.stream.columns);
        self.outlet.send(Event::SnapshotBegins).await?;
        for file in files {
            let (content, counted) = self.file(file, repairs).await.map_err(|error| {
                error.with_state(
                    "nothing of this reading counts: the stream stays as it was last landed",
                )
            })?;
            repairs = counted;
            position.files.insert(file.path.clone(), content);
        }
        self.outlet.send(Event::SnapshotEnds).await?;
        self.checkpoint(&position, &mut repairs).await
    }

    /// New and changed files one after the other, each complete by itself.
    async fn upsert(&self, before: Position, files: &[SourceFile]) -> Result<()> {
        let mut position = match before.declaration == self.stream.fingerprint {
            // Files that are gone stay known: one that comes back has nothing new to say.
            true => before,
            false => self.new_position(),
        };
        let mut repairs = RepairCounts::new(&self.stream.columns);
        for file in files {
            if !self.is_new(&position, file).await? {
                continue;
            }
            let (content, counted) = self.file(file, repairs).await.map_err(|error| {
                error.with_state("the files before it are complete; this one and those behind it are read next time")
            })?;
            repairs = counted;
            position.files.insert(file.path.clone(), content);
            self.checkpoint(&position, &mut repairs).await?;
        }
        Ok(())
    }

    fn new_position(&self) -> Position {
        Position { declaration: self.stream.fingerprint.clone(), ..Position::default() }
    }

    async fn checkpoint(&self, position: &Position, repairs: &mut RepairCounts) -> Result<()> {
        let repaired = repairs.take(&self.stream.columns);
        if !repaired.is_empty() {
            self.outlet.send(Event::Repaired(repaired)).await?;
        }
        self.outlet.send(Event::Checkpoint(Cursor::encode(position)?)).await
    }

    /// Whether the files together are other content than what was read before.
    async fn is_other(&self, before: &Position, files: &[SourceFile]) -> Result<bool> {
        let same_declaration = before.declaration == self.stream.fingerprint;
        if !same_declaration || !files.iter().map(|file| &file.path).eq(before.files.keys()) {
            return Ok(true);
        }
        for file in files {
            if self.is_new(before, file).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn is_new(&self, before: &Position, file: &SourceFile) -> Result<bool> {
        let Some(content) = before.files.get(&file.path) else { return Ok(true) };
        Ok(match file.compare(content) {
            Seen::Same => false,
            Seen::Other => true,
            Seen::AskHash => Some(self.hash(file).await?) != content.sha256,
        })
    }

    /// The hash of a file's bytes.
    async fn hash(&self, file: &SourceFile) -> Result<String> {
        let (opened, _) = self.store.open(file, PIECE).await?;
        let path = file.path.clone();
        blocking(move |handle| {
            let hash = SharedHash::default();
            let mut source = transport::hashed(bytes(opened, handle), hash.clone());
            io::copy(&mut source, &mut io::sink()).map_err(|error| failure::io(error, &path))?;
            Ok(hash.value().0)
        })
        .await
    }

    /// Reads one file, and makes sure that it was the same one from beginning to end.
    async fn file(
        &self,
        listed: &SourceFile,
        repairs: RepairCounts,
    ) -> Result<(Content, RepairCounts)> {
        let started = now();
        let format = self.stream.format_of(&listed.path)?;
        let (file, hash, repairs) = match format {
            Format::Parquet => self.parquet_file(listed, repairs).await?,
            format => self.text_file(listed, format, repairs).await?,
        };
        // An etag pins the version that is read; where there is none, the file is looked at again.
        if file.etag.is_none() {
            let after = self.store.head(&file.path).await.map_err(|error| {
                self.store.place().error(error, &format!("failed to look at `{}` again", file.path))
            })?;
            if after != file {
                return Err(failure::changed(&file.path));
            }
        }
        tracing::debug!(stream = %self.stream.spec.name, file = file.path, bytes = file.size, "read");
        Ok((file.content(started, hash), repairs))
    }

    /// Reads CSV or JSON in one pass, hashing on the way.
    async fn text_file(
        &self,
        listed: &SourceFile,
        format: Format,
        mut repairs: RepairCounts,
    ) -> Result<(SourceFile, Option<String>, RepairCounts)> {
        let (opened, file) = self.store.open(listed, PIECE).await?;
        let (stream, outlet) = (Arc::clone(&self.stream), self.outlet.clone());
        let (sink, guard) = Sink::new(outlet);
        let result = blocking(move |handle| {
            let hash = file.etag.is_none().then(SharedHash::default);
            let mut source = bytes(opened, handle);
            if let Some(hash) = &hash {
                source = transport::hashed(source, hash.clone());
            }
            let source = text(source, &stream, &file.path)?;
            let mut batcher = Batcher::new(&stream, &file.path, &sink, &mut repairs);
            match format {
                Format::JsonLines => json::read_lines(source, &stream, &file.path, &mut batcher)?,
                Format::JsonArray => json::read_array(source, &stream, &file.path, &mut batcher)?,
                _ => csv::read(source, &stream, &file.path, &mut batcher)?,
            }
            batcher.flush()?;
            let hash = match hash.map(|hash| hash.value()) {
                Some((_, length)) if length != file.size => {
                    return Err(failure::changed(&file.path));
                }
                hash => hash.map(|(hash, _)| hash),
            };
            Ok((file, hash, repairs))
        })
        .await;
        drop(guard);
        result
    }

    /// Reads Parquet, which is not read from front to back, so that its hash takes a second pass.
    async fn parquet_file(
        &self,
        listed: &SourceFile,
        mut repairs: RepairCounts,
    ) -> Result<(SourceFile, Option<String>, RepairCounts)> {
        let hash = match listed.etag {
            None => Some(self.hash(listed).await?),
            Some(_) => None,
        };
        let (store, stream, file) = (self.store.clone(), Arc::clone(&self.stream), listed.clone());
        let (sink, guard) = Sink::new(self.outlet.clone());
        let result = blocking(move |handle| {
            let mut batcher = Batcher::new(&stream, &file.path, &sink, &mut repairs);
            parquet::read(&handle, &store, &file, &stream, &mut batcher)?;
            batcher.flush()?;
            Ok((file, hash, repairs))
        })
        .await;
        drop(guard);
        result
    }
}

/// The clock of the machine, which file times are compared with; no figure depends on it.
#[expect(
    clippy::disallowed_methods,
    reason = "whether a file's time is old enough to be trusted depends on when it was read"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Runs what decodes on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce(Handle) -> Result<T> + Send + 'static,
) -> Result<T> {
    let handle = Handle::current();
    match tokio::task::spawn_blocking(move || work(handle)).await {
        Ok(result) => result,
        Err(error) if error.is_cancelled() => {
            Err(Error::new(ErrorKind::Interrupted, "the reading was stopped"))
        }
        Err(error) => Err(Error::bug("the decoding of a file broke off").with_source(error)),
    }
}

/// An opened file as a blocking stream of bytes. A local file is read directly.
pub(super) fn bytes(opened: Opened, handle: Handle) -> Bytes {
    match opened {
        Opened::File(file) => Box::new(file),
        Opened::Pieces(stream) => {
            let reader = StreamReader::new(stream.map_err(io::Error::other));
            Box::new(SyncIoBridge::new_with_handle(reader, handle))
        }
    }
}

/// A file's bytes as UTF-8 text.
pub(super) fn text(source: Bytes, stream: &Stream, file: &str) -> Result<Box<dyn Read + Send>> {
    transport::decompressed(source, stream.compression.of(file))
        .and_then(|source| transport::decoded(source, stream.encoding))
        .map_err(|error| failure::io(error, file))
}
