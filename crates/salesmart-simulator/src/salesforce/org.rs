//! The org at one instant: the world as this server knows it, the rows of each object in the order
//! of their stamps, and records made on demand.
//!
//! An index holds eight bytes a row and is built when it is first asked for; the records themselves
//! are never kept. So a million deals take eight megabytes and a few seconds, once per advance.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::thread;

use chrono::{Days, Months, NaiveDate, NaiveTime};

use super::activity::ActivityUnit;
use super::ids::RecordId;
use super::schema::{Catalogue, Field, Forecasts, Get, Object, Record, Spot, View};
use super::soql::Calendar;
use super::value::Value;
use crate::Cents;
use crate::world::{
    Activity, Instant, Lead, Opportunity, Person, Product, Quota, Rate, SalesTeam, World,
};

/// What an org is made of besides the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ways {
    /// The month the fiscal year starts in.
    pub(crate) fiscal_start: u32,
    /// How many days deleted records stay in the bin.
    pub(crate) bin_days: u32,
    /// How many days the log of deletions reaches back.
    pub(crate) deletion_log_days: u32,
    /// What of the history of fields is kept.
    pub(crate) keeps_history_since: Option<Instant>,
    /// Whether forecasts are worked out.
    pub(crate) forecasts_up_to_date: bool,
    /// How late some rows are committed.
    pub(crate) late_minutes: Option<u32>,
}

/// The org at one instant.
pub(crate) struct Org {
    pub(crate) world: World,
    pub(crate) now: Instant,
    pub(crate) today: NaiveDate,
    pub(crate) people: Vec<Person>,
    pub(crate) teams: Vec<SalesTeam>,
    /// In the order of their first team.
    pub(crate) regions: Vec<&'static str>,
    pub(crate) products: Vec<Product>,
    /// Those that hold or held, by currency and day.
    pub(crate) rates: Vec<Rate>,
    /// The corporate one first.
    pub(crate) currencies: Vec<&'static str>,
    /// By number.
    pub(crate) quotas: Vec<Quota>,
    pub(crate) fiscal_start: u32,
    pub(crate) keeps_history_since: Option<Instant>,
    pub(crate) forecasts_up_to_date: bool,
    pub(crate) catalogue: Arc<Catalogue>,
    ways: Ways,
    /// The instant that stamps in indexes are counted from.
    base: i64,
    indexes: Vec<OnceLock<Arc<Index>>>,
    forecasts: OnceLock<Forecasts>,
}

/// Seconds since 1970 at the start of a day.
pub(crate) fn start_of_day(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp()
}

impl Org {
    /// The org over a world.
    pub(crate) fn new(world: World, catalogue: Arc<Catalogue>, ways: Ways) -> Self {
        let now = world.now();
        let today = now.date_naive();
        let teams = world.teams().to_vec();
        let mut regions = Vec::new();
        for team in &teams {
            if !regions.contains(&team.region) {
                regions.push(team.region);
            }
        }
        let mut rates: Vec<Rate> =
            world.rates().iter().copied().filter(|rate| rate.from <= today).collect();
        rates.sort_by_key(|rate| (rate.currency, rate.from));
        let mut currencies = vec!["USD"];
        for rate in &rates {
            if !currencies.contains(&rate.currency) {
                currencies.push(rate.currency);
            }
        }
        let mut quotas = world.quotas();
        quotas.sort_by_key(|quota| quota.index);
        let base = world.first_day().checked_sub_months(Months::new(51));
        Self {
            now,
            today,
            people: world.people().to_vec(),
            teams,
            regions,
            products: world.products().to_vec(),
            rates,
            currencies,
            quotas,
            fiscal_start: ways.fiscal_start,
            keeps_history_since: ways.keeps_history_since,
            forecasts_up_to_date: ways.forecasts_up_to_date,
            indexes: catalogue.objects().iter().map(|_| OnceLock::new()).collect(),
            catalogue,
            ways,
            base: start_of_day(base.unwrap_or(world.first_day())),
            forecasts: OnceLock::new(),
            world,
        }
    }

    /// Whether the org has been made in these ways.
    pub(crate) fn is_made(&self, ways: &Ways) -> bool {
        self.ways == *ways
    }

    /// When the org was set up, in seconds since 1970.
    pub(crate) fn founded(&self) -> i64 {
        start_of_day(self.world.first_day())
    }

