//! Figures that were worked out by hand.

use super::story::{Span, Visit};
use super::*;
use crate::Size;
use crate::world::{ForecastCategory, Settings};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// One team of two reps, places 2 and 3, on 2026-09-30.
fn world() -> World {
    World::new(Settings { size: Size { reps: 2, deals: 0 }, ..Settings::default() })
}

pub(super) fn holder(rep: usize) -> Holder {
    Holder { rep, team: Some(0) }
}

/// A deal that came through stages on these days, always with 100.00, and planned to close in 2026.
pub(super) fn story(rep: usize, stages: &[(Stage, &str)]) -> Story {
    let visits = stages.iter().enumerate().map(|(place, (stage, entered))| Visit {
        stage: *stage,
        from: place.checked_sub(1).map(|before| stages[before].0),
        entered: day(entered),
        left: stages.get(place + 1).map(|(_, next)| day(next)),
        holder: holder(rep),
        amount: Some(Cents(10_000)),
    });
    let visits: Vec<Visit> = visits.collect();
    let spans = visits.iter().map(|visit| Span {
        from: visit.entered,
        to: visit.left.unwrap_or(story::FOR_EVER),
        holder: visit.holder,
        stage: visit.stage,
        amount: visit.amount,
        price: visit.amount,
        close: day("2026-12-31"),
        category: ForecastCategory::Pipeline,
        probability: visit.stage.probability(),
        in_bin: false,
    });
    let spans = spans.collect();
    let (stage, last) = *stages.last().unwrap();
    let fact = won(rep, [stages[0].1, stages[0].1, last], 10_000, 0);
    let closed = fact.closed.filter(|_| stage.outcome() != "open");
    let fact = Fact { stage, closed, ..fact };
    Story { index: 0, is_gone: false, is_on_record: true, fact, spans, visits }
}

