//! Opportunities, their lines and splits, and the subscriptions that come of won ones.

use std::borrow::Cow;
use std::sync::Arc;

use super::leads::SOURCES;
use super::{
    Audit, Numbering, Object, Presence, Record, Spot, Type, at, currency, field, fiscal_year,
    identity, link, maybe_link, maybe_money, money, of, one, picklist, reference, user,
};
use crate::salesforce::org::Reader;
use crate::salesforce::value::{Decimal, Value};
use crate::world::{DealEvent, ForecastCategory, Line, Opportunity};
use crate::{Cents, Stage};

/// How many bits of a line's or split's number are its place in the deal.
const PLACE_BITS: u32 = 3;

/// The labels of the stages.
const STAGES: [&str; 6] =
    ["Prospecting", "Qualified", "Proposal", "Negotiation", "Closed Won", "Closed Lost"];

/// The categories' fixed codes.
pub(super) const CATEGORIES: [&str; 6] =
    ["Omitted", "Pipeline", "BestCase", "MostLikely", "Forecast", "Closed"];

/// The categories' labels in this org.
pub(super) const CATEGORY_NAMES: [&str; 6] =
    ["Omitted", "Pipeline", "Best Case", "Most Likely", "Commit", "Closed"];

/// A category's place among [`CATEGORIES`].
pub(super) fn category_place(category: ForecastCategory) -> usize {
    match category {
        ForecastCategory::Omitted => 0,
        ForecastCategory::Pipeline => 1,
        ForecastCategory::BestCase => 2,
        ForecastCategory::MostLikely => 3,
        ForecastCategory::Commit => 4,
        ForecastCategory::Closed => 5,
    }
}

/// A category's fixed code.
pub(super) fn category(category: ForecastCategory) -> &'static str {
    CATEGORIES[category_place(category)]
}

/// A category's label.
pub(super) fn category_name(category: ForecastCategory) -> &'static str {
    CATEGORY_NAMES[category_place(category)]
}

/// Millionths as percent.
pub(super) fn percent(millionths: u32) -> Value<'static> {
    Value::Number(Decimal::new(millionths, 4))
}

/// An amount times a probability, rounded half away from zero to cents.
pub(super) fn expected(amount: Option<Cents>, millionths: u32) -> Value<'static> {
    maybe_money(
        amount.map(|amount| divided(i128::from(amount.0) * i128::from(millionths), 1_000_000)),
    )
}

/// A quotient rounded half away from zero.
pub(crate) fn divided(dividend: i128, divisor: i128) -> Cents {
    let half = divisor / 2;
    let rounded =
        if dividend < 0 { (dividend - half) / divisor } else { (dividend + half) / divisor };
    Cents(i64::try_from(rounded).unwrap_or(i64::MAX))
}

/// The last thing that touched the record: people by changing it, the system by what was logged.
pub(super) fn stamp_of(deal: &Opportunity) -> i64 {
    let touched = deal.last_activity_at.filter(|_| deal.deleted_at.is_none());
    touched.map_or(deal.modified_at, |at| at.max(deal.modified_at)).timestamp()
}

/// Who made the last change.
fn changed_by(deal: &Opportunity) -> usize {
    deal.history.last().map_or(deal.owner, |change| change.by)
}

fn created_by(deal: &Opportunity) -> usize {
    deal.history.first().map_or(deal.owner, |change| change.by)
}

/// What a rep noted: some nothing, some what trips readers of CSV, some words that only look empty.
fn description<'r>(reader: &Reader<'_>, deal: &'r Opportunity) -> Value<'r> {
    let text = match deal.index % 16 {
        0..=3 => return Value::Null,
        4 => "N/A".to_owned(),
        5 => "null".to_owned(),
        6 => format!("Wants \"enterprise\" terms,\nsee {}", deal.name),
        7 => format!("{}; {}\r\nRücksprache nötig – 50 % ⇒ 5 %", deal.name, deal.kind),
        8 if reader.has_nul_bytes => format!("Pasted\0from a terminal: {}", deal.name),
        _ => format!("{} from {}", deal.kind, deal.source),
    };
    Value::Text(Cow::Owned(text))
}

