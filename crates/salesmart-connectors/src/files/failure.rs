//! What goes wrong with a file, as errors that say what to do.

use std::io;

use salesmart_core::{Error, ErrorKind};

use super::declaration::Stream;
use super::rules::ColumnRule;
use super::store::Store;

/// The file has another shape than a column's declaration says.
pub(super) fn schema(rule: &ColumnRule, message: String) -> Error {
    Error::new(ErrorKind::SchemaChanged, message).at(rule.location.clone())
}

/// The bytes of a file could not be read to their end.
pub(super) fn io(error: io::Error, file: &str) -> Error {
    let message = format!("failed to read `{file}` to its end");
    match error.downcast::<object_store::Error>() {
        Ok(error) => store(error, file, message),
        Err(error) if is_damage(&error) => {
            Error::new(ErrorKind::SchemaChanged, message).with_source(error).with_hint(
                "it is cut off, damaged, or not compressed as `compression` or its ending says",
            )
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Error::new(ErrorKind::Permission, message)
                .with_source(error)
                .with_hint("make it readable for the user that runs Salesmart")
        }
        Err(error) => Error::new(ErrorKind::SourceUnavailable, message)
            .with_retryable(true)
            .with_source(error)
            .with_hint("run again; if it happens again, look at the disk or the network"),
    }
}

/// An object store failed in the middle of a file.
pub(super) fn store(error: object_store::Error, file: &str, message: String) -> Error {
    use object_store::Error as Failure;
    match error {
        // It is asked for in one version only.
        Failure::Precondition { .. } | Failure::NotFound { .. } => changed(file).with_source(error),
        Failure::PermissionDenied { .. } | Failure::Unauthenticated { .. } => {
            Error::new(ErrorKind::Permission, message)
                .with_source(error)
                .with_hint("grant read on it to the credentials in the environment")
        }
        error => Error::new(ErrorKind::SourceUnavailable, message)
            .with_retryable(true)
            .with_source(error)
            .with_hint("look at the network, then run again"),
    }
}

/// Whether a decompressor complains about what it got. Zstd's own errors come without a kind.
fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidData
            | io::ErrorKind::Other
    )
}

/// A file was written to while it was read.
pub(super) fn changed(file: &str) -> Error {
    Error::new(ErrorKind::SourceUnavailable, format!("`{file}` changed while it was read"))
        .with_retryable(true)
        .with_hint("run again when it is written completely; writing to another name and renaming avoids this")
}

/// No file is what the stream means.
pub(super) async fn no_files(stream: &Stream, store: &Store) -> Error {
    let place = store.place();
    let pattern = &stream.pattern;
    let error =
        Error::new(ErrorKind::SourceUnavailable, format!("no file matches `{}`", pattern.as_str()))
            .with("location", &place.shown)
            .at(stream.path_location.clone());
    let there = match store.folder(pattern.folder(), pattern.is_recursive()).await {
        Ok(files) => files,
        Err(why) => return error.with_source(why),
    };
    if there.is_empty() {
        return error.with_hint("the folder is empty or not there: look at `location` and `path`");
    }
    let mut near: Vec<(f64, &str)> = there
        .iter()
        .map(|file| (strsim::jaro_winkler(pattern.as_str(), &file.path), file.path.as_str()))
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let names: Vec<&str> = near.iter().take(5).map(|(_, name)| *name).collect();
    let found = salesmart_core::suggest::list(names.iter().copied());
    let more = there.len().saturating_sub(names.len());
    let found = if more > 0 { format!("{found} and {more} more") } else { found };
    let hint = format!("did you mean `path: {}`?", names.first().unwrap_or(&""));
    error.with("found", found).with_hint(hint)
}

/// Says once a file what is in it and not read.
pub(super) fn log_extra(stream: &Stream, file: &str, columns: &[String]) {
    if !columns.is_empty() {
        let (stream, columns) = (&stream.spec.name, columns.join(", "));
        tracing::info!(%stream, file, columns, "left out what is not declared");
    }
}
