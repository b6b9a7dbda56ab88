//! Cases over the small catalog.

use super::*;
use crate::testing::{render, small};

async fn run(model: &str, yaml: &str) -> String {
    let catalog = Catalog::load(&small(&[]), None).unwrap();
    let file = match CaseFile::parse("case.yml", yaml) {
        Ok(file) => file,
        Err(e) => return render(&e),
    };
    for case in &file.cases {
        let outcome =
            run_case(&catalog, &model.parse().unwrap(), case, &BusinessSettings::default()).await;
        if let Err(e) = outcome {
            return render(&e);
        }
    }
    "holds".to_owned()
}

const STAGING: &str = "staging.stg_crm__deals";

#[tokio::test]
async fn a_right_case_holds_whatever_the_order_of_rows() {
    let yaml = "
cases:
  - name: the last version counts and deleted deals go
    given:
      raw.crm.deals:
        - {deal_id: d1, amount: 10, stage: open}
        - {deal_id: d1, amount: 12, stage: won}
        - {deal_id: d2, amount: 5.50}
        - {deal_id: d3, amount: 1}
        - {deal_id: d3, _op: delete}
    expect:
      - {deal_id: d2, amount: 5.5, stage: ~}
      - {deal_id: d1, amount: 12.00, stage: won}
  - name: the step before knows the operation
    cte: latest
    given:
      raw.crm.deals:
        - {deal_id: d3, _op: delete}
    expect:
      - {op: delete}
  - name: nothing in, nothing out
    expect: []
";
    assert_eq!(run(STAGING, yaml).await, "holds");
}

#[tokio::test]
async fn a_wrong_case_shows_both_sides() {
    let yaml = "
cases:
  - name: wrong on purpose
    given:
      raw.crm.deals:
        - {deal_id: d1, amount: 10}
        - {deal_id: d2, amount: 5}
    expect:
      - {deal_id: d1, amount: 10}
      - {deal_id: d2, amount: 6}
";
    insta::assert_snapshot!(run(STAGING, yaml).await, @r#"
    case `wrong on purpose` of `staging.stg_crm__deals` gives other rows
    (- expected and missing, + there instead)
      deal_id  amount
      d1       10.00
    - d2       6.00
    + d2       5.00
      at case.yml:3:11
    "#);
}

#[tokio::test]
async fn a_case_that_cannot_be_read_says_what_is_meant() {
    let case =
        |given: &str| format!("cases:\n  - name: x\n    given:\n      {given}\n    expect: []\n");
    insta::assert_snapshot!(run(STAGING, &case("raw.crm.deal: []")).await, @r#"
    `staging.stg_crm__deals` does not read `raw.crm.deal`
      at case.yml:4:7
      hint: did you mean `raw.crm.deals`?
    "#);
    insta::assert_snapshot!(run(STAGING, &case("raw.crm.deals: [{deal: d1}]")).await, @r#"
    `raw.crm.deals` has no column `deal`
      at case.yml:4:24
      hint: columns there are: `deal_id`, `amount`, `stage`, `closed`, `_connection`, `_stream`, `_run_id`, `_extracted_at`, `_op`, `_source_position`, `_sequence`, `_row_hash`, `_row_key`
    "#);
    insta::assert_snapshot!(run(STAGING, &case("raw.crm.deals: [{amount: 1.005}]")).await, @r#"
    `1.005` is not a decimal(18,2)
      at case.yml:4:32
    "#);
    insta::assert_snapshot!(run(STAGING, "cases:\n  - name: x\n    cte: lates\n    expect: []\n").await, @r#"
    `staging.stg_crm__deals` has no step `lates`
      at case.yml:3:10
      hint: did you mean `latest`?
    "#);
    insta::assert_snapshot!(run(STAGING, "cases:\n  - name: x\n    expected: []\n").await, @r#"
    `expected` is not a known key
      at case.yml:3:5
      expected: `name`, `as_of`, `given`, `expect`, `ordered`, `cte`
      hint: did you mean `expect`?
    "#);
}
