//! What people did: tasks (with calls and logged mails), events, and the mails themselves.

use std::sync::Arc;

use chrono::{Days, TimeDelta};

use super::{
    Audit, Field, Numbering, Object, Record, Spot, Type, at, field, identity, link, of, picklist,
    reference, user,
};
use crate::salesforce::activity::ActivityUnit;
use crate::salesforce::org::{Org, Reader};
use crate::salesforce::value::Value;
use crate::world::{About, Activity, ActivityKind, Nature};

pub(super) fn objects(objects: &mut Vec<Object>) {
    objects.push(tasks());
    objects.push(events());
    objects.push(mails());
}

/// Whether it happened by mail.
fn is_mail(activity: &Activity) -> bool {
    matches!(activity.kind, ActivityKind::EmailOut | ActivityKind::EmailIn)
}

/// Who it was with: a contact, else a lead.
fn who(activity: &Activity) -> Value<'static> {
    let people = &activity.participants;
    let contact = people.iter().find_map(|p| p.contact).map(|contact| link(*b"003", contact));
    let lead = || people.iter().find_map(|p| p.lead).map(|lead| link(*b"00Q", lead));
    let about = || match activity.about {
        About::Lead(lead) => Some(link(*b"00Q", lead)),
        About::Deal(_) | About::Internal => None,
    };
    contact.or_else(lead).or_else(about).unwrap_or(Value::Null)
}

/// What it was about.
fn what(activity: &Activity) -> Value<'static> {
    match activity.about {
        About::Deal(deal) => link(*b"006", deal),
        About::Lead(_) | About::Internal => Value::Null,
    }
}

/// Whether it is done: what was only planned is, once somebody came back to it.
fn is_done(activity: &Activity) -> bool {
    activity.kind != ActivityKind::Task || activity.modified_at > activity.created_at
}

fn length(activity: &Activity) -> TimeDelta {
    TimeDelta::minutes(activity.minutes.into())
}

fn audit() -> Vec<Field> {
    Audit {
        created: of!(Activity, a => at(a.created_at)),
        created_by: of!(Activity, a => user(a.owner)),
        modified: of!(Activity, a => at(a.modified_at)),
        modified_by: of!(Activity, a => user(a.owner)),
    }
    .fields()
}

