//! Deals: what is drawn about them, the life that is meant for them, and what has happened of it
//! until now.

mod life;
mod nature;
mod saves;
mod terms;

#[cfg(test)]
mod tests;

use chrono::{Datelike, Days, NaiveDate, Weekday};

use crate::Stage;
use crate::calendar::office_hours;
use crate::chance::{Dice, Purpose};
use crate::words::{COMPETITORS, LOST_REASONS, PRODUCTS};

use super::core::Core;
use super::{Instant, Opportunity};

pub(super) use life::Life;
pub(super) use nature::Nature as DealNature;
#[cfg(test)]
pub(super) use saves::State;

use nature::Nature;

impl Core {
    /// A deal as of `now`, which is not before its creation.
    pub(super) fn deal(&self, index: u64, now: Instant) -> Option<Opportunity> {
        let nature = self.nature(index)?;
        let life = self.life(index, &nature);
        let (state, history) = self.record(index, &nature, &life, now);
        let mut modified_at = state.modified_at;
        let last_activity = self.last_activity(index, &nature, &life, now);
        if let Some((_, known)) = last_activity {
            modified_at = modified_at.max(known);
        }
        let merged_from = self.absorbs(index).filter(|(_, at)| *at <= now);
        if let Some((_, at)) = merged_from {
            modified_at = modified_at.max(at);
        }
        // A merged account is stood for by the one it was merged into, for deals that are there.
        let (account, since) = match nature.account {
            Some(account) => {
                let until = state.deleted_at.unwrap_or(now);
                let (account, since) = self.account_at(account, until);
                (Some(account), since)
            }
            None => (None, None),
        };
        if let Some(since) = since {
            modified_at = modified_at.max(since);
        }
        let (lost_reason, competitor) = self.loss(index, state.stage);
        Some(Opportunity {
            index,
            name: self.deal_name(&nature),
            account,
            contact: nature.contact,
            owner: state.owner,
            product: nature.product,
            kind: match nature.occasion {
                "expansion" | "second site" => "Expansion",
                "replacement" => "Renewal",
                _ => "New business",
            },
            source: nature.source,
            stage: state.stage,
            amount: state.amount,
            currency: nature.currency,
            probability: state.probability,
            category: state.category,
            next_step: state.next_step,
            created_at: nature.created_at,
            modified_at,
            qualified_at: state.qualified_at,
            expected_close: state.close,
            closed_at: state.closed_at,
            lost_reason,
            competitor,
            last_activity_at: last_activity.map(|(at, _)| at),
            push_count: state.push_count,
            deleted_at: state.deleted_at,
            merged_into: state.merged_into,
            merged_from: merged_from.map(|(deal, _)| deal),
            lines: self.lines(index, &nature, state.amount),
            splits: self.splits(index, &nature, state.owner),
            history,
        })
    }

    fn deal_name(&self, nature: &Nature) -> String {
        let (product, occasion) = (PRODUCTS[nature.product].name, nature.occasion);
        match nature.account {
            Some(account) => {
                let account = self.account_name(account).0;
                let mut name = String::with_capacity(account.len() + product.len() + 20);
                for part in [&account, " – ", product, ", ", occasion] {
                    name.push_str(part);
                }
                name
            }
            None => format!("{product}, {occasion}"),
        }
    }

    /// Why a deal was lost, and to whom, while it is lost.
    fn loss(&self, deal: u64, stage: Stage) -> (Option<&'static str>, Option<&'static str>) {
        if stage != Stage::ClosedLost {
            return (None, None);
        }
        let mut dice = self.dice(Purpose::Terms, 2 << 40 | deal);
        let reason = dice.pick(&LOST_REASONS);
        let knows = dice.happens(if reason == "Competitor" { 0.95 } else { 0.25 });
        (Some(reason), knows.then(|| dice.pick(&COMPETITORS)))
    }
}

/// Some second of office hours, on the first working day at least so many days after a day.
pub(super) fn office_after(dice: &mut Dice, day: NaiveDate, days: u64) -> Instant {
    let day = day + Days::new(days);
    let day = match day.weekday() {
        Weekday::Sat => day + Days::new(2),
        Weekday::Sun => day + Days::new(1),
        _ => day,
    };
    office_hours(dice, day)
}
