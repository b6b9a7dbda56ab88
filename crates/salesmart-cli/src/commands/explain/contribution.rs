//! What a figure is made of: the rows of the contribution views that fall into its period and
//! scope.
//!
//! A contribution counts for the scopes of its rep at the time (`rep_key`), and for the period
//! that its day is in. Views may have columns that say it more closely: `anchor` (which days are
//! a period's: all of them, the day before it begins, its last one, or the twelve months up to
//! that), `period_grain` and `period_start` (the row is of that period alone), and `counts_for`
//! (`rep`: for the rep alone, as overlay credit; `team`: for teams and what is above them).

use salesmart_core::suggest::list;
use salesmart_core::{Error, Millionths, Result};
use salesmart_model::{Metric, Model, Relation};
use salesmart_run::Period;

use super::release::{Explained, Row};
use super::scope::{Scope, Slice};
use super::{cell, quoted};
use crate::commands::metrics::Card;

/// Columns of contribution views that are read, with the type of one that is left out.
const COLUMNS: [(&str, &str); 14] = [
    ("part", "varchar"),
    ("subject", "varchar"),
    ("subject_id", "varchar"),
    ("rep_key", "bigint"),
    ("date_day", "date"),
    ("stage_id", "varchar"),
    ("forecast_category", "varchar"),
    ("close_period_start", "date"),
    ("target_metric", "varchar"),
    ("numerator", "decimal(38, 6)"),
    ("denominator", "decimal(38, 6)"),
    ("measure", "decimal(38, 6)"),
    ("exclusion", "varchar"),
    ("substitute", "varchar"),
];
/// What tells a contribution view from other views.
const TELLING: [&str; 6] =
    ["metric", "subject_id", "rep_key", "date_day", "numerator", "exclusion"];

/// The contributions to one figure, as the head of a question: `with … scoped as (…)`.
pub(super) struct Contributions {
    scoped: String,
    names: Names,
}

/// Which tables can name deals and people.
struct Names {
    deals: bool,
    tenures: bool,
    reps: bool,
}

/// What the contributions of one part add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// `value`, or one of several.
    pub(super) name: String,
    pub(super) numerator: Option<Millionths>,
    pub(super) denominator: Option<Millionths>,
    /// Rows that are counted.
    pub(super) n: i64,
    /// Rows that are left out.
    pub(super) n_excluded: i64,
    /// Rows with a measure.
    pub(super) measures: i64,
    /// Their sum.
    pub(super) measured: Option<Millionths>,
}

/// What all contributions add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Part by part.
    pub(super) parts: Vec<Part>,
    /// Why rows were left out: reason, how many, explanation.
    pub(super) left_out: Vec<Row>,
    /// What stands in for something unknown in rows that count: the same.
    pub(super) substituted: Vec<Row>,
    /// How many different deals or people that is.
    pub(super) subjects_left_out: i64,
}

impl Sums {
    /// One part; zeros where there is none of that name.
    pub(super) fn part(&self, name: &str) -> Part {
        self.parts.iter().find(|part| part.name == name).cloned().unwrap_or_default()
    }

    /// All parts together.
    pub(super) fn total(&self) -> Part {
        let add = |a: Option<Millionths>, b: Option<Millionths>| match (a, b) {
            (Some(a), Some(b)) => Some(Millionths(a.0.saturating_add(b.0))),
            (a, b) => a.or(b),
        };
        self.parts.iter().fold(Part::default(), |sum, part| Part {
            name: String::new(),
            numerator: add(sum.numerator, part.numerator),
            denominator: add(sum.denominator, part.denominator),
            n: sum.n + part.n,
            n_excluded: sum.n_excluded + part.n_excluded,
            measures: sum.measures + part.measures,
            measured: add(sum.measured, part.measured),
        })
    }
}

/// Where a percentile was read off: of N sorted measures, counted from 0, the one at place
/// p × (N − 1), interpolated between its two neighbours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// The percentile, in percent.
    pub(super) percent: i64,
    /// Places from 1 of the neighbours.
    pub(super) low: i64,
    pub(super) high: i64,
    /// Hundredths of the way from one to the other.
    pub(super) hundredths: i64,
    /// Their measures.
    pub(super) low_measure: Millionths,
    pub(super) high_measure: Millionths,
}

