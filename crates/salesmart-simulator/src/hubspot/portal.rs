//! What describes the portal: properties, schemas, pipelines, owners, and its limits.

use serde_json::{Value, json};

use super::asked::{Answer, Asked, Reply};
use super::associations;
use super::ids::{self, Kind};
use super::problem::Problem;
use super::property::{Definition, Presence, Type};
use super::record::definitions;
use super::value::{millis, stamp_text};
use super::view::View;
use crate::Stage;
use crate::world::{LeadStatus, Person};

/// `GET /crm/v3/properties/{type}`. A property that was removed is in the archive.
pub(super) fn properties(view: &View, asked: &Asked, kind: Kind) -> Answer {
    let archived = asked.is_set("archived")?;
    let mut all: Vec<Definition> = if archived {
        let all = view.table(kind).definitions().into_iter();
        all.filter(|known| known.presence == Presence::UntilRemoved && view.flags.removed_field)
            .collect()
    } else {
        definitions(view, kind).into_iter().map(|(_, definition)| definition).collect()
    };
    all.sort_by_key(|definition| definition.name);
    let all: Vec<Value> =
        all.iter().map(|definition| property(view, kind, definition, archived)).collect();
    Ok(Reply::ok(&json!({ "results": all })))
}

/// `GET /crm/v3/properties/{type}/{name}`.
pub(super) fn one_property(view: &View, kind: Kind, name: &str) -> Answer {
    let all = definitions(view, kind);
    let found = all.iter().find(|(_, definition)| definition.name == name);
    let (_, definition) = found.ok_or_else(|| {
        Problem::not_found(format!("Property {name} does not exist for {}", kind.facts().plural))
    })?;
    Ok(Reply::ok(&property(view, kind, definition, false)))
}

fn property(view: &View, kind: Kind, definition: &Definition, archived: bool) -> Value {
    let made = stamp_text(millis(
        view.world.first_day().and_hms_opt(0, 0, 0).expect("a time of the day").and_utc(),
    ));
    let (type_name, field_type) = definition.kind.names();
    let is_read_only = definition.is_calculated
        || [kind.facts().created, kind.facts().modified, "hs_object_id"].contains(&definition.name);
    let mut property = json!({
        "name": definition.name,
        "label": definition.label,
        "type": type_name,
        "fieldType": if definition.is_calculated { "calculation_equation" } else { field_type },
        "description": "",
        "groupName": format!("{}information", kind.facts().singular),
        "options": options(definition),
        "displayOrder": -1,
        "calculated": definition.is_calculated,
        "externalOptions": definition.name == "hubspot_owner_id",
        "hasUniqueValue": definition.name == "hs_object_id",
        "hidden": false,
        "hubspotDefined": !definition.is_custom,
        "modificationMetadata": {
            "archivable": definition.is_custom,
            "readOnlyDefinition": !definition.is_custom,
            "readOnlyValue": is_read_only,
        },
        "formField": false,
        "dataSensitivity": "non_sensitive",
        "createdAt": made,
        "updatedAt": made,
        "archived": archived,
    });
    if definition.name == "hubspot_owner_id" {
        property["referencedObjectType"] = json!("OWNER");
    }
    property
}

fn options(definition: &Definition) -> Value {
    let option = |(order, (value, label)): (usize, (&str, &str))| {
        json!({
            "label": label,
            "value": value,
            "displayOrder": order,
            "hidden": false,
            "description": "",
        })
    };
    let of_stages = |stages: Vec<(&'static str, &'static str)>| -> Value {
        stages.into_iter().enumerate().map(option).collect()
    };
    match definition.kind {
        _ if definition.name == "dealstage" => {
            of_stages(Stage::ALL.map(|stage| (ids::stage(stage), stage.name())).to_vec())
        }
        _ if definition.name == "hs_pipeline_stage" => {
            of_stages(LEAD_STAGES.map(|(status, label)| (ids::lead_stage(status), label)).to_vec())
        }
        Type::Choice(values) | Type::Several(values) => {
            values.iter().map(|value| (*value, *value)).enumerate().map(option).collect()
        }
        Type::Bool => {
            [("true", "True"), ("false", "False")].into_iter().enumerate().map(option).collect()
        }
        Type::Text | Type::Number | Type::Date | Type::DateTime => json!([]),
    }
}

const LEAD_STAGES: [(LeadStatus, &str); 5] = [
    (LeadStatus::New, "New"),
    (LeadStatus::Working, "Attempting"),
    (LeadStatus::Qualified, "Connected"),
    (LeadStatus::Converted, "Qualified"),
    (LeadStatus::Unqualified, "Disqualified"),
];

