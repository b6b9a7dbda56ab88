//! Figures explained: what they are made of adds up to them.

use std::collections::BTreeMap;

use salesmart_simulator::wire::FaultPlan;
use salesmart_tests::simulated::{Simulated, System, world};

const TARGETS: &str = "\
- {metric: win_rate_count, period: FY27Q3, value: 0.4, note: as agreed in June}
- {metric: weighted_pipeline_deal, period: FY27Q3, value: 5000000}
- {metric: quota_attainment, period: FY27, value: 1}
";

/// A company that was read and published once.
fn published(system: System) -> Simulated {
    let simulated = Simulated::start(system, world(3, 12, 400), FaultPlan::none());
    simulated.project.write("config/targets.yml", TARGETS);
    let _ = simulated.salesmart(&["run", "crm", "--as-of", "2026-09-30T23:59:59Z"]).ok();
    simulated
}

/// Of each metric, scope and kind of slice the row with the most in it, of those periods that can
/// be named: that is where something can be wrong.
const FIGURES: &str = "
select metric, scope, scope_id, stage_id, forecast_category, close_period_start, target_metric,
    case period_grain
        when 'day' then cast(period_start as varchar)
        when 'month' then fiscal || 'M' || cast(fiscal_month(period_start) as varchar)
        when 'quarter' then fiscal || 'Q' || cast(fiscal_quarter(period_start) as varchar)
        else fiscal
    end as period
from (
    select *, 'FY' || cast(fiscal_year(period_start) as varchar) as fiscal,
        row_number() over (
            partition by metric, scope, stage_id is null, forecast_category is null,
                close_period_start is null, target_metric
            order by case period_grain when 'quarter' then 0 when 'year' then 1 else 2 end,
                n + n_excluded desc, period_start, scope_id
        ) as place
    from kpi.metric_value
    where scope in ('company', 'rep') and period_grain <> 'week'
) as ranked
where place = 1
order by metric, scope, stage_id, forecast_category, close_period_start, target_metric";

/// The command line that explains a row.
fn question(row: &BTreeMap<String, String>) -> Vec<String> {
    let mut arguments: Vec<String> =
        ["explain", &row["metric"], "--period", &row["period"], "--scope"]
            .map(str::to_owned)
            .into();
    arguments.push(match row["scope"].as_str() {
        "company" => "company".to_owned(),
        scope => format!("{scope}:{}", row["scope_id"]),
    });
    for (key, column) in
        [("stage", "stage_id"), ("category", "forecast_category"), ("target", "target_metric")]
    {
        if !row[column].is_empty() {
            arguments.extend(["--slice".to_owned(), format!("{key}={}", row[column])]);
        }
    }
    let quarter = &row["close_period_start"];
    if !quarter.is_empty() {
        arguments.extend(["--slice".to_owned(), format!("close_period={quarter}")]);
    }
    arguments
}

fn every_figure_adds_up(system: System) {
    let simulated = published(system);
    let figures = simulated.query(FIGURES);
    let metrics: std::collections::BTreeSet<&String> =
        figures.iter().map(|row| &row["metric"]).collect();
    assert!(metrics.len() > 20, "only {metrics:?}");
    let mut wrong = Vec::new();
    for row in &figures {
        let arguments = question(row);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = simulated.salesmart(&arguments);
        if said.code != 0 || !said.stdout.contains("it adds up") {
            wrong.push(format!("{}\n{}\n{}", arguments.join(" "), said.stdout, said.stderr));
        }
    }
    let count = (wrong.len(), figures.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", count.0, count.1, wrong.join("\n\n"));
}

#[test]
fn every_figure_of_a_simulated_salesforce_adds_up() {
    every_figure_adds_up(System::Salesforce);
}

#[test]
fn every_figure_of_a_simulated_hubspot_adds_up() {
    every_figure_adds_up(System::HubSpot);
}

#[test]
fn contributions_are_rows_and_what_does_not_add_up_is_said() {
    let simulated = published(System::Salesforce);
    // The rows are those of the figure.
    let rows = simulated
        .salesmart(&["explain", "win_rate_count", "--period", "FY27Q2", "--format", "csv"])
        .ok()
        .rows();
    let figure = simulated.query(
        "select cast(numerator as int) as won, n from kpi.win_rate where metric = 'win_rate_count' \
         and scope = 'company' and period_grain = 'quarter' and period_start = '2026-05-01'",
    );
    let won = rows.iter().filter(|row| row["numerator"].starts_with('1')).count();
    assert_eq!(won.to_string(), figure[0]["won"]);
    assert_eq!(rows.len().to_string(), figure[0]["n"]);
    assert!(rows.iter().all(|row| !row["subject_name"].is_empty() && !row["rep_name"].is_empty()));

    // Names that are wrong are answered with those that are right.
    let wrong = |arguments: &[&str], word: &str| {
        let said = simulated.salesmart(arguments);
        assert_eq!(said.code, 3, "{}", said.stdout);
        assert!(said.stderr.contains(word), "no `{word}` in:\n{}", said.stderr);
    };
    wrong(&["explain", "win_rate_cuont", "--period", "FY27Q2"], "win_rate_count");
    wrong(&["explain", "win_rate_count", "--period", "FY27Q5"], "FY26Q3");
    wrong(
        &["explain", "win_rate_count", "--period", "FY27Q2", "--scope", "rep:Nobody"],
        "there are",
    );
    wrong(&["explain", "target_progress", "--period", "FY27Q3"], "target=win_rate_count");

    // Another setting than the release was made with: the deals no longer make the figure.
    let stale = ["explain", "pipeline_stale_share", "--period", "FY27Q3"];
    let _ = simulated.salesmart(&stale).ok();
    simulated.project.replace(
        "config/business.yml",
        "time_zone",
        "stale_after_days: 1000\ntime_zone",
    );
    let said = simulated.salesmart(&stale);
    assert_eq!(said.code, 7, "{}", said.stdout);
    assert!(said.stdout.contains("IT DOES NOT ADD UP"), "{}", said.stdout);
    assert!(said.stderr.contains("Σ numerator"), "{}", said.stderr);
}
