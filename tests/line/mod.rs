//! Whole runs, one after the other.

mod demo;
mod explain;

use salesmart_tests::Project;

#[test]
fn the_same_run_twice_lands_nothing_the_second_time() {
    let project = Project::of_deals();
    let first = project.salesmart(&["run", "deals"]).ok();
    assert_eq!(project.deals(), ["a=10.00", "b=", "c=2.50"]);
    let second = project.salesmart(&["run", "deals"]).ok();
    assert!(first.stdout.contains("3 landed"), "{}", first.stdout);
    assert!(second.stdout.contains("0 landed"), "{}", second.stdout);
    assert!(second.stdout.contains("0 built"), "{}", second.stdout);
    assert_eq!(project.deals(), ["a=10.00", "b=", "c=2.50"]);
}

#[test]
fn a_changed_file_updates_adds_and_deletes() {
    let project = Project::of_deals();
    let _ = project.salesmart(&["run", "deals"]).ok();
    project.write("data/deals.csv", "id,amount,closed\nb,7.00,2026-02-01\nc,2.50,\nd,1.00,\n");
    let second = project.salesmart(&["run", "deals"]).ok();
    assert!(second.stdout.contains("2 landed"), "{}", second.stdout);
    assert!(second.stdout.contains("1 unchanged"), "{}", second.stdout);
    assert_eq!(project.deals(), ["b=7.00", "c=2.50", "d=1.00"]);
}

#[test]
fn files_of_a_glob_are_one_table_and_one_that_goes_takes_its_rows_along() {
    let project = Project::of_deals();
    project.write("data/deals-2.csv", "id,amount,closed\nx,1.00,\n");
    let _ = project.salesmart(&["run", "deals"]).ok();
    assert_eq!(project.deals(), ["a=10.00", "b=", "c=2.50", "x=1.00"]);
    std::fs::remove_file(project.path().join("data/deals.csv")).unwrap();
    let _ = project.salesmart(&["run", "deals"]).ok();
    assert_eq!(project.deals(), ["x=1.00"]);
}

#[test]
fn each_stage_can_be_run_alone() {
    let project = Project::of_deals();
    let _ = project.salesmart(&["extract", "deals"]).ok();
    // What was read is what lands, whatever happens to the file meanwhile.
    project.write("data/deals.csv", "id,amount,closed\n");
    let _ = project.salesmart(&["land", "deals"]).ok();
    let _ = project.salesmart(&["model", "deals"]).ok();
    let unpublished = project.salesmart(&["query", "select 1 from mart.fct_deal"]);
    assert_ne!(unpublished.code, 0, "nothing is published yet");
    let _ = project.salesmart(&["publish", "deals"]).ok();
    assert_eq!(project.deals(), ["a=10.00", "b=", "c=2.50"]);
    let nothing = project.salesmart(&["land", "deals"]);
    assert_eq!(nothing.code, 3);
    assert!(nothing.stderr.contains("nothing to land"), "{}", nothing.stderr);
}

#[test]
fn landing_can_be_more_frequent_than_modelling() {
    let project = Project::of_deals();
    let landed = project.salesmart(&["run", "deals", "--until", "land"]).ok();
    assert!(landed.stdout.contains("3 landed"), "{}", landed.stdout);
    let unpublished = project.salesmart(&["query", "select 1 from mart.fct_deal"]);
    assert_eq!(unpublished.code, 3, "{}", unpublished.stderr);
    let _ = project.salesmart(&["run", "deals"]).ok();
    assert_eq!(project.deals(), ["a=10.00", "b=", "c=2.50"]);
}

#[test]
fn an_as_of_and_an_older_release_give_what_was_true_then() {
    let project = Project::of_deals();
    let _ = project.salesmart(&["run", "deals"]).ok();
    project.write("data/deals.csv", "id,amount,closed\na,11.00,2026-01-31\n");
    let _ = project.salesmart(&["run", "deals"]).ok();
    assert_eq!(project.deals(), ["a=11.00"]);
    let older = project
        .salesmart(&[
            "query",
            "select amount from mart.fct_deal order by id",
            "--release",
            "1",
            "--format",
            "csv",
        ])
        .ok();
    assert_eq!(older.rows().len(), 3);
    let _ = project.salesmart(&["releases", "roll-back", "r000001"]).ok();
    assert_eq!(project.deals(), ["a=10.00", "b=", "c=2.50"]);
}

#[test]
fn query_writes_what_programs_read() {
    let project = Project::of_deals();
    let _ = project.salesmart(&["run", "deals"]).ok();
    let sql = "select id, amount, closed from mart.fct_deal order by id";
    let csv = project.salesmart(&["query", sql, "--format", "csv"]).ok();
    assert_eq!(csv.stdout, "id,amount,closed\na,10.00,2026-01-31\nb,,2026-02-01\nc,2.50,\n");
    let json = project.salesmart(&["query", sql, "--format", "json"]).ok();
    // Decimals keep all their digits, so the text is compared and not a parsed float.
    assert_eq!(
        json.stdout.lines().next(),
        Some(r#"{"id": "a", "amount": 10.00, "closed": "2026-01-31"}"#)
    );
    let _ =
        project.salesmart(&["query", sql, "--format", "parquet", "--output", "deals.parquet"]).ok();
    let file = std::fs::File::open(project.path().join("deals.parquet")).unwrap();
    let reader =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 3);
}

#[test]
fn logs_are_json_where_a_machine_reads_them() {
    let project = Project::of_deals();
    let said = project.salesmart(&["--log-format", "json", "run", "deals"]).ok();
    assert!(!said.stderr.is_empty());
    for line in said.stderr.lines() {
        let entry: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        assert!(entry["level"].is_string(), "{line}");
    }
}

#[test]
fn every_connectors_example_is_a_pipeline_that_works() {
    let project = Project::new();
    let list = project.salesmart(&["connectors"]).ok().stdout;
    let names: Vec<&str> = ["files", "salesforce", "hubspot"]
        .into_iter()
        .filter(|name| list.lines().any(|line| line.starts_with(name)))
        .collect();
    assert_eq!(names.len(), 3, "a connector is not listed, or not known here:\n{list}");
    for name in names {
        let example = project.salesmart(&["connectors", "example", name]).ok();
        project.write("pipelines/example.yml", example.stdout);
        let mut check = project.command(&["check"]);
        for variable in ["SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET", "HUBSPOT_TOKEN"] {
            check.env(variable, "something");
        }
        let said = salesmart_tests::said(&mut check).ok();
        assert!(said.stdout.contains("1 pipeline"), "{name}: {}", said.stdout);
    }
}
