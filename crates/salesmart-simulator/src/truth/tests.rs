//! Figures that were worked out by hand.

use super::*;
use crate::Size;
use crate::world::Settings;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// One team of two reps, places 2 and 3, on 2026-09-30.
fn world() -> World {
    World::new(Settings { size: Size { reps: 2, deals: 0 }, ..Settings::default() })
}

fn won(rep: usize, [created, qualified, closed]: [&str; 3], cents: i64, pushes: u32) -> Fact {
    Fact {
        rep,
        stage: Stage::ClosedWon,
        created: day(created),
        qualified: Some(day(qualified)),
        closed: Some(day(closed)),
        amount: Some(Cents(cents)),
        pushes,
        last_activity: Some(day(closed)),
    }
}

fn facts() -> Vec<Fact> {
    let lost = won(3, ["2026-06-15", "2026-06-20", "2026-09-01"], 149_950, 3);
    let open = |rep, stage, created, qualified, cents, last| Fact {
        rep,
        stage,
        closed: None,
        amount: cents,
        last_activity: last,
        ..won(rep, [created, qualified, "2026-09-30"], 0, 0)
    };
    let (proposal, negotiation) = (Stage::Proposal, Stage::Negotiation);
    let vague = open(2, Stage::Prospecting, "2026-05-01", "2026-05-01", None, None);
    vec![
        won(2, ["2026-07-01", "2026-07-05", "2026-07-31"], 100_000, 1),
        won(2, ["2026-08-01", "2026-08-01", "2026-08-21"], 50_050, 0),
        Fact { stage: Stage::ClosedLost, ..lost },
        open(
            3,
            proposal,
            "2026-09-10",
            "2026-09-12",
            Some(Cents(200_000)),
            Some(day("2026-09-20")),
        ),
        Fact { qualified: None, ..vague },
        open(
            2,
            negotiation,
            "2026-04-01",
            "2026-04-10",
            Some(Cents(300_000)),
            Some(day("2026-09-16")),
        ),
    ]
}

struct Figures(Vec<Truth>);

impl Figures {
    /// Numerator, denominator, value, n and excluded of the company's figure.
    fn get(&self, metric: &str, grain: &str, start: &str) -> String {
        self.of(Scope::Company, metric, grain, start, None)
    }

    fn of(
        &self,
        scope: Scope,
        metric: &str,
        grain: &str,
        start: &str,
        stage: Option<Stage>,
    ) -> String {
        let mut found = self.0.iter().filter(|figure| {
            (figure.scope, figure.metric, figure.period_grain) == (scope, metric, grain)
                && (figure.period_start, figure.stage) == (day(start), stage)
        });
        let Some(figure) = found.next() else { return "none".to_owned() };
        let text = |number: Option<Fixed6>| number.map_or("-".to_owned(), |n| n.to_string());
        let parts = [figure.numerator, figure.denominator, figure.value].map(text);
        format!("{} n={} out={}", parts.join(" "), figure.n, figure.n_excluded)
    }
}

