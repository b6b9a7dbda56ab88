//! The forecast's history: figures of days, actuals, accuracy, and bridges.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Weekday};
use salesmart_simulator::wire::FaultPlan;
use salesmart_simulator::world::World;
use salesmart_simulator::{Fixed6, Sheet};
use salesmart_tests::simulated::{Simulated, System, world};

use super::{Differences, compare_sheet};

/// When books close after a quarter's end, by default.
const BOOKS_CLOSE: u64 = 5;

const FIGURES: &str = "select period_start, snapshot_date, scope, \
        case when scope = 'company' then '' else scope_name end as scope_name, \
        series, amount, n, n_excluded \
    from forecast.figure where series not like '%call%'";

const ACTUALS: &str = "select period_start, scope, \
        case when scope = 'company' then '' else scope_name end as scope_name, \
        amount, n, amount_restated, n_restated \
    from forecast.actual where frozen_at is not null";

const BRIDGE: &str = "select period_start, scope, \
        case when scope = 'company' then '' else scope_name end as scope_name, \
        component, amount \
    from forecast.bridge where series = 'pipeline_cumulative'";

/// Every third Sunday, on which reps have figures too.
fn sundays(world: &World) -> Vec<NaiveDate> {
    let first = world.first_day();
    let sunday = first.iter_days().find(|day| day.weekday() == Weekday::Sun).unwrap();
    sunday.iter_days().step_by(21).take_while(|day| *day < world.today()).collect()
}

fn agrees(system: System, seed: u64, reps: usize, deals: u64) {
    let simulated = Simulated::start(system, world(seed, reps, deals), FaultPlan::none());
    let first = simulated.world.read().clone();
    let known = simulated.known(first.today());
    simulated.night();
    let mut days = sundays(&first);
    days.push(first.today());
    let sealed = first.truth_forecast(2, known, &days, BOOKS_CLOSE);
    compare(&simulated, &sealed, &days, &format!("{system:?}, seed {seed}, the first night"));

    simulated.world.advance(10);
    simulated.night();
    let later = simulated.world.read().clone();
    // What was sealed stays as it was; the rest is told anew, with what is known by now.
    let mut days = sundays(&later);
    days.push(later.today());
    let mut sheets = later.truth_forecast(2, known, &days, BOOKS_CLOSE);
    let night = first.today().to_string();
    let of_first = sealed[0].rows.iter().filter(|(key, _)| key[1] == night);
    sheets[0].rows.extend(of_first.map(|(key, values)| (key.clone(), values.clone())));
    days.push(first.today());
    // Actuals that were frozen on the first night are frozen.
    for (key, values) in &mut sheets[1].rows {
        if let Some(frozen) = sealed[1].rows.get(key) {
            values[..2].clone_from_slice(&frozen[..2]);
        }
    }
    // Reps have figures on checkpoints, week ends and the as-of day only, which this no longer is;
    // what was sealed for them that night stays in `forecast.snapshot_figure`.
    sheets[0].rows.retain(|key, _| !(key[1] == "2026-09-30" && key[2] == "rep"));
    compare(&simulated, &sheets, &days, &format!("{system:?}, seed {seed}, after ten days"));

    let mut differences = Differences::default();
    let quarter = NaiveDate::from_ymd_opt(2026, 8, 1).unwrap();
    for quarter in [quarter, quarter + chrono::Months::new(3)] {
        let bridge = later.truth_bridge(&first, 2, known, quarter);
        assert!(bridge.rows.len() > 20, "{:?}", bridge.rows);
        adds_up(&bridge);
        let sql = format!("{BRIDGE} and period_start = date '{quarter}'");
        let is_nothing = |_: &[String], found: &[String]| found[0] == "0.00";
        compare_sheet(&mut differences, &simulated, &bridge, &sql, is_nothing);
    }
    differences.assert_none(&format!("{system:?}, seed {seed}, the bridge"));
}

fn compare(simulated: &Simulated, sheets: &[Sheet], days: &[NaiveDate], of: &str) {
    let mut differences = Differences::default();
    let [figures, actuals] = sheets else { panic!("two sheets") };
    let listed: Vec<String> = days.iter().map(|day| format!("date '{day}'")).collect();
    let sql = format!("{FIGURES} and snapshot_date in ({})", listed.join(", "));
    // Units that have a figure on another day have one of nothing on the days between.
    compare_sheet(&mut differences, simulated, figures, &sql, |_, found| {
        found == ["0.00", "0", "0"]
    });
    compare_sheet(&mut differences, simulated, actuals, ACTUALS, |_, found| {
        found == ["0.00", "0", "0.00", "0"]
    });
    accuracy(simulated, figures, actuals, &listed, &mut differences);
    differences.assert_none(of);
}

