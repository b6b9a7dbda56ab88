//! Programs that nobody here wrote read the whole of the simulated systems: if they can, the wire
//! is right. `cargo xtask test` installs them; without them their stories fail.

use std::process::Command;

use salesmart_simulator::wire::FaultPlan;
use salesmart_tests::simulated::{Simulated, System, world};
use salesmart_tests::{repository, said};

fn reads_everything(system: System, script: &str) {
    let python = std::env::var_os("SALESMART_TEST_PYTHON").expect(
        "SALESMART_TEST_PYTHON is the Python that has simple-salesforce and hubspot-api-client; \
         `cargo xtask test` installs it",
    );
    let simulated = Simulated::start(system, world(2, 8, 400), FaultPlan::none());
    let script = repository().join("tests/clients").join(script);
    let said = said(Command::new(python).arg(script).arg(simulated.url())).ok();
    let objects = said.stdout.lines().filter(|line| line.contains(": ")).count();
    assert!(objects >= 8, "it says what it compared:\n{}", said.stdout);
}

#[test]
fn simple_salesforce_completes_a_full_sync_by_rest_and_bulk() {
    reads_everything(System::Salesforce, "simple_salesforce_sync.py");
}

#[test]
fn hubspot_api_client_completes_a_full_sync() {
    reads_everything(System::HubSpot, "hubspot_sync.py");
}
