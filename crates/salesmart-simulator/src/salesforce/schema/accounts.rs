//! Accounts and their contacts.

use super::{
    Audit, Numbering, Object, Presence, Record, Spot, Type, at, currency, field, identity,
    maybe_link, money, of, one, picklist, reference, user,
};
use crate::salesforce::value::{Decimal, Value};

/// How many bits of a contact's number are its place at the account.
const PLACE_BITS: u32 = 3;

pub(super) fn objects(objects: &mut Vec<Object>) {
    objects.push(accounts());
    objects.push(contacts());
}

fn accounts() -> Object {
    let mut fields = identity(true);
    fields.extend([
        reference(
            "MasterRecordId",
            &["Account"],
            "MasterRecord",
            of!(Account, a => {
                maybe_link(*b"001", a.merged_into)
            }),
        ),
        field("Name", Type::Text, of!(Account, a => Value::text(&a.name))).required(),
        picklist(
            "Type",
            &["Prospect", "Customer", "Partner"],
            of!(Account, a => {
                Value::text(if a.index.is_multiple_of(3) { "Customer" } else { "Prospect" })
            }),
        ),
        reference(
            "ParentId",
            &["Account"],
            "Parent",
            of!(Account, a => maybe_link(*b"001", a.parent)),
        ),
        field("BillingStreet", Type::TextArea, of!(Account, _ => Value::Null)).long(255),
        field("BillingCity", Type::Text, of!(Account, _ => Value::Null)).long(40),
        field("BillingState", Type::Text, of!(Account, _ => Value::Null)).long(80),
        field("BillingPostalCode", Type::Text, of!(Account, _ => Value::Null)).long(20),
        field("BillingCountry", Type::Text, of!(Account, a => Value::text(a.country))).long(80),
        field("BillingAddress", Type::Address, of!(Account, a => Value::Address(a.country))),
        field(
            "Website",
            Type::Url,
            of!(Account, a => match &a.domain {
                Some(domain) => Value::made(format!("https://www.{domain}")),
                None => Value::Null,
            }),
        ),
        picklist("Industry", &[], of!(Account, a => Value::text(a.industry))),
        field("AnnualRevenue", Type::Currency, of!(Account, a => money(a.annual_revenue))),
        field("NumberOfEmployees", Type::Int, of!(Account, a => Value::Int(a.employees))),
        reference("OwnerId", &["User"], "Owner", of!(Account, a => user(a.owner))).required(),
        currency(|_, _| Value::text("USD")),
        // A formula over the account's own fields.
        field(
            "Segment__c",
            Type::Text,
            of!(Account, a => Value::text(match a.employees {
                ..200 => "Small",
                200..2_000 => "Medium",
                _ => "Large",
            })),
        )
        .formula(),
        field(
            "Legacy_Code__c",
            Type::Text,
            of!(Account, a => {
                Value::made(format!("L-{:06}", a.index))
            }),
        )
        .long(20)
        .when(Presence::Removed),
        field("Rating__c", Type::Double, of!(Account, a => rating(a.index)))
            .when(Presence::BeforeRetyping),
        field(
            "Rating__c",
            Type::Text,
            of!(Account, a => match rating(a.index) {
                Value::Number(number) => Value::made(format!("{} of 10", number.unscaled)),
                other => other,
            }),
        )
        .when(Presence::AfterRetyping),
    ]);
    fields.extend(
        Audit {
            created: of!(Account, a => at(a.created_at)),
            created_by: of!(Account, a => user(a.owner)),
            modified: of!(Account, a => at(a.modified_at)),
            modified_by: of!(Account, a => user(a.owner)),
        }
        .fields(),
    );
    Object {
        name: "Account",
        label: "Account",
        plural: "Accounts",
        prefix: *b"001",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: true,
        is_bulkable: true,
        is_committed_late: true,
        fields,
        units: |org| one(0..org.world.account_count()),
        spots: |org, unit, tell| {
            let account = org.world.account(unit);
            tell(Spot {
                place: 0,
                stamp: account.modified_at.timestamp(),
                created: account.created_at.timestamp(),
                deleted: account.deleted_at.is_some(),
            });
        },
        load: |reader, unit, _| {
            let world = &reader.org.world;
            (unit < world.account_count()).then(|| Record::Account(world.account(unit)))
        },
    }
}

/// A number from 1 to 10; some have none.
fn rating(account: u64) -> Value<'static> {
    match account % 11 {
        0 => Value::Null,
        rating => Value::Number(Decimal::new(rating, 0)),
    }
}

fn contacts() -> Object {
    let mut fields = identity(true);
    fields.extend([
        reference(
            "MasterRecordId",
            &["Contact"],
            "MasterRecord",
            of!(Contact, c => {
                maybe_link(*b"003", c.merged_into)
            }),
        ),
        reference(
            "AccountId",
            &["Account"],
            "Account",
            of!(Contact, c => {
                maybe_link(*b"001", Some(c.account))
            }),
        ),
        field("LastName", Type::Text, of!(Contact, c => Value::text(&c.last_name)))
            .long(80)
            .required(),
        field("FirstName", Type::Text, of!(Contact, c => Value::text(&c.first_name))).long(40),
        field(
            "Name",
            Type::Text,
            of!(Contact, c => {
                Value::made(format!("{} {}", c.first_name, c.last_name))
            }),
        )
        .long(121)
        .required(),
        field("Email", Type::Email, of!(Contact, c => Value::maybe(c.email.as_deref()))),
        field("Title", Type::Text, of!(Contact, c => Value::text(c.title))).long(128),
        field(
            "HasOptedOutOfEmail",
            Type::Boolean,
            of!(Contact, c => {
                Value::Bool(c.index.is_multiple_of(29))
            }),
        )
        .required(),
        reference("OwnerId", &["User"], "Owner", of!(Contact, c => user(c.owner))),
        currency(|_, _| Value::text("USD")),
    ]);
    fields.extend(
        Audit {
            created: of!(Contact, c => at(c.created_at)),
            created_by: of!(Contact, c => user(c.owner)),
            modified: of!(Contact, c => at(c.modified_at)),
            modified_by: of!(Contact, c => user(c.owner)),
        }
        .fields(),
    );
    Object {
        name: "Contact",
        label: "Contact",
        plural: "Contacts",
        prefix: *b"003",
        id_base: 0,
        numbering: Numbering::Places(PLACE_BITS),
        is_replicateable: true,
        is_bulkable: true,
        is_committed_late: true,
        fields,
        units: |org| one(0..org.world.account_count()),
        spots: |org, unit, tell| {
            for contact in org.world.contacts_of(unit) {
                tell(Spot {
                    place: contact.index & ((1 << PLACE_BITS) - 1),
                    stamp: contact.modified_at.timestamp(),
                    created: contact.created_at.timestamp(),
                    deleted: contact.deleted_at.is_some(),
                });
            }
        },
        load: |reader, unit, place| {
            let world = &reader.org.world;
            let wanted = unit << PLACE_BITS | place;
            (unit < world.account_count())
                .then(|| world.contacts_of(unit))?
                .into_iter()
                .find(|contact| contact.index == wanted)
                .map(Record::Contact)
        },
    }
}
