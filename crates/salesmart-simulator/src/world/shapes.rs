//! What the things of the world look like. Money is in cents of the thing's own currency.

use chrono::{DateTime, NaiveDate, Utc};

use crate::{Cents, Stage};

/// An instant, in whole seconds: what CRMs stamp.
pub type Instant = DateTime<Utc>;

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The one at the top.
    HeadOfSales,
    /// Leads a team.
    Manager,
    /// Sells.
    Rep,
}

/// A time in which a person belonged to a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The place of the team.
    pub team: usize,
    /// The first day.
    pub from: NaiveDate,
    /// The last day; none: until further notice.
    pub to: Option<NaiveDate>,
}

/// A person with a login, as of `now`. People who have not joined yet are not listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The place among [`super::World::people`]: 0 is the head of sales, then the managers, then the reps.
    pub index: usize,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// The work address, inside the company's domain `fernhill.example`.
    pub email: String,
    /// What they do.
    pub role: Role,
    /// The team today; the head of sales has none.
    pub team: Option<usize>,
    /// Whom they report to today.
    pub manager: Option<usize>,
    /// Where they work, an IANA zone.
    pub time_zone: &'static str,
    /// The first day.
    pub start: NaiveDate,
    /// The last day, once it has passed.
    pub end: Option<NaiveDate>,
    /// Every team until today, in order.
    pub memberships: Vec<Membership>,
    /// When the login was made.
    pub created_at: Instant,
    /// When it last changed (joined, moved, left).
    pub modified_at: Instant,
}

/// A sales team.
#[derive(Clone, Debug, PartialEq)]
pub struct SalesTeam {
    /// Its place.
    pub index: usize,
    /// Its name, such as `Europe Enterprise`.
    pub name: String,
    /// Its region.
    pub region: &'static str,
    /// Who leads it.
    pub manager: usize,
    /// The currency it sells in.
    pub currency: &'static str,
    /// When it was set up.
    pub created_at: Instant,
}

/// A customer or one that may become one.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// Its number.
    pub index: u64,
    /// Its name.
    pub name: String,
    /// Its domain, such as `harborlogistics.example`; some accounts share one (duplicates), a few have none.
    pub domain: Option<String>,
    /// Its industry.
    pub industry: &'static str,
    /// Its country.
    pub country: &'static str,
    /// Its revenue of a year, in the corporate currency.
    pub annual_revenue: Cents,
    /// How many people work there.
    pub employees: i64,
    /// The account it belongs to.
    pub parent: Option<u64>,
    /// Who owns it.
    pub owner: usize,
    /// When it was entered.
    pub created_at: Instant,
    /// When it last changed.
    pub modified_at: Instant,
    /// When it was deleted or merged away.
    pub deleted_at: Option<Instant>,
    /// The account it was merged into.
    pub merged_into: Option<u64>,
}

/// A person at an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// Its number: `account * 8 + place`; every account has one to six.
    pub index: u64,
    /// The account.
    pub account: u64,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Address, in the account's domain.
    pub email: Option<String>,
    /// What they do there.
    pub title: &'static str,
    /// Who owns it.
    pub owner: usize,
    /// When it was entered.
    pub created_at: Instant,
    /// When it last changed.
    pub modified_at: Instant,
    /// When it was deleted or merged away.
    pub deleted_at: Option<Instant>,
    /// The contact it was merged into.
    pub merged_into: Option<u64>,
}

/// Where a lead stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeadStatus {
    /// Nobody has called yet.
    New,
    /// Somebody tried.
    Working,
    /// Worth a deal.
    Qualified,
    /// Not worth one.
    Unqualified,
    /// Became a contact, and perhaps a deal.
    Converted,
}

/// What happened to a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeadChange {
    /// When.
    pub at: Instant,
    /// Who did it.
    pub by: usize,
    /// What.
    pub what: LeadEvent,
}

/// One thing that happens to a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeadEvent {
    /// It came in, from its source.
    Created,
    /// Somebody else has it now.
    Owner {
        /// Before.
        from: usize,
        /// After.
        to: usize,
    },
    /// Its status moved.
    Status {
        /// Before.
        from: LeadStatus,
        /// After.
        to: LeadStatus,
    },
    /// It was converted.
    Converted,
    /// It was deleted.
    Deleted,
}

/// Somebody who may want something.
#[derive(Clone, Debug, PartialEq)]
pub struct Lead {
    /// Its number.
    pub index: u64,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Address.
    pub email: Option<String>,
    /// The company they work for; often, not always, that of an account by name or domain.
    pub company: String,
    /// Where it came from: `Web`, `Referral`, `Trade show`, `Outbound`, `Partner`.
    pub source: &'static str,
    /// Where it stands.
    pub status: LeadStatus,
    /// Who has it.
    pub owner: usize,
    /// When it came in.
    pub created_at: Instant,
    /// When it last changed.
    pub modified_at: Instant,
    /// When it was converted.
    pub converted_at: Option<Instant>,
    /// What it became.
    pub converted_contact: Option<u64>,
    /// The account of that contact.
    pub converted_account: Option<u64>,
    /// The deal that came of it.
    pub converted_deal: Option<u64>,
    /// When it was deleted.
    pub deleted_at: Option<Instant>,
    /// What happened to it until now, oldest first.
    pub history: Vec<LeadChange>,
}

