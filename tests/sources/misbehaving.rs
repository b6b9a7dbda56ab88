//! The failures of a source, one by one, and the right reaction to each.

use salesmart_simulator::wire::{Fault, FaultPlan, When};
use salesmart_tests::Said;
use salesmart_tests::simulated::{Simulated, System, world};

const LAND: [&str; 4] = ["run", "crm", "--until", "land"];

fn simulated(system: System, faults: FaultPlan) -> Simulated {
    Simulated::start(system, world(4, 6, 150), faults)
}

/// The status of the calls that asked for a token.
fn token_calls(simulated: &Simulated) -> usize {
    simulated.server().calls().iter().filter(|call| call.path.contains("/oauth")).count()
}

#[track_caller]
fn ends_with(said: &Said, code: i32) {
    assert_eq!(said.code, code, "stdout:\n{}\nstderr:\n{}", said.stdout, said.stderr);
}

#[test]
fn a_used_up_daily_quota_keeps_what_came_and_the_next_run_goes_on_there() {
    for (system, path) in
        [(System::Salesforce, "/services/data/*/query*"), (System::HubSpot, "/crm/v3/objects/*")]
    {
        let simulated = simulated(system, FaultPlan::none());
        simulated.server().set_faults(FaultPlan::none().with(
            path,
            When::Nth(12),
            Some(1),
            Fault::QuotaExhausted,
        ));
        let stopped = simulated.salesmart(&LAND);
        // Some streams are done, those after the quota are not; nothing else is wrong.
        ends_with(&stopped, 11);
        let calls = simulated.server().calls().len();
        simulated.server().set_faults(FaultPlan::none());
        let _ = simulated.salesmart(&LAND).ok();
        assert!(simulated.server().calls().len() > calls);
        assert!(simulated.assert_everything_landed(system.name()) > 300);
    }
}

#[test]
fn a_session_that_ends_in_the_middle_is_renewed_once_for_all() {
    let simulated = simulated(
        System::Salesforce,
        FaultPlan::none().with(
            "/services/data/*/query*",
            When::Nth(9),
            Some(1),
            Fault::Unauthorized,
        ),
    );
    let _ = simulated.salesmart(&LAND).ok();
    assert_eq!(token_calls(&simulated), 2, "one token to begin with, and one after the 401");
    assert!(simulated.assert_everything_landed("salesforce") > 300);
}

#[test]
fn an_object_that_is_forbidden_fails_alone_and_the_run_says_partial() {
    let simulated = simulated(
        System::HubSpot,
        FaultPlan::none().always("/crm/v3/objects/tasks*", Fault::Unauthorized),
    );
    let partial = simulated.salesmart(&["run", "crm"]);
    ends_with(&partial, 10);
    assert!(partial.stderr.contains("`tasks`"), "{}", partial.stderr);
    assert!(partial.stderr.contains("hint"), "{}", partial.stderr);
    // What depends on the connection is published, and says that it is not whole.
    let rows = simulated
        .query("select distinct completeness from kpi.win_rate where scope = 'company' and n > 0");
    let said: Vec<&str> = rows.iter().map(|row| row["completeness"].as_str()).collect();
    assert_eq!(said, ["partial"]);
    // A night is sealed as it was known, and the seal says for ever that it was not all.
    let rows = simulated.query(
        "select distinct completeness from forecast.figure \
         where provenance = 'sealed' and scope = 'company'",
    );
    let said: Vec<&str> = rows.iter().map(|row| row["completeness"].as_str()).collect();
    assert_eq!(said, ["partial"]);
    simulated.server().set_faults(FaultPlan::none());
    let _ = simulated.salesmart(&["run", "crm"]).ok();
    let rows = simulated
        .query("select distinct completeness from kpi.win_rate where scope = 'company' and n > 0");
    assert!(rows.iter().all(|row| row["completeness"] != "partial"), "{rows:?}");
}

#[test]
fn a_partial_run_can_be_told_to_hold_the_release() {
    let simulated = simulated(System::HubSpot, FaultPlan::none());
    simulated.project.replace(
        "pipelines/crm.yml",
        "extract:",
        "publish: {on_partial: hold}\nextract:",
    );
    let _ = simulated.salesmart(&["run", "crm"]).ok();
    simulated.world.advance(1);
    simulated
        .server()
        .set_faults(FaultPlan::none().always("/crm/v3/objects/tasks*", Fault::Unauthorized));
    ends_with(&simulated.salesmart(&["run", "crm"]), 10);
    let releases = simulated.salesmart(&["releases"]).ok();
    assert!(!releases.stdout.contains("r000002"), "{}", releases.stdout);
}

