//! CSV: what rows become, and what is said about rows that become nothing.

use proptest::prelude::*;
use salesmart_core::ErrorKind;
use salesmart_extract::Repair;

use super::*;

const DEALS: &str = "
path: deals.csv
null_tokens: ['', n/a]
columns:
  id: int64
  name: {type: string, from: Name}
  amount: {type: 'decimal(10,2)', decimal_separator: ',', thousands_separator: '.'}
  closed: {type: date, format: '%d-%m-%Y'}
  won: {type: boolean, true_values: [Y], false_values: [N]}
  product: {type: string, map: {GTXPro: GTX Pro, '-': ~}}
";

const HEADER: &str = "id;Name;amount;closed;won;product;not declared\n";

fn deals() -> Folder {
    Folder::new(&DEALS.replace("path: deals.csv", "path: deals.csv\ndelimiter: ';'"))
}

#[tokio::test]
async fn values_are_read_as_they_are_declared() {
    let folder = deals();
    let text = [
        HEADER,
        "1;\"Müller; \"\"Söhne\"\"\nGmbH\";1.234,5;31-12-2017;Y;GTXPro;x\r\n",
        "\r\n",
        " 2 ; spaced ;-0,10;n/a;N;-;\n",
        "3;;n/a;;;GTX Pro;y",
    ];
    folder.put("deals.csv", text.concat());
    let seen = folder.read().await;
    assert_eq!(seen.reasons(), []);
    assert_eq!(
        seen.rows(),
        [
            row(&["1", "Müller; \"Söhne\"\nGmbH", "1234.50", "2017-12-31", "true", "GTX Pro"]),
            row(&["2", " spaced ", "-0.10", "∅", "false", "∅"]),
            row(&["3", "∅", "∅", "∅", "∅", "GTX Pro"]),
        ]
    );
    assert_eq!(seen.positions(), ["deals.csv:2", "deals.csv:5", "deals.csv:6"]);
    assert_eq!(seen.names(), ["begins", "rows", "ends", "repaired", "checkpoint"]);
    let repair = |from: &str, to: Option<&str>| Repair {
        column: "product".to_owned(),
        from: from.to_owned(),
        to: to.map(str::to_owned),
        rows: 1,
    };
    assert_eq!(seen.repairs(), [repair("GTXPro", Some("GTX Pro")), repair("-", None)]);
}

