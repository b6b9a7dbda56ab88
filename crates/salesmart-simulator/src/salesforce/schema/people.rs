//! The organisation: the org itself, its users and their roles.

use super::{
    Audit, CURRENCIES, Field, Numbering, Object, Record, Spot, Type, at, currency, field, identity,
    of, one, picklist, reference, user,
};
use crate::COMPANY_NAME;
use crate::salesforce::ids::RecordId;
use crate::salesforce::org::Org;
use crate::salesforce::value::Value;
use crate::world::Role;

/// Where the numbers of the teams' roles begin; those of regions are below.
const TEAM_ROLES: usize = 1_000;

/// The id of a user.
pub(crate) fn user_id(person: usize) -> RecordId {
    RecordId::new(*b"005", person as u64)
}

/// The id of the org.
pub(crate) fn organization_id() -> RecordId {
    RecordId::new(*b"00D", 1)
}

fn role_id(role: usize) -> Value<'static> {
    super::link(*b"00E", role as u64)
}

/// A role's name, its parent's number and who heads it.
fn role(org: &Org, role: usize) -> Option<(String, Option<usize>, Option<usize>)> {
    if role == 0 {
        return Some(("Head of Sales".to_owned(), None, Some(0)));
    }
    if let Some(team) = role.checked_sub(TEAM_ROLES) {
        let team = org.teams.get(team)?;
        let region = org.regions.iter().position(|region| *region == team.region)?;
        return Some((team.name.clone(), Some(region + 1), Some(team.manager)));
    }
    let region = org.regions.get(role - 1)?;
    Some(((*region).to_owned(), Some(0), None))
}

/// When a role came to be: with the first team that needs it.
fn role_made(org: &Org, role: usize) -> i64 {
    let teams = org.teams.iter().filter(|team| match role.checked_sub(TEAM_ROLES) {
        Some(index) => team.index == index,
        None => role == 0 || org.regions.get(role - 1) == Some(&team.region),
    });
    teams.map(|team| team.created_at.timestamp()).min().unwrap_or(0)
}

pub(super) fn objects(objects: &mut Vec<Object>) {
    objects.push(organization());
    objects.push(users());
    objects.push(roles());
}

fn organization() -> Object {
    let mut fields = identity(false);
    fields.extend([
        field("Name", Type::Text, |_, _| Value::text(COMPANY_NAME)).long(80).required(),
        field("Country", Type::Text, |_, _| Value::text("United States")),
        picklist("OrganizationType", &["Enterprise Edition"], |_, _| {
            Value::text("Enterprise Edition")
        }),
        field("IsSandbox", Type::Boolean, |_, _| Value::Bool(false)).required(),
        field("InstanceName", Type::Text, |_, _| Value::text("SIM1")).long(5),
        field("FiscalYearStartMonth", Type::Int, |reader, _| {
            Value::Int(i64::from(reader.org.fiscal_start))
        }),
        field("UsesStartDateAsFiscalYearName", Type::Boolean, |_, _| Value::Bool(false)).required(),
        picklist("DefaultLocaleSidKey", &["en_US"], |_, _| Value::text("en_US")),
        picklist("DefaultCurrencyIsoCode", &["USD"], |_, _| Value::text("USD")),
        picklist("LanguageLocaleKey", &["en_US"], |_, _| Value::text("en_US")),
        picklist("TimeZoneSidKey", &["America/New_York"], |_, _| Value::text("America/New_York")),
    ]);
    let founded: super::Getter = |reader, _| Value::Instant(reader.org.founded());
    let founder: super::Getter = |_, _| user(0);
    fields.extend(
        Audit { created: founded, created_by: founder, modified: founded, modified_by: founder }
            .fields(),
    );
    Object {
        name: "Organization",
        label: "Organization",
        plural: "Organizations",
        prefix: *b"00D",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: false,
        is_bulkable: true,
        is_committed_late: false,
        fields,
        units: |_| one(1..2),
        spots: |org, _, tell| {
            let founded = org.founded();
            tell(Spot { place: 0, stamp: founded, created: founded, deleted: false });
        },
        load: |_, unit, _| (unit == 1).then_some(Record::Organization(())),
    }
}

/// A getter of a user; `reader.org.people` has them.
macro_rules! person {
    ($person:pat_param => $body:expr) => {
        of!(Person, reader, index => match reader.org.people.get(*index) {
            Some($person) => $body,
            None => Value::Null,
        })
    };
}

