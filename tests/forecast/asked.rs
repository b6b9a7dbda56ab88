//! What `audit` answers: it says where it comes from, and it adds up.

use std::collections::BTreeMap;

use salesmart_tests::simulated::{Simulated, System};

use super::{company, night};

type Rows = Vec<BTreeMap<String, String>>;

fn csv(simulated: &Simulated, arguments: &[&str]) -> Rows {
    let mut all = audit(arguments);
    all.extend(["--format", "csv"]);
    simulated.salesmart(&all).ok().rows()
}

/// A command line of `audit`.
fn audit<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["audit"][..], more].concat()
}

/// Money in cents.
fn cents(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "00"));
    assert_eq!(fraction.len(), 2, "`{text}` has cents");
    format!("{whole}{fraction}").parse().unwrap()
}

/// Three sealed nights with days between them that were missed.
fn nights(system: System, seed: u64) -> Simulated {
    let simulated = company(system, seed);
    let _ = night(&simulated);
    for days in [2, 5] {
        simulated.world.advance(days);
        let _ = night(&simulated);
    }
    simulated
}

#[test]
fn a_snapshot_is_shown_as_it_was_sealed_whatever_is_known_since() {
    let simulated = nights(System::Salesforce, 51);
    let ask = |more: &[&str]| {
        let mut arguments = vec!["snapshot", "--period", "FY27Q3", "--as-of", "2026-09-30"];
        arguments.extend(more);
        csv(&simulated, &arguments)
    };
    let deals = ask(&[]);
    let sealed = simulated.query(
        "select opportunity_id, amount_reporting from forecast.snapshot_deal \
         where snapshot_date = date '2026-09-30' and period_start = date '2026-08-01'",
    );
    assert_eq!(deals.len(), sealed.len());
    assert!(deals.len() > 5, "{deals:?}");
    for deal in &deals {
        assert_eq!(deal["origin"], "sealed");
        assert_eq!(deal["snapshot_no"], "1");
        assert_eq!(deal["hash"].len(), 64);
        let own = sealed.iter().find(|row| row["opportunity_id"] == deal["opportunity_id"]);
        assert_eq!(own.unwrap()["amount_reporting"], deal["amount_reporting"]);
    }
    // The ledger, asked for the same night as it was known then, knows the same deals and sums.
    let by_ledger = ask(&["--known-at", "2026-09-30"]);
    let ids = |rows: &Rows| {
        let mut ids: Vec<String> = rows.iter().map(|row| row["opportunity_id"].clone()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&by_ledger), ids(&deals));
    assert!(by_ledger.iter().all(|row| row["origin"] == "reconstructed"));
    let figures = |more: &[&str]| -> BTreeMap<String, String> {
        let mut arguments = vec!["--show", "figures"];
        arguments.extend(more);
        ask(&arguments)
            .into_iter()
            .map(|row| (row["series"].clone(), row["amount"].clone()))
            .collect()
    };
    let (sealed, reconstructed) = (figures(&[]), figures(&["--known-at", "2026-09-30"]));
    assert!(reconstructed.len() >= 10, "{reconstructed:?}");
    for (series, amount) in &reconstructed {
        assert_eq!(Some(amount), sealed.get(series), "{series}");
    }

    // Parts of the company sum up to it.
    let teams = simulated.query("select scope_id from mart.dim_scope where scope = 'team'");
    let of_teams: usize = teams
        .iter()
        .map(|team| ask(&["--scope", &format!("team:{}", team["scope_id"])]).len())
        .sum();
    assert_eq!(of_teams, deals.len());

    let table = simulated
        .salesmart(&["audit", "snapshot", "--period", "FY27Q3", "--as-of", "2026-09-30"])
        .ok();
    assert!(table.stdout.contains("sealed no 1, "), "{}", table.stdout);
    assert!(table.stdout.contains("pipeline_cumulative"), "{}", table.stdout);
}

