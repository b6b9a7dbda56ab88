//! What `check --connections` finds out without reading rows: the files, their size, and whether
//! their columns are the declared ones.

use std::sync::Arc;

use salesmart_core::{Error, Result};
use salesmart_extract::Finding;

use super::config::Format;
use super::declaration::Stream;
use super::identity::SourceFile;
use super::records::Records;
use super::store::Store;
use super::{csv, failure, json, parquet, read};

/// How many files of a stream are opened.
const OPENED: usize = 20;

/// How much of an object is fetched to see its header.
const HEADER_PIECE: u64 = 64 * 1024;

/// Looks at one stream.
pub(super) async fn stream(store: &Store, stream: &Arc<Stream>) -> Vec<Finding> {
    let name = &stream.spec.name;
    let bad = |error: &Error| Finding::bad(&format!("stream `{name}`"), error);
    let files = match store.list(&stream.pattern).await {
        Ok(files) if files.is_empty() => {
            return vec![bad(&failure::no_files(stream, store).await)];
        }
        Ok(files) => files,
        Err(error) => return vec![bad(&error)],
    };
    let size: u64 = files.iter().map(|file| file.size).sum();
    let count =
        if files.len() == 1 { "1 file".to_owned() } else { format!("{} files", files.len()) };
    let mut findings = vec![Finding::good(format!("stream `{name}`: {count}, {}", human(size)))];
    for file in files.iter().take(OPENED) {
        match columns(store, stream, file).await {
            Err(error) => findings.extend(error.iter().map(bad)),
            Ok(extra) if extra.is_empty() => {}
            Ok(extra) => {
                let extra = extra.join("`, `");
                let message = format!(
                    "stream `{name}`: `{}` also has `{extra}`, not declared and not read",
                    file.path
                );
                findings.push(Finding::good(message));
            }
        }
    }
    findings
}

/// Compares a file's columns with the declaration; gives those that are not read.
async fn columns(store: &Store, stream: &Arc<Stream>, file: &SourceFile) -> Result<Vec<String>> {
    let format = stream.format_of(&file.path)?;
    if format == Format::Parquet {
        return parquet::compare(store, file, stream).await;
    }
    let (opened, _) = store.open(file, HEADER_PIECE).await?;
    let (stream, path) = (Arc::clone(stream), file.path.clone());
    read::blocking(move |handle| {
        let source = read::text(read::bytes(opened, handle), &stream, &path)?;
        if format == Format::Csv {
            let mut records =
                Records::new(source, stream.csv.delimiter_of(&path), stream.csv.quote);
            return csv::layout(&mut records, &stream, &path).map(|layout| layout.extra);
        }
        let is_array = format == Format::JsonArray;
        match json::starts_well(source, is_array).map_err(|error| failure::io(error, &path))? {
            true => Ok(Vec::new()),
            false => {
                let (expected, other) =
                    if is_array { ("[", "json_lines") } else { ("{", "json_array") };
                Err(Error::new(
                    salesmart_core::ErrorKind::SchemaChanged,
                    format!("`{path}` does not begin with `{expected}`"),
                )
                .with_hint(format!("is it `format: {other}`?")))
            }
        }
    })
    .await
}

/// A size as people say it.
fn human(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return format!("{bytes} bytes");
    }
    // In tenths of the unit, so that no float is needed.
    let (mut tenths, mut unit) = (bytes / 100, 0);
    while tenths >= 10_000 && unit < UNITS.len() - 1 {
        tenths /= 1_000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_three_digits_or_so() {
        assert_eq!(human(999), "999 bytes");
        assert_eq!(human(1_250), "1.2 kB");
        assert_eq!(human(637_773), "637.7 kB");
        assert_eq!(human(1_234_567_890), "1.2 GB");
    }
}
