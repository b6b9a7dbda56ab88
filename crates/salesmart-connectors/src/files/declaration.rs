//! From what a person wrote to what can be read: every value checked, every problem reported with
//! its place, and a fingerprint that changes when the rows could change.

use std::collections::BTreeSet;

use salesmart_core::yaml::{At, Node};
use salesmart_core::{Column, Error, Location, Result, StreamName};
use salesmart_extract::StreamSpec;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::config::{Compression, Encoding, FilesConfig, Format, OnChange, StreamConfig, is_tsv};
use super::pattern::Pattern;
use super::rules::ColumnRule;

/// Raised when a new version reads the same declaration differently, so that files are read again.
const READING_VERSION: u32 = 1;

/// A stream, checked.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    /// What the rest of the house knows about it.
    pub spec: StreamSpec,
    /// Which files.
    pub pattern: Pattern,
    /// Where that is declared: what errors about the files point at.
    pub path_location: Location,
    /// How they are written; `None`: each file's ending says it.
    pub format: Option<Format>,
    /// How they are compressed.
    pub compression: Compression,
    /// How CSV is written.
    pub csv: CsvDialect,
    /// How text is encoded.
    pub encoding: Encoding,
    /// What a changed file means.
    pub on_change: OnChange,
    /// The columns, in order.
    pub columns: Vec<ColumnRule>,
    /// Changes when a change of the declaration could change the rows.
    pub fingerprint: String,
}

/// How CSV is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct CsvDialect {
    /// Between fields; `None`: a tab in files that end in `.tsv`, else a comma.
    pub delimiter: Option<u8>,
    /// Around fields; `None`: quotes mean nothing.
    pub quote: Option<u8>,
    /// Whether the first line names the columns.
    pub header: bool,
}

impl CsvDialect {
    /// The delimiter of one file.
    pub(super) fn delimiter_of(&self, path: &str) -> u8 {
        self.delimiter.unwrap_or(if is_tsv(path) { b'\t' } else { b',' })
    }
}

impl Stream {
    /// The format of one file.
    pub(super) fn format_of(&self, path: &str) -> Result<Format> {
        self.format.or_else(|| Format::of(path)).ok_or_else(|| {
            Error::configuration(format!(
                "the ending of `{path}` does not say how the file is written"
            ))
            .at(self.path_location.clone())
            .with_hint("add `format: csv` (or json_lines, json_array, parquet) to the stream")
        })
    }
}

/// Decodes and checks a connection's section. Reports every problem, not only the first.
pub(super) fn declare(node: &Node) -> Result<(At<String>, Vec<Stream>)> {
    let config: FilesConfig = node.decode()?;
    let mut problems = Vec::new();
    if config.streams.0.is_empty() {
        let error = Error::configuration("the connection has no streams")
            .at(node.location.clone())
            .with_hint("add at least one under `streams:`; connectors/files/example.yml shows how");
        problems.push(error);
    }
    let mut streams = Vec::new();
    for (name, stream) in &config.streams {
        streams.extend(declare_stream(name, stream, &mut problems));
    }
    match Error::many(problems) {
        Some(error) => Err(error),
        None => Ok((config.location, streams)),
    }
}

