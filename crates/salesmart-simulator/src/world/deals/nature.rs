//! What is drawn about a deal before its life is: whose it is, with whom, about what, how large,
//! and whether it will be won.

use chrono::NaiveDate;

use crate::Cents;
use crate::calendar::{FISCAL_YEAR_STARTS, quarter_start, years_between};
use crate::chance::{self, Dice, Purpose};
use crate::words::{OCCASIONS, PRODUCTS, SOURCES};
use crate::world::Instant;
use crate::world::core::Core;

/// An ordinary deal's amount, in corporate cents; larger ones take longer and are won less often.
const ORDINARY_AMOUNT: f64 = 2_000_000.0;

/// Deals among which one is entered twice.
const BLOCK: u64 = 128;

/// What is drawn about a deal at its creation.
pub(in crate::world) struct Nature {
    pub(in crate::world) created_at: Instant,
    /// The first owner.
    pub(in crate::world) owner: usize,
    /// The region of its first owner.
    pub(in crate::world) region: usize,
    pub(in crate::world) product: usize,
    pub(in crate::world) occasion: &'static str,
    pub(in crate::world) source: &'static str,
    pub(in crate::world) account: Option<u64>,
    pub(in crate::world) contact: Option<u64>,
    pub(in crate::world) currency: &'static str,
    /// What it will come to, in its own currency.
    pub(super) amount: Cents,
    pub(super) qualified: bool,
    pub(super) won: bool,
    /// Forgotten: nobody closes it for a long time.
    pub(super) neglected: bool,
    /// Days in which somebody works on it.
    pub(super) active: f64,
    /// Days from creation to the outcome; more than the active ones of neglected deals.
    pub(super) cycle: f64,
    /// Days the rep plans with at creation.
    pub(super) planned: f64,
}

/// What a deal has to do with the one before it, which is the same deal entered twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::world) struct Twin {
    /// The deal that this one is a second entry of.
    pub(in crate::world) of: u64,
    /// When it is merged into that; none: beyond the horizon.
    pub(in crate::world) merged_at: Option<Instant>,
}

impl Core {
    /// Whether a deal is a second entry.
    pub(in crate::world) fn twin(&self, deal: u64) -> Option<Twin> {
        let (first, last) = self.twins_around(deal)?;
        (deal > first && deal <= last)
            .then(|| Twin { of: deal - 1, merged_at: self.merged_at(deal, last) })
    }

    /// Whether another deal is a second entry of this one, and when it goes.
    pub(in crate::world) fn absorbs(&self, deal: u64) -> Option<(u64, Instant)> {
        let (first, last) = self.twins_around(deal)?;
        let twin = deal + 1;
        if deal < first || twin > last {
            return None;
        }
        Some((twin, self.merged_at(twin, last)?))
    }

    /// The deals of the block that are one: the first and the last of two or three.
    fn twins_around(&self, deal: u64) -> Option<(u64, u64)> {
        if self.tidy {
            return None;
        }
        let mut dice = self.dice(Purpose::Duplicate, (1 << 40) | (deal / BLOCK));
        let first = deal / BLOCK * BLOCK + dice.below(BLOCK - 2);
        let last = first + 1 + u64::from(dice.happens(0.3));
        Some((first, last))
    }

    /// Of three, the last goes first, and the second goes with it later.
    fn merged_at(&self, deal: u64, last: u64) -> Option<Instant> {
        let mut dice = self.dice(Purpose::Duplicate, (2 << 40) | last);
        let created = self.deal_created(last)?.date_naive();
        let mut at = super::office_after(&mut dice, created, 1);
        for _ in deal..last {
            let days = 1 + dice.below(14);
            at = super::office_after(&mut dice, at.date_naive(), days);
        }
        Some(at)
    }

    /// What is drawn about a deal; none: it is created beyond the horizon.
    pub(in crate::world) fn nature(&self, deal: u64) -> Option<Nature> {
        let nature = self.own_nature(deal)?;
        let Some(twin) = self.twin(deal) else { return Some(nature) };
        // A second entry is of the same account and about the same thing.
        let first = self.nature(twin.of)?;
        let day = nature.created_at.date_naive();
        let contact =
            first.account.map(|account| self.counterpart(account, nature.created_at, deal));
        let (owner, _) = self.organisation.holder(first.owner, day);
        Some(Nature {
            owner,
            contact,
            account: first.account,
            product: first.product,
            occasion: first.occasion,
            currency: first.currency,
            amount: first.amount,
            ..nature
        })
    }

