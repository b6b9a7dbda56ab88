//! `copy (select …) to stdout`: rows for a file of the client's, as text, CSV or binary.

use std::fmt::Debug;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use datafusion::sql::sqlparser::ast::{
    CopyLegacyOption, CopyOption, CopySource, CopyTarget, Statement,
};
use futures::{Sink, SinkExt, StreamExt};
use pgwire::api::portal::Format;
use pgwire::api::results::Tag;
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::copy::{CopyData, CopyDone, CopyOutResponse};
use pgwire::messages::data::DataRow;
use pgwire::messages::response::CommandComplete;

use super::session::Session;
use super::{encode, error};
use crate::engine::{Failure, Rows, code};

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Csv,
    Binary,
}

/// What is copied, and how it is written.
#[derive(Debug)]
pub(super) struct Out {
    /// The query whose rows they are.
    pub(super) query: Statement,
    kind: Kind,
    delimiter: u8,
    null: String,
    quote: u8,
    header: bool,
}

/// Reads `copy … to stdout`; nothing for every other statement.
///
/// # Errors
/// Where an option is not known.
pub(super) fn out(statement: &Statement) -> Result<Option<Out>, Failure> {
    let Statement::Copy { source, to: true, target: CopyTarget::Stdout, .. } = statement else {
        return Ok(None);
    };
    let Statement::Copy { options, legacy_options, .. } = statement else { return Ok(None) };
    let query = match source {
        CopySource::Query(query) => Statement::Query(query.clone()),
        CopySource::Table { table_name, columns } => {
            let names: Vec<String> = columns.iter().map(ToString::to_string).collect();
            let names = if names.is_empty() { "*".to_owned() } else { names.join(", ") };
            let mut parsed = crate::engine::parse(&format!("select {names} from {table_name}"))?;
            match parsed.pop() {
                Some(query) => query,
                None => return Ok(None),
            }
        }
    };
    let mut kind = Kind::Text;
    let (mut delimiter, mut null, mut quote, mut header) = (None, None, '"', false);
    for option in options {
        match option {
            CopyOption::Format(name) => kind = kind_of(&name.value)?,
            CopyOption::Delimiter(letter) => delimiter = Some(*letter),
            CopyOption::Null(text) => null = Some(text.clone()),
            CopyOption::Quote(letter) | CopyOption::Escape(letter) => quote = *letter,
            CopyOption::Header(wanted) => header = *wanted,
            CopyOption::Encoding(name) if name.eq_ignore_ascii_case("utf8") => {}
            other => return Err(unknown(&other.to_string())),
        }
    }
    for option in legacy_options {
        match option {
            CopyLegacyOption::Binary => kind = Kind::Binary,
            CopyLegacyOption::Delimiter(letter) => delimiter = Some(*letter),
            CopyLegacyOption::Null(text) => null = Some(text.clone()),
            CopyLegacyOption::Header => header = true,
            CopyLegacyOption::Csv(options) => {
                kind = Kind::Csv;
                header |= options.iter().any(|option| option.to_string() == "HEADER");
            }
            other => return Err(unknown(&other.to_string())),
        }
    }
    let byte = |letter: char| {
        u8::try_from(letter).ok().filter(u8::is_ascii).ok_or_else(|| {
            Failure::new(code::FEATURE_NOT_SUPPORTED, "COPY delimiter must be one ASCII letter")
        })
    };
    Ok(Some(Out {
        query,
        kind,
        delimiter: byte(delimiter.unwrap_or(if kind == Kind::Csv { ',' } else { '\t' }))?,
        null: null.unwrap_or_else(|| if kind == Kind::Csv { "" } else { "\\N" }.to_owned()),
        quote: byte(quote)?,
        header,
    }))
}

fn kind_of(name: &str) -> Result<Kind, Failure> {
    match name.to_ascii_lowercase().as_str() {
        "text" => Ok(Kind::Text),
        "csv" => Ok(Kind::Csv),
        "binary" => Ok(Kind::Binary),
        other => Err(Failure::new(
            code::FEATURE_NOT_SUPPORTED,
            format!("COPY format \"{other}\" not recognized"),
        )
        .with_hint("text, csv or binary.")),
    }
}

fn unknown(option: &str) -> Failure {
    Failure::new(
        code::FEATURE_NOT_SUPPORTED,
        format!("option `{option}` of COPY is not supported when it writes to the client"),
    )
}

impl Out {
    fn format(&self) -> Format {
        if self.kind == Kind::Binary { Format::UnifiedBinary } else { Format::UnifiedText }
    }

