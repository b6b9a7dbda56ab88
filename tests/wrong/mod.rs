//! What a person wrote or delivered wrongly, and the message it gets.

use insta::assert_snapshot;
use salesmart_tests::Project;

/// Runs a command that must fail, and gives what a person reads.
#[track_caller]
fn refused(project: &Project, arguments: &[&str]) -> String {
    let said = project.salesmart(arguments);
    assert_ne!(said.code, 0, "{}", said.stdout);
    let text = project.steady(&said.stderr);
    // Progress comes before the error, and differs with the machine.
    let error = text.find("error:").map_or(text.as_str(), |at| &text[at..]);
    let error = regex_free_times(error);
    format!("exit code {}\n{error}", said.code)
}

/// Replaces the moment a release was made.
fn regex_free_times(text: &str) -> String {
    text.lines()
        .map(|line| match (line.find(" of 20"), line.find(" UTC")) {
            (Some(from), Some(to)) if from < to => {
                format!("{} of [moment]{}", &line[..from], &line[to + 4..])
            }
            _ => line.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// A run that was good, so that there is something to keep.
fn published() -> Project {
    let project = Project::of_deals();
    let _ = project.salesmart(&["run", "deals"]).ok();
    project
}

#[track_caller]
fn keeps_the_release(project: &Project) {
    assert_eq!(project.deals(), ["a=10.00", "b=", "c=2.50"]);
}

#[test]
fn an_unknown_key() {
    let project = Project::of_deals();
    project.replace("pipelines/deals.yml", "key: [id]", "keys: [id]");
    assert_snapshot!(refused(&project, &["check"]));
}

#[test]
fn an_unknown_connector() {
    let project = Project::of_deals();
    project.replace("pipelines/deals.yml", "connector: files", "connector: file");
    assert_snapshot!(refused(&project, &["check"]));
}

#[test]
fn a_stream_in_two_pipelines() {
    let project = Project::of_deals();
    let pipeline = std::fs::read(project.path().join("pipelines/deals.yml")).unwrap();
    project.write("pipelines/hourly.yml", pipeline);
    assert_snapshot!(refused(&project, &["check"]));
    assert_eq!(project.salesmart(&["run", "deals"]).code, 3);
}

#[test]
fn an_unknown_pipeline() {
    let project = Project::of_deals();
    assert_snapshot!(refused(&project, &["run", "deal"]));
}

#[test]
fn a_type_that_does_not_exist() {
    let project = Project::of_deals();
    project.replace("pipelines/deals.yml", "closed: date", "closed: day");
    assert_snapshot!(refused(&project, &["check"]));
}

#[test]
fn a_type_that_the_staging_model_does_not_expect() {
    let project = Project::of_deals();
    project.replace("pipelines/deals.yml", "amount: \"decimal(18,2)\"", "amount: string");
    assert_snapshot!(refused(&project, &["check"]));
}

#[test]
fn sql_that_does_not_parse() {
    let project = Project::of_deals();
    project.replace(
        "sql/marts/deal/fct_deal.sql",
        "select id, amount, closed from",
        "select id,, amount from",
    );
    assert_snapshot!(refused(&project, &["check"]));
}

#[test]
fn a_column_that_does_not_exist() {
    let project = Project::of_deals();
    project.replace(
        "sql/marts/deal/fct_deal.sql",
        "select id, amount, closed",
        "select id, amuont as amount, closed",
    );
    assert_snapshot!(refused(&project, &["check"]));
}

#[test]
fn a_model_that_does_not_keep_its_contract() {
    let project = Project::of_deals();
    project.replace(
        "sql/marts/deal/fct_deal.sql",
        "select id, amount, closed",
        "select id, cast(amount as double) as amount, closed",
    );
    assert_snapshot!(refused(&project, &["check"]));
}

#[test]
fn a_mart_that_reads_a_staging_model() {
    let project = Project::of_deals();
    project.replace(
        "sql/marts/deal/fct_deal.sql",
        "intermediate.int_deal",
        "staging.stg_shop__deals",
    );
    assert_snapshot!(refused(&project, &["check"]));
}

#[test]
fn models_in_a_circle() {
    let project = Project::of_deals();
    project.write(
        "sql/intermediate/deal/int_other.sql",
        "/* @model
description: Reads what reads it.
grain: [id]
columns:
  id: {type: string, doc: The deal.}
*/
select id from intermediate.int_deal
",
    );
    project.replace(
        "sql/intermediate/deal/int_deal.sql",
        "staging.stg_shop__deals",
        "intermediate.int_other",
    );
    assert_snapshot!(refused(&project, &["check"]));
}

#[test]
fn a_model_that_asks_the_clock() {
    let project = Project::of_deals();
    project.replace(
        "sql/marts/deal/fct_deal.sql",
        "from intermediate.int_deal",
        "from intermediate.int_deal where closed < now()",
    );
    assert_snapshot!(refused(&project, &["check"]));
}

#[test]
fn a_missing_file() {
    let project = published();
    std::fs::remove_file(project.path().join("data/deals.csv")).unwrap();
    project.write("data/deal.csv", "id,amount,closed\n");
    assert_snapshot!(refused(&project, &["run", "deals"]));
    keeps_the_release(&project);
}

#[test]
fn a_missing_column() {
    let project = published();
    project.write("data/deals.csv", "id,amout,closed\na,10.00,2026-01-31\n");
    assert_snapshot!(refused(&project, &["run", "deals"]));
    keeps_the_release(&project);
}

#[test]
fn values_of_a_wrong_type() {
    let project = published();
    project.write(
        "data/deals.csv",
        "id,amount,closed\na,ten,2026-01-31\nb,1.005,2026-02-30\nc,2.50,\n",
    );
    assert_snapshot!(refused(&project, &["run", "deals"]));
    keeps_the_release(&project);
    let rows = project.query(
        "select _source_position, column_name, value, reason from quarantine.shop.deals order by _source_position",
    );
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["_source_position"], "deals.csv:2");
    assert_eq!((rows[0]["column_name"].as_str(), rows[0]["value"].as_str()), ("amount", "ten"));
}

#[test]
fn a_broken_file() {
    let project = published();
    project.write(
        "data/deals.csv",
        b"id,amount,closed\na,10.00,2026-01-31\n\"b,3.00,2026-02-01\nc,2.50,\n",
    );
    assert_snapshot!(refused(&project, &["run", "deals"]));
    keeps_the_release(&project);
}

#[test]
fn a_cut_archive() {
    let project = published();
    project.replace("pipelines/deals.yml", "path: deals*.csv", "path: deals*.csv.gz");
    project.write("data/deals.csv.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0xcc]);
    assert_snapshot!(refused(&project, &["run", "deals"]));
    keeps_the_release(&project);
}

#[test]
fn a_query_with_a_misspelt_table() {
    let project = published();
    assert_snapshot!(refused(&project, &["query", "select * from mart.fct_deals"]));
}

#[test]
fn a_query_that_writes() {
    let project = published();
    assert_snapshot!(refused(&project, &["query", "drop table mart.fct_deal"]));
}

#[test]
fn a_variable_that_is_not_set() {
    let project = Project::of_deals();
    project.replace("pipelines/deals.yml", "location: data", "location: ${DEALS_DIR}");
    assert_snapshot!(refused(&project, &["run", "deals"]));
    let _ = project.salesmart(&["run", "deals", "--set", "DEALS_DIR=data"]).ok();
}
