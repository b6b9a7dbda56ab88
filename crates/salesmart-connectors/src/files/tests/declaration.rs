//! What a declaration may say, and what is said about one that cannot be read.

use salesmart_core::ErrorKind;

use super::*;

#[test]
fn the_example_can_be_read() {
    let node = yaml::parse("example.yml", crate::files::KIND.example, 1).unwrap();
    let section = node.get("extract").unwrap().get("web_shop").unwrap();
    assert_eq!(section.get("connector").unwrap().as_text(), Some(crate::files::KIND.name));
    let name = ConnectionName::new("web_shop").unwrap();
    let with = section.get("with").unwrap();
    let connector = (crate::files::KIND.configure)(&name, with, Path::new("/project")).unwrap();
    let streams: Vec<&str> = connector.declared().iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(streams, ["opportunities", "activities"]);
    let opportunities = &connector.declared()[0];
    assert_eq!(opportunities.key, ["opportunity_id"]);
    assert_eq!(opportunities.max_rejected.unwrap().to_string(), "0.1%");
    assert_eq!(connector.declared()[1].max_rejected, None);
    assert_eq!(opportunities.location.as_ref().unwrap().line, 10);
    let columns: Vec<String> = opportunities
        .columns
        .iter()
        .map(|column| format!("{} {}", column.name, column.column_type))
        .collect();
    assert_eq!(
        columns,
        [
            "opportunity_id string",
            "product string",
            "amount decimal(18,2)",
            "close_date date",
            "is_renewal boolean"
        ]
    );
}

#[test]
fn the_schema_describes_every_key_that_is_read() {
    let schema = (crate::files::KIND.schema)();
    assert_eq!(schema["additionalProperties"], false);
    let text = schema.to_string();
    for key in [
        "location",
        "null_tokens",
        "thousands_separator",
        "on_change",
        "max_rejected",
        "json_lines",
        "utf-16le",
    ] {
        assert!(text.contains(&format!("\"{key}\"")), "{key}");
    }
    assert!(!text.contains("\"$salesmart"), "no place leaks into the schema");
    let column = &schema["$defs"]["StreamConfig"]["properties"]["columns"]["additionalProperties"];
    assert!(column.is_object(), "{column}");
}

/// Message, place and hint of every problem.
fn problems(stream: &str) -> Vec<String> {
    let error = configure(stream, Path::new("/project")).err().expect("a problem");
    error
        .iter()
        .map(|error| {
            assert_eq!(error.kind(), ErrorKind::Configuration);
            let line = error.location().map_or(0, |location| location.line);
            format!("{line}: {} | {}", error.message(), error.hint().unwrap_or("-"))
        })
        .collect()
}

#[test]
fn every_problem_is_reported_with_its_place() {
    let found = problems(
        "
path: ../deals.csv
delimiter: ';;'
on_change: upsert
columns:
  Id: int64
  amount: {type: 'decimal(10,2)', thousands_separator: '.'}
  closed: {type: date, format: '%d-%Q'}
  name: {type: string, format: '%d'}
  won: {type: boolean, true_values: [Y]}
",
    );
    assert_eq!(
        found,
        [
            "4: `../deals.csv` is not a usable path: it has `.` or `..` in it | put the folder into `location`",
            "8: `Id` is not a usable column name | `id: {type: …, from: \"Id\"}` would do",
            "9: decimals and thousands have the same separator | declare `decimal_separator` too: its default is `.`",
            "10: `%d-%Q` is not a usable format: it has a `%…` that does not exist | -",
            "11: `format` has no meaning for type string | leave it out, or change the type",
            "12: `true_values` and `false_values` belong together | declare both, such as `true_values: [Y], false_values: [N]`",
            "6: `on_change: upsert` needs a `key` | name the columns that identify a row: `key: [id]`",
            "5: `;;` cannot be the delimiter | -",
        ]
    );
}

#[test]
fn single_problems_are_explained() {
    for (stream, problem) in [
        (
            "path: d\ncolumns: {a: int64}",
            "4: the ending of `d` does not say how the file is written | add `format: csv` (or json_lines, json_array, parquet)",
        ),
        (
            "path: d.csv\ncolumns: {}",
            "3: stream `deals` has no columns | name those to read under `columns:`, such as `amount: decimal(18,2)`",
        ),
        (
            "path: d.csv\nkey: [b]\ncolumns: {a: int64}",
            "5: key column `b` is not declared | add it under `columns:`",
        ),
        (
            "path: d.csv\nkey: [deal_ib]\ncolumns: {deal_id: int64}",
            "5: key column `deal_ib` is not declared | did you mean `deal_id`?",
        ),
        (
            "path: d.json\ndelimiter: ','\ncolumns: {a: int64}",
            "5: `delimiter` only has a meaning for CSV files | leave it out",
        ),
        (
            "path: d.parquet\ncompression: gzip\ncolumns: {a: int64}",
            "5: a compressed Parquet file cannot be read | leave `compression` out: Parquet compresses its own pages",
        ),
        (
            "path: d.csv\nheader: false\ncolumns: {a: {type: int64, from: A}}",
            "6: `from` has no meaning without a header | declare the columns in the order of the file instead",
        ),
        (
            "path: d.csv\nquote: ','\ndelimiter: ','\ncolumns: {a: int64}",
            "5: `delimiter` and `quote` are the same character | -",
        ),
        (
            "path: d.csv\ncolumns: {a: {type: int64, map: {x: y}}}",
            "5: the replacement `y` does not fit: not a number (declared: `.` before decimals, nothing between thousands) | -",
        ),
        ("path: d.csv\ncolumns: {a: money}", "5: `money` is not a column type | -"),
        (
            "path: d.csv\ncolumns: {a: {type: string, form: b}}",
            "5: `form` is not a known key | did you mean `from`?",
        ),
        ("path: d.csv\ncolumns: {a: ~}", "5: the column has no type | -"),
        (
            "path: d.csv\ncolums: {a: string}",
            "5: `colums` is not a known key | did you mean `columns`?",
        ),
        (
            "path: d.csv\nmax_rejected: lots\ncolumns: {a: string}",
            "5: `lots` is neither a share nor a number of rows | -",
        ),
    ] {
        assert_eq!(problems(stream), [problem], "{stream}");
    }
}

#[test]
fn a_pipeline_can_be_checked_without_its_data() {
    assert!(configure("path: d.csv\ncolumns: {a: int64}", Path::new("/not/there")).is_ok());
}

#[tokio::test]
async fn a_missing_folder_says_which_folder_is_there() {
    let folder = Folder::new("path: d.csv\ncolumns: {a: int64}");
    let missing = folder.path().join("exports/2017");
    let connector = configure(&folder.stream, &missing).unwrap();
    let (result, _) = read(&connector, &StreamName::new("deals").unwrap(), None).await;
    let error = result.unwrap_err();
    assert!(
        error.hint().unwrap().contains(&format!("`{}` is there", folder.path().display())),
        "{error:?}"
    );
    assert_eq!(error.state(), Some("nothing was read"));
}
