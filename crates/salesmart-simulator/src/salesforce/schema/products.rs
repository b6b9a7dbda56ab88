//! Products and their prices.

use super::{
    Audit, Numbering, Object, Record, Spot, Type, at, currency, field, identity, link, money, of,
    one, picklist, reference, user,
};
use crate::salesforce::value::Value;

/// A getter of a product by its place.
macro_rules! product {
    ($variant:ident, $product:pat_param => $body:expr) => {
        of!($variant, reader, index => match reader.org.products.get(*index) {
            Some($product) => $body,
            None => Value::Null,
        })
    };
}

/// The audit fields of what was entered once, with its product.
macro_rules! entered {
    ($variant:ident) => {
        Audit {
            created: product!($variant, p => at(p.created_at)),
            created_by: |_, _| user(0),
            modified: product!($variant, p => at(p.created_at)),
            modified_by: |_, _| user(0),
        }
    };
}

pub(super) fn objects(objects: &mut Vec<Object>) {
    objects.push(products());
    objects.push(pricebooks());
    objects.push(prices());
}

fn products() -> Object {
    let mut fields = identity(true);
    fields.extend([
        field("Name", Type::Text, product!(Product, p => Value::text(p.name))).required(),
        field(
            "ProductCode",
            Type::Text,
            product!(Product, p => {
                Value::made(format!("P-{:04}", p.index))
            }),
        ),
        field("Description", Type::TextArea, |_, _| Value::Null).long(4_000),
        field("IsActive", Type::Boolean, |_, _| Value::Bool(true)).required(),
        field("IsArchived", Type::Boolean, |_, _| Value::Bool(false)).required(),
        picklist("Family", &[], product!(Product, p => Value::text(p.family))),
        currency(|_, _| Value::text("USD")),
    ]);
    fields.extend(entered!(Product).fields());
    Object {
        name: "Product2",
        label: "Product",
        plural: "Products",
        prefix: *b"01t",
        load: |reader, unit, _| {
            let unit = usize::try_from(unit).ok()?;
            (unit < reader.org.products.len()).then_some(Record::Product(unit))
        },
        ..one_a_product(fields)
    }
}

fn prices() -> Object {
    let mut fields = identity(true);
    fields.extend([
        field("Name", Type::Text, product!(Price, p => Value::text(p.name))),
        reference("Pricebook2Id", &["Pricebook2"], "Pricebook2", |_, _| link(*b"01s", 1))
            .required(),
        reference(
            "Product2Id",
            &["Product2"],
            "Product2",
            product!(Price, p => {
                link(*b"01t", p.index as u64)
            }),
        )
        .required(),
        field(
            "ProductCode",
            Type::Text,
            product!(Price, p => {
                Value::made(format!("P-{:04}", p.index))
            }),
        ),
        field("UnitPrice", Type::Currency, product!(Price, p => money(p.list_price))).required(),
        field("IsActive", Type::Boolean, |_, _| Value::Bool(true)).required(),
        field("UseStandardPrice", Type::Boolean, |_, _| Value::Bool(false)).required(),
        currency(|_, _| Value::text("USD")),
    ]);
    fields.extend(entered!(Price).fields());
    Object {
        name: "PricebookEntry",
        label: "Price Book Entry",
        plural: "Price Book Entries",
        prefix: *b"01u",
        load: |reader, unit, _| {
            let unit = usize::try_from(unit).ok()?;
            (unit < reader.org.products.len()).then_some(Record::Price(unit))
        },
        ..one_a_product(fields)
    }
}

/// An object with one row a product.
fn one_a_product(fields: Vec<super::Field>) -> Object {
    Object {
        name: "",
        label: "",
        plural: "",
        prefix: *b"000",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: true,
        is_bulkable: true,
        is_committed_late: false,
        fields,
        units: |org| one(0..org.products.len() as u64),
        spots: |org, unit, tell| {
            if let Some(product) =
                usize::try_from(unit).ok().and_then(|unit| org.products.get(unit))
            {
                let entered = product.created_at.timestamp();
                tell(Spot { place: 0, stamp: entered, created: entered, deleted: false });
            }
        },
        load: |_, _, _| None,
    }
}

fn pricebooks() -> Object {
    let mut fields = identity(true);
    let founded: super::Getter = |reader, _| Value::Instant(reader.org.founded());
    fields.extend([
        field("Name", Type::Text, |_, _| Value::text("Standard Price Book")).required(),
        field("Description", Type::Text, |_, _| Value::Null),
        field("IsActive", Type::Boolean, |_, _| Value::Bool(true)).required(),
        field("IsStandard", Type::Boolean, |_, _| Value::Bool(true)).required(),
    ]);
    fields.extend(
        Audit {
            created: founded,
            created_by: |_, _| user(0),
            modified: founded,
            modified_by: |_, _| user(0),
        }
        .fields(),
    );
    Object {
        name: "Pricebook2",
        label: "Price Book",
        plural: "Price Books",
        prefix: *b"01s",
        units: |_| one(1..2),
        spots: |org, _, tell| {
            let founded = org.founded();
            tell(Spot { place: 0, stamp: founded, created: founded, deleted: false });
        },
        load: |_, unit, _| (unit == 1).then_some(Record::Pricebook(())),
        ..one_a_product(fields)
    }
}
