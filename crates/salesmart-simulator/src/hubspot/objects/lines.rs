//! Line items: the lines of deals. They change with their deal, and go with it.

use super::deals;
use crate::Cents;
use crate::hubspot::ids::Kind;
use crate::hubspot::property::Property;
use crate::hubspot::table::{Head, Object};
use crate::hubspot::view::View;
use crate::world::{Instant, Line, Opportunity};

pub(super) struct Lines;

/// Numbers that a deal has for its lines.
const PLACES: u64 = 8;

/// A line with what it takes from its deal.
pub(super) struct Shown {
    line: Line,
    currency: &'static str,
    created: Instant,
    deleted: Option<Instant>,
}

type P = Property<Shown>;

static PROPERTIES: &[P] = &[
    P::text("name", "Name", |view, l, v| {
        v.maybe(view.world.products().get(l.it.line.product).map(|product| product.name));
    }),
    P::number("hs_product_id", "Product ID", |_, l, v| {
        v.whole(Kind::Products.id(l.it.line.product as u64));
    }),
    P::number("quantity", "Quantity", |_, l, v| v.whole(l.it.line.quantity)),
    P::number("price", "Unit price", |_, l, v| v.money(Some(l.it.line.unit_price))),
    P::number("amount", "Net price", |_, l, v| {
        v.money(Some(Cents(l.it.line.unit_price.0 * i64::from(l.it.line.quantity))));
    })
    .calculated(),
    P::choice("hs_line_item_currency_code", "Currency", &[], |_, l, v| v.word(l.it.currency)),
    P::number("hs_position_on_quote", "Position", |_, l, v| v.whole(l.number % PLACES)),
];

impl Object for Lines {
    type Item = Shown;
    /// The deal that was looked at last.
    type Memo = Option<Opportunity>;

    fn kind(&self) -> Kind {
        Kind::LineItems
    }

    fn properties(&self) -> &'static [P] {
        PROPERTIES
    }

    fn scan(&self, view: &View, each: &mut dyn FnMut(Head)) {
        for number in 0..view.world.deal_count() {
            let deal = view.world.deal(number);
            // What was merged away took its lines along.
            if deal.merged_into.is_none() {
                let head = deals::head(view, &deal);
                for line in &deal.lines {
                    each(Head { number: line.index, ..head });
                }
            }
        }
    }

    fn item(&self, view: &View, number: u64, _: u64, memo: &mut Self::Memo) -> Option<Shown> {
        let deal = number / PLACES;
        if memo.as_ref().is_none_or(|known| known.index != deal) {
            *memo = Some(view.world.deal(deal));
        }
        let deal = memo.as_ref()?;
        let line = deal.lines.iter().find(|line| line.index == number)?;
        Some(Shown {
            line: *line,
            currency: deal.currency,
            created: deal.created_at,
            deleted: deal.deleted_at,
        })
    }

    fn created(&self, shown: &Shown) -> Instant {
        shown.created
    }

    fn deleted(&self, shown: &Shown) -> Option<Instant> {
        shown.deleted
    }
}
