//! One deal from its creation to its outcome, or to where it stands.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::calendar::{self, closing_day, first_of_month, office_hours, working_day};
use crate::chance::{self, Purpose, lognormal};
use crate::words::{LOST_REASONS, OCCASIONS, PRODUCTS};
use crate::{Cents, Company};

/// An ordinary deal's amount, in cents; larger ones take longer and are won less often.
const ORDINARY_AMOUNT: f64 = 2_000_000.0;

/// Where a deal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Nobody knows yet whether there is anything in it.
    Prospecting,
    /// The first stage that counts as qualified.
    Qualified,
    /// The customer has a proposal.
    Proposal,
    /// Terms are being agreed.
    Negotiation,
    /// Won.
    ClosedWon,
    /// Lost.
    ClosedLost,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Stage; 6] = [
        Stage::Prospecting,
        Stage::Qualified,
        Stage::Proposal,
        Stage::Negotiation,
        Stage::ClosedWon,
        Stage::ClosedLost,
    ];

    /// Its name in the CRM.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stage::Prospecting => "Prospecting",
            Stage::Qualified => "Qualified",
            Stage::Proposal => "Proposal",
            Stage::Negotiation => "Negotiation",
            Stage::ClosedWon => "Closed Won",
            Stage::ClosedLost => "Closed Lost",
        }
    }

    /// `open`, `won` or `lost`.
    #[must_use]
    pub fn outcome(self) -> &'static str {
        match self {
            Stage::ClosedWon => "won",
            Stage::ClosedLost => "lost",
            _ => "open",
        }
    }

    /// Whether it counts as qualified.
    #[must_use]
    pub fn is_qualified(self) -> bool {
        !matches!(self, Stage::Prospecting | Stage::ClosedLost)
    }

    /// The chance of winning that the CRM assumes, in millionths.
    #[must_use]
    pub fn probability(self) -> u32 {
        match self {
            Stage::Prospecting => 50_000,
            Stage::Qualified => 200_000,
            Stage::Proposal => 450_000,
            Stage::Negotiation => 700_000,
            Stage::ClosedWon => 1_000_000,
            Stage::ClosedLost => 0,
        }
    }
}

/// A deal as the CRM holds it at the end of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct Deal {
    /// Its number, from 0, in the order of the days of creation.
    pub index: u64,
    /// The number of its account; now and then nobody entered one.
    pub account: Option<u64>,
    /// The place of its owner among [`Company::users`].
    pub owner: usize,
    /// The place of its product.
    pub product: usize,
    /// What it is about.
    pub occasion: &'static str,
    /// Where it stands.
    pub stage: Stage,
    /// Its amount; some open deals have none yet.
    pub amount: Option<Cents>,
    /// The chance of winning that the rep sees, in millionths.
    pub probability: u32,
    /// When it was entered.
    pub created_at: DateTime<Utc>,
    /// When it entered the first qualified stage, if it did.
    pub engaged_at: Option<DateTime<Utc>>,
    /// When it is planned to close; of closed deals, the day they closed.
    pub expected_close: NaiveDate,
    /// When it was won or lost.
    pub closed_at: Option<DateTime<Utc>>,
    /// Why it was lost.
    pub lost_reason: Option<&'static str>,
    /// When anybody last did anything about it.
    pub last_activity_at: DateTime<Utc>,
    /// How often its planned close was moved out.
    pub push_count: u32,
}

/// What is drawn about a deal before its dates are.
struct Nature {
    amount: Cents,
    qualified: bool,
    won: bool,
    /// Forgotten: nobody closes it for a long time.
    neglected: bool,
    /// Days from creation to the outcome, left alone.
    cycle: f64,
    /// Days the rep plans with at creation.
    planned: f64,
}

