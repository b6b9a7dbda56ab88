//! Where bytes go: standard output, or a file that appears only when it is complete.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind as IoKind, Write};
use std::path::{Path, PathBuf};

use salesmart_core::{Error, ErrorKind, Result};

/// Standard output or a file.
pub struct Sink {
    to: To,
}

enum To {
    Stdout(BufWriter<io::Stdout>),
    File { out: BufWriter<File>, partial: PathBuf, path: PathBuf },
}

impl Sink {
    /// Opens `output`, or standard output.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn open(output: Option<&Path>) -> Result<Self> {
        let Some(path) = output else { return Ok(Self::stdout()) };
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = File::create(&partial).map_err(|e| not_written(path, e))?;
        Ok(Self { to: To::File { out: BufWriter::new(file), partial, path: path.to_owned() } })
    }

    /// Standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self { to: To::Stdout(BufWriter::new(io::stdout())) }
    }

    /// Writes text.
    ///
    /// # Errors
    /// When it cannot be written; [`is_closed_stdout`] tells a reader that stopped listening.
    pub fn text(&mut self, text: &str) -> Result<()> {
        self.write_all(text.as_bytes()).map_err(|e| self.failed(e))
    }

    /// Writes everything that is buffered; a file gets its name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn complete(mut self) -> Result<()> {
        self.flush().map_err(|e| self.failed(e))?;
        if let To::File { partial, path, .. } = &self.to {
            std::fs::rename(partial, path).map_err(|e| not_written(path, e))?;
        }
        Ok(())
    }

    /// The error of a failed write.
    pub(super) fn failed(&self, error: io::Error) -> Error {
        match &self.to {
            To::Stdout(_) if error.kind() == IoKind::BrokenPipe => {
                Error::new(ErrorKind::Interrupted, "nobody reads the output any more")
                    .with_source(ClosedStdout)
            }
            To::Stdout(_) => {
                Error::configuration("failed to write to standard output").with_source(error)
            }
            To::File { path, .. } => not_written(path, error),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Stdout(out) => out.write(bytes),
            To::File { out, .. } => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Stdout(out) => out.flush(),
            To::File { out, .. } => out.flush(),
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let To::File { partial, .. } = &self.to {
            // After `complete` there is no such file; otherwise half a result is worth nothing.
            let _ = std::fs::remove_file(partial);
        }
    }
}

fn not_written(path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        IoKind::PermissionDenied => ErrorKind::Permission,
        _ => ErrorKind::Configuration,
    };
    let is_missing = error.kind() == IoKind::NotFound;
    let error = Error::new(kind, format!("failed to write `{}`", path.display()))
        .with_source(error)
        .with_state("no file was left behind");
    if is_missing { error.with_hint("make the folder first, or name another one") } else { error }
}

/// Whoever read our standard output has stopped.
#[derive(Debug)]
struct ClosedStdout;

impl fmt::Display for ClosedStdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("standard output was closed")
    }
}

impl std::error::Error for ClosedStdout {}

/// Whether an error only says that nobody reads standard output any more.
#[must_use]
pub fn is_closed_stdout(error: &Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if cause.is::<ClosedStdout>() {
            return true;
        }
        next = cause.source();
    }
    false
}