/// `GET /crm/v3/schemas`: the custom objects.
pub(super) fn schemas(view: &View, asked: &Asked) -> Answer {
    let results = if asked.is_set("archived")? { vec![] } else { vec![schema(view)] };
    Ok(Reply::ok(&json!({ "results": results })))
}

/// `GET /crm/v3/schemas/{type}`.
pub(super) fn one_schema(view: &View, name: &str) -> Answer {
    match Kind::find(name) {
        Some(Kind::Contracts) => Ok(Reply::ok(&schema(view))),
        _ => Err(Problem::not_found(format!("There is no schema for {name}"))),
    }
}

fn schema(view: &View) -> Value {
    let kind = Kind::Contracts;
    let facts = kind.facts();
    let properties = definitions(view, kind);
    let associations = associations::kinds_of(kind).into_iter().map(|to| {
        json!({
            "id": format!("{}-{}", facts.type_id, to.facts().type_id),
            "name": format!("{}_to_{}", facts.singular, to.facts().singular),
            "fromObjectTypeId": facts.type_id,
            "toObjectTypeId": to.facts().type_id,
        })
    });
    json!({
        "id": "4711001",
        "name": facts.plural,
        "labels": { "singular": "Contract", "plural": "Contracts" },
        "objectTypeId": facts.type_id,
        "fullyQualifiedName": format!("p{}_{}", view.settings.portal, facts.plural),
        "primaryDisplayProperty": "contract_number",
        "secondaryDisplayProperties": ["contract_value"],
        "searchableProperties": ["contract_number"],
        "requiredProperties": ["contract_number"],
        "properties": properties
            .iter()
            .map(|(_, definition)| property(view, kind, definition, false))
            .collect::<Vec<_>>(),
        "associations": associations.collect::<Vec<_>>(),
        "archived": false,
    })
}

/// `GET /crm/v3/pipelines/{type}`, and one of them or its stages by the rest of the path.
///
/// The partner programme has no deals yet; its stages have ids that the other pipeline has too.
pub(super) fn pipelines(view: &View, kind: Kind, rest: &[&str]) -> Answer {
    let made = stamp_text(millis(
        view.world.first_day().and_hms_opt(0, 0, 0).expect("a time of the day").and_utc(),
    ));
    let stage = |order: usize, id: &str, label: &str, metadata: Value| {
        json!({
            "id": id,
            "label": label,
            "displayOrder": order,
            "metadata": metadata,
            "createdAt": made,
            "updatedAt": made,
            "archived": false,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        })
    };
    let pipeline = |id: &str, label: &str, order: usize, stages: Vec<Value>| {
        json!({
            "id": id,
            "label": label,
            "displayOrder": order,
            "stages": stages,
            "createdAt": made,
            "updatedAt": made,
            "archived": false,
        })
    };
    // The values of metadata are texts, whatever they look like.
    let deal_stage = |order: usize, stage_of: Stage, label: &str| {
        let is_closed = stage_of.outcome() != "open";
        let probability = super::value::fraction(i128::from(stage_of.probability()), 6);
        let probability =
            if probability.contains('.') { probability } else { format!("{probability}.0") };
        let metadata = json!({ "isClosed": is_closed.to_string(), "probability": probability });
        stage(order, ids::stage(stage_of), label, metadata)
    };
    let all = match kind {
        Kind::Deals => {
            let stages = Stage::ALL.into_iter().enumerate();
            let partners = [
                (Stage::Prospecting, "Introduced"),
                (Stage::ClosedWon, "Signed"),
                (Stage::ClosedLost, "Declined"),
            ];
            vec![
                pipeline(
                    ids::DEAL_PIPELINE,
                    "Sales Pipeline",
                    0,
                    stages.map(|(order, of)| deal_stage(order, of, of.name())).collect(),
                ),
                pipeline(
                    "8213441",
                    "Partner programme",
                    1,
                    partners
                        .into_iter()
                        .enumerate()
                        .map(|(order, (of, label))| deal_stage(order, of, label))
                        .collect(),
                ),
            ]
        }
        Kind::Leads => {
            let stages = LEAD_STAGES.into_iter().enumerate().map(|(order, (status, label))| {
                let is_closed = matches!(status, LeadStatus::Converted | LeadStatus::Unqualified);
                let state = if is_closed { "CLOSED" } else { "OPEN" };
                let metadata = json!({ "isClosed": is_closed.to_string(), "leadState": state });
                stage(order, ids::lead_stage(status), label, metadata)
            });
            vec![pipeline(ids::LEAD_PIPELINE, "Lead pipeline", 0, stages.collect())]
        }
        _ => Vec::new(),
    };
    let found = |id: &str| {
        let found = all.iter().find(|pipeline| pipeline["id"] == id).cloned();
        found.ok_or_else(|| Problem::not_found(format!("There is no pipeline {id}")))
    };
    match rest {
        [] => Ok(Reply::ok(&json!({ "results": all }))),
        [id] => Ok(Reply::ok(&found(id)?)),
        [id, "stages"] => Ok(Reply::ok(&json!({ "results": found(id)?["stages"] }))),
        _ => Err(Problem::not_found("There is no such pipeline or stage")),
    }
}