impl Deal {
    pub(crate) fn generate(company: &Company, index: u64) -> Self {
        let rng = &mut chance::stream(company.seed, Purpose::Deal, index);
        let share =
            (chance::float(index) + 1.0 - rng.random::<f64>()) / chance::float(company.size.deals);
        let created = company.window.day_of_share(share);
        let created_at = office_hours(rng, created);
        let owner = company.organisation.owner(created, rng.random());
        let product = product(rng);
        let occasion = chance::pick(rng, &OCCASIONS);
        let nature = Nature::draw(company, rng, owner, product, occasion, created);
        let account = account(company, rng, index, owner, created);

        let due = created + whole_days(nature.cycle);
        let closes = closing_day(rng, due).max(created);
        let halfway = u64::try_from((closes - created).num_days() / 2).unwrap_or(0);
        let engages = created + whole_days(lognormal(rng, 6.0, 0.9)).min(Days::new(halfway));
        let engaged_at = office_hours(rng, working_day(engages).max(created))
            .max(created_at + TimeDelta::minutes(20));
        let closed_at = office_hours(rng, closes).max(engaged_at + TimeDelta::minutes(30));
        let end = company.window.end();

        let mut deal = Self {
            index,
            account,
            owner,
            product,
            occasion,
            stage: Stage::Prospecting,
            amount: Some(nature.amount),
            probability: 0,
            created_at,
            engaged_at: Some(engaged_at).filter(|at| nature.qualified && *at <= end),
            expected_close: closes,
            closed_at: Some(closed_at).filter(|at| *at <= end),
            lost_reason: None,
            last_activity_at: closed_at,
            push_count: pushes(
                created + whole_days(nature.planned),
                closes.min(company.window.as_of),
            ),
        };
        if deal.closed_at.is_some() {
            deal.close(rng, &nature);
        } else {
            deal.stand_open(company, rng, &nature, due);
        }
        let held_until = deal.closed_at.map_or(company.window.as_of, |at| at.date_naive());
        deal.owner = company.organisation.holder(owner, held_until);
        deal
    }

    /// Fills in what is known of a closed deal.
    fn close(&mut self, rng: &mut ChaCha8Rng, nature: &Nature) {
        self.stage = if nature.won { Stage::ClosedWon } else { Stage::ClosedLost };
        self.probability = self.stage.probability();
        if !nature.won {
            self.lost_reason = Some(chance::pick(rng, &LOST_REASONS));
        }
        // Some lost deals are set to nothing, and some pilots are free.
        let to_nothing = if nature.won { 0.04 } else { 0.01 };
        if (!nature.won || self.occasion == "pilot") && rng.random_bool(to_nothing) {
            self.amount = Some(Cents(0));
        }
    }

    /// Fills in where an open deal stands at the end of the history.
    fn stand_open(
        &mut self,
        company: &Company,
        rng: &mut ChaCha8Rng,
        nature: &Nature,
        due: NaiveDate,
    ) {
        let as_of = company.window.as_of;
        let created = self.created_at.date_naive();
        let age = chance::float(u64::try_from((as_of - created).num_days()).unwrap_or(0));
        let progress = age / nature.cycle;
        self.stage = match progress {
            _ if self.engaged_at.is_none() => Stage::Prospecting,
            ..0.45 => Stage::Qualified,
            ..0.75 => Stage::Proposal,
            _ => Stage::Negotiation,
        };
        // Reps add or take away some of what the stage says.
        let opinion = rng.random_range(0..=8_u32) * 12_500;
        self.probability = (self.stage.probability() + opinion).saturating_sub(50_000);
        let unknown = if self.stage == Stage::Prospecting { 0.12 } else { 0.01 };
        if rng.random_bool(unknown) {
            self.amount = None;
        }
        let (quiet, planned) = if nature.neglected {
            (age * rng.random_range(0.4..0.8), created + whole_days(nature.planned))
        } else {
            (-5.0 * (1.0 - rng.random::<f64>()).ln(), due)
        };
        // Plans like month ends.
        self.expected_close = if rng.random_bool(0.6) {
            first_of_month(planned) + Months::new(1) - Days::new(1)
        } else {
            working_day(planned)
        };
        let last = working_day(as_of - Days::new(chance::floor(quiet)).min(Days::new(3_000)));
        self.last_activity_at = office_hours(rng, last)
            .max(self.engaged_at.unwrap_or(self.created_at))
            .min(company.window.end());
    }

