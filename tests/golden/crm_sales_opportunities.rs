//! What the CRM sales opportunities files must come to, worked out in another way than the SQL.
//!
//! Plain loops over the CSV files: no tables, no joins, no histograms, no running totals. Every
//! deal is put into a heap for each of its periods and scopes, and each heap is counted by hand.
//! All arithmetic is in whole numbers; figures are text with six places, as `salesmart query
//! --format csv` writes a `decimal(38,6)`.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{Datelike, NaiveDate};

/// One row that `kpi.metric_value` must hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expected {
    /// The metric's id.
    pub(crate) metric: String,
    /// `quarter`, or `year`: all outcomes of the files are of 2017, so it is the whole.
    pub(crate) period_grain: String,
    /// First day of the period.
    pub(crate) period_start: NaiveDate,
    /// `company`, `region`, `team` or `rep`.
    pub(crate) scope: String,
    /// The scope's name; empty for the company, whose name is configuration.
    pub(crate) scope_name: String,
    /// Upper part, with six places.
    pub(crate) numerator: Option<String>,
    /// Lower part, with six places.
    pub(crate) denominator: Option<String>,
    /// The figure, with six places.
    pub(crate) value: Option<String>,
    /// Deals in the figure.
    pub(crate) n: u64,
    /// Deals left out of it.
    pub(crate) n_excluded: u64,
}

/// A decided deal.
struct Deal {
    rep: String,
    won: bool,
    engaged: NaiveDate,
    closed: NaiveDate,
    /// In cents, so that nothing is a float.
    cents: i128,
}

/// Where a rep belongs.
struct Place {
    team: String,
    region: String,
}

/// Every row of the win rate, the sales cycle and the deal size of won deals, by quarter and year,
/// company, region, team and rep, in the order of their keys.
pub(crate) fn expected(dir: &Path) -> Vec<Expected> {
    let places = read_places(&dir.join("sales_teams.csv"));
    let deals = read_decided_deals(&dir.join("sales_pipeline.csv"));

    let mut heaps: BTreeMap<(&str, NaiveDate, &str, &str), Vec<&Deal>> = BTreeMap::new();
    for deal in &deals {
        let place = &places[&deal.rep];
        for (grain, months) in [("quarter", 3), ("year", 12)] {
            let start = period_start(deal.closed, months);
            for (scope, name) in [
                ("company", ""),
                ("region", place.region.as_str()),
                ("team", place.team.as_str()),
                ("rep", deal.rep.as_str()),
            ] {
                heaps.entry((grain, start, scope, name)).or_default().push(deal);
            }
        }
    }

    let mut rows = Vec::new();
    for ((grain, start, scope, name), deals) in heaps {
        let mut add = |metric: &str, figure: Figure, n: u64, n_excluded: u64| {
            rows.push(Expected {
                metric: metric.to_owned(),
                period_grain: grain.to_owned(),
                period_start: start,
                scope: scope.to_owned(),
                scope_name: name.to_owned(),
                numerator: figure.numerator.map(six_places),
                denominator: figure.denominator.map(six_places),
                value: figure.value.map(six_places),
                n,
                n_excluded,
            });
        };
        let won: Vec<&Deal> = deals.iter().copied().filter(|deal| deal.won).collect();
        let decided = deals.len() as u64;
        add("win_rate_count", ratio(won.len() as i128 * MILLION, deals.len() as i128), decided, 0);
        // The files write 0 on every lost deal, so what was lost is unknown, and won ÷ (won + 0)
        // would be 100 % because a part is missing. Every decided deal is left out.
        add("win_rate_value", Figure::unknown(), 0, decided);
        if won.is_empty() {
            continue;
        }
        let n = won.len() as u64;
        let mut days: Vec<i128> =
            won.iter().map(|deal| i128::from((deal.closed - deal.engaged).num_days())).collect();
        days.sort_unstable();
        let mut cents: Vec<i128> = won.iter().map(|deal| deal.cents).collect();
        cents.sort_unstable();

        // The files have no creation date, so both starts are the engagement.
        for start in ["sales_cycle", "sales_cycle_qualified"] {
            let total: i128 = days.iter().sum();
            add(&format!("{start}_mean"), ratio(total * MILLION, won.len() as i128), n, 0);
            add(&format!("{start}_median"), Figure::alone(percentile(&days, 5, MILLION)), n, 0);
            add(&format!("{start}_p90"), Figure::alone(percentile(&days, 9, MILLION)), n, 0);
        }
        let total: i128 = cents.iter().sum();
        let cent = MILLION / 100;
        add("deal_size_won_average", ratio(total * cent, won.len() as i128), n, 0);
        add("deal_size_won_median", Figure::alone(percentile(&cents, 5, cent)), n, 0);
    }
    rows.sort();
    rows
}

