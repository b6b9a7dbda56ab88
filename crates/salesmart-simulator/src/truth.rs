//! What the KPIs must come to, worked out from the deals themselves and not by SQL.
//!
//! The rules are those of the metric contract: ratios carry their parts; nothing observed is
//! unknown and not zero; deals without a positive amount count by number and not in the win rate
//! by value, which is unknown when that leaves out every deal of one outcome; a free deal is a
//! deal of size 0.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::{Company, Deal, Fixed6, Stage, calendar};

/// Whom a figure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everybody.
    Company,
    /// A region.
    Region,
    /// A team.
    Team,
    /// A rep.
    Rep,
}

impl Scope {
    /// As tables spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Company => "company",
            Scope::Region => "region",
            Scope::Team => "team",
            Scope::Rep => "rep",
        }
    }
}

/// One true figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Which metric, such as `win_rate_count`.
    pub metric: &'static str,
    /// The length of the period; `quarter`.
    pub period_grain: &'static str,
    /// The first day of the period.
    pub period_start: NaiveDate,
    /// Whom it is about.
    pub scope: Scope,
    /// The name of that region, team or rep; empty for the company.
    pub scope_name: String,
    /// The part above the line; medians have none.
    pub numerator: Option<Fixed6>,
    /// The part below the line; medians have none.
    pub denominator: Option<Fixed6>,
    /// The figure; nothing when nothing was observed.
    pub value: Option<Fixed6>,
    /// How many deals it is made of.
    pub n: u64,
}

/// What the deals of one scope and quarter leave behind.
#[derive(Default)]
struct Tally {
    won: u64,
    lost: u64,
    won_cents: i128,
    lost_cents: i128,
    /// Won and lost deals that have a positive amount.
    won_valued: u64,
    lost_valued: u64,
    cycles: Vec<i64>,
    sizes: Vec<i64>,
}

impl Company {
    /// The true figures of every fiscal quarter that saw an outcome, for the company, its regions,
    /// teams and reps; fiscal years start with month `fiscal_year_start` (1 to 12). Sorted by
    /// metric, scope, name and quarter. Takes some bytes for each won deal.
    #[must_use]
    pub fn truth(&self, fiscal_year_start: u32) -> Vec<Truth> {
        let mut tallies: BTreeMap<(Scope, String, NaiveDate), Tally> = BTreeMap::new();
        for deal in self.deals() {
            let Some(closed_at) = deal.closed_at else { continue };
            let quarter = calendar::quarter_start(closed_at.date_naive(), fiscal_year_start);
            for (scope, name) in self.scopes(&deal) {
                tallies.entry((scope, name, quarter)).or_default().add(&deal);
            }
        }
        let mut truth: Vec<Truth> = tallies
            .into_iter()
            .flat_map(|((scope, name, quarter), tally)| tally.figures(scope, &name, quarter))
            .collect();
        truth.sort_by(|a, b| {
            (a.metric, a.scope, &a.scope_name, a.period_start).cmp(&(
                b.metric,
                b.scope,
                &b.scope_name,
                b.period_start,
            ))
        });
        truth
    }

    /// Everybody to whom a deal counts.
    fn scopes(&self, deal: &Deal) -> [(Scope, String); 4] {
        let owner = &self.users()[deal.owner];
        let team = &self.teams()[owner.team.expect("deals are owned by reps")];
        [
            (Scope::Company, String::new()),
            (Scope::Region, team.region.to_owned()),
            (Scope::Team, team.name.clone()),
            (Scope::Rep, owner.name.clone()),
        ]
    }
}

impl Tally {
    fn add(&mut self, deal: &Deal) {
        let cents = deal.amount.map_or(0, |amount| amount.0).max(0);
        let valued = u64::from(cents > 0);
        if deal.stage == Stage::ClosedWon {
            self.won += 1;
            self.won_valued += valued;
            self.won_cents += i128::from(cents);
            self.cycles.extend(deal.cycle_days());
            self.sizes.extend(deal.amount.map(|amount| amount.0));
        } else {
            self.lost += 1;
            self.lost_valued += valued;
            self.lost_cents += i128::from(cents);
        }
    }

    fn figures(mut self, scope: Scope, name: &str, period_start: NaiveDate) -> Vec<Truth> {
        let figure = |metric, numerator, denominator, value, n: u64| Truth {
            metric,
            period_grain: "quarter",
            period_start,
            scope,
            scope_name: name.to_owned(),
            numerator,
            denominator,
            value,
            n,
        };
        let ratio = |metric, above: Fixed6, below: Fixed6, n| {
            figure(metric, Some(above), Some(below), above.ratio(below), n)
        };
        let count = |n: u64| Fixed6::whole(i128::from(n));
        let closed = self.won + self.lost;
        let won_value = Fixed6::cents(self.won_cents);
        let closed_value = Fixed6::cents(self.won_cents + self.lost_cents);
        // Never 0 or 1 only because one side is not known.
        let one_sided =
            (self.won > 0 && self.won_valued == 0) || (self.lost > 0 && self.lost_valued == 0);
        let mut figures = vec![
            ratio("win_rate_count", count(self.won), count(closed), closed),
            figure(
                "win_rate_value",
                Some(won_value),
                Some(closed_value),
                won_value.ratio(closed_value).filter(|_| !one_sided),
                self.won_valued + self.lost_valued,
            ),
        ];
        if self.won > 0 {
            let days = self.cycles.iter().copied().map(i128::from).sum();
            let sized = self.sizes.len() as u64;
            let cycle_median = median(&mut self.cycles, Fixed6::whole);
            let size_median = median(&mut self.sizes, Fixed6::cents);
            figures.push(ratio("sales_cycle_mean", Fixed6::whole(days), count(self.won), self.won));
            figures.push(figure("sales_cycle_median", None, None, cycle_median, self.won));
            figures.push(ratio(
                "deal_size_won_average",
                Fixed6::cents(self.won_cents),
                count(sized),
                sized,
            ));
            figures.push(figure("deal_size_won_median", None, None, size_median, sized));
        }
        figures
    }
}

/// The middle value, or halfway between the two middle ones.
fn median(values: &mut [i64], scale: impl Fn(i128) -> Fixed6) -> Option<Fixed6> {
    values.sort_unstable();
    let middle = values.len() / 2;
    let upper = i128::from(*values.get(middle)?);
    let lower = if values.len().is_multiple_of(2) { i128::from(values[middle - 1]) } else { upper };
    scale(lower + upper).ratio(Fixed6::whole(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        let median =
            |values: &[i64]| median(&mut values.to_vec(), Fixed6::whole).map(|m| m.to_string());
        assert_eq!(median(&[3, 1, 2]).as_deref(), Some("2.000000"));
        assert_eq!(median(&[4, 1, 2, 3]).as_deref(), Some("2.500000"));
        assert_eq!(median(&[]), None);
    }
}