/// Days from its creation until it closed, or until today: a formula, so it moves without a stamp.
fn days_open(reader: &Reader<'_>, deal: &Opportunity) -> Value<'static> {
    let end = deal.closed_at.unwrap_or(reader.org.now).date_naive();
    Value::Number(Decimal::new((end - deal.created_at.date_naive()).num_days(), 0))
}

pub(super) fn objects(objects: &mut Vec<Object>) {
    objects.push(opportunities());
    objects.push(lines());
    objects.push(splits());
    objects.push(split_types());
    objects.push(subscriptions());
}

fn opportunities() -> Object {
    let mut fields = identity(true);
    fields.extend([
        reference("AccountId", &["Account"], "Account", of!(Deal, d => maybe_link(*b"001", d.account))),
        reference("ContactId", &["Contact"], "Contact", of!(Deal, d => maybe_link(*b"003", d.contact))),
        field("IsPrivate", Type::Boolean, |_, _| Value::Bool(false)).required(),
        field("Name", Type::Text, of!(Deal, d => Value::text(&d.name))).long(120).required(),
        field("Description", Type::TextArea, of!(Deal, reader, d => description(reader, d))),
        picklist("StageName", &STAGES, of!(Deal, d => Value::text(d.stage.name()))).required(),
        field("Amount", Type::Currency, of!(Deal, d => maybe_money(d.amount))),
        field("Probability", Type::Percent, of!(Deal, d => percent(d.probability))),
        field("ExpectedRevenue", Type::Currency, of!(Deal, d => expected(d.amount, d.probability))),
        field("TotalOpportunityQuantity", Type::Double, of!(Deal, d => {
            let quantity = d.lines.iter().map(|line| u64::from(line.quantity)).sum::<u64>();
            if d.lines.is_empty() { Value::Null } else { Value::Number(Decimal::new(quantity, 0)) }
        })),
        field("CloseDate", Type::Date, of!(Deal, d => Value::Date(d.expected_close))).required(),
        picklist("Type", &["New business", "Renewal", "Expansion"], of!(Deal, d => {
            Value::text(d.kind)
        })),
        field("NextStep", Type::Text, of!(Deal, d => Value::maybe(d.next_step))),
        picklist("LeadSource", &SOURCES, of!(Deal, d => Value::text(d.source))),
        field("IsClosed", Type::Boolean, of!(Deal, d => Value::Bool(d.stage.outcome() != "open")))
            .required(),
        field("IsWon", Type::Boolean, of!(Deal, d => Value::Bool(d.stage.outcome() == "won")))
            .required(),
        picklist("ForecastCategory", &CATEGORIES, of!(Deal, d => Value::text(category(d.category))))
            .required(),
        picklist("ForecastCategoryName", &CATEGORY_NAMES, of!(Deal, d => {
            Value::text(category_name(d.category))
        })),
        currency(of!(Deal, d => Value::text(d.currency))),
        field("HasOpportunityLineItem", Type::Boolean, of!(Deal, d => {
            Value::Bool(!d.lines.is_empty())
        }))
        .required(),
        reference("Pricebook2Id", &["Pricebook2"], "Pricebook2", of!(Deal, d => {
            maybe_link(*b"01s", (!d.lines.is_empty()).then_some(1))
        })),
        reference("OwnerId", &["User"], "Owner", of!(Deal, d => user(d.owner))).required(),
        field("LastActivityDate", Type::Date, of!(Deal, d => match d.last_activity_at {
            Some(at) => Value::Date(at.date_naive()),
            None => Value::Null,
        })),
        field("LastStageChangeDate", Type::DateTime, of!(Deal, d => {
            let moves = d.history.iter().rev();
            let last = moves.clone().find(|change| matches!(change.what, DealEvent::Stage { .. }));
            last.map_or(Value::Null, |change| at(change.at))
        })),
        field("FiscalQuarter", Type::Int, of!(Deal, reader, d => {
            Value::Int(fiscal_year(d.expected_close, reader.org.fiscal_start).1.into())
        })),
        field("FiscalYear", Type::Int, of!(Deal, reader, d => {
            Value::Int(fiscal_year(d.expected_close, reader.org.fiscal_start).0.into())
        })),
        field("Fiscal", Type::Text, of!(Deal, reader, d => {
            let (year, quarter) = fiscal_year(d.expected_close, reader.org.fiscal_start);
            Value::made(format!("{year} {quarter}"))
        }))
        .long(6),
        picklist("Loss_Reason__c", &[], of!(Deal, d => Value::maybe(d.lost_reason))),
        field("Competitor__c", Type::Text, of!(Deal, d => Value::maybe(d.competitor))),
        reference("Merged_Into__c", &["Opportunity"], "Merged_Into__r", of!(Deal, d => {
            maybe_link(*b"006", d.merged_into)
        })),
        field("Days_Open__c", Type::Double, of!(Deal, reader, d => days_open(reader, d))).formula(),
        field("Legacy_Code__c", Type::Text, of!(Deal, d => Value::made(format!("OP-{:07}", d.index))))
            .long(20)
            .when(Presence::Removed),
        field("Priority__c", Type::Double, of!(Deal, d => match d.index % 7 {
            0 => Value::Null,
            priority => Value::Number(Decimal::new(priority * 5, 1)),
        }))
        .when(Presence::BeforeRetyping),
        field("Priority__c", Type::Text, of!(Deal, d => match d.index % 7 {
            0 => Value::Null,
            1 => Value::text("high"),
            priority => Value::made(format!("{}", priority * 5)),
        }))
        .when(Presence::AfterRetyping),
        field("Discovery_Score__c", Type::Double, of!(Deal, d => match d.index % 5 {
            0 => Value::Null,
            score => Value::Number(Decimal::new(score * 25, 2)),
        }))
        .when(Presence::New),
        field("Internal_Note__c", Type::Text, of!(Deal, d => {
            Value::made(format!("note {}", d.index % 100))
        }))
        .when(Presence::Hidden),
    ]);
    fields.extend(
        Audit {
            created: of!(Deal, d => at(d.created_at)),
            created_by: of!(Deal, d => user(created_by(d))),
            modified: of!(Deal, d => at(d.modified_at)),
            modified_by: of!(Deal, d => user(changed_by(d))),
        }
        .fields(),
    );
    Object {
        name: "Opportunity",
        label: "Opportunity",
        plural: "Opportunities",
        prefix: *b"006",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: true,
        is_bulkable: true,
        is_committed_late: true,
        fields,
        units: |org| one(0..org.world.deal_count()),
        spots: |org, unit, tell| {
            let deal = org.world.deal(unit);
            tell(spot(0, &deal));
        },
        load: |reader, unit, _| reader.deal(unit).map(Record::Deal),
    }
}

/// The spot of something that is saved, deleted and restored with its deal.
fn spot(place: u64, deal: &Opportunity) -> Spot {
    Spot {
        place,
        stamp: stamp_of(deal),
        created: deal.created_at.timestamp(),
        deleted: deal.deleted_at.is_some(),
    }
}

/// The audit fields of something that is saved with its deal.
macro_rules! with_deal {
    ($variant:ident, $pattern:pat_param => $deal:expr) => {
        Audit {
            created: of!($variant, $pattern => at($deal.created_at)),
            created_by: of!($variant, $pattern => user(created_by($deal))),
            modified: of!($variant, $pattern => at($deal.modified_at)),
            modified_by: of!($variant, $pattern => user(changed_by($deal))),
        }
    };
}

fn total(line: &Line) -> Cents {
    Cents(line.unit_price.0.saturating_mul(i64::from(line.quantity)))
}

fn lines() -> Object {
    let mut fields = identity(true);
    fields.extend([
        reference("OpportunityId", &["Opportunity"], "Opportunity", of!(Line, (d, _) => {
            link(*b"006", d.index)
        }))
        .required(),
        field("SortOrder", Type::Int, of!(Line, (_, line) => {
            Value::Int(i64::try_from(line.index & ((1 << PLACE_BITS) - 1)).unwrap_or(0))
        })),
        reference("PricebookEntryId", &["PricebookEntry"], "PricebookEntry", of!(Line, (_, line) => {
            link(*b"01u", line.product as u64)
        })),
        reference("Product2Id", &["Product2"], "Product2", of!(Line, (_, line) => {
            link(*b"01t", line.product as u64)
        })),
        field("Name", Type::Text, of!(Line, reader, (d, line) => {
            let product = reader.org.products.get(line.product).map_or("", |product| product.name);
            Value::made(format!("{} {product}", d.name))
        }))
        .long(376),
        currency(of!(Line, (d, _) => Value::text(d.currency))),
        field("Quantity", Type::Double, of!(Line, (_, line) => {
            Value::Number(Decimal::new(line.quantity, 0))
        }))
        .required(),
        field("TotalPrice", Type::Currency, of!(Line, (_, line) => money(total(line)))),
        field("UnitPrice", Type::Currency, of!(Line, (_, line) => money(line.unit_price))),
        field("ListPrice", Type::Currency, of!(Line, reader, (_, line) => {
            reader.org.products.get(line.product).map_or(Value::Null, |p| money(p.list_price))
        })),
        field("ServiceDate", Type::Date, of!(Line, _ => Value::Null)),
        field("Description", Type::Text, of!(Line, _ => Value::Null)),
    ]);
    fields.extend(with_deal!(Line, (d, _) => d).fields());
    Object {
        name: "OpportunityLineItem",
        label: "Opportunity Product",
        plural: "Opportunity Product",
        prefix: *b"00k",
        id_base: 0,
        numbering: Numbering::Places(PLACE_BITS),
        is_replicateable: true,
        is_bulkable: true,
        is_committed_late: false,
        fields,
        units: |org| one(0..org.world.deal_count()),
        spots: |org, unit, tell| {
            let deal = org.world.deal(unit);
            for line in &deal.lines {
                tell(spot(line.index & ((1 << PLACE_BITS) - 1), &deal));
            }
        },
        load: |reader, unit, place| {
            let deal = reader.deal(unit)?;
            let line = deal.lines.iter().find(|l| l.index & ((1 << PLACE_BITS) - 1) == place)?;
            Some(Record::Line((Arc::clone(&deal), *line)))
        },
    }
}

fn splits() -> Object {
    let mut fields = identity(true);
    fields.extend([
        reference(
            "OpportunityId",
            &["Opportunity"],
            "Opportunity",
            of!(Split, (d, _) => {
                link(*b"006", d.index)
            }),
        )
        .required(),
        reference(
            "SplitOwnerId",
            &["User"],
            "SplitOwner",
            of!(Split, (_, split) => {
                user(split.person)
            }),
        )
        .required(),
        field(
            "SplitPercentage",
            Type::Percent,
            of!(Split, (_, split) => {
                Value::Number(Decimal::new(split.share, 2))
            }),
        ),
        field(
            "SplitAmount",
            Type::Currency,
            of!(Split, (d, split) => maybe_money(
                d.amount.map(|amount| {
                    divided(i128::from(amount.0) * i128::from(split.share), 10_000)
                })
            )),
        ),
        field("SplitNote", Type::Text, of!(Split, _ => Value::Null)),
        reference(
            "SplitTypeId",
            &["OpportunitySplitType"],
            "SplitType",
            of!(Split, (_, split) => {
                link(*b"1Qp", 1 + u64::from(split.is_overlay))
            }),
        )
        .required(),
        currency(of!(Split, (d, _) => Value::text(d.currency))),
    ]);
    fields.extend(with_deal!(Split, (d, _) => d).fields());
    Object {
        name: "OpportunitySplit",
        label: "Opportunity Split",
        plural: "Opportunity Splits",
        prefix: *b"1Qo",
        id_base: 0,
        numbering: Numbering::Places(PLACE_BITS),
        is_replicateable: true,
        is_bulkable: true,
        is_committed_late: false,
        fields,
        units: |org| one(0..org.world.deal_count()),
        spots: |org, unit, tell| {
            let deal = org.world.deal(unit);
            for split in &deal.splits {
                tell(spot(split.index & ((1 << PLACE_BITS) - 1), &deal));
            }
        },
        load: |reader, unit, place| {
            let deal = reader.deal(unit)?;
            let split = deal.splits.iter().find(|s| s.index & ((1 << PLACE_BITS) - 1) == place)?;
            Some(Record::Split((Arc::clone(&deal), *split)))
        },
    }
}

fn split_types() -> Object {
    let mut fields = identity(true);
    let founded: super::Getter = |reader, _| Value::Instant(reader.org.founded());
    fields.extend([
        field(
            "DeveloperName",
            Type::Text,
            of!(SplitType, is_overlay => {
                Value::text(if *is_overlay { "Overlay" } else { "Revenue" })
            }),
        )
        .long(80),
        field(
            "MasterLabel",
            Type::Text,
            of!(SplitType, is_overlay => {
                Value::text(if *is_overlay { "Overlay" } else { "Revenue" })
            }),
        )
        .long(80),
        picklist("SplitField", &["Amount"], |_, _| Value::text("Amount")),
        field("IsActive", Type::Boolean, |_, _| Value::Bool(true)).required(),
        field(
            "IsTotalValidated",
            Type::Boolean,
            of!(SplitType, is_overlay => {
                Value::Bool(!*is_overlay)
            }),
        )
        .required(),
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
        name: "OpportunitySplitType",
        label: "Opportunity Split Type",
        plural: "Opportunity Split Types",
        prefix: *b"1Qp",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: false,
        is_bulkable: true,
        is_committed_late: false,
        fields,
        units: |_| one(1..3),
        spots: |org, _, tell| {
            let founded = org.founded();
            tell(Spot { place: 0, stamp: founded, created: founded, deleted: false });
        },
        load: |_, unit, _| match unit {
            1 => Some(Record::SplitType(false)),
            2 => Some(Record::SplitType(true)),
            _ => None,
        },
    }
}

/// When a deal was first won, whatever became of it.
fn first_won(deal: &Opportunity) -> Option<i64> {
    let mut wins = deal.history.iter().filter(|change| {
        matches!(
            change.what,
            DealEvent::Stage { to: Stage::ClosedWon, .. }
                | DealEvent::Created { stage: Stage::ClosedWon, .. }
        )
    });
    wins.next().map(|change| change.at.timestamp())
}

fn subscriptions() -> Object {
    let mut fields = identity(true);
    fields.extend([
        field("Name", Type::Text, of!(Deal, d => Value::made(format!("S-{:07}", d.index))))
            .long(80)
            .required(),
        reference(
            "Opportunity__c",
            &["Opportunity"],
            "Opportunity__r",
            of!(Deal, d => {
                link(*b"006", d.index)
            }),
        ),
        reference(
            "Account__c",
            &["Account"],
            "Account__r",
            of!(Deal, d => {
                maybe_link(*b"001", d.account)
            }),
        ),
        reference("OwnerId", &["User"], "Owner", of!(Deal, d => user(d.owner))).required(),
        field("Start_Date__c", Type::Date, of!(Deal, d => Value::Date(d.expected_close))),
        field("Annual_Value__c", Type::Currency, of!(Deal, d => maybe_money(d.amount))),
        currency(of!(Deal, d => Value::text(d.currency))),
    ]);
    fields.extend(
        Audit {
            created: of!(Deal, d => first_won(d).map_or(Value::Null, Value::Instant)),
            created_by: of!(Deal, d => user(d.owner)),
            modified: of!(Deal, d => at(d.modified_at)),
            modified_by: of!(Deal, d => user(changed_by(d))),
        }
        .fields(),
    );
    Object {
        name: "Subscription__c",
        label: "Subscription",
        plural: "Subscriptions",
        prefix: *b"a00",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: true,
        is_bulkable: true,
        is_committed_late: false,
        fields,
        units: |org| one(0..org.world.deal_count()),
        spots: |org, unit, tell| {
            let deal = org.world.deal(unit);
            if let Some(created) = first_won(&deal) {
                // A deal that was reopened takes its subscription to the bin.
                let deleted = deal.deleted_at.is_some() || deal.stage != Stage::ClosedWon;
                tell(Spot { place: 0, stamp: deal.modified_at.timestamp(), created, deleted });
            }
        },
        load: |reader, unit, _| {
            let deal = reader.deal(unit)?;
            first_won(&deal).is_some().then_some(Record::Deal(deal))
        },
    }
}