/// The reps who have not one deal in the files.
pub(crate) fn reps_without_deals(dir: &Path) -> BTreeSet<String> {
    let mut reps: BTreeSet<String> =
        read_places(&dir.join("sales_teams.csv")).into_keys().collect();
    for row in csv::Reader::from_path(dir.join("sales_pipeline.csv")).unwrap().records() {
        reps.remove(&row.unwrap()[1]);
    }
    reps
}

const MILLION: i128 = 1_000_000;

/// A figure and its parts, in millionths.
struct Figure {
    numerator: Option<i128>,
    denominator: Option<i128>,
    value: Option<i128>,
}

impl Figure {
    fn unknown() -> Self {
        Self { numerator: None, denominator: None, value: None }
    }

    fn alone(value: i128) -> Self {
        Self { numerator: None, denominator: None, value: Some(value) }
    }
}

/// A ratio of `numerator` millionths to a whole number, rounded half up.
fn ratio(numerator: i128, denominator: i128) -> Figure {
    Figure {
        numerator: Some(numerator),
        denominator: Some(denominator * MILLION),
        value: Some((2 * numerator + denominator) / (2 * denominator)),
    }
}

/// The value at place `tenths / 10 × (N − 1)` of N ordered values, interpolated between its
/// neighbours, in millionths; `unit` is what one of the values is in millionths.
fn percentile(ordered: &[i128], tenths: usize, unit: i128) -> i128 {
    let place = tenths * (ordered.len() - 1);
    let below = ordered[place / 10];
    let rest = (place % 10) as i128;
    let above = if rest == 0 { below } else { ordered[place / 10 + 1] };
    (below * 10 + (above - below) * rest) * unit / 10
}

fn six_places(millionths: i128) -> String {
    format!("{}.{:06}", millionths / MILLION, millionths % MILLION)
}

fn period_start(date: NaiveDate, months: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(date.year(), date.month0() / months * months + 1, 1).unwrap()
}

fn read_places(path: &Path) -> BTreeMap<String, Place> {
    let mut places = BTreeMap::new();
    for row in csv::Reader::from_path(path).unwrap().records() {
        let row = row.unwrap();
        places.insert(
            row[0].to_owned(),
            Place { team: row[1].to_owned(), region: row[2].to_owned() },
        );
    }
    places
}

fn read_decided_deals(path: &Path) -> Vec<Deal> {
    let mut deals = Vec::new();
    for row in csv::Reader::from_path(path).unwrap().records() {
        let row = row.unwrap();
        let won = match &row[4] {
            "Won" => true,
            "Lost" => false,
            _ => continue,
        };
        let cents = row[7].parse::<i128>().unwrap() * 100;
        assert!(
            won || cents == 0,
            "a lost deal with a value changes the win rate by value: {row:?}"
        );
        deals.push(Deal {
            rep: row[1].to_owned(),
            won,
            engaged: row[5].parse().unwrap(),
            closed: row[6].parse().unwrap(),
            cents,
        });
    }
    deals
}

mod tests {
    use std::path::PathBuf;

    use super::*;

