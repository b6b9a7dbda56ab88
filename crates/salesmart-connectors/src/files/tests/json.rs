//! JSON: values by their text, keys by their name.

use proptest::prelude::*;

use super::*;

const LINES: &str = "
path: d.jsonl
null_tokens: []
columns:
  id: int64
  amount: {type: 'decimal(30,10)', decimal_separator: ','}
  name: {type: string, from: Name, map: {x: y}}
  at: timestamp
  won: {type: boolean, true_values: [Y], false_values: [N]}
";

fn lines(text: &str) -> Folder {
    let folder = Folder::new(LINES);
    folder.put("d.jsonl", text);
    folder
}

#[tokio::test]
async fn values_keep_their_text() {
    let seen = lines(
        r#"{"id": 1, "amount": 12345678901234567890.0123456789, "Name": "a\u00e9\n", "at": "2017-01-02T03:04:05Z", "won": true, "extra": 1}
{"id": 1.0, "amount": "1,5", "Name": {"first": ["a",  null]}, "won": "N"}
{"Name": "", "id": null, "amount": 1e-3}
{"Name": "x"}

{"Name": 1.50, "id": 1e3}
{"Name": true, "won": null}
"#,
    )
    .read()
    .await;
    assert_eq!(seen.reasons(), []);
    assert_eq!(
        seen.rows(),
        [
            row(&["1", "12345678901234567890.0123456789", "aé\n", "2017-01-02T03:04:05Z", "true"]),
            row(&["1", "1.5000000000", "{\"first\": [\"a\",  null]}", "∅", "false"]),
            row(&["∅", "0.0010000000", "", "∅", "∅"]),
            row(&["∅", "∅", "y", "∅", "∅"]),
            row(&["1000", "∅", "1.50", "∅", "∅"]),
            row(&["∅", "∅", "true", "∅", "∅"]),
        ]
    );
    assert_eq!(seen.positions().last().unwrap(), "d.jsonl:7");
    assert_eq!(seen.repairs().len(), 1);
}

#[tokio::test]
async fn what_does_not_fit_is_rejected_with_place_and_reason() {
    let seen = lines(
        r#"{"id": 1.5}
{"id": "x"}
{"amount": 1.00000000001}
{"id": {"a": 1}}
{"id": [1]}
{"id": true}
{"won": "maybe"}
{"at": "2017-01-02"}
{"Name": "\ud800"}
{"id": 1, "id": 2}
{"id": 1
[1]
"text"
{"id": 1} {"id": 2}
{"id": 99}
"#,
    )
    .read()
    .await;
    assert_eq!(seen.rows().len(), 1);
    let reasons: Vec<String> = seen
        .reasons()
        .into_iter()
        .map(|(position, column, value, reason)| format!("{position} {column} {value} {reason}"))
        .collect();
    assert_eq!(
        reasons,
        [
            "d.jsonl:1 id 1.5 int64 holds no decimals, and nothing is rounded",
            "d.jsonl:2 id x not a number (declared: `.` before decimals, nothing between thousands)",
            "d.jsonl:3 amount 1.00000000001 more than 10 decimals, and nothing is rounded",
            "d.jsonl:4 id {\"a\": 1} a JSON object where int64 is declared",
            "d.jsonl:5 id [1] a JSON array where int64 is declared",
            "d.jsonl:6 id true a JSON boolean where int64 is declared",
            "d.jsonl:7 won maybe neither true (Y) nor false (N)",
            "d.jsonl:8 at 2017-01-02 not a time of the form `ISO 8601`",
            "d.jsonl:9 name \u{fffd} not valid text in the file's encoding",
            "d.jsonl:10   not a JSON object: the key `id` occurs twice (character 18)",
            "d.jsonl:11   not a JSON object: EOF while parsing an object (character 8)",
            "d.jsonl:12   not a JSON object: invalid type: sequence, expected an object (character 0)",
            "d.jsonl:13   not a JSON object: invalid type: string \"text\", expected an object (character 6)",
            "d.jsonl:14   not a JSON object: trailing characters (character 11)",
        ]
    );
}

#[tokio::test]
async fn an_array_that_is_cut_off_is_no_snapshot() {
    let folder = Folder::new("path: d.json\ncolumns: {id: int64}");
    folder.put("d.json", "[{\"id\": 1},\n {\"id\": 2}, {oops}]");
    let seen = folder.read().await;
    assert_eq!(seen.rows(), [row(&["1"]), row(&["2"])]);
    assert_eq!(seen.positions(), ["d.json:1", "d.json:2"]);
    assert_eq!(seen.reasons().len(), 1);
    folder.put("d.json", "[{\"id\": 1},\n {\"id\": 2}");
    let error = folder.fail().await;
    assert_eq!(error.message(), "`d.json` is not one JSON array: the file ends inside the array");
    assert!(error.context().contains(&("line", "2".to_owned())));
    folder.put("d.json", "{\"id\": 1}\n{\"id\": 2}\n");
    assert!(folder.fail().await.hint().unwrap().contains("format: json_lines"));
    let findings = folder.connector().check().await;
    assert_eq!(findings[1].message, "stream `deals`: `d.json` does not begin with `[`");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Every line that is not empty comes out once, and no bytes panic.
    #[test]
    fn rows_and_rejected_rows_are_all_lines(
        lines in proptest::collection::vec(prop_oneof![
            "[ -~]{0,30}",
            "\\{\"id\": [0-9.e\"x\\[\\]{}-]{0,8}\\}",
            "\\{\"Name\": \"[a-z\\\\u0-9\"]{0,12}\"\\}",
        ], 0..20),
    ) {
        let folder = Folder::new(LINES);
        folder.put("d.jsonl", lines.join("\n"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let seen = runtime.block_on(folder.read());
        let expected = lines.iter().filter(|line| !line.trim_ascii().is_empty()).count();
        prop_assert_eq!(seen.rows().len() + seen.rejected().len(), expected);
    }
}
