//! What was said and written about deals.

use chrono::TimeDelta;

use crate::chance::{self, Dice, Purpose};
use crate::words::PRODUCTS;
use crate::world::core::Core;
use crate::world::deals::DealNature;
use crate::world::{About, Activity, ActivityKind, Answer, Instant, Nature, Participant};

use super::touches::Touch;
use super::{Owners, known};

const SUBJECTS: [&str; 6] =
    ["next steps", "your questions", "proposal", "pricing", "timeline", "references"];

/// What one touch is expanded with.
struct Scene<'a> {
    core: &'a Core,
    deal: u64,
    nature: &'a DealNature,
    now: Instant,
    owner: usize,
    contact: Option<Participant>,
    dice: Dice,
}

impl Core {
    /// Everything about a deal that is known at `now`.
    pub(in crate::world) fn activities_of_deal(&self, deal: u64, now: Instant) -> Vec<Activity> {
        let Some(nature) = self.nature(deal) else { return Vec::new() };
        let life = self.life(deal, &nature);
        let (_, history) = self.record(deal, &nature, &life, now);
        let owners = Owners::new(&history);
        let mut activities = Vec::new();
        self.touches(deal, &nature, &life, |touch| {
            // Whom it is with, and who of us: as it was when it was entered.
            let owner = owners.at(touch.created_at.min(touch.at));
            let scene = Scene {
                core: self,
                deal,
                nature: &nature,
                now,
                owner,
                contact: self.reachable(&nature),
                dice: self.dice(Purpose::Activity, deal * 64 + touch.place * 3),
            };
            activities.extend(scene.play(touch, &owners));
            true
        });
        known(activities, now)
    }

    /// The contact of a deal as somebody to write to: the first of the account has an address
    /// where the account has a domain.
    fn reachable(&self, nature: &DealNature) -> Option<Participant> {
        let contact = nature.contact?;
        let (contact, email) = match self.contact_email(contact) {
            Some(email) => (contact, email),
            None => (contact / 8 * 8, self.contact_email(contact / 8 * 8)?),
        };
        let (contact, person, lead) = (Some(contact), None, None);
        Some(Participant { email, person, contact, lead, answer: Answer::None })
    }
}