    /// The shared real input, or where `CRM_SALES_OPPORTUNITIES_DIR` says.
    fn real_input() -> PathBuf {
        std::env::var_os("CRM_SALES_OPPORTUNITIES_DIR").map_or_else(
            || {
                PathBuf::from(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/../../shared/data/crm-sales-opportunities"
                ))
            },
            PathBuf::from,
        )
    }

    fn row<'a>(
        rows: &'a [Expected],
        metric: &str,
        grain: &str,
        start: &str,
        scope: (&str, &str),
    ) -> &'a Expected {
        rows.iter()
            .find(|row| {
                row.metric == metric
                    && row.period_grain == grain
                    && row.period_start.to_string() == start
                    && (row.scope.as_str(), row.scope_name.as_str()) == scope
            })
            .unwrap()
    }

    fn figures(row: &Expected) -> (Option<&str>, Option<&str>, Option<&str>, u64) {
        (row.numerator.as_deref(), row.denominator.as_deref(), row.value.as_deref(), row.n)
    }

    #[test]
    fn five_deals_by_hand() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("sales_teams.csv"),
            "sales_agent,manager,regional_office\nAnn,Max,West\nBob,Mia,East\nCid,Mia,East\n",
        )
        .unwrap();
        std::fs::write(
            dir.path().join("sales_pipeline.csv"),
            "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n\
             D1,Ann,P,A,Won,2017-01-01,2017-01-11,100\n\
             D2,Ann,P,A,Won,2017-01-01,2017-03-02,301\n\
             D3,Ann,P,A,Lost,2017-01-05,2017-02-01,0\n\
             D4,Bob,P,A,Won,2017-01-01,2017-04-01,50\n\
             D5,Bob,P,,Engaging,2017-01-01,,\n",
        )
        .unwrap();
        let rows = expected(dir.path());
        let q1 = |metric| figures(row(&rows, metric, "quarter", "2017-01-01", ("company", "")));
        // 2 won of 3.
        assert_eq!(q1("win_rate_count"), (Some("2.000000"), Some("3.000000"), Some("0.666667"), 3));
        assert_eq!(q1("win_rate_value"), (None, None, None, 0));
        // 10 days and 60 days: 70 / 2; the middle; 10 + 0.9 × 50.
        assert_eq!(
            q1("sales_cycle_mean"),
            (Some("70.000000"), Some("2.000000"), Some("35.000000"), 2)
        );
        assert_eq!(q1("sales_cycle_median"), (None, None, Some("35.000000"), 2));
        assert_eq!(q1("sales_cycle_p90"), (None, None, Some("55.000000"), 2));
        // (100 + 301) / 2.
        assert_eq!(
            q1("deal_size_won_average"),
            (Some("401.000000"), Some("2.000000"), Some("200.500000"), 2)
        );
        assert_eq!(q1("deal_size_won_median"), (None, None, Some("200.500000"), 2));
        // Bob's team and region are those of his manager and office; 31 + 28 + 31 = 90 days.
        for scope in [("team", "Mia"), ("region", "East"), ("rep", "Bob")] {
            let q2 = row(&rows, "sales_cycle_qualified_mean", "quarter", "2017-04-01", scope);
            assert_eq!(figures(q2), (Some("90.000000"), Some("1.000000"), Some("90.000000"), 1));
        }
        let whole = row(&rows, "win_rate_count", "year", "2017-01-01", ("company", ""));
        assert_eq!(figures(whole), (Some("3.000000"), Some("4.000000"), Some("0.750000"), 4));
        assert_eq!(reps_without_deals(dir.path()), BTreeSet::from(["Cid".to_owned()]));
    }

    #[test]
    fn percentiles_are_interpolated_exactly() {
        // Place 0.9 × 4 = 3.6: 40 + 0.6 × 60.
        assert_eq!(percentile(&[10, 20, 30, 40, 100], 9, 1), 76);
        assert_eq!(percentile(&[10, 20, 30, 40, 100], 5, 1), 30);
        assert_eq!(percentile(&[7], 9, 1), 7);
        // Half a cent: 10.00 and 10.01.
        assert_eq!(six_places(percentile(&[1_000, 1_001], 5, MILLION / 100)), "10.005000");
    }

    #[test]
    fn ratios_are_rounded_half_up() {
        assert_eq!(ratio(2 * MILLION, 3).value, Some(666_667));
        assert_eq!(ratio(MILLION, 3).value, Some(333_333));
        assert_eq!(ratio(1, 2).value, Some(1));
    }

    #[test]
    fn the_whole_of_the_real_input() {
        let rows = expected(&real_input());
        let whole = |metric| figures(row(&rows, metric, "year", "2017-01-01", ("company", "")));
        // Counted once with Python's csv module.
        assert_eq!(
            whole("win_rate_count"),
            (Some("4238.000000"), Some("6711.000000"), Some("0.631501"), 6711)
        );
        assert_eq!(whole("win_rate_value"), (None, None, None, 0));
        assert_eq!(
            whole("sales_cycle_mean"),
            (Some("219452.000000"), Some("4238.000000"), Some("51.781973"), 4238)
        );
        assert_eq!(whole("sales_cycle_median").2, Some("57.000000"));
        assert_eq!(whole("sales_cycle_p90").2, Some("106.000000"));
        assert_eq!(whole("deal_size_won_average").2, Some("2360.909391"));
        assert_eq!(whole("deal_size_won_median").2, Some("1117.000000"));
        assert_eq!(reps_without_deals(&real_input()).len(), 5);
        // 30 reps with deals, 6 teams, 3 regions and the company.
        let scopes: BTreeSet<_> = rows.iter().map(|row| (&row.scope, &row.scope_name)).collect();
        assert_eq!(scopes.len(), 40);
    }

    #[test]
    fn reps_teams_and_regions_each_sum_up_to_the_company() {
        let rows = expected(&real_input());
        let mut sums: BTreeMap<(&str, NaiveDate, &str, &str), u64> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.metric == "win_rate_count") {
            *sums.entry((&row.period_grain, row.period_start, "n", &row.scope)).or_default() +=
                row.n;
        }
        for ((grain, start, _, scope), sum) in &sums {
            assert_eq!(sum, &sums[&(*grain, *start, "n", "company")], "{grain} {start} {scope}");
        }
    }
}
