//! Cuts JSON text into its objects: lines, or the elements of one array.
//!
//! Only one element is in memory. What is malformed inside an element stays that element's
//! problem; the scan goes on behind it.

use std::io::{self, BufRead};

/// How much is read at a time.
pub(super) const CHUNK: usize = 256 * 1024;

/// A longer element is rejected instead of kept in memory.
pub(super) const LONGEST: usize = 32 * 1024 * 1024;

/// One object's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// The line it starts on, from 1.
    pub line: u64,
    /// Its text; only the start of it when it is too long.
    pub text: &'a [u8],
    /// Whether it is longer than [`LONGEST`].
    pub too_long: bool,
}

/// Why an array cannot be read on.
#[derive(Debug)]
pub(super) enum Failure {
    /// The file cannot be read.
    Io(io::Error),
    /// The text is not one array.
    Shape {
        /// Where.
        line: u64,
        /// What is there.
        message: String,
    },
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Io(error)
    }
}

/// The lines of a text that are not empty.
pub(super) struct Lines<R> {
    source: R,
    line: u64,
    text: Vec<u8>,
    longest: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, line: 0, text: Vec::new(), longest: LONGEST }
    }

    /// The next line.
    pub(super) fn next(&mut self) -> io::Result<Option<Element<'_>>> {
        loop {
            self.text.clear();
            let mut too_long = false;
            let mut ended = false;
            let mut any = false;
            while !ended {
                let chunk = match self.source.fill_buf() {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    chunk => chunk?,
                };
                if chunk.is_empty() {
                    break;
                }
                any = true;
                let length = chunk.iter().position(|byte| *byte == b'\n');
                let line = &chunk[..length.unwrap_or(chunk.len())];
                let room = self.longest - self.text.len();
                too_long |= line.len() > room;
                self.text.extend_from_slice(&line[..line.len().min(room)]);
                ended = length.is_some();
                let used = line.len() + usize::from(ended);
                self.source.consume(used);
            }
            if !any {
                return Ok(None);
            }
            self.line += 1;
            if !self.text.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(Element { line: self.line, text: &self.text, too_long }));
            }
        }
    }
}

/// The elements of one array.
pub(super) struct Elements<R> {
    source: R,
    line: u64,
    text: Vec<u8>,
    state: State,
    longest: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    BeforeArray,
    /// Just after `[`, where the array may also end.
    First,
    /// After a comma.
    Next,
    AfterElement,
    AfterArray,
}

