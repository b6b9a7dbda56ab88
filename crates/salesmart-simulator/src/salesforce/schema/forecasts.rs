//! Forecasts: quotas, and the figures that Salesforce rolls up for every user, month and category.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::deals::{CATEGORIES, CATEGORY_NAMES, category_name, category_place};
use super::reference::{month_number, month_period};
use super::{
    Audit, Field, Getter, Numbering, Object, Record, Spot, Type, at, currency, field, identity,
    link, money, of, one, picklist, reference, user,
};
use crate::Cents;
use crate::salesforce::org::{Org, Reader};
use crate::salesforce::value::Value;
use crate::world::{Instant, Opportunity, Role};

/// How many bits of an item's unit are the month; the rest is the person.
const MONTH_BITS: u32 = 9;

/// How many bits of an item's number are the category.
const CATEGORY_BITS: u32 = 3;

/// The figures of one user, month and category, in the corporate currency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forecast {
    person: usize,
    month: u64,
    category: usize,
    /// Their own deals.
    own: Cents,
    /// With those of their team.
    total: Cents,
    /// What they said it will be.
    call: Option<Cents>,
}

/// A deal's part in an item.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    deal: Arc<Opportunity>,
    month: u64,
}

/// The sums of all open periods.
#[derive(Debug, Default)]
pub(crate) struct Forecasts {
    /// Cents by person and month, one for each category.
    sums: BTreeMap<(usize, u64), [i64; 6]>,
    /// The newest call by person, month and category.
    calls: BTreeMap<(usize, u64, usize), (Instant, Cents)>,
}

/// The months that forecasts are kept for: from the quarter before today's, for five quarters.
fn window(org: &Org) -> std::ops::Range<u64> {
    let today = month_number(org.today);
    let into_quarter = (today + 12 - u64::from(org.fiscal_start - 1)) % 3;
    let quarter = today - into_quarter;
    quarter.saturating_sub(3)..quarter + 12
}

impl Forecasts {
    /// Adds up all deals that are due in the window.
    pub(crate) fn gather(org: &Org) -> Self {
        let window = window(org);
        let parts = org.in_parallel(0..org.world.deal_count(), |range| {
            let mut sums: BTreeMap<(usize, u64), [i64; 6]> = BTreeMap::new();
            for index in range {
                let deal = org.world.deal(index);
                if let Some((month, amount)) = due(org, &deal) {
                    let sum = sums.entry((deal.owner, month)).or_default();
                    sum[category_place(deal.category)] += amount.0;
                }
            }
            sums
        });
        let mut all = Self::default();
        for ((person, month), sums) in parts.into_iter().flatten() {
            // A manager's figures hold their team's, the head's everybody's.
            let above = |person: usize| org.people.get(person).and_then(|p| p.manager);
            let chain = std::iter::successors(Some(person), |person| above(*person));
            // No company is eight levels high; a circle would be endless.
            for holder in chain.take(8) {
                let entry = all.sums.entry((holder, month)).or_default();
                for (into, sum) in entry.iter_mut().zip(sums) {
                    *into += sum;
                }
            }
        }
        for call in org.world.forecast_calls() {
            let month = month_number(call.month);
            if window.contains(&month) {
                let key = (call.person, month, category_place(call.category));
                let newest = all.calls.entry(key).or_insert((call.submitted_at, call.amount));
                if newest.0 <= call.submitted_at {
                    *newest = (call.submitted_at, call.amount);
                }
            }
        }
        all
    }
}

/// The month a deal counts in, and what with, in the corporate currency.
fn due(org: &Org, deal: &Opportunity) -> Option<(u64, Cents)> {
    let month = month_number(deal.expected_close);
    let counts = deal.deleted_at.is_none()
        && category_place(deal.category) > 0
        && window(org).contains(&month);
    let amount = deal.amount.unwrap_or(Cents(0));
    counts.then(|| (month, org.corporate(amount, deal.currency, deal.expected_close)))
}

fn item_unit(person: usize, month: u64) -> u64 {
    (person as u64) << MONTH_BITS | month
}

fn has_items(org: &Org, person: usize, month: u64) -> bool {
    let is_here = org.people.get(person).is_some_and(|person| person.end.is_none());
    is_here || org.forecasts().sums.contains_key(&(person, month))
}

/// The figures of an item.
fn forecast(reader: &Reader<'_>, unit: u64, category: u64) -> Option<Forecast> {
    let org = reader.org;
    let month = unit & ((1 << MONTH_BITS) - 1);
    let person = usize::try_from(unit >> MONTH_BITS).ok()?;
    let category = usize::try_from(category).ok().filter(|place| (1..6).contains(place))?;
    if !window(org).contains(&month) || !has_items(org, person, month) {
        return None;
    }
    let of = |person: usize| org.forecasts().sums.get(&(person, month)).map_or(0, |s| s[category]);
    let total = of(person);
    let is_rep = org.people.get(person).is_some_and(|person| person.role == Role::Rep);
    let below: i64 = if is_rep {
        0
    } else {
        let reports = (0..org.people.len()).filter(|p| org.people[*p].manager == Some(person));
        reports.map(of).sum()
    };
    Some(Forecast {
        person,
        month,
        category,
        own: Cents(total - below),
        total: Cents(total),
        call: org.forecasts().calls.get(&(person, month, category)).map(|(_, amount)| *amount),
    })
}

