//! The same table in every format, encoding and compression gives the same batches.

use std::io::Write;

use ::parquet::arrow::ArrowWriter;
use arrow::array::{ArrayRef, StringArray};

use super::*;

const COLUMNS: &str = "
columns:
  id: int64
  name: string
  amount: decimal(18,2)
  closed: date
  seen: timestamp
  won: boolean
";

/// Everything in it is also in Windows-1252.
const ROWS: [[Option<&str>; 6]; 4] = [
    [
        Some("1"),
        Some("Müller & Söhne – 5 €"),
        Some("1234.50"),
        Some("2017-12-31"),
        Some("2017-12-31T23:59:59.5Z"),
        Some("true"),
    ],
    [
        Some("2"),
        Some("a \"b\"\n,c\\"),
        Some("-0.01"),
        Some("2016-02-29"),
        Some("2016-02-29T00:00:00Z"),
        Some("false"),
    ],
    [Some("3"), None, None, None, None, None],
    [
        Some("9007199254740993"),
        Some("x"),
        Some("9999999999999999.99"),
        Some("0001-01-01"),
        Some("1969-12-31T23:59:59Z"),
        Some("true"),
    ],
];

const NAMES: [&str; 6] = ["id", "name", "amount", "closed", "seen", "won"];

fn csv() -> String {
    let mut text = NAMES.join(",") + "\n";
    for row in &ROWS {
        let field = |cell: &Option<&str>| {
            cell.map_or(String::new(), |cell| format!("\"{}\"", cell.replace('"', "\"\"")))
        };
        text += &(row.iter().map(field).collect::<Vec<_>>().join(",") + "\n");
    }
    text
}

/// Numbers and truth values as JSON has them, not as text.
fn objects() -> Vec<String> {
    let object = |row: &[Option<&str>; 6]| {
        let pairs = NAMES.iter().zip(row).filter_map(|(name, cell)| {
            let cell = (*cell)?;
            let value = match *name {
                "id" | "amount" | "won" => cell.to_owned(),
                _ => serde_json::to_string(cell).unwrap(),
            };
            Some(format!("\"{name}\": {value}"))
        });
        format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
    };
    ROWS.iter().map(object).collect()
}

fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    let utf16 = |text: &str, unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect();
    match encoding {
        "utf-8" => text.as_bytes().to_vec(),
        "utf-8 with mark" => format!("\u{feff}{text}").into_bytes(),
        "utf-16le" => utf16(text, u16::to_le_bytes),
        "utf-16be" => utf16(text, u16::to_be_bytes),
        "utf-16le with mark" => utf16(&format!("\u{feff}{text}"), u16::to_le_bytes),
        "utf-16be with mark" => utf16(&format!("\u{feff}{text}"), u16::to_be_bytes),
        "latin-1" => encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
        other => panic!("{other}"),
    }
}

fn compressed(bytes: &[u8], compression: &str) -> Vec<u8> {
    match compression {
        "" => bytes.to_vec(),
        // Two members and two frames: appended logs have them.
        ".gz" => [&bytes[..bytes.len() / 2], &bytes[bytes.len() / 2..]]
            .iter()
            .flat_map(|part| {
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(part).unwrap();
                encoder.finish().unwrap()
            })
            .collect(),
        ".zst" => [&bytes[..bytes.len() / 2], &bytes[bytes.len() / 2..]]
            .iter()
            .flat_map(|part| zstd::encode_all(*part, 1).unwrap())
            .collect(),
        other => panic!("{other}"),
    }
}

/// The columns of the batch without positions.
async fn table(stream: &str, name: &str, content: Vec<u8>) -> RecordBatch {
    let folder = Folder::new(&format!("{stream}{COLUMNS}"));
    folder.put(name, content);
    let seen = folder.read().await;
    assert_eq!(seen.reasons(), [], "{stream}");
    let batches = seen.0.batches();
    assert_eq!(batches.len(), 1, "{stream}");
    let columns: Vec<usize> = (0..NAMES.len()).collect();
    batches[0].project(&columns).unwrap()
}

