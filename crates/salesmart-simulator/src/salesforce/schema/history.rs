//! What was recorded of changes: snapshots of deals after each save, and old and new values of
//! tracked fields. These records never change once they are there.

use std::sync::Arc;

use super::deals::{category, category_name, expected, percent};
use super::leads::status;
use super::{
    Field, Getter, Numbering, Object, Record, Snapshot, Spot, Type, currency, field, identity,
    link, maybe_money, of, one, picklist, reference, stamp, user,
};
use crate::salesforce::org::{Org, Reader};
use crate::salesforce::value::{Decimal, Value};
use crate::world::Lead;
use crate::world::{DealEvent, Instant, LeadEvent, Opportunity};

/// How many bits of a record's number are its place in the history of its deal or lead.
const PLACE_BITS: u32 = 10;

/// Where the ids of leads' history begin, which share their prefix with those of deals.
const LEADS: u64 = 1 << 40;

/// One record of a tracked field.
#[derive(Clone, Debug)]
pub(crate) struct FieldChange {
    place: u64,
    parent: u64,
    at: Instant,
    by: usize,
    field: &'static str,
    data_type: &'static str,
    old: Value<'static>,
    new: Value<'static>,
}

pub(super) fn objects(objects: &mut Vec<Object>) {
    objects.push(snapshots());
    objects.push(deal_fields());
    objects.push(lead_fields());
}

fn snapshots() -> Object {
    let mut fields = identity(true);
    fields.extend([
        reference(
            "OpportunityId",
            &["Opportunity"],
            "Opportunity",
            of!(Snapshot, s => {
                link(*b"006", s.deal.index)
            }),
        ),
        reference("CreatedById", &["User"], "CreatedBy", of!(Snapshot, s => user(s.by))).required(),
        stamp("CreatedDate"),
        picklist("StageName", &[], of!(Snapshot, s => Value::text(s.stage.name()))),
        field("Amount", Type::Currency, of!(Snapshot, s => maybe_money(s.amount))),
        field(
            "ExpectedRevenue",
            Type::Currency,
            of!(Snapshot, s => expected(s.amount, s.probability)),
        ),
        field("CloseDate", Type::Date, of!(Snapshot, s => Value::Date(s.close))),
        field("Probability", Type::Percent, of!(Snapshot, s => percent(s.probability))),
        picklist("ForecastCategory", &[], of!(Snapshot, s => Value::text(category(s.category)))),
        currency(of!(Snapshot, s => Value::text(s.deal.currency))),
        stamp("SystemModstamp"),
    ]);
    Object {
        name: "OpportunityHistory",
        label: "Opportunity History",
        plural: "Opportunity History",
        prefix: *b"008",
        id_base: 0,
        numbering: Numbering::Places(PLACE_BITS),
        is_replicateable: true,
        is_bulkable: true,
        is_committed_late: false,
        fields,
        units: |org| one(0..org.world.deal_count()),
        spots: |org, unit, tell| {
            let deal = Arc::new(org.world.deal(unit));
            for (place, snapshot) in (0..).zip(Snapshot::all(&deal)) {
                tell(recorded(place, snapshot.at));
            }
        },
        load: |reader, unit, place| {
            let snapshots = Snapshot::all(&reader.deal(unit)?);
            let place = usize::try_from(place).ok()?;
            snapshots.into_iter().nth(place).map(Record::Snapshot)
        },
    }
}

fn recorded(place: u64, at: Instant) -> Spot {
    let at = at.timestamp();
    Spot { place, stamp: at, created: at, deleted: false }
}

/// The fields that both histories of fields have.
fn history_fields(parent: Field) -> Vec<Field> {
    let mut fields = identity(true);
    // `anyType`: can be sorted by, and not filtered.
    let old: Getter = of!(Field, change => change.old.clone());
    let new: Getter = of!(Field, change => change.new.clone());
    fields.extend([
        parent,
        reference("CreatedById", &["User"], "CreatedBy", of!(Field, change => user(change.by)))
            .required(),
        stamp("CreatedDate"),
        picklist("Field", &[], of!(Field, change => Value::text(change.field))).required(),
        picklist("DataType", &[], of!(Field, change => Value::text(change.data_type))),
        field("OldValue", Type::Any, old),
        field("NewValue", Type::Any, new),
    ]);
    fields
}

fn deal_fields() -> Object {
    Object {
        name: "OpportunityFieldHistory",
        label: "Opportunity Field History",
        plural: "Opportunity Field History",
        prefix: *b"017",
        id_base: 0,
        numbering: Numbering::Places(PLACE_BITS),
        is_replicateable: true,
        is_bulkable: true,
        is_committed_late: false,
        fields: history_fields(reference(
            "OpportunityId",
            &["Opportunity"],
            "Opportunity",
            of!(Field, change => link(*b"006", change.parent)),
        )),
        units: |org| one(0..org.world.deal_count()),
        spots: |org, unit, tell| {
            for change in deal_changes(org, &org.world.deal(unit)) {
                tell(recorded(change.place, change.at));
            }
        },
        load: |reader, unit, place| {
            let changes = deal_changes(reader.org, &*reader.deal(unit)?);
            changes.into_iter().find(|change| change.place == place).map(Record::Field)
        },
    }
}