    /// The currency a person sells in.
    pub(crate) fn currency_of(&self, person: usize) -> &'static str {
        let team = self.people.get(person).and_then(|person| person.team);
        team.and_then(|team| self.teams.get(team)).map_or("USD", |team| team.currency)
    }

    /// An amount in the corporate currency, by the rate of a day.
    pub(crate) fn corporate(&self, amount: Cents, currency: &str, day: NaiveDate) -> Cents {
        let mut rates = self.rates.iter().filter(|rate| rate.currency == currency);
        // Before the first rate the first one holds, after the last one the last.
        let first = rates.clone().next();
        let rate = rates.rfind(|rate| rate.from <= day).or(first).map_or(1_000_000, |r| r.rate);
        let (dividend, divisor) = (i128::from(amount.0) * 1_000_000, i128::from(rate.max(1)));
        super::schema::divided(dividend, divisor)
    }

    /// What names of spans of days are relative to.
    pub(crate) fn calendar(&self) -> Calendar {
        Calendar { today: self.today, fiscal_start: self.fiscal_start }
    }

    /// The figures of forecasts.
    pub(crate) fn forecasts(&self) -> &Forecasts {
        self.forecasts.get_or_init(|| Forecasts::gather(self))
    }

    /// The rows of the object at a place.
    pub(crate) fn index(&self, object: usize) -> Arc<Index> {
        Arc::clone(self.indexes[object].get_or_init(|| Arc::new(Index::build(self, object))))
    }

    /// The first instant of which deletions are still logged.
    pub(crate) fn deletions_since(&self) -> i64 {
        days_before(self.now, self.ways.deletion_log_days)
    }

    /// Does the same work over parts of a range, on as many processors as there are.
    pub(crate) fn in_parallel<T: Send>(
        &self,
        range: Range<u64>,
        work: impl Fn(Range<u64>) -> T + Sync,
    ) -> Vec<T> {
        /// Less than this is not worth a thread.
        const LEAST: u64 = 1_000;
        let count = range.end.saturating_sub(range.start);
        let threads = thread::available_parallelism().map_or(1, |n| n.get() as u64);
        let part = count.div_ceil(threads).max(LEAST);
        if count <= LEAST {
            return vec![work(range)];
        }
        thread::scope(|scope| {
            let work = &work;
            let mut running = Vec::new();
            let mut from = range.start;
            while from < range.end {
                let to = (from + part).min(range.end);
                running.push(scope.spawn(move || work(from..to)));
                from = to;
            }
            let done = running.into_iter().map(|thread| match thread.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            done.collect()
        })
    }

    /// The spot of a row as it is shown: with its late stamp, or not yet there at all.
    fn shown(&self, object: &Object, unit: u64, spot: Spot) -> Option<Spot> {
        let Some(minutes) = self.ways.late_minutes.filter(|_| object.is_committed_late) else {
            return Some(spot);
        };
        // Something that was entered and saved last on one day, every third of such.
        let day = spot.stamp.div_euclid(86_400);
        let scattered = scatter(object.number(unit, spot.place));
        if spot.created.div_euclid(86_400) != day || !scattered.is_multiple_of(3) {
            return Some(spot);
        }
        // Saved in the last minutes of the day, committed after midnight.
        if day >= start_of_day(self.today).div_euclid(86_400) {
            return None;
        }
        let window = u64::from(minutes.max(1)) * 60;
        let back = i64::try_from(scattered / 3 % window).unwrap_or(0);
        Some(Spot { stamp: (day + 1) * 86_400 - 1 - back, ..spot })
    }

    fn is_purged(&self, spot: &Spot) -> bool {
        spot.deleted && spot.stamp < days_before(self.now, self.ways.bin_days)
    }
}

fn days_before(now: Instant, days: u32) -> i64 {
    now.checked_sub_days(Days::new(days.into())).map_or(0, |at| at.timestamp())
}

/// A number that looks drawn, always the same for the same number.
fn scatter(number: u64) -> u64 {
    let mixed = (number ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed ^ mixed >> 29).wrapping_mul(0x94D0_49BB_1331_11EB) >> 20
}

/// Where a row is, in eight bytes whose order is that of stamp and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry(u64);

/// Enough for 34 thousand million rows.
const NUMBER_BITS: u32 = 35;

/// Enough seconds for eight and a half years.
const STAMP_BITS: u32 = 28;

impl Entry {
    fn new(base: i64, number: u64, spot: &Spot) -> Self {
        let most = (1 << STAMP_BITS) - 1;
        let stamp = u64::try_from(spot.stamp - base).unwrap_or(0).min(most);
        debug_assert!(number < 1 << NUMBER_BITS);
        Self((stamp << NUMBER_BITS | number) << 1 | u64::from(spot.deleted))
    }

    fn stamp(self, base: i64) -> i64 {
        base + i64::try_from(self.0 >> (NUMBER_BITS + 1)).unwrap_or(0)
    }

