//! Weighted pipeline: what is open at a day's end, each deal by its chances.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Datelike, Days, Months, NaiveDate};

use crate::calendar::{first_of_month, quarter_start};
use crate::world::ForecastCategory;
use crate::{Cents, Fixed6, Stage};

use super::known::Holder;
use super::story::{Span, Story};
use super::sums::{Book, Names, Slot, Sum};
use super::{Grain, Period, Scope, Truth};

/// How many days back there is a figure of every day.
const DAYS_BACK: u64 = 730;

/// The metrics: by the deal's own chance, the stage's, and what came of the stage's deals before.
pub(crate) const METRICS: [&str; 3] =
    ["weighted_pipeline_deal", "weighted_pipeline_stage", "weighted_pipeline_historical"];

/// What part of the deals that ever were in a stage was won, of those decided in the twelve months
/// before a month.
#[derive(Debug, Default)]
pub(crate) struct Experience(BTreeMap<(Stage, NaiveDate), (u64, u64)>);

impl Experience {
    pub(crate) fn gather(stories: &[Story], today: NaiveDate) -> Self {
        let mut rates: BTreeMap<(Stage, NaiveDate), (u64, u64)> = BTreeMap::new();
        for story in stories.iter().filter(|story| !story.is_gone) {
            let Some(closed) = story.fact.closed else { continue };
            let stages: BTreeSet<Stage> = story.visits.iter().map(|visit| visit.stage).collect();
            // The months whose twelve before hold the outcome.
            let months = (1..=12).map(|months| first_of_month(closed) + Months::new(months));
            for month in months.take_while(|month| *month <= today) {
                for stage in &stages {
                    let (won, decided) = rates.entry((*stage, month)).or_default();
                    *won += u64::from(story.fact.is_won());
                    *decided += 1;
                }
            }
        }
        Self(rates)
    }

    /// The chance in millionths, rounded.
    fn chance(&self, stage: Stage, day: NaiveDate) -> Option<u32> {
        let (won, decided) = self.0.get(&(stage, first_of_month(day)))?;
        let whole = |n: u64| Fixed6::whole(i128::from(n));
        whole(*won).ratio(whole(*decided)).and_then(|rate| u32::try_from(rate.0).ok())
    }

    /// The three chances of a deal on a day.
    pub(crate) fn chances(&self, span: &Span, day: NaiveDate) -> [Option<u32>; 3] {
        let historical = self.chance(span.stage, day);
        [Some(span.probability), Some(span.stage.probability()), historical]
    }
}

/// An amount by a chance in millionths, rounded half away from zero to cents.
pub(crate) fn weigh(amount: Cents, chance: u32) -> i128 {
    let doubled = i128::from(amount.0) * i128::from(chance) * 2 / 1_000_000;
    (doubled + doubled.signum()) / 2
}

/// A deal's category as tables spell it.
pub(crate) fn category_name(category: ForecastCategory) -> &'static str {
    match category {
        ForecastCategory::Omitted => "omitted",
        ForecastCategory::Pipeline => "pipeline",
        ForecastCategory::BestCase => "best_case",
        ForecastCategory::MostLikely => "most_likely",
        ForecastCategory::Commit => "commit",
        ForecastCategory::Closed => "closed",
    }
}

/// Everything about one day and slice: a sum for each metric.
type Slice = (NaiveDate, Option<Stage>, Option<&'static str>, Option<NaiveDate>);

/// The figures of the ends of weeks, months, quarters and years, and of these days themselves.
pub(super) fn figures(
    stories: &[Story],
    experience: &Experience,
    names: &Names,
    today: NaiveDate,
    first_month: u32,
) -> Vec<Truth> {
    let Some(first) = stories.iter().map(|story| story.fact.created).min() else {
        return Vec::new();
    };
    let ends = ends(first, today, first_month);
    let days: Vec<NaiveDate> = ends.keys().copied().collect();
    let mut sums: HashMap<(Holder, Slice), [Sum; 3]> = HashMap::new();
    for story in stories.iter().filter(|story| !story.is_gone) {
        for span in story.spans.iter().filter(|span| counts(span)) {
            let begin = days.partition_point(|day| *day < span.from);
            for day in days[begin..].iter().take_while(|day| **day < span.to) {
                let added = weighted(span, experience, *day);
                let quarter = quarter_start(span.close, first_month);
                for slice in [
                    (*day, None, None, None),
                    (*day, Some(span.stage), None, None),
                    (*day, None, Some(category_name(span.category)), None),
                    (*day, None, None, Some(quarter)),
                ] {
                    let sum = sums.entry((span.holder, slice)).or_default();
                    for (sum, added) in sum.iter_mut().zip(added) {
                        *sum += added;
                    }
                }
            }
        }
    }
    let mut book = Book::default();
    for ((holder, (day, stage, category, close_period)), sums) in sums {
        for (metric, sum) in METRICS.into_iter().zip(sums) {
            for (grain, start) in &ends[&day] {
                let slot =
                    Slot { stage, category, close_period, ..Slot::new(metric, grain, *start) };
                book.add(holder, slot, sum);
            }
        }
    }
    let mut figures = book.amounts(names);
    // Of reps there are only totals.
    figures.retain(|figure| {
        let is_sliced =
            figure.stage.is_some() || figure.category.is_some() || figure.close_period.is_some();
        !(is_sliced && figure.scope == Scope::Rep)
    });
    figures
}

/// Whether a deal is in the weighted pipeline.
pub(crate) fn counts(span: &Span) -> bool {
    span.is_open() && span.category != ForecastCategory::Omitted
}

fn weighted(span: &Span, experience: &Experience, day: NaiveDate) -> [Sum; 3] {
    experience.chances(span, day).map(|chance| match span.amount.zip(chance) {
        Some((amount, chance)) => Sum { above: weigh(amount, chance), n: 1, ..Sum::default() },
        None => Sum { n_excluded: 1, ..Sum::default() },
    })
}

/// The days to look at, with the periods that end on each, or are seen on it today.
fn ends(
    first: NaiveDate,
    today: NaiveDate,
    first_month: u32,
) -> BTreeMap<NaiveDate, Vec<(&'static str, NaiveDate)>> {
    let mut ends: BTreeMap<NaiveDate, Vec<(&'static str, NaiveDate)>> = BTreeMap::new();
    for grain in Grain::ALL {
        let mut period = Period::of(grain, first, first_month);
        while period.start <= today {
            let day = period.end.min(today);
            ends.entry(day).or_default().push((grain.as_str(), period.start));
            period = period.next();
        }
    }
    let monday = |day: NaiveDate| day - Days::new(day.weekday().num_days_from_monday().into());
    let mut week = monday(first);
    while week <= today {
        ends.entry((week + Days::new(6)).min(today)).or_default().push(("week", week));
        week = week + Days::new(7);
    }
    for (day, periods) in &mut ends {
        if *day + Days::new(DAYS_BACK) >= today {
            periods.push(("day", *day));
        }
    }
    ends
}
