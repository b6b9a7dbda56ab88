//! Contacts: the people at the world's accounts. Their last change is in `lastmodifieddate`.

use crate::hubspot::ids::{self, Kind};
use crate::hubspot::property::Property;
use crate::hubspot::table::{Head, Object};
use crate::hubspot::view::View;
use crate::world::{Contact, Instant};

pub(super) struct Contacts;

/// Numbers that an account has for its contacts.
const PLACES: u64 = 8;

type P = Property<Contact>;

static PROPERTIES: &[P] = &[
    P::text("firstname", "First Name", |_, c, v| v.text(&c.it.first_name)),
    P::text("lastname", "Last Name", |_, c, v| v.text(&c.it.last_name)),
    P::text("email", "Email", |_, c, v| v.maybe(c.it.email.as_deref())),
    P::text("hs_email_domain", "Email Domain", |_, c, v| {
        let domain = c.it.email.as_deref().and_then(|email| email.split_once('@'));
        v.maybe(domain.map(|(_, domain)| domain));
    })
    .calculated(),
    P::text("jobtitle", "Job Title", |_, c, v| v.text(c.it.title)),
    P::choice("hubspot_owner_id", "Contact owner", &[], |_, c, v| {
        v.whole(ids::owner(c.it.owner));
    }),
    P::number("associatedcompanyid", "Primary Associated Company ID", |view, c, v| {
        let index = view.index(Kind::Companies);
        let position = index.resolve(c.it.account).filter(|at| !index.is_archived(*at));
        v.maybe_whole(position.map(|at| Kind::Companies.id(index.number(at))));
    }),
    P::choice("lifecyclestage", "Lifecycle Stage", &[], |_, _, v| v.word("opportunity")),
];

impl Object for Contacts {
    type Item = Contact;
    /// The contacts of the account that was looked at last.
    type Memo = Option<(u64, Vec<Contact>)>;

    fn kind(&self) -> Kind {
        Kind::Contacts
    }

    fn properties(&self) -> &'static [P] {
        PROPERTIES
    }

    fn scan(&self, view: &View, each: &mut dyn FnMut(Head)) {
        for account in 0..view.world.account_count() {
            // When their company goes, `associatedcompanyid` changes, and with it the contact.
            let gone_at = view.world.account(account).deleted_at;
            for contact in view.world.contacts_of(account) {
                each(Head {
                    number: contact.index,
                    home: 0,
                    created: contact.created_at,
                    modified: gone_at.unwrap_or(contact.modified_at).max(contact.modified_at),
                    deleted: contact.deleted_at,
                    merged_into: contact.merged_into,
                });
            }
        }
    }

    fn item(&self, view: &View, number: u64, _: u64, memo: &mut Self::Memo) -> Option<Contact> {
        let account = number / PLACES;
        if memo.as_ref().is_none_or(|(of, _)| *of != account) {
            *memo = Some((account, view.world.contacts_of(account)));
        }
        let (_, contacts) = memo.as_ref()?;
        contacts.iter().find(|contact| contact.index == number).cloned()
    }

    fn created(&self, contact: &Contact) -> Instant {
        contact.created_at
    }

    fn deleted(&self, contact: &Contact) -> Option<Instant> {
        contact.deleted_at
    }

    fn links(&self, _: &View, contact: &Contact, to: Kind) -> Vec<u64> {
        match to {
            Kind::Companies => vec![contact.account],
            _ => Vec::new(),
        }
    }
}
