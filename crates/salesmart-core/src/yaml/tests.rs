//! Tests of reading and decoding, and of the words in which they fail.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{At, Node, Pairs, Value, parse};
use crate::{ColumnType, ConnectionName, Error, Location, ReleaseId, Threshold};

/// The error and those beside it, with all they know.
fn told(error: &Error) -> String {
    format!("{error:#}").replace('\u{1e}', "")
}

fn decode<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    parse("p.yml", text, 1).and_then(|node| node.decode()).map_err(|error| told(&error))
}

fn refused<T: serde::de::DeserializeOwned>(text: &str) -> String {
    match decode::<T>(text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(told) => told,
    }
}

fn unread(text: &str) -> String {
    told(&parse("p.yml", text, 1).expect_err("this should not be readable"))
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    Replace,
    Upsert,
    Every(u32),
    Between { from: i64, to: i64 },
}

#[derive(Debug, PartialEq, Deserialize)]
struct Column {
    #[serde(rename = "type")]
    column_type: ColumnType,
    #[serde(default)]
    map: BTreeMap<String, String>,
}

#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Stream {
    path: At<String>,
    delimiter: Option<char>,
    #[serde(default)]
    key: Vec<At<String>>,
    mode: Option<Mode>,
    max_rejected: Option<At<Threshold>>,
    #[serde(default)]
    columns: Pairs<At<ConnectionName>, Column>,
    #[serde(default)]
    header: Option<bool>,
    skip: Option<u8>,
    since: Option<ReleaseId>,
    rate: Option<f64>,
    rest: Option<Node>,
}

#[test]
fn scalars_keep_their_text_until_a_type_asks() {
    let texts: Vec<String> =
        decode("[0123, 1.10, yes, NULL, 1e3, 'null', ~x, 2017-12-31]").unwrap();
    assert_eq!(texts, ["0123", "1.10", "yes", "NULL", "1e3", "null", "~x", "2017-12-31"]);
    let numbers: Vec<Option<u64>> = decode("[0123, '7', ~, null]").unwrap();
    assert_eq!(numbers, [Some(123), Some(7), None, None]);
}

#[test]
fn a_struct_of_everything_is_read_with_places() {
    let stream: Stream = decode(
        "# a comment\n\
         path: deals*.csv\n\
         delimiter: ';'\n\
         key:\n\
         - id\n\
         - \"part\"\n\
         mode: upsert\n\
         max_rejected: 0.5 %\n\
         columns:\n  zeta: {type: \"decimal(18,2)\"}\n  alpha:\n    type: string\n    map: {GTXPro: GTX Pro}\n\
         header: true\n\
         skip: 255\n\
         since: r000042\n\
         rate: -1.5\n\
         rest:\n  a: [1, {b: ~}]\n",
    )
    .unwrap();
    let place = |line, column| Location::new("p.yml", line, column);
    assert_eq!(stream.path, At::new("deals*.csv".to_owned(), place(2, 7)));
    assert_eq!(stream.delimiter, Some(';'));
    assert_eq!(stream.key[1], At::new("part".to_owned(), place(6, 3)));
    assert_eq!(stream.mode, Some(Mode::Upsert));
    assert_eq!(stream.max_rejected.unwrap().value, Threshold::Share(0.005));
    let names: Vec<&str> = stream.columns.0.iter().map(|(name, _)| name.value.as_str()).collect();
    assert_eq!(names, ["zeta", "alpha"], "in the order of the file");
    assert_eq!(stream.columns.0[1].0.location, place(11, 3));
    assert_eq!(stream.columns.0[1].1.map["GTXPro"], "GTX Pro");
    assert_eq!((stream.header, stream.skip), (Some(true), Some(255)));
    assert_eq!((stream.since, stream.rate), (Some(ReleaseId(42)), Some(-1.5)));
    let rest = stream.rest.unwrap();
    assert_eq!(rest.location, place(19, 3));
    let Value::Sequence(items) = &rest.get("a").unwrap().value else { panic!("a list") };
    assert_eq!(items[0], Node::new(place(19, 7), Value::Scalar("1".into(), false)));
    assert_eq!(items[1].get("b"), Some(&Node::new(place(19, 14), Value::Null)));
}

