//! Contracts, the portal's custom object: one for each deal that was ever won. Where the deal was
//! reopened or deleted since, the contract is in the archive.

use crate::Stage;
use crate::hubspot::ids::{self, Kind};
use crate::hubspot::property::Property;
use crate::hubspot::table::{Head, Object};
use crate::hubspot::view::View;
use crate::world::{DealEvent, Instant, Opportunity};

pub(super) struct Contracts;

/// A contract.
pub(super) struct Contract {
    deal: Opportunity,
    signed: Instant,
    modified: Instant,
    void: Option<Instant>,
}

type P = Property<Contract>;

static PROPERTIES: &[P] = &[
    P::text("contract_number", "Contract number", |_, c, v| {
        v.text(&format!("C-{:07}", c.number + 1));
    })
    .custom(),
    P::number("contract_value", "Contract value", |_, c, v| v.money(c.it.deal.amount)).custom(),
    P::choice("contract_currency", "Currency", &[], |_, c, v| v.word(c.it.deal.currency)).custom(),
    P::date("signed_on", "Signed on", |_, c, v| v.date(Some(c.it.signed.date_naive()))).custom(),
    P::choice("hubspot_owner_id", "Owner", &[], |_, c, v| v.whole(ids::owner(c.it.deal.owner))),
];

impl Object for Contracts {
    type Item = Contract;
    type Memo = ();

    fn kind(&self) -> Kind {
        Kind::Contracts
    }

    fn properties(&self) -> &'static [P] {
        PROPERTIES
    }

    fn scan(&self, view: &View, each: &mut dyn FnMut(Head)) {
        for number in 0..view.world.deal_count() {
            if let Some(contract) = contract(view.world.deal(number)) {
                each(Head {
                    number,
                    home: 0,
                    created: contract.signed,
                    modified: contract.modified,
                    deleted: contract.void,
                    merged_into: None,
                });
            }
        }
    }

    fn item(&self, view: &View, number: u64, _: u64, (): &mut ()) -> Option<Contract> {
        contract(view.world.deal(number))
    }

    fn created(&self, contract: &Contract) -> Instant {
        contract.signed
    }

    fn deleted(&self, contract: &Contract) -> Option<Instant> {
        contract.void
    }

    fn links(&self, _: &View, contract: &Contract, to: Kind) -> Vec<u64> {
        match to {
            Kind::Deals => vec![contract.deal.index],
            Kind::Companies => contract.deal.account.into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

/// The contract that came of a deal.
fn contract(deal: Opportunity) -> Option<Contract> {
    if deal.merged_into.is_some() {
        return None;
    }
    let changes = || deal.history.iter();
    let signed = changes()
        .find(|change| matches!(change.what, DealEvent::Stage { to: Stage::ClosedWon, .. }))?
        .at;
    let reopened = changes()
        .rev()
        .find(|change| matches!(change.what, DealEvent::Stage { from: Stage::ClosedWon, .. }))
        .map(|change| change.at)
        .filter(|_| deal.stage != Stage::ClosedWon);
    let counting =
        |what: &DealEvent| !matches!(what, DealEvent::Deleted | DealEvent::Merged { .. });
    let last = changes().rev().find(|change| counting(&change.what));
    let modified = last.map_or(signed, |change| change.at).max(signed);
    let void = [reopened, deal.deleted_at].into_iter().flatten().min();
    Some(Contract { signed, modified, void, deal })
}