fn users() -> Object {
    let mut fields = identity(false);
    fields.extend([
        field("Username", Type::Text, person!(p => Value::text(&p.email))).long(80).required(),
        field("LastName", Type::Text, person!(p => Value::text(&p.last_name))).long(80).required(),
        field("FirstName", Type::Text, person!(p => Value::text(&p.first_name))).long(40),
        field(
            "Name",
            Type::Text,
            person!(p => {
                Value::made(format!("{} {}", p.first_name, p.last_name))
            }),
        )
        .long(121)
        .required(),
        field("CompanyName", Type::Text, |_, _| Value::text(COMPANY_NAME)).long(80),
        picklist("Department", &["Sales"], |_, _| Value::text("Sales")).long(80),
        field(
            "Title",
            Type::Text,
            person!(p => Value::text(match p.role {
                Role::HeadOfSales => "Head of Sales",
                Role::Manager => "Sales Manager",
                Role::Rep => "Account Executive",
            })),
        )
        .long(80),
        field("Email", Type::Email, person!(p => Value::text(&p.email))).long(128).required(),
        field("IsActive", Type::Boolean, person!(p => Value::Bool(p.end.is_none()))).required(),
        picklist("TimeZoneSidKey", &[], person!(p => Value::text(p.time_zone))).required(),
        picklist("UserType", &["Standard"], |_, _| Value::text("Standard")),
        field("ForecastEnabled", Type::Boolean, person!(p => Value::Bool(p.end.is_none())))
            .required(),
        reference(
            "UserRoleId",
            &["UserRole"],
            "UserRole",
            person!(p => match p.team {
                Some(team) => role_id(TEAM_ROLES + team),
                None => role_id(0),
            }),
        ),
        reference(
            "ManagerId",
            &["User"],
            "Manager",
            person!(p => p.manager.map_or(Value::Null, user)),
        ),
        field("Hire_Date__c", Type::Date, person!(p => Value::Date(p.start))),
        field("Leaving_Date__c", Type::Date, person!(p => p.end.map_or(Value::Null, Value::Date))),
        currency(of!(Person, reader, index => Value::text(reader.org.currency_of(*index)))),
        picklist(
            "DefaultCurrencyIsoCode",
            &CURRENCIES,
            of!(Person, reader, index => Value::text(reader.org.currency_of(*index))),
        )
        .long(3)
        .when(super::Presence::ManyCurrencies),
    ]);
    fields.extend(
        Audit {
            created: person!(p => at(p.created_at)),
            created_by: |_, _| user(0),
            modified: person!(p => at(p.modified_at)),
            modified_by: |_, _| user(0),
        }
        .fields(),
    );
    Object {
        name: "User",
        label: "User",
        plural: "Users",
        prefix: *b"005",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: false,
        is_bulkable: true,
        is_committed_late: false,
        fields,
        units: |org| one(0..org.people.len() as u64),
        spots: |org, unit, tell| {
            if let Some(person) = usize::try_from(unit).ok().and_then(|unit| org.people.get(unit)) {
                tell(Spot {
                    place: 0,
                    stamp: person.modified_at.timestamp(),
                    created: person.created_at.timestamp(),
                    deleted: false,
                });
            }
        },
        load: |reader, unit, _| {
            let unit = usize::try_from(unit).ok()?;
            (unit < reader.org.people.len()).then_some(Record::Person(unit))
        },
    }
}

fn roles() -> Object {
    let mut fields: Vec<Field> = identity(false);
    let made: super::Getter =
        of!(Role, reader, index => Value::Instant(role_made(reader.org, *index)));
    fields.extend([
        field("Name", Type::Text, of!(Role, reader, index => {
            role(reader.org, *index).map_or(Value::Null, |(name, ..)| Value::made(name))
        }))
        .long(80)
        .required(),
        reference("ParentRoleId", &["UserRole"], "ParentRole", of!(Role, reader, index => {
            role(reader.org, *index).and_then(|(_, parent, _)| parent).map_or(Value::Null, role_id)
        })),
        field("DeveloperName", Type::Text, of!(Role, reader, index => {
            role(reader.org, *index)
                .map_or(Value::Null, |(name, ..)| Value::made(name.replace(' ', "_")))
        }))
        .long(80),
        reference("ForecastUserId", &["User"], "ForecastUser", of!(Role, reader, index => {
            role(reader.org, *index).and_then(|(.., head)| head).map_or(Value::Null, user)
        })),
        field("LastModifiedDate", Type::DateTime, made).required(),
        reference("LastModifiedById", &["User"], "LastModifiedBy", |_, _| user(0)).required(),
        super::stamp("SystemModstamp"),
    ]);
    Object {
        name: "UserRole",
        label: "Role",
        plural: "Roles",
        prefix: *b"00E",
        id_base: 0,
        numbering: Numbering::Places(0),
        is_replicateable: false,
        is_bulkable: true,
        is_committed_late: false,
        fields,
        units: |org| {
            let (regions, teams) = (org.regions.len(), org.teams.len());
            vec![0..1 + regions as u64, TEAM_ROLES as u64..(TEAM_ROLES + teams) as u64]
        },
        spots: |org, unit, tell| {
            let made = usize::try_from(unit).map_or(0, |unit| role_made(org, unit));
            tell(Spot { place: 0, stamp: made, created: made, deleted: false });
        },
        load: |reader, unit, _| {
            let unit = usize::try_from(unit).ok()?;
            role(reader.org, unit).map(|_| Record::Role(unit))
        },
    }
}