    /// The deal after somebody worked on it once more.
    pub(crate) fn a_night_later(mut self, company: &Company) -> Self {
        self.push_count += 1;
        if self.closed_at.is_none() {
            self.expected_close = self.expected_close + Days::new(30);
            self.last_activity_at = company.window.end();
        } else {
            // A correction of a twentieth; what was nothing stays nothing.
            self.amount = self.amount.map(|amount| Cents(amount.0 + amount.0 / 20));
        }
        self
    }

    /// Whole days from creation to the outcome, counted by calendar day.
    #[must_use]
    pub fn cycle_days(&self) -> Option<i64> {
        self.closed_at.map(|at| (at.date_naive() - self.created_at.date_naive()).num_days())
    }
}

impl Nature {
    fn draw(
        company: &Company,
        rng: &mut ChaCha8Rng,
        owner: usize,
        product: usize,
        occasion: &str,
        created: NaiveDate,
    ) -> Self {
        let user = &company.organisation.users[owner];
        let team = &company.organisation.teams[user.team.expect("deals are owned by reps")];
        let dearer = 1.06_f64.powf(calendar::years_between(company.window.start, created));
        let factor = lognormal(rng, team.deal_factor * dearer, 0.6);
        let amount = price(rng, PRODUCTS[product].list_price, factor);
        let size = chance::float(amount.0.unsigned_abs()) / ORDINARY_AMOUNT;

        let qualified = rng.random_bool(0.86);
        let occasion_helps = match occasion {
            "expansion" => 0.55,
            "second site" => 0.3,
            "pilot" => -0.15,
            _ => 0.0,
        };
        let chance_to_win =
            chance::logistic(-0.35 + user.skill.closing + occasion_helps - 0.22 * size.ln());
        let won = qualified && rng.random_bool(chance_to_win);
        let neglected = !won && rng.random_bool(0.07);
        let pace = size.powf(0.25) * user.skill.pace;
        let left_alone = match (won, qualified) {
            (true, _) => lognormal(rng, 44.0 * pace, 0.5),
            (false, true) => lognormal(rng, 36.0 * pace, 0.75),
            (false, false) => lognormal(rng, 20.0, 0.7),
        };
        let cycle = if neglected { 3.0 * left_alone + 90.0 } else { left_alone };
        let planned = 40.0 * pace * rng.random_range(0.7..1.3);
        Self { amount, qualified, won, neglected, cycle: cycle.clamp(1.0, 1_500.0), planned }
    }
}

/// A price a rep would quote: mostly a round one, sometimes with an odd discount.
fn price(rng: &mut ChaCha8Rng, list_price: i64, factor: f64) -> Cents {
    let exact = chance::round(chance::float(list_price.unsigned_abs()) * factor).max(5_000);
    if rng.random_bool(0.7) { Cents((exact + 2_500) / 5_000 * 5_000) } else { Cents(exact) }
}

fn product(rng: &mut ChaCha8Rng) -> usize {
    let mut draw: f64 = rng.random();
    for (place, product) in PRODUCTS.iter().enumerate() {
        draw -= product.weight;
        if draw < 0.0 {
            return place;
        }
    }
    PRODUCTS.len() - 1
}

/// Whom the deal is with. One deal in the middle, and a few more, have nobody.
fn account(
    company: &Company,
    rng: &mut ChaCha8Rng,
    index: u64,
    owner: usize,
    created: NaiveDate,
) -> Option<u64> {
    let draw: f64 = rng.random();
    let forgotten = rng.random_bool(0.003) || index == company.size.deals / 2;
    let team = company.organisation.users[owner].team.expect("deals are owned by reps");
    let region = company.organisation.teams[team].region_index;
    (!forgotten).then(|| company.buyer(region, company.window.progress(created), draw))
}

/// How often a plan was moved out until `until`: about once a month.
fn pushes(planned: NaiveDate, until: NaiveDate) -> u32 {
    let months = (until.year() - planned.year()) * 12 + i32::try_from(until.month0()).unwrap_or(0)
        - i32::try_from(planned.month0()).unwrap_or(0);
    u32::try_from(months.clamp(0, 9)).unwrap_or(0)
}

fn whole_days(days: f64) -> Days {
    Days::new(chance::floor(days.max(0.0)))
}
