//! Notes: what reps wrote down when a deal was lost.

use crate::hubspot::ids::{self, Kind};
use crate::hubspot::property::Property;
use crate::hubspot::table::{Head, Object};
use crate::hubspot::value::millis;
use crate::hubspot::view::View;
use crate::world::{Instant, Opportunity};

pub(super) struct Notes;

type P = Property<Opportunity>;

static PROPERTIES: &[P] = &[
    P::text("hs_note_body", "Note body", |_, d, v| {
        let reason = d.it.lost_reason.unwrap_or("no reason given");
        match d.it.competitor {
            Some(competitor) => v.text(&format!("<p>Lost to {competitor}: {reason}</p>")),
            None => v.text(&format!("<p>Lost: {reason}</p>")),
        }
    }),
    P::instant("hs_timestamp", "Activity date", |_, d, v| v.instant(d.it.closed_at.map(millis))),
    P::choice("hubspot_owner_id", "Activity assigned to", &[], |_, d, v| {
        v.whole(ids::owner(d.it.owner));
    }),
];

impl Object for Notes {
    type Item = Opportunity;
    type Memo = ();

    fn kind(&self) -> Kind {
        Kind::Notes
    }

    fn properties(&self) -> &'static [P] {
        PROPERTIES
    }

    fn scan(&self, view: &View, each: &mut dyn FnMut(Head)) {
        for number in 0..view.world.deal_count() {
            let deal = view.world.deal(number);
            if let (Some(at), Some(_), None) = (deal.closed_at, deal.lost_reason, deal.merged_into)
            {
                each(Head {
                    number,
                    home: 0,
                    created: at,
                    modified: at,
                    deleted: deal.deleted_at,
                    merged_into: None,
                });
            }
        }
    }

    fn item(&self, view: &View, number: u64, _: u64, (): &mut ()) -> Option<Opportunity> {
        (number < view.world.deal_count()).then(|| view.world.deal(number))
    }

    fn created(&self, deal: &Opportunity) -> Instant {
        deal.closed_at.unwrap_or(deal.created_at)
    }

    fn deleted(&self, deal: &Opportunity) -> Option<Instant> {
        deal.deleted_at
    }

    fn links(&self, _: &View, deal: &Opportunity, to: Kind) -> Vec<u64> {
        match to {
            Kind::Deals => vec![deal.index],
            _ => Vec::new(),
        }
    }
}