fn won(rep: usize, [created, qualified, closed]: [&str; 3], cents: i64, pushes: u32) -> Fact {
    Fact {
        holder: holder(rep),
        creator: holder(rep),
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
    // One team and region hold everything; the reps share it.
    for scope in [Scope::Region, Scope::Team] {
        let found = truth.of(scope, "win_rate_value", "quarter", "2026-08-01", None);
        assert_eq!(found, quarter("win_rate_value"));
    }
    let reps: u64 = truth
        .0
        .iter()
        .filter(|f| (f.scope, f.metric, f.period_grain) == (Scope::Rep, "win_rate_count", "year"))
        .map(|f| f.n)
        .sum();
    assert_eq!(reps, 3);
    assert_eq!(Truth::metrics(&truth.0).len(), 18);
}

#[test]
fn where_losses_have_no_amount_nothing_is_said_by_value() {
    let mut facts = facts();
    facts[2].amount = Some(Cents(0));
    let truth = Figures(figures(&world(), facts.into_iter(), 2));
    let quarter = |metric| truth.get(metric, "quarter", "2026-08-01");
    assert_eq!(quarter("win_rate_value"), "- - - n=0 out=2");
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
    let truth = world.truth(2, world.today());
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

/// A was won, C lost, B and D are open; D was pushed out of the quarter it was due in.
fn stories() -> Vec<Story> {
    use Stage::{ClosedLost, ClosedWon, Proposal, Prospecting, Qualified};
    let mut a = story(
        2,
        &[(Prospecting, "2026-07-10"), (Proposal, "2026-08-05"), (ClosedWon, "2026-09-05")],
    );
    for span in &mut a.spans {
        span.close = day("2026-09-30");
    }
    let b = story(3, &[(Qualified, "2026-08-20")]);
    let c = story(3, &[(Prospecting, "2026-06-01"), (ClosedLost, "2026-07-15")]);
    let mut d = story(2, &[(Prospecting, "2026-07-01")]);
    let pushed = Span { from: day("2026-08-15"), close: day("2026-11-30"), ..d.spans[0] };
    d.spans[0] = Span { to: pushed.from, close: day("2026-08-31"), ..d.spans[0] };
    d.spans.push(pushed);
    vec![a, b, c, d]
}

#[test]
fn states_are_those_of_the_day() {
    let world = world();
    let names = Names::new(&world, &Known::from(world.today()));
    let truth = Figures(of_stories(&stories(), &names, world.today(), 2));
    let quarter = |metric| truth.get(metric, "quarter", "2026-08-01");
    // A was won; A and D were open when it began, B was created in it: 100 of 300.
    assert_eq!(quarter("pipeline_yield"), "100.000000 300.000000 0.333333 n=4 out=0");
    // Only B is open and qualified: 1 × 1/2 × 100 ÷ 57 days.
    assert_eq!(quarter("pipeline_velocity"), "50.000000 57.000000 0.877193 n=1 out=0");
    // At the end of July A and D were prospects, and C was all that had been decided.
    assert_eq!(truth.get("pipeline_velocity", "quarter", "2026-05-01"), "none");
    // A and D were due in it when it began; D is due later now, A was won.
    assert_eq!(quarter("pipeline_slippage"), "100.000000 200.000000 0.500000 n=2 out=0");
    let september = |metric| truth.get(metric, "month", "2026-09-01");
    // B at 20 % and D at 5 %; of prospects, C was decided before September, and lost.
    assert_eq!(september("weighted_pipeline_deal"), "- - 25.000000 n=2 out=0");
    assert_eq!(september("weighted_pipeline_stage"), "- - 25.000000 n=2 out=0");
    assert_eq!(september("weighted_pipeline_historical"), "- - 0.000000 n=1 out=1");
    let entered = |stage, start| {
        let metric = "deal_size_stage_entry_average";
        truth.of(Scope::Company, metric, "month", start, Some(stage))
    };
    assert_eq!(
        entered(Stage::Prospecting, "2026-07-01"),
        "200.000000 2.000000 100.000000 n=2 out=0"
    );
    assert_eq!(entered(Stage::ClosedWon, "2026-09-01"), "100.000000 1.000000 100.000000 n=1 out=0");
}

#[test]
fn quotas_count_for_whom_they_are() {
    let world = world();
    let names = Names::new(&world, &Known::from(world.today()));
    let today = world.today();
    let credit = |rep, cents, counts_for| quota::Credit {
        holder: holder(rep),
        day: day("2026-08-10"),
        amount: Some(Cents(cents)),
        counts_for,
    };
    let owed = |rep, prorated, whole, counts_for| quota::Owed {
        holder: holder(rep),
        month: day("2026-08-01"),
        is_held: true,
        prorated: Some(Cents(prorated)),
        is_first: true,
        whole: Some(Cents(whole)),
        counts_for,
    };
    // Rep 2 won 100 against 80 of 100, rep 3 has overlay credit of 50, their manager owes 150.
    let credits = [credit(2, 10_000, quota::For::All), credit(3, 5_000, quota::For::Person)];
    let debts =
        [owed(2, 8_000, 10_000, quota::For::Person), owed(1, 15_000, 15_000, quota::For::Team)];
    let truth = Figures(quota::figures(&credits, &debts, &names, today, 2));
    let of = |scope, metric| truth.of(scope, metric, "quarter", "2026-08-01", None);
    let team = "100.000000 150.000000 0.666667 n=2 out=0";
    assert_eq!(of(Scope::Team, "quota_attainment"), team);
    assert_eq!(of(Scope::Company, "quota_attainment"), team);
    let of_reps: Vec<String> = truth
        .0
        .iter()
        .filter(|f| f.scope == Scope::Rep && f.period_grain == "quarter")
        .map(|f| format!("{} {:?}", f.metric, f.value.map(|value| value.to_string())))
        .collect();
    assert_eq!(
        of_reps,
        [
            "quota_attainment Some(\"1.250000\")",
            "quota_attainment None",
            "quota_attainment_unprorated Some(\"1.000000\")",
            "quota_attainment_unprorated None",
            "quota_achievement_rate Some(\"1.000000\")",
        ]
    );
    assert_eq!(of(Scope::Team, "quota_achievement_rate"), "1.000000 1.000000 1.000000 n=1 out=0");
    // In August and in the quarter 100 are open against what is left: 150 - 100.
    let covered = quota::coverage(&stories()[1..2], &credits, &debts, &names, today, 2);
    let truth = Figures(covered);
    let of = |metric| truth.get(metric, "quarter", "2026-08-01");
    assert_eq!(of("pipeline_coverage"), "0.000000 50.000000 0.000000 n=2 out=0");
    let mut due = stories().remove(1);
    due.spans[0].close = day("2026-10-15");
    let truth = Figures(quota::coverage(&[due], &credits, &debts, &names, today, 2));
    let of = |metric| truth.get(metric, "quarter", "2026-08-01");
    assert_eq!(of("pipeline_coverage"), "100.000000 50.000000 2.000000 n=3 out=0");
    assert_eq!(of("pipeline_coverage_full"), "100.000000 150.000000 0.666667 n=2 out=0");
}

#[test]
fn forecasts_add_up_from_day_to_day() {
    let world = world();
    let names = Names::new(&world, &Known::from(world.today()));
    let (stories, today) = (stories(), world.today());
    let experience = weighted::Experience::gather(&stories, today);
    let days = [day("2026-08-10"), today];
    let sheet = forecast::figures(&stories, &experience, &names, &days, 5, 2);
    let of = |start: &str, day: &str, series: &str| {
        let key = [start, day, "company", "", series].map(str::to_owned).to_vec();
        sheet.rows.get(&key).map_or("none".to_owned(), |values| values.join(" "))
    };
    // In August A at 45 % and D at 5 % were due in the quarter; at its end A is won.
    assert_eq!(of("2026-08-01", "2026-08-10", "pipeline"), "200.00 2 0");
    assert_eq!(of("2026-08-01", "2026-08-10", "weighted_stage"), "50.00 2 0");
    assert_eq!(of("2026-08-01", "2026-08-10", "closed"), "none");
    assert_eq!(of("2026-08-01", "2026-09-30", "closed"), "100.00 1 0");
    assert_eq!(of("2026-08-01", "2026-09-30", "commit_cumulative"), "100.00 1 0");
    assert_eq!(of("2026-08-01", "2026-09-30", "weighted_deal"), "100.00 1 0");
    assert_eq!(of("2026-11-01", "2026-09-30", "pipeline"), "200.00 2 0");
    let bridge =
        forecast::bridge((&stories, days[0]), (&stories, days[1]), &names, day("2026-08-01"), 2);
    let moved: Vec<String> = bridge
        .rows
        .iter()
        .filter(|(key, _)| key[1] == "company")
        .map(|(key, values)| format!("{} {}", key[3], values[0]))
        .collect();
    assert_eq!(moved, ["ending 100.00", "pushed_out -100.00", "starting 200.00"]);
}