pub(super) fn objects(objects: &mut Vec<Object>) {
    objects.push(types());
    objects.push(quotas());
    objects.push(items());
    objects.push(facts());
}

/// An object with nothing in it yet.
fn blank(fields: Vec<Field>) -> Object {
    Object {
        name: "",
        label: "",
        plural: "",
        prefix: *b"000",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: false,
        is_bulkable: true,
        is_committed_late: false,
        fields,
        units: |_| Vec::new(),
        spots: |_, _, _| {},
        load: |_, _, _| None,
    }
}

fn type_link() -> Value<'static> {
    link(*b"0Db", 1)
}

fn types() -> Object {
    let founded: Getter = |reader, _| Value::Instant(reader.org.founded());
    let mut fields = identity(true);
    fields.extend([
        field("DeveloperName", Type::Text, |_, _| Value::text("OpportunityRevenue")).long(80),
        field("MasterLabel", Type::Text, |_, _| Value::text("Opportunity Revenue")).long(80),
        field("IsActive", Type::Boolean, |_, _| Value::Bool(true)).required(),
        field("IsAmount", Type::Boolean, |_, _| Value::Bool(true)).required(),
        field("IsQuantity", Type::Boolean, |_, _| Value::Bool(false)).required(),
        picklist("DateType", &["OpportunityCloseDate"], |_, _| Value::text("OpportunityCloseDate")),
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
        name: "ForecastingType",
        label: "Forecast Type",
        plural: "Forecast Types",
        prefix: *b"0Db",
        units: |_| one(1..2),
        spots: |org, _, tell| {
            let founded = org.founded();
            tell(Spot { place: 0, stamp: founded, created: founded, deleted: false });
        },
        load: |_, unit, _| (unit == 1).then_some(Record::ForecastType(())),
        ..blank(fields)
    }
}

fn quotas() -> Object {
    let mut fields = identity(false);
    fields.extend([
        reference("QuotaOwnerId", &["User"], "QuotaOwner", of!(Quota, q => user(q.person)))
            .required(),
        field("QuotaAmount", Type::Currency, of!(Quota, q => money(q.amount))),
        field("QuotaQuantity", Type::Double, of!(Quota, _ => Value::Null)),
        field("IsAmount", Type::Boolean, |_, _| Value::Bool(true)).required(),
        field("IsQuantity", Type::Boolean, |_, _| Value::Bool(false)).required(),
        field("StartDate", Type::Date, of!(Quota, q => Value::Date(q.month))).required(),
        reference(
            "PeriodId",
            &["Period"],
            "Period",
            of!(Quota, q => {
                Value::Id(month_period(month_number(q.month)))
            }),
        ),
        reference("ForecastingTypeId", &["ForecastingType"], "ForecastingType", |_, _| type_link())
            .required(),
        picklist("ProductFamily", &[], of!(Quota, _ => Value::Null)),
        currency(of!(Quota, q => Value::text(q.currency))),
    ]);
    fields.extend(
        Audit {
            created: of!(Quota, q => at(q.created_at)),
            created_by: |_, _| user(0),
            modified: of!(Quota, q => at(q.modified_at)),
            modified_by: |_, _| user(0),
        }
        .fields(),
    );
    Object {
        name: "ForecastingQuota",
        label: "Forecasting Quota",
        plural: "Forecasting Quotas",
        prefix: *b"0J9",
        units: |org| one(0..org.quotas.last().map_or(0, |quota| quota.index + 1)),
        spots: |org, unit, tell| {
            if let Ok(place) = org.quotas.binary_search_by_key(&unit, |quota| quota.index) {
                let quota = &org.quotas[place];
                tell(Spot {
                    place: 0,
                    stamp: quota.modified_at.timestamp(),
                    created: quota.created_at.timestamp(),
                    deleted: false,
                });
            }
        },
        load: |reader, unit, _| {
            let quotas = &reader.org.quotas;
            let place = quotas.binary_search_by_key(&unit, |quota| quota.index).ok()?;
            Some(Record::Quota(quotas[place]))
        },
        ..blank(fields)
    }
}

fn items() -> Object {
    let zero: Getter = |_, _| money(Cents(0));
    let said: Getter = of!(Forecast, f => money(f.call.unwrap_or(f.total)));
    let total: Getter = of!(Forecast, f => money(f.total));
    let mut fields = identity(false);
    fields.extend([
        reference("OwnerId", &["User"], "Owner", of!(Forecast, f => user(f.person))).required(),
        reference(
            "PeriodId",
            &["Period"],
            "Period",
            of!(Forecast, f => {
                Value::Id(month_period(f.month))
            }),
        )
        .required(),
        // No way from here to the type: queries over it are refused by Salesforce, too.
        field("ForecastingTypeId", Type::Reference, |_, _| type_link()).required(),
        picklist(
            "ForecastCategoryName",
            &CATEGORY_NAMES,
            of!(Forecast, f => {
                Value::text(CATEGORY_NAMES[f.category])
            }),
        ),
        picklist(
            "ForecastingItemCategory",
            &["PipelineOnly", "BestCaseOnly", "MostLikelyOnly", "CommitOnly", "ClosedOnly"],
            of!(Forecast, f => Value::made(match CATEGORIES[f.category] {
                "Forecast" => "CommitOnly".to_owned(),
                other => format!("{other}Only"),
            })),
        ),
        field("ForecastAmount", Type::Currency, said),
        field("AmountWithoutAdjustments", Type::Currency, total),
        field("AmountWithoutManagerAdjustment", Type::Currency, said),
        field("AmountWithoutOwnerAdjustment", Type::Currency, total),
        field("OwnerOnlyAmount", Type::Currency, of!(Forecast, f => money(f.own))),
        field("ForecastQuantity", Type::Double, zero),
        field("QuantityWithoutAdjustments", Type::Double, zero),
        field("QuantityWithoutManagerAdjustment", Type::Double, zero),
        field("QuantityWithoutOwnerAdjustment", Type::Double, zero),
        field("OwnerOnlyQuantity", Type::Double, zero),
        field("HasAdjustment", Type::Boolean, of!(Forecast, f => Value::Bool(f.call.is_some())))
            .required(),
        field(
            "HasOwnerAdjustment",
            Type::Boolean,
            of!(Forecast, f => Value::Bool(f.call.is_some())),
        )
        .required(),
        field("IsAmount", Type::Boolean, |_, _| Value::Bool(true)).required(),
        field("IsQuantity", Type::Boolean, |_, _| Value::Bool(false)).required(),
        field("IsUpToDate", Type::Boolean, |reader, _| {
            Value::Bool(reader.org.forecasts_up_to_date)
        })
        .required(),
        reference(
            "ParentForecastingItemId",
            &["ForecastingItem"],
            "ParentForecastingItem",
            of!(Forecast, reader, f => {
                let manager = reader.org.people.get(f.person).and_then(|person| person.manager);
                manager.map_or(Value::Null, |manager| item_link(manager, f.month, f.category))
            }),
        ),
        picklist("ProductFamily", &[], |_, _| Value::Null),
        currency(|_, _| Value::text("USD")),
    ]);
    Object {
        name: "ForecastingItem",
        label: "Forecasting Item",
        plural: "Forecasting Items",
        prefix: *b"0J7",
        numbering: Numbering::Places(CATEGORY_BITS),
        is_bulkable: false,
        units: |org| {
            let window = window(org);
            let people = 0..org.people.len();
            people.map(|p| item_unit(p, window.start)..item_unit(p, window.end)).collect()
        },
        spots: |org, unit, tell| {
            let month = unit & ((1 << MONTH_BITS) - 1);
            let person = usize::try_from(unit >> MONTH_BITS).unwrap_or(usize::MAX);
            if has_items(org, person, month) {
                for place in 1..6 {
                    tell(Spot { place, stamp: 0, created: 0, deleted: false });
                }
            }
        },
        load: |reader, unit, place| forecast(reader, unit, place).map(Record::Forecast),
        ..blank(fields)
    }
}

fn item_link(person: usize, month: u64, category: usize) -> Value<'static> {
    link(*b"0J7", item_unit(person, month) << CATEGORY_BITS | category as u64)
}

