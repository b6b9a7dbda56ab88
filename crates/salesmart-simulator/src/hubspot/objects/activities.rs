//! Calls, mails, meetings and tasks: the world's activities, told apart by their kind.

use chrono::TimeDelta;

use crate::hubspot::ids::{self, Kind};
use crate::hubspot::property::Property;
use crate::hubspot::table::{Head, Object};
use crate::hubspot::value::millis;
use crate::hubspot::view::View;
use crate::world::{About, Activity, ActivityKind, Instant, Nature};

/// The activities of one kind.
pub(super) struct Activities(pub(super) Kind);

/// HubSpot's own id for "connected".
const CONNECTED: &str = "f240bbac-87c9-4f6e-bf70-924b57d47db7";
/// HubSpot's own id for "no answer".
const NO_ANSWER: &str = "73a0d17f-1163-4015-bdd5-ec830791da20";

const OUTCOMES: &[&str] = &["SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED"];

type P = Property<Activity>;

const WHEN: P =
    P::instant("hs_timestamp", "Activity date", |_, a, v| v.instant(Some(millis(a.it.at))));
const OWNER: P = P::choice("hubspot_owner_id", "Activity assigned to", &[], |_, a, v| {
    v.whole(ids::owner(a.it.owner));
});

static CALLS: &[P] = &[
    WHEN,
    OWNER,
    P::text("hs_call_title", "Call Title", |_, a, v| v.text(&a.it.subject)),
    P::number("hs_call_duration", "Call duration", |_, a, v| v.whole(a.it.minutes * 60_000)),
    P::choice("hs_call_direction", "Call direction", &["INBOUND", "OUTBOUND"], |_, _, v| {
        v.word("OUTBOUND");
    }),
    P::choice("hs_call_disposition", "Call outcome", &[CONNECTED, NO_ANSWER], |_, a, v| {
        v.word(if a.it.nature == Nature::Human { CONNECTED } else { NO_ANSWER });
    }),
    P::choice("hs_call_status", "Call status", &["COMPLETED", "NO_ANSWER"], |_, a, v| {
        v.word(if a.it.nature == Nature::Human { "COMPLETED" } else { "NO_ANSWER" });
    }),
];

static EMAILS: &[P] = &[
    WHEN,
    OWNER,
    P::text("hs_email_subject", "Email subject", |_, a, v| v.text(&a.it.subject)),
    P::choice("hs_email_direction", "Email direction", &["EMAIL", "INCOMING_EMAIL"], |_, a, v| {
        let incoming = a.it.kind == ActivityKind::EmailIn;
        v.word(if incoming { "INCOMING_EMAIL" } else { "EMAIL" });
    }),
    P::choice("hs_email_status", "Email send status", &["SENT", "BOUNCED"], |_, a, v| {
        v.word(if a.it.nature == Nature::Bounce { "BOUNCED" } else { "SENT" });
    }),
    P::text("hs_email_from_email", "Email from", |_, a, v| {
        v.maybe(a.it.participants.first().map(|sender| sender.email.as_str()));
    }),
    P::text("hs_email_to_email", "Email to", |_, a, v| {
        let to: Vec<&str> = a.it.participants.iter().skip(1).map(|p| p.email.as_str()).collect();
        v.text(&to.join(";"));
    }),
    P::text("hs_email_thread_id", "Thread ID", |_, a, v| {
        v.maybe(a.it.thread.map(|thread| format!("thread-{thread}")).as_deref());
    }),
    P::text("hs_email_message_id", "Message ID", |_, a, v| {
        v.text(&format!("<{}@mail.fernhill.example>", a.it.index));
    }),
    P::text("hs_email_headers", "Email headers", |_, a, v| v.text(&headers(&a.it))),
];

static MEETINGS: &[P] = &[
    WHEN,
    OWNER,
    P::text("hs_meeting_title", "Meeting name", |_, a, v| v.text(&a.it.subject)),
    P::instant("hs_meeting_start_time", "Meeting start time", |_, a, v| {
        v.instant(Some(millis(a.it.at)));
    }),
    P::instant("hs_meeting_end_time", "Meeting end time", |_, a, v| {
        v.instant(Some(millis(a.it.at + TimeDelta::minutes(i64::from(a.it.minutes)))));
    }),
    P::choice("hs_meeting_outcome", "Meeting outcome", OUTCOMES, |view, a, v| {
        v.word(match a.it.nature {
            Nature::Cancelled => "CANCELED",
            Nature::NoShow => "NO_SHOW",
            _ if millis(a.it.at) > view.now => "SCHEDULED",
            _ => "COMPLETED",
        });
    }),
    P::several("hs_attendee_owner_ids", "Attendee owners", &[], |_, a, v| {
        let people = a.it.participants.iter().filter_map(|participant| participant.person);
        let ids: Vec<String> = people.map(|person| ids::owner(person).to_string()).collect();
        v.word(&ids.join(";"));
    }),
    P::text("hs_i_cal_uid", "iCalUID", |_, a, v| {
        let series = a.it.series.map_or(a.it.index, |(series, _)| series);
        v.text(&format!("{series}@calendar.fernhill.example"));
    }),
];

