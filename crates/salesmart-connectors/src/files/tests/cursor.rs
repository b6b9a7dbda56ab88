//! A file is read once per content.

use std::time::{Duration, SystemTime};

use super::*;
use salesmart_core::ErrorKind;
use salesmart_extract::{ReadRequest, channel};

const REPLACE: &str = "path: deals-*.csv\nkey: [id]\ncolumns: {id: int64, name: string}";
const UPSERT: &str =
    "path: deals-*.csv\nkey: [id]\non_change: upsert\ncolumns: {id: int64, name: string}";

fn touch(folder: &Folder, name: &str, seconds_ago: u64) {
    let file = std::fs::File::options().write(true).open(folder.path().join(name)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds_ago)).unwrap();
}

fn two_files(stream: &str) -> Folder {
    let folder = Folder::new(stream);
    folder.put("deals-1.csv", "id,name\n1,one\n2,two\n").put("deals-2.csv", "id,name\n3,three\n");
    touch(&folder, "deals-1.csv", 100);
    touch(&folder, "deals-2.csv", 100);
    folder
}

#[tokio::test]
async fn the_same_content_is_not_read_again() {
    for stream in [REPLACE, UPSERT] {
        let folder = two_files(stream);
        let cursor = folder.read().await.cursor();
        assert_eq!(folder.again(cursor.clone()).await.names(), [""; 0]);
        // Written again with the same bytes, at another time.
        folder.put("deals-1.csv", "id,name\n1,one\n2,two\n");
        assert_eq!(folder.again(cursor.clone()).await.names(), [""; 0]);
        touch(&folder, "deals-2.csv", 5_000);
        assert_eq!(folder.again(cursor).await.names(), [""; 0]);
    }
}

#[tokio::test]
async fn replace_reads_all_when_one_is_changed() {
    let folder = two_files(REPLACE);
    let cursor = folder.read().await.cursor();
    // The same size, so that only time and content tell.
    folder.put("deals-2.csv", "id,name\n3,THREE\n");
    let seen = folder.again(cursor).await;
    assert_eq!(seen.rows(), [row(&["1", "one"]), row(&["2", "two"]), row(&["3", "THREE"])]);
    assert_eq!(seen.names(), ["begins", "rows", "rows", "ends", "checkpoint"]);
}

#[tokio::test]
async fn a_change_in_the_same_instant_as_the_reading_is_seen() {
    let folder = Folder::new(REPLACE);
    folder.put("deals-1.csv", "id,name\n1,a\n");
    let path = folder.path().join("deals-1.csv");
    let written = std::fs::metadata(&path).unwrap().modified().unwrap();
    let cursor = folder.read().await.cursor();
    folder.put("deals-1.csv", "id,name\n1,b\n");
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
    assert_eq!(folder.again(cursor).await.rows(), [row(&["1", "b"])]);
}

#[tokio::test]
async fn replace_sees_new_and_removed_files() {
    let folder = two_files(REPLACE);
    let cursor = folder.read().await.cursor();
    folder.put("deals-3.csv", "id,name\n4,four\n");
    let seen = folder.again(cursor).await;
    assert_eq!(seen.rows().len(), 4);
    let cursor = seen.cursor();
    folder.remove("deals-1.csv");
    let seen = folder.again(cursor).await;
    assert_eq!(seen.rows(), [row(&["3", "three"]), row(&["4", "four"])]);
    assert_eq!(folder.again(seen.cursor()).await.names(), [""; 0]);
}

#[tokio::test]
async fn upsert_reads_only_what_is_new_with_a_checkpoint_each() {
    let folder = two_files(UPSERT);
    let seen = folder.read().await;
    assert_eq!(seen.names(), ["rows", "checkpoint", "rows", "checkpoint"]);
    folder.put("deals-2.csv", "id,name\n3,THREE\n").put("deals-3.csv", "id,name\n4,four\n");
    let seen = folder.again(seen.cursor()).await;
    assert_eq!(seen.rows(), [row(&["3", "THREE"]), row(&["4", "four"])]);
    assert_eq!(seen.names(), ["rows", "checkpoint", "rows", "checkpoint"]);
}

#[tokio::test]
async fn upsert_resumes_behind_the_last_complete_file() {
    let folder = two_files(UPSERT);
    let (_, reading) = folder.read_from(None).await;
    let first = reading.events.iter().find_map(|event| match event {
        Event::Checkpoint(cursor) => Some(cursor.clone()),
        _ => None,
    });
    assert_eq!(folder.again(first).await.rows(), [row(&["3", "three"])]);
}

