//! The whole line on a made-up company gives the figures that are true of it.

use std::collections::BTreeMap;

use salesmart_config::Variables;
use salesmart_run::Workspace;
use salesmart_simulator::{Scope, Truth};

use super::*;
use crate::commands::query::ask_all;
use crate::{builtin, output};

#[test]
fn paths_are_quoted_where_a_shell_would_break_them() {
    assert_eq!(shell_word(Path::new("/tmp/a-b_c.d")), "/tmp/a-b_c.d");
    assert_eq!(shell_word(Path::new("/tmp/my demo")), "'/tmp/my demo'");
    assert_eq!(shell_word(Path::new("it's")), r"'it'\''s'");
}

/// What makes a figure one figure: metric, scope, name, first day.
type Key = (String, String, String, String);

/// Numerator, denominator, value and n, as text.
type Parts = [Option<String>; 4];

const PUBLISHED: &str = "
    select metric, scope, case when scope = 'company' then '' else scope_name end, period_start,
        numerator, denominator, value, n
    from kpi.metric_value
    where period_grain = 'quarter' and metric in ('win_rate_count', 'win_rate_value',
        'sales_cycle_mean', 'sales_cycle_median', 'deal_size_won_average', 'deal_size_won_median')";

async fn published(company: &Company, dir: &Path) -> BTreeMap<Key, Parts> {
    scaffold::write(dir, "Test", company, Existing::Refuse).unwrap();
    let variables = Variables::new(&[], []).unwrap();
    let kinds = salesmart_connectors::all();
    let workspace = Workspace::load(dir, &variables, kinds, &builtin::models()).unwrap();
    let lake = workspace.lake(None).await.unwrap();
    let options = RunOptions { as_of: Some(company.as_of_instant()), ..RunOptions::default() };
    let record =
        salesmart_run::run(&workspace, &lake, scaffold::PIPELINE, options, std::sync::Arc::new(()))
            .await
            .unwrap();
    assert!(record.rows().adds_up());
    assert_eq!(record.rows().quarantined, 0);
    let release = lake.current_release().await.unwrap().unwrap();
    let rows =
        output::texts(&ask_all(&workspace, &lake, &release, PUBLISHED).await.unwrap()).unwrap();
    let count = rows.len();
    let figures: BTreeMap<Key, Parts> = rows
        .into_iter()
        .map(|row| {
            let [metric, scope, name, start, numerator, denominator, value, n] =
                row.try_into().unwrap();
            let key = (metric.unwrap(), scope.unwrap(), name.unwrap(), start.unwrap());
            (key, [numerator, denominator, value, n])
        })
        .collect();
    assert_eq!(figures.len(), count, "every figure is published once");
    figures
}

fn expected(truth: &Truth) -> (Key, Parts) {
    let key = (
        truth.metric.to_owned(),
        truth.scope.as_str().to_owned(),
        truth.scope_name.clone(),
        truth.period_start.to_string(),
    );
    let text = |number: &Option<salesmart_simulator::Fixed6>| number.map(|n| n.to_string());
    let parts = [
        text(&truth.numerator),
        text(&truth.denominator),
        text(&truth.value),
        Some(truth.n.to_string()),
    ];
    (key, parts)
}

#[tokio::test]
async fn the_published_figures_are_the_true_ones() {
    let company = Company::generate(3, Size { reps: 12, deals: 1_500 }, AS_OF);
    let dir = tempfile::tempdir().unwrap();
    let mut published = published(&company, dir.path()).await;
    let truth = company.truth(1);
    assert!(truth.iter().any(|t| t.scope == Scope::Rep && t.value.is_some()));
    for (key, parts) in truth.iter().map(expected) {
        let found = published.remove(&key);
        assert_eq!(found.as_ref(), Some(&parts), "{key:?}");
    }
    for (key, [_, _, value, n]) in published {
        assert_eq!((value, n.as_deref()), (None, Some("0")), "{key:?} is said of no deal");
    }
}
