//! Leads, and the history of their stage and owner.

use crate::hubspot::ids::{self, Kind};
use crate::hubspot::property::Property;
use crate::hubspot::table::{Head, Object, Row, Version, fraction_of};
use crate::hubspot::value::{Millis, Style, Value, millis};
use crate::hubspot::view::View;
use crate::world::{Instant, Lead, LeadEvent, LeadStatus};

pub(super) struct Leads;

type P = Property<Lead>;

static PROPERTIES: &[P] = &[
    P::text("hs_lead_name", "Lead name", |_, l, v| {
        v.text(&format!("{} {} ({})", l.it.first_name, l.it.last_name, l.it.company));
    }),
    P::choice("hs_lead_type", "Lead type", &["NEW_BUSINESS"], |_, _, v| v.word("NEW_BUSINESS")),
    P::choice("hs_lead_label", "Lead label", &["HOT", "WARM", "COLD"], |_, l, v| {
        v.word(super::pick(&["HOT", "WARM", "COLD"], l.number));
    }),
    P::choice("hs_pipeline", "Lead Pipeline", &[], |_, _, v| v.word(ids::LEAD_PIPELINE)),
    P::choice("hs_pipeline_stage", "Lead Stage", &[], |_, l, v| {
        v.word(ids::lead_stage(l.it.status));
    }),
    P::choice("hubspot_owner_id", "Lead owner", &[], |_, l, v| v.whole(ids::owner(l.it.owner))),
    P::text("hs_associated_contact_email", "Contact email", |_, l, v| {
        v.maybe(l.it.email.as_deref());
    })
    .calculated(),
    P::text("hs_associated_contact_firstname", "Contact first name", |_, l, v| {
        v.text(&l.it.first_name);
    })
    .calculated(),
    P::text("hs_associated_contact_lastname", "Contact last name", |_, l, v| {
        v.text(&l.it.last_name);
    })
    .calculated(),
    P::text("hs_associated_company_name", "Company name", |_, l, v| v.text(&l.it.company))
        .calculated(),
    P::choice("hs_contact_analytics_source", "Original Traffic Source", &[], |_, l, v| {
        v.word(super::analytics_source(l.it.source));
    }),
    P::choice("lead_source", "Lead source", super::SOURCES, |_, l, v| v.word(l.it.source)).custom(),
    P::instant("lead_converted_at", "Converted at", |_, l, v| {
        v.instant(l.it.converted_at.map(millis));
    })
    .custom(),
    P::instant("hs_v2_date_entered_new_stage_id", "Entered New", |_, l, v| {
        v.instant(entered(l, LeadStatus::New));
    })
    .calculated(),
    P::instant("hs_v2_date_entered_attempting_stage_id", "Entered Attempting", |_, l, v| {
        v.instant(entered(l, LeadStatus::Working));
    })
    .calculated(),
    P::instant("hs_v2_date_entered_connected_stage_id", "Entered Connected", |_, l, v| {
        v.instant(entered(l, LeadStatus::Qualified));
    })
    .calculated(),
    P::instant("hs_v2_date_entered_qualified_stage_id", "Entered Qualified", |_, l, v| {
        v.instant(entered(l, LeadStatus::Converted));
    })
    .calculated(),
    P::instant("hs_v2_date_entered_unqualified_stage_id", "Entered Disqualified", |_, l, v| {
        v.instant(entered(l, LeadStatus::Unqualified));
    })
    .calculated(),
];

impl Object for Leads {
    type Item = Lead;
    type Memo = ();

    fn kind(&self) -> Kind {
        Kind::Leads
    }

    fn properties(&self) -> &'static [P] {
        PROPERTIES
    }

    fn scan(&self, view: &View, each: &mut dyn FnMut(Head)) {
        for number in 0..view.world.lead_count() {
            let lead = view.world.lead(number);
            let changes = lead.history.iter().rev();
            let mut counting = changes.filter(|change| change.what != LeadEvent::Deleted);
            each(Head {
                number,
                home: 0,
                created: lead.created_at,
                modified: counting.next().map_or(lead.modified_at, |change| change.at),
                deleted: lead.deleted_at,
                merged_into: None,
            });
        }
    }

    fn item(&self, view: &View, number: u64, _: u64, (): &mut ()) -> Option<Lead> {
        (number < view.world.lead_count()).then(|| view.world.lead(number))
    }

    fn created(&self, lead: &Lead) -> Instant {
        lead.created_at
    }

    fn deleted(&self, lead: &Lead) -> Option<Instant> {
        lead.deleted_at
    }

    fn history(&self, _: &View, row: &Row<Lead>, name: &str) -> Option<Vec<Version>> {
        match name {
            "hs_pipeline_stage" => {
                let stages = stages(row).into_iter();
                let written = stages
                    .map(|(at, by, status)| version(at, by, |v| v.word(ids::lead_stage(status))));
                Some(written.collect())
            }
            "hubspot_owner_id" => {
                let owners = owners(row).into_iter();
                let written =
                    owners.map(|(at, by, owner)| version(at, by, |v| v.whole(ids::owner(owner))));
                Some(written.collect())
            }
            _ => None,
        }
    }

    fn links(&self, _: &View, lead: &Lead, to: Kind) -> Vec<u64> {
        let link = match to {
            Kind::Contacts => lead.converted_contact,
            Kind::Companies => lead.converted_account,
            Kind::Deals => lead.converted_deal,
            _ => None,
        };
        link.into_iter().collect()
    }
}

fn version(at: Millis, by: usize, write: impl Fn(Value<'_>)) -> Version {
    let mut value = Vec::new();
    write(Value::new(&mut value, 500, Style::default(), false));
    Version { value, at, by: Some(by) }
}

/// The statuses it had, from when on, and who said so.
fn stages(row: &Row<Lead>) -> Vec<(Millis, usize, LeadStatus)> {
    let fraction = fraction_of(Kind::Leads, row.number);
    let statuses = row.it.history.iter().filter_map(|change| {
        let status = match change.what {
            LeadEvent::Created => LeadStatus::New,
            LeadEvent::Status { to, .. } => to,
            LeadEvent::Converted => LeadStatus::Converted,
            LeadEvent::Owner { .. } | LeadEvent::Deleted => return None,
        };
        Some((millis(change.at) + fraction, change.by, status))
    });
    let mut statuses: Vec<_> = statuses.collect();
    statuses.dedup_by_key(|(_, _, status)| *status);
    statuses
}

/// The owners it had, from when on, and who said so.
fn owners(row: &Row<Lead>) -> Vec<(Millis, usize, usize)> {
    let fraction = fraction_of(Kind::Leads, row.number);
    let moves = || {
        row.it.history.iter().filter_map(|change| match change.what {
            LeadEvent::Owner { from, to } => {
                Some((millis(change.at) + fraction, change.by, from, to))
            }
            _ => None,
        })
    };
    let first = moves().next().map_or(row.it.owner, |(_, _, from, _)| from);
    let by = row.it.history.first().map_or(first, |change| change.by);
    let later = moves().map(|(at, by, _, to)| (at, by, to));
    std::iter::once((row.created, by, first)).chain(later).collect()
}

fn entered(row: &Row<Lead>, status: LeadStatus) -> Option<Millis> {
    stages(row).into_iter().rev().find(|(_, _, other)| *other == status).map(|(at, _, _)| at)
}
