//! Lists that an administrator keeps: stages, fiscal periods, currencies and their rates.

use chrono::{Datelike, Months, NaiveDate};

use super::deals::{CATEGORIES, CATEGORY_NAMES};
use super::{
    Audit, CURRENCIES, Field, Getter, Numbering, Object, Record, Spot, Type, field, identity, of,
    one, picklist, reference, stamp, user,
};
use crate::Stage;
use crate::salesforce::ids::RecordId;
use crate::salesforce::org::{Org, start_of_day};
use crate::salesforce::value::{Decimal, Value};

/// A fiscal period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeriodRow {
    kind: PeriodKind,
    start: NaiveDate,
    end: NaiveDate,
    number: u32,
    fiscal_year: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PeriodKind {
    Month,
    Quarter,
    Year,
}

/// A currency with its rate of today.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CurrencyRow {
    code: &'static str,
    rate: i64,
    since: i64,
}

/// A rate of some days.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateRow {
    code: &'static str,
    rate: i64,
    start: NaiveDate,
    end: Option<NaiveDate>,
    entered: i64,
    changed: i64,
}

/// Months since January 2000.
pub(crate) fn month_number(day: NaiveDate) -> u64 {
    u64::try_from((day.year() - 2_000) * 12).unwrap_or(0) + u64::from(day.month0())
}

/// The first day of a month counted by [`month_number`].
fn month_start(month: u64) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(2_000, 1, 1)?
        .checked_add_months(Months::new(u32::try_from(month).ok()?))
}

/// The fiscal year, named after the year it ends in, and its quarter.
pub(crate) fn fiscal_year(day: NaiveDate, starts: u32) -> (i32, u8) {
    let month = (day.month() + 12 - starts) % 12;
    let is_after_start = day.month() >= starts;
    let year = day.year() + i32::from(starts > 1 && is_after_start);
    (year, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4][month as usize])
}

/// The id of the period of a month.
pub(super) fn month_period(month: u64) -> RecordId {
    RecordId::new(*b"026", month * 4)
}

pub(super) fn objects(objects: &mut Vec<Object>, has_many_currencies: bool) {
    objects.push(stages());
    objects.push(periods());
    if has_many_currencies {
        objects.push(currencies());
        objects.push(rates());
    }
}

fn set_up() -> Vec<Field> {
    let founded: Getter = |reader, _| Value::Instant(reader.org.founded());
    let founder: Getter = |_, _| user(0);
    Audit { created: founded, created_by: founder, modified: founded, modified_by: founder }
        .fields()
}

fn founded(org: &Org, tell: &mut dyn FnMut(Spot)) {
    let founded = org.founded();
    tell(Spot { place: 0, stamp: founded, created: founded, deleted: false });
}

fn stages() -> Object {
    let category = |stage: Stage| match stage {
        Stage::Prospecting | Stage::Qualified => 1,
        Stage::Proposal => 2,
        Stage::Negotiation => 4,
        Stage::ClosedWon => 5,
        Stage::ClosedLost => 0,
    };
    // A closure that captures is no getter, so the table is made once and looked up.
    const CATEGORY: [usize; 6] = [1, 1, 2, 4, 5, 0];
    debug_assert!(Stage::ALL.iter().zip(CATEGORY).all(|(stage, place)| category(*stage) == place));
    let mut fields = identity(false);
    fields.extend([
        field("MasterLabel", Type::Text, of!(Stage, s => Value::text(s.name()))),
        field("ApiName", Type::Text, of!(Stage, s => Value::text(s.name()))),
        field("IsActive", Type::Boolean, |_, _| Value::Bool(true)).required(),
        field("SortOrder", Type::Int, of!(Stage, s => Value::Int(*s as i64 + 1))),
        field("IsClosed", Type::Boolean, of!(Stage, s => Value::Bool(s.outcome() != "open")))
            .required(),
        field("IsWon", Type::Boolean, of!(Stage, s => Value::Bool(s.outcome() == "won")))
            .required(),
        picklist(
            "ForecastCategory",
            &CATEGORIES,
            of!(Stage, s => {
                Value::text(CATEGORIES[CATEGORY[*s as usize]])
            }),
        )
        .required(),
        picklist(
            "ForecastCategoryName",
            &CATEGORY_NAMES,
            of!(Stage, s => {
                Value::text(CATEGORY_NAMES[CATEGORY[*s as usize]])
            }),
        )
        .required(),
        field(
            "DefaultProbability",
            Type::Percent,
            of!(Stage, s => {
                Value::Number(Decimal::new(s.probability(), 4))
            }),
        ),
        field("Description", Type::Text, |_, _| Value::Null),
    ]);
    fields.extend(set_up());
    Object {
        name: "OpportunityStage",
        label: "Opportunity Stage",
        plural: "Opportunity Stage",
        prefix: *b"01J",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: false,
        is_bulkable: false,
        is_committed_late: false,
        fields,
        units: |_| one(0..Stage::ALL.len() as u64),
        spots: |org, _, tell| founded(org, tell),
        load: |_, unit, _| {
            Stage::ALL.get(usize::try_from(unit).ok()?).map(|stage| Record::Stage(*stage))
        },
    }
}

