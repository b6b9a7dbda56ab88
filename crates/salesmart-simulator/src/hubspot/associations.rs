//! Associations: which records belong together, in the words of v3 and v4.

use super::ids::Kind;
use super::table::Reader;
use super::view::View;

/// One way in which records of two kinds belong together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bond {
    /// Its id, seen from this side.
    pub(super) id: u32,
    pub(super) label: Option<&'static str>,
    /// Its name in v3, seen from this side.
    pub(super) name: &'static str,
}

/// Two kinds that belong together. The world knows it from the records of `from`.
struct Pair {
    from: Kind,
    to: Kind,
    forth: &'static [Bond],
    back: &'static [Bond],
}

const fn plain(id: u32, name: &'static str) -> Bond {
    Bond { id, label: None, name }
}

const fn primary(id: u32, name: &'static str) -> Bond {
    Bond { id, label: Some("Primary"), name }
}

const fn pair(from: Kind, to: Kind, forth: &'static [Bond], back: &'static [Bond]) -> Pair {
    Pair { from, to, forth, back }
}

/// The type ids of leads and of the custom object are engineering knowledge that was not checked;
/// nothing should hang on them.
static PAIRS: &[Pair] = &[
    pair(
        Kind::Deals,
        Kind::Companies,
        &[primary(5, "deal_to_company"), plain(341, "deal_to_company_unlabeled")],
        &[primary(6, "company_to_deal"), plain(342, "company_to_deal_unlabeled")],
    ),
    pair(
        Kind::Deals,
        Kind::Contacts,
        &[plain(3, "deal_to_contact")],
        &[plain(4, "contact_to_deal")],
    ),
    pair(
        Kind::Deals,
        Kind::LineItems,
        &[plain(19, "deal_to_line_item")],
        &[plain(20, "line_item_to_deal")],
    ),
    pair(
        Kind::Contacts,
        Kind::Companies,
        &[primary(1, "contact_to_company"), plain(279, "contact_to_company_unlabeled")],
        &[primary(2, "company_to_contact"), plain(280, "company_to_contact_unlabeled")],
    ),
    pair(
        Kind::Leads,
        Kind::Contacts,
        &[primary(578, "lead_to_primary_contact"), plain(608, "lead_to_contact")],
        &[primary(579, "primary_contact_to_lead"), plain(609, "contact_to_lead")],
    ),
    pair(
        Kind::Leads,
        Kind::Companies,
        &[plain(610, "lead_to_company")],
        &[plain(611, "company_to_lead")],
    ),
    pair(Kind::Leads, Kind::Deals, &[plain(584, "lead_to_deal")], &[plain(583, "deal_to_lead")]),
    pair(
        Kind::Calls,
        Kind::Contacts,
        &[plain(194, "call_to_contact")],
        &[plain(193, "contact_to_call")],
    ),
    pair(Kind::Calls, Kind::Deals, &[plain(206, "call_to_deal")], &[plain(205, "deal_to_call")]),
    pair(Kind::Calls, Kind::Leads, &[plain(597, "call_to_lead")], &[plain(596, "lead_to_call")]),
    pair(
        Kind::Emails,
        Kind::Contacts,
        &[plain(198, "email_to_contact")],
        &[plain(197, "contact_to_email")],
    ),
    pair(Kind::Emails, Kind::Deals, &[plain(210, "email_to_deal")], &[plain(209, "deal_to_email")]),
    pair(Kind::Emails, Kind::Leads, &[plain(599, "email_to_lead")], &[plain(598, "lead_to_email")]),
    pair(
        Kind::Meetings,
        Kind::Contacts,
        &[plain(200, "meeting_event_to_contact")],
        &[plain(199, "contact_to_meeting_event")],
    ),
    pair(
        Kind::Meetings,
        Kind::Deals,
        &[plain(212, "meeting_event_to_deal")],
        &[plain(211, "deal_to_meeting_event")],
    ),
    pair(
        Kind::Meetings,
        Kind::Leads,
        &[plain(601, "meeting_event_to_lead")],
        &[plain(600, "lead_to_meeting_event")],
    ),
    pair(
        Kind::Tasks,
        Kind::Contacts,
        &[plain(204, "task_to_contact")],
        &[plain(203, "contact_to_task")],
    ),
    pair(Kind::Tasks, Kind::Deals, &[plain(216, "task_to_deal")], &[plain(215, "deal_to_task")]),
    pair(Kind::Tasks, Kind::Leads, &[plain(605, "task_to_lead")], &[plain(604, "lead_to_task")]),
    pair(Kind::Notes, Kind::Deals, &[plain(214, "note_to_deal")], &[plain(213, "deal_to_note")]),
    pair(
        Kind::Contracts,
        Kind::Deals,
        &[plain(31, "contract_to_deal")],
        &[plain(32, "deal_to_contract")],
    ),
    pair(
        Kind::Contracts,
        Kind::Companies,
        &[plain(33, "contract_to_company")],
        &[plain(34, "company_to_contract")],
    ),
];

