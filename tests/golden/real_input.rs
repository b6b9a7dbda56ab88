//! The real input through the whole line, against figures worked out in another way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use salesmart_tests::{Project, Said, real_input, repository, said};

use super::crm_sales_opportunities::expected;

/// The repository's own project, with a lake of its own.
struct Run {
    lake: tempfile::TempDir,
    project: Project,
}

impl Run {
    fn new() -> Self {
        let project = Project::new();
        for path in ["pipelines/crm-sales-opportunities.yml", "config/business.yml"] {
            project.write(path, std::fs::read(repository().join(path)).unwrap());
        }
        Self { lake: tempfile::tempdir().unwrap(), project }
    }

    fn salesmart(&self, arguments: &[&str]) -> Said {
        said(
            self.project
                .command(arguments)
                .env("SALESMART_LAKE", self.lake.path())
                .env("CRM_SALES_OPPORTUNITIES_DIR", real_input()),
        )
    }

    fn run(&self, more: &[&str]) -> Said {
        self.salesmart(&[&["run", "crm-sales-opportunities"], more].concat()).ok()
    }

    fn query(&self, sql: &str) -> Vec<BTreeMap<String, String>> {
        self.salesmart(&["query", sql, "--format", "csv"]).ok().rows()
    }
}

#[test]
fn every_figure_of_the_real_input_agrees_with_the_independent_calculation() {
    let run = Run::new();
    let first = run.run(&[]);
    assert!(first.stdout.contains("8,927 read = 8,927 landed + 0 quarantined"), "{}", first.stdout);

    let mut published: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for row in run.query(
        "select * from kpi.metric_value where period_grain in ('quarter', 'year') \
         and stage_id is null and forecast_category is null and close_period_start is null \
         and target_metric is null",
    ) {
        let name = if row["scope"] == "company" { "" } else { row["scope_name"].as_str() };
        let key = format!(
            "{} {} {} {} {name}",
            row["metric"], row["period_grain"], row["period_start"], row["scope"]
        );
        assert!(published.insert(key.clone(), row).is_none(), "{key} is there twice");
    }
    let expected = expected(&real_input());
    let mut metrics: BTreeMap<&str, usize> = BTreeMap::new();
    for figure in &expected {
        let key = format!(
            "{} {} {} {} {}",
            figure.metric,
            figure.period_grain,
            figure.period_start,
            figure.scope,
            figure.scope_name
        );
        let row = published.remove(&key).unwrap_or_else(|| panic!("{key} is not published"));
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        assert_eq!(row["numerator"], text(&figure.numerator), "numerator of {key}");
        assert_eq!(row["denominator"], text(&figure.denominator), "denominator of {key}");
        assert_eq!(row["value"], text(&figure.value), "value of {key}");
        assert_eq!(row["n"], figure.n.to_string(), "n of {key}");
        assert_eq!(row["n_excluded"], figure.n_excluded.to_string(), "n_excluded of {key}");
        *metrics.entry(&figure.metric).or_default() += 1;
    }
    // No row of these metrics that the calculation does not know.
    let unknown: Vec<&String> = published
        .iter()
        .filter(|(_, row)| metrics.contains_key(row["metric"].as_str()))
        .map(|(key, _)| key)
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    for metric in [
        "win_rate_count",
        "win_rate_value",
        "sales_cycle_mean",
        "sales_cycle_median",
        "sales_cycle_p90",
        "deal_size_won_average",
        "deal_size_won_median",
    ] {
        assert!(metrics.get(metric).is_some_and(|rows| *rows > 100), "{metric}: {metrics:?}");
    }
}

#[test]
fn what_is_dirty_in_the_real_input_is_reported() {
    let run = Run::new();
    let _ = run.run(&[]);
    let repairs =
        run.query("select from_value, to_value, rows from ops.repair order by from_value");
    let repairs: Vec<String> = repairs
        .iter()
        .map(|row| format!("{} → {}: {}", row["from_value"], row["to_value"], row["rows"]))
        .collect();
    assert_eq!(
        repairs,
        ["GTXPro → GTX Pro: 1480", "Philipines → Philippines: 1", "technolgy → technology: 12"]
    );
    let failed = run.query(
        "select check_text, offending_rows from ops.check_result where not passed order by check_text",
    );
    let failed: Vec<String> = failed
        .iter()
        .map(|row| format!("{}: {}", row["check_text"], row["offending_rows"]))
        .collect();
    assert_eq!(
        failed,
        [
            "every_deal_names_an_account: 1425",
            "every_lost_deal_has_an_amount: 2473",
            "every_open_deal_has_an_amount: 2089",
            "every_rep_has_deals: 5",
            "no_value_needed_repair: 3"
        ]
    );
}

/// The bytes of every published metric table: a table's files in the version that is current.
fn metric_bytes(lake: &Path) -> BTreeMap<String, Vec<Vec<u8>>> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let lake_handle = salesmart_lake::Lake::open(lake.to_str().unwrap()).await.unwrap();
        let release = lake_handle.current_release().await.unwrap().unwrap();
        let mut bytes = BTreeMap::new();
        for name in release.tables.keys().filter(|name| !name.starts_with("ops.")) {
            let table = release.table(&lake_handle, name).await.unwrap();
            // Seals and the ledger name the run that wrote them.
            if table.schema.fields().iter().any(|field| field.name().ends_with("run_id")) {
                continue;
            }
            let files: Vec<PathBuf> =
                table.files.iter().map(|file| lake.join(&file.path)).collect();
            bytes.insert(
                name.clone(),
                files.iter().map(|file| std::fs::read(file).unwrap()).collect::<Vec<_>>(),
            );
        }
        bytes
    })
}

#[test]
fn the_same_input_and_as_of_give_byte_equal_tables() {
    let run = Run::new();
    let _ = run.run(&[]);
    let first = metric_bytes(run.lake.path());
    assert!(first.contains_key("kpi.metric_value") && first.contains_key("mart.fct_opportunity"));

    // The same lake again: nothing lands, and every table is built again all the same.
    let again = run.run(&["--rebuild"]);
    assert!(again.stdout.contains("0 landed"), "{}", again.stdout);
    assert_eq!(metric_bytes(run.lake.path()), first, "built again in the same lake");

    // Another lake, from nothing.
    let other = Run::new();
    let _ = other.run(&[]);
    assert_eq!(metric_bytes(other.lake.path()), first, "built in another lake");

    // An instant before: other figures.
    let _ = run.run(&["--as-of", "2017-06-30T23:59:59Z"]);
    assert_ne!(metric_bytes(run.lake.path()), first);
}