#[tokio::test]
async fn every_encoding_and_compression_of_every_format_gives_the_same_batch() {
    let expected = table("path: d.csv", "d.csv", csv().into_bytes()).await;
    assert_eq!(cells(&expected, 6)[3][2], "9999999999999999.99");
    assert_eq!(cells(&expected, 6)[1][1], "a \"b\"\n,c\\");
    let texts = [
        ("csv", "csv", csv()),
        ("json_lines", "jsonl", objects().join("\n")),
        ("json_array", "json", format!("[{}]", objects().join(",\n"))),
    ];
    for (format, ending, text) in &texts {
        for encoding in [
            "utf-8",
            "utf-8 with mark",
            "utf-16le",
            "utf-16be",
            "utf-16le with mark",
            "utf-16be with mark",
            "latin-1",
        ] {
            for compression in ["", ".gz", ".zst"] {
                let content = compressed(&encoded(text, encoding), compression);
                // By the ending, with the mark overruling what is declared …
                let declared = encoding.strip_suffix(" with mark").map_or(encoding, |_| "latin-1");
                let name = format!("d.{ending}{compression}");
                let stream = format!("path: {name}\nencoding: {declared}");
                assert_eq!(table(&stream, &name, content.clone()).await, expected, "{stream}");
                // … and as it is declared, whatever the ending.
                let method = match compression {
                    ".gz" => "gzip",
                    ".zst" => "zstd",
                    _ => "none",
                };
                let stream = format!(
                    "path: d.dat\nformat: {format}\nencoding: {declared}\ncompression: {method}"
                );
                assert_eq!(table(&stream, "d.dat", content).await, expected, "{stream}");
            }
        }
    }
    let columns = NAMES.iter().enumerate().map(|(index, name)| {
        let column: StringArray = ROWS.iter().map(|row| row[index]).collect();
        (*name, Arc::new(column) as ArrayRef)
    });
    let text_columns = RecordBatch::try_from_iter(columns).unwrap();
    for batch in [text_columns, expected.clone()] {
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        let content = writer.into_inner().unwrap();
        assert_eq!(table("path: d.parquet", "d.parquet", content).await, expected);
    }
}

#[tokio::test]
async fn a_compressed_file_that_is_cut_off_is_an_error() {
    for compression in [".gz", ".zst"] {
        let mut content = compressed(csv().as_bytes(), compression);
        content.truncate(content.len() - 5);
        let folder = Folder::new(&format!("path: d.csv{compression}{COLUMNS}"));
        folder.put(&format!("d.csv{compression}"), content);
        let error = folder.fail().await;
        assert_eq!(error.kind(), salesmart_core::ErrorKind::SchemaChanged, "{error:?}");
        assert!(error.hint().unwrap().contains("cut off"));
    }
}

#[tokio::test]
async fn what_is_no_text_is_named() {
    let zip = b"PK\x03\x04 and so on".to_vec();
    for (content, cause) in [
        (compressed(b"a\n1\n", ".gz"), "the file is compressed with gzip"),
        (compressed(b"a\n1\n", ".zst"), "the file is compressed with zstd"),
        (zip, "the file is a ZIP archive, as Excel workbooks are"),
    ] {
        let folder = Folder::new("path: d.csv\ncolumns: {a: int64}");
        folder.put("d.csv", content);
        let error = folder.fail().await;
        assert_eq!(error.causes(), [cause]);
        assert!(error.hint().unwrap().contains("`compression`"));
    }
}

#[tokio::test]
async fn malformed_utf_16_rejects_its_row_only() {
    let folder = Folder::new("path: d.csv\nencoding: utf-16le\ncolumns: {a: string}");
    let mut content = encoded("a\nx", "utf-16le");
    content.extend([0x00, 0xD8]);
    content.extend(encoded("y\ngood\n", "utf-16le"));
    folder.put("d.csv", content);
    let seen = folder.read().await;
    assert_eq!(seen.rows(), [row(&["good"])]);
    assert_eq!(seen.reasons()[0].3, "not valid text in the file's encoding");
}
