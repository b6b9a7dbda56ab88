//! Whatever is done to a history is found, and the first bad link is named.

use std::collections::BTreeMap;

use arrow::compute::concat_batches;
use salesmart_tests::history::{Forged, a_cent_more, only, renumbered, retold};
use salesmart_tests::simulated::{Simulated, System};

use super::{company, found, night, verify};

/// Four nights of two periods each: no 1 to 8. Nothing is asked of the simulator afterwards.
fn four_nights() -> Simulated {
    let simulated = company(System::Salesforce, 45);
    let _ = night(&simulated);
    for _ in 0..3 {
        simulated.world.advance(1);
        let _ = night(&simulated);
    }
    simulated
}

/// What is found, as `finding snapshot_no`.
fn names(findings: &[BTreeMap<String, String>]) -> Vec<String> {
    findings.iter().map(|row| format!("{} {}", row["finding"], row["snapshot_no"])).collect()
}

fn first_bad_link(stderr: &str) -> &str {
    let line = stderr.lines().find(|line| line.contains("first bad link")).unwrap_or("none");
    line.trim().trim_start_matches("first bad link: ")
}

/// All of it over one history: its copies are damaged one way each.
#[test]
fn every_forgery_is_found_and_the_first_bad_link_named() {
    let simulated = four_nights();
    let lake = simulated.lake();
    let good = verify(&simulated, &lake);
    assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);

    // One cent in one deal of no 1.
    let forged = Forged::of(&lake);
    let deals = forged.rows("snapshot_deal");
    forged.replace("snapshot_deal", &a_cent_more(&deals, "amount"));
    let (said, findings) = found(&simulated, forged.path());
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0]["finding"], "rows_edited");
    assert!(first_bad_link(&said).starts_with(&format!("no {} ", findings[0]["snapshot_no"])));

    // One cent in one figure.
    let forged = Forged::of(&lake);
    let figures = forged.rows("snapshot_figure");
    forged.replace("snapshot_figure", &a_cent_more(&figures, "amount"));
    let (_, findings) = found(&simulated, forged.path());
    assert_eq!(findings[0]["finding"], "rows_edited");

    // Another name for a period.
    let forged = Forged::of(&lake);
    let snapshots = forged.rows("snapshot");
    let third = only(&snapshots, "snapshot_no", |no| no == 3);
    let others = only(&snapshots, "snapshot_no", |no| no != 3);
    let third = retold(&third, "period_name", "FY27Q3", "FY27Q2");
    forged.replace("snapshot", &concat_batches(&third.schema(), &[third, others]).unwrap());
    let (said, findings) = found(&simulated, forged.path());
    assert_eq!(names(&findings), ["header_edited 3"]);
    assert_eq!(first_bad_link(&said), "no 3 (FY27Q2 as of 2026-10-01)");

    // No 5 is taken out with all its rows.
    let forged = Forged::of(&lake);
    forged.replace("snapshot", &only(&snapshots, "snapshot_no", |no| no != 5));
    let (said, findings) = found(&simulated, forged.path());
    assert_eq!(findings[0]["finding"], "removed");
    assert_eq!(first_bad_link(&said), "no 5");
    assert!(findings.iter().any(|row| row["finding"] == "orphaned"), "{findings:?}");

    // The later ones move up, so that no number is missing.
    let forged = Forged::of(&lake);
    let rest = only(&snapshots, "snapshot_no", |no| no != 5);
    forged.replace("snapshot", &renumbered(&rest, "snapshot_no", |no| no - i64::from(no > 5)));
    let (said, findings) = found(&simulated, forged.path());
    assert_eq!(first_bad_link(&said), "no 5 (FY27Q4 as of 2026-10-02)");
    assert_eq!(findings[0]["finding"], "link_broken");

    // The last two are cut off, with their rows left or not.
    let forged = Forged::of(&lake);
    forged.replace("snapshot", &only(&snapshots, "snapshot_no", |no| no < 7));
    let (said, findings) = found(&simulated, forged.path());
    assert_eq!(findings[0]["finding"], "cut_off");
    assert_eq!(first_bad_link(&said), "no 7");

    // One is inserted: no 3 again, under a number of its own.
    let forged = Forged::of(&lake);
    let again = renumbered(&only(&snapshots, "snapshot_no", |no| no == 3), "snapshot_no", |_| 4);
    let moved = renumbered(&snapshots, "snapshot_no", |no| no + i64::from(no > 3));
    forged.replace("snapshot", &concat_batches(&moved.schema(), &[moved, again]).unwrap());
    let (said, findings) = found(&simulated, forged.path());
    assert!(first_bad_link(&said).starts_with("no 4 "), "{said}");
    assert!(names(&findings).contains(&"inserted 4".to_owned()), "{findings:?}");

    // A tool compacts the ledger.
    let forged = Forged::of(&lake);
    forged.overwrite("ledger_entry");
    let (said, findings) = found(&simulated, forged.path());
    assert_eq!(findings[0]["finding"], "log_rewritten", "{findings:?}");
    assert_eq!(findings[0]["subject"], "forecast.ledger_entry");
    assert!(said.contains("each follows the one before"), "{said}");
}

#[test]
fn a_data_file_that_was_rewritten_is_found() {
    let simulated = four_nights();
    for table in ["snapshot_deal", "snapshot_figure", "snapshot", "ledger_entry"] {
        // In place and as long as before: one bit.
        let forged = Forged::of(&simulated.lake());
        let file = forged.files(table).remove(0);
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let (_, findings) = found(&simulated, forged.path());
        let about = |row: &&BTreeMap<String, String>| row["subject"].ends_with(&name);
        let finding = findings.iter().find(about).unwrap_or_else(|| panic!("{findings:?}"));
        assert_eq!(finding["finding"], "file_rewritten", "{findings:?}");

        // By a shorter one, and by none.
        std::fs::write(&file, &bytes[..middle]).unwrap();
        let (_, findings) = found(&simulated, forged.path());
        assert_eq!(findings.iter().find(about).unwrap()["finding"], "file_rewritten");
        std::fs::remove_file(&file).unwrap();
        let (_, findings) = found(&simulated, forged.path());
        assert_eq!(findings.iter().find(about).unwrap()["finding"], "file_missing");
    }
}
