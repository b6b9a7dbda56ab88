//! Companies: the world's accounts.

use super::analytics_source;
use crate::hubspot::ids::{self, Kind};
use crate::hubspot::property::Property;
use crate::hubspot::table::{Head, Object};
use crate::hubspot::view::View;
use crate::world::{Customer, Instant};

pub(super) struct Companies;

type P = Property<Customer>;

static PROPERTIES: &[P] = &[
    P::text("name", "Company name", |_, c, v| v.text(&c.it.name)),
    P::text("domain", "Company Domain Name", |_, c, v| v.maybe(c.it.domain.as_deref())),
    P::choice("industry", "Industry", &[], |_, c, v| v.word(c.it.industry)),
    P::text("country", "Country/Region", |_, c, v| v.text(c.it.country)),
    P::number("annualrevenue", "Annual Revenue", |_, c, v| v.money(Some(c.it.annual_revenue))),
    P::number("numberofemployees", "Number of Employees", |_, c, v| v.whole(c.it.employees)),
    P::number("hs_parent_company_id", "Parent Company", |_, c, v| {
        v.maybe_whole(c.it.parent.map(|parent| Kind::Companies.id(parent)));
    }),
    P::choice("hubspot_owner_id", "Company owner", &[], |_, c, v| {
        v.whole(ids::owner(c.it.owner));
    }),
    P::choice("hs_analytics_source", "Original Traffic Source", &[], |_, c, v| {
        v.word(analytics_source(super::pick(super::SOURCES, c.number)));
    }),
];

impl Object for Companies {
    type Item = Customer;
    type Memo = ();

    fn kind(&self) -> Kind {
        Kind::Companies
    }

    fn properties(&self) -> &'static [P] {
        PROPERTIES
    }

    fn scan(&self, view: &View, each: &mut dyn FnMut(Head)) {
        for number in 0..view.world.account_count() {
            let account = view.world.account(number);
            each(Head {
                number,
                home: 0,
                created: account.created_at,
                modified: account.modified_at,
                deleted: account.deleted_at,
                merged_into: account.merged_into,
            });
        }
    }

    fn item(&self, view: &View, number: u64, _: u64, (): &mut ()) -> Option<Customer> {
        (number < view.world.account_count()).then(|| view.world.account(number))
    }

    fn created(&self, account: &Customer) -> Instant {
        account.created_at
    }

    fn deleted(&self, account: &Customer) -> Option<Instant> {
        account.deleted_at
    }
}