impl Scene<'_> {
    fn activity(&self, touch: &Touch, step: u64, kind: ActivityKind, at: Instant) -> Activity {
        Activity {
            index: self.deal * 64 + touch.place * 3 + step,
            kind,
            nature: Nature::Human,
            owner: self.owner,
            about: About::Deal(self.deal),
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

    fn play(mut self, touch: &Touch, owners: &Owners) -> Vec<Activity> {
        let product = PRODUCTS[self.nature.product].name;
        let about = self.dice.pick(&SUBJECTS);
        let subject = format!("{product}: {about}");
        match touch.kind {
            ActivityKind::EmailOut => self.mails(touch, &subject, owners),
            ActivityKind::Meeting => vec![self.meeting(touch, &subject)],
            ActivityKind::Call => {
                let mut call = self.activity(touch, 0, ActivityKind::Call, touch.at);
                call.subject = format!("Call about {about}");
                call.minutes = touch.minutes;
                call.participants = self.with_contact(Answer::None);
                (call.created_at, call.modified_at) = (touch.created_at, touch.created_at);
                vec![call]
            }
            _ => vec![self.task(touch, about)],
        }
    }

    fn with_contact(&self, answer: Answer) -> Vec<Participant> {
        let ours = self.core.colleague(self.owner, Answer::Accepted);
        let theirs = self.contact.clone().map(|contact| Participant { answer, ..contact });
        std::iter::once(ours).chain(theirs).collect()
    }

    fn task(&mut self, touch: &Touch, about: &str) -> Activity {
        let mut task = self.activity(touch, 0, ActivityKind::Task, touch.at);
        task.subject = format!("Prepare: {about}");
        (task.created_at, task.modified_at) = (touch.created_at, touch.created_at);
        task.participants = vec![self.core.colleague(self.owner, Answer::None)];
        let removed = touch.at + TimeDelta::minutes(20);
        if self.dice.happens(0.03) && removed <= self.now && !self.core.tidy {
            task.deleted_at = Some(removed);
            task.modified_at = removed;
        }
        task
    }

    /// A mail, what came back, and what was written to that: one thread.
    fn mails(&self, touch: &Touch, subject: &str, owners: &Owners) -> Vec<Activity> {
        let thread = self.deal * 64 + touch.place * 3;
        let ours = self.core.colleague(self.owner, Answer::None);
        let Some(theirs) = self.contact.clone() else { return Vec::new() };
        let mut sent = self.activity(touch, 0, ActivityKind::EmailOut, touch.at);
        sent.subject = subject.to_owned();
        sent.thread = Some(thread);
        sent.participants = vec![ours.clone(), theirs.clone()];
        (sent.created_at, sent.modified_at) = (touch.created_at, touch.created_at);
        let mut mails = vec![sent];
        if let Some((nature, at)) = touch.reply {
            let mut reply = self.activity(touch, 1, ActivityKind::EmailIn, at);
            reply.nature = nature;
            reply.subject = match nature {
                Nature::AutoReply => format!("Automatic reply: {subject}"),
                Nature::Bounce => format!("Undeliverable: {subject}"),
                _ => format!("Re: {subject}"),
            };
            (reply.thread, reply.answers) = (Some(thread), Some(thread));
            reply.owner = owners.at(at);
            reply.participants = vec![theirs.clone(), ours];
            let logged = at + TimeDelta::minutes(2);
            (reply.created_at, reply.modified_at) = (logged, logged);
            mails.push(reply);
        }
        if let Some(at) = touch.answer {
            let mut answer = self.activity(touch, 2, ActivityKind::EmailOut, at);
            answer.subject = format!("Re: {subject}");
            (answer.thread, answer.answers) = (Some(thread), Some(thread + 1));
            answer.owner = owners.at(at);
            answer.participants = vec![self.core.colleague(answer.owner, Answer::None), theirs];
            let logged = at + TimeDelta::minutes(2);
            (answer.created_at, answer.modified_at) = (logged, logged);
            mails.push(answer);
        }
        mails
    }

    /// A meeting as the calendar has it now: where it was to be, or where it was moved to.
    fn meeting(&mut self, touch: &Touch, subject: &str) -> Activity {
        let changed = touch.changed_at.filter(|at| *at <= self.now);
        let at = if touch.changed_at.is_some() && changed.is_none() {
            touch.planned_at
        } else {
            touch.at
        };
        let mut meeting = self.activity(touch, 0, ActivityKind::Meeting, at);
        meeting.nature = if changed.is_some() { touch.outcome } else { Nature::Human };
        meeting.subject = subject.to_owned();
        meeting.minutes = touch.minutes;
        meeting.created_at = touch.created_at;
        let answered = touch.created_at
            + (touch.planned_at - touch.created_at) / 10
                * i32::try_from(1 + self.dice.below(5)).unwrap_or(1);
        let answered = super::touches::awake(answered).min(touch.planned_at);
        let (draw, second) = (self.dice.unit(), self.dice.happens(0.25));
        let answer = match draw {
            _ if answered > self.now => Answer::None,
            ..0.78 => Answer::Accepted,
            ..0.88 => Answer::Tentative,
            ..0.92 => Answer::Declined,
            _ => Answer::None,
        };
        meeting.participants = self.with_contact(answer);
        if second {
            // The manager comes along, or says why not.
            let manager =
                self.core.organisation.manager_on(self.owner, touch.created_at.date_naive());
            let answer = [Answer::Accepted, Answer::Tentative, Answer::Declined, Answer::None]
                [chance::index(self.dice.below(4))];
            let answer = if answered > self.now { Answer::None } else { answer };
            meeting.participants.push(self.core.colleague(manager, answer));
        }
        let stamps = [Some(answered).filter(|at| *at <= self.now), changed];
        meeting.modified_at = stamps.into_iter().flatten().fold(meeting.created_at, Instant::max);
        meeting
    }
}
