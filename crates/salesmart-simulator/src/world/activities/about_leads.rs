//! How leads are reached for, and what they answer.

use chrono::{Days, TimeDelta};

use crate::chance::Purpose;
use crate::world::core::Core;
use crate::world::leads::LeadEnd;
use crate::world::{About, Activity, ActivityKind, Answer, Instant, Lead, Nature, Participant};

use super::touches::{Touch, awake};
use super::{LEADS, known};

/// How often a lead is tried.
const TRIES: u64 = 5;

impl Core {
    /// Everything about a lead that is known at `now`.
    pub(in crate::world) fn activities_of_lead(&self, index: u64, now: Instant) -> Vec<Activity> {
        let Some(sketch) = self.lead_sketch(index) else { return Vec::new() };
        let plan = self.lead_plan(index, &sketch);
        let Some(lead) = self.lead(index, now) else { return Vec::new() };
        let mut dice = self.dice(Purpose::LeadTouches, index);
        let mut activities = Vec::new();
        let until = plan.ends.map(|(at, _)| at);
        let converts = matches!(plan.ends, Some((_, LeadEnd::Converted { .. })));
        let mut next = plan.first_touch;
        for place in 0..TRIES {
            let Some(when) = next else { break };
            // The first touch always happens, what follows while the lead is worked on.
            if place > 0 && until.is_some_and(|until| when >= until) {
                break;
            }
            let writes = sketch.email.is_some() && dice.happens(0.6);
            let kind = if writes { ActivityKind::EmailOut } else { ActivityKind::Call };
            let mut touch = Touch::outreach(&mut dice, place * 4, when, kind);
            let last = until.unwrap_or(when + TimeDelta::days(60));
            touch.reply = touch.reply.filter(|(_, at)| *at < last);
            touch.answer = touch.answer.filter(|at| touch.reply.is_some() && *at < last);
            self.expand(&lead, &touch, sketch_owner(&lead), &mut activities);
            let days = 1 + dice.below(6);
            let again = awake(when + TimeDelta::days(1) + Days::new(days) - TimeDelta::hours(2));
            next = Some(again).filter(|_| dice.happens(if converts { 0.8 } else { 0.55 }));
        }
        if sketch.email.is_some() && dice.happens(0.06) {
            // Their company's newsletter, which says nothing about the lead.
            let at = awake(sketch.created_at + TimeDelta::hours(30));
            let mut letter = self.blank(&lead, 30, ActivityKind::EmailIn, at);
            letter.nature = Nature::Newsletter;
            letter.subject = format!("News from {}", lead.company);
            letter.thread = Some(letter.index);
            letter.owner = Self::lead_owner_at(&lead, sketch_owner(&lead), at);
            letter.participants = vec![theirs(&lead), self.colleague(letter.owner, Answer::None)];
            activities.push(letter);
        }
        known(activities, now)
    }

    fn blank(&self, lead: &Lead, place: u64, kind: ActivityKind, at: Instant) -> Activity {
        Activity {
            index: LEADS + lead.index * 32 + place,
            kind,
            nature: Nature::Human,
            owner: lead.owner,
            about: About::Lead(lead.index),
            subject: String::new(),
            at,
            minutes: 0,
            is_all_day: false,
            series: None,
            answers: None,
            thread: None,
            participants: Vec::new(),
            created_at: at,
            modified_at: at,
            deleted_at: None,
        }
    }

    fn expand(&self, lead: &Lead, touch: &Touch, first: usize, out: &mut Vec<Activity>) {
        let owner_at = |at: Instant| Self::lead_owner_at(lead, first, at);
        let mut push = |step: u64, kind, at: Instant, logged: Instant, nature, subject: String| {
            let mut activity = self.blank(lead, touch.place + step, kind, at);
            (activity.nature, activity.subject) = (nature, subject);
            (activity.created_at, activity.modified_at) = (logged, logged);
            activity.owner = owner_at(at);
            let ours = self.colleague(activity.owner, Answer::None);
            activity.participants = match kind {
                ActivityKind::EmailIn => vec![theirs(lead), ours],
                _ => vec![ours, theirs(lead)],
            };
            if kind != ActivityKind::Call {
                let thread = LEADS + lead.index * 32 + touch.place;
                activity.thread = Some(thread);
                activity.answers = (step > 0).then(|| thread + step - 1);
            } else {
                activity.minutes = touch.minutes;
                if lead.email.is_none() {
                    activity.participants.truncate(1);
                }
            }
            out.push(activity);
        };
        let logged = |at: Instant| at + TimeDelta::minutes(2);
        if touch.kind == ActivityKind::Call {
            let subject = format!("Call with {} {}", lead.first_name, lead.last_name);
            push(0, touch.kind, touch.at, touch.created_at, Nature::Human, subject);
            return;
        }
        let subject = format!("{} and Fernhill", lead.company);
        push(0, touch.kind, touch.at, touch.created_at, Nature::Human, subject.clone());
        if let Some((nature, at)) = touch.reply {
            let subject = match nature {
                Nature::AutoReply => format!("Automatic reply: {subject}"),
                Nature::Bounce => format!("Undeliverable: {subject}"),
                _ => format!("Re: {subject}"),
            };
            push(1, ActivityKind::EmailIn, at, logged(at), nature, subject);
        }
        if let Some(at) = touch.answer {
            let subject = format!("Re: {subject}");
            push(2, ActivityKind::EmailOut, at, logged(at), Nature::Human, subject);
        }
    }
}

/// Who had the lead first.
fn sketch_owner(lead: &Lead) -> usize {
    lead.history.first().map_or(lead.owner, |change| change.by)
}

/// The lead as one of those who take part.
fn theirs(lead: &Lead) -> Participant {
    Participant {
        email: lead.email.clone().unwrap_or_default(),
        person: None,
        contact: None,
        lead: Some(lead.index),
        answer: Answer::None,
    }
}