    /// The number of its row; what sorts rows by id.
    pub(crate) fn number(self) -> u64 {
        (self.0 >> 1) & ((1 << NUMBER_BITS) - 1)
    }

    /// Whether the row is in the bin.
    pub(crate) fn is_deleted(self) -> bool {
        self.0 & 1 == 1
    }
}

/// The rows of an object, by stamp and id.
pub(crate) struct Index {
    rows: Vec<Entry>,
    /// Every deletion that is still logged, whether the bin still has the row or not.
    deletions: Vec<Entry>,
    base: i64,
}

impl Index {
    fn build(org: &Org, object: usize) -> Self {
        let object = org.catalogue.at(object);
        let (mut rows, mut deletions) = (Vec::new(), Vec::new());
        for range in (object.units)(org) {
            let parts = org.in_parallel(range, |units| {
                let (mut rows, mut deletions) = (Vec::new(), Vec::new());
                for unit in units {
                    (object.spots)(org, unit, &mut |spot| {
                        let Some(spot) = org.shown(object, unit, spot) else { return };
                        let entry = Entry::new(org.base, object.number(unit, spot.place), &spot);
                        if spot.deleted && spot.stamp >= org.deletions_since() {
                            deletions.push(entry);
                        }
                        if !org.is_purged(&spot) {
                            rows.push(entry);
                        }
                    });
                }
                (rows, deletions)
            });
            for (part_rows, part_deletions) in parts {
                rows.extend(part_rows);
                deletions.extend(part_deletions);
            }
        }
        rows.sort_unstable();
        rows.shrink_to_fit();
        deletions.sort_unstable();
        Self { rows, deletions, base: org.base }
    }

    /// The rows with stamps from the first instant up to and with the last.
    pub(crate) fn between(&self, from: i64, to: i64) -> &[Entry] {
        Self::slice(&self.rows, self.base, from, to)
    }

    /// The logged deletions between two instants.
    pub(crate) fn deletions(&self, from: i64, to: i64) -> &[Entry] {
        Self::slice(&self.deletions, self.base, from, to)
    }

    fn slice(entries: &[Entry], base: i64, from: i64, to: i64) -> &[Entry] {
        let start = entries.partition_point(|entry| entry.stamp(base) < from);
        let end = entries.partition_point(|entry| entry.stamp(base) <= to);
        entries.get(start..end).unwrap_or(&[])
    }

    /// How many rows there are, and how many of them are not in the bin.
    pub(crate) fn count(&self) -> (u64, u64) {
        let live = self.rows.iter().filter(|entry| !entry.is_deleted()).count();
        (self.rows.len() as u64, live as u64)
    }

    /// The instant an entry is stamped with.
    pub(crate) fn stamp(&self, entry: Entry) -> i64 {
        entry.stamp(self.base)
    }
}

/// Makes records for one answer; remembers the last ones, since neighbours share them.
pub(crate) struct Reader<'o> {
    pub(crate) org: &'o Org,
    pub(crate) has_nul_bytes: bool,
    deal: RefCell<Option<Arc<Opportunity>>>,
    lead: RefCell<Option<Arc<Lead>>>,
    activities: RefCell<Option<(u64, Places)>>,
    parents: RefCell<Parents>,
}

/// What was found of parents, by object and id; nothing of those that are not there.
type Parents = BTreeMap<(usize, RecordId), Option<Rc<Loaded>>>;

/// The activities of a unit, by place.
type Places = Vec<(u64, Arc<Activity>)>;

/// How many parents are remembered at a time.
const PARENTS: usize = 10_000;

impl<'o> Reader<'o> {
    /// A reader of an org as it is shown.
    pub(crate) fn new(org: &'o Org, view: &View) -> Self {
        Self {
            org,
            has_nul_bytes: view.has_nul_bytes,
            deal: RefCell::new(None),
            lead: RefCell::new(None),
            activities: RefCell::new(None),
            parents: RefCell::new(BTreeMap::new()),
        }
    }

    /// A deal.
    pub(crate) fn deal(&self, index: u64) -> Option<Arc<Opportunity>> {
        let mut last = self.deal.borrow_mut();
        if last.as_ref().is_none_or(|deal| deal.index != index) {
            let world = &self.org.world;
            *last = (index < world.deal_count()).then(|| Arc::new(world.deal(index)));
        }
        last.clone()
    }

    /// A lead.
    pub(crate) fn lead(&self, index: u64) -> Option<Arc<Lead>> {
        let mut last = self.lead.borrow_mut();
        if last.as_ref().is_none_or(|lead| lead.index != index) {
            let world = &self.org.world;
            *last = (index < world.lead_count()).then(|| Arc::new(world.lead(index)));
        }
        last.clone()
    }

