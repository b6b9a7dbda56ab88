//! What a deal is made of beside its amount: lines that sum to it, and who is credited.

use crate::Cents;
use crate::chance::{self, Purpose};
use crate::words::PRODUCTS;
use crate::world::core::Core;
use crate::world::{Line, Split};

use super::nature::Nature;

impl Core {
    /// The lines of a deal; they sum to its amount. Some deals have none, and none has any before
    /// its amount is known.
    pub(super) fn lines(&self, deal: u64, nature: &Nature, amount: Option<Cents>) -> Vec<Line> {
        let mut dice = self.dice(Purpose::Terms, deal);
        let itemised = dice.happens(0.7);
        let Some(amount) = amount.filter(|_| itemised) else { return Vec::new() };
        let count = [1, 1, 2, 3][chance::index(dice.below(4))];
        let mut rest = amount.0;
        let mut lines = Vec::with_capacity(count);
        for place in 0..count {
            let index = deal * 8 + place as u64;
            let product = if place == 0 {
                nature.product
            } else {
                chance::index(
                    (nature.product as u64 + 1 + dice.below(3) * 2) % PRODUCTS.len() as u64,
                )
            };
            let quantity = 1 + u32::try_from(dice.below(12)).unwrap_or(0);
            let share = dice.between(0.5, 0.8);
            if place + 1 == count {
                // As many as the rest can be divided into.
                let quantity =
                    (1..=quantity).rev().find(|q| rest % i64::from(*q) == 0).unwrap_or(1);
                let unit_price = Cents(rest / i64::from(quantity));
                lines.push(Line { index, product, quantity, unit_price });
            } else {
                let line = chance::round(chance::money(rest) * share);
                let unit_price = Cents(line / i64::from(quantity));
                rest -= unit_price.0 * i64::from(quantity);
                lines.push(Line { index, product, quantity, unit_price });
            }
        }
        lines
    }

    /// Who is credited for a deal: mostly its owner alone.
    pub(super) fn splits(&self, deal: u64, nature: &Nature, owner: usize) -> Vec<Split> {
        let mut dice = self.dice(Purpose::Terms, 1 << 40 | deal);
        let (draw, share) = (dice.unit(), 500 * (3 + u32::try_from(dice.below(8)).unwrap_or(0)));
        let day = nature.created_at.date_naive();
        let teams = self.organisation.teams.len();
        let team = self.organisation.team_on(nature.owner, day);
        let partner = self.organisation.steady((team + 1) % teams);
        let split = |place, person, share, is_overlay| Split {
            index: deal * 8 + place,
            person,
            share,
            is_overlay,
        };
        if partner == owner || draw >= 0.09 {
            return vec![split(0, owner, 10_000, false)];
        }
        if draw < 0.06 {
            return vec![split(0, owner, 10_000 - share, false), split(1, partner, share, false)];
        }
        vec![split(0, owner, 10_000, false), split(1, partner, share, true)]
    }
}
