//! Campaigns: a fair and the web site in every quarter, and the leads that came of them.

use std::sync::Arc;

use chrono::{Datelike, Months, NaiveDate};

use super::{
    Audit, Field, Getter, Numbering, Object, Record, Spot, Type, at, field, identity, link, of,
    one, picklist, reference, user,
};
use crate::salesforce::org::{Org, start_of_day};
use crate::salesforce::value::Value;
use crate::world::Lead;

/// What there are campaigns for.
const SOURCES: [&str; 2] = ["Trade show", "Web"];

/// Quarters since 2000.
fn quarter(day: NaiveDate) -> u64 {
    u64::try_from((day.year() - 2_000) * 4).unwrap_or(0) + u64::from(day.month0() / 3)
}

/// The first and last day of a campaign.
fn days(unit: u64) -> Option<(NaiveDate, NaiveDate)> {
    let months = u32::try_from(unit / 2 * 3).ok()?;
    let start = NaiveDate::from_ymd_opt(2_000, 1, 1)?.checked_add_months(Months::new(months))?;
    Some((start, start.checked_add_months(Months::new(3))?.pred_opt()?))
}

fn source(unit: u64) -> &'static str {
    SOURCES[usize::from(!unit.is_multiple_of(2))]
}

/// When a campaign was entered.
fn entered(org: &Org, unit: u64) -> i64 {
    days(unit).map_or(0, |(start, _)| start_of_day(start)).max(org.founded())
}

/// The campaign a lead came from.
fn campaign_of(lead: &Lead) -> Option<u64> {
    let place = SOURCES.iter().position(|source| *source == lead.source)?;
    Some(quarter(lead.created_at.date_naive()) * 2 + place as u64)
}

pub(super) fn objects(objects: &mut Vec<Object>) {
    objects.push(campaigns());
    objects.push(members());
}

fn campaigns() -> Object {
    let mut fields: Vec<Field> = identity(true);
    let made: Getter = of!(Campaign, reader, unit => Value::Instant(entered(reader.org, *unit)));
    fields.extend([
        field(
            "Name",
            Type::Text,
            of!(Campaign, unit => match days(*unit) {
                Some((start, _)) => Value::made(format!(
                    "{} {} Q{}",
                    source(*unit),
                    start.year(),
                    start.month0() / 3 + 1
                )),
                None => Value::Null,
            }),
        )
        .long(80)
        .required(),
        picklist("Type", &["Trade show", "Web"], of!(Campaign, unit => Value::text(source(*unit)))),
        picklist("Status", &["Planned", "In Progress", "Completed"], |_, _| {
            Value::text("In Progress")
        }),
        field("IsActive", Type::Boolean, |_, _| Value::Bool(true)).required(),
        field(
            "StartDate",
            Type::Date,
            of!(Campaign, unit => {
                days(*unit).map_or(Value::Null, |(start, _)| Value::Date(start))
            }),
        ),
        field(
            "EndDate",
            Type::Date,
            of!(Campaign, unit => {
                days(*unit).map_or(Value::Null, |(_, end)| Value::Date(end))
            }),
        ),
        reference("OwnerId", &["User"], "Owner", |_, _| user(0)).required(),
    ]);
    fields.extend(
        Audit {
            created: made,
            created_by: |_, _| user(0),
            modified: made,
            modified_by: |_, _| user(0),
        }
        .fields(),
    );
    Object {
        name: "Campaign",
        label: "Campaign",
        plural: "Campaigns",
        prefix: *b"701",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: true,
        is_bulkable: true,
        is_committed_late: false,
        fields,
        units: |org| one(quarter(org.world.first_day()) * 2..(quarter(org.today) + 1) * 2),
        spots: |org, unit, tell| {
            let entered = entered(org, unit);
            tell(Spot { place: 0, stamp: entered, created: entered, deleted: false });
        },
        load: |reader, unit, _| {
            let units =
                quarter(reader.org.world.first_day()) * 2..(quarter(reader.org.today) + 1) * 2;
            units.contains(&unit).then_some(Record::Campaign(unit))
        },
    }
}

fn members() -> Object {
    let mut fields = identity(true);
    fields.extend([
        reference(
            "CampaignId",
            &["Campaign"],
            "Campaign",
            of!(Lead, lead => {
                campaign_of(lead).map_or(Value::Null, |campaign| link(*b"701", campaign))
            }),
        )
        .required(),
        reference("LeadId", &["Lead"], "Lead", of!(Lead, lead => link(*b"00Q", lead.index))),
        picklist("Status", &["Sent", "Responded"], |_, _| Value::text("Responded")),
        field("HasResponded", Type::Boolean, |_, _| Value::Bool(true)).required(),
        field(
            "FirstRespondedDate",
            Type::Date,
            of!(Lead, lead => {
                Value::Date(lead.created_at.date_naive())
            }),
        ),
    ]);
    fields.extend(
        Audit {
            created: of!(Lead, lead => at(lead.created_at)),
            created_by: |_, _| user(0),
            modified: of!(Lead, lead => at(lead.modified_at)),
            modified_by: of!(Lead, lead => user(lead.owner)),
        }
        .fields(),
    );
    Object {
        name: "CampaignMember",
        label: "Campaign Member",
        plural: "Campaign Members",
        prefix: *b"00v",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: true,
        is_bulkable: true,
        is_committed_late: false,
        fields,
        units: |org| one(0..org.world.lead_count()),
        spots: |org, unit, tell| {
            let lead = org.world.lead(unit);
            if campaign_of(&lead).is_some() {
                tell(Spot {
                    place: 0,
                    stamp: lead.modified_at.timestamp(),
                    created: lead.created_at.timestamp(),
                    deleted: lead.deleted_at.is_some(),
                });
            }
        },
        load: |reader, unit, _| {
            let lead: Arc<Lead> = reader.lead(unit)?;
            campaign_of(&lead).is_some().then_some(Record::Lead(lead))
        },
    }
}
