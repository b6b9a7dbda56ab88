//! What an export holds, and that programs which are not ours verify it.

use std::collections::BTreeMap;
use std::process::Command;

use super::*;
use crate::testing::{DEALS, History, day, with_amount};

async fn exported(history: &History, selection: &Selection) -> (Exported, Vec<u8>) {
    let spool = tempfile::tempdir().unwrap();
    let mut bytes = Vec::new();
    let exported = super::export(&history.lake, selection, spool.path(), &mut bytes).await.unwrap();
    (exported, bytes)
}

/// Unpacks an export and returns its folder.
fn unpacked(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("export.tar"), bytes).unwrap();
    let tar = Command::new("tar").args(["-xf", "export.tar"]).current_dir(folder.path()).status();
    assert!(tar.unwrap().success());
    let inside = folder.path().join("forecast-history");
    (folder, inside)
}

/// Runs a shell command in a folder: whether it succeeded, and what it said.
fn shell(folder: &Path, script: &str) -> (bool, String) {
    let output = Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// The loop in the README.
fn loop_of(folder: &Path) -> String {
    let readme = std::fs::read_to_string(folder.join("README.txt")).unwrap();
    readme.split("----- 8< -----\n").nth(1).unwrap().to_owned()
}

/// What the three documented commands say.
fn verified(folder: &Path) -> [bool; 3] {
    [
        shell(folder, "sha256sum -c SHA256SUMS").0,
        shell(folder, &loop_of(folder)).0,
        shell(folder, "python3 verify.py").0,
    ]
}

#[tokio::test]
async fn plain_tools_verify_an_export() {
    let history = History::of_nights(3).await;
    let (exported, bytes) = exported(&history, &Selection::default()).await;
    assert_eq!(exported.numbers, Some((1, 6)));
    assert_eq!((exported.snapshots, exported.lines, exported.ledger_entries), (6, 15, 6));
    assert_eq!(exported.head, history.head.1);
    assert_eq!(exported.broken, [] as [&str; 0]);
    let (_guard, folder) = unpacked(&bytes);
    for (place, document) in history.documents.iter().enumerate() {
        let path = folder.join(format!("snapshots/{:06}.txt", place + 1));
        assert_eq!(&std::fs::read_to_string(path).unwrap(), document);
    }
    assert_eq!(verified(&folder), [true, true, true]);
    let (_, said) = shell(&folder, &loop_of(&folder));
    assert_eq!(said, format!("the chain holds; its head is {}\n", history.head.1));
    let ledger = std::fs::read_to_string(folder.join("ledger.csv")).unwrap();
    assert!(
        ledger.starts_with(
            "opportunity_id,valid_from,known_from,name,close_date\n\
             crm:006A,2026-08-01T22:59:59.999999Z,2026-08-01T23:00:00.000000Z,\"a, \"\"b\"\"\",2026-08-01\n\
             crm:006Z,2026-08-01T22:59:59.999998Z,2026-08-01T23:00:00.000000Z,\"\",2029-01-01\n"
        ),
        "{ledger}"
    );
    let manifest = std::fs::read_to_string(folder.join("manifest.csv")).unwrap();
    assert_eq!(manifest.lines().count(), 7);
    assert!(manifest.contains(&format!(",1,{},{}\n", exported.starts_after, sha(&history, 0))));
}

fn sha(history: &History, place: usize) -> String {
    hash_text(&history.documents[place])
}

#[tokio::test]
async fn plain_tools_find_what_was_changed_in_an_export() {
    let history = History::of_nights(3).await;
    let (_, bytes) = exported(&history, &Selection::default()).await;
    let edited = |name: &str, change: &dyn Fn(String) -> Option<String>| {
        let (_guard, folder) = unpacked(&bytes);
        let path = folder.join(name);
        match change(std::fs::read_to_string(&path).unwrap()) {
            Some(text) => std::fs::write(&path, text).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        verified(&folder)
    };
    let amount = |text: String| Some(text.replace("1234.50", "1234.51"));
    assert_eq!(edited("snapshots/000003.txt", &amount), [false, false, false]);
    assert_eq!(edited("snapshots/000003.txt", &|_| None), [false, false, false]);
    // The last one has no successor: its own hash tells.
    let figure = |text: String| Some(text.replace("commit\t0", "commit\t1"));
    assert_eq!(edited("snapshots/000006.txt", &figure), [false, true, false]);
}

#[tokio::test]
async fn the_same_choice_is_the_same_bytes() {
    let history = History::of_nights(2).await;
    let selection = Selection::default();
    assert_eq!(exported(&history, &selection).await, exported(&history, &selection).await);
}

#[tokio::test]
async fn a_part_of_the_chain_says_where_it_begins() {
    let history = History::of_nights(4).await;
    let selection = Selection {
        period_start: Some(day("2026-08-01")),
        from: Some(day("2026-08-02")),
        to: Some(day("2026-08-03")),
    };
    let (exported, bytes) = exported(&history, &selection).await;
    // No 4 is of another period and lies between.
    assert_eq!(exported.numbers, Some((3, 5)));
    assert_eq!(exported.starts_after, sha(&history, 1));
    // Of the deals that were ever due in the period.
    assert_eq!(exported.ledger_entries, 4);
    let (_guard, folder) = unpacked(&bytes);
    assert_eq!(verified(&folder), [true, true, true]);
    let readme = std::fs::read_to_string(folder.join("README.txt")).unwrap();
    assert!(readme.contains("This is a part of the chain."), "{readme}");
    assert!(readme.contains(&exported.starts_after), "{readme}");
    let nothing = Selection { from: Some(day("2030-01-01")), ..Selection::default() };
    let spool = tempfile::tempdir().unwrap();
    let error = super::export(&history.lake, &nothing, spool.path(), &mut Vec::new()).await;
    assert_eq!(error.unwrap_err().message(), "no sealed snapshot fits what is to be exported");
}

#[tokio::test]
async fn an_export_of_a_broken_chain_shows_that_it_is_broken() {
    let history = History::of_nights(2).await;
    let rows = history.rows(tables::SNAPSHOT_DEAL).await;
    history.forge(tables::SNAPSHOT_DEAL, with_amount(&rows, 0, 1)).await;
    let (exported, bytes) = exported(&history, &Selection::default()).await;
    assert_eq!(exported.broken, ["no 1 (FY27Q3 as of 2026-08-01)"]);
    let (_guard, folder) = unpacked(&bytes);
    assert_eq!(verified(&folder), [false, false, false]);
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let sealed: BTreeMap<&str, &str> =
        sums.lines().map(|line| line.split_once("  ").unwrap()).map(|(h, n)| (n, h)).collect();
    assert_eq!(sealed["snapshots/000001.txt"], sha(&history, 0));
    assert_eq!(DEALS.len(), 3);
}