/// Every pair of days, sealed and missed, for the company, some teams and a rep: starting and
/// what moved is the ending, and for neighbouring seals it is what `forecast.bridge` says.
fn bridges_add_up(system: System, seed: u64) {
    let simulated = nights(system, seed);
    let days = ["2026-08-20", "2026-09-30", "2026-10-02", "2026-10-04"];
    let mut scopes: Vec<String> = vec!["company".to_owned()];
    for row in simulated.query(
        "(select scope, scope_id from mart.dim_scope where scope = 'team' \
         order by scope_id limit 2) union all \
         (select scope, scope_id from mart.dim_scope where scope = 'rep' \
         order by scope_id limit 1)",
    ) {
        scopes.push(format!("{}:{}", row["scope"], row["scope_id"]));
    }
    let bridge = |from: &str, to: &str, scope: &str, series: &str| {
        csv(
            &simulated,
            &["bridge", from, to, "--period", "FY27Q3", "--scope", scope, "--series", series],
        )
    };
    let mut moves = 0;
    for (place, from) in days.iter().enumerate() {
        for to in &days[place + 1..] {
            for scope in &scopes {
                let rows = bridge(from, to, scope, "pipeline_cumulative");
                let (last, others) = rows.split_last().unwrap();
                assert_eq!(rows[0]["component"], "starting");
                assert_eq!(last["component"], "ending");
                let sum: i128 = others.iter().map(|row| cents(&row["amount"])).sum();
                assert_eq!(sum, cents(&last["amount"]), "{from} to {to}, {scope}: {rows:?}");
                moves += rows.len() - 2;
            }
        }
    }
    assert!(moves > 20, "only {moves} moves");

    // What ends one bridge starts the next.
    let first = bridge("2026-08-20", "2026-09-30", "company", "commit_cumulative");
    let second = bridge("2026-09-30", "2026-10-07", "company", "commit_cumulative");
    assert_eq!(first.last().unwrap()["amount"], second[0]["amount"]);

    // Neighbouring seals are what the models published.
    for series in ["closed", "pipeline", "pipeline_cumulative"] {
        let mut sums: BTreeMap<String, i128> = BTreeMap::new();
        for row in bridge("2026-09-30", "2026-10-02", "company", series) {
            *sums.entry(row["component"].clone()).or_default() += cents(&row["amount"]);
        }
        let published: BTreeMap<String, i128> = simulated
            .query(&format!(
                "select component, amount from forecast.bridge where scope = 'company' \
                 and period_start = date '2026-08-01' and from_date = date '2026-09-30' \
                 and to_date = date '2026-10-02' and series = '{series}'"
            ))
            .into_iter()
            .map(|row| (row["component"].clone(), cents(&row["amount"])))
            .collect();
        assert_eq!(sums, published, "{series}");
    }
}

#[test]
fn salesforces_bridges_add_up_between_any_two_days() {
    bridges_add_up(System::Salesforce, 52);
}

#[test]
fn hubspots_bridges_add_up_between_any_two_days() {
    bridges_add_up(System::HubSpot, 53);
}

#[test]
fn the_other_answers_are_those_of_the_models() {
    let simulated = nights(System::Salesforce, 54);
    let accuracy = csv(&simulated, &["accuracy", "--period", "FY27Q2", "--daily"]);
    let published = simulated.query(
        "select snapshot_date from forecast.accuracy where scope = 'company' \
         and period_start = date '2026-05-01'",
    );
    assert_eq!(accuracy.len(), published.len());
    assert!(!accuracy.is_empty());
    let at_checkpoints = csv(&simulated, &["accuracy", "--period", "FY27Q2", "--series", "closed"]);
    assert!(!at_checkpoints.is_empty() && at_checkpoints.len() < accuracy.len());
    let table = simulated.salesmart(&["audit", "accuracy", "--period", "FY27Q2"]).ok();
    assert!(table.stdout.contains("frozen as of"), "{}", table.stdout);

    let spans = csv(&simulated, &["coverage", "--period", "FY27Q3"]);
    let days = csv(&simulated, &["coverage", "--period", "FY27Q3", "--days"]);
    let counted: usize = spans.iter().map(|row| row["days"].parse::<usize>().unwrap()).sum();
    assert_eq!(counted, days.len(), "spans hold every day once");
    let missing: usize = spans
        .iter()
        .filter(|row| row["status"] == "missing")
        .map(|row| row["days"].parse::<usize>().unwrap())
        .sum();
    // 1 October, and 3 to 6 October.
    assert_eq!(missing, 5, "{spans:?}");
    let fields = csv(&simulated, &["coverage", "--fields"]);
    assert!(fields.iter().any(|row| row["field"] == "stage"), "{fields:?}");
}

#[test]
fn what_cannot_be_asked_is_refused_and_says_what_can() {
    let simulated = company(System::HubSpot, 55);
    let fails = |arguments: &[&str], code: i32, says: &str| {
        let said = simulated.salesmart(arguments);
        assert_eq!(said.code, code, "{arguments:?}: {}", said.stderr);
        assert!(said.stderr.contains(says), "{arguments:?}: {}", said.stderr);
    };
    let snapshot = ["audit", "snapshot", "--period", "FY27Q3", "--as-of", "2026-09-30"];
    fails(&snapshot, 3, "there is no release yet");
    // A lake in which nothing was sealed is a good one.
    let said = simulated.salesmart(&["audit", "verify"]).ok();
    assert!(said.stdout.contains("Nothing has been sealed yet."), "{}", said.stdout);
    let _ = night(&simulated);
    fails(&audit(&["snapshot", "--period", "Q3", "--as-of", "2026-09-30"]), 3, "is not a period");
    fails(
        &audit(&["snapshot", "--period", "FY27Q3", "--as-of", "2026-12-24"]),
        3,
        "has not been seen yet",
    );
    fails(
        &audit(&["bridge", "2026-09-30", "2026-09-01", "--period", "FY27Q3"]),
        3,
        "2026-09-30 is not before 2026-09-01",
    );
    let of_nobody = ["accuracy", "--period", "FY27Q2", "--scope", "team:Nobody"];
    fails(&audit(&of_nobody), 3, "there is no team `Nobody`");
    let series = ["bridge", "2026-09-01", "2026-09-30", "--period", "FY27Q3", "--series", "x"];
    fails(&audit(&series), 3, "no bridge explains the series `x`");
    let nothing = ["export", "--output", "x.tar", "--from", "2030-01-01"];
    fails(&audit(&nothing), 3, "no sealed snapshot fits");
    assert!(!simulated.project.path().join("x.tar").exists());
}