/// The period with this number, if it begins then: `month × 4 + kind`.
fn period(org: &Org, unit: u64) -> Option<PeriodRow> {
    let start = month_start(unit / 4)?;
    let (kind, months) = match unit % 4 {
        0 => (PeriodKind::Month, 1),
        1 => (PeriodKind::Quarter, 3),
        2 => (PeriodKind::Year, 12),
        _ => return None,
    };
    let fiscal_month = (start.month() + 12 - org.fiscal_start) % 12;
    if !fiscal_month.is_multiple_of(months) {
        return None;
    }
    let end = start.checked_add_months(Months::new(months))?.pred_opt()?;
    let number = if kind == PeriodKind::Year { 1 } else { fiscal_month / months + 1 };
    let fiscal_year = fiscal_year(start, org.fiscal_start).0;
    Some(PeriodRow { kind, start, end, number, fiscal_year })
}

/// When a period was set up: with the org, or when the fiscal year before it began.
fn period_made(org: &Org, row: &PeriodRow) -> i64 {
    let mut year = row.start;
    while !(year.month() + 12 - org.fiscal_start).is_multiple_of(12) {
        year = year.checked_sub_months(Months::new(1)).unwrap_or(year);
    }
    let before = year.checked_sub_months(Months::new(12)).unwrap_or(year);
    start_of_day(before).max(org.founded())
}

fn periods() -> Object {
    let mut fields = identity(false);
    fields.extend([
        reference("OrganizationId", &["Organization"], "Organization", |_, _| {
            Value::Id(super::people::organization_id())
        }),
        picklist(
            "Type",
            &["Month", "Quarter", "Year"],
            of!(Period, p => Value::text(match p.kind {
                PeriodKind::Month => "Month",
                PeriodKind::Quarter => "Quarter",
                PeriodKind::Year => "Year",
            })),
        ),
        field("StartDate", Type::Date, of!(Period, p => Value::Date(p.start))).required(),
        field("EndDate", Type::Date, of!(Period, p => Value::Date(p.end))).required(),
        field("Number", Type::Int, of!(Period, p => Value::Int(p.number.into()))),
        field(
            "FullyQualifiedLabel",
            Type::Text,
            of!(Period, p => Value::made(match p.kind {
                PeriodKind::Month => p.start.format("%B FY%Y").to_string(),
                PeriodKind::Quarter => format!("FQ{} FY {}", p.number, p.fiscal_year),
                PeriodKind::Year => format!("FY {}", p.fiscal_year),
            })),
        ),
        field(
            "IsForecastPeriod",
            Type::Boolean,
            of!(Period, p => {
                Value::Bool(p.kind == PeriodKind::Month)
            }),
        )
        .required(),
        stamp("SystemModstamp"),
    ]);
    Object {
        name: "Period",
        label: "Period",
        plural: "Periods",
        prefix: *b"026",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: false,
        is_bulkable: false,
        is_committed_late: false,
        fields,
        units: |org| {
            // From the fiscal year of the first day to the one after today's.
            let (first, _) = fiscal_year(org.world.first_day(), org.fiscal_start);
            let (last, _) = fiscal_year(org.today, org.fiscal_start);
            let begins = |year: i32| {
                let calendar = if org.fiscal_start > 1 { year - 1 } else { year };
                let month = i64::from(calendar - 2_000) * 12 + i64::from(org.fiscal_start) - 1;
                u64::try_from(month).unwrap_or(0) * 4
            };
            one(begins(first)..begins(last + 2))
        },
        spots: |org, unit, tell| {
            if let Some(row) = period(org, unit) {
                let made = period_made(org, &row);
                tell(Spot { place: 0, stamp: made, created: made, deleted: false });
            }
        },
        load: |reader, unit, _| period(reader.org, unit).map(Record::Period),
    }
}

