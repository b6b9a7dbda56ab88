//! Small catalogs written in tests, and errors as text for snapshots.

use std::fmt::Write as _;

use salesmart_core::{Error, Result};

use crate::catalog::Catalog;
use crate::plan::plan_all;
use crate::settings::BusinessSettings;

/// A catalog of files given as path and text.
pub(crate) fn load(files: &[(&str, &str)]) -> Result<Catalog> {
    let files: Vec<(String, String)> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    Catalog::load(&files, None)
}

/// A staging model over `raw.crm.deals`, an intermediate one and a mart over it, and `extra`.
pub(crate) fn small(extra: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut files = vec![
        (
            "staging/crm/stg_crm__deals.sql".to_owned(),
            "/* @model
description: Deals, latest version.
grain: [deal_id]
tags: [crm]
source: {deal_id: string, amount: \"decimal(18,2)\", stage: string, closed: date}
columns:
  deal_id: {type: string, checks: [not_null]}
  amount: {type: \"decimal(18,2)\"}
  stage: {type: string}
  closed: {type: date}
*/
with latest as (
    select
        deal_id,
        last_value(amount order by _sequence) as amount,
        last_value(stage order by _sequence) as stage,
        last_value(closed order by _sequence) as closed,
        last_value(_op order by _sequence) as op
    from raw.crm.deals
    group by _connection, deal_id
)
select deal_id, amount, stage, closed from latest where op <> 'delete'
"
            .to_owned(),
        ),
        (
            "intermediate/deal/int_deal.sql".to_owned(),
            "/* @model
description: Deals of all CRMs.
grain: [deal_id]
kind: table
columns:
  deal_id: {type: string}
  amount: {type: \"decimal(18,2)\"}
  stage: {type: string}
  closed: {type: date}
*/
select deal_id, amount, stage, closed from staging.stg_crm__deals
"
            .to_owned(),
        ),
        (
            "marts/deal/fct_deal.sql".to_owned(),
            "/* @model
description: One row a deal.
grain: [deal_id]
tags: [crm]
columns:
  deal_id: {type: string, checks: [not_null, unique]}
  amount: {type: \"decimal(18,2)\", checks: [\"between 0 and 1000\"], severity: warn}
  stage: {type: string, checks: [accepted_values: [won, lost]]}
  closed: {type: date}
checks:
  - {check: \"freshness: closed 45d\", severity: warn}
  - {check: \"row_count_change: 50%\", severity: warn}
*/
select deal_id, amount, stage, closed from intermediate.int_deal
"
            .to_owned(),
        ),
    ];
    files.extend(extra.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
    files
}

/// A mart `mart.fct_x` with one column `x: int64`, whatever its SQL is.
pub(crate) fn mart(sql: &str) -> String {
    format!(
        "/* @model\ndescription: A test.\ngrain: [x]\ncolumns:\n  x: {{type: int64, doc: a number}}\n*/\n{sql}\n"
    )
}

/// What loading and planning says, as text.
pub(crate) async fn problems(files: &[(String, String)]) -> String {
    let outcome = match Catalog::load(files, None) {
        Ok(catalog) => plan_all(&catalog, &[], &BusinessSettings::default()).await.map(|_| ()),
        Err(e) => Err(e),
    };
    match outcome {
        Ok(()) => "no problem".to_owned(),
        Err(error) => render(&error),
    }
}

/// An error and those beside it, one part a line.
pub(crate) fn render(error: &Error) -> String {
    let mut text = String::new();
    for error in error.iter() {
        let _ = writeln!(text, "{}", error.message());
        for cause in error.causes() {
            let _ = writeln!(text, "  caused by: {cause}");
        }
        if let Some(location) = error.location() {
            let _ = writeln!(text, "  at {location}");
        }
        for (key, value) in error.context() {
            let _ = writeln!(text, "  {key}: {value}");
        }
        if let Some(state) = error.state() {
            let _ = writeln!(text, "  state: {state}");
        }
        if let Some(hint) = error.hint() {
            let _ = writeln!(text, "  hint: {hint}");
        }
    }
    text.trim_end().to_owned()
}