#[tokio::test]
async fn upsert_does_not_read_a_file_that_comes_back() {
    let folder = two_files(UPSERT);
    let cursor = folder.read().await.cursor();
    let content = std::fs::read(folder.path().join("deals-1.csv")).unwrap();
    folder.remove("deals-1.csv");
    folder.put("deals-4.csv", "id,name\n1,newer\n");
    let cursor = folder.again(cursor).await.cursor();
    folder.put("deals-1.csv", content);
    assert_eq!(folder.again(cursor).await.names(), [""; 0]);
}

#[tokio::test]
async fn a_changed_declaration_reads_again() {
    for stream in [REPLACE, UPSERT] {
        let mut folder = two_files(stream);
        let cursor = folder.read().await.cursor();
        folder.stream = stream.replace("name: string", "name: {type: string, map: {one: ONE}}");
        let seen = folder.again(cursor).await;
        assert_eq!(seen.rows().len(), 3);
        assert_eq!(seen.repairs().len(), 1);
        // A threshold changes no row.
        folder.stream.push_str("\nmax_rejected: 10%");
        assert_eq!(folder.again(seen.cursor()).await.names(), [""; 0]);
    }
}

#[tokio::test]
async fn a_cursor_of_another_shape_is_an_error_with_a_way_out() {
    let folder = two_files(REPLACE);
    let (result, _) = folder.read_from(Some(Cursor(serde_json::json!({"page": 7})))).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_an_error() {
    let folder = Folder::new(REPLACE);
    let mut text = "id,name\n".to_owned();
    for number in 0..400_000 {
        text += &format!("{number},some name\n");
    }
    folder.put("deals-1.csv", text);
    let connector = folder.connector();
    let (outlet, mut receiver) = channel(1);
    let request = ReadRequest { stream: unknown(&StreamName::new("deals").unwrap()), cursor: None };
    let receiving = async {
        let mut names = Vec::new();
        while let Some(event) = receiver.recv().await {
            if matches!(event, Event::Rows(_)) && names.is_empty() {
                use std::io::Write;
                let path = folder.path().join("deals-1.csv");
                let mut file = std::fs::File::options().append(true).open(path).unwrap();
                file.write_all(b"400000,late\n").unwrap();
                names.push("rows");
            }
            assert!(!matches!(event, Event::Checkpoint(_) | Event::SnapshotEnds));
        }
    };
    let (result, ()) = tokio::join!(connector.read(request, outlet), receiving);
    let error = result.unwrap_err();
    assert_eq!(error.message(), "`deals-1.csv` changed while it was read");
    assert!(error.is_retryable() && error.state().is_some() && error.hint().is_some());
}

#[tokio::test]
async fn a_pattern_without_files_says_what_is_there() {
    let folder = Folder::new("path: daels.csv\ncolumns: {id: int64}");
    folder.put("deals.csv", "id\n").put("accounts.csv", "id\n");
    let error = folder.fail().await;
    assert_eq!(error.message(), "no file matches `daels.csv`");
    assert_eq!(error.hint(), Some("did you mean `path: deals.csv`?"));
    assert!(error.context().contains(&("found", "`deals.csv`, `accounts.csv`".to_owned())));
    assert_eq!(error.location().unwrap().line, 4);
    assert_eq!(error.state(), Some("nothing was read"));
}

#[tokio::test]
async fn a_prefix_and_a_deep_glob_find_files_in_folders() {
    for path in ["2017/", "'**/*.csv'", "'2017/**'"] {
        let folder = Folder::new(&format!("path: {path}\nformat: csv\ncolumns: {{id: int64}}"));
        folder.put("2017/a.csv", "id\n1\n").put("2017/q1/b c.csv", "id\n2\n");
        if path == "2017/" {
            folder.put("2017/_SUCCESS", "");
        }
        let seen = folder.read().await;
        assert_eq!(seen.positions(), ["2017/a.csv:2", "2017/q1/b c.csv:2"], "{path}");
    }
}

#[tokio::test]
async fn a_check_compares_headers_without_reading_rows() {
    let folder = two_files(REPLACE);
    folder.put("deals-3.csv", "id,nmae\n");
    let findings = folder.connector().check().await;
    let texts: Vec<String> =
        findings.iter().map(|finding| format!("{} {}", finding.ok, finding.message)).collect();
    assert_eq!(texts[0], "true stream `deals`: 3 files, 44 bytes");
    assert_eq!(
        texts[1],
        "false stream `deals`: column `name` is not in `deals-3.csv`; found: `id`, `nmae`"
    );
    assert_eq!(findings[1].hint.as_deref(), Some("did you mean `from: \"nmae\"`?"));
    folder.put("deals-3.csv", "id,name,other\n");
    let findings = folder.connector().check().await;
    assert!(findings.iter().all(|finding| finding.ok));
    assert!(findings[1].message.contains("also has `other`"));
}
