//! What a newcomer does first.

use salesmart_tests::Project;

#[test]
fn the_demo_works_in_an_empty_folder_and_again() {
    let project = Project::new();
    let first = project.salesmart(&["demo"]).ok();
    for word in ["win rate", "query \"select", "Look further"] {
        assert!(
            first.stdout.to_lowercase().contains(&word.to_lowercase()),
            "no `{word}` in:\n{}",
            first.stdout
        );
    }
    let again = project.salesmart(&["demo"]).ok();
    assert!(
        again.stdout.contains("0 landed") || again.stdout.contains("nothing new"),
        "{}",
        again.stdout
    );
}

#[test]
fn the_demo_reads_a_simulated_salesforce_over_http_unless_told_otherwise() {
    let project = Project::new();
    let salesforce = project.salesmart(&["demo", "--deals", "300"]).ok();
    assert!(salesforce.stdout.contains("a simulated Salesforce"), "{}", salesforce.stdout);
    let streams = project.path().join("salesmart-demo/lake/raw/salesforce");
    assert!(streams.join("opportunity").is_dir());
    for source in ["hubspot", "files"] {
        let said = project.salesmart(&["demo", source, "--source", source, "--deals", "300"]).ok();
        assert!(said.stdout.contains("win rate"), "{}", said.stdout);
    }
}

#[test]
fn a_new_project_works_at_once() {
    let project = Project::new();
    let _ = project.salesmart(&["init", "acme"]).ok();
    let acme = project.path().join("acme");
    let run = |arguments: &[&str]| {
        salesmart_tests::said(project.command(arguments).current_dir(&acme)).ok()
    };
    let _ = run(&["check"]);
    let _ = run(&["run", "crm-export"]);
    let rows = run(&[
        "query",
        "select sum(numerator) as won from kpi.win_rate \
         where metric = 'win_rate_count' and scope = 'company' and period_grain = 'year'",
        "--format",
        "csv",
    ])
    .rows();
    let won: f64 = rows[0]["won"].parse().unwrap_or(0.0);
    assert!(won > 0.0, "{rows:?}");
    let listed = run(&["models", "list"]).stdout;
    assert!(listed.contains("project"), "the project's own model is told apart:\n{listed}");
    let again = project.salesmart(&["init", "acme"]);
    assert_ne!(again.code, 0, "a project that is there is not overwritten");
}