impl Reading {
    /// The percentile, exact but for the last digit.
    pub(super) fn value(&self) -> Millionths {
        let (low, high) = (self.low_measure.0, self.high_measure.0);
        Millionths(low + (high - low) * i128::from(self.hundredths) / 100)
    }
}

impl Contributions {
    /// The contributions to the figure of a metric, period, scope and slice.
    ///
    /// # Errors
    /// When the metric's model is computed from no contribution view.
    pub(super) async fn find(
        explained: &Explained<'_>,
        (metric, model): Card<'_>,
        period: &Period,
        scope: &Scope,
        slices: &[Slice],
    ) -> Result<Self> {
        let views = views(explained, metric, model).await?;
        let sources: Vec<String> =
            views.iter().map(|view| source(view, &metric.id, period, scope)).collect();
        let mut conditions = vec![format!(
            "scope.scope = '{}' and scope.scope_id = {}",
            scope.scope,
            quoted(&scope.id)
        )];
        conditions.extend(slices.iter().map(|slice| slice.condition("made")));
        let columns: Vec<String> = COLUMNS.iter().map(|(name, _)| format!("made.{name}")).collect();
        let scoped = format!(
            "with made as ({}), scoped as (select {} from made \
             inner join mart.bridge_rep_scope as counts_for on made.rep_key = counts_for.rep_key \
             inner join mart.dim_scope as scope on counts_for.scope_key = scope.scope_key \
             where {})",
            sources.join(" union all "),
            columns.join(", "),
            conditions.join(" and "),
        );
        let names = Names {
            deals: explained.has("mart.fct_opportunity"),
            tenures: explained.has("mart.dim_rep_tenure"),
            reps: explained.has("mart.dim_rep"),
        };
        Ok(Self { scoped, names })
    }

    /// What they add up to.
    pub(super) async fn sums(&self, explained: &Explained<'_>) -> Result<Sums> {
        let rows = explained
            .rows(&format!(
                "{} select coalesce(part, 'value'), \
                 sum(case when exclusion is null then numerator end), \
                 sum(case when exclusion is null then denominator end), \
                 sum(case when exclusion is null then 1 else 0 end), \
                 sum(case when exclusion is not null then 1 else 0 end), \
                 sum(case when exclusion is null and measure is not null then 1 else 0 end), \
                 sum(case when exclusion is null then measure end) \
                 from scoped group by coalesce(part, 'value') order by 1",
                self.scoped
            ))
            .await?;
        let mut sums = Sums::default();
        for row in &rows {
            let decimal =
                |place: usize| row[place].as_deref().map(str::parse::<Millionths>).transpose();
            let count = |place| cell(row, place, "count").and_then(whole);
            sums.parts.push(Part {
                name: cell(row, 0, "part")?.to_owned(),
                numerator: decimal(1)?,
                denominator: decimal(2)?,
                n: count(3)?,
                n_excluded: count(4)?,
                measures: count(5)?,
                measured: decimal(6)?,
            });
        }
        if sums.total().n_excluded > 0 {
            sums.left_out = self.why(explained, "exclusion").await?;
            let distinct = format!(
                "{} select count(distinct subject_id) from scoped where exclusion is not null",
                self.scoped
            );
            let rows = explained.rows(&distinct).await?;
            let first = rows.first().map_or(&[][..], Vec::as_slice);
            sums.subjects_left_out = whole(cell(first, 0, "count")?)?;
        }
        sums.substituted = self.why(explained, "substitute").await?;
        Ok(sums)
    }

    /// The reasons in a column: reason, how many rows, explanation.
    async fn why(&self, explained: &Explained<'_>, column: &str) -> Result<Vec<Row>> {
        let counted = format!(
            "{} select {column} as reason, count(*) as counted from scoped \
             where {column} is not null and (exclusion is null or '{column}' = 'exclusion') \
             group by {column}",
            self.scoped
        );
        let (explanation, join) = match explained.has("ops.completeness") {
            true => (
                "why.explanation",
                "left join (select reason, max(explanation) as explanation \
                 from ops.completeness group by reason) as why on why.reason = counted.reason",
            ),
            false => ("cast(null as varchar)", ""),
        };
        explained
            .rows(&format!(
                "select counted.reason, counted.counted, {explanation} \
                 from ({counted}) as counted {join} \
                 order by counted.counted desc, counted.reason"
            ))
            .await
    }