fn rate(millionths: i64) -> Value<'static> {
    Value::Number(Decimal::new(millionths, 6))
}

fn currencies() -> Object {
    let mut fields = identity(false);
    let changed: Getter = of!(Currency, c => Value::Instant(c.since));
    fields.extend([
        picklist("IsoCode", &CURRENCIES, of!(Currency, c => Value::text(c.code)))
            .long(3)
            .required(),
        field("ConversionRate", Type::Double, of!(Currency, c => rate(c.rate))).required(),
        field("DecimalPlaces", Type::Int, |_, _| Value::Int(2)).required(),
        field("IsActive", Type::Boolean, |_, _| Value::Bool(true)).required(),
        field("IsCorporate", Type::Boolean, of!(Currency, c => Value::Bool(c.code == "USD")))
            .required(),
    ]);
    fields.extend(
        Audit {
            created: |reader, _| Value::Instant(reader.org.founded()),
            created_by: |_, _| user(0),
            modified: changed,
            modified_by: |_, _| user(0),
        }
        .fields(),
    );
    Object {
        name: "CurrencyType",
        label: "Currency Type",
        plural: "Currency Types",
        prefix: *b"01L",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: false,
        is_bulkable: false,
        is_committed_late: false,
        fields,
        units: |org| one(0..org.currencies.len() as u64),
        spots: |org, unit, tell| {
            if let Some(row) = currency_row(org, unit) {
                tell(Spot { place: 0, stamp: row.since, created: org.founded(), deleted: false });
            }
        },
        load: |reader, unit, _| currency_row(reader.org, unit).map(Record::Currency),
    }
}

fn currency_row(org: &Org, unit: u64) -> Option<CurrencyRow> {
    let code = org.currencies.get(usize::try_from(unit).ok()?)?;
    let newest = org.rates.iter().rfind(|rate| rate.currency == *code);
    Some(CurrencyRow {
        code,
        rate: newest.map_or(1_000_000, |rate| rate.rate),
        since: newest.map_or(0, |rate| start_of_day(rate.from)).max(org.founded()),
    })
}

fn rate_row(org: &Org, unit: u64, place: u64) -> Option<RateRow> {
    let code = org.currencies.get(usize::try_from(unit).ok()?)?;
    let mut rates = org.rates.iter().filter(|rate| rate.currency == *code);
    let row = rates.nth(usize::try_from(place).ok()?)?;
    let end = row.to.filter(|end| *end <= org.today);
    let entered = start_of_day(row.from).max(org.founded());
    Some(RateRow {
        code,
        rate: row.rate,
        start: row.from,
        end,
        entered,
        // The next rate ends this one when it is entered.
        changed: end.map_or(entered, |end| start_of_day(end).max(entered)),
    })
}

fn rates() -> Object {
    let mut fields = identity(false);
    fields.extend([
        picklist("IsoCode", &CURRENCIES, of!(Rate, r => Value::text(r.code))).long(3).required(),
        field("ConversionRate", Type::Double, of!(Rate, r => rate(r.rate))).required(),
        field("StartDate", Type::Date, of!(Rate, r => Value::Date(r.start))).required(),
        field(
            "NextStartDate",
            Type::Date,
            of!(Rate, r => match r.end {
                Some(end) => Value::Date(end),
                None => NaiveDate::from_ymd_opt(9_999, 12, 31).map_or(Value::Null, Value::Date),
            }),
        ),
    ]);
    fields.extend(
        Audit {
            created: of!(Rate, r => Value::Instant(r.entered)),
            created_by: |_, _| user(0),
            modified: of!(Rate, r => Value::Instant(r.changed)),
            modified_by: |_, _| user(0),
        }
        .fields(),
    );
    Object {
        name: "DatedConversionRate",
        label: "Dated Conversion Rate",
        plural: "Dated Conversion Rates",
        prefix: *b"04w",
        id_base: 0,
        numbering: Numbering::Places(10),
        is_replicateable: false,
        is_bulkable: false,
        is_committed_late: false,
        fields,
        units: |org| one(0..org.currencies.len() as u64),
        spots: |org, unit, tell| {
            for place in 0.. {
                let Some(row) = rate_row(org, unit, place) else { break };
                tell(Spot { place, stamp: row.changed, created: row.entered, deleted: false });
            }
        },
        load: |reader, unit, place| rate_row(reader.org, unit, place).map(Record::Rate),
    }
}
