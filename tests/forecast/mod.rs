//! The forecast history: nights are sealed, nothing is lost, whatever is done to it is found, and
//! somebody who has nothing of ours can verify it.

mod as_of;
mod asked;
mod exported;
mod nights;
mod tampered;

use std::collections::BTreeMap;
use std::path::Path;

use salesmart_simulator::wire::FaultPlan;
use salesmart_tests::Said;
use salesmart_tests::simulated::{Simulated, System, world};

/// A company of two dozen open deals, on 2026-09-30: the middle of its third quarter.
fn company(system: System, seed: u64) -> Simulated {
    Simulated::start(system, world(seed, 6, 160), FaultPlan::none())
}

/// Runs the whole line as of the end of the simulator's day.
fn night(simulated: &Simulated) -> String {
    night_with(simulated, &[])
}

/// The same with more arguments. Returns the instant it was run as of.
fn night_with(simulated: &Simulated, more: &[&str]) -> String {
    let as_of = simulated.world.read().now().to_rfc3339();
    let mut arguments = vec!["run", "crm", "--as-of", &as_of];
    arguments.extend(more);
    let _ = simulated.salesmart(&arguments).ok();
    as_of
}

/// The seals of the current release, each as one line.
fn seals(simulated: &Simulated) -> Vec<String> {
    simulated
        .query(
            "select snapshot_no, snapshot_date, period_name, deal_rows, figure_rows, \
             content_hash, previous_hash, hash from forecast.snapshot order by snapshot_no",
        )
        .iter()
        .map(|row| {
            let names = ["snapshot_no", "snapshot_date", "period_name", "deal_rows", "hash"];
            names.map(|name| row[name].as_str()).join(" ")
        })
        .collect()
}

/// What `audit verify` says of a lake.
fn verify(simulated: &Simulated, lake: &Path) -> Said {
    let lake = lake.to_str().unwrap();
    simulated.salesmart(&["audit", "verify", "--lake", lake, "--format", "csv"])
}

/// What `audit verify` finds in a lake, as `finding` to its rows.
fn found(simulated: &Simulated, lake: &Path) -> (String, Vec<BTreeMap<String, String>>) {
    let said = verify(simulated, lake);
    assert_eq!(said.code, 7, "stdout:\n{}\nstderr:\n{}", said.stdout, said.stderr);
    (said.stderr.clone(), said.rows())
}

/// The simulated company, with three fiscal periods forecast at a time.
const THREE_PERIODS: &str = "company_name: Fernhill Systems
reporting_currency: USD
time_zone: UTC
fiscal_year:
  starts: february
forecast:
  open_periods: 3
";