    /// Where a percentile was read off; `None` for other figures.
    pub(super) async fn reading(
        &self,
        explained: &Explained<'_>,
        metric: &Metric,
        sums: &Sums,
    ) -> Result<Option<Reading>> {
        let n = sums.total().measures;
        let Some(percent) = percent(&metric.id).filter(|_| n > 0) else { return Ok(None) };
        let (low, high, hundredths) = places(percent, n);
        let rows = explained
            .rows(&format!(
                "{} select place, measure from (select measure, \
                 row_number() over (order by measure) as place from scoped \
                 where exclusion is null and measure is not null) as ranked \
                 where place in ({low}, {high}) order by place",
                self.scoped
            ))
            .await?;
        let measure = |row: Option<&Row>| match row {
            Some(row) => cell(row, 1, "measure")?.parse::<Millionths>(),
            None => Err(Error::bug("a sorted measure is gone")),
        };
        Ok(Some(Reading {
            percent,
            low,
            high,
            hundredths,
            low_measure: measure(rows.first())?,
            high_measure: measure(rows.last())?,
        }))
    }

    /// The contributions that a page shows: those counted, the largest first (of a percentile
    /// those around it), then those left out.
    pub(super) async fn listed(
        &self,
        explained: &Explained<'_>,
        reading: Option<&Reading>,
        limit: usize,
    ) -> Result<Listed> {
        let counted = match reading {
            Some(reading) => {
                let around = i64::try_from(limit / 2).unwrap_or(i64::MAX);
                format!(
                    "where exclusion is null and place between {} and {} order by place",
                    reading.low.saturating_sub(around),
                    reading.low.saturating_add(around.max(1)),
                )
            }
            None => "where exclusion is null order by numerator desc nulls last, \
                     measure desc nulls last, denominator desc nulls last, date_day, \
                     subject_id, part"
                .to_owned(),
        };
        let left_out = "where exclusion is not null order by exclusion, date_day, subject_id, part";
        let ask = async |rest: &str| {
            explained.rows(&format!("{} {rest} limit {limit}", self.named())).await
        };
        Ok(Listed { counted: ask(&counted).await?, left_out: ask(left_out).await? })
    }

    /// All contributions, for programs.
    pub(super) fn rows(&self, limit: Option<usize>) -> String {
        let limit = limit.map_or_else(String::new, |limit| format!(" limit {limit}"));
        format!(
            "{} order by exclusion nulls first, numerator desc nulls last, \
             denominator desc nulls last, measure, date_day, subject_id, part{limit}",
            self.named()
        )
    }

    /// The contributions with names; [`Listed`] says the columns.
    fn named(&self) -> String {
        let Names { deals, tenures, reps } = self.names;
        let deal = if deals { "deal.opportunity_name" } else { "cast(null as varchar)" };
        let rep = if reps { "rep.rep_name" } else { "cast(null as varchar)" };
        let holder = if tenures { "holder.rep_name" } else { "cast(null as varchar)" };
        let mut joins = String::new();
        if deals {
            joins.push_str(
                " left join mart.fct_opportunity as deal on scoped.subject = 'deal' \
                 and scoped.subject_id = deal.opportunity_id",
            );
        }
        if reps {
            joins.push_str(
                " left join mart.dim_rep as rep on scoped.subject = 'rep' \
                 and scoped.subject_id = rep.rep_id",
            );
        }
        if tenures {
            joins.push_str(
                " left join mart.dim_rep_tenure as holder on scoped.rep_key = holder.rep_key",
            );
        }
        format!(
            "{}, named as (select scoped.subject, scoped.subject_id, \
             coalesce({deal}, {rep}) as subject_name, {holder} as rep_name, scoped.date_day, \
             scoped.part, scoped.numerator, scoped.denominator, scoped.measure, \
             case when scoped.exclusion is null and scoped.measure is not null then \
             row_number() over (order by case when scoped.exclusion is null then 0 else 1 end, \
             scoped.measure nulls last, scoped.subject_id) end as place, \
             scoped.exclusion, scoped.substitute from scoped{joins}) \
             select subject, subject_id, subject_name, rep_name, date_day, part, numerator, \
             denominator, measure, place, exclusion, substitute from named",
            self.scoped
        )
    }
}

/// Contributions to show, with the columns subject, subject_id, subject_name, rep_name, date_day,
/// part, numerator, denominator, measure, place, exclusion, substitute.
#[derive(Clone, Debug, Default)]
pub(super) struct Listed {
    pub(super) counted: Vec<Row>,
    pub(super) left_out: Vec<Row>,
}

