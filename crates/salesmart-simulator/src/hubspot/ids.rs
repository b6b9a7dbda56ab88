//! The kinds of objects, and the ids HubSpot gives: numeric strings, a range for each kind.

use crate::Stage;
use crate::world::{ForecastCategory, LeadStatus};

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Contacts,
    Companies,
    Deals,
    Leads,
    Products,
    LineItems,
    Calls,
    Emails,
    Meetings,
    Notes,
    Tasks,
    GoalTargets,
    /// The portal's custom object.
    Contracts,
}

/// What is fixed about a kind.
pub(super) struct Facts {
    /// Its name in paths.
    pub(super) plural: &'static str,
    /// Its name in association types and messages.
    pub(super) singular: &'static str,
    /// Its type id.
    pub(super) type_id: &'static str,
    /// The property that holds when it was made.
    pub(super) created: &'static str,
    /// The property that holds when it last changed.
    pub(super) modified: &'static str,
    /// The scope that lets it be read.
    pub(super) scope: &'static str,
    /// What comes back when no properties are named, next to the id and the two stamps.
    pub(super) default: &'static [&'static str],
    /// Its first id.
    first: u64,
}

impl Kind {
    /// Every kind.
    pub(super) const ALL: [Kind; 13] = [
        Kind::Contacts,
        Kind::Companies,
        Kind::Deals,
        Kind::Leads,
        Kind::Products,
        Kind::LineItems,
        Kind::Calls,
        Kind::Emails,
        Kind::Meetings,
        Kind::Notes,
        Kind::Tasks,
        Kind::GoalTargets,
        Kind::Contracts,
    ];

    /// Its facts.
    pub(super) fn facts(self) -> &'static Facts {
        &FACTS[self as usize]
    }

    /// The kind with this name in the plural or singular, or with this type id.
    pub(super) fn find(name: &str) -> Option<Self> {
        let custom =
            (name.starts_with('p') && name.ends_with("_contracts")).then_some(Kind::Contracts);
        let named = Kind::ALL.into_iter().find(|kind| {
            let facts = kind.facts();
            [facts.plural, facts.singular, facts.type_id].contains(&name)
        });
        named.or(custom)
    }

    /// The id of the record with this number.
    pub(super) fn id(self, number: u64) -> u64 {
        self.facts().first + number
    }

    /// The number of the record with this id, if the id is of this kind's range or above.
    pub(super) fn number(self, id: u64) -> Option<u64> {
        id.checked_sub(self.facts().first)
    }

    /// Whether it is logged on a timeline: calls, mails, meetings, notes and tasks.
    pub(super) fn is_engagement(self) -> bool {
        matches!(self, Kind::Calls | Kind::Emails | Kind::Meetings | Kind::Notes | Kind::Tasks)
    }
}

