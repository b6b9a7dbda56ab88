//! Splits CSV text into records, without copying them.
//!
//! The `csv` crate is the yardstick (a test compares the two on everything well-formed); three
//! things that it cannot say are needed here: on which line a record starts in a file with `\r\n`
//! or blank lines, that a quote is never closed, and what the record looked like.
//!
//! A record whose quoting is broken must not swallow the rows behind it. It is taken to be its
//! first line, and reading goes on at the next one. So a file with one stray quote loses one row,
//! with a reason, and no quote can make memory grow beyond [`LONGEST_RECORD`].

use std::borrow::Cow;
use std::io::{self, Read};

/// No record is longer than this; a longer one has a quote that is not closed.
pub(super) const LONGEST_RECORD: usize = 8 * 1024 * 1024;

const FIRST_BUFFER: usize = 256 * 1024;

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// A quote is opened and the file ends.
    OpenQuote,
    /// Something else than a delimiter or the line's end follows a closing quote.
    TextAfterQuote,
    /// The record is longer than [`LONGEST_RECORD`].
    TooLong,
}

impl Defect {
    /// In words that a person can act on.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Defect::OpenQuote => "a quote is opened and never closed",
            Defect::TextAfterQuote => {
                "text follows a closing quote (a quote inside a quoted field is written twice)"
            }
            Defect::TooLong => "the record is longer than 8 MiB: a quote is probably not closed",
        }
    }
}

/// Where a field is in the buffer.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    /// It contains doubled quotes.
    doubled: bool,
}

/// One record.
#[derive(Debug)]
pub(super) struct Record<'a> {
    buffer: &'a [u8],
    spans: &'a [Span],
    quote: u8,
    /// The line it starts on, from 1.
    pub line: u64,
    /// What it looks like, without the line's end.
    pub raw: &'a [u8],
    /// What is wrong with it; its fields mean nothing then.
    pub defect: Option<Defect>,
}

impl<'a> Record<'a> {
    /// How many fields it has.
    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    /// A field's bytes, without the quotes around them.
    #[inline]
    pub(super) fn field(&self, index: usize) -> Cow<'a, [u8]> {
        let Some(span) = self.spans.get(index) else { return Cow::Borrowed(b"") };
        let bytes = &self.buffer[span.start..span.end];
        if span.doubled { Cow::Owned(undoubled(bytes, self.quote)) } else { Cow::Borrowed(bytes) }
    }
}

fn undoubled(bytes: &[u8], quote: u8) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        text.push(*byte);
        if *byte == quote {
            rest.next();
        }
    }
    text
}

/// Splits a reader's text into records.
pub(super) struct Records<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    line: u64,
    delimiter: u8,
    quote: Option<u8>,
    /// Which bytes end an unquoted field.
    ends_field: [bool; 256],
    spans: Vec<Span>,
    /// Whether the record has a quoted field, which may contain line ends.
    quoted: bool,
    longest: usize,
}

/// What a scan from the start of a record found.
enum Scan {
    /// A record that ends before `end`; the next begins at `next`.
    Record { end: usize, next: usize, defect: Option<Defect> },
    /// The buffer ends inside the record.
    NeedMore,
}

impl<R: Read> Records<R> {
    /// Records of a text with these delimiters and quotes.
    pub(super) fn new(source: R, delimiter: u8, quote: Option<u8>) -> Self {
        let mut ends_field = [false; 256];
        for byte in [delimiter, b'\n', b'\r'] {
            ends_field[usize::from(byte)] = true;
        }
        Self {
            source,
            buffer: vec![0; FIRST_BUFFER],
            start: 0,
            end: 0,
            at_end: false,
            line: 1,
            delimiter,
            quote,
            ends_field,
            spans: Vec::new(),
            quoted: false,
            longest: LONGEST_RECORD,
        }
    }