#[test]
fn a_bulk_job_that_fails_or_never_ends_fails_its_object_and_is_aborted() {
    for fault in [Fault::JobFailed, Fault::JobStuck] {
        let simulated = simulated(
            System::Salesforce,
            FaultPlan::none().with("*/jobs/query*", When::Nth(1), Some(1), fault),
        );
        simulated.project.replace(
            "pipelines/crm.yml",
            "      auth:",
            "      bulk: {mode: always, deadline: 3s}\n      auth:",
        );
        let partial = simulated.salesmart(&LAND);
        ends_with(&partial, 10);
        if fault == Fault::JobStuck {
            let aborted = simulated
                .server()
                .calls()
                .iter()
                .any(|call| call.method == "PATCH" && call.path.contains("/jobs/query/"));
            assert!(aborted, "a job that is given up is aborted on the server");
        }
        simulated.server().set_faults(FaultPlan::none());
        let _ = simulated.salesmart(&LAND).ok();
        assert!(simulated.assert_everything_landed("salesforce") > 300);
    }
}

#[test]
fn rows_that_become_visible_late_are_there_the_next_day_and_once() {
    let simulated = simulated(
        System::Salesforce,
        // Stamped in the last quarter of an hour of a day, and visible the next day: some of them
        // lie before the bound up to which the day was read.
        FaultPlan::none().always("*", Fault::LateCommit { minutes: 15 }),
    );
    let _ = simulated.salesmart(&LAND).ok();
    // To a Sunday: nobody works, so everything that was late is visible.
    for _ in 0..4 {
        simulated.world.advance(1);
        let _ = simulated.salesmart(&LAND).ok();
    }
    assert!(simulated.assert_everything_landed("salesforce") > 300);
}

#[test]
fn text_with_nul_bytes_is_landed_or_repaired_and_never_stops_a_run() {
    for system in [System::Salesforce, System::HubSpot] {
        let simulated = simulated(system, FaultPlan::none().always("*", Fault::NulBytes));
        let said = simulated.salesmart(&LAND).ok();
        assert!(said.stdout.contains("0 quarantined"), "{}", said.stdout);
    }
}

#[test]
fn every_count_of_the_source_is_kept_and_matches() {
    for system in [System::Salesforce, System::HubSpot] {
        let simulated = simulated(system, FaultPlan::none());
        let _ = simulated.salesmart(&["run", "crm"]).ok();
        let rows = simulated.query(
            "select stream, status, source_rows, landed_rows from ops.reconciliation order by stream",
        );
        assert!(rows.len() > 5, "{rows:?}");
        for row in &rows {
            assert_eq!(row["status"], "matched", "{row:?}");
            assert_eq!(row["source_rows"], row["landed_rows"], "{row:?}");
        }
    }
}

#[test]
fn checking_connections_tells_what_is_there_and_what_is_not() {
    for system in [System::Salesforce, System::HubSpot] {
        let simulated = simulated(
            system,
            FaultPlan::none().always("/nothing", Fault::ClockSkew { seconds: 3_600 }),
        );
        let fine = simulated.salesmart(&["check", "--connections"]);
        for word in ["requests of the day", "clock", "history"] {
            assert!(fine.stdout.to_lowercase().contains(word), "no `{word}` in:\n{}", fine.stdout);
        }
        let mut refused = simulated.command(&["check", "--connections"]);
        refused.env("SALESFORCE_CLIENT_SECRET", "wrong-7f3a").env("HUBSPOT_TOKEN", "wrong-7f3a");
        let refused = salesmart_tests::said(&mut refused);
        ends_with(&refused, 4);
        let everything = format!("{}{}", refused.stdout, refused.stderr);
        assert!(!everything.contains("wrong-7f3a"), "{everything}");
    }
}

#[test]
fn no_secret_is_in_any_log_however_much_is_logged() {
    for system in [System::Salesforce, System::HubSpot] {
        let simulated = simulated(system, FaultPlan::chaos(3));
        let mut command = simulated.command(&["-vv", "--log-format", "json"]);
        command.args(LAND).env("SALESMART_LOG", "trace");
        let said = salesmart_tests::said(&mut command).ok();
        let everything = format!("{}{}", said.stdout, said.stderr);
        for secret in ["simulator-secret", "pat-simulator", "Bearer "] {
            assert!(!everything.contains(secret), "`{secret}` was logged");
        }
    }
}

#[test]
fn a_secret_in_clear_is_refused() {
    let simulated = simulated(System::HubSpot, FaultPlan::none());
    simulated.project.replace("pipelines/crm.yml", "${HUBSPOT_TOKEN}", "pat-in-clear");
    let refused = simulated.salesmart(&["check"]);
    ends_with(&refused, 3);
    assert!(refused.stderr.contains("pipelines/crm.yml:10"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("pat-in-clear"), "{}", refused.stderr);
}
