//! What currencies are worth: a rate a month, published on the month's first day.

use chrono::{Months, NaiveDate};

use crate::Cents;
use crate::calendar::{Window, first_of_month};
use crate::chance::{self, Dice, Purpose};

use super::Rate;

/// The corporate currency.
pub(crate) const CORPORATE: &str = "USD";

/// The others, with what they were worth to begin with: units for one US dollar.
const OTHERS: [(&str, f64); 6] =
    [("AUD", 1.52), ("CAD", 1.36), ("EUR", 0.92), ("GBP", 0.79), ("JPY", 148.0), ("SGD", 1.34)];

const ONE: i64 = 1_000_000;

/// The rates of all months up to the horizon.
#[derive(Clone, Debug)]
pub(crate) struct RateTable {
    first_month: NaiveDate,
    /// Each currency's rates, month by month; none without other currencies.
    series: Vec<(&'static str, Vec<i64>)>,
}

impl RateTable {
    pub(crate) fn new(seed: u64, currencies: bool, window: &Window) -> Self {
        let first_month = first_of_month(window.start);
        let months = 1 + crate::organisation::months_between(first_month, window.horizon());
        let others: &[_] = if currencies { &OTHERS } else { &[] };
        let series = others
            .iter()
            .zip(0..)
            .map(|((currency, begins_at), place)| {
                let mut dice = Dice::new(seed, Purpose::Rate, place);
                let mut rate = *begins_at;
                let rates = std::iter::repeat_with(|| {
                    let now = chance::round(rate * 1e6);
                    rate *= (0.018 * dice.normal().clamp(-2.5, 2.5)).exp();
                    now
                });
                (*currency, rates.take(months).collect())
            })
            .collect();
        Self { first_month, series }
    }

    /// What a currency was worth to begin with, for prices.
    pub(crate) fn first(&self, currency: &str) -> f64 {
        self.months_of(currency).map_or(1.0, |rates| chance::money(rates[0]) / 1e6)
    }

    fn months_of(&self, currency: &str) -> Option<&Vec<i64>> {
        self.series.iter().find(|(name, _)| *name == currency).map(|(_, rates)| rates)
    }

    /// The rate of a day as far as it is published by `today`: of days to come the newest, of
    /// days before the first the first.
    pub(crate) fn on(&self, currency: &str, day: NaiveDate, today: NaiveDate) -> i64 {
        let Some(rates) = self.months_of(currency) else { return ONE };
        let month = crate::organisation::months_between(self.first_month, day.min(today));
        rates[month.min(rates.len() - 1)]
    }

    /// An amount in the corporate currency, rounded half away from zero.
    pub(crate) fn corporate(
        &self,
        amount: Cents,
        currency: &str,
        day: NaiveDate,
        today: NaiveDate,
    ) -> Cents {
        let rate = self.on(currency, day, today);
        if rate == ONE { amount } else { convert(amount, rate) }
    }

    /// Every rate that is published by `today`.
    pub(crate) fn published(&self, today: NaiveDate) -> Vec<Rate> {
        let mut rates =
            vec![Rate { currency: CORPORATE, from: self.first_month, to: None, rate: ONE }];
        for (currency, months) in &self.series {
            for (month, rate) in (0..).zip(months) {
                let from = self.first_month + Months::new(month);
                if from > today {
                    break;
                }
                let next = from + Months::new(1);
                let to = Some(next).filter(|next| *next <= today);
                rates.push(Rate { currency, from, to, rate: *rate });
            }
        }
        rates
    }
}

/// Amount ÷ rate, rounded half away from zero.
fn convert(amount: Cents, rate: i64) -> Cents {
    let doubled = i128::from(amount.0) * i128::from(ONE) * 2 / i128::from(rate);
    let cents = (doubled + doubled.signum()) / 2;
    Cents(i64::try_from(cents).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_rounds_half_away_from_zero() {
        assert_eq!(convert(Cents(1_000), 2_000_000), Cents(500));
        assert_eq!(convert(Cents(1), 2_000_000), Cents(1));
        assert_eq!(convert(Cents(-1), 2_000_000), Cents(-1));
        assert_eq!(convert(Cents(100), 3_000_000), Cents(33));
        assert_eq!(convert(Cents(200), 3_000_000), Cents(67));
    }

    #[test]
    fn a_rate_holds_for_its_month_and_is_not_known_before() {
        let as_of: NaiveDate = "2026-09-30".parse().unwrap();
        let window = Window::new(as_of, as_of + chrono::Days::new(90));
        let table = RateTable::new(1, true, &window);
        let rates = table.published(as_of);
        assert!(rates.iter().all(|rate| rate.from <= as_of && rate.rate > 0));
        let euros: Vec<_> = rates.iter().filter(|rate| rate.currency == "EUR").collect();
        assert_eq!(euros.len(), 24);
        for pair in euros.windows(2) {
            assert_eq!(pair[0].to, Some(pair[1].from));
        }
        let last = euros[euros.len() - 1];
        assert_eq!(last.to, None);
        assert_eq!(table.on("EUR", "2027-03-01".parse().unwrap(), as_of), last.rate);
        assert_eq!(table.on("EUR", euros[3].from, as_of), euros[3].rate);
        assert_eq!(table.on("USD", as_of, as_of), ONE);
        let next = "2026-10-01".parse().unwrap();
        let later = table.published(next);
        assert_eq!(later.len(), rates.len() + 6);
    }
}
