//! CSV: the header against the declaration, then records into columns.

use salesmart_core::{Error, ErrorKind, Result, suggest};

use super::batch::{Batcher, lossy};
use super::declaration::Stream;
use super::records::Records;
use super::transport::Bytes;
use super::{failure, rules::ColumnRule};

/// Where the declared columns are in the records of one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// For each declared column the index of its field.
    fields: Vec<usize>,
    /// How many fields a record has.
    width: usize,
    /// Columns of the file that are not declared.
    pub extra: Vec<String>,
}

/// Reads one file.
pub(super) fn read(
    source: Bytes,
    stream: &Stream,
    file: &str,
    batcher: &mut Batcher<'_>,
) -> Result<()> {
    let mut records = Records::new(source, stream.csv.delimiter_of(file), stream.csv.quote);
    let layout = layout(&mut records, stream, file)?;
    failure::log_extra(stream, file, &layout.extra);
    while let Some(record) = records.next().map_err(|error| failure::io(error, file))? {
        if let Some(defect) = record.defect {
            batcher.reject(
                record.line,
                None,
                None,
                defect.reason().to_owned(),
                lossy(record.raw),
            )?;
        } else if record.len() != layout.width {
            let (found, width) = (record.len(), layout.width);
            let reason = match stream.csv.header {
                true => format!("{found} fields where the header has {width}"),
                false => format!("{found} fields where {width} are declared"),
            };
            batcher.reject(record.line, None, None, reason, lossy(record.raw))?;
        } else {
            batcher.row(
                record.line,
                record.raw.len(),
                |column| super::batch::Field::Text(record.field(layout.fields[column])),
                || lossy(record.raw),
            )?;
        }
    }
    Ok(())
}

/// Reads the header and finds the declared columns in it.
pub(super) fn layout<R: std::io::Read>(
    records: &mut Records<R>,
    stream: &Stream,
    file: &str,
) -> Result<Layout> {
    if !stream.csv.header {
        let width = stream.columns.len();
        return Ok(Layout { fields: (0..width).collect(), width, extra: Vec::new() });
    }
    let header = match records.next().map_err(|error| failure::io(error, file))? {
        Some(record) if record.defect.is_none() => {
            (0..record.len()).map(|index| lossy(&record.field(index))).collect::<Vec<_>>()
        }
        Some(record) => {
            let reason = record.defect.map_or("", super::records::Defect::reason);
            return Err(Error::new(
                ErrorKind::SchemaChanged,
                format!("the header of `{file}` cannot be read: {reason}"),
            )
            .with("header", lossy(record.raw))
            .at(stream.path_location.clone())
            .with_hint("look at `delimiter` and `quote`"));
        }
        None => {
            return Err(Error::new(
                ErrorKind::SchemaChanged,
                format!("`{file}` is empty: it has no header"),
            )
            .at(stream.path_location.clone())
            .with_hint("export it again, or declare `header: false` if it never has one"));
        }
    };
    resolve(&header, &stream.columns, file)
}

/// Finds each column in the header; names every one that is not there or there twice.
fn resolve(header: &[String], columns: &[ColumnRule], file: &str) -> Result<Layout> {
    let mut problems = Vec::new();
    let mut fields = Vec::new();
    for rule in columns {
        let mut found = (0..header.len()).filter(|index| header[*index] == rule.source);
        match (found.next(), found.next()) {
            (Some(index), None) => fields.push(index),
            (Some(_), Some(_)) => problems.push(
                failure::schema(rule, format!("column `{}` occurs twice in `{file}`", rule.source))
                    .with("found", shown(header))
                    .with_hint("rename one of them where the file is exported"),
            ),
            (None, _) => problems.push(missing(header, rule, file)),
        }
    }
    if let Some(error) = Error::many(problems) {
        return Err(error);
    }
    let extra = (0..header.len())
        .filter(|index| !fields.contains(index))
        .map(|index| header[index].clone())
        .collect();
    Ok(Layout { fields, width: header.len(), extra })
}

fn missing(header: &[String], rule: &ColumnRule, file: &str) -> Error {
    let error = failure::schema(rule, format!("column `{}` is not in `{file}`", rule.source))
        .with("found", shown(header));
    match suggest::nearest(&rule.source, header.iter().map(String::as_str)) {
        Some(near) => error.with_hint(format!("did you mean `from: \"{near}\"`?")),
        None if header.len() == 1 => {
            error.with_hint("the whole header is one column: look at `delimiter`")
        }
        None => error.with_hint("name the source's column with `from`, or take the column out"),
    }
}

fn shown(header: &[String]) -> String {
    suggest::list(header.iter().map(String::as_str))
}