    /// The bytes before the first row.
    fn start(&self, names: &[&str]) -> Bytes {
        if self.kind == Kind::Binary {
            return Bytes::from_static(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
        }
        if !self.header {
            return Bytes::new();
        }
        let mut line = BytesMut::new();
        for (at, name) in names.iter().enumerate() {
            if at > 0 {
                line.put_u8(self.delimiter);
            }
            self.value(name.as_bytes(), &mut line);
        }
        line.put_u8(b'\n');
        line.freeze()
    }

    /// One row.
    fn row(&self, row: DataRow) -> Bytes {
        if self.kind == Kind::Binary {
            let mut written = BytesMut::with_capacity(row.data.len() + 2);
            written.put_i16(row.field_count);
            written.extend_from_slice(&row.data);
            return written.freeze();
        }
        let mut line = BytesMut::with_capacity(row.data.len());
        let mut fields = row.data;
        for at in 0..row.field_count {
            if at > 0 {
                line.put_u8(self.delimiter);
            }
            match usize::try_from(fields.get_i32()) {
                Ok(length) => {
                    let value = fields.split_to(length);
                    self.value(&value, &mut line);
                }
                // A length below 0 is null.
                Err(_) => line.extend_from_slice(self.null.as_bytes()),
            }
        }
        line.put_u8(b'\n');
        line.freeze()
    }

    fn value(&self, value: &[u8], line: &mut BytesMut) {
        if self.kind == Kind::Csv {
            let special = |byte: &u8| {
                *byte == self.delimiter || *byte == self.quote || matches!(byte, b'\n' | b'\r')
            };
            // Text that looks like null is quoted, so that it is not.
            if value != self.null.as_bytes() && !value.iter().any(special) {
                line.extend_from_slice(value);
                return;
            }
            line.put_u8(self.quote);
            for byte in value {
                if *byte == self.quote {
                    line.put_u8(self.quote);
                }
                line.put_u8(*byte);
            }
            line.put_u8(self.quote);
            return;
        }
        for byte in value {
            match byte {
                b'\\' => line.extend_from_slice(b"\\\\"),
                b'\n' => line.extend_from_slice(b"\\n"),
                b'\r' => line.extend_from_slice(b"\\r"),
                b'\t' => line.extend_from_slice(b"\\t"),
                byte if *byte == self.delimiter => {
                    line.put_u8(b'\\');
                    line.put_u8(*byte);
                }
                byte => line.put_u8(*byte),
            }
        }
    }
}

/// Sends the rows.
pub(super) async fn send<C>(
    client: &mut C,
    session: &Session,
    out: &Out,
    rows: Rows,
) -> PgWireResult<()>
where
    C: Sink<PgWireBackendMessage> + Unpin,
    C::Error: Debug,
    PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
{
    let options = encode::options(session.state().settings.values());
    let fields = Arc::new(encode::fields(rows.schema(), &out.format(), &options)?);
    let columns = i16::try_from(fields.len()).unwrap_or(i16::MAX);
    let binary = i8::from(out.kind == Kind::Binary);
    let formats = vec![i16::from(binary); fields.len()];
    let response = CopyOutResponse::new(binary, columns, formats);
    client.feed(PgWireBackendMessage::CopyOutResponse(response)).await?;
    let names: Vec<&str> = fields.iter().map(pgwire::api::results::FieldInfo::name).collect();
    let start = out.start(&names);
    if !start.is_empty() {
        client.feed(PgWireBackendMessage::CopyData(CopyData::new(start))).await?;
    }
    let mut count = 0;
    let mut rows = encode::rows(rows, Arc::clone(&fields));
    while let Some(row) = rows.next().await {
        let data = CopyData::new(out.row(row?));
        client.feed(PgWireBackendMessage::CopyData(data)).await?;
        count += 1;
    }
    if out.kind == Kind::Binary {
        let end = CopyData::new(Bytes::from_static(b"\xff\xff"));
        client.feed(PgWireBackendMessage::CopyData(end)).await?;
    }
    client.feed(PgWireBackendMessage::CopyDone(CopyDone::new())).await?;
    let tag = Tag::new("COPY").with_rows(count);
    client.feed(PgWireBackendMessage::CommandComplete(CommandComplete::from(tag))).await?;
    Ok(())
}

/// What is said of a `copy` that this is not.
///
/// # Errors
/// Always where rows would have come.
pub(super) fn unexpected() -> PgWireError {
    error(Failure::new(code::INTERNAL, "a query to be copied did not answer with rows"))
}