#[tokio::test]
async fn every_kind_of_misfit_is_rejected_with_place_and_reason() {
    let folder = deals();
    let mut text = HEADER.as_bytes().to_vec();
    for line in [
        &b"x;a;1;01-01-2017;Y;GTXPro;"[..],
        b"9223372036854775808;a;1;01-01-2017;Y;p;",
        b"1;a;1.5;01-01-2017;Y;p;",
        b"1;a;1,005;01-01-2017;Y;p;",
        b"1;a;123456789,00;01-01-2017;Y;p;",
        b"1;a;1;31-02-2017;Y;p;",
        b"1;a;1;2017-01-01;Y;p;",
        b"1;a;1;01-01-2017;yes;p;",
        b"1;a;1;01-01-2017;Y;p",
        b"1;a;1;01-01-2017;Y;p;;",
        b"1;\"a\" b;1;01-01-2017;Y;p;",
        b"1;caf\xE9;1;01-01-2017;Y;p;",
        b"1;n\0l;1;01-01-2017;Y;p;",
        b"7;good;1;01-01-2017;Y;p;caf\xE9",
        b"1;\"open;1;01-01-2017;Y;p;",
        b"8;good;1;01-01-2017;Y;p;",
    ] {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    folder.put("deals.csv", text);
    let seen = folder.read().await;
    let expected = [
        (2, "id", "x", "not a number (declared: `.` before decimals, nothing between thousands)"),
        (3, "id", "9223372036854775808", "too large for int64"),
        (
            4,
            "amount",
            "1.5",
            "thousands separators do not stand between groups of three digits \
             (declared: `,` before decimals, `.` between thousands)",
        ),
        (5, "amount", "1,005", "more than 2 decimals, and nothing is rounded"),
        (6, "amount", "123456789,00", "too large for decimal(10,2)"),
        (7, "closed", "31-02-2017", "there is no such day"),
        (8, "closed", "2017-01-01", "not a day of the form `%d-%m-%Y`"),
        (9, "won", "yes", "neither true (Y) nor false (N)"),
        (10, "", "", "6 fields where the header has 7"),
        (11, "", "", "8 fields where the header has 7"),
        (
            12,
            "",
            "",
            "text follows a closing quote (a quote inside a quoted field is written twice)",
        ),
        (13, "name", "caf\u{fffd}", "not valid text in the file's encoding"),
        (16, "", "", "a quote is opened and never closed"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(line, column, value, reason)| {
            (
                format!("deals.csv:{line}"),
                (*column).to_owned(),
                (*value).to_owned(),
                (*reason).to_owned(),
            )
        })
        .collect();
    assert_eq!(seen.reasons(), expected);
    let names: Vec<String> = seen.rows().into_iter().map(|cells| cells[1].clone()).collect();
    assert_eq!(names, ["n\0l", "good", "good"]);
    assert_eq!(seen.rejected()[0].record, "x;a;1;01-01-2017;Y;GTXPro;");
    assert_eq!(seen.repairs(), [], "a rejected row repairs nothing");
}

#[tokio::test]
async fn a_missing_column_is_named_with_what_is_there() {
    let folder = deals();
    folder.put("deals.csv", "id;name;amount;closed;won;product\n1;a;1;01-01-2017;Y;p\n");
    let error = folder.fail().await;
    assert_eq!(error.kind(), ErrorKind::SchemaChanged);
    assert_eq!(error.message(), "column `Name` is not in `deals.csv`");
    assert_eq!(error.hint(), Some("did you mean `from: \"name\"`?"));
    assert_eq!(error.location().unwrap().to_string(), "pipeline.yml:9:7");
    assert!(error.state().unwrap().contains("stays as it was"));
    let found = error.context().iter().find(|(key, _)| *key == "found").unwrap();
    assert_eq!(found.1, "`id`, `name`, `amount`, `closed`, `won`, `product`");
}

#[tokio::test]
async fn a_wrong_delimiter_is_suspected() {
    let folder = deals();
    folder.put("deals.csv", "id,Name,amount,closed,won,product\n");
    assert_eq!(
        folder.fail().await.hint(),
        Some("the whole header is one column: look at `delimiter`")
    );
}

#[tokio::test]
async fn a_column_that_is_there_twice_is_refused_only_if_it_is_read() {
    let folder = Folder::new("path: d.csv\ncolumns: {a: string}");
    folder.put("d.csv", "a,b,b\n1,2,3\n");
    assert_eq!(folder.read().await.rows(), [row(&["1"])]);
    folder.put("d.csv", "a,b,a\n1,2,3\n");
    assert_eq!(folder.fail().await.message(), "column `a` occurs twice in `d.csv`");
}

#[tokio::test]
async fn without_a_header_columns_are_positional() {
    let folder = Folder::new("path: d.csv\nheader: false\ncolumns: {a: int64, b: string}");
    folder.put("d.csv", "1,x\n2\n3,z\n");
    let seen = folder.read().await;
    assert_eq!(seen.rows(), [row(&["1", "x"]), row(&["3", "z"])]);
    assert_eq!(seen.reasons()[0].3, "1 fields where 2 are declared");
    assert_eq!(seen.positions(), ["d.csv:1", "d.csv:3"]);
}

#[tokio::test]
async fn an_empty_file_is_no_snapshot_of_nothing() {
    let folder = Folder::new("path: d.csv\ncolumns: {a: int64}");
    folder.put("d.csv", "");
    assert_eq!(folder.fail().await.message(), "`d.csv` is empty: it has no header");
    folder.put("d.csv", "a\n");
    assert_eq!(folder.read().await.names(), ["begins", "ends", "checkpoint"]);
}

#[tokio::test]
async fn quotes_can_have_no_meaning() {
    let folder = Folder::new("path: d.tsv\nquote: none\ncolumns: {size: string, n: int64}");
    folder.put("d.tsv", "size\tn\n\"5 inch\t1\n");
    assert_eq!(folder.read().await.rows(), [row(&["\"5 inch", "1"])]);
}

#[tokio::test]
async fn batches_are_bounded() {
    let folder = Folder::new("path: d.csv\ncolumns: {a: int64}");
    let mut text = "a\n".to_owned();
    for number in 0..150_000 {
        text += &format!("{number}\n");
    }
    folder.put("d.csv", text);
    let seen = folder.read().await;
    let sizes: Vec<usize> = seen.0.batches().iter().map(RecordBatch::num_rows).collect();
    assert_eq!(sizes, [65_536, 65_536, 18_928]);
    assert_eq!(seen.rows().last().unwrap(), &row(&["149999"]));
    assert_eq!(seen.positions().last().unwrap(), "d.csv:150001");
}

#[tokio::test]
async fn wide_rows_make_smaller_batches() {
    let folder = Folder::new("path: d.csv\ncolumns: {a: string}");
    folder.put("d.csv", format!("a\n{}", format!("{}\n", "x".repeat(1_000_000)).repeat(40)));
    let seen = folder.read().await;
    let sizes: Vec<usize> = seen.0.batches().iter().map(RecordBatch::num_rows).collect();
    assert_eq!(sizes, [17, 17, 6]);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every record that was written comes out once, as a row or as a rejected row.
    #[test]
    fn rows_and_rejected_rows_are_all_records(
        records in proptest::collection::vec(("[0-9a-z.,\"\n\r ]{0,8}", "[ -~\u{e9}\"\n]{0,12}"), 0..40),
    ) {
        let mut writer = ::csv::WriterBuilder::new().from_writer(Vec::new());
        writer.write_record(["n", "text"]).unwrap();
        for (n, text) in &records {
            writer.write_record([n, text]).unwrap();
        }
        let folder = Folder::new("path: d.csv\ncolumns: {n: int64, text: string}");
        folder.put("d.csv", writer.into_inner().unwrap());
        let seen = runtime().block_on(folder.read());
        prop_assert_eq!(seen.rows().len() + seen.rejected().len(), records.len());
        let is_int = |n: &str| n.trim().is_empty() || n.trim().parse::<i64>().is_ok();
        let surely_fit = records.iter().filter(|(n, _)| is_int(n)).count();
        prop_assert!(seen.rows().len() >= surely_fit);
    }

    /// Whatever the bytes are, the reading ends: with rows, rejected rows or an error.
    #[test]
    fn no_bytes_panic(
        bytes in proptest::collection::vec(
            prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'a'), Just(b'1'), any::<u8>()], 0..300),
        encoding in prop_oneof![Just("utf-8"), Just("utf-16le"), Just("utf-16be"), Just("latin-1")],
        header: bool,
    ) {
        let stream = format!("path: d.csv\nencoding: {encoding}\nheader: {header}\ncolumns: {{a: int64, b: date}}");
        let folder = Folder::new(&stream);
        folder.put("d.csv", &bytes);
        let (result, reading) = runtime().block_on(folder.read_from(None));
        let seen = Seen(reading);
        if result.is_ok() && !header && encoding == "utf-8" && !bytes.contains(&b'"')
            && !bytes.starts_with(b"\xFF\xFE") && !bytes.starts_with(b"\xFE\xFF")
        {
            let lines = bytes.split(|b| matches!(b, b'\n' | b'\r')).filter(|line| !line.is_empty()).count();
            let bom = usize::from(bytes == b"\xEF\xBB\xBF");
            prop_assert_eq!(seen.rows().len() + seen.rejected().len(), lines - bom);
        }
    }
}
