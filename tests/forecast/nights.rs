//! Night after night: what is sealed stays, whatever is done to the rest.

use salesmart_tests::history::copy;
use salesmart_tests::simulated::{Simulated, System};

use super::{company, night, night_with, seals, verify};

/// What was sealed before has to be there still, in front, and the chain has to hold.
#[track_caller]
fn goes_on(simulated: &Simulated, before: &[String]) -> Vec<String> {
    let now = seals(simulated);
    assert_eq!(&now[..before.len()], before, "what was sealed is still there");
    assert!(now.len() > before.len(), "nothing was sealed since: {now:?}");
    let said = verify(simulated, &simulated.lake());
    assert_eq!(said.code, 0, "stdout:\n{}\nstderr:\n{}", said.stdout, said.stderr);
    now
}

/// Puts a model of the repository into the project, changed.
fn change(simulated: &Simulated, path: &str, changes: &[(&str, &str)]) {
    let text = std::fs::read_to_string(salesmart_tests::repository().join(path)).unwrap();
    simulated.project.write(path, text);
    for (from, to) in changes {
        simulated.project.replace(path, from, to);
    }
}

#[test]
fn each_night_is_sealed_once_and_the_chain_goes_on() {
    let simulated = company(System::Salesforce, 41);
    let first = night(&simulated);
    let sealed = goes_on(&simulated, &[]);
    // Two open periods, the second after the first.
    assert_eq!(sealed.len(), 2, "{sealed:?}");
    assert!(sealed[0].starts_with("1 2026-09-30 FY27Q3 "), "{sealed:?}");
    assert!(sealed[1].starts_with("2 2026-09-30 FY27Q4 "), "{sealed:?}");

    // The same instant again, and another one of the same day: nothing is sealed twice.
    let _ = simulated.salesmart(&["run", "crm", "--as-of", &first]).ok();
    assert_eq!(seals(&simulated), sealed);
    let _ = simulated.salesmart(&["run", "crm", "--as-of", "2026-09-30T23:59:59.5Z"]).ok();
    assert_eq!(seals(&simulated), sealed);

    simulated.world.advance(1);
    let _ = night(&simulated);
    let sealed = goes_on(&simulated, &sealed);
    assert_eq!(sealed.len(), 4);

    // A day that is over is not sealed afterwards, nor is the ledger told of it.
    let entries = simulated.query("select count(*) as n from forecast.ledger_entry");
    let _ = simulated.salesmart(&["run", "crm", "--as-of", &first]).ok();
    assert_eq!(simulated.query("select count(*) as n from forecast.ledger_entry"), entries);
    assert_eq!(seals(&simulated), sealed);
    let said = simulated.salesmart(&["audit", "verify"]).ok();
    assert!(said.stdout.contains("ok the chain holds; its head is no 4"), "{}", said.stdout);
}

#[test]
fn a_missed_night_is_missing_and_what_is_known_of_it_is_reconstructed() {
    let simulated = company(System::HubSpot, 42);
    let _ = night(&simulated);
    // The nights of the first and second of October do not run.
    simulated.world.advance(3);
    let _ = night(&simulated);
    let days = simulated.query(
        "select snapshot_date, status from forecast.snapshot_day \
         where period_name = 'FY27Q3' and snapshot_date >= date '2026-09-29' \
         and snapshot_date <= date '2026-10-03' order by snapshot_date",
    );
    let days: Vec<String> =
        days.iter().map(|row| format!("{} {}", row["snapshot_date"], row["status"])).collect();
    assert_eq!(
        days,
        [
            "2026-09-29 reconstructed",
            "2026-09-30 sealed",
            "2026-10-01 missing",
            "2026-10-02 missing",
            "2026-10-03 sealed",
        ]
    );
    let figures = simulated.query(
        "select distinct snapshot_date, provenance from forecast.figure \
         where snapshot_date between date '2026-09-30' and date '2026-10-03' order by 1",
    );
    let figures: Vec<String> = figures
        .iter()
        .map(|row| format!("{} {}", row["snapshot_date"], row["provenance"]))
        .collect();
    assert_eq!(
        figures,
        [
            "2026-09-30 sealed",
            "2026-10-01 reconstructed",
            "2026-10-02 reconstructed",
            "2026-10-03 sealed",
        ]
    );
    let ask = |day: &str| {
        let arguments = ["audit", "snapshot", "--period", "FY27Q3", "--as-of", day];
        simulated.salesmart(&arguments).ok().stdout
    };
    assert!(ask("2026-10-01").contains("reconstructed from the ledger"), "{}", ask("2026-10-01"));
    assert!(ask("2026-10-03").contains("sealed no 3, "), "{}", ask("2026-10-03"));
    let coverage = simulated.salesmart(&["audit", "coverage", "--period", "FY27Q3"]).ok();
    assert!(coverage.stdout.contains("missing"), "{}", coverage.stdout);
}

