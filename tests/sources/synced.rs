//! A full sync and ten days more, while the systems misbehave as they do.

use salesmart_simulator::wire::FaultPlan;
use salesmart_tests::simulated::{Simulated, System, world};

/// Runs once, then after each of ten days; every object equals the world's, row for row.
fn ten_days(system: System) {
    let simulated = Simulated::start(system, world(11, 12, 600), FaultPlan::chaos(5));
    let connection = system.name();
    let run = ["run", "crm", "--until", "land"];
    let _ = simulated.salesmart(&run).ok();
    let first = simulated.assert_everything_landed(connection);
    assert!(first > 1_000, "only {first} rows were compared");
    let mut days_with_news = 0;
    for _ in 1..=10 {
        simulated.world.advance(1);
        let said = simulated.salesmart(&run).ok();
        days_with_news += usize::from(!said.stdout.contains(" 0 landed"));
    }
    // Nobody works at weekends.
    assert!(days_with_news >= 6, "only {days_with_news} of ten days brought anything");
    let last = simulated.assert_everything_landed(connection);
    assert!(last > first, "{first} rows on the first day, {last} ten days later");
    let faults = simulated.server().calls().iter().filter(|call| call.fault.is_some()).count();
    assert!(faults > 10, "only {faults} calls went wrong");
}

#[test]
fn salesforce_equals_the_world_after_a_full_sync_and_ten_days_of_faults() {
    ten_days(System::Salesforce);
}

#[test]
fn hubspot_equals_the_world_after_a_full_sync_and_ten_days_of_faults() {
    ten_days(System::HubSpot);
}

#[test]
fn nothing_new_lands_nothing() {
    for system in [System::Salesforce, System::HubSpot] {
        let simulated = Simulated::start(system, world(3, 5, 60), FaultPlan::none());
        let _ = simulated.salesmart(&["run", "crm", "--until", "land"]).ok();
        let again = simulated.salesmart(&["run", "crm", "--until", "land"]).ok();
        assert!(again.stdout.contains("0 landed"), "{}", again.stdout);
    }
}