    fn own_nature(&self, deal: u64) -> Option<Nature> {
        let created_at = self.deal_created(deal)?;
        let created = created_at.date_naive();
        let dice = &mut self.dice(Purpose::Deal, deal);
        let owner = self.organisation.owner(created, dice.unit());
        let product = product(dice);
        let occasion = dice.pick(&OCCASIONS);
        let source = dice.pick(&SOURCES);
        let member = &self.organisation.members[owner];
        let team = &self.organisation.teams[self.organisation.team_on(owner, created)];

        let buyer = dice.unit();
        let forgotten = dice.happens(0.003) || deal == self.deals / 2;
        let account = (!forgotten).then(|| self.buyer(team.region_index, created, buyer));
        let who = dice.bits();
        let contact = account.map(|account| self.counterpart(account, created_at, who));

        let dearer = 1.06_f64.powf(years_between(self.window.start, created));
        let factor = dice.lognormal(team.deal_factor * dearer, 0.6);
        let dollars = price(dice, PRODUCTS[product].list_price, factor);
        let size = chance::money(dollars.0) / ORDINARY_AMOUNT;
        let qualified = dice.happens(0.86);
        let occasion_helps = match occasion {
            "expansion" => 0.55,
            "second site" => 0.3,
            "pilot" => -0.15,
            _ => 0.0,
        };
        // The last quarter of the fiscal year has budgets to spend.
        let season = match quarter_start(created, FISCAL_YEAR_STARTS) {
            quarter if quarter == fiscal_last_quarter(created) => 0.12,
            _ => 0.0,
        };
        let chance_to_win = chance::logistic(
            -0.35 + member.skill.closing + occasion_helps + season - 0.22 * size.ln(),
        );
        let won = dice.happens(chance_to_win) && qualified;
        let neglected = dice.happens(0.07) && !won;
        let pace = size.powf(0.25) * member.skill.pace;
        let active = match (won, qualified) {
            (true, _) => dice.lognormal(44.0 * pace, 0.5),
            (false, true) => dice.lognormal(36.0 * pace, 0.75),
            (false, false) => dice.lognormal(20.0, 0.7),
        };
        let cycle = if neglected { 3.0 * active + 90.0 } else { active };
        let local = self.rates.first(team.currency);
        let amount = if local == 1.0 { dollars } else { in_local(dollars, local) };
        Some(Nature {
            created_at,
            owner,
            region: team.region_index,
            product,
            occasion,
            source,
            account,
            contact,
            currency: team.currency,
            amount,
            qualified,
            won,
            neglected,
            active: active.clamp(1.0, 1_000.0),
            cycle: cycle.clamp(1.0, 1_500.0),
            planned: 40.0 * pace * dice.between(0.7, 1.3),
        })
    }
}

/// The fiscal quarter that ends the fiscal year, if `day` lies in one.
fn fiscal_last_quarter(day: NaiveDate) -> NaiveDate {
    let next_year = quarter_start(day, FISCAL_YEAR_STARTS) + chrono::Months::new(3);
    match chrono::Datelike::month(&next_year) {
        FISCAL_YEAR_STARTS => quarter_start(day, FISCAL_YEAR_STARTS),
        _ => NaiveDate::MIN,
    }
}

/// A price in a local currency, with about as many digits that are not 0.
fn in_local(dollars: Cents, rate: f64) -> Cents {
    let step = if rate > 20.0 { 100_000 } else { 5_000 };
    let exact = chance::round(chance::money(dollars.0) * rate);
    if dollars.0 % 5_000 == 0 {
        Cents(((exact + step / 2) / step * step).max(step))
    } else {
        Cents(exact)
    }
}

/// A price a rep would quote: mostly a round one, sometimes with an odd discount.
fn price(dice: &mut Dice, list_price: i64, factor: f64) -> Cents {
    let exact = chance::round(chance::money(list_price) * factor).max(5_000);
    if dice.happens(0.7) { Cents((exact + 2_500) / 5_000 * 5_000) } else { Cents(exact) }
}

fn product(dice: &mut Dice) -> usize {
    let mut draw = dice.unit();
    for (place, product) in PRODUCTS.iter().enumerate() {
        draw -= product.weight;
        if draw < 0.0 {
            return place;
        }
    }
    PRODUCTS.len() - 1
}