static TASKS: &[P] = &[
    WHEN,
    OWNER,
    P::text("hs_task_subject", "Task Title", |_, a, v| v.text(&a.it.subject)),
    P::choice("hs_task_status", "Task Status", &["NOT_STARTED", "COMPLETED"], |view, a, v| {
        v.word(if millis(a.it.at) > view.now { "NOT_STARTED" } else { "COMPLETED" });
    }),
    P::choice("hs_task_type", "Task Type", &["TODO", "CALL", "EMAIL"], |_, _, v| v.word("TODO")),
    P::choice("hs_task_priority", "Priority", &["LOW", "MEDIUM", "HIGH"], |_, a, v| {
        v.word(super::pick(&["LOW", "MEDIUM", "HIGH"], a.number));
    }),
];

/// Where an activity is found again: what it is about, in the top bits, and whose.
const LEAD: u64 = 1 << 60;
const PERSON: u64 = 2 << 60;
const WHOSE: u64 = (1 << 60) - 1;

impl Activities {
    fn is_mine(&self, activity: &Activity) -> bool {
        let kind = match activity.kind {
            ActivityKind::Call => Kind::Calls,
            ActivityKind::EmailIn | ActivityKind::EmailOut => Kind::Emails,
            ActivityKind::Meeting => Kind::Meetings,
            ActivityKind::Task => Kind::Tasks,
        };
        kind == self.0
    }

    /// When it last changed. Meetings and tasks change when their time has come: somebody says
    /// how it went.
    fn modified(&self, view: &View, activity: &Activity) -> Instant {
        let has_outcome = matches!(self.0, Kind::Meetings | Kind::Tasks);
        let came = Some(activity.at).filter(|at| has_outcome && millis(*at) <= view.now);
        came.map_or(activity.modified_at, |at| at.max(activity.modified_at))
    }

    fn at_home(view: &View, home: u64) -> Vec<Activity> {
        let whose = home & WHOSE;
        if home & PERSON != 0 {
            // Homes are made from the places of people below, so the place fits.
            view.world.internal_activities(usize::try_from(whose).unwrap_or_default())
        } else if home & LEAD != 0 {
            view.world.activities_of_lead(whose)
        } else {
            view.world.activities_of_deal(whose)
        }
    }
}

impl Object for Activities {
    type Item = Activity;
    /// The activities that were looked at last.
    type Memo = Option<(u64, Vec<Activity>)>;

    fn kind(&self) -> Kind {
        self.0
    }

    fn properties(&self) -> &'static [P] {
        match self.0 {
            Kind::Calls => CALLS,
            Kind::Emails => EMAILS,
            Kind::Meetings => MEETINGS,
            _ => TASKS,
        }
    }

    fn scan(&self, view: &View, each: &mut dyn FnMut(Head)) {
        let deals = 0..view.world.deal_count();
        let leads = (0..view.world.lead_count()).map(|lead| lead | LEAD);
        let people = (0..view.world.people().len() as u64).map(|person| person | PERSON);
        for home in deals.chain(leads).chain(people) {
            for activity in Self::at_home(view, home) {
                if self.is_mine(&activity) {
                    each(Head {
                        number: activity.index,
                        home,
                        created: activity.created_at,
                        modified: self.modified(view, &activity),
                        deleted: activity.deleted_at,
                        merged_into: None,
                    });
                }
            }
        }
    }

    fn item(&self, view: &View, number: u64, home: u64, memo: &mut Self::Memo) -> Option<Activity> {
        if memo.as_ref().is_none_or(|(of, _)| *of != home) {
            *memo = Some((home, Self::at_home(view, home)));
        }
        let (_, activities) = memo.as_ref()?;
        activities.iter().find(|activity| activity.index == number).cloned()
    }

    fn created(&self, activity: &Activity) -> Instant {
        activity.created_at
    }

    fn deleted(&self, activity: &Activity) -> Option<Instant> {
        activity.deleted_at
    }

    fn links(&self, _: &View, activity: &Activity, to: Kind) -> Vec<u64> {
        match (to, activity.about) {
            (Kind::Deals, About::Deal(deal)) => vec![deal],
            (Kind::Leads, About::Lead(lead)) => vec![lead],
            (Kind::Contacts, _) => {
                let contacts = activity.participants.iter().filter_map(|who| who.contact);
                let mut contacts: Vec<u64> = contacts.collect();
                contacts.sort_unstable();
                contacts.dedup();
                contacts
            }
            _ => Vec::new(),
        }
    }
}

/// `hs_email_headers`: JSON inside a text.
fn headers(mail: &Activity) -> String {
    let address = |email: &str| serde_json::json!({ "email": email });
    let from = mail.participants.first().map(|sender| address(&sender.email));
    let to: Vec<_> = mail.participants.iter().skip(1).map(|to| address(&to.email)).collect();
    let auto = match mail.nature {
        Nature::AutoReply => "auto-replied",
        Nature::Newsletter => "auto-generated",
        _ => "no",
    };
    serde_json::json!({ "from": from, "to": to, "cc": [], "bcc": [], "auto-submitted": auto })
        .to_string()
}
