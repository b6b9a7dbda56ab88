//! Leads: where they come from, what becomes of them, and which deals come of them.

use chrono::{Days, TimeDelta};

use crate::calendar::at;
use crate::chance::{self, Dice, Purpose};
use crate::organisation::mailbox;
use crate::words::{FIRST_NAMES, LAST_NAMES, SOURCES};

use super::activities::awake;
use super::core::{Core, LEADS_PER_DEAL};
use super::customers::{HANDED_OVER_AT, stranger};
use super::deals::office_after;
use super::{Instant, Lead, LeadChange, LeadEvent, LeadStatus};

/// Fewer deals than this tell nothing of leads: none converts.
const DEALS_FOR_CONVERSION: u64 = 120;

/// Who a lead is.
pub(super) struct LeadSketch {
    first_name: &'static str,
    last_name: &'static str,
    pub(super) email: Option<String>,
    company: String,
    source: &'static str,
    pub(super) created_at: Instant,
    owner: usize,
}

/// What becomes of it, and when.
pub(super) struct LeadPlan {
    /// The first call or mail.
    pub(super) first_touch: Option<Instant>,
    qualified: Option<Instant>,
    pub(super) ends: Option<(Instant, LeadEnd)>,
    handed_over: Option<Instant>,
    deleted: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum LeadEnd {
    Unqualified,
    Converted { account: u64, contact: u64, deal: Option<u64>, owner: Option<usize> },
}

impl Core {
    /// The deal that may come of a lead; no two leads have the same.
    fn deal_of_lead(&self, lead: u64) -> Option<u64> {
        if self.deals < DEALS_FOR_CONVERSION || !lead.is_multiple_of(LEADS_PER_DEAL) {
            return None;
        }
        // A deal comes some weeks after its lead, of which there are as many as deals since:
        // between half and one and a half of the usual number.
        let usual = self.deals / 60;
        let bits = (usual / 2).ilog2();
        let place = lead / LEADS_PER_DEAL;
        let mask = self.dice(Purpose::Lead, 1 << 40 | place >> bits).below(1 << bits);
        let deal = (place ^ mask) + usual;
        self.dice(Purpose::Lead, lead).happens(0.35).then_some(deal)
    }

    pub(super) fn lead_sketch(&self, lead: u64) -> Option<LeadSketch> {
        let created_at = self.lead_created(lead)?;
        let mut dice = self.dice(Purpose::Lead, lead);
        // The first draw says whether a deal comes of it.
        let _ = dice.unit();
        let source = dice.pick(&SOURCES);
        let owner = self.organisation.owner(created_at.date_naive(), dice.unit());
        let unknown = dice.happens(0.03);
        let nature = self.deal_of_lead(lead).and_then(|deal| self.nature(deal));
        if let Some((source, contact)) =
            nature.and_then(|nature| Some((nature.source, nature.contact?)))
        {
            let sketch = self.contact(contact / 8, contact % 8)?;
            return Some(LeadSketch {
                first_name: sketch.first_name,
                last_name: sketch.last_name,
                email: self.contact_email(contact),
                company: self.account_name(contact / 8).0,
                source,
                created_at,
                owner,
            });
        }
        let name = dice.below((FIRST_NAMES.len() * LAST_NAMES.len()) as u64);
        let first_name = FIRST_NAMES[chance::index(name) % FIRST_NAMES.len()];
        let last_name = LAST_NAMES[chance::index(name) % LAST_NAMES.len()];
        // Many work for a company that is known already.
        let (company, domain) = if dice.happens(0.5) {
            let accounts = self.accounts_by(created_at.date_naive() - Days::new(1));
            let account = dice.below(accounts);
            (self.account_name(account).0, self.domain(account))
        } else {
            let (company, domain) = stranger(&mut dice);
            (company, Some(domain))
        };
        // Addresses are unique, also among leads of one name and company.
        let local = format!("{}.{}", mailbox(first_name), mailbox(last_name));
        let email = domain.filter(|_| !unknown).map(|domain| format!("{local}.{lead}@{domain}"));
        Some(LeadSketch { first_name, last_name, email, company, source, created_at, owner })
    }

