//! Leads.

use super::{
    Audit, Numbering, Object, Record, Spot, Type, at, currency, field, identity, maybe_link, of,
    one, picklist, reference, user,
};
use crate::salesforce::value::Value;
use crate::world::{Lead, LeadStatus};

/// The statuses in order.
const STATUSES: [&str; 5] = ["New", "Working", "Qualified", "Unqualified", "Converted"];

/// Where leads and deals come from.
pub(super) const SOURCES: [&str; 5] = ["Web", "Referral", "Trade show", "Outbound", "Partner"];

/// A status in the words of the org.
pub(super) fn status(status: LeadStatus) -> &'static str {
    STATUSES[match status {
        LeadStatus::New => 0,
        LeadStatus::Working => 1,
        LeadStatus::Qualified => 2,
        LeadStatus::Unqualified => 3,
        LeadStatus::Converted => 4,
    }]
}

/// Who made the last change.
fn changed_by(lead: &Lead) -> usize {
    lead.history.last().map_or(lead.owner, |change| change.by)
}

pub(super) fn objects(objects: &mut Vec<Object>) {
    let mut fields = identity(true);
    fields.extend([
        reference("MasterRecordId", &["Lead"], "MasterRecord", of!(Lead, _ => Value::Null)),
        field("LastName", Type::Text, of!(Lead, l => Value::text(&l.last_name)))
            .long(80)
            .required(),
        field("FirstName", Type::Text, of!(Lead, l => Value::text(&l.first_name))).long(40),
        field(
            "Name",
            Type::Text,
            of!(Lead, l => {
                Value::made(format!("{} {}", l.first_name, l.last_name))
            }),
        )
        .long(121)
        .required(),
        field("Company", Type::Text, of!(Lead, l => Value::text(&l.company))).required(),
        field("Email", Type::Email, of!(Lead, l => Value::maybe(l.email.as_deref()))),
        picklist("LeadSource", &SOURCES, of!(Lead, l => Value::text(l.source))),
        picklist("Status", &STATUSES, of!(Lead, l => Value::text(status(l.status)))).required(),
        reference("OwnerId", &["Group", "User"], "Owner", of!(Lead, l => user(l.owner))).required(),
        field("IsConverted", Type::Boolean, of!(Lead, l => Value::Bool(l.converted_at.is_some())))
            .required(),
        field(
            "ConvertedDate",
            Type::Date,
            of!(Lead, l => match l.converted_at {
                Some(at) => Value::Date(at.date_naive()),
                None => Value::Null,
            }),
        ),
        reference(
            "ConvertedAccountId",
            &["Account"],
            "ConvertedAccount",
            of!(Lead, l => {
                maybe_link(*b"001", l.converted_account)
            }),
        ),
        reference(
            "ConvertedContactId",
            &["Contact"],
            "ConvertedContact",
            of!(Lead, l => {
                maybe_link(*b"003", l.converted_contact)
            }),
        ),
        reference(
            "ConvertedOpportunityId",
            &["Opportunity"],
            "ConvertedOpportunity",
            of!(Lead, l => {
                maybe_link(*b"006", l.converted_deal)
            }),
        ),
        currency(|_, _| Value::text("USD")),
    ]);
    fields.extend(
        Audit {
            created: of!(Lead, l => at(l.created_at)),
            created_by: of!(Lead, l => user(l.history.first().map_or(l.owner, |change| change.by))),
            modified: of!(Lead, l => at(l.modified_at)),
            modified_by: of!(Lead, l => user(changed_by(l))),
        }
        .fields(),
    );
    objects.push(Object {
        name: "Lead",
        label: "Lead",
        plural: "Leads",
        prefix: *b"00Q",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: true,
        is_bulkable: true,
        is_committed_late: true,
        fields,
        units: |org| one(0..org.world.lead_count()),
        spots: |org, unit, tell| {
            let lead = org.world.lead(unit);
            tell(Spot {
                place: 0,
                stamp: lead.modified_at.timestamp(),
                created: lead.created_at.timestamp(),
                deleted: lead.deleted_at.is_some(),
            });
        },
        load: |reader, unit, _| reader.lead(unit).map(Record::Lead),
    });
}