    /// The next record that is not an empty line.
    pub(super) fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        if !self.skip_empty_lines()? {
            return Ok(None);
        }
        let line = self.line;
        let (end, next, defect) = loop {
            let defect = match self.scan() {
                Scan::Record { end, next, defect: None } => break (end, next, None),
                Scan::Record { defect: Some(defect), .. } => Some(defect),
                Scan::NeedMore if self.is_full() => Some(Defect::TooLong),
                Scan::NeedMore => None,
            };
            if let (Some(defect), Some((end, next))) = (defect, self.first_line()) {
                break (end, next, Some(defect));
            }
            self.fill()?;
        };
        let start = self.start;
        self.line += match self.quoted {
            true => lines_in(&self.buffer[start..next]),
            false => u64::from(next > end),
        };
        self.start = next;
        Ok(Some(Record {
            buffer: &self.buffer,
            spans: &self.spans,
            quote: self.quote.unwrap_or_default(),
            line,
            raw: &self.buffer[start..end],
            defect,
        }))
    }

    /// Goes to the first byte of a record; `false` at the end of the text.
    fn skip_empty_lines(&mut self) -> io::Result<bool> {
        loop {
            if self.start == self.end {
                if self.at_end {
                    return Ok(false);
                }
                self.fill()?;
                continue;
            }
            match self.buffer[self.start] {
                b'\n' => self.start += 1,
                b'\r' => match self.buffer[self.start..self.end].get(1) {
                    Some(b'\n') => self.start += 2,
                    None if !self.at_end => {
                        self.fill()?;
                        continue;
                    }
                    _ => self.start += 1,
                },
                _ => return Ok(true),
            }
            self.line += 1;
        }
    }

    /// Splits the record at the start of the buffer into fields.
    #[inline]
    fn scan(&mut self) -> Scan {
        self.spans.clear();
        self.quoted = false;
        let bytes = &self.buffer[..self.end];
        let mut at = self.start;
        loop {
            let quoted = self.quote.is_some_and(|quote| bytes.get(at) == Some(&quote));
            if quoted {
                self.quoted = true;
                let quote = bytes[at];
                let mut doubled = false;
                let start = at + 1;
                at = start;
                // To the quote that is not the first of two.
                loop {
                    let Some(length) = bytes[at..].iter().position(|byte| *byte == quote) else {
                        return self.incomplete(Defect::OpenQuote);
                    };
                    at += length + 1;
                    match bytes.get(at) {
                        Some(next) if *next == quote => {
                            doubled = true;
                            at += 1;
                        }
                        None if !self.at_end => return Scan::NeedMore,
                        _ => break,
                    }
                }
                self.spans.push(Span { start, end: at - 1, doubled });
                match bytes.get(at) {
                    Some(byte) if !self.ends_field[usize::from(*byte)] => {
                        return Scan::Record {
                            end: at,
                            next: at,
                            defect: Some(Defect::TextAfterQuote),
                        };
                    }
                    _ => {}
                }
            } else {
                let start = at;
                while at < bytes.len() && !self.ends_field[usize::from(bytes[at])] {
                    at += 1;
                }
                self.spans.push(Span { start, end: at, doubled: false });
            }
            match bytes.get(at) {
                Some(byte) if *byte == self.delimiter => at += 1,
                Some(b'\n') => return Scan::Record { end: at, next: at + 1, defect: None },
                Some(_) => {
                    // `\r`, with or without `\n`.
                    return match bytes.get(at + 1) {
                        Some(b'\n') => Scan::Record { end: at, next: at + 2, defect: None },
                        None if !self.at_end => Scan::NeedMore,
                        _ => Scan::Record { end: at, next: at + 1, defect: None },
                    };
                }
                None if self.at_end => return Scan::Record { end: at, next: at, defect: None },
                None => return Scan::NeedMore,
            }
        }
    }

    fn incomplete(&self, defect: Defect) -> Scan {
        if self.at_end {
            Scan::Record { end: self.end, next: self.end, defect: Some(defect) }
        } else {
            Scan::NeedMore
        }
    }

    /// Whether as much of the record is in the buffer as may be.
    fn is_full(&self) -> bool {
        self.end - self.start >= self.longest
    }

    /// The end of the first line and the start of the second; `None` where more must be read to
    /// know. A line that is longer than a record may be is cut.
    fn first_line(&self) -> Option<(usize, usize)> {
        let bytes = &self.buffer[..self.end];
        let is_all = self.at_end || self.is_full();
        let length = bytes[self.start..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        match length.map(|length| self.start + length) {
            None => is_all.then_some((self.end, self.end)),
            Some(end) if bytes[end] == b'\n' => Some((end, end + 1)),
            Some(end) => match bytes.get(end + 1) {
                Some(b'\n') => Some((end, end + 2)),
                None if !is_all => None,
                _ => Some((end, end + 1)),
            },
        }
    }

    /// Reads more, after moving the record to the start of the buffer; the buffer grows when the
    /// record alone fills it.
    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(length) => self.end += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }
}