/// How sure a rep is, in the vocabulary of forecasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForecastCategory {
    /// Not counted.
    Omitted,
    /// Anything may come of it.
    Pipeline,
    /// If all goes well.
    BestCase,
    /// More likely than not.
    MostLikely,
    /// Promised.
    Commit,
    /// Won.
    Closed,
}

/// One line of a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number: `deal * 8 + place`.
    pub index: u64,
    /// The place of the product.
    pub product: usize,
    /// How many.
    pub quantity: u32,
    /// The price of one, in the deal's currency.
    pub unit_price: Cents,
}

/// A share of a deal's credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Its number: `deal * 8 + place`.
    pub index: u64,
    /// Who gets it.
    pub person: usize,
    /// The share in ten-thousandths; revenue shares of a deal sum to 10,000.
    pub share: u32,
    /// Whether it is overlay credit, which comes on top and never enters company totals.
    pub is_overlay: bool,
}

/// What happened to a deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Instant,
    /// Who did it.
    pub by: usize,
    /// What. Changes made in one save have the same `at` and `by`.
    pub what: DealEvent,
}

/// One thing that happens to a deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DealEvent {
    /// It was entered, with these values. Its chance and category are those of the stage, and it
    /// has no next step.
    Created {
        /// Its first stage.
        stage: Stage,
        /// Its first amount.
        amount: Option<Cents>,
        /// Its first planned close.
        close: NaiveDate,
        /// Its first owner.
        owner: usize,
    },
    /// It moved to another stage: on, over one, back, won, lost, or reopened.
    Stage {
        /// Before.
        from: Stage,
        /// After.
        to: Stage,
    },
    /// Its amount changed.
    Amount {
        /// Before.
        from: Option<Cents>,
        /// After.
        to: Option<Cents>,
    },
    /// Its planned close was pushed or pulled in.
    Close {
        /// Before.
        from: NaiveDate,
        /// After.
        to: NaiveDate,
    },
    /// Somebody else has it now.
    Owner {
        /// Before.
        from: usize,
        /// After.
        to: usize,
    },
    /// The rep's chance of winning changed, in millionths.
    Probability {
        /// Before.
        from: u32,
        /// After.
        to: u32,
    },
    /// The forecast category changed.
    Category {
        /// Before.
        from: ForecastCategory,
        /// After.
        to: ForecastCategory,
    },
    /// The next step was written or taken away.
    NextStep {
        /// Before.
        from: Option<&'static str>,
        /// After.
        to: Option<&'static str>,
    },
    /// It was deleted.
    Deleted,
    /// It was taken back out of the bin.
    Restored,
    /// It was merged into another deal, and is gone with that.
    Merged {
        /// The survivor.
        into: u64,
    },
}

/// A deal as the CRM holds it at `now`, with all that happened to it until then.
#[derive(Clone, Debug, PartialEq)]
pub struct Opportunity {
    /// Its number.
    pub index: u64,
    /// Its name.
    pub name: String,
    /// Its account; now and then nobody entered one.
    pub account: Option<u64>,
    /// The contact it is talked over with.
    pub contact: Option<u64>,
    /// Who owns it.
    pub owner: usize,
    /// The place of its main product.
    pub product: usize,
    /// `New business`, `Renewal` or `Expansion`.
    pub kind: &'static str,
    /// Where it came from, as [`Lead::source`].
    pub source: &'static str,
    /// Where it stands.
    pub stage: Stage,
    /// Its amount; some open deals have none yet.
    pub amount: Option<Cents>,
    /// The currency of its money, ISO 4217.
    pub currency: &'static str,
    /// The chance of winning that the rep sees, in millionths.
    pub probability: u32,
    /// How sure the rep is.
    pub category: ForecastCategory,
    /// What is to be done next.
    pub next_step: Option<&'static str>,
    /// When it was entered.
    pub created_at: Instant,
    /// When anything of it last changed: the last change in `history`, or when something else that
    /// it shows changed (its last activity, another deal merged into it, its account merged away).
    pub modified_at: Instant,
    /// When it first entered a qualified stage.
    pub qualified_at: Option<Instant>,
    /// When it is planned to close; of closed deals, the day they closed.
    pub expected_close: NaiveDate,
    /// When it was won or lost (the last time, where it was reopened); none while open.
    pub closed_at: Option<Instant>,
    /// Why it was lost.
    pub lost_reason: Option<&'static str>,
    /// To whom it was lost, where known.
    pub competitor: Option<&'static str>,
    /// The last call, mail or meeting about it.
    pub last_activity_at: Option<Instant>,
    /// How often its planned close was moved to a later month.
    pub push_count: u32,
    /// When it was deleted or merged away, if it is gone now.
    pub deleted_at: Option<Instant>,
    /// The deal it was merged into.
    pub merged_into: Option<u64>,
    /// The deal that was last merged into it.
    pub merged_from: Option<u64>,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Who is credited.
    pub splits: Vec<Split>,
    /// What happened to it until now, oldest first; the first is [`DealEvent::Created`].
    pub history: Vec<Change>,
}

