//! An export is verified by programs that have nothing of ours.

use std::path::{Path, PathBuf};
use std::process::Command;

use salesmart_tests::history::{Forged, a_cent_more};
use salesmart_tests::simulated::{Simulated, System};

use super::{company, night};

fn shell(folder: &Path, script: &str) -> (bool, String) {
    let output = Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// Unpacks an export into a folder of its own.
fn unpacked(file: &Path) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (done, said) = shell(folder.path(), &format!("tar -xf '{}'", file.display()));
    assert!(done, "{said}");
    let inside = folder.path().join("forecast-history");
    (folder, inside)
}

fn loop_of(folder: &Path) -> String {
    let readme = std::fs::read_to_string(folder.join("README.txt")).unwrap();
    readme.split("----- 8< -----\n").nth(1).unwrap().to_owned()
}

fn export(simulated: &Simulated, name: &str, more: &[&str]) -> PathBuf {
    let file = simulated.project.path().join(name);
    let mut arguments = vec!["audit", "export", "--output", file.to_str().unwrap()];
    arguments.extend(more);
    let _ = simulated.salesmart(&arguments).ok();
    file
}

#[test]
fn sha256sum_and_a_shell_verify_an_export() {
    let simulated = company(System::Salesforce, 46);
    let _ = night(&simulated);
    for _ in 0..2 {
        simulated.world.advance(1);
        let _ = night(&simulated);
    }
    let head = simulated.query("select hash from forecast.snapshot where snapshot_no = 6");
    let head = &head[0]["hash"];

    let file = export(&simulated, "all.tar", &[]);
    let (_guard, folder) = unpacked(&file);
    let (is_good, said) = shell(&folder, "sha256sum -c SHA256SUMS");
    assert!(is_good, "{said}");
    assert_eq!(said.matches("snapshots/00000").count(), 6, "{said}");
    let (is_good, said) = shell(&folder, &loop_of(&folder));
    assert!(is_good, "{said}");
    assert_eq!(said, format!("the chain holds; its head is {head}\n"));
    let (is_good, said) = shell(&folder, "python3 verify.py");
    assert!(is_good, "{said}");
    // The documents are what SQL sealed: its hash is theirs.
    let (_, hashed) = shell(&folder, "sha256sum < snapshots/000006.txt");
    assert_eq!(hashed.split(' ').next(), Some(head.as_str()));
    let entries = simulated.query("select count(*) as n from forecast.ledger_entry");
    let ledger = csv::Reader::from_path(folder.join("ledger.csv")).unwrap().into_records().count();
    assert_eq!(ledger.to_string(), entries[0]["n"]);

    // The same again is the same bytes.
    let again = export(&simulated, "again.tar", &[]);
    assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(again).unwrap());

    // A part says where it begins, and holds by itself.
    let part = export(&simulated, "part.tar", &["--period", "FY27Q3", "--from", "2026-10-01"]);
    let (_guard, folder) = unpacked(&part);
    assert!(shell(&folder, "sha256sum -c SHA256SUMS").0);
    assert!(shell(&folder, &loop_of(&folder)).0);
    let (_, documents) = shell(&folder, "ls snapshots");
    assert_eq!(documents, "000003.txt\n000004.txt\n000005.txt\n");

    // One that was changed on the way is found by each.
    let third = folder.join("snapshots/000003.txt");
    let text = std::fs::read_to_string(&third).unwrap();
    std::fs::write(&third, text.replacen("\tcompany\t", "\tcompani\t", 1)).unwrap();
    assert!(!shell(&folder, "sha256sum -c SHA256SUMS").0);
    assert!(!shell(&folder, &loop_of(&folder)).0);
    assert!(!shell(&folder, "python3 verify.py").0);
}

#[test]
fn an_export_of_a_changed_history_is_written_and_says_so() {
    let simulated = company(System::HubSpot, 47);
    let _ = night(&simulated);
    let forged = Forged::of(&simulated.lake());
    let deals = forged.rows("snapshot_deal");
    forged.replace("snapshot_deal", &a_cent_more(&deals, "amount_reporting"));
    let file = simulated.project.path().join("changed.tar");
    let said = simulated.salesmart(&[
        "audit",
        "export",
        "--lake",
        forged.path().to_str().unwrap(),
        "--output",
        file.to_str().unwrap(),
    ]);
    assert_eq!(said.code, 7, "{}", said.stderr);
    assert!(said.stderr.contains("do not have the hash they were sealed with"), "{}", said.stderr);
    let (_guard, folder) = unpacked(&file);
    assert!(!shell(&folder, "sha256sum -c SHA256SUMS").0);
}
