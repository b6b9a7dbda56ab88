//! What was forecast: the figures of fiscal quarters at the ends of days, what came of them, and
//! what moved a figure from one day to another.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use crate::Stage;
use crate::world::ForecastCategory;

use super::known::Holder;
use super::sheet::{Sheet, money};
use super::story::{Span, Story};
use super::sums::Names;
use super::weighted::{Experience, weigh};
use super::{Grain, Period, Scope};

/// How many days before a quarter begins it is forecast.
const DAYS_AHEAD: u64 = 91;

/// Where a deal stands in a quarter's forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bucket {
    Won,
    Commit,
    MostLikely,
    BestCase,
    Pipeline,
}

/// The series of each bucket by itself, and with all that is surer.
const SERIES: [(Bucket, &str, Option<&str>); 5] = [
    (Bucket::Won, "closed", None),
    (Bucket::Commit, "commit", Some("commit_cumulative")),
    (Bucket::MostLikely, "most_likely", Some("most_likely_cumulative")),
    (Bucket::BestCase, "best_case", Some("best_case_cumulative")),
    (Bucket::Pipeline, "pipeline", Some("pipeline_cumulative")),
];

const WEIGHTED: [&str; 3] = ["weighted_deal", "weighted_stage", "weighted_historical"];

/// How a deal stood on a day, for forecasts.
#[derive(Clone, Copy, Debug)]
struct Standing<'a> {
    span: &'a Span,
    /// The close date while it is open, the day of the outcome after.
    due: NaiveDate,
    /// Whose it is; once it is decided, whose it was then.
    holder: Holder,
}

impl Standing<'_> {
    /// Where it stands; nothing of what is lost or omitted.
    fn bucket(&self) -> Option<Bucket> {
        match (self.span.stage, self.span.category) {
            (Stage::ClosedWon, _) => Some(Bucket::Won),
            (Stage::ClosedLost, _) | (_, ForecastCategory::Omitted) => None,
            (_, ForecastCategory::Pipeline) => Some(Bucket::Pipeline),
            (_, ForecastCategory::BestCase) => Some(Bucket::BestCase),
            (_, ForecastCategory::MostLikely) => Some(Bucket::MostLikely),
            (_, ForecastCategory::Commit | ForecastCategory::Closed) => Some(Bucket::Commit),
        }
    }
}

impl Story {
    /// How it stood at the end of a day; nothing when it was not there, or in the bin.
    fn standing(&self, day: NaiveDate) -> Option<Standing<'_>> {
        let span = self.on(day).filter(|span| !span.in_bin)?;
        let standing = if span.stage.outcome() == "open" {
            Standing { span, due: span.close, holder: span.holder }
        } else {
            let decided = self.visits.iter().rfind(|visit| visit.entered <= day)?;
            Standing { span, due: decided.entered, holder: decided.holder }
        };
        Some(standing)
    }
}

/// Cents, deals with a usable amount, and deals without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    cents: i128,
    n: u64,
    n_excluded: u64,
}

impl Sum {
    fn add(&mut self, cents: Option<i128>) {
        match cents {
            Some(cents) => {
                self.cents += cents;
                self.n += 1;
            }
            None => self.n_excluded += 1,
        }
    }

    /// The amount: nothing where none is known, and what there is otherwise.
    fn amount(&self) -> String {
        if self.n == 0 && self.n_excluded > 0 { String::new() } else { money(self.cents) }
    }
}

