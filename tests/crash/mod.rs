//! The process ends, as `kill -9` would end it, after any of its durable writes; run again, it
//! comes to the same end.

use std::collections::BTreeMap;

use salesmart_tests::{Project, said};

/// Everything a reader can see, and what is in quarantine.
fn state(project: &Project) -> BTreeMap<String, Vec<String>> {
    let rows = |sql: &str| -> Vec<String> {
        project.query(sql).iter().map(|row| format!("{row:?}")).collect()
    };
    BTreeMap::from([
        ("deals".to_owned(), project.deals()),
        (
            "quarantine".to_owned(),
            rows(
                "select _source_position, reason from quarantine.shop.deals order by _source_position",
            ),
        ),
        (
            "checks".to_owned(),
            rows("select table_name, passed from ops.check_result order by 1, 2"),
        ),
    ])
}

fn project() -> Project {
    let project = Project::of_deals();
    project.replace("pipelines/deals.yml", "key: [id]", "key: [id]\n          max_rejected: 50%");
    project.replace("pipelines/deals.yml", "[\"+fct_deal\"]", "[\"+fct_deal\", ops.check_result]");
    project.write("data/deals.csv", "id,amount,closed\na,10.00,2026-01-31\nb,ten,\nc,2.50,\n");
    project
}

const CHANGED: &str = "id,amount,closed\na,12.00,2026-01-31\nb,eleven,\nd,1.00,\n";

#[test]
fn killed_after_any_write_and_run_again_it_ends_in_the_same_state() {
    let whole = project();
    let _ = whole.salesmart(&["run", "deals"]).ok();
    whole.write("data/deals.csv", CHANGED);
    let _ = whole.salesmart(&["run", "deals"]).ok();
    let expected = state(&whole);
    assert_eq!(expected["deals"], ["a=12.00", "d=1.00"]);
    assert_eq!(expected["quarantine"].len(), 2);

    let mut crashes = 0;
    for writes in 1..200 {
        let project = project();
        // The first run is killed, or the first one is whole and the second one is killed.
        let first = said(
            project
                .command(&["run", "deals"])
                .env("SALESMART_CRASH_AFTER_WRITES", writes.to_string()),
        );
        if first.code == 0 {
            break;
        }
        crashes += 1;
        assert_eq!(first.code, -1, "it should have been aborted: {}", first.stderr);
        let _ = project.salesmart(&["run", "deals"]).ok();
        project.write("data/deals.csv", CHANGED);
        let second = said(
            project
                .command(&["run", "deals"])
                .env("SALESMART_CRASH_AFTER_WRITES", writes.to_string()),
        );
        if second.code != 0 {
            // Until the run is done, readers see the release before.
            let deals = project.deals();
            assert!(deals == ["a=10.00", "c=2.50"] || deals == expected["deals"], "{deals:?}");
            let _ = project.salesmart(&["run", "deals"]).ok();
        }
        assert_eq!(state(&project), expected, "killed after write {writes}");
    }
    assert!(crashes > 8, "only {crashes} places to be killed at were found");
}