impl<R: BufRead> Elements<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, line: 1, text: Vec::new(), state: State::BeforeArray, longest: LONGEST }
    }

    /// The next element; `None` after a complete array with nothing behind it.
    pub(super) fn next(&mut self) -> Result<Option<Element<'_>>, Failure> {
        loop {
            let Some(byte) = self.peek_token()? else {
                return match self.state {
                    State::AfterArray => Ok(None),
                    State::BeforeArray => Err(self.shape("the file is empty")),
                    _ => Err(self.shape("the file ends inside the array")),
                };
            };
            match (self.state, byte) {
                (State::BeforeArray, b'[') => self.state = State::First,
                (State::First | State::AfterElement, b']') => self.state = State::AfterArray,
                (State::AfterElement, b',') => self.state = State::Next,
                // An empty place between commas is an element that is no object.
                (State::First | State::Next, b',' | b']') => {
                    return Err(self.shape("an element is missing between commas"));
                }
                (State::First | State::Next, _) => {
                    let line = self.line;
                    let too_long = self.element()?;
                    self.state = State::AfterElement;
                    return Ok(Some(Element { line, text: &self.text, too_long }));
                }
                (state, byte) => {
                    let place = match state {
                        State::BeforeArray => "where `[` should be",
                        State::AfterArray => "behind the array",
                        _ => "between two elements",
                    };
                    let found = char::from(byte).escape_default();
                    return Err(self.shape(format!("`{found}` stands {place}")));
                }
            }
            self.source.consume(1);
        }
    }

    fn shape(&self, message: impl Into<String>) -> Failure {
        Failure::Shape { line: self.line, message: message.into() }
    }

    /// The next byte that is not white space, without consuming it.
    fn peek_token(&mut self) -> io::Result<Option<u8>> {
        loop {
            let chunk = match self.source.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if chunk.is_empty() {
                return Ok(None);
            }
            let spaces = chunk.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let found = chunk.get(spaces).copied();
            self.line += chunk[..spaces].iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
            self.source.consume(spaces);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Takes an element's text up to the comma or bracket behind it; whether it was too long.
    fn element(&mut self) -> Result<bool, Failure> {
        self.text.clear();
        let mut too_long = false;
        let (mut depth, mut in_string, mut escaped) = (0_u32, false, false);
        loop {
            let chunk = match self.source.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if chunk.is_empty() {
                return Err(self.shape("the file ends inside the array"));
            }
            let mut end = None;
            let mut lines = 0;
            for (index, byte) in chunk.iter().enumerate() {
                lines += u64::from(*byte == b'\n');
                if in_string {
                    match byte {
                        _ if escaped => escaped = false,
                        b'\\' => escaped = true,
                        b'"' => in_string = false,
                        _ => {}
                    }
                    continue;
                }
                match byte {
                    b'"' => in_string = true,
                    b'{' | b'[' => depth += 1,
                    b',' | b']' if depth == 0 => {
                        end = Some(index);
                        break;
                    }
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            let taken = &chunk[..end.unwrap_or(chunk.len())];
            let room = self.longest - self.text.len();
            too_long |= taken.len() > room;
            self.text.extend_from_slice(&taken[..taken.len().min(room)]);
            let used = taken.len();
            self.source.consume(used);
            self.line += lines;
            if end.is_some() {
                let trimmed = self.text.trim_ascii_end().len();
                self.text.truncate(trimmed);
                return Ok(too_long);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn elements(text: &[u8], piece: usize) -> Result<Vec<(u64, String)>, String> {
        let mut array = Elements::new(BufReader::with_capacity(piece, text));
        let mut found = Vec::new();
        loop {
            match array.next() {
                Ok(Some(element)) => {
                    found.push((element.line, String::from_utf8_lossy(element.text).into_owned()));
                }
                Ok(None) => return Ok(found),
                Err(Failure::Shape { line, message }) => return Err(format!("{line}: {message}")),
                Err(Failure::Io(error)) => return Err(error.to_string()),
            }
        }
    }

    #[test]
    fn elements_keep_their_text_and_line() {
        let text = b" [\n {\"a\": \"],\\\"[\"} ,\n\n [1,\n2], null\n]\n";
        let expected = [(2, "{\"a\": \"],\\\"[\"}"), (4, "[1,\n2]"), (5, "null")];
        let expected: Vec<_> =
            expected.iter().map(|(line, text)| (*line, (*text).to_owned())).collect();
        for piece in 1..40 {
            assert_eq!(elements(text, piece), Ok(expected.clone()));
        }
        assert_eq!(elements(b"[]", 1), Ok(vec![]));
    }

    #[test]
    fn a_malformed_element_does_not_hide_the_next() {
        let found = elements(b"[{\"a\": tru}, {oops}, {\"b\": 1}]", 7).unwrap();
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn what_is_not_one_array_is_said() {
        for (text, message) in [
            ("", "1: the file is empty"),
            ("{}", "1: `{` stands where `[` should be"),
            ("[1,\n2", "2: the file ends inside the array"),
            ("[1,\n2,", "2: the file ends inside the array"),
            ("[1] []", "1: `[` stands behind the array"),
            ("[1,,2]", "1: an element is missing between commas"),
            ("[1,]", "1: an element is missing between commas"),
        ] {
            assert_eq!(elements(text.as_bytes(), 3), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn lines_without_content_are_skipped_and_counted() {
        let mut lines = Lines::new(BufReader::with_capacity(3, &b"{}\r\n\n  \n[1]"[..]));
        let first = lines.next().unwrap().map(|e| (e.line, e.text.to_vec()));
        assert_eq!(first, Some((1, b"{}\r".to_vec())));
        let second = lines.next().unwrap().map(|e| (e.line, e.text.to_vec()));
        assert_eq!(second, Some((4, b"[1]".to_vec())));
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn an_element_that_is_too_long_is_cut_and_passed_by() {
        let mut lines = Lines::new(BufReader::with_capacity(3, &b"0123456789\n1"[..]));
        lines.longest = 4;
        let first = lines.next().unwrap().map(|e| (e.too_long, e.text.to_vec()));
        assert_eq!(first, Some((true, b"0123".to_vec())));
        let second = lines.next().unwrap().map(|e| (e.too_long, e.text.to_vec()));
        assert_eq!(second, Some((false, b"1".to_vec())));
    }

    proptest! {
        #[test]
        fn any_values_come_back_in_any_pieces(
            values in proptest::collection::vec("[a\"\\\\\\[\\]{},: \n]{0,10}", 0..6), piece in 1_usize..30,
        ) {
            let array = serde_json::to_vec_pretty(&values).unwrap();
            let found = elements(&array, piece).unwrap();
            let back: Vec<String> =
                found.iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
            prop_assert_eq!(back, values);
        }

        #[test]
        fn no_bytes_panic(text in "[\\[\\]{},\":a\\\\\n]{0,60}", piece in 1_usize..10) {
            let _ = elements(text.as_bytes(), piece);
        }
    }
}