/// The figures of every quarter on each of these days: from 91 days before it begins until its
/// books are closed.
pub(super) fn figures(
    stories: &[Story],
    experience: &Experience,
    names: &Names,
    days: &[NaiveDate],
    books_close_days: u64,
    first_month: u32,
) -> Sheet {
    let mut sums: BTreeMap<(NaiveDate, NaiveDate, Scope, String, &str), Sum> = BTreeMap::new();
    for (story, day) in stories.iter().flat_map(|story| days.iter().map(move |day| (story, *day))) {
        let Some(standing) = story.standing(day) else { continue };
        let Some(bucket) = standing.bucket() else { continue };
        let quarter = Period::of(Grain::Quarter, standing.due, first_month);
        if day + Days::new(DAYS_AHEAD) < quarter.start
            || day > quarter.end + Days::new(books_close_days)
        {
            continue;
        }
        let amount = standing.span.amount.map(|amount| i128::from(amount.0));
        let mut put = |series, cents| {
            for (scope, name) in names.of(standing.holder) {
                let key = (quarter.start, day, scope, name.to_owned(), series);
                sums.entry(key).or_default().add(cents);
            }
        };
        for (other, single, cumulative) in SERIES {
            if other == bucket {
                put(single, amount);
            }
            if let Some(cumulative) = cumulative.filter(|_| bucket <= other) {
                put(cumulative, amount);
            }
        }
        let chances = experience.chances(standing.span, day);
        for (series, chance) in WEIGHTED.into_iter().zip(chances) {
            // What is won has no chance any more.
            let cents = match bucket {
                Bucket::Won => amount,
                _ => standing.span.amount.zip(chance).map(|(amount, chance)| weigh(amount, chance)),
            };
            put(series, cents);
        }
    }
    let mut sheet = Sheet::new(
        "forecast_figure",
        &["period_start", "snapshot_date", "scope", "scope_name", "series"],
        &["amount", "n", "n_excluded"],
    );
    for ((start, day, scope, name, series), sum) in sums {
        sheet.put(
            vec![
                start.to_string(),
                day.to_string(),
                scope.as_str().to_owned(),
                name,
                series.to_owned(),
            ],
            vec![sum.amount(), sum.n.to_string(), sum.n_excluded.to_string()],
        );
    }
    sheet
}

/// What quarters that are over by then brought by the day their books closed, and what they are
/// said to have brought today.
pub(super) fn actuals(
    stories: &[Story],
    names: &Names,
    today: NaiveDate,
    books_close_days: u64,
    first_month: u32,
) -> Sheet {
    let mut sums: BTreeMap<(NaiveDate, Scope, String), [Sum; 2]> = BTreeMap::new();
    for story in stories {
        let first = story.fact.created;
        let periods =
            std::iter::successors(Some(Period::of(Grain::Quarter, first, first_month)), |period| {
                Some(period.next())
            });
        for period in periods.take_while(|period| period.end + Days::new(books_close_days) <= today)
        {
            let day = period.end + Days::new(books_close_days);
            let frozen = story.standing(day).filter(|standing| {
                standing.bucket() == Some(Bucket::Won)
                    && (period.start..=period.end).contains(&standing.due)
            });
            let now = story.fact.closed.filter(|closed| {
                story.fact.is_won()
                    && !story.is_gone
                    && (period.start..=period.end).contains(closed)
            });
            let mut put = |holder, place: usize, amount: Option<crate::Cents>| {
                for (scope, name) in names.of(holder) {
                    let key = (period.start, scope, name.to_owned());
                    let cents = amount.map(|amount| i128::from(amount.0));
                    sums.entry(key).or_default()[place].add(cents);
                }
            };
            if let Some(standing) = frozen {
                put(standing.holder, 0, standing.span.amount);
            }
            if now.is_some() {
                put(story.fact.holder, 1, story.fact.amount);
            }
        }
    }
    let mut sheet = Sheet::new(
        "forecast_actual",
        &["period_start", "scope", "scope_name"],
        &["amount", "n", "amount_restated", "n_restated"],
    );
    for ((start, scope, name), [frozen, restated]) in sums {
        sheet.put(
            vec![start.to_string(), scope.as_str().to_owned(), name],
            vec![
                money(frozen.cents),
                frozen.n.to_string(),
                money(restated.cents),
                restated.n.to_string(),
            ],
        );
    }
    sheet
}

/// A deal in a forecast: cents (nothing known counts as nothing), price in its own currency, whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    cents: i128,
    holder: Holder,
}

/// A deal on one of the two days of a bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Not entered yet.
    Unknown,
    /// In the bin, merged away.
    Gone,
    Lost,
    Omitted,
    /// Due in another quarter, which begins on this day.
    Elsewhere(NaiveDate),
    Here(Counted),
}