/// The owner with a person's rights.
pub(super) fn owner(view: &View, person: &Person) -> Value {
    let user = ids::user(person.index);
    let has_left = has_left(view, person);
    let teams: Vec<Value> = person
        .team
        .and_then(|team| view.world.teams().get(team))
        .filter(|_| !has_left || view.settings.archived_owners_keep_teams)
        .map(|team| {
            json!({ "id": ids::team(team.index).to_string(), "name": team.name, "primary": true })
        })
        .into_iter()
        .collect();
    json!({
        "id": ids::owner(person.index).to_string(),
        "email": person.email,
        "type": "PERSON",
        "firstName": person.first_name,
        "lastName": person.last_name,
        // Who has left is no user any more, though once was one.
        "userId": (!has_left).then_some(user),
        "userIdIncludingInactive": user,
        "createdAt": stamp_text(millis(person.created_at)),
        "updatedAt": stamp_text(millis(person.modified_at)),
        "archived": has_left,
        "teams": teams,
    })
}

pub(super) fn has_left(view: &View, person: &Person) -> bool {
    person.end.is_some_and(|end| end < view.world.now().date_naive())
}

/// `GET /crm/v3/owners`.
pub(super) fn owners(view: &View, asked: &Asked) -> Answer {
    let limit = asked.limit(100, 500)?;
    let archived = asked.is_set("archived")?;
    let after = asked.after()?.unwrap_or_default();
    let people = view.world.people().iter().filter(|person| {
        has_left(view, person) == archived
            && ids::owner(person.index) > after
            && asked.one("email").is_none_or(|email| person.email.eq_ignore_ascii_case(email))
    });
    let people: Vec<&Person> = people.take(limit + 1).collect();
    let has_more = people.len() > limit;
    let page = &people[..people.len().min(limit)];
    let after = page.last().filter(|_| has_more).map(|last| ids::owner(last.index));
    let owners: Vec<Value> = page.iter().map(|person| owner(view, person)).collect();
    let paging = asked.paging(after);
    Ok(Reply::written(format!("{{\"results\":{}{paging}}}", Value::from(owners)).into_bytes()))
}

/// `GET /crm/v3/owners/{id}`, by the owner's or, if asked so, by the user's id.
pub(super) fn one_owner(view: &View, asked: &Asked, id: &str) -> Answer {
    let by_user = asked.one("idProperty") == Some("userId");
    let archived = asked.is_set("archived")?;
    let id_of = |person: &Person| {
        if by_user { ids::user(person.index) } else { ids::owner(person.index) }
    };
    let found = view
        .world
        .people()
        .iter()
        .find(|person| id_of(person).to_string() == id && has_left(view, person) == archived);
    let person = found.ok_or_else(|| Problem::not_found(format!("There is no owner {id}")))?;
    Ok(Reply::ok(&owner(view, person)))
}

/// `GET /account-info/v3/details`.
pub(super) fn account(view: &View) -> Answer {
    Ok(Reply::ok(&json!({
        "portalId": view.settings.portal,
        "accountType": "STANDARD",
        "timeZone": "UTC",
        "companyCurrency": "USD",
        "additionalCurrencies": view.currencies(),
        "utcOffset": "+00:00",
        "utcOffsetMilliseconds": 0,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    })))
}

/// `GET /account-info/v3/api-usage/daily/private-apps`.
pub(super) fn usage(view: &View, (used, daily): (u64, u64)) -> Answer {
    Ok(Reply::ok(&json!({
        "results": [{
            "name": "private-apps-api-calls-daily",
            "usageLimit": daily,
            "currentUsage": used,
            "collectedAt": stamp_text(view.now),
            "fetchStatus": "SUCCESS",
            "resetsAt": stamp_text(view.now + 1_000),
        }],
    })))
}
