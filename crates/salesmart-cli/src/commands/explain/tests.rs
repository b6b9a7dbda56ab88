//! Scopes, slices, places and proofs, apart from a lake.

use salesmart_core::Millionths;
use salesmart_model::Calendar;

use super::contribution::{Part, Reading, Sums, percent, places};
use super::figure::{Figure, choose};
use super::proof::{judge, prove};
use super::release::Row;
use super::scope::{Scope, Slice};

fn scope(id: &str, name: &str) -> Scope {
    Scope { scope: "team".to_owned(), id: id.to_owned(), name: name.to_owned() }
}

fn teams() -> Vec<Scope> {
    vec![
        scope("crm:1", "Europe Enterprise"),
        scope("crm:2", "Europe Midmarket"),
        scope("crm:3", "North"),
        scope("hub:7", "North"),
    ]
}

#[test]
fn a_scope_is_found_by_id_or_name() {
    let found = |wanted| Scope::choose("team", wanted, teams()).unwrap().id;
    assert_eq!(found("crm:3"), "crm:3");
    assert_eq!(found("europe enterprise"), "crm:1");
}

#[test]
fn a_scope_that_is_not_there_is_answered_with_those_that_are() {
    let told = |wanted| format!("{:#}", Scope::choose("team", wanted, teams()).unwrap_err());
    let mut all = ["North", "Europe", "Europe Entreprise", "Midmarket", "South"].map(told).to_vec();
    all.push(format!("{:#}", Scope::choose("rep", "Ana", Vec::new()).unwrap_err()));
    insta::assert_snapshot!(all.join("\n"), @"
    `North` is the name of 2 teams
      their ids are: `crm:3`, `hub:7`
      hint: name one by its id: `--scope team:ID`
    there is no team `Europe`
      such names: `Europe Enterprise`, `Europe Midmarket`
    there is no team `Europe Entreprise`
      there are: `Europe Enterprise`, `Europe Midmarket`, `North`, `North`
      hint: did you mean `team:Europe Enterprise`?
    there is no team `Midmarket`
      there are: `Europe Enterprise`, `Europe Midmarket`, `North`, `North`
      hint: did you mean `team:Europe Midmarket`?
    there is no team `South`
      there are: `Europe Enterprise`, `Europe Midmarket`, `North`, `North`
    there is no rep `Ana`
      there are: no reps in the release
    ");
}

#[test]
fn slices_are_read() {
    let read = |text| {
        Slice::parse(text, &Calendar::default())
            .map(|slice| slice.condition("made"))
            .unwrap_or_else(|error| format!("{error:#}"))
    };
    let all = [
        "stage=O'Neill",
        "category=commit",
        "close_period=FY26Q3",
        "target=win_rate_count",
        "close_period=soon",
        "categroy=commit",
        "stage=",
        "owner=Ana",
    ]
    .map(read);
    insta::assert_snapshot!(all.join("\n"), @"
    made.stage_id = 'O''Neill'
    coalesce(made.forecast_category, 'none') = 'commit'
    made.close_period_start = cast('2026-07-01' as date)
    made.target_metric = 'win_rate_count'
    `soon` is not a period
      expected: a fiscal year `FY26`, quarter `FY26Q3` or month `FY26M07`, a month `2026-08`, a week `2026-W31` or a day `2026-08-14`
      hint: a fiscal year is named by the calendar year in which it ends
    `categroy=commit` is no slice
      expected: `stage=NAME`, `category=NAME`, `close_period=PERIOD` or `target=METRIC`
      hint: did you mean `category=…`?
    `stage=` is no slice
      expected: `stage=NAME`, `category=NAME`, `close_period=PERIOD` or `target=METRIC`
    `owner=Ana` is no slice
      expected: `stage=NAME`, `category=NAME`, `close_period=PERIOD` or `target=METRIC`
    ");
}

/// A row of a kpi table: slices, stage name, parts.
fn row(stage: Option<(&str, &str)>, value: &str) -> Row {
    let text = |text: &str| Some(text.to_owned());
    let mut row = vec![stage.map(|(id, _)| id.to_owned()), None, None, None];
    row.push(stage.map(|(_, name)| name.to_owned()));
    row.extend([text("1"), text("2"), text(value), text("ratio"), text("2"), text("0")]);
    row.push(text("complete"));
    row
}

#[test]
fn the_total_is_meant_unless_a_slice_is_named() {
    let total = row(None, "0.5");
    let (won, lost) = (row(Some(("crm:1", "Won")), "0.6"), row(Some(("crm:2", "Lost")), "0.7"));
    let slice = |text| vec![Slice::parse(text, &Calendar::default()).unwrap()];
    let value =
        |rows: &[Row], asked: &[Slice]| choose(rows, asked).unwrap().value.unwrap().to_string();
    let all = [total, won.clone(), lost.clone()];
    assert_eq!(value(&all, &[]), "0.5");
    assert_eq!(value(&all, &slice("stage=crm:2")), "0.7");
    let by_name = choose(&all, &slice("stage=won")).unwrap();
    assert_eq!(by_name.slices[0].value, "crm:1", "contributions know ids only");
    assert!(!choose(&[], &[]).unwrap().is_published, "nothing observed is no mistake");
    let told = |rows: &[Row], asked: &[Slice]| format!("{:#}", choose(rows, asked).unwrap_err());
    insta::assert_snapshot!(
        [told(&[won, lost], &[]), told(&all, &slice("stage=Open"))].join("\n"),
        @"
    the figure is published by slice
      slices: `stage=crm:1 (Won)`, `stage=crm:2 (Lost)`
      hint: name one: `--slice KEY=VALUE`
    the figure has no such slice
      slices: `stage=crm:1 (Won)`, `stage=crm:2 (Lost)`
    "
    );
}

#[test]
fn percentiles_are_read_off_where_the_models_do() {
    assert_eq!(percent("sales_cycle_p90"), Some(90));
    assert_eq!(percent("deal_size_won_median"), Some(50));
    assert_eq!(percent("win_rate_count"), None);
    // One value; an odd number; an even number; p90 of 11, and of 12.
    assert_eq!(places(50, 1), (1, 1, 0));
    assert_eq!(places(50, 5), (3, 3, 0));
    assert_eq!(places(50, 4), (2, 3, 50));
    assert_eq!(places(90, 11), (10, 10, 0));
    assert_eq!(places(90, 12), (10, 11, 90));
    let reading = Reading {
        percent: 90,
        low: 10,
        high: 11,
        hundredths: 90,
        low_measure: Millionths(10_000_000),
        high_measure: Millionths(20_000_000),
    };
    assert_eq!(reading.value(), Millionths(19_000_000));
}

fn millions(value: i128) -> Option<Millionths> {
    Some(Millionths(value * 1_000_000))
}

fn part(name: &str, numerator: i128, denominator: i128, n: i64) -> Part {
    Part {
        name: name.to_owned(),
        numerator: millions(numerator),
        denominator: millions(denominator),
        n,
        n_excluded: 1,
        measures: 0,
        measured: None,
    }
}

#[test]
fn what_adds_up_is_accepted_and_what_does_not_is_said_loudly() {
    let sums = Sums { parts: vec![part("a", 1, 2, 2), part("b", 0, 1, 1)], ..Sums::default() };
    let figure = Figure {
        numerator: millions(1),
        denominator: millions(3),
        value: Some(Millionths(333_333)),
        n: 3,
        n_excluded: 2,
        is_published: true,
        ..Figure::default()
    };
    assert!(judge(&prove(&figure, &sums, None), "win_rate_count").is_ok());
    for wrong in [
        Figure { numerator: millions(2), ..figure.clone() },
        Figure { denominator: millions(2), ..figure.clone() },
        Figure { denominator: None, ..figure.clone() },
        Figure { value: Some(Millionths(333_335)), ..figure.clone() },
        Figure { n: 4, ..figure.clone() },
        Figure { n_excluded: 0, ..figure.clone() },
        Figure::default(),
    ] {
        let error = judge(&prove(&wrong, &sums, None), "win_rate_count").unwrap_err();
        assert_eq!(error.kind(), salesmart_core::ErrorKind::CheckFailed, "{wrong:?}");
    }
    let wrong = Figure { numerator: millions(2), n: 4, ..figure };
    let error = judge(&prove(&wrong, &sums, None), "win_rate_count").unwrap_err();
    insta::assert_snapshot!(format!("{error:#}"), @"
    the contributions do not add up to `win_rate_count`
      Σ numerator: 1 in the contributions, 2 in the figure
      n: 3 in the contributions, 4 in the figure
      hint: if models or settings were changed since the release was made, run the pipeline again; if it stays so, the model of the figure and its contribution view disagree
    ");
}

#[test]
fn a_sum_is_its_contributions() {
    let sums = Sums {
        parts: vec![Part { denominator: None, ..part("value", 7, 0, 2) }],
        ..Sums::default()
    };
    let figure = Figure { value: millions(7), n: 2, n_excluded: 1, ..Figure::default() };
    assert!(judge(&prove(&figure, &sums, None), "weighted_pipeline_deal").is_ok());
    let wrong = Figure { value: millions(8), ..figure };
    assert!(judge(&prove(&wrong, &sums, None), "weighted_pipeline_deal").is_err());
    // Nothing observed, and nothing there.
    assert!(judge(&prove(&Figure::default(), &Sums::default(), None), "x").is_ok());
}

#[test]
fn velocity_is_a_product_of_rates() {
    // 12 open deals × 3 of 4 won × 2000 a deal ÷ 40 days.
    let open = Part { denominator: None, n_excluded: 0, ..part("open_qualified", 12, 0, 12) };
    let sums = Sums {
        parts: vec![
            part("cycle", 120, 3, 3),
            open,
            part("size", 6000, 3, 3),
            part("win_rate", 3, 4, 4),
        ],
        subjects_left_out: 1,
        ..Sums::default()
    };
    let figure = Figure {
        numerator: millions(18_000),
        denominator: millions(40),
        value: millions(450),
        n: 12,
        n_excluded: 1,
        ..Figure::default()
    };
    assert!(judge(&prove(&figure, &sums, None), "pipeline_velocity").is_ok());
    let wrong = Figure { numerator: millions(18_001), ..figure };
    assert!(judge(&prove(&wrong, &sums, None), "pipeline_velocity").is_err());
}
