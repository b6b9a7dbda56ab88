//! What an account has and we may read: asked at the start of every run, which also fixes the
//! instant up to which it reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use salesmart_core::{Error, Result, StreamName};
use salesmart_extract::{Discovery, StreamSpec};
use serde_json::Value;

use super::client::Api;
use super::config::Config;
use super::dialect::Denied;
use super::properties::ObjectType;
use super::streams::{
    Context, Plan, Small, association_spec, history_spec, small_spec, submissions_spec,
};

/// Standard object types; those with `true` are read without being asked for.
const STANDARD: [(&str, bool); 25] = [
    ("deals", true),
    ("contacts", true),
    ("companies", true),
    ("leads", true),
    ("products", true),
    ("line_items", true),
    ("calls", true),
    ("emails", true),
    ("meetings", true),
    ("notes", true),
    ("tasks", true),
    ("goal_targets", true),
    ("tickets", false),
    ("quotes", false),
    ("communications", false),
    ("postal_mail", false),
    ("orders", false),
    ("carts", false),
    ("invoices", false),
    ("subscriptions", false),
    ("appointments", false),
    ("courses", false),
    ("listings", false),
    ("services", false),
    ("users", false),
];

/// The streams that are no objects.
const OTHERS: [&str; 5] =
    ["owners", "deal_stages", "properties", "forecast_types", "forecast_submissions"];

/// What a run reads.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) context: Context,
    pub(super) plans: BTreeMap<StreamName, (Plan, StreamSpec)>,
    pub(super) failed: BTreeMap<StreamName, Error>,
    /// What is not read because the account does not have it, and nobody asked for it.
    pub(super) absent: Vec<String>,
    /// What was asked for and matches nothing.
    pub(super) idle: Vec<String>,
}

impl Run {
    /// What the rest of the house wants to know of it.
    pub(super) fn discovery(&mut self) -> Discovery {
        Discovery {
            streams: self.plans.values().map(|(_, spec)| spec.clone()).collect(),
            failed: std::mem::take(&mut self.failed).into_iter().collect(),
        }
    }
}

/// Asks HubSpot.
///
/// # Errors
/// When it cannot be reached, or refuses us altogether.
pub(super) async fn discover(api: &Api, config: &Arc<Config>) -> Result<Run> {
    // One call that everybody may make, before a dozen that would all be refused.
    let owners = judge(api.owners::<Value>(false, None, 1).await)?;
    let now = now(api);
    let mut finder = Finder {
        api,
        config,
        objects: BTreeMap::new(),
        plans: BTreeMap::new(),
        failed: BTreeMap::new(),
        absent: Vec::new(),
        idle: Vec::new(),
    };
    finder.objects().await?;
    finder.histories();
    finder.associations();
    finder.others(owners.map(|_| ())).await?;
    let objects = finder.objects.into_values().collect();
    let context = Context {
        api: api.clone(),
        config: Arc::clone(config),
        now,
        to: now - config.lag.as_delta(),
        objects,
    };
    let Finder { plans, failed, absent, idle, .. } = finder;
    Ok(Run { context, plans, failed, absent, idle })
}

/// HubSpot's clock, to which its stamps belong.
#[expect(
    clippy::disallowed_methods,
    reason = "a server that sends no `Date` leaves only our clock"
)]
fn now(api: &Api) -> DateTime<Utc> {
    api.server_now().unwrap_or_else(Utc::now)
}

/// Tells a refusal of this one call from a failure of everything.
fn judge<T>(outcome: Result<T, Denied>) -> Result<Result<T, Denied>> {
    match outcome {
        Err(denied) if denied.status == 0 => Err(denied.error),
        outcome => Ok(outcome),
    }
}

struct Finder<'a> {
    api: &'a Api,
    config: &'a Config,
    objects: BTreeMap<String, Arc<ObjectType>>,
    plans: BTreeMap<StreamName, (Plan, StreamSpec)>,
    failed: BTreeMap<StreamName, Error>,
    absent: Vec<String>,
    idle: Vec<String>,
}