    /// An activity.
    pub(crate) fn activity(&self, unit: u64, place: u64) -> Option<Arc<Activity>> {
        let mut last = self.activities.borrow_mut();
        if last.as_ref().is_none_or(|(of, _)| *of != unit) {
            let all = ActivityUnit::of(unit).activities(self.org).into_iter();
            *last = Some((unit, all.map(|(number, one)| (number, Arc::new(one))).collect()));
        }
        let (_, all) = last.as_ref()?;
        all.iter().find(|(at, _)| *at == place).map(|(_, activity)| Arc::clone(activity))
    }

    /// The id of the task that an activity which was just read was logged as.
    pub(crate) fn task_of(&self, activity: &Activity) -> Option<RecordId> {
        self.sibling(activity.index, "Task")
    }

    /// The id of the mail that a mail which was just read answers.
    pub(crate) fn answered_by(&self, activity: &Activity) -> Option<RecordId> {
        self.sibling(activity.answers?, "EmailMessage")
    }

    /// The id of an activity that was read together with the last one.
    fn sibling(&self, index: u64, object: &str) -> Option<RecordId> {
        let last = self.activities.borrow();
        let (_, all) = last.as_ref()?;
        let (number, _) = all.iter().find(|(_, other)| other.index == index)?;
        let catalogue = &self.org.catalogue;
        Some(catalogue.at(catalogue.find(object)?).id(*number))
    }

    /// A row by its entry.
    pub(crate) fn row(&self, object: usize, index: &Index, entry: Entry) -> Row<'_> {
        let loaded = Loaded {
            number: entry.number(),
            stamp: index.stamp(entry),
            deleted: entry.is_deleted(),
            record: OnceCell::new(),
        };
        Row { reader: self, object: self.org.catalogue.at(object), loaded: Rc::new(loaded) }
    }

    /// A row by its id, unless it is not there or purged.
    pub(crate) fn find(&self, object: usize, id: &RecordId) -> Option<Row<'_>> {
        let description = self.org.catalogue.at(object);
        let known = self.parents.borrow().get(&(object, *id)).cloned();
        let loaded = known.unwrap_or_else(|| {
            let loaded = self.load(description, id).map(Rc::new);
            let mut parents = self.parents.borrow_mut();
            if parents.len() >= PARENTS {
                parents.clear();
            }
            parents.insert((object, *id), loaded.clone());
            loaded
        })?;
        Some(Row { reader: self, object: description, loaded })
    }

    fn load(&self, object: &Object, id: &RecordId) -> Option<Loaded> {
        let number = object.number_of(id)?;
        let (unit, place) = object.address(number);
        if !(object.units)(self.org).iter().any(|range| range.contains(&unit)) {
            return None;
        }
        let mut found = None;
        (object.spots)(self.org, unit, &mut |spot| {
            if spot.place == place {
                found = self.org.shown(object, unit, spot);
            }
        });
        let Spot { stamp, deleted, .. } = found.filter(|spot| !self.org.is_purged(spot))?;
        Some(Loaded { number, stamp, deleted, record: OnceCell::new() })
    }
}

/// A row of an object, whose record is made when a field wants it.
pub(crate) struct Row<'a> {
    reader: &'a Reader<'a>,
    object: &'a Object,
    loaded: Rc<Loaded>,
}

struct Loaded {
    number: u64,
    stamp: i64,
    deleted: bool,
    record: OnceCell<Option<Record>>,
}

impl<'a> Row<'a> {
    /// Its id.
    pub(crate) fn id(&self) -> RecordId {
        self.object.id(self.loaded.number)
    }

    /// Its object.
    pub(crate) fn object(&self) -> &'a Object {
        self.object
    }

    /// Whether it is in the bin.
    pub(crate) fn is_deleted(&self) -> bool {
        self.loaded.deleted
    }

    /// The value of one of its fields.
    pub(crate) fn value(&self, field: &Field) -> Value<'_> {
        match field.get {
            Get::Id => Value::Id(self.id()),
            Get::Stamp => Value::Instant(self.loaded.stamp),
            Get::Deleted => Value::Bool(self.loaded.deleted),
            Get::From(getter) => {
                let Loaded { number, record, .. } = &*self.loaded;
                let (unit, place) = self.object.address(*number);
                let load = || (self.object.load)(self.reader, unit, place);
                record.get_or_init(load).as_ref().map_or(Value::Null, |r| getter(self.reader, r))
            }
        }
    }

    /// The row that one of its fields points to.
    pub(crate) fn parent(&self, field: &Field, target: usize) -> Option<Row<'a>> {
        match self.value(field) {
            Value::Id(id) => self.reader.find(target, &id),
            _ => None,
        }
    }
}