/// The contribution views that a metric's model reads; of one that reads none, all that have rows
/// of the metric.
async fn views<'a>(
    explained: &Explained<'a>,
    metric: &Metric,
    model: &Model,
) -> Result<Vec<&'a Model>> {
    let catalog = explained.catalog();
    let is_contribution = |view: &&Model| {
        view.is_published_view() && TELLING.iter().all(|name| view.header.column(name).is_some())
    };
    let all: Vec<&Model> = catalog.models().filter(is_contribution).collect();
    let reads = |view: &&&Model| {
        let relation = Relation::Model(view.name.clone());
        model.reads.iter().any(|read| read.relation == relation)
    };
    let mut read: Vec<&Model> = all.iter().filter(reads).copied().collect();
    if read.is_empty() {
        for view in all {
            let asked = format!(
                "select subject_id from {} where metric = {} limit 1",
                view.name,
                quoted(&metric.id)
            );
            let found = explained.rows(&asked).await?;
            if !found.is_empty() {
                read.push(view);
            }
        }
    }
    if read.is_empty() {
        let sources: Vec<String> = model
            .reads
            .iter()
            .filter(|read| matches!(read.relation, Relation::Model(_)))
            .map(|read| read.relation.to_string())
            .collect();
        return Err(Error::configuration(format!(
            "nothing says what `{}` is made of",
            metric.id
        ))
        .with("its table", &model.name)
        .with("reads", list(sources.iter().map(String::as_str)))
        .with_hint("a figure is explained by the view of contributions (`kind: view` in `sql/marts/contribution/`) that its model reads"));
    }
    Ok(read)
}

/// The rows of a metric in a view that fall into a period and count on the level of a scope, with
/// every column that there may be.
fn source(view: &Model, metric: &str, period: &Period, scope: &Scope) -> String {
    let has = |name: &str| view.header.column(name).is_some();
    let columns: Vec<String> = COLUMNS
        .iter()
        .map(|(name, column_type)| match has(name) {
            true => (*name).to_owned(),
            false => format!("cast(null as {column_type}) as {name}"),
        })
        .collect();
    let day = |day| format!("cast('{day}' as date)");
    let (start, end) = (day(period.start), day(period.end));
    let mut falls_into = format!("date_day between {start} and {end}");
    if has("anchor") {
        let last = format!("least({end}, $as_of_date)");
        falls_into = format!(
            "case anchor \
             when 'before' then date_day = cast({start} - interval '1 day' as date) \
             when 'end' then date_day = {last} \
             when 'year' then date_day <= {last} \
             and date_day > cast({last} - interval '12 months' as date) \
             else {falls_into} end"
        );
    }
    let mut conditions = vec![format!("metric = {}", quoted(metric))];
    if has("period_grain") {
        let grain = period.grain.as_str();
        conditions.push(format!("coalesce(period_grain, '{grain}') = '{grain}'"));
    }
    if has("period_start") {
        falls_into = format!(
            "case when period_start is null then {falls_into} else period_start = {start} end"
        );
    }
    conditions.push(falls_into);
    if has("counts_for") {
        let level = if scope.scope == "rep" { "rep" } else { "team" };
        conditions.push(format!("coalesce(counts_for, 'all') in ('all', '{level}')"));
    }
    format!("select {} from {} where {}", columns.join(", "), view.name, conditions.join(" and "))
}

/// The percentile that a metric's name says: `…_median`, `…_p90`.
pub(super) fn percent(metric: &str) -> Option<i64> {
    let statistic = metric.rsplit('_').next()?;
    if statistic == "median" {
        return Some(50);
    }
    statistic.strip_prefix('p')?.parse().ok().filter(|percent| (1..100).contains(percent))
}

/// The places from 1 of the neighbours of a percentile of `n` values, and how many hundredths of
/// the way from one to the other it is.
pub(super) fn places(percent: i64, n: i64) -> (i64, i64, i64) {
    let hundredths = percent * (n - 1);
    let low = hundredths / 100;
    let way = hundredths % 100;
    (low + 1, low + 1 + i64::from(way > 0), way)
}

pub(super) fn whole(text: &str) -> Result<i64> {
    text.parse().map_err(|_| Error::bug(format!("a count is `{text}`")))
}