fn declare_stream(
    name: &At<String>,
    config: &StreamConfig,
    problems: &mut Vec<Error>,
) -> Option<Stream> {
    let before = problems.len();
    let stream_name = StreamName::new(&*name.value)
        .map_err(|error| problems.push(error.at(name.location.clone())))
        .ok();
    let pattern = Pattern::new(&config.path.value)
        .map_err(|error| problems.push(error.at(config.path.location.clone())))
        .ok();
    let columns = declare_columns(name, config, problems);
    check_key(config, problems);
    let format = declared_format(config, pattern.as_ref(), problems);
    let csv = declare_csv(config, format, problems);
    check_options(config, format, problems);
    if problems.len() > before {
        return None;
    }
    let (stream_name, pattern) = (stream_name?, pattern?);
    let spec = StreamSpec {
        name: stream_name,
        columns: columns
            .iter()
            .map(|rule| Column { name: rule.name.clone(), column_type: rule.column_type })
            .collect(),
        key: config.key.iter().map(|key| key.value.clone()).collect(),
        max_rejected: config.max_rejected,
        location: Some(name.location.clone()),
    };
    let mut stream = Stream {
        spec,
        pattern,
        path_location: config.path.location.clone(),
        format: config.format.as_ref().map(|format| format.value),
        compression: config.compression.as_ref().map(|c| c.value).unwrap_or_default(),
        csv,
        encoding: config.encoding.as_ref().map(|e| e.value).unwrap_or_default(),
        on_change: config.on_change.as_ref().map(|on| on.value).unwrap_or_default(),
        columns,
        fingerprint: String::new(),
    };
    stream.fingerprint = fingerprint(&stream);
    Some(stream)
}

fn declare_columns(
    stream: &At<String>,
    config: &StreamConfig,
    problems: &mut Vec<Error>,
) -> Vec<ColumnRule> {
    let header = config.header.as_ref().is_none_or(|header| header.value);
    let default_tokens = vec![String::new()];
    let null_tokens = config.null_tokens.as_ref().unwrap_or(&default_tokens);
    if config.columns.0.is_empty() {
        let error = Error::configuration(format!("stream `{}` has no columns", stream.value))
            .at(stream.location.clone())
            .with_hint("name those to read under `columns:`, such as `amount: decimal(18,2)`");
        problems.push(error);
    }
    let mut rules = Vec::new();
    for (name, column) in &config.columns {
        problems.extend(check_column_name(name));
        if let Some(from) = &column.fields.from
            && !header
        {
            let error = Error::configuration("`from` has no meaning without a header")
                .at(from.location.clone())
                .with_hint("declare the columns in the order of the file instead");
            problems.push(error);
        }
        match ColumnRule::new(name, &column.fields, null_tokens) {
            Ok(rule) => rules.push(rule),
            Err(errors) => problems.extend(errors),
        }
    }
    rules
}

/// Column names become SQL identifiers; names that begin with `_` belong to provenance.
fn check_column_name(name: &At<String>) -> Option<Error> {
    let text = &name.value;
    let fine = text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if fine {
        return None;
    }
    let suggestion: String = text
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let suggestion = suggestion.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let error = Error::configuration(format!("`{text}` is not a usable column name"))
        .with(
            "expected",
            "lower-case letters, digits and `_`, a letter first, at most 63 characters",
        )
        .at(name.location.clone());
    Some(if suggestion.is_empty() {
        error
    } else {
        error.with_hint(format!("`{suggestion}: {{type: …, from: \"{text}\"}}` would do"))
    })
}

fn check_key(config: &StreamConfig, problems: &mut Vec<Error>) {
    let mut seen = BTreeSet::new();
    for key in &config.key {
        if !config.columns.0.iter().any(|(name, _)| name.value == key.value) {
            let names = config.columns.0.iter().map(|(name, _)| name.value.as_str());
            let near = nearest(&key.value, names);
            let error = Error::configuration(format!("key column `{}` is not declared", key.value))
                .at(key.location.clone());
            problems.push(match near {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => error.with_hint("add it under `columns:`"),
            });
        }
        if !seen.insert(&key.value) {
            let error = Error::configuration(format!("key column `{}` occurs twice", key.value));
            problems.push(error.at(key.location.clone()));
        }
    }
    if let Some(on_change) = &config.on_change
        && on_change.value == OnChange::Upsert
        && config.key.is_empty()
    {
        let error = Error::configuration("`on_change: upsert` needs a `key`")
            .at(on_change.location.clone())
            .with_hint("name the columns that identify a row: `key: [id]`");
        problems.push(error);
    }
}

