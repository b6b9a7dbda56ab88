//! What readers see while releases are made, and when one is refused; and releases in targets.

mod broken;
mod others;
mod postgres;
pub(crate) mod server;
mod versions;

use std::sync::atomic::{AtomicBool, Ordering};

use salesmart_tests::Project;

/// Two tables that belong together: in every release their totals are equal.
fn project() -> Project {
    let project = Project::of_deals();
    project.write(
        "sql/marts/deal/dim_total.sql",
        "/* @model
description: The number of deals.
grain: [n]
kind: table
owner: tests
columns:
  n: {type: int64, doc: How many.}
*/
select count(*) as n from intermediate.int_deal
",
    );
    project.replace("pipelines/deals.yml", "[\"+fct_deal\"]", "[\"+fct_deal\", \"+dim_total\"]");
    project
}

#[test]
fn a_reader_during_publishing_sees_the_old_release_or_the_new_one() {
    let project = project();
    let _ = project.salesmart(&["run", "deals"]).ok();
    let done = AtomicBool::new(false);
    let (reads, sizes) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            let mut sizes = std::collections::BTreeSet::new();
            while !done.load(Ordering::SeqCst) || reads == 0 {
                let rows = project.query(
                    "select (select n from mart.dim_total) as total, count(*) as deals from mart.fct_deal",
                );
                assert_eq!(rows[0]["total"], rows[0]["deals"], "a mixture of two releases");
                sizes.insert(rows[0]["total"].clone());
                reads += 1;
            }
            (reads, sizes)
        });
        for size in 4..10 {
            let rows: String = (0..size).map(|id| format!("d{id},1.00,\n")).collect();
            project.write("data/deals.csv", format!("id,amount,closed\n{rows}"));
            let _ = project.salesmart(&["run", "deals"]).ok();
        }
        done.store(true, Ordering::SeqCst);
        reader.join().unwrap()
    });
    assert!(reads > 3 && sizes.len() > 1, "the reader read {reads} times and saw {sizes:?}");
}

#[test]
fn a_failed_check_publishes_nothing_and_says_which_rows() {
    let project = project();
    let _ = project.salesmart(&["run", "deals"]).ok();
    project.write("data/deals.csv", "id,amount,closed\na,5000.00,\n");
    let refused = project.salesmart(&["run", "deals"]);
    assert_eq!(refused.code, 7, "{}", refused.stderr);
    assert!(refused.stderr.contains("mart.fct_deal.amount"), "{}", refused.stderr);
    assert!(refused.stderr.contains("5000.00"), "{}", refused.stderr);
    assert!(refused.stderr.contains("release r000001"), "{}", refused.stderr);
    assert_eq!(project.deals(), ["a=10.00", "b=", "c=2.50"]);
    let runs = project.salesmart(&["runs"]).ok();
    assert!(runs.stdout.contains("failed"), "{}", runs.stdout);
}

#[test]
fn a_data_file_that_is_gone_fails_who_reads_it() {
    let project = project();
    let _ = project.salesmart(&["run", "deals"]).ok();
    let table = project.path().join("lake/warehouse/mart/fct_deal");
    for entry in std::fs::read_dir(table).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let said = project.salesmart(&["query", "select id from mart.fct_deal"]);
    assert_ne!(said.code, 0, "an empty answer would be a lie: {}", said.stdout);
    assert!(said.stderr.contains("not found"), "{}", said.stderr);
}

#[test]
fn a_second_run_of_the_same_pipeline_waits_its_turn() {
    let project = project();
    let rows: String = (0..200_000).map(|id| format!("d{id},1.00,2026-01-01\n")).collect();
    project.write("data/deals.csv", format!("id,amount,closed\n{rows}"));
    let mut first = project.command(&["run", "deals"]).spawn().unwrap();
    // The second run starts when the first one has its lease.
    let lease = project.path().join("lake/leases/pipeline-deals");
    while !lease.exists() {
        assert!(first.try_wait().unwrap().is_none(), "the first run ended without a lease");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let mut refused = None;
    while first.try_wait().unwrap().is_none() {
        let second = project.salesmart(&["run", "deals"]);
        if second.code == 9 {
            refused = Some(second);
            break;
        }
    }
    assert!(first.wait().unwrap().success());
    let refused = refused.expect("the first run held its lease for a while");
    assert!(refused.stderr.contains("is being run by"), "{}", refused.stderr);
    let _ = project.salesmart(&["run", "deals"]).ok();
}
