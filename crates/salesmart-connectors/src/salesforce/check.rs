//! What `check --connections` finds out about an org.

use chrono::TimeDelta;
use salesmart_core::{ConnectionName, ErrorKind, Result};
use salesmart_extract::Finding;
use serde_json::Value;

use super::client::Api;
use super::config::Settings;
use super::describe::{Description, Object};
use super::discover::{self, Selected};
use super::soql::{self, Order};

/// Where changes of opportunities are.
const HISTORY: &str = "OpportunityFieldHistory";

/// A clock that is off by more than this makes signed statements invalid.
const TOLERABLE_SKEW: TimeDelta = TimeDelta::seconds(60);

/// Fields without which figures are missing. Field-level security takes them out of descriptions
/// without a word.
const NEEDED: [(&str, &[&str]); 5] = [
    (
        "Opportunity",
        &[
            "AccountId",
            "Amount",
            "CloseDate",
            "CreatedDate",
            "ForecastCategoryName",
            "IsClosed",
            "IsWon",
            "LeadSource",
            "Name",
            "OwnerId",
            "Probability",
            "StageName",
            "Type",
        ],
    ),
    ("Account", &["Name", "OwnerId", "Industry"]),
    ("Lead", &["ConvertedOpportunityId", "IsConverted", "LeadSource", "OwnerId", "Status"]),
    ("User", &["IsActive", "ManagerId", "UserRoleId"]),
    ("OpportunityFieldHistory", &["Field", "NewValue", "OldValue", "OpportunityId"]),
];

/// Looks at an org.
pub(super) async fn check(
    api: &Api,
    settings: &Settings,
    connection: &ConnectionName,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Whoever cannot sign in can find out nothing else, and is not to try again and again.
    match signed_in(api).await {
        Ok(message) => findings.push(Finding::good(message)),
        Err(error) => return vec![Finding::bad(&format!("connection `{connection}`"), &error)],
    }
    findings.push(version(api, settings).await);
    match discover::select(api, settings).await {
        Ok(selected) => objects(api, settings, &selected, &mut findings).await,
        Err(error) => findings.push(Finding::bad("objects", &error)),
    }
    findings.push(quota(api, settings).await);
    findings.extend(clock(api));
    findings
}

/// Who we are, and where.
async fn signed_in(api: &Api) -> Result<String> {
    let facts = api.identity().await?;
    let id = facts.get("id").and_then(Value::as_str).unwrap_or_default();
    let mut parts = id.rsplit('/');
    let (user, org) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let query =
        soql::select(&["Username"], "User", &[format!("Id = {}", soql::quoted(user))], None);
    // A user who may sign in and not see users is no failure here.
    let name = match api.records(&query).await {
        Ok(records) => records
            .first()
            .and_then(|record| record.get("Username")?.as_str().map(str::to_owned))
            .unwrap_or_else(|| user.to_owned()),
        Err(_) => user.to_owned(),
    };
    Ok(format!("signed in as `{name}` to the org `{org}`"))
}

async fn version(api: &Api, settings: &Settings) -> Finding {
    let version = &settings.api_version;
    match api.versions().await {
        Err(error) => Finding::bad("versions of the API", &error),
        Ok(versions) if versions.contains(version) => {
            let newest = versions.last().map_or("", String::as_str);
            Finding::good(format!("version {version} of the API; the newest is {newest}"))
        }
        Ok(versions) => Finding::unmet(
            ErrorKind::Configuration,
            format!("version {version} of the API is not there"),
            format!("set `api_version` to one of {}", versions.join(", ")),
        ),
    }
}