fn facts() -> Object {
    let mut fields = identity(false);
    fields.extend([
        reference(
            "ForecastingItemId",
            &["ForecastingItem"],
            "ForecastingItem",
            of!(Fact, f => {
                item_link(f.deal.owner, f.month, category_place(f.deal.category))
            }),
        )
        .required(),
        reference(
            "OpportunityId",
            &["Opportunity"],
            "Opportunity",
            of!(Fact, f => {
                link(*b"006", f.deal.index)
            }),
        )
        .required(),
        reference("OwnerId", &["User"], "Owner", of!(Fact, f => user(f.deal.owner))).required(),
        reference(
            "PeriodId",
            &["Period"],
            "Period",
            of!(Fact, f => Value::Id(month_period(f.month))),
        )
        .required(),
        field("ForecastingTypeId", Type::Reference, |_, _| type_link()).required(),
        picklist(
            "ForecastCategoryName",
            &CATEGORY_NAMES,
            of!(Fact, f => {
                Value::text(category_name(f.deal.category))
            }),
        ),
        field("ForecastedObjectId", Type::Reference, of!(Fact, f => link(*b"006", f.deal.index))),
    ]);
    Object {
        name: "ForecastingFact",
        label: "Forecasting Fact",
        plural: "Forecasting Facts",
        prefix: *b"0J8",
        is_bulkable: false,
        units: |org| one(0..org.world.deal_count()),
        spots: |org, unit, tell| {
            if due(org, &org.world.deal(unit)).is_some() {
                tell(Spot { place: 0, stamp: 0, created: 0, deleted: false });
            }
        },
        load: |reader, unit, _| {
            let deal = reader.deal(unit)?;
            due(reader.org, &deal).map(|(month, _)| Record::Fact(Fact { deal, month }))
        },
        ..blank(fields)
    }
}
