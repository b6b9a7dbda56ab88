//! What `salesmart check --connections` says of an account: reachable, let in, what is missing and
//! what to grant, which history is kept, how much of the day's requests is left, how clocks differ.

use std::sync::Arc;

use salesmart_core::ConnectionName;
use salesmart_extract::Finding;

use super::client::{Api, ListCall};
use super::config::{Auth, Config};
use super::discover::{Run, discover};
use super::streams::Plan;

/// Looks at an account.
pub(super) async fn check(
    connection: &ConnectionName,
    api: &Api,
    config: &Arc<Config>,
) -> Vec<Finding> {
    let run = match discover(api, config).await {
        Ok(run) => run,
        Err(error) => return vec![Finding::bad(&format!("connection `{connection}`"), &error)],
    };
    let way = match config.auth {
        Auth::Token(_) => "with the token of a private app",
        Auth::Refresh { .. } => "as an OAuth app",
    };
    let mut findings =
        vec![Finding::good(format!("connection `{connection}`: HubSpot lets us in {way}"))];
    for (stream, error) in &run.failed {
        findings.push(Finding::bad(&format!("stream `{stream}`"), error));
    }
    for (plan, spec) in run.plans.values() {
        findings.push(stream(api, plan, spec.name.as_str()).await);
    }
    findings.extend(
        run.absent.iter().map(|name| Finding::good(format!("not in this account: {name}"))),
    );
    findings.extend(run.idle.iter().map(|what| {
        let message = format!("`{what}` matches nothing in this account");
        Finding::note(message, "check its spelling, or leave it out")
    }));
    findings.push(quota(api, config));
    findings.push(clock(api, &run));
    findings
}

/// Whether a stream can be read: object types may be described to us and still be forbidden.
async fn stream(api: &Api, plan: &Plan, name: &str) -> Finding {
    match plan {
        Plan::Records(object) => {
            let list = ListCall {
                path: &object.path,
                scope: &object.name,
                properties: &["hs_object_id"],
                history: &[],
                archived: false,
                after: None,
            };
            match api.list(&list).await {
                Ok(_) => {
                    let count = object.properties.len();
                    let calculated = object.silent.len();
                    Finding::good(format!(
                        "stream `{name}`: {count} properties, {calculated} of them filled by HubSpot"
                    ))
                }
                Err(denied) => Finding::bad(&format!("stream `{name}`"), &denied.error),
            }
        }
        Plan::History(object, properties) => {
            let names: Vec<&str> = properties.iter().map(String::as_str).collect();
            let list = ListCall {
                path: &object.path,
                scope: &object.name,
                properties: &["hs_object_id"],
                history: &names,
                archived: false,
                after: None,
            };
            match api.list(&list).await {
                Ok(_) => Finding::good(format!(
                    "stream `{name}`: history of `{}`; HubSpot keeps the newest values of each, \
                     older ones are collected from the first run on",
                    names.join("`, `")
                )),
                Err(denied) => Finding::bad(&format!("stream `{name}`"), &denied.error),
            }
        }
        Plan::Associations(from, to) => {
            match api.associations(&from.path, &to.path, &from.name, &[(1, None)]).await {
                Ok(_) => Finding::good(format!("stream `{name}`: readable")),
                Err(denied) => Finding::bad(&format!("stream `{name}`"), &denied.error),
            }
        }
        Plan::Small(_) | Plan::Submissions => Finding::good(format!("stream `{name}`: readable")),
    }
}

fn quota(api: &Api, config: &Config) -> Finding {
    let share = (config.quota_share * 100.0).round();
    match (api.quota(), config.daily_limit) {
        (Some((used, limit)), _) => {
            let left = limit.saturating_sub(used);
            Finding::good(format!(
                "requests of the day: {left} of {limit} left; we stop when {share} % are used"
            ))
        }
        (None, Some(limit)) => Finding::good(format!(
            "requests of the day: HubSpot does not tell; we stop at {share} % of {limit} in a run"
        )),
        (None, None) => Finding::good("requests of the day: HubSpot does not tell".to_owned()),
    }
}

fn clock(api: &Api, run: &Run) -> Finding {
    let now = run.context.now.format("%Y-%m-%dT%H:%M:%SZ");
    match api.clock_skew() {
        Some(skew) => Finding::good(format!(
            "clock: HubSpot's says {now}, {} s off ours; windows go by HubSpot's",
            skew.num_seconds()
        )),
        None => Finding::good("clock: HubSpot does not tell; windows go by ours".to_owned()),
    }
}