/// The objects that will be read, their fields, and whether the history of deals is kept.
async fn objects(api: &Api, settings: &Settings, selected: &Selected, findings: &mut Vec<Finding>) {
    findings.push(Finding::good(format!("{} objects to read", selected.names.len())));
    if settings.wanted.is_default && !selected.missing.is_empty() {
        findings.push(Finding::note(
            format!("not read: `{}`", selected.missing.join("`, `")),
            "the org does not use them, or the integration user lacks `Read` on them",
        ));
    } else {
        let hidden = selected.missing.iter().map(|name| discover::hidden(name));
        findings.extend(hidden.map(|error| Finding::bad("objects", &error)));
    }
    for (name, fields) in NEEDED {
        if !selected.names.iter().any(|selected| selected == name) {
            continue;
        }
        let description = api.describe::<Description>(name).await;
        match description.and_then(|description| Object::new(description, settings)) {
            Err(error) => findings.push(Finding::bad(&format!("`{name}`"), &error)),
            Ok(object) => findings.push(seen(&object, fields, settings)),
        }
    }
    let is_wanted = settings.wanted.contains(HISTORY);
    if is_wanted && selected.names.iter().any(|name| name == "Opportunity") {
        findings.push(history(api, selected).await);
    }
}

fn seen(object: &Object, needed: &[&str], settings: &Settings) -> Finding {
    let name = &object.name;
    let is_missing = |field: &&&str| !object.has(field) && settings.wants_field(name, field);
    let missing: Vec<&str> = needed.iter().filter(is_missing).copied().collect();
    if missing.is_empty() {
        return Finding::good(format!("`{name}`: {} fields", object.fields.len()));
    }
    Finding::unmet(
        ErrorKind::Permission,
        format!("`{name}` hides `{}` from us", missing.join("`, `")),
        "grant the integration user `Read` on these fields (field-level security) in its \
         permission set",
    )
}

/// Whether changes of deals are tracked, and since when.
async fn history(api: &Api, selected: &Selected) -> Finding {
    let off = |message: &str| {
        Finding::unmet(
            ErrorKind::Permission,
            message,
            "turn it on for Stage, Amount, Close Date, Owner and Forecast Category: `Setup > Object \
             Manager > Opportunity > Fields & Relationships > Set History Tracking`",
        )
    };
    if !selected.names.iter().any(|name| name == HISTORY) {
        return off("the field history of opportunities is hidden from us");
    }
    let order = Order::Stamp("CreatedDate".to_owned());
    let query = soql::select(&["CreatedDate"], HISTORY, &[], Some(&order));
    match api.records(&format!("{query} LIMIT 1")).await {
        Err(error) => Finding::bad("field history of opportunities", &error),
        Ok(records) => {
            let oldest = records.first().and_then(|record| record.get("CreatedDate")?.as_str());
            match oldest.and_then(soql::read_instant) {
                Some(oldest) => Finding::good(format!(
                    "the field history of opportunities reaches back to {}",
                    oldest.date_naive()
                )),
                None => off("no field of opportunities is tracked, or none has changed yet"),
            }
        }
    }
}

async fn quota(api: &Api, settings: &Settings) -> Finding {
    if let Err(error) = api.limits().await {
        return Finding::bad("limits", &error);
    }
    let Some((used, limit)) = api.requests() else {
        return Finding::good("the org tells no limit of API requests".to_owned());
    };
    let share = (settings.quota_share * 100.0).round();
    let message =
        format!("{used} of {limit} API requests of the day are used; we stop at {share} %");
    // The same rule that stops a run.
    match api.within_budget() {
        Ok(()) => Finding::good(message),
        Err(_) => Finding::unmet(
            ErrorKind::QuotaExhausted,
            message,
            "wait until requests are free again, or raise `quota_share`",
        ),
    }
}

fn clock(api: &Api) -> Option<Finding> {
    let skew = api.clock_skew()?;
    let seconds = skew.num_seconds();
    let message = match seconds {
        0 => "this machine's clock is that of Salesforce".to_owned(),
        1.. => format!("this machine's clock is {seconds} s behind that of Salesforce"),
        _ => format!("this machine's clock is {} s ahead of that of Salesforce", -seconds),
    };
    // Windows are bounded by Salesforce's own clock: only signed statements need ours.
    Some(match skew.abs() > TOLERABLE_SKEW {
        true => Finding::note(message, "let the machine's clock follow a time server (NTP)"),
        false => Finding::good(message),
    })
}