/// An object whose rows are the activities that are chosen.
fn of_kind(
    spots: fn(&Org, u64, &mut dyn FnMut(Spot)),
    load: fn(&Reader<'_>, u64, u64) -> Option<Record>,
    fields: Vec<Field>,
) -> Object {
    Object {
        name: "",
        label: "",
        plural: "",
        prefix: *b"000",
        id_base: 0,
        numbering: Numbering::Activities,
        is_replicateable: true,
        is_bulkable: true,
        is_committed_late: true,
        fields,
        units: ActivityUnit::ranges,
        spots,
        load,
    }
}

fn tell(org: &Org, unit: u64, chosen: impl Fn(&Activity) -> bool, tell: &mut dyn FnMut(Spot)) {
    for (place, activity) in ActivityUnit::of(unit).activities(org) {
        if chosen(&activity) {
            tell(Spot {
                place,
                stamp: activity.modified_at.timestamp(),
                created: activity.created_at.timestamp(),
                deleted: activity.deleted_at.is_some(),
            });
        }
    }
}

fn found(
    reader: &Reader<'_>,
    unit: u64,
    place: u64,
    chosen: impl Fn(&Activity) -> bool,
) -> Option<Record> {
    let activity: Arc<Activity> = reader.activity(unit, place)?;
    chosen(&activity).then_some(Record::Activity(activity))
}

fn tasks() -> Object {
    let mut fields = identity(true);
    fields.extend([
        reference("WhoId", &["Contact", "Lead"], "Who", of!(Activity, a => who(a))),
        reference("WhatId", &["Account", "Opportunity"], "What", of!(Activity, a => what(a))),
        field("Subject", Type::Text, of!(Activity, a => Value::text(&a.subject))),
        field("ActivityDate", Type::Date, of!(Activity, a => Value::Date(a.at.date_naive()))),
        picklist(
            "Status",
            &["Not Started", "Completed"],
            of!(Activity, a => {
                Value::text(if is_done(a) { "Completed" } else { "Not Started" })
            }),
        )
        .required(),
        picklist("Priority", &["High", "Normal", "Low"], |_, _| Value::text("Normal")).required(),
        reference("OwnerId", &["Group", "User"], "Owner", of!(Activity, a => user(a.owner)))
            .required(),
        field("Description", Type::TextArea, of!(Activity, _ => Value::Null)),
        field("IsClosed", Type::Boolean, of!(Activity, a => Value::Bool(is_done(a)))).required(),
        picklist(
            "TaskSubtype",
            &["Task", "Email", "Call"],
            of!(Activity, a => {
                Value::text(match a.kind {
                    ActivityKind::Call => "Call",
                    ActivityKind::EmailIn | ActivityKind::EmailOut => "Email",
                    ActivityKind::Meeting | ActivityKind::Task => "Task",
                })
            }),
        ),
        picklist(
            "CallType",
            &["Internal", "Inbound", "Outbound"],
            of!(Activity, a => {
                if a.kind == ActivityKind::Call { Value::text("Outbound") } else { Value::Null }
            }),
        ),
        field(
            "CallDurationInSeconds",
            Type::Int,
            of!(Activity, a => {
                let seconds = Value::Int(i64::from(a.minutes) * 60);
                if a.kind == ActivityKind::Call { seconds } else { Value::Null }
            }),
        ),
        field(
            "CompletedDateTime",
            Type::DateTime,
            of!(Activity, a => match a.kind {
                ActivityKind::Task if is_done(a) => at(a.modified_at),
                ActivityKind::Task => Value::Null,
                _ => at(a.at),
            }),
        ),
        field("IsRecurrence", Type::Boolean, |_, _| Value::Bool(false)).required(),
    ]);
    fields.extend(audit());
    Object {
        name: "Task",
        label: "Task",
        plural: "Tasks",
        prefix: *b"00T",
        ..of_kind(
            |org, unit, to| tell(org, unit, |a| a.kind != ActivityKind::Meeting, to),
            |reader, unit, place| found(reader, unit, place, |a| a.kind != ActivityKind::Meeting),
            fields,
        )
    }
}

fn events() -> Object {
    let mut fields = identity(true);
    fields.extend([
        reference("WhoId", &["Contact", "Lead"], "Who", of!(Activity, a => who(a))),
        reference("WhatId", &["Account", "Opportunity"], "What", of!(Activity, a => what(a))),
        field("Subject", Type::Text, of!(Activity, a => Value::text(&a.subject))),
        field("Location", Type::Text, of!(Activity, _ => Value::Null)),
        field("IsAllDayEvent", Type::Boolean, of!(Activity, a => Value::Bool(a.is_all_day)))
            .required(),
        field(
            "ActivityDateTime",
            Type::DateTime,
            of!(Activity, a => {
                if a.is_all_day { Value::Null } else { at(a.at) }
            }),
        ),
        field("ActivityDate", Type::Date, of!(Activity, a => Value::Date(a.at.date_naive()))),
        field(
            "DurationInMinutes",
            Type::Int,
            of!(Activity, a => {
                Value::Int(if a.is_all_day { 1_440 } else { a.minutes.into() })
            }),
        ),
        field("StartDateTime", Type::DateTime, of!(Activity, a => at(a.at))),
        field(
            "EndDateTime",
            Type::DateTime,
            of!(Activity, a => {
                at(if a.is_all_day { a.at + Days::new(1) } else { a.at + length(a) })
            }),
        ),
        field("Description", Type::TextArea, of!(Activity, _ => Value::Null)),
        reference("OwnerId", &["User"], "Owner", of!(Activity, a => user(a.owner))).required(),
        field("IsPrivate", Type::Boolean, |_, _| Value::Bool(false)).required(),
        picklist(
            "ShowAs",
            &["Busy", "OutOfOffice", "Free"],
            of!(Activity, a => {
                let is_away = a.is_all_day && a.about == About::Internal;
                Value::text(if is_away { "OutOfOffice" } else { "Busy" })
            }),
        ),
        picklist("EventSubtype", &["Event"], |_, _| Value::text("Event")),
        field("IsRecurrence", Type::Boolean, |_, _| Value::Bool(false)).required(),
        picklist(
            "Outcome__c",
            &["Cancelled", "No-show", "Moved"],
            of!(Activity, a => {
                match a.nature {
                    Nature::Cancelled => Value::text("Cancelled"),
                    Nature::NoShow => Value::text("No-show"),
                    Nature::Moved => Value::text("Moved"),
                    _ => Value::Null,
                }
            }),
        ),
    ]);
    fields.extend(audit());
    Object {
        name: "Event",
        label: "Event",
        plural: "Events",
        prefix: *b"00U",
        ..of_kind(
            |org, unit, to| tell(org, unit, |a| a.kind == ActivityKind::Meeting, to),
            |reader, unit, place| found(reader, unit, place, |a| a.kind == ActivityKind::Meeting),
            fields,
        )
    }
}

/// The addresses of all but the sender.
fn recipients(activity: &Activity) -> String {
    let addresses: Vec<&str> =
        activity.participants.iter().skip(1).map(|p| p.email.as_str()).collect();
    addresses.join("; ")
}

fn mails() -> Object {
    let mut fields = identity(true);
    fields.extend([
        reference("ActivityId", &["Task"], "Activity", of!(Activity, reader, a => {
            reader.task_of(a).map_or(Value::Null, Value::Id)
        })),
        reference("RelatedToId", &["Account", "Opportunity"], "RelatedTo", of!(Activity, a => what(a))),
        field("Subject", Type::Text, of!(Activity, a => Value::text(&a.subject))).long(3_000),
        field("FromAddress", Type::Email, of!(Activity, a => {
            Value::maybe(a.participants.first().map(|p| p.email.as_str()))
        })),
        field("ToAddress", Type::Text, of!(Activity, a => Value::made(recipients(a)))).long(4_000),
        field("Incoming", Type::Boolean, of!(Activity, a => {
            Value::Bool(a.kind == ActivityKind::EmailIn)
        }))
        .required(),
        // 0 is new, 2 replied, 3 sent.
        picklist("Status", &["0", "1", "2", "3", "4", "5"], of!(Activity, a => {
            Value::text(if a.kind == ActivityKind::EmailIn { "0" } else { "3" })
        }))
        .required(),
        field("MessageDate", Type::DateTime, of!(Activity, a => at(a.at))),
        field("MessageIdentifier", Type::Text, of!(Activity, a => {
            Value::made(format!("<{:x}@mail.fernhill.example>", a.index))
        })),
        field("ThreadIdentifier", Type::Text, of!(Activity, a => match a.thread {
            Some(thread) => Value::made(format!("<{thread:x}@mail.fernhill.example>")),
            None => Value::Null,
        })),
        field("IsBounced", Type::Boolean, of!(Activity, a => Value::Bool(a.nature == Nature::Bounce)))
            .required(),
        field("Headers", Type::TextArea, of!(Activity, a => match a.nature {
            Nature::AutoReply => Value::text("Auto-Submitted: auto-replied"),
            Nature::Newsletter => Value::text("Precedence: bulk\nList-Unsubscribe: <mailto:off@news.example>"),
            Nature::Bounce => Value::text("Auto-Submitted: auto-replied\nContent-Type: multipart/report"),
            _ => Value::Null,
        })),
        reference("ReplyToEmailMessageId", &["EmailMessage"], "ReplyToEmailMessage",
            of!(Activity, reader, a => reader.answered_by(a).map_or(Value::Null, Value::Id))),
        reference("CreatedById", &["User"], "CreatedBy", of!(Activity, a => user(a.owner))).required(),
    ]);
    fields.extend(audit().into_iter().filter(|field| field.name != "CreatedById"));
    Object {
        name: "EmailMessage",
        label: "Email Message",
        plural: "Email Messages",
        prefix: *b"02s",
        ..of_kind(
            |org, unit, to| tell(org, unit, is_mail, to),
            |reader, unit, place| found(reader, unit, place, is_mail),
            fields,
        )
    }
}
