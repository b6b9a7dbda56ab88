//! One deal as an export shows it.

use chrono::{DateTime, Days, NaiveDate, Utc};

use crate::world::Opportunity;
use crate::{Cents, Company};

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
    /// Its number, from 0, in the order of creation.
    pub index: u64,
    /// Its name.
    pub name: String,
    /// The number of its account; now and then nobody entered one.
    pub account: Option<u64>,
    /// The place of its owner among [`Company::users`].
    pub owner: usize,
    /// The place of its product.
    pub product: usize,
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

impl From<Opportunity> for Deal {
    fn from(deal: Opportunity) -> Self {
        Self {
            index: deal.index,
            name: deal.name,
            account: deal.account,
            owner: deal.owner,
            product: deal.product,
            stage: deal.stage,
            amount: deal.amount,
            probability: deal.probability,
            created_at: deal.created_at,
            engaged_at: deal.qualified_at,
            expected_close: deal.expected_close,
            closed_at: deal.closed_at,
            lost_reason: deal.lost_reason,
            // Whatever was done counts: who was in touch, or who moved it.
            last_activity_at: deal.last_activity_at.unwrap_or(deal.created_at),
            push_count: deal.push_count,
        }
    }
}

impl Deal {
    /// The deal after somebody worked on it once more.
    pub(crate) fn a_night_later(mut self, company: &Company) -> Self {
        self.push_count += 1;
        if self.closed_at.is_none() {
            self.expected_close = self.expected_close + Days::new(30);
            self.last_activity_at = company.as_of_instant();
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