/// The format where it is the same for every file of the stream.
fn declared_format(
    config: &StreamConfig,
    pattern: Option<&Pattern>,
    problems: &mut Vec<Error>,
) -> Option<Format> {
    if let Some(format) = &config.format {
        return Some(format.value);
    }
    let format = Format::of(&config.path.value);
    if format.is_none() && pattern.is_some_and(Pattern::is_one_file) {
        let error = Error::configuration(format!(
            "the ending of `{}` does not say how the file is written",
            config.path.value
        ))
        .at(config.path.location.clone())
        .with_hint("add `format: csv` (or json_lines, json_array, parquet)");
        problems.push(error);
    }
    format
}

fn declare_csv(
    config: &StreamConfig,
    format: Option<Format>,
    problems: &mut Vec<Error>,
) -> CsvDialect {
    let delimiter = config
        .delimiter
        .as_ref()
        .and_then(|text| one_byte("delimiter", text).map_err(|error| problems.push(error)).ok());
    let quote = match &config.quote {
        None => Some(b'"'),
        Some(text) if text.value == "none" => None,
        Some(text) => one_byte("quote", text).map_err(|error| problems.push(error)).ok(),
    };
    if let (Some(delimiter), Some(quote)) = (delimiter, quote)
        && delimiter == quote
    {
        let place = config.quote.as_ref().or(config.delimiter.as_ref());
        let error = Error::configuration("`delimiter` and `quote` are the same character");
        problems.push(match place {
            Some(text) => error.at(text.location.clone()),
            None => error,
        });
    }
    let only_csv = [
        ("delimiter", config.delimiter.as_ref().map(|o| &o.location)),
        ("quote", config.quote.as_ref().map(|o| &o.location)),
        ("header", config.header.as_ref().map(|o| &o.location)),
    ];
    for (option, location) in only_csv {
        if let (Some(location), Some(format)) = (location, format)
            && format != Format::Csv
        {
            problems.push(unused(option, "CSV", location));
        }
    }
    CsvDialect { delimiter, quote, header: config.header.as_ref().is_none_or(|h| h.value) }
}

fn check_options(config: &StreamConfig, format: Option<Format>, problems: &mut Vec<Error>) {
    if format != Some(Format::Parquet) {
        return;
    }
    if let Some(encoding) = &config.encoding {
        problems.push(unused("encoding", "text", &encoding.location));
    }
    if let Some(compression) = &config.compression
        && matches!(compression.value, Compression::Gzip | Compression::Zstd)
    {
        let error = Error::configuration("a compressed Parquet file cannot be read")
            .at(compression.location.clone())
            .with_hint("leave `compression` out: Parquet compresses its own pages");
        problems.push(error);
    }
}

fn unused(option: &str, format: &str, location: &Location) -> Error {
    Error::configuration(format!("`{option}` only has a meaning for {format} files"))
        .at(location.clone())
        .with_hint("leave it out")
}

fn one_byte(option: &str, text: &At<String>) -> Result<u8> {
    let written = if text.value == "\\t" { "\t" } else { text.value.as_str() };
    match written.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Ok(*byte),
        _ => Err(Error::configuration(format!("`{}` cannot be the {option}", text.value))
            .with("expected", "one ASCII character, or `\\t` for a tab")
            .at(text.location.clone())),
    }
}

/// The nearest of some names, for hints.
pub(super) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    salesmart_core::suggest::nearest(written, known)
}

/// What decides which rows the files' contents become. Not in it: places in the pipeline file,
/// the threshold, and where the files are (their contents are known by etag or hash).
fn fingerprint(stream: &Stream) -> String {
    let columns: Vec<_> = stream.columns.iter().map(ColumnRule::describe).collect();
    let description = json!({
        "version": READING_VERSION,
        "path": stream.pattern.as_str(),
        "format": stream.format,
        "compression": stream.compression,
        "delimiter": stream.csv.delimiter,
        "quote": stream.csv.quote,
        "header": stream.csv.header,
        "encoding": stream.encoding,
        "on_change": stream.on_change,
        "key": stream.spec.key,
        "columns": columns,
    });
    super::identity::hex(&Sha256::digest(description.to_string().as_bytes()))
}