#[test]
fn a_full_refresh_a_rebuild_and_changed_models_lose_nothing() {
    let simulated = company(System::Salesforce, 43);
    let _ = night(&simulated);
    let sealed = goes_on(&simulated, &[]);
    let ledger = |simulated: &Simulated| {
        simulated.query(
            "select * from forecast.ledger_entry order by known_from, opportunity_id, valid_from",
        )
    };
    let known = ledger(&simulated);

    simulated.world.advance(1);
    let _ = night_with(&simulated, &["--full-refresh"]);
    let sealed = goes_on(&simulated, &sealed);
    assert_eq!(ledger(&simulated)[..known.len()], known);

    simulated.world.advance(1);
    let _ = night_with(&simulated, &["--rebuild"]);
    let sealed = goes_on(&simulated, &sealed);

    // The project keeps one column more of a deal, seals it too, and forecasts three periods.
    change(
        &simulated,
        "sql/forecast/forecast_snapshot_deal.sql",
        &[
            ("\n*/", "\n  note: {type: string, doc: \"a remark\"}\n*/"),
            (
                "(select run_id from run) as run_id\n",
                "(select run_id from run) as run_id,\n        'new' as note\n",
            ),
            ("as_of, run_id\nfrom final", "as_of, run_id, note\nfrom final"),
        ],
    );
    change(
        &simulated,
        "sql/forecast/forecast_snapshot.sql",
        &[
            (
                "        || chr(10) as line\n    from deal\n",
                "        || chr(9)\n        || coalesce(note, '\\N')\n        || chr(10) as line\n    from deal\n",
            ),
            ("historical_probability as_of run_id'", "historical_probability as_of run_id note'"),
        ],
    );
    simulated.project.write("config/business.yml", super::THREE_PERIODS);
    simulated.world.advance(1);
    let _ = night(&simulated);
    let sealed = goes_on(&simulated, &sealed);
    assert_eq!(sealed.len(), 9, "three open periods since: {sealed:?}");
    let columns = simulated.query(
        "select snapshot_no from forecast.snapshot where deal_columns like '% note' order by 1",
    );
    assert_eq!(
        columns.iter().map(|row| row["snapshot_no"].as_str()).collect::<Vec<_>>(),
        ["7", "8", "9"]
    );

    // Readers go back to the first release; history does not.
    let _ = simulated.salesmart(&["releases", "roll-back", "r000001"]).ok();
    assert_eq!(seals(&simulated).len(), 2);
    simulated.world.advance(1);
    let _ = night(&simulated);
    let _ = goes_on(&simulated, &sealed);
}

#[test]
fn a_restored_backup_goes_on_from_where_it_was() {
    let simulated = company(System::Salesforce, 44);
    let _ = night(&simulated);
    let kept = goes_on(&simulated, &[]);
    let backup = tempfile::tempdir().unwrap();
    copy(&simulated.lake(), backup.path());
    for _ in 0..2 {
        simulated.world.advance(1);
        let _ = night(&simulated);
    }
    let lost = seals(&simulated);

    std::fs::remove_dir_all(simulated.lake()).unwrap();
    copy(backup.path(), &simulated.lake());
    let said = verify(&simulated, &simulated.lake());
    assert_eq!(said.code, 0, "{}", said.stderr);
    simulated.world.advance(1);
    let _ = night(&simulated);
    let sealed = goes_on(&simulated, &kept);
    assert_eq!(sealed.len(), 4, "the nights between are not sealed afterwards: {sealed:?}");
    assert!(sealed[2].starts_with("3 2026-10-03 FY27Q3 "), "{sealed:?}");
    assert!(!lost.contains(&sealed[2]));
    let missing = simulated.query(
        "select count(*) as n from forecast.snapshot_day \
         where status = 'missing' and period_name = 'FY27Q3'",
    );
    assert_eq!(missing[0]["n"], "2");

    // Only the tables are restored, and what was recorded is not: the end is known to be gone.
    std::fs::remove_dir_all(simulated.lake().join("warehouse/forecast")).unwrap();
    copy(&backup.path().join("warehouse/forecast"), &simulated.lake().join("warehouse/forecast"));
    let said = verify(&simulated, &simulated.lake());
    assert_eq!(said.code, 7);
    assert!(said.stderr.contains("first bad link: no 3"), "{}", said.stderr);
    assert!(said.rows().iter().any(|row| row["finding"] == "cut_off"), "{}", said.stdout);
}