    pub(super) fn lead_plan(&self, lead: u64, sketch: &LeadSketch) -> LeadPlan {
        let mut dice = self.dice(Purpose::LeadLife, lead);
        let created = sketch.created_at;
        let response = chance::round(dice.lognormal(240.0, 1.2)).clamp(4, 30_000);
        let neglected = dice.happens(0.12);
        let first_touch = awake(created + TimeDelta::minutes(response));
        let destiny = dice.unit();
        let (works, moves, moved_after) =
            (2 + dice.below(28), dice.happens(0.08), 1 + dice.below(6));
        let ends_at = office_after(&mut dice, first_touch.date_naive(), works);
        let mut plan = LeadPlan {
            first_touch: Some(first_touch).filter(|_| !neglected),
            qualified: None,
            ends: None,
            handed_over: None,
            deleted: None,
        };
        if moves {
            let at = office_after(&mut dice, created.date_naive(), moved_after);
            plan.handed_over = Some(at);
        }
        let between = |until: Instant, first: Instant| first + (until - first) * 3 / 5;
        if let Some(deal) = self.deal_of_lead(lead) {
            plan.promised(self, deal, created, first_touch);
        } else if neglected {
            // Nobody ever calls.
        } else if destiny < 0.08 {
            plan.ends = self.without_deal(&mut dice, ends_at);
            plan.qualified = Some(awake(between(ends_at, first_touch)));
        } else if destiny < 0.65 {
            plan.ends = Some((ends_at, LeadEnd::Unqualified));
            if dice.happens(0.04) && !self.tidy {
                let after = 3 + dice.below(60);
                plan.deleted = Some(office_after(&mut dice, ends_at.date_naive(), after));
            }
        } else if destiny < 0.75 {
            plan.qualified = Some(ends_at);
        }
        let end = plan.ends.map(|(at, _)| at);
        plan.qualified = plan.qualified.filter(|at| end.is_none_or(|end| *at < end));
        plan.handed_over = plan.handed_over.filter(|at| end.is_none_or(|end| *at < end));
        plan
    }

    /// A lead that becomes a contact of an account that is there, without a deal.
    fn without_deal(&self, dice: &mut Dice, when: Instant) -> Option<(Instant, LeadEnd)> {
        let region = chance::index(dice.below(self.regions()));
        let account = self.buyer(region, when.date_naive().min(self.window.horizon()), dice.unit());
        if self.account_end(account).is_some() {
            return None;
        }
        let contact = self.counterpart(account, when, dice.bits());
        Some((when, LeadEnd::Converted { account, contact, deal: None, owner: None }))
    }

    /// A lead as of `now`, which is not before it came in.
    pub(super) fn lead(&self, index: u64, now: Instant) -> Option<Lead> {
        let sketch = self.lead_sketch(index)?;
        let plan = self.lead_plan(index, &sketch);
        let mut lead = Lead {
            index,
            first_name: sketch.first_name.to_owned(),
            last_name: sketch.last_name.to_owned(),
            email: sketch.email.clone(),
            company: sketch.company.clone(),
            source: sketch.source,
            status: LeadStatus::New,
            owner: sketch.owner,
            created_at: sketch.created_at,
            modified_at: sketch.created_at,
            converted_at: None,
            converted_contact: None,
            converted_account: None,
            converted_deal: None,
            deleted_at: None,
            history: Vec::with_capacity(6),
        };
        let created =
            LeadChange { at: sketch.created_at, by: sketch.owner, what: LeadEvent::Created };
        lead.history.push(created);
        let mut steps: Vec<(Instant, Step)> = Vec::new();
        let worked = plan.first_touch.map(|at| at + TimeDelta::minutes(5));
        let end = plan.ends.map(|(at, _)| at);
        if let Some(at) = worked.filter(|at| end.is_none_or(|end| *at < end)) {
            steps.push((at, Step::Status(LeadStatus::Working)));
        }
        steps.extend(plan.qualified.map(|at| (at, Step::Status(LeadStatus::Qualified))));
        steps.extend(plan.handed_over.map(|at| (at, Step::HandOver)));
        steps.extend(plan.ends.map(|(at, end)| (at, Step::End(end))));
        steps.extend(plan.deleted.map(|at| (at, Step::Delete)));
        steps.sort_by_key(|(at, _)| *at);
        for (at, step) in steps {
            self.lead_leavers(&mut lead, at.min(now));
            if at > now {
                break;
            }
            self.lead_step(&mut lead, at, step);
        }
        self.lead_leavers(&mut lead, now);
        Some(lead)
    }

