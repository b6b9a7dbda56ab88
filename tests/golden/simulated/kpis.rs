//! KPIs.

use std::collections::{BTreeMap, BTreeSet};

use salesmart_simulator::wire::FaultPlan;
use salesmart_simulator::{Fixed6, Scope, Truth};
use salesmart_tests::said;
use salesmart_tests::simulated::{Simulated, System, world};

use super::Differences;

/// Metric, grain, scope, name, first day, stage, category, quarter of the close.
const KEY: [&str; 8] = [
    "metric",
    "period_grain",
    "scope",
    "scope_name",
    "period_start",
    "stage_name",
    "forecast_category",
    "close_period_start",
];

const PARTS: [&str; 5] = ["numerator", "denominator", "value", "n", "n_excluded"];

/// Every published figure, under the names of its scope.
fn published(simulated: &Simulated) -> BTreeMap<Vec<String>, Vec<String>> {
    let rows = simulated.query(
        "select metric, period_grain, scope, \
             case when scope = 'company' then '' else scope_name end as scope_name, \
             period_start, stage_name, forecast_category, close_period_start, \
             numerator, denominator, value, n, n_excluded \
         from kpi.metric_value",
    );
    let count = rows.len();
    let figures: BTreeMap<Vec<String>, Vec<String>> = rows
        .into_iter()
        .map(|row| {
            let of = |names: &[&str]| names.iter().map(|name| row[*name].clone()).collect();
            (of(&KEY), of(&PARTS))
        })
        .collect();
    assert_eq!(figures.len(), count, "every figure is published once");
    figures
}

fn expected(truth: &Truth) -> (Vec<String>, Vec<String>) {
    let key = vec![
        truth.metric.to_owned(),
        truth.period_grain.to_owned(),
        truth.scope.as_str().to_owned(),
        truth.scope_name.clone(),
        truth.period_start.to_string(),
        truth.stage.map(|stage| stage.name().to_owned()).unwrap_or_default(),
        truth.category.unwrap_or_default().to_owned(),
        truth.close_period.map(|day| day.to_string()).unwrap_or_default(),
    ];
    let text = |number: Option<Fixed6>| number.map(|n| n.to_string()).unwrap_or_default();
    let parts = vec![
        text(truth.numerator),
        text(truth.denominator),
        text(truth.value),
        truth.n.to_string(),
        truth.n_excluded.to_string(),
    ];
    (key, parts)
}

/// Runs the whole line and compares every figure of the truth with what was published, on the
/// first night and after ten days: new, changed, deleted and merged deals, and what was reopened.
fn agrees(system: System, seed: u64, reps: usize, deals: u64) {
    let simulated = Simulated::start(system, world(seed, reps, deals), FaultPlan::none());
    let first_read = simulated.world.read().today();
    for days in [0, 10] {
        simulated.world.advance(days);
        simulated.night();
        let truth = simulated.world.read().truth(2, simulated.known(first_read));
        assert!(Truth::metrics(&truth).len() >= 30, "{:?}", Truth::metrics(&truth));
        let mut differences = Differences::default();
        compare(&simulated, &truth, &mut differences);
        differences.assert_none(&format!("{system:?}, seed {seed}, after {days} days"));
    }
}

fn compare(simulated: &Simulated, truth: &[Truth], differences: &mut Differences) {
    let published = published(simulated);
    let truth: BTreeMap<_, _> = truth.iter().map(expected).collect();
    for (key, parts) in &truth {
        differences.compare(&key[0], key, parts, published.get(key));
    }
    // And nothing is published of what is not true, in the grains and on the days of the truth.
    let grains: BTreeSet<(&String, &String)> = truth.keys().map(|key| (&key[0], &key[1])).collect();
    let days: BTreeSet<&String> =
        truth.keys().filter(|key| key[1] == "day").map(|key| &key[4]).collect();
    for (key, found) in &published {
        let is_region = simulated.system == System::HubSpot && key[2] == "region";
        let is_asked = grains.contains(&(&key[0], &key[1]))
            && (key[1] != "day" || days.contains(&key[4]))
            && !is_region;
        if is_asked && !truth.contains_key(key) {
            differences.untrue(&key[0], key, found);
        }
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

#[test]
fn figures_of_a_larger_and_of_a_tiny_company_are_the_true_ones() {
    agrees(System::Salesforce, 24, 40, 2_500);
    agrees(System::HubSpot, 25, 3, 150);
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
    let first_read = both.world.read().today();
    for truth in both.world.read().truth(2, first_read) {
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
