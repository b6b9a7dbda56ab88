//! Goals: the quotas of reps and teams by month. Read only in HubSpot.

use chrono::{Days, Months, NaiveDate};

use crate::hubspot::ids::{self, Kind};
use crate::hubspot::property::Property;
use crate::hubspot::table::{Head, Object};
use crate::hubspot::value::{Millis, millis};
use crate::hubspot::view::View;
use crate::world::{Instant, Quota};

pub(super) struct Goals;

type P = Property<Quota>;

static PROPERTIES: &[P] = &[
    P::text("hs_goal_name", "Goal name", |_, q, v| {
        v.text(&format!("Revenue {}", q.it.month.format("%Y-%m")));
    }),
    P::number("hs_target_amount", "Target amount", |_, q, v| v.money(Some(q.it.amount))),
    P::choice("hs_currency_code", "Currency", &[], |_, q, v| v.word(q.it.currency)),
    P::instant("hs_start_datetime", "Start", |_, q, v| v.instant(midnight(q.it.month))),
    P::instant("hs_end_datetime", "End", |_, q, v| {
        let last = q.it.month.checked_add_months(Months::new(1)).map(|next| next - Days::new(1));
        v.instant(
            last.and_then(|day| day.and_hms_milli_opt(23, 59, 59, 999))
                .map(|at| millis(at.and_utc())),
        );
    }),
    P::choice("hubspot_owner_id", "Goal owner", &[], |_, q, v| v.whole(ids::owner(q.it.person))),
    P::number("hs_assignee_user_id", "Assignee user ID", |_, q, v| {
        v.whole(ids::user(q.it.person));
    }),
    P::number("hs_created_by_user_id", "Created by user ID", |_, _, v| v.whole(ids::user(0))),
];

impl Object for Goals {
    type Item = Quota;
    /// All quotas; there are but a few hundred for each rep.
    type Memo = Option<Vec<Quota>>;

    fn kind(&self) -> Kind {
        Kind::GoalTargets
    }

    fn properties(&self) -> &'static [P] {
        PROPERTIES
    }

    fn scan(&self, view: &View, each: &mut dyn FnMut(Head)) {
        for quota in view.world.quotas() {
            each(Head {
                number: quota.index,
                home: 0,
                created: quota.created_at,
                modified: quota.modified_at,
                deleted: None,
                merged_into: None,
            });
        }
    }

    fn item(&self, view: &View, number: u64, _: u64, memo: &mut Self::Memo) -> Option<Quota> {
        let quotas = memo.get_or_insert_with(|| {
            let mut quotas = view.world.quotas();
            quotas.sort_by_key(|quota| quota.index);
            quotas
        });
        let at = quotas.binary_search_by_key(&number, |quota| quota.index).ok()?;
        quotas.get(at).copied()
    }

    fn created(&self, quota: &Quota) -> Instant {
        quota.created_at
    }

    fn deleted(&self, _: &Quota) -> Option<Instant> {
        None
    }
}

fn midnight(day: NaiveDate) -> Option<Millis> {
    day.and_hms_opt(0, 0, 0).map(|at| millis(at.and_utc()))
}