/// A product of the price list.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Its place.
    pub index: usize,
    /// Its name.
    pub name: &'static str,
    /// Its family.
    pub family: &'static str,
    /// Its price in the corporate currency.
    pub list_price: Cents,
    /// When it was entered.
    pub created_at: Instant,
}

/// A currency's rate from a day on: so many units for one of the corporate currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The currency, ISO 4217. The corporate one is `USD` and has rate 1 at all times.
    pub currency: &'static str,
    /// The first day.
    pub from: NaiveDate,
    /// The first day of the next rate; the last rate has none.
    pub to: Option<NaiveDate>,
    /// Units for one corporate unit, in millionths. Corporate amount = amount ÷ rate, rounded half away from zero to cents.
    pub rate: i64,
}

/// What a rep or a team is to win in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its number.
    pub index: u64,
    /// Whose.
    pub person: usize,
    /// First day of the month it is for.
    pub month: NaiveDate,
    /// How much, in the currency of the person's team.
    pub amount: Cents,
    /// The currency.
    pub currency: &'static str,
    /// When it was entered.
    pub created_at: Instant,
    /// When it last changed (quotas are sometimes changed in their period).
    pub modified_at: Instant,
}

/// What a rep or manager said a month will bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForecastCall {
    /// Its number.
    pub index: u64,
    /// Who said it; managers' calls are about their team.
    pub person: usize,
    /// First day of the month it is about.
    pub month: NaiveDate,
    /// Which figure.
    pub category: ForecastCategory,
    /// How much, in the corporate currency.
    pub amount: Cents,
    /// When they said it.
    pub submitted_at: Instant,
}

/// What kind of contact with somebody it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActivityKind {
    /// A telephone call.
    Call,
    /// A mail that a rep wrote.
    EmailOut,
    /// A mail that came back (`text` tells replies, auto-replies, bounces, newsletters).
    EmailIn,
    /// A meeting.
    Meeting,
    /// Something to do.
    Task,
}

/// What kind of mail it was, and how a meeting went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nature {
    /// Written or held by people.
    Human,
    /// A machine's answer (out of office).
    AutoReply,
    /// It did not arrive.
    Bounce,
    /// Sent to many.
    Newsletter,
    /// A meeting that was called off.
    Cancelled,
    /// A meeting to which nobody came.
    NoShow,
    /// A meeting that was moved from its first time.
    Moved,
}

/// An answer to an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// Comes.
    Accepted,
    /// Does not come.
    Declined,
    /// May come.
    Tentative,
    /// Has not said.
    None,
}

/// Somebody at a meeting, or a sender or recipient of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Their address.
    pub email: String,
    /// One of ours.
    pub person: Option<usize>,
    /// One of theirs.
    pub contact: Option<u64>,
    /// A lead.
    pub lead: Option<u64>,
    /// What they answered (meetings).
    pub answer: Answer,
}

/// What an activity is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// A deal, by number.
    Deal(u64),
    /// A lead, by number.
    Lead(u64),
    /// Nothing outside: an internal meeting, training, paperwork.
    Internal,
}

/// A call, mail, meeting or task.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// Its number, unique among all activities: `deal * 64 + place` for deals; leads and internal ones
    /// are in ranges of their own.
    pub index: u64,
    /// What it was.
    pub kind: ActivityKind,
    /// How.
    pub nature: Nature,
    /// Who of us.
    pub owner: usize,
    /// About what.
    pub about: About,
    /// The subject line.
    pub subject: String,
    /// When it was, or begins.
    pub at: Instant,
    /// How many minutes it took (calls, meetings).
    pub minutes: u32,
    /// For a whole day (meetings).
    pub is_all_day: bool,
    /// The series it is an occurrence of (meetings), with the time it had in the series' plan.
    pub series: Option<(u64, Instant)>,
    /// The mail that it answers, by number.
    pub answers: Option<u64>,
    /// The thread (mails).
    pub thread: Option<u64>,
    /// Who took part, the organiser or sender first.
    pub participants: Vec<Participant>,
    /// When the CRM got to know it.
    pub created_at: Instant,
    /// When it last changed there.
    pub modified_at: Instant,
    /// When it was deleted.
    pub deleted_at: Option<Instant>,
}