/// Errors and accuracies follow from the true figures and the true actuals.
fn accuracy(
    simulated: &Simulated,
    figures: &Sheet,
    actuals: &Sheet,
    days: &[String],
    differences: &mut Differences,
) {
    let sql = format!(
        "select period_start, snapshot_date, scope, \
             case when scope = 'company' then '' else scope_name end as scope_name, series, \
             error, ratio, accuracy_vs_actual, accuracy_vs_forecast \
         from forecast.accuracy \
         where series not like '%call%' and snapshot_date in ({})",
        days.join(", ")
    );
    let mut expected = Sheet { values: &ACCURACY, name: "accuracy", ..figures.clone() };
    expected.rows = figures
        .rows
        .iter()
        .filter_map(|(key, values)| {
            // A forecast is judged up to the quarter's last day.
            let [start, day] = [0, 1].map(|place| key[place].parse::<NaiveDate>().unwrap());
            if day >= start + chrono::Months::new(3) {
                return None;
            }
            let unit = vec![key[0].clone(), key[2].clone(), key[3].clone()];
            let company = vec![key[0].clone(), "company".to_owned(), String::new()];
            // Quarters whose books are closed; a unit without an actual brought nothing.
            let _ = actuals.rows.get(&company)?;
            let actual = actuals.rows.get(&unit).map_or("0.00", |values| values[0].as_str());
            Some((key.clone(), judged(&values[0], actual)))
        })
        .collect();
    assert!(!expected.rows.is_empty());
    compare_sheet(differences, simulated, &expected, &sql, |key, _| {
        !figures.rows.contains_key(key)
    });
}

const ACCURACY: [&str; 4] = ["error", "ratio", "accuracy_vs_actual", "accuracy_vs_forecast"];

/// A forecast beside the actual.
fn judged(forecast: &str, actual: &str) -> Vec<String> {
    let Some(forecast) = cents(forecast) else { return vec![String::new(); 4] };
    let actual = cents(actual).unwrap();
    let error = forecast - actual;
    let ratio = |above: i128, below: i128| Fixed6::cents(above).ratio(Fixed6::cents(below));
    let text = |number: Option<Fixed6>| number.map(|n| n.to_string()).unwrap_or_default();
    let less = |number: Option<Fixed6>| number.map(|n| Fixed6(1_000_000 - n.0));
    let money = format!(
        "{}{}.{:02}",
        if error < 0 { "-" } else { "" },
        error.abs() / 100,
        error.abs() % 100
    );
    vec![
        money,
        text(ratio(forecast, actual)),
        text(less(ratio(error.abs(), actual))),
        text(less(ratio(error.abs(), forecast))),
    ]
}

fn cents(text: &str) -> Option<i128> {
    text.replace('.', "").parse().ok()
}

/// Starting and all components make the ending, for every unit.
fn adds_up(bridge: &Sheet) {
    let mut sums: BTreeMap<(&String, &String), i128> = BTreeMap::new();
    for (key, values) in &bridge.rows {
        let amount = cents(&values[0]).unwrap();
        *sums.entry((&key[1], &key[2])).or_default() +=
            if key[3] == "ending" { -amount } else { amount };
    }
    for (unit, left) in sums {
        assert_eq!(left, 0, "{unit:?}");
    }
}

#[test]
fn the_forecast_history_of_an_org_is_the_true_one() {
    agrees(System::Salesforce, 41, 9, 700);
}

#[test]
fn the_forecast_history_of_a_portal_is_the_true_one() {
    agrees(System::HubSpot, 42, 9, 700);
}

#[test]
fn accuracy_is_worked_out_of_cents() {
    assert_eq!(judged("150.00", "100.00"), ["50.00", "1.500000", "0.500000", "0.666667"]);
    assert_eq!(judged("0.00", "100.00"), ["-100.00", "0.000000", "0.000000", ""]);
    assert_eq!(judged("100.00", "0.00"), ["100.00", "", "", "0.000000"]);
}
