//! The source's schema changes while the house stands.

use salesmart_simulator::wire::{Fault, FaultPlan};
use salesmart_tests::simulated::{Simulated, System, world};

const RUN: [&str; 2] = ["run", "crm"];

fn changes(simulated: &Simulated) -> Vec<String> {
    simulated
        .query("select stream, column_name, change, action from ops.schema_change order by 1, 2, 3")
        .iter()
        .map(|row| {
            format!("{}.{} {} {}", row["stream"], row["column_name"], row["change"], row["action"])
        })
        .collect()
}

#[test]
fn a_new_field_is_added_and_filled_for_that_column_alone() {
    for system in [System::Salesforce, System::HubSpot] {
        let simulated = Simulated::start(system, world(5, 6, 150), FaultPlan::none());
        let _ = simulated.salesmart(&RUN).ok();
        assert_eq!(changes(&simulated), Vec::<String>::new());
        simulated.server().set_faults(FaultPlan::none().always("*", Fault::NewField));
        let _ = simulated.salesmart(&RUN).ok();
        let seen = changes(&simulated);
        assert!(seen.iter().any(|change| change.ends_with(" added added")), "{seen:?}");
        // Filled for every record, though none of them has changed.
        assert!(simulated.assert_everything_landed(system.name()) > 300);
        // And said once.
        let _ = simulated.salesmart(&RUN).ok();
        assert_eq!(changes(&simulated), seen);
    }
}

#[test]
fn a_removed_and_a_hidden_field_stay_with_nulls() {
    for system in [System::Salesforce, System::HubSpot] {
        for fault in [Fault::RemovedField, Fault::HiddenField] {
            let simulated = Simulated::start(system, world(6, 6, 150), FaultPlan::none());
            let _ = simulated.salesmart(&RUN).ok();
            simulated.server().set_faults(FaultPlan::none().always("*", fault));
            simulated.world.advance(2);
            let _ = simulated.salesmart(&RUN).ok();
            let seen = changes(&simulated);
            assert!(seen.iter().any(|change| change.contains(" removed ")), "{fault:?}: {seen:?}");
        }
    }
}

#[test]
fn a_retyped_field_is_decided_by_the_pipeline_file() {
    for (policy, code) in [("stop", 10), ("widen", 0), ("quarantine", 0)] {
        let simulated = Simulated::start(System::Salesforce, world(7, 6, 150), FaultPlan::none());
        simulated.project.replace(
            "pipelines/crm.yml",
            "extract:",
            &format!("land: {{on_retyped: {policy}, max_rejected: 100%}}\nextract:"),
        );
        let _ = simulated.salesmart(&RUN).ok();
        simulated.server().set_faults(FaultPlan::none().always("*", Fault::RetypedField));
        simulated.world.advance(2);
        let said = simulated.salesmart(&RUN);
        assert_eq!(said.code, code, "{policy}: {}\n{}", said.stdout, said.stderr);
        let seen = changes(&simulated);
        let action = match policy {
            "stop" => "stopped",
            "widen" => "widened",
            _ => "quarantined",
        };
        let wanted = format!(" retyped {action}");
        assert!(seen.iter().any(|change| change.ends_with(&wanted)), "{policy}: {seen:?}");
    }
}