fn lead_fields() -> Object {
    Object {
        name: "LeadHistory",
        label: "Lead History",
        plural: "Lead History",
        prefix: *b"017",
        id_base: LEADS,
        numbering: Numbering::Places(PLACE_BITS),
        is_replicateable: true,
        is_bulkable: true,
        is_committed_late: false,
        fields: history_fields(reference(
            "LeadId",
            &["Lead"],
            "Lead",
            of!(Field, change => link(*b"00Q", change.parent)),
        )),
        units: |org| one(0..org.world.lead_count()),
        spots: |org, unit, tell| {
            for change in lead_changes(org, &org.world.lead(unit)) {
                tell(recorded(change.place, change.at));
            }
        },
        load: |reader: &Reader<'_>, unit, place| {
            let changes = lead_changes(reader.org, &*reader.lead(unit)?);
            changes.into_iter().find(|change| change.place == place).map(Record::Field)
        },
    }
}

/// Collects records; each event has two places, since lookups write two records.
struct Recorder<'a> {
    org: &'a Org,
    parent: u64,
    place: u64,
    at: Instant,
    by: usize,
    changes: Vec<FieldChange>,
}

impl Recorder<'_> {
    fn add(
        &mut self,
        field: &'static str,
        data_type: &'static str,
        old: Value<'static>,
        new: Value<'static>,
    ) {
        // What is older than the org keeps is gone.
        if self.org.keeps_history_since.is_none_or(|since| self.at >= since) {
            let (place, parent, at, by) = (self.place, self.parent, self.at, self.by);
            self.changes.push(FieldChange { place, parent, at, by, field, data_type, old, new });
        }
        self.place += 1;
    }

    fn owner(&mut self, from: usize, to: usize) {
        let name = |person: usize| {
            self.org
                .people
                .get(person)
                .map_or(Value::Null, |p| Value::made(format!("{} {}", p.first_name, p.last_name)))
        };
        let (old, new) = (name(from), name(to));
        self.add("Owner", "Text", old, new);
        self.add("Owner", "EntityId", user(from), user(to));
    }
}

fn deal_changes(org: &Org, deal: &Opportunity) -> Vec<FieldChange> {
    let mut recorder = Recorder {
        org,
        parent: deal.index,
        place: 0,
        at: deal.created_at,
        by: deal.owner,
        changes: Vec::new(),
    };
    for (place, change) in (0_u64..1 << (PLACE_BITS - 1)).zip(&deal.history) {
        (recorder.place, recorder.at, recorder.by) = (place * 2, change.at, change.by);
        match &change.what {
            DealEvent::Created { .. } => {
                recorder.add("created", "Text", Value::Null, Value::Null);
            }
            DealEvent::Stage { from, to } => {
                recorder.add(
                    "StageName",
                    "DynamicEnum",
                    Value::text(from.name()),
                    Value::text(to.name()),
                );
            }
            DealEvent::Amount { from, to } => {
                recorder.add("Amount", "Currency", maybe_money(*from), maybe_money(*to));
            }
            DealEvent::Close { from, to } => {
                recorder.add("CloseDate", "DateOnly", Value::Date(*from), Value::Date(*to));
            }
            DealEvent::Owner { from, to } => recorder.owner(*from, *to),
            DealEvent::Probability { from, to } => {
                let percent = |millionths: u32| Value::Number(Decimal::new(millionths, 4));
                recorder.add("Probability", "Percent", percent(*from), percent(*to));
            }
            DealEvent::Category { from, to } => recorder.add(
                "ForecastCategoryName",
                "DynamicEnum",
                Value::text(category_name(*from)),
                Value::text(category_name(*to)),
            ),
            DealEvent::NextStep { from, to } => {
                recorder.add("NextStep", "Text", Value::maybe(*from), Value::maybe(*to));
            }
            DealEvent::Deleted | DealEvent::Restored | DealEvent::Merged { .. } => {}
        }
    }
    recorder.changes
}

fn lead_changes(org: &Org, lead: &Lead) -> Vec<FieldChange> {
    let mut recorder = Recorder {
        org,
        parent: lead.index,
        place: 0,
        at: lead.created_at,
        by: lead.owner,
        changes: Vec::new(),
    };
    for (place, change) in (0_u64..1 << (PLACE_BITS - 1)).zip(&lead.history) {
        (recorder.place, recorder.at, recorder.by) = (place * 2, change.at, change.by);
        match change.what {
            LeadEvent::Created => {
                recorder.add("created", "Text", Value::Null, Value::Null);
                recorder.add("ownerAssignment", "Text", Value::Null, Value::Null);
            }
            LeadEvent::Owner { from, to } => recorder.owner(from, to),
            LeadEvent::Status { from, to } => recorder.add(
                "Status",
                "DynamicEnum",
                Value::text(status(from)),
                Value::text(status(to)),
            ),
            LeadEvent::Converted => {
                recorder.add("leadConverted", "Text", Value::Null, Value::Null);
            }
            LeadEvent::Deleted => {}
        }
    }
    recorder.changes
}