impl Finder<'_> {
    async fn objects(&mut self) -> Result<()> {
        let custom = self.custom_objects().await?;
        let names: Vec<&str> = STANDARD
            .iter()
            .map(|(name, _)| *name)
            .chain(custom.iter().map(|(name, _)| name.as_str()))
            .collect();
        let idle: Vec<String> = self
            .config
            .objects
            .idle(&names)
            .iter()
            .map(|glob| format!("objects: {glob}"))
            .collect();
        self.idle.extend(idle);
        let is_default = self.config.objects.include.is_empty();
        for (name, in_default) in STANDARD {
            if (!is_default || in_default) && self.config.objects.contains(name) {
                self.object(name, name).await?;
            }
        }
        for (name, path) in &custom {
            if self.config.objects.contains(name) {
                self.object(name, path).await?;
            }
        }
        Ok(())
    }

    /// The custom object types, by stream name, with how URLs name them.
    async fn custom_objects(&mut self) -> Result<Vec<(String, String)>> {
        let listed = match judge(self.api.custom_objects().await)? {
            Ok(listed) => listed,
            Err(denied) => {
                tracing::info!(status = denied.status, "custom objects are not told");
                self.absent.push("custom objects (they are not told to this app)".to_owned());
                return Ok(Vec::new());
            }
        };
        let mut custom: Vec<(String, String)> = listed
            .into_iter()
            .filter(|object| object.archived != Some(true))
            .map(|object| {
                (custom_name(&object.name, &object.object_type_id), object.object_type_id)
            })
            .collect();
        custom.sort();
        custom.dedup_by(|a, b| a.0 == b.0);
        Ok(custom)
    }

    async fn object(&mut self, name: &str, path: &str) -> Result<()> {
        let stream = StreamName::new(name)?;
        let denied = match judge(self.api.properties(path, name).await)? {
            Ok(properties) => {
                let wanted = |property: &str| {
                    let full = format!("{name}.{property}");
                    let excluded = &self.config.excluded;
                    !excluded.iter().any(|glob| glob.matches(property) || glob.matches(&full))
                };
                let silent =
                    |property: &str| self.config.silent.iter().any(|glob| glob.matches(property));
                let object = Arc::new(ObjectType::new(name, path, &properties, wanted, silent));
                let spec = object.spec(stream);
                self.plan(Plan::Records(Arc::clone(&object)), spec);
                self.objects.insert(name.to_owned(), object);
                return Ok(());
            }
            Err(denied) => denied,
        };
        let include = &self.config.objects.include;
        let is_named = include.iter().any(|glob| glob.is_literal() && glob.matches(name));
        if denied.status != 403 && !is_named {
            self.absent.push(format!("`{name}`"));
        } else {
            self.failed.insert(stream, about(name, denied));
        }
        Ok(())
    }

    fn plan(&mut self, plan: Plan, mut spec: StreamSpec) {
        spec.location = Some(self.config.location.clone());
        self.plans.insert(spec.name.clone(), (plan, spec));
    }

    fn histories(&mut self) {
        for (name, wanted) in &self.config.history {
            let Ok(stream) = StreamName::new(format!("{name}_history")) else {
                self.idle.push(format!("history: {name}"));
                continue;
            };
            let Some(object) = self.objects.get(name) else {
                match self.failure_of(name) {
                    Some(error) => {
                        self.failed.insert(stream, error);
                    }
                    None if self.config.history_named => {
                        self.idle.push(format!("history: {name}"));
                    }
                    None => {}
                }
                continue;
            };
            let object = Arc::clone(object);
            let (there, not_there): (Vec<String>, Vec<String>) =
                wanted.iter().cloned().partition(|property| object.has(property));
            self.idle
                .extend(not_there.iter().map(|property| format!("history: {name}.{property}")));
            if !there.is_empty() {
                self.plan(Plan::History(object, there), history_spec(stream));
            }
        }
    }

    fn associations(&mut self) {
        for (from, to) in &self.config.associations {
            let Ok(stream) = StreamName::new(format!("{from}_to_{to}")) else {
                self.idle.push(format!("associations: {from}_to_{to}"));
                continue;
            };
            let found = (self.objects.get(from), self.objects.get(to));
            if let (Some(from), Some(to)) = found {
                let plan = Plan::Associations(Arc::clone(from), Arc::clone(to));
                self.plan(plan, association_spec(stream));
                continue;
            }
            let missing = if found.0.is_none() { from } else { to };
            match self.failure_of(missing) {
                Some(error) => {
                    self.failed.insert(stream, error);
                }
                None if self.config.associations_named => {
                    let error = Error::configuration(format!(
                        "`{missing}` is not among the object types that are read"
                    ))
                    .at(self.config.location.clone())
                    .with_hint(format!("include `{missing}` in `objects`, or leave it out here"));
                    self.failed.insert(stream, error);
                }
                None => {}
            }
        }
    }

    /// The failure of a stream that hangs on one that failed.
    fn failure_of(&self, object: &str) -> Option<Error> {
        let (_, error) = self.failed.iter().find(|(name, _)| name.as_str() == object)?;
        let same =
            Error::new(error.kind(), format!("`{object}` cannot be read: {}", error.message()));
        Some(match error.hint() {
            Some(hint) => same.with_hint(hint),
            None => same,
        })
    }

    async fn others(&mut self, owners: Result<(), Denied>) -> Result<()> {
        let small = |small, name: &str| -> Result<(Plan, StreamSpec)> {
            Ok((Plan::Small(small), small_spec(small, StreamName::new(name)?)))
        };
        let (plan, spec) = small(Small::Owners, "owners")?;
        self.other(plan, spec, owners);
        if self.objects.contains_key("deals") {
            let stages = judge(self.api.pipelines::<Value>("deals").await)?.map(|_| ());
            let (plan, spec) = small(Small::DealStages, "deal_stages")?;
            self.other(plan, spec, stages);
        }
        if !self.objects.is_empty() {
            let (plan, spec) = small(Small::Properties, "properties")?;
            self.other(plan, spec, Ok(()));
        }
        if self.config.forecasts {
            let types = judge(self.api.forecast_types().await)?.map(|_| ());
            let (plan, spec) = small(Small::ForecastTypes, "forecast_types")?;
            self.other(plan, spec, types);
            let to = now(self.api);
            let events = self.api.submissions::<Value>(Some(to), to, None, 1).await;
            let events = judge(events)?.map(|_| ());
            let spec = submissions_spec(StreamName::new("forecast_submissions")?);
            self.other(Plan::Submissions, spec, events);
        }
        Ok(())
    }

    /// A stream that is no object: it is there, or not in this account, or forbidden.
    fn other(&mut self, plan: Plan, spec: StreamSpec, probe: Result<(), Denied>) {
        match probe {
            Ok(()) => self.plan(plan, spec),
            Err(denied) if denied.status == 403 => {
                let error = about(spec.name.as_str(), denied);
                self.failed.insert(spec.name, error);
            }
            Err(_) => self.absent.push(format!("`{}`", spec.name)),
        }
    }
}

/// The error of a stream that cannot be read.
fn about(stream: &str, denied: Denied) -> Error {
    denied.error.with_state(format!("nothing of `{stream}` was read"))
}

/// The stream of a custom object: its own name, unless that is no name or is taken.
fn custom_name(name: &str, type_id: &str) -> String {
    let plain = |text: &str| -> String {
        let fine = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        text.chars().map(fine).collect()
    };
    let own = plain(name);
    let is_taken =
        STANDARD.iter().any(|(standard, _)| *standard == own) || OTHERS.contains(&own.as_str());
    match StreamName::new(own.as_str()) {
        Ok(_) if !is_taken => own,
        _ => format!("custom_{}", plain(type_id)),
    }
}

#[cfg(test)]
mod tests {
    use super::custom_name;

    #[test]
    fn custom_objects_have_names_of_their_own() {
        assert_eq!(custom_name("contracts", "2-1234"), "contracts");
        assert_eq!(custom_name("Service Visit", "2-1234"), "service_visit");
        assert_eq!(custom_name("deals", "2-1234"), "custom_2_1234");
        assert_eq!(custom_name("owners", "2-9"), "custom_2_9");
        assert_eq!(custom_name("2nd", "2-9"), "custom_2_9");
    }
}
