//! The site in headless Chromium, from `file://`. `browser.py` is the reader; each story is one of
//! its functions.

use std::path::Path;
use std::process::Command;

use salesmart_tests::{Project, said};

use super::site::demo;

/// Lets the reader do one thing on a site, and shows what was not as it should be.
#[track_caller]
fn read(site: &Path, what: &str) {
    let python = std::env::var_os("SALESMART_TEST_PYTHON").expect(
        "SALESMART_TEST_PYTHON is the Python that has playwright: run the tests with `cargo xtask test`",
    );
    let script = salesmart_tests::repository().join("tests/docs/browser.py");
    let said = said(Command::new(python).arg(script).arg(site).arg(what));
    assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
}

#[test]
fn every_page_opens_without_a_complaint_and_without_a_network() {
    read(demo().site(), "pages");
}

#[test]
fn every_link_leads_somewhere() {
    read(demo().site(), "links");
}

#[test]
fn search_finds_metrics_tables_and_columns() {
    read(demo().site(), "search");
}

#[test]
fn the_graph_can_be_clicked_and_typed_through() {
    read(demo().site(), "graph");
}

#[test]
fn nothing_is_wider_than_a_phone() {
    read(demo().site(), "phone");
}

#[test]
fn text_can_be_read_in_light_and_in_dark() {
    read(demo().site(), "colours");
}

#[test]
fn those_who_do_not_see_or_print_get_everything() {
    read(demo().site(), "helped");
}

#[test]
fn what_stands_in_the_data_does_not_run() {
    let project = Project::of_deals();
    project.write(
        "data/deals.csv",
        "id,amount,closed\n<script>window.hacked=1</script>,1.00,2026-01-31\n\
         \"<b class=hacked><img src=x onerror='window.hacked=1'>\",2.00,2026-01-31\n",
    );
    project.replace(
        "pipelines/deals.yml",
        "select: [\"+fct_deal\"]",
        "select: [\"+fct_deal\", \"ops.run\", \"ops.check_result\"]",
    );
    project.replace(
        "sql/marts/deal/fct_deal.sql",
        "description: Deals, for readers.",
        "description: \"</p><script>window.hacked=1</script> Deals.\"",
    );
    project.write(
        "sql/checks/check_no_deal_is_hacked.sql",
        "/* @check
description: \"<script>window.hacked=1</script>\"
severity: warn
*/
select id from mart.fct_deal
",
    );
    let _ = project.salesmart(&["run", "deals"]).ok();
    let _ = project.salesmart(&["docs"]).ok();
    read(&project.path().join("site"), "harmless");
}