#[test]
fn enums_are_names_or_mappings_with_one_key() {
    assert_eq!(decode::<Mode>("replace"), Ok(Mode::Replace));
    assert_eq!(decode::<Mode>("every: 3"), Ok(Mode::Every(3)));
    assert_eq!(decode::<Mode>("between: {from: -1, to: 2}"), Ok(Mode::Between { from: -1, to: 2 }));
    insta::assert_snapshot!(refused::<Mode>("between: {from: 1, too: 2}"), @"
    `too` is not a known key
      at: p.yml:1:20
      expected: `from`, `to`
      hint: did you mean `to`?
    ");
    insta::assert_snapshot!(refused::<Mode>("every"), @"
    `every` needs a value
      at: p.yml:1:1
      hint: write `every: …`
    ");
    insta::assert_snapshot!(refused::<Mode>("{replace: ~, upsert: ~}"), @"
    a mapping with 2 keys does not fit here
      at: p.yml:1:1
      expected: one of `replace`, `upsert`, `every`, `between`
    ");
}

#[test]
fn a_node_decoded_as_a_node_is_itself() {
    let node = parse("p.yml", "a: [1, 'x', ~, {}]\nb: {c: d}\n", 1).unwrap();
    assert_eq!(node.decode::<Node>().unwrap(), node);
    let replaced = node.replace_text(&|text| Ok((text == "d").then(|| "e".to_owned()))).unwrap();
    assert_eq!(replaced.decode::<Node>().unwrap(), replaced, "what was written before is kept too");
}

#[test]
fn an_empty_text_is_null_and_an_empty_value_is_a_mapping_without_keys() {
    for text in ["", "# nothing\n", "---\n", "~"] {
        assert_eq!(parse("p.yml", text, 1).unwrap().value, Value::Null, "{text:?}");
    }
    assert_eq!(decode::<BTreeMap<String, String>>(""), Ok(BTreeMap::new()));
    insta::assert_snapshot!(refused::<Stream>(""), @"
    the key `path` is missing
      at: p.yml:1:1
      hint: add `path: …`
    ");
}

#[test]
fn lines_count_from_where_the_text_begins_in_its_file() {
    let node = parse("model.sql", "a: 1\nb: 2\n", 10).unwrap();
    assert_eq!(node.get("b").unwrap().location, Location::new("model.sql", 11, 4));
    let error = parse("model.sql", "a: 1\na: 2\n", 10).unwrap_err();
    assert_eq!(error.location().unwrap().to_string(), "model.sql:11:1");
    let error = parse("model.sql", "a: 1\nb: [\n", 10).unwrap_err();
    assert_eq!(error.location().unwrap().to_string(), "model.sql:11:4");
}

#[test]
fn all_unknown_keys_are_reported_with_the_nearest_known_one() {
    insta::assert_snapshot!(refused::<Stream>("pat: x.csv\ncolums: {}\nkey: [id]\npassword: x\n"), @"
    `pat` is not a known key
      at: p.yml:1:1
      expected: `path`, `delimiter`, `key`, `mode`, `max_rejected`, `columns`, `header`, `skip`, `since`, `rate`, `rest`
      hint: did you mean `path`?
    `colums` is not a known key
      at: p.yml:2:1
      expected: `path`, `delimiter`, `key`, `mode`, `max_rejected`, `columns`, `header`, `skip`, `since`, `rate`, `rest`
      hint: did you mean `columns`?
    `password` is not a known key
      at: p.yml:4:1
      expected: `path`, `delimiter`, `key`, `mode`, `max_rejected`, `columns`, `header`, `skip`, `since`, `rate`, `rest`
    ");
}

#[test]
fn every_entry_of_a_mapping_is_reported() {
    insta::assert_snapshot!(refused::<Stream>("path: x\ncolumns:\n  a: {type: money}\n  B: {type: string}\n  c: {typ: date, mapp: 1}\n  d: {}\n"), @"
    `money` is not a column type
      at: p.yml:3:13
      expected: string, int64, float64, decimal(p,s), date, timestamp or boolean
    `B` is not a usable connection name
      at: p.yml:4:3
      expected: lower-case letters, digits and `_`, a letter first, at most 63 characters
      hint: `b` would do
    `typ` is not a known key
      at: p.yml:5:7
      expected: `type`, `map`
      hint: did you mean `type`?
    `mapp` is not a known key
      at: p.yml:5:18
      expected: `type`, `map`
      hint: did you mean `map`?
    `d` lacks the key `type`
      at: p.yml:6:6
      hint: add `type: …`
    ");
}

#[test]
fn a_value_of_another_type_is_named_with_its_key() {
    let mut all = String::new();
    for line in [
        "header: yes",
        "header: ture",
        "skip: 256",
        "skip: -1",
        "skip: [1]",
        "rate: .inf",
        "rate: inf",
        "rate: 1,5",
        "delimiter: ';;'",
        "key: id",
        "key:",
        "key: [[id]]",
        "mode: upsrt",
        "mode: [replace]",
        "max_rejected: 0.5",
        "since: latest",
        "columns: [a]",
        "columns: text",
    ] {
        all.push_str(&refused::<Stream>(&format!("path: x\n{line}\n")));
        all.push('\n');
    }
    insta::assert_snapshot!(all, @"
    `header` cannot be `yes`
      at: p.yml:2:9
      expected: `true` or `false`
      hint: write `true`
    `header` cannot be `ture`
      at: p.yml:2:9
      expected: `true` or `false`
      hint: write `true`
    `skip` cannot be `256`
      at: p.yml:2:7
      expected: a whole number from 0 to 255
    `skip` cannot be `-1`
      at: p.yml:2:7
      expected: a whole number from 0 to 255
    `skip` cannot be a list
      at: p.yml:2:7
      expected: a whole number from 0 to 255
    `rate` cannot be `.inf`
      at: p.yml:2:7
      expected: a number such as `1.5`
    `rate` cannot be `inf`
      at: p.yml:2:7
      expected: a number such as `1.5`
    `rate` cannot be `1,5`
      at: p.yml:2:7
      expected: a number such as `1.5`
    `delimiter` cannot be `;;`
      at: p.yml:2:12
      expected: one character
    `key` cannot be `id`
      at: p.yml:2:6
      expected: a list
      hint: write `[id]`
    `key` cannot be empty
      at: p.yml:2:4
      expected: a list
      hint: write `[]` for a list without items
    an item of `key` cannot be a list
      at: p.yml:2:7
      expected: text
    `mode` cannot be `upsrt`
      at: p.yml:2:7
      expected: `replace`, `upsert`, `every`, `between`
      hint: did you mean `upsert`?
    `mode` cannot be a list
      at: p.yml:2:7
      expected: one of `replace`, `upsert`, `every`, `between`
    `0.5` is neither a share nor a number of rows
      at: p.yml:2:15
      expected: a share such as `0.1%` (at most `100%`), or a number of rows such as `12`
      hint: `0.5%` would be a share
    `latest` is not a release id
      at: p.yml:2:8
      expected: `r000042` or `42`
      hint: `salesmart releases` lists them
    `columns` cannot be a list
      at: p.yml:2:10
      expected: a mapping
    `columns` cannot be `text`
      at: p.yml:2:10
      expected: a mapping
    ");
    insta::assert_snapshot!(refused::<Stream>("path: ~\n"), @r#"
    `path` cannot be empty
      at: p.yml:1:7
      expected: text
      hint: write `""` for a text without characters, `"null"` for that word
    "#);
    insta::assert_snapshot!(refused::<Stream>("- path\n"), @"
    a list does not fit here
      at: p.yml:1:1
      expected: a mapping with the keys `path`, `delimiter`, `key`, `mode`, `max_rejected`, `columns`, `header`, `skip`, `since`, `rate`, `rest`
    ");
}

#[test]
fn what_is_not_yaml_says_where_and_what_to_do() {
    let mut all = String::new();
    for text in [
        "a: 1\n  b: 2\n",
        "a:\n\tb: 2\n",
        "a:\n  b: 1\n c: 2\n",
        "a: b: c\n",
        "a: \"open\n",
        "a: [1, 2\n",
        "a: {x: ${Y}}\n",
        "a: %d-%m-%Y\n",
        "a: *.csv\n",
        "a: &x 1\nb: *x\n",
        "a: !env HOME\n",
        "{a: 1}: 2\n",
        ": 2\n",
        "a: 1\nb: 2\na: 3\nb: 4\n",
        "a: 1\n---\nb: 2\n",
        "a: \"\\d\"\n",
        "just text\nb: 2\n",
    ] {
        all.push_str(&unread(text));
        all.push('\n');
    }
    insta::assert_snapshot!(all, @r#"
    failed to read YAML: mapping values are not allowed in this context
      at: p.yml:2:4
      hint: put a text that holds `: ` in quotes, and look at the indentation here and just above
    failed to read YAML: tabs disallowed within this context (block indentation)
      at: p.yml:2:2
      hint: indent with spaces instead of tabs
    failed to read YAML: while parsing a block mapping, did not find expected key
      at: p.yml:3:2
      hint: look at the indentation here and just above: the keys of one mapping begin in one column, and each has a `:` with a space behind it
    failed to read YAML: mapping values are not allowed in this context
      at: p.yml:1:5
      hint: put a text that holds `: ` in quotes, and look at the indentation here and just above
    failed to read YAML: unclosed quote
      at: p.yml:1:4
      hint: close the quote where the text ends; inside single quotes, write a quote twice
    failed to read YAML: unclosed bracket '['
      at: p.yml:1:4
      hint: close every `{` and `[`; inside them, put a text that holds `{`, `}`, `[`, `]` or `,` in quotes
    failed to read YAML: while parsing a flow mapping, did not find expected ',' or '}'
      at: p.yml:1:9
      hint: close every `{` and `[`; inside them, put a text that holds `{`, `}`, `[`, `]` or `,` in quotes
    failed to read YAML: unexpected character: `%'
      at: p.yml:1:4
      hint: put a text that begins with `%`, `@`, `,` or a backtick in quotes
    `*.csv` is a YAML alias, which has no meaning here
      at: p.yml:1:4
      hint: put a text that begins with `*` in quotes; write a repeated value out
    a YAML anchor has no meaning here
      at: p.yml:1:7
      hint: put a text that begins with `&` in quotes; write a repeated value out
    `*x` is a YAML alias, which has no meaning here
      at: p.yml:2:4
      hint: put a text that begins with `*` in quotes; write a repeated value out
    the YAML tag `!env` has no meaning here
      at: p.yml:1:4
      hint: put a text that begins with `!` in quotes
    a key must be text
      at: p.yml:1:1
      hint: put a text that begins with `{`, `[`, `&`, `*`, `!` or `?` in quotes
    a key is missing before `:`
      at: p.yml:1:1
    the key `a` is written twice
      at: p.yml:3:1
      first: line 1
      hint: keep one of the two
    the key `b` is written twice
      at: p.yml:4:1
      first: line 2
      hint: keep one of the two
    a second YAML document begins here
      at: p.yml:2:1
      expected: one document a file
      hint: remove the line `---`, or move what follows into a file of its own
    failed to read YAML: while parsing a quoted scalar, found unknown escape character
      at: p.yml:1:4
      hint: inside double quotes write `\\` for a backslash, or use single quotes
    failed to read YAML: mapping values are not allowed in this context
      at: p.yml:2:2
      hint: put a text that holds `: ` in quotes, and look at the indentation here and just above
    "#);
}

#[test]
fn variables_are_replaced_in_values() {
    let lookup = |name: &str| match name {
        "DIR" => Some("data".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let expand =
        |text: &str| parse("p.yml", text, 1).unwrap().expand(&lookup).map_err(|error| told(&error));
    let read = |text: &str| expand(text).unwrap().decode::<Vec<String>>().unwrap();
    assert_eq!(
        read("['${DIR}/${OTHER:-x}', \"$${DIR}\", $5, 'a$${b}${DIR}']"),
        ["data/x", "${DIR}", "$5", "a${b}data"]
    );
    assert_eq!(read("['[${EMPTY}]', '[${EMPTY:-default}]', '${NONE:-}']"), ["[]", "[default]", ""]);
    insta::assert_snapshot!(expand("a: ${HOST}\nb: [x, '${HOST}:${PORT}']\nc: ${open\nd: ${a-b}\ne: '${A:-${B}}'").unwrap_err(), @"
    the variable `HOST` is not set
      at: p.yml:1:4
      hint: set `HOST` in the environment, pass `--set HOST=…`, or write a default: `${HOST:-…}`
    the variable `HOST` is not set
      at: p.yml:2:8
      hint: set `HOST` in the environment, pass `--set HOST=…`, or write a default: `${HOST:-…}`
    the variable `PORT` is not set
      at: p.yml:2:8
      hint: set `PORT` in the environment, pass `--set PORT=…`, or write a default: `${PORT:-…}`
    a `${` has no `}`
      at: p.yml:3:4
      hint: close it, or write `$${` where the text itself holds `${`
    `${a-b}` does not name a variable
      at: p.yml:4:4
      expected: `${NAME}` or `${NAME:-default}`, the name in letters, digits and `_`
      hint: write `$${` where the text itself holds `${`
    the default of `${A}` holds another variable
      at: p.yml:5:4
      hint: a default is plain text
    ");
}

#[test]
fn an_error_about_a_replaced_value_shows_what_was_written() {
    let node = parse("p.yml", "path: x\nskip: ${PASSWORD}\n", 1).unwrap();
    let node = node.expand(&|_| Some("hunter-2".to_owned())).unwrap();
    let error = told(&node.decode::<Stream>().unwrap_err());
    assert!(!error.contains("hunter"), "{error}");
    insta::assert_snapshot!(error, @"
    `skip` cannot be `${PASSWORD}`
      at: p.yml:2:7
      expected: a whole number from 0 to 255
      hint: `${PASSWORD}` is replaced by a value that does not fit: set another
    ");
}

#[test]
fn the_detailed_form_of_an_error_reads_back() {
    let error = Error::many(vec![
        Error::configuration("first: with\n\nlines")
            .at(Location::new("a.yml", 3, 4))
            .with("expected", "x: y"),
        Error::configuration("second")
            .with_hint("do this")
            .with_state("nothing was landed")
            .at(Location::line("b", 2)),
    ])
    .unwrap();
    let again = Error::from_detailed(&format!("{error:#}"));
    assert_eq!(format!("{again:#}"), format!("{error:#}"));
    assert_eq!(again.also()[0].hint(), Some("do this"));
    assert_eq!(again.location(), Some(&Location::new("a.yml", 3, 4)));
}