#[test]
fn every_metric_is_what_a_person_with_a_pencil_finds() {
    let truth = Figures(figures(&world(), facts().into_iter(), 2));
    let quarter = |metric| truth.get(metric, "quarter", "2026-08-01");
    let year = |metric| truth.get(metric, "year", "2026-02-01");

    // Quarters of a year that starts in February: one deal was won in July, one in August.
    assert_eq!(quarter("win_rate_count"), "1.000000 2.000000 0.500000 n=2 out=0");
    assert_eq!(quarter("win_rate_value"), "500.500000 2000.000000 0.250250 n=2 out=0");
    assert_eq!(year("win_rate_count"), "2.000000 3.000000 0.666667 n=3 out=0");
    assert_eq!(
        truth.get("win_rate_count", "month", "2026-07-01"),
        "1.000000 1.000000 1.000000 n=1 out=0"
    );
    // Started since August: one won, one open.
    assert_eq!(quarter("win_rate_cohort_count"), "1.000000 1.000000 1.000000 n=1 out=0");
    assert_eq!(quarter("win_rate_cohort_value"), "500.500000 500.500000 1.000000 n=1 out=0");
    assert_eq!(quarter("win_rate_cohort_open_share"), "1.000000 2.000000 0.500000 n=2 out=0");

    // 30 and 20 days; from qualification 26 and 20.
    assert_eq!(year("sales_cycle_mean"), "50.000000 2.000000 25.000000 n=2 out=0");
    assert_eq!(year("sales_cycle_median"), "- - 25.000000 n=2 out=0");
    assert_eq!(year("sales_cycle_p90"), "- - 29.000000 n=2 out=0");
    assert_eq!(year("sales_cycle_qualified_mean"), "46.000000 2.000000 23.000000 n=2 out=0");
    assert_eq!(year("sales_cycle_qualified_median"), "- - 23.000000 n=2 out=0");
    assert_eq!(year("sales_cycle_qualified_p90"), "- - 25.400000 n=2 out=0");

    assert_eq!(year("deal_size_won_average"), "1500.500000 2.000000 750.250000 n=2 out=0");
    assert_eq!(year("deal_size_won_median"), "- - 750.250000 n=2 out=0");
    let stage =
        |metric, stage| truth.of(Scope::Company, metric, "month", "2026-09-01", Some(stage));
    let average = |of| stage("deal_size_stage_average", of);
    assert_eq!(average(Stage::Negotiation), "3000.000000 1.000000 3000.000000 n=1 out=0");
    assert_eq!(average(Stage::Prospecting), "- - - n=0 out=1");
    assert_eq!(stage("deal_size_stage_median", Stage::Proposal), "- - 2000.000000 n=1 out=0");

    // Quiet for exactly fourteen days is stale; the deal without an amount is left out.
    assert_eq!(quarter("pipeline_stale_share"), "3000.000000 5000.000000 0.600000 n=2 out=1");
    assert_eq!(year("pipeline_pushes_per_deal"), "4.000000 3.000000 1.333333 n=3 out=0");
    // Alive since August: all but the deal won in July, 7,000 with a known amount.
    assert_eq!(quarter("pipeline_yield"), "500.500000 7000.000000 0.071500 n=4 out=1");
    // Two open qualified deals × 2/3 × 750.25 ÷ 25 days.
    assert_eq!(quarter("pipeline_velocity"), "1000.333333 25.000000 40.013333 n=2 out=0");
    // At the end of July: two open qualified deals, one won of one, 1,000 in 30 days.
    assert_eq!(
        truth.get("pipeline_velocity", "quarter", "2026-05-01"),
        "2000.000000 30.000000 66.666667 n=2 out=0"
    );

    // One team and region hold everything; the reps share it.
    for scope in [Scope::Region, Scope::Team] {
        let found = truth.of(scope, "pipeline_yield", "quarter", "2026-08-01", None);
        assert_eq!(found, quarter("pipeline_yield"));
    }
    let reps: u64 = truth
        .0
        .iter()
        .filter(|f| (f.scope, f.metric, f.period_grain) == (Scope::Rep, "win_rate_count", "year"))
        .map(|f| f.n)
        .sum();
    assert_eq!(reps, 3);
    assert_eq!(Truth::metrics(&truth.0).len(), 19);
}

#[test]
fn where_losses_have_no_amount_nothing_is_said_by_value() {
    let mut facts = facts();
    facts[2].amount = Some(Cents(0));
    let truth = Figures(figures(&world(), facts.into_iter(), 2));
    let quarter = |metric| truth.get(metric, "quarter", "2026-08-01");
    assert_eq!(quarter("win_rate_value"), "- - - n=0 out=2");
    assert_eq!(quarter("pipeline_yield"), "- - - n=0 out=5");
    assert_eq!(quarter("win_rate_count"), "1.000000 2.000000 0.500000 n=2 out=0");
}

#[test]
fn percentiles_lie_between_neighbours() {
    let at = |values: &[i64], tenths| {
        tally::percentile(values, tenths, Fixed6::whole).map(|value| value.to_string())
    };
    assert_eq!(at(&[1, 2, 3], 5).as_deref(), Some("2.000000"));
    assert_eq!(at(&[1, 2, 3, 4], 5).as_deref(), Some("2.500000"));
    assert_eq!(at(&[10, 20, 30], 9).as_deref(), Some("28.000000"));
    assert_eq!(at(&[7], 9).as_deref(), Some("7.000000"));
    assert_eq!(at(&[], 5), None);
}

#[test]
fn the_world_counts_every_deal_that_is_there_once() {
    let world = World::new(Settings::default());
    let truth = world.truth(2);
    let there =
        || (0..world.deal_count()).map(|i| world.deal(i)).filter(|d| d.deleted_at.is_none());
    let closed = there().filter(|deal| deal.closed_at.is_some()).count() as u64;
    for scope in [Scope::Company, Scope::Region, Scope::Team, Scope::Rep] {
        for grain in ["month", "quarter", "year"] {
            let of = |metric| {
                let mine =
                    |f: &&Truth| (f.metric, f.scope, f.period_grain) == (metric, scope, grain);
                truth.iter().filter(mine).map(|figure| figure.n).sum::<u64>()
            };
            assert_eq!(of("win_rate_count"), closed, "{scope:?} {grain}");
            assert_eq!(of("win_rate_cohort_open_share"), there().count() as u64);
        }
    }
    let mut csv = Vec::new();
    write_truth(&truth, &mut csv).unwrap();
    assert_eq!(csv::Reader::from_reader(&csv[..]).records().count(), truth.len());
}