/// The ways in which a record of `from` can belong to one of `to`; none: they never do.
pub(super) fn bonds(from: Kind, to: Kind) -> Option<&'static [Bond]> {
    PAIRS.iter().find_map(|pair| {
        if (pair.from, pair.to) == (from, to) {
            Some(pair.forth)
        } else if (pair.from, pair.to) == (to, from) {
            Some(pair.back)
        } else {
            None
        }
    })
}

/// Every kind that a kind can be associated with.
pub(super) fn kinds_of(from: Kind) -> Vec<Kind> {
    Kind::ALL.into_iter().filter(|to| bonds(from, *to).is_some()).collect()
}

/// `HUBSPOT_DEFINED`, or `USER_DEFINED` where the custom object takes part.
pub(super) fn category(from: Kind, to: Kind) -> &'static str {
    if [from, to].contains(&Kind::Contracts) { "USER_DEFINED" } else { "HUBSPOT_DEFINED" }
}

/// Associations that the world knows from the other side: (from, to) by number, sorted.
#[derive(Debug)]
pub(super) struct Reverse(Vec<(u64, u64)>);

/// Turns the associations around: those from `from` to `to`, found from the records of `to`.
pub(super) fn reversed(view: &View, from: Kind, to: Kind) -> Reverse {
    let index = view.index(to);
    let mut reader = view.reader(to);
    let mut found = Vec::new();
    for position in (0..index.len()).filter(|position| !index.is_archived(*position)) {
        reader.go(position);
        let others = resolved(view, from, &reader.links(from));
        found.extend(others.into_iter().map(|other| (other, index.number(position))));
    }
    found.sort_unstable();
    Reverse(found)
}

/// The numbers of the records of `to` that the reader's record belongs to, in order.
pub(super) fn linked(view: &View, from: Kind, reader: &dyn Reader, to: Kind) -> Vec<u64> {
    let is_known_here = PAIRS.iter().any(|pair| (pair.from, pair.to) == (from, to));
    if is_known_here {
        return resolved(view, to, &reader.links(to));
    }
    let number = reader.number();
    let reverse = view.reverse(from, to);
    let first = reverse.0.partition_point(|(one, _)| *one < number);
    let mine = reverse.0[first..].iter().take_while(|(one, _)| *one == number);
    mine.map(|(_, other)| *other).collect()
}

/// Those that are not archived, the survivors of those that were merged away.
fn resolved(view: &View, kind: Kind, numbers: &[u64]) -> Vec<u64> {
    let index = view.index(kind);
    let positions = numbers.iter().filter_map(|number| index.resolve(*number));
    let live = positions.filter(|position| !index.is_archived(*position));
    let mut numbers: Vec<u64> = live.map(|position| index.number(position)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}
