//! The run is killed at fifty random moments and run again: nothing is lost, nothing is double.

use std::time::Duration;

use rand::{Rng, SeedableRng};
use salesmart_simulator::wire::FaultPlan;
use salesmart_tests::simulated::{Simulated, System, world};

/// Kills runs at random moments of their lives until `kills` of them were killed at work, moving
/// the world on now and then; then compares everything.
fn killed(system: System, seed: u64, kills: u32) {
    let simulated = Simulated::start(system, world(seed, 8, 250), FaultPlan::chaos(seed));
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let run = ["run", "crm", "--until", "land"];
    let mut killed = 0;
    let mut whole = 0_u32;
    while killed < kills {
        let mut command = simulated.command(&run);
        // At a moment, or after a durable write: both kinds of interruption come.
        let by_write = rng.random_bool(0.5);
        if by_write {
            command.env("SALESMART_CRASH_AFTER_WRITES", rng.random_range(1..60).to_string());
        }
        let mut child = command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        if !by_write {
            std::thread::sleep(Duration::from_millis(rng.random_range(5..1_500)));
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        match status.code() {
            // A signal ended it.
            None => killed += 1,
            Some(0) => whole += 1,
            // The lease of a killed run is still held: waiting is what an operator would do.
            Some(9) => std::thread::sleep(Duration::from_millis(200)),
            Some(other) => panic!("a run that was not killed ended with {other}"),
        }
        if rng.random_bool(0.2) {
            simulated.world.advance(1);
        }
    }
    assert!(whole < 1_000);
    let _ = simulated.salesmart(&run).ok();
    assert!(simulated.assert_everything_landed(system.name()) > 500);
}

#[test]
fn salesforce_killed_at_fifty_random_moments_equals_the_world() {
    killed(System::Salesforce, 17, 50);
}

#[test]
fn hubspot_killed_at_fifty_random_moments_equals_the_world() {
    killed(System::HubSpot, 18, 50);
}