/// The facts, in the order of [`Kind::ALL`]. Every range of ids has room for 10^11.
const FACTS: [Facts; 13] = [
    Facts {
        plural: "contacts",
        singular: "contact",
        type_id: "0-1",
        created: "createdate",
        modified: "lastmodifieddate",
        scope: "crm.objects.contacts.read",
        default: &["email", "firstname", "lastname"],
        first: 101_000_000_000,
    },
    Facts {
        plural: "companies",
        singular: "company",
        type_id: "0-2",
        created: "createdate",
        modified: "hs_lastmodifieddate",
        scope: "crm.objects.companies.read",
        default: &["domain", "name"],
        first: 201_000_000_000,
    },
    Facts {
        plural: "deals",
        singular: "deal",
        type_id: "0-3",
        created: "createdate",
        modified: "hs_lastmodifieddate",
        scope: "crm.objects.deals.read",
        default: &["amount", "closedate", "dealname", "dealstage", "pipeline"],
        first: 301_000_000_000,
    },
    Facts {
        plural: "leads",
        singular: "lead",
        type_id: "0-136",
        created: "hs_createdate",
        modified: "hs_lastmodifieddate",
        scope: "crm.objects.leads.read",
        default: &["hs_lead_name"],
        first: 401_000_000_000,
    },
    Facts {
        plural: "products",
        singular: "product",
        type_id: "0-7",
        created: "createdate",
        modified: "hs_lastmodifieddate",
        scope: "crm.objects.products.read",
        default: &["description", "name", "price"],
        first: 501_000_000_000,
    },
    Facts {
        plural: "line_items",
        singular: "line_item",
        type_id: "0-8",
        created: "createdate",
        modified: "hs_lastmodifieddate",
        scope: "crm.objects.line_items.read",
        default: &["amount", "hs_product_id", "quantity"],
        first: 601_000_000_000,
    },
    Facts {
        plural: "calls",
        singular: "call",
        type_id: "0-48",
        created: "hs_createdate",
        modified: "hs_lastmodifieddate",
        scope: "crm.objects.contacts.read",
        default: &[],
        first: ENGAGEMENTS,
    },
    Facts {
        plural: "emails",
        singular: "email",
        type_id: "0-49",
        created: "hs_createdate",
        modified: "hs_lastmodifieddate",
        scope: "sales-email-read",
        default: &[],
        first: ENGAGEMENTS,
    },
    Facts {
        plural: "meetings",
        singular: "meeting",
        type_id: "0-47",
        created: "hs_createdate",
        modified: "hs_lastmodifieddate",
        scope: "crm.objects.contacts.read",
        default: &[],
        first: ENGAGEMENTS,
    },
    Facts {
        plural: "notes",
        singular: "note",
        type_id: "0-46",
        created: "hs_createdate",
        modified: "hs_lastmodifieddate",
        scope: "crm.objects.contacts.read",
        default: &[],
        first: 801_000_000_000,
    },
    Facts {
        plural: "tasks",
        singular: "task",
        type_id: "0-27",
        created: "hs_createdate",
        modified: "hs_lastmodifieddate",
        scope: "crm.objects.contacts.read",
        default: &[],
        first: ENGAGEMENTS,
    },
    Facts {
        plural: "goal_targets",
        singular: "goal_target",
        type_id: "0-74",
        created: "hs_createdate",
        modified: "hs_lastmodifieddate",
        scope: "crm.objects.goals.read",
        default: &["hs_goal_name", "hs_target_amount"],
        first: 701_000_000_000,
    },
    Facts {
        plural: "contracts",
        singular: "contract",
        type_id: "2-4711001",
        created: "hs_createdate",
        modified: "hs_lastmodifieddate",
        scope: "crm.objects.custom.read",
        default: &["contract_number"],
        first: 901_000_000_000,
    },
];

/// The first id of what the world calls activities; calls, mails, meetings and tasks share it.
const ENGAGEMENTS: u64 = 10_000_000_000_000;

/// The id of an owner: what `hubspot_owner_id` holds.
pub(super) fn owner(person: usize) -> u64 {
    71_000_000 + person as u64
}

/// The id of a user: what histories name as the one who did it.
pub(super) fn user(person: usize) -> u64 {
    61_000_000 + person as u64
}

/// The id of a team.
pub(super) fn team(team: usize) -> u64 {
    51_000_000 + team as u64
}

/// The pipeline of all deals.
pub(super) const DEAL_PIPELINE: &str = "default";

/// The pipeline of all leads.
pub(super) const LEAD_PIPELINE: &str = "lead-pipeline-id";

/// The id of a deal's stage; the label is [`Stage::name`].
pub(super) fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Prospecting => "appointmentscheduled",
        Stage::Qualified => "qualifiedtobuy",
        Stage::Proposal => "presentationscheduled",
        Stage::Negotiation => "contractsent",
        Stage::ClosedWon => "closedwon",
        Stage::ClosedLost => "closedlost",
    }
}

/// The id of a lead's stage. A lead that became a contact and perhaps a deal is a qualified one;
/// one that is worth a deal is connected.
pub(super) fn lead_stage(status: LeadStatus) -> &'static str {
    match status {
        LeadStatus::New => "new-stage-id",
        LeadStatus::Working => "attempting-stage-id",
        LeadStatus::Qualified => "connected-stage-id",
        LeadStatus::Converted => "qualified-stage-id",
        LeadStatus::Unqualified => "unqualified-stage-id",
    }
}

/// The forecast category as `hs_manual_forecast_category` has it.
pub(super) fn category(category: ForecastCategory) -> &'static str {
    match category {
        ForecastCategory::Omitted => "OMIT",
        ForecastCategory::Pipeline => "PIPELINE",
        ForecastCategory::BestCase => "BEST_CASE",
        ForecastCategory::MostLikely => "MOST_LIKELY",
        ForecastCategory::Commit => "COMMIT",
        ForecastCategory::Closed => "CLOSED",
    }
}