/// How many lines end in a text: at `\n`, `\r\n` or `\r`.
fn lines_in(bytes: &[u8]) -> u64 {
    let mut lines = 0;
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        lines += 1;
        let is_pair = rest[at] == b'\r' && rest.get(at + 1) == Some(&b'\n');
        rest = &rest[at + 1 + usize::from(is_pair)..];
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives the text in pieces of a few bytes, so that every boundary falls everywhere.
    struct Dribble<'a>(&'a [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    type Row = (u64, Vec<Vec<u8>>, Option<Defect>);

    fn split(text: &[u8], piece: usize) -> Vec<Row> {
        let mut records = Records::new(Dribble(text, piece), b',', Some(b'"'));
        records.buffer = vec![0; 4];
        records.longest = 4_096;
        let mut rows = Vec::new();
        while let Some(record) = records.next().unwrap() {
            let fields = (0..record.len()).map(|i| record.field(i).into_owned()).collect();
            rows.push((record.line, fields, record.defect));
        }
        rows
    }

    fn by_csv_crate(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text)
            .byte_records()
            .map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect())
            .collect()
    }

    #[test]
    fn lines_count_where_records_start() {
        let text = b"a,b\r\n\r\n\"x\r\ny\",1\r\n2,3\n4,5\r6,7";
        let lines: Vec<u64> = split(text, 3).into_iter().map(|(line, ..)| line).collect();
        assert_eq!(lines, [1, 3, 5, 6, 7]);
    }

    #[test]
    fn a_broken_quote_costs_its_own_line_only() {
        let rows = split(b"1,a\n2,\"b\n3,c\n4,d\n", 5);
        assert_eq!(rows.len(), 4);
        assert_eq!((rows[1].0, rows[1].2), (2, Some(Defect::OpenQuote)));
        assert!(rows[2..].iter().all(|(_, fields, defect)| fields.len() == 2 && defect.is_none()));

        let rows = split(b"1,\"5\" wide\n2,\"x\n3,\"y\"\n", 5);
        let defects: Vec<_> = rows.iter().map(|(line, _, defect)| (*line, *defect)).collect();
        let after = Some(Defect::TextAfterQuote);
        assert_eq!(defects, [(1, after), (2, after), (3, None)]);
    }

    #[test]
    fn an_endless_quote_does_not_fill_memory() {
        let mut text = b"1,\"x\n".to_vec();
        text.extend(b"2,y\n".repeat(5_000));
        let rows = split(&text, 1_000);
        assert_eq!(rows.len(), 5_001);
        assert_eq!(rows[0].2, Some(Defect::TooLong));
        assert!(rows[1..].iter().all(|(.., defect)| defect.is_none()));
    }

    proptest! {
        #[test]
        fn well_formed_text_is_split_as_the_csv_crate_does(
            rows in proptest::collection::vec(
                proptest::collection::vec("[ab\",\r\n é]{0,6}", 1..4), 0..12),
            ending in prop_oneof![Just("\n"), Just("\r\n")],
            piece in 1_usize..20,
        ) {
            let mut text = String::new();
            for row in &rows {
                let fields: Vec<String> = row.iter().map(|field| {
                    if field.contains(['"', ',', '\r', '\n']) || field.is_empty() {
                        format!("\"{}\"", field.replace('"', "\"\""))
                    } else {
                        field.clone()
                    }
                }).collect();
                text += &fields.join(",");
                text += ending;
            }
            let ours = split(text.as_bytes(), piece);
            prop_assert!(ours.iter().all(|(.., defect)| defect.is_none()));
            let ours: Vec<_> = ours.into_iter().map(|(_, fields, _)| fields).collect();
            prop_assert_eq!(&ours, &by_csv_crate(text.as_bytes()));
            prop_assert_eq!(ours.len(), rows.len());
        }

        #[test]
        fn text_without_quotes_is_split_as_the_csv_crate_does(
            text in "[ab,\r\n]{0,60}", piece in 1_usize..20,
        ) {
            let ours: Vec<_> =
                split(text.as_bytes(), piece).into_iter().map(|(_, fields, _)| fields).collect();
            prop_assert_eq!(ours, by_csv_crate(text.as_bytes()));
        }

        #[test]
        fn any_bytes_give_the_same_records_in_any_pieces(
            text in proptest::collection::vec(prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..80),
            piece in 1_usize..20,
        ) {
            let whole = split(&text, text.len().max(1));
            prop_assert_eq!(&split(&text, piece), &whole);
            let starts: Vec<u64> = whole.iter().map(|(line, ..)| *line).collect();
            prop_assert!(starts.is_sorted());
        }
    }
}
