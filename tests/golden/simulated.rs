//! The KPIs of a simulated company equal its truth, which the simulator works out from the events
//! in Rust, whichever system they came out of, and out of both at once.

use std::collections::BTreeMap;

use salesmart_simulator::wire::FaultPlan;
use salesmart_simulator::{Fixed6, Scope, Truth};
use salesmart_tests::said;
use salesmart_tests::simulated::{Simulated, System, world};

/// Metric, grain, scope, name, first day, stage.
type Key = [String; 6];

/// Numerator, denominator, value, n, n_excluded.
type Parts = [String; 5];

/// Every published figure of a fiscal quarter or year, under the names of its scope.
fn published(simulated: &Simulated) -> BTreeMap<Key, Parts> {
    let rows = simulated.query(
        "select metric, period_grain, scope, \
             case when scope = 'company' then '' else scope_name end as scope_name, \
             period_start, stage_name, numerator, denominator, value, n, n_excluded \
         from kpi.metric_value where period_grain in ('month', 'quarter', 'year')",
    );
    let count = rows.len();
    let figures: BTreeMap<Key, Parts> = rows
        .into_iter()
        .map(|mut row| {
            let mut take = |name: &str| row.remove(name).unwrap();
            let key = [
                take("metric"),
                take("period_grain"),
                take("scope"),
                take("scope_name"),
                take("period_start"),
                take("stage_name"),
            ];
            let parts = ["numerator", "denominator", "value", "n", "n_excluded"].map(take);
            (key, parts)
        })
        .collect();
    assert_eq!(figures.len(), count, "every figure is published once");
    figures
}

fn expected(truth: &Truth) -> (Key, Parts) {
    let key = [
        truth.metric.to_owned(),
        truth.period_grain.to_owned(),
        truth.scope.as_str().to_owned(),
        truth.scope_name.clone(),
        truth.period_start.to_string(),
        truth.stage.map(|stage| stage.name().to_owned()).unwrap_or_default(),
    ];
    let text = |number: Option<Fixed6>| number.map(|n| n.to_string()).unwrap_or_default();
    let parts = [
        text(truth.numerator),
        text(truth.denominator),
        text(truth.value),
        truth.n.to_string(),
        truth.n_excluded.to_string(),
    ];
    (key, parts)
}

/// Runs the whole line and compares every figure of the truth with what was published.
fn agrees(system: System, seed: u64, reps: usize, deals: u64) {
    let simulated = Simulated::start(system, world(seed, reps, deals), FaultPlan::none());
    let as_of = simulated.world.read().now().to_rfc3339();
    let _ = simulated.salesmart(&["run", "crm", "--as-of", &as_of]).ok();
    compare(&simulated);
    // Ten days on: new, changed, deleted and merged deals, and what was reopened.
    simulated.world.advance(10);
    let as_of = simulated.world.read().now().to_rfc3339();
    let _ = simulated.salesmart(&["run", "crm", "--as-of", &as_of]).ok();
    compare(&simulated);
}

fn compare(simulated: &Simulated) {
    let published = published(simulated);
    let truth = simulated.world.read().truth(2);
    assert!(truth.len() > 500, "the truth has only {} figures", truth.len());
    let mut wrong = Vec::new();
    let mut compared: BTreeMap<String, usize> = BTreeMap::new();
    for (key, parts) in truth.iter().map(expected) {
        // HubSpot knows no regions.
        if simulated.system == System::HubSpot && key[2] == "region" {
            continue;
        }
        *compared.entry(key[0].clone()).or_default() += 1;
        let found = published.get(&key);
        if found != Some(&parts) {
            wrong.push(format!("{key:?}: true {parts:?}, published {found:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{:?}: {} of {compared:?} figures are not the true ones:\n{}",
        simulated.system,
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    // And nothing is published of what is not true.
    for (metric, n) in &compared {
        let said: usize = published
            .iter()
            .filter(|([name, _, scope, ..], parts)| {
                name == metric
                    && !parts[2].is_empty()
                    && !(simulated.system == System::HubSpot && scope == "region")
            })
            .count();
        assert!(said <= *n, "{metric}: {said} figures with a value are published, {n} are true");
    }
}

#[test]
fn salesforce_figures_are_the_true_ones() {
    agrees(System::Salesforce, 21, 12, 900);
}

#[test]
fn hubspot_figures_are_the_true_ones() {
    agrees(System::HubSpot, 22, 12, 900);
}

/// One company in two systems: the connection is part of every key, so each deal is there twice,
/// and what can be added up is twice the truth.
#[test]
fn an_org_and_a_portal_at_once_are_both_there() {
    let both = Simulated::start(System::Salesforce, world(23, 8, 400), FaultPlan::none());
    let portal = Simulated::start(System::HubSpot, both.world.clone(), FaultPlan::none());
    let pipeline = std::fs::read(portal.project.path().join("pipelines/crm.yml")).unwrap();
    both.project.write("pipelines/portal.yml", pipeline);
    let as_of = both.world.read().now().to_rfc3339();
    let run = |pipeline: &str| {
        let mut command = both.command(&["run", pipeline, "--as-of", &as_of]);
        let _ = said(command.envs(portal.environment())).ok();
    };
    run("crm");
    run("portal");
    let mut command = both.command(&[
        "query",
        "select metric, period_start, numerator, denominator, n from kpi.metric_value \
         where scope = 'company' and period_grain = 'quarter' \
         and metric in ('win_rate_count', 'win_rate_value', 'sales_cycle_mean')",
        "--format",
        "csv",
    ]);
    let published = said(command.envs(portal.environment())).ok().rows();
    let twice = |number: Option<Fixed6>| {
        number.map(|number| Fixed6(number.0 * 2).to_string()).unwrap_or_default()
    };
    let mut compared = 0;
    for truth in both.world.read().truth(2) {
        let is_additive =
            matches!(truth.metric, "win_rate_count" | "win_rate_value" | "sales_cycle_mean");
        if !is_additive || truth.period_grain != "quarter" || truth.scope != Scope::Company {
            continue;
        }
        let start = truth.period_start.to_string();
        let row = published
            .iter()
            .find(|row| row["metric"] == truth.metric && row["period_start"] == start)
            .unwrap_or_else(|| panic!("no {} of {start}", truth.metric));
        assert_eq!(row["numerator"], twice(truth.numerator), "{} of {start}", truth.metric);
        assert_eq!(row["denominator"], twice(truth.denominator), "{} of {start}", truth.metric);
        assert_eq!(row["n"], (truth.n * 2).to_string(), "{} of {start}", truth.metric);
        compared += 1;
    }
    assert!(compared > 15, "only {compared} figures");
}
