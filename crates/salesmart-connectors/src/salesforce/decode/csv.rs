//! Pages of Bulk results.

use std::borrow::Cow;

use csv::{ByteRecord, ReaderBuilder};
use salesmart_core::{Error, ErrorKind, Result};

use super::{Decoded, Emitter, Seen, Shape};

/// Decodes a page: a header line and records. An empty text is null, whatever the type: Salesforce
/// stores no empty texts. No other text is: `NA` and `None` are values.
pub(in crate::salesforce) fn page(shape: &Shape, page: &[u8], seen: &mut Seen) -> Result<Decoded> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(false).from_reader(page);
    let mut record = ByteRecord::new();
    let broken = |error: csv::Error| {
        Error::new(ErrorKind::SourceUnavailable, "a page of bulk results cannot be read as CSV")
            .with_source(error)
            .with_retryable(true)
            .with_hint("run again; with `bulk: {mode: never}` the object is read by REST instead")
    };
    if !reader.read_byte_record(&mut record).map_err(broken)? {
        return Ok(Decoded::default());
    }
    let places = places(shape, &record)?;
    let mut emitter = Emitter::new(shape, seen, super::BATCH_ROWS);
    while reader.read_byte_record(&mut record).map_err(broken)? {
        let field = |place: usize| {
            let bytes = record.get(*places.get(place)?)?;
            (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes))
        };
        emitter.record(field, || line(&record));
    }
    Ok(emitter.finish())
}

/// Where each field stands in the records.
fn places(shape: &Shape, header: &ByteRecord) -> Result<Vec<usize>> {
    let mut places = Vec::with_capacity(shape.fields.len());
    for field in &shape.fields {
        let is_it = |name: &[u8]| name.eq_ignore_ascii_case(field.name.as_bytes());
        let place = header.iter().position(is_it).ok_or_else(|| {
            Error::new(
                ErrorKind::SchemaChanged,
                format!("the field `{}` is not in the bulk results", field.name),
            )
            .with_hint("run again: fields are described anew in each run")
        })?;
        places.push(place);
    }
    Ok(places)
}

/// A record as a line of CSV, for quarantine.
fn line(record: &ByteRecord) -> String {
    let quoted =
        |field: &[u8]| format!("\"{}\"", String::from_utf8_lossy(field).replace('"', "\"\""));
    let fields: Vec<Cow<'_, str>> = record.iter().map(|field| quoted(field).into()).collect();
    fields.join(",")
}
