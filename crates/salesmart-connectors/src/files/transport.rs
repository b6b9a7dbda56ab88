//! From a file's bytes to the text or bytes a format reads: hash, decompress, decode to UTF-8.
//!
//! Everything streams. Text that is malformed in its encoding becomes the byte `0xFF`, which is
//! no UTF-8, so that exactly the row it stands in is rejected later: nothing is replaced by `�`.

use std::io::{self, Cursor, Read};

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};
use flate2::read::MultiGzDecoder;

use super::config::{Compression, Encoding};
use super::identity::SharedHash;

/// A stream of bytes that may be handed to another thread.
pub(super) type Bytes = Box<dyn Read + Send>;

/// What no UTF-8 text contains: it stands for malformed input.
const MALFORMED: u8 = 0xFF;

/// How much is taken from a decoder at a time.
const CHUNK: usize = 64 * 1024;

/// Passes bytes on and hashes them.
struct Hashed<R> {
    source: R,
    hash: SharedHash,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.hash.update(&buffer[..length]);
        Ok(length)
    }
}

/// Hashes the bytes as they are stored.
pub(super) fn hashed(source: Bytes, hash: SharedHash) -> Bytes {
    Box::new(Hashed { source, hash })
}

/// Undoes the compression.
pub(super) fn decompressed(source: Bytes, compression: Compression) -> io::Result<Bytes> {
    Ok(match compression {
        Compression::Auto | Compression::None => source,
        Compression::Gzip => {
            Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(CHUNK, source)))
        }
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(source)?),
    })
}

/// Decodes to UTF-8 without a byte order mark. A mark in the text overrules the declaration.
pub(super) fn decoded(mut source: Bytes, declared: Encoding) -> io::Result<Bytes> {
    let mut start = [0; 3];
    let mut length = 0;
    while length < start.len() {
        match source.read(&mut start[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let start = &start[..length];
    if let Some(found) = not_text(start) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, found));
    }
    let (encoding, mark) = match start {
        [0xEF, 0xBB, 0xBF] => (Encoding::Utf8, 3),
        [0xFF, 0xFE, ..] => (Encoding::Utf16Le, 2),
        [0xFE, 0xFF, ..] => (Encoding::Utf16Be, 2),
        _ => (declared, 0),
    };
    let source: Bytes = Box::new(Cursor::new(start[mark..].to_vec()).chain(source));
    let decoder = match encoding {
        Encoding::Utf8 => return Ok(source),
        Encoding::Utf16Le => UTF_16LE.new_decoder_without_bom_handling(),
        Encoding::Utf16Be => UTF_16BE.new_decoder_without_bom_handling(),
        Encoding::Latin1 => WINDOWS_1252.new_decoder_without_bom_handling(),
    };
    Ok(Box::new(Transcoder {
        source,
        decoder,
        input: vec![0; CHUNK],
        input_start: 0,
        input_end: 0,
        output: vec![0; CHUNK * 3],
        output_start: 0,
        output_end: 0,
        at_end: false,
        finished: false,
    }))
}

/// What begins like this is no text in any encoding, whatever its ending says.
fn not_text(start: &[u8]) -> Option<&'static str> {
    match start {
        [0x1F, 0x8B, ..] => Some("the file is compressed with gzip"),
        [0x28, 0xB5, 0x2F] => Some("the file is compressed with zstd"),
        b"PK\x03" => Some("the file is a ZIP archive, as Excel workbooks are"),
        _ => None,
    }
}

/// Decodes another encoding into UTF-8.
struct Transcoder {
    source: Bytes,
    decoder: Decoder,
    input: Vec<u8>,
    input_start: usize,
    input_end: usize,
    output: Vec<u8>,
    output_start: usize,
    output_end: usize,
    /// The source has nothing more to give.
    at_end: bool,
    /// The decoder has seen the end.
    finished: bool,
}

impl Transcoder {
    /// Decodes until there is output or nothing is left.
    fn advance(&mut self) -> io::Result<()> {
        (self.output_start, self.output_end) = (0, 0);
        while self.output_end == 0 && !self.finished {
            if self.input_start == self.input_end && !self.at_end {
                self.input_start = 0;
                self.input_end = self.source.read(&mut self.input)?;
                self.at_end = self.input_end == 0;
            }
            // The last byte of the output is kept free for the mark of malformed input.
            let room = self.output.len() - 1;
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                &self.input[self.input_start..self.input_end],
                &mut self.output[..room],
                self.at_end,
            );
            self.input_start += read;
            self.output_end = written;
            match result {
                DecoderResult::InputEmpty => self.finished = self.at_end,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(_, _) => {
                    self.output[self.output_end] = MALFORMED;
                    self.output_end += 1;
                }
            }
        }
        Ok(())
    }
}

impl Read for Transcoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.output_start == self.output_end {
            self.advance()?;
        }
        let length = buffer.len().min(self.output_end - self.output_start);
        buffer[..length]
            .copy_from_slice(&self.output[self.output_start..self.output_start + length]);
        self.output_start += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(bytes: &[u8], encoding: Encoding) -> Vec<u8> {
        let source: Bytes = Box::new(Cursor::new(bytes.to_vec()));
        let mut text = Vec::new();
        decoded(source, encoding).unwrap().read_to_end(&mut text).unwrap();
        text
    }

    #[test]
    fn a_byte_order_mark_overrules_the_declaration() {
        assert_eq!(decode(b"\xEF\xBB\xBFa", Encoding::Utf16Le), b"a");
        assert_eq!(decode(b"\xFF\xFEa\0", Encoding::Utf8), b"a");
        assert_eq!(decode(b"\xFE\xFF\0a", Encoding::Latin1), b"a");
        assert_eq!(decode(b"a", Encoding::Utf8), b"a");
        assert_eq!(decode(b"", Encoding::Utf16Le), b"");
    }

    #[test]
    fn latin_1_is_what_windows_writes() {
        assert_eq!(decode(b"caf\xE9 \x80", Encoding::Latin1), "café €".as_bytes());
    }

    #[test]
    fn malformed_utf_16_is_marked_and_the_rest_goes_on() {
        // A high surrogate alone, between `a` and `b`, and half a character at the end.
        assert_eq!(decode(b"a\0\x00\xD8b\0c", Encoding::Utf16Le), b"a\xFFb\xFF");
    }

    proptest! {
        #[test]
        fn any_text_comes_through_utf_16(text in ".{0,300}") {
            let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            prop_assume!(!text.starts_with(['\u{fffe}']));
            prop_assert_eq!(decode(&little, Encoding::Utf16Le), text.as_bytes());
            prop_assert_eq!(decode(&big, Encoding::Utf16Be), text.as_bytes());
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for encoding in [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::Latin1] {
                decode(&bytes, encoding);
            }
        }
    }
}
