//! Products of the price list; none is ever deleted.

use crate::hubspot::ids::Kind;
use crate::hubspot::property::Property;
use crate::hubspot::table::{Head, Object};
use crate::hubspot::view::View;
use crate::world::{Instant, Product};

pub(super) struct Products;

type P = Property<Product>;

static PROPERTIES: &[P] = &[
    P::text("name", "Name", |_, p, v| v.text(p.it.name)),
    P::text("description", "Product description", |_, p, v| v.text(p.it.family)),
    P::number("price", "Unit price", |_, p, v| v.money(Some(p.it.list_price))),
    P::text("hs_sku", "SKU", |_, p, v| v.text(&format!("FH-{:03}", p.number + 1))),
    P::choice("product_family", "Product family", &[], |_, p, v| v.word(p.it.family)).custom(),
];

impl Object for Products {
    type Item = Product;
    type Memo = ();

    fn kind(&self) -> Kind {
        Kind::Products
    }

    fn properties(&self) -> &'static [P] {
        PROPERTIES
    }

    fn scan(&self, view: &View, each: &mut dyn FnMut(Head)) {
        for product in view.world.products() {
            each(Head {
                number: product.index as u64,
                home: 0,
                created: product.created_at,
                modified: product.created_at,
                deleted: None,
                merged_into: None,
            });
        }
    }

    fn item(&self, view: &View, number: u64, _: u64, (): &mut ()) -> Option<Product> {
        view.world.products().get(usize::try_from(number).ok()?).cloned()
    }

    fn created(&self, product: &Product) -> Instant {
        product.created_at
    }

    fn deleted(&self, _: &Product) -> Option<Instant> {
        None
    }
}
