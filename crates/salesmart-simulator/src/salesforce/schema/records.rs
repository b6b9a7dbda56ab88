//! What a row is made from.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::world::{
    Activity, Contact, Customer, DealEvent, ForecastCategory, Instant, Lead, Line, Opportunity,
    Quota, Split,
};
use crate::{Cents, Stage};

use super::forecasts::{Fact, Forecast};
use super::history::FieldChange;
use super::reference::{CurrencyRow, PeriodRow, RateRow};

/// The record of a row.
pub(crate) enum Record {
    Organization(()),
    Person(usize),
    Role(usize),
    Account(Customer),
    Contact(Contact),
    Lead(Arc<Lead>),
    Deal(Arc<Opportunity>),
    Line((Arc<Opportunity>, Line)),
    Split((Arc<Opportunity>, Split)),
    SplitType(bool),
    Snapshot(Snapshot),
    Field(FieldChange),
    Product(usize),
    Pricebook(()),
    Price(usize),
    Stage(Stage),
    Period(PeriodRow),
    Currency(CurrencyRow),
    Rate(RateRow),
    ForecastType(()),
    Quota(Quota),
    Forecast(Forecast),
    Fact(Fact),
    Activity(Arc<Activity>),
    Campaign(u64),
}

/// A deal as it was after a save.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) deal: Arc<Opportunity>,
    pub(crate) at: Instant,
    pub(crate) by: usize,
    pub(crate) stage: Stage,
    pub(crate) amount: Option<Cents>,
    pub(crate) close: NaiveDate,
    pub(crate) probability: u32,
    pub(crate) category: ForecastCategory,
}

impl Snapshot {
    /// A deal after each save that changed its amount, probability, stage or close date, oldest
    /// first.
    pub(crate) fn all(deal: &Arc<Opportunity>) -> Vec<Snapshot> {
        let mut snapshots: Vec<Snapshot> = Vec::new();
        // What was at the beginning is what the first change came from.
        let probability = deal.history.iter().find_map(|change| match change.what {
            DealEvent::Probability { from, .. } => Some(from),
            _ => None,
        });
        let category = deal.history.iter().find_map(|change| match change.what {
            DealEvent::Category { from, .. } => Some(from),
            _ => None,
        });
        let first = deal.history.first();
        let mut now = Snapshot {
            deal: Arc::clone(deal),
            at: first.map_or(deal.created_at, |change| change.at),
            by: first.map_or(deal.owner, |change| change.by),
            stage: deal.stage,
            amount: deal.amount,
            close: deal.expected_close,
            probability: probability.unwrap_or(deal.probability),
            category: category.unwrap_or(deal.category),
        };
        for save in deal.history.chunk_by(|a, b| a.at == b.at && a.by == b.by) {
            let mut is_kept = false;
            for change in save {
                (now.at, now.by) = (change.at, change.by);
                is_kept |= match change.what {
                    DealEvent::Created { stage, amount, close, .. } => {
                        (now.stage, now.amount, now.close) = (stage, amount, close);
                        true
                    }
                    DealEvent::Stage { to, .. } => {
                        now.stage = to;
                        true
                    }
                    DealEvent::Amount { to, .. } => {
                        now.amount = to;
                        true
                    }
                    DealEvent::Close { to, .. } => {
                        now.close = to;
                        true
                    }
                    DealEvent::Probability { to, .. } => {
                        now.probability = to;
                        true
                    }
                    DealEvent::Category { to, .. } => {
                        now.category = to;
                        false
                    }
                    _ => false,
                };
            }
            if is_kept {
                snapshots.push(now.clone());
            }
        }
        snapshots
    }
}