    /// Gives what leavers had to a colleague, unless it is done with.
    fn lead_leavers(&self, lead: &mut Lead, until: Instant) {
        let organisation = &self.organisation;
        while !matches!(lead.status, LeadStatus::Converted | LeadStatus::Unqualified)
            && lead.deleted_at.is_none()
        {
            let from = lead.owner;
            let Some(end) = organisation.members[from].end else { return };
            let evening = at(end, HANDED_OVER_AT + 30);
            let when = evening.max(lead.modified_at + TimeDelta::seconds(61));
            if when > until {
                return;
            }
            let to = organisation.successor(from, end);
            let by = organisation.manager_on(from, end);
            lead.push(when, by, LeadEvent::Owner { from, to });
            lead.owner = to;
        }
    }

    fn lead_step(&self, lead: &mut Lead, at: Instant, step: Step) {
        let organisation = &self.organisation;
        let day = at.date_naive();
        let from = lead.owner;
        let manager = organisation.manager_on(from, day);
        let by = if organisation.members[from].works_on(day) { from } else { manager };
        match step {
            Step::Status(to) => lead.status(at, by, to),
            Step::HandOver => {
                let to = organisation.successor(from, day);
                if to != from {
                    lead.push(at, manager, LeadEvent::Owner { from, to });
                    lead.owner = to;
                }
            }
            Step::End(LeadEnd::Unqualified) => lead.status(at, by, LeadStatus::Unqualified),
            Step::End(LeadEnd::Converted { account, contact, deal, owner }) => {
                // Who opens the deal has taken the lead over.
                let by = owner.unwrap_or(by);
                if by != from && owner.is_some() {
                    lead.push(at, by, LeadEvent::Owner { from, to: by });
                    lead.owner = by;
                }
                lead.status(at, by, LeadStatus::Converted);
                lead.push(at, by, LeadEvent::Converted);
                lead.converted_at = Some(at);
                lead.converted_account = Some(account);
                lead.converted_contact = Some(contact);
                lead.converted_deal = deal;
            }
            Step::Delete => {
                lead.push(at, manager, LeadEvent::Deleted);
                lead.deleted_at = Some(at);
            }
        }
    }

    /// Who had a lead at an instant.
    pub(super) fn lead_owner_at(lead: &Lead, first: usize, when: Instant) -> usize {
        lead.history.iter().take_while(|change| change.at <= when).fold(first, |owner, change| {
            match change.what {
                LeadEvent::Owner { to, .. } => to,
                _ => owner,
            }
        })
    }
}

/// One step of a lead's way.
#[derive(Clone, Copy)]
enum Step {
    Status(LeadStatus),
    HandOver,
    End(LeadEnd),
    Delete,
}

impl LeadPlan {
    /// A lead of which a deal comes: it is converted at the moment at which the deal is entered.
    /// One without an account, or entered twice, is not tied to the lead, which then stays
    /// qualified.
    fn promised(&mut self, core: &Core, deal: u64, created: Instant, first_touch: Instant) {
        let Some(nature) = core.nature(deal) else { return };
        let converted = nature.created_at;
        // Those who wait for a deal are called in time.
        let quarter = awake(created + (converted - created) / 4);
        let first = first_touch.min(quarter.max(created + TimeDelta::minutes(9)));
        self.first_touch = Some(first).filter(|at| *at + TimeDelta::minutes(6) < converted);
        let second = awake(first + (converted - first) * 3 / 5);
        self.qualified =
            Some(second).filter(|at| *at < converted && *at > first + TimeDelta::minutes(5));
        let tied = core.twin(deal).is_none();
        if let (Some(account), Some(contact), true) = (nature.account, nature.contact, tied) {
            let (deal, owner) = (Some(deal), Some(nature.owner));
            let end = LeadEnd::Converted { account, contact, deal, owner };
            self.ends = Some((converted, end));
        }
    }
}

impl Lead {
    fn push(&mut self, at: Instant, by: usize, what: LeadEvent) {
        self.modified_at = at;
        self.history.push(LeadChange { at, by, what });
    }

    fn status(&mut self, at: Instant, by: usize, to: LeadStatus) {
        let from = self.status;
        self.push(at, by, LeadEvent::Status { from, to });
        self.status = to;
    }
}