/// What moved the whole of a quarter (won and open) from one day's end to another's, as it was
/// believed on either day: `before` and `after` are the same deals, told on these days.
pub(super) fn bridge(
    before: (&[Story], NaiveDate),
    after: (&[Story], NaiveDate),
    names: &Names,
    quarter: NaiveDate,
    first_month: u32,
) -> Sheet {
    let mut sums: BTreeMap<(Scope, String, &str), i128> = BTreeMap::new();
    for (place, story) in after.0.iter().enumerate() {
        let earlier = before.0.get(place);
        let was =
            earlier.map_or(Place::Unknown, |story| find(story, before.1, quarter, first_month));
        let is = find(story, after.1, quarter, first_month);
        let mut put = |holder: Holder, component, cents: i128, other: Option<Holder>| {
            // Who changes hands within a unit does not move it.
            let stays = |scope, name: &str| {
                other.is_some_and(|other| names.of(other).any(|unit| unit == (scope, name)))
            };
            for (scope, name) in names.of(holder).filter(|(scope, name)| !stays(*scope, name)) {
                *sums.entry((scope, name.to_owned(), component)).or_default() += cents;
            }
        };
        if let Place::Here(counted) = was {
            put(counted.holder, "starting", counted.cents, None);
        }
        if let Place::Here(counted) = is {
            put(counted.holder, "ending", counted.cents, None);
        }
        match (was, is) {
            (Place::Here(was), Place::Here(is)) => {
                if was.holder != is.holder {
                    put(was.holder, "moved_out", -was.cents, Some(is.holder));
                    put(is.holder, "moved_in", was.cents, Some(was.holder));
                }
                let change = is.cents - was.cents;
                let price = |story: &Story, day| story.on(day).and_then(|span| span.price);
                let same_price =
                    earlier.and_then(|story| price(story, before.1)) == price(story, after.1);
                let component = match change {
                    _ if same_price => "revalued",
                    1.. => "increased",
                    _ => "decreased",
                };
                if change != 0 {
                    put(is.holder, component, change, None);
                }
            }
            (_, Place::Here(is)) => put(is.holder, came(was, quarter), is.cents, None),
            (Place::Here(was), _) => put(was.holder, went(is, quarter), -was.cents, None),
            _ => {}
        }
    }
    let mut sheet = Sheet::new(
        "forecast_bridge",
        &["period_start", "scope", "scope_name", "component"],
        &["amount"],
    );
    for ((scope, name, component), cents) in sums {
        // Deals of no amount move nothing.
        if cents == 0 && !["starting", "ending"].contains(&component) {
            continue;
        }
        let scope = scope.as_str().to_owned();
        let key = vec![quarter.to_string(), scope, name, component.to_owned()];
        sheet.put(key, vec![money(cents)]);
    }
    sheet
}

fn find(story: &Story, day: NaiveDate, quarter: NaiveDate, first_month: u32) -> Place {
    let Some(span) = story.on(day) else { return Place::Unknown };
    if span.in_bin {
        return Place::Gone;
    }
    let Some(standing) = story.standing(day) else { return Place::Unknown };
    let start = Grain::Quarter.start(standing.due, first_month);
    if span.stage == Stage::ClosedLost {
        return Place::Lost;
    }
    if start != quarter {
        return Place::Elsewhere(start);
    }
    if standing.bucket().is_none() {
        return Place::Omitted;
    }
    let cents = span.amount.map_or(0, |amount| i128::from(amount.0));
    Place::Here(Counted { cents, holder: standing.holder })
}

/// Why a deal came into a quarter.
fn came(from: Place, quarter: NaiveDate) -> &'static str {
    match from {
        Place::Unknown => "new",
        Place::Gone => "deleted_or_merged",
        Place::Lost => "reopened",
        Place::Elsewhere(start) if start > quarter => "pulled_in",
        Place::Elsewhere(_) => "pushed_in",
        Place::Omitted | Place::Here(_) => "recategorised",
    }
}

/// Why a deal went out of it.
fn went(to: Place, quarter: NaiveDate) -> &'static str {
    match to {
        Place::Unknown | Place::Gone => "deleted_or_merged",
        Place::Lost => "lost",
        Place::Elsewhere(start) if start > quarter => "pushed_out",
        Place::Elsewhere(_) => "pulled_out",
        Place::Omitted | Place::Here(_) => "recategorised",
    }
}
