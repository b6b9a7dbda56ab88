//! Tokens, scopes, limits and the length of URLs.

use std::collections::BTreeSet;

use super::{Portal, quick};
use crate::hubspot::{Limits, Settings};
use crate::wire::{Fault, FaultPlan, RetryAfter, When};

const DEALS: &str = "/crm/v3/objects/deals";

const REFRESH: [(&str, &str); 4] = [
    ("grant_type", "refresh_token"),
    ("client_id", "simulator-client"),
    ("client_secret", "simulator-secret"),
    ("refresh_token", "simulator-refresh"),
];

#[tokio::test]
async fn strangers_are_refused() {
    let mut portal = Portal::small().await;
    portal.token = "pat-somebody".to_owned();
    let refused = portal.get(DEALS).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["category"], "INVALID_AUTHENTICATION");
    assert!(refused.json()["correlationId"].as_str().unwrap().len() == 36);
}

#[tokio::test]
async fn refresh_tokens_bring_access_tokens_on_every_published_path() {
    let limits = Limits { ten_secondly: Some(190), ..Limits::none() };
    let settings = Settings { limits, ..quick() };
    let mut portal = Portal::with(settings, FaultPlan::none(), 400).await;
    for path in ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-09/token"] {
        let granted = portal.form(path, &REFRESH).await.ok();
        assert_eq!(granted["token_type"], "bearer");
        assert_eq!(granted["expires_in"], 1_800);
        assert_eq!(granted["refresh_token"], "simulator-refresh", "it does not rotate");
        assert!(granted["scopes"].as_array().unwrap().len() > 10);
        portal.token = granted["access_token"].as_str().unwrap().to_owned();
        let answered = portal.get(DEALS).await;
        answered.ok();
        assert!(answered.headers.get("x-hubspot-ratelimit-daily").is_none(), "OAuth has no days");
        assert_eq!(answered.headers["x-hubspot-ratelimit-interval-milliseconds"], "10000");
    }
    let mut wrong = REFRESH;
    wrong[3].1 = "another";
    let refused = portal.form("/oauth/v1/token", &wrong).await;
    assert_eq!((refused.status, &refused.json()["status"]), (400, &"BAD_REFRESH_TOKEN".into()));
}

#[tokio::test]
async fn access_tokens_expire() {
    let settings = Settings { token_requests: Some(2), ..quick() };
    let mut portal = Portal::with(settings, FaultPlan::none(), 50).await;
    let granted = portal.form("/oauth/v1/token", &REFRESH).await.ok();
    portal.token = granted["access_token"].as_str().unwrap().to_owned();
    portal.get(DEALS).await.ok();
    portal.get(DEALS).await.ok();
    let expired = portal.get(DEALS).await;
    assert_eq!(expired.status, 401);
    assert_eq!(expired.json()["category"], "EXPIRED_AUTHENTICATION");
}

#[tokio::test]
async fn missing_scopes_are_named() {
    let scopes = BTreeSet::from(["crm.objects.deals.read".to_owned()]);
    let settings = Settings { scopes: Some(scopes), ..quick() };
    let portal = Portal::with(settings, FaultPlan::none(), 50).await;
    portal.get(DEALS).await.ok();
    let refused = portal.get("/crm/v3/owners").await;
    assert_eq!(refused.status, 403);
    let body = refused.json();
    assert_eq!(body["category"], "MISSING_SCOPES");
    assert_eq!(body["context"]["requiredGranularScopes"][0], "crm.objects.owners.read");
}

#[tokio::test]
async fn every_bucket_has_its_policy() {
    let limits = Limits { daily: Some(6), ten_secondly: Some(3), search_per_second: Some(2) };
    let portal =
        Portal::with(Settings { limits, ..Settings::default() }, FaultPlan::none(), 50).await;
    let first = portal.get(DEALS).await;
    assert_eq!(first.headers["x-hubspot-ratelimit-daily"], "6");
    assert_eq!(first.headers["x-hubspot-ratelimit-daily-remaining"], "5");
    assert_eq!(first.headers["x-hubspot-ratelimit-max"], "3");
    assert_eq!(first.headers["x-hubspot-ratelimit-remaining"], "2");
    assert!(first.headers.contains_key("x-hubspot-ratelimit-secondly"));
    portal.get(DEALS).await.ok();
    portal.get(DEALS).await.ok();
    let refused = portal.get(DEALS).await;
    assert_eq!(refused.status, 429);
    let body = refused.json();
    assert_eq!(body["policyName"], "TEN_SECONDLY_ROLLING");
    assert_eq!((&body["errorType"], &body["status"]), (&"RATE_LIMIT".into(), &"error".into()));

    let search = serde_json::json!({ "limit": 1 });
    let searched = portal.post("/crm/v3/objects/deals/search", &search).await;
    searched.ok();
    assert!(searched.headers.get("x-hubspot-ratelimit-max").is_none(), "search tells nothing");
    portal.post("/crm/v3/objects/deals/search", &search).await.ok();
    let refused = portal.post("/crm/v3/objects/deals/search", &search).await;
    assert_eq!((refused.status, &refused.json()["policyName"]), (429, &"SECONDLY".into()));
    tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
    portal.post("/crm/v3/objects/deals/search", &search).await.ok();

    let refused = portal.get(DEALS).await;
    assert_eq!((refused.status, &refused.json()["policyName"]), (429, &"DAILY".into()));
    assert_eq!(refused.json()["message"], "You have reached your daily limit.");
}

#[tokio::test]
async fn long_urls_get_a_page_of_html() {
    let portal = Portal::small().await;
    let names: Vec<String> = (0..700).map(|n| format!("property_{n}")).collect();
    let refused = portal.get(&format!("{DEALS}?properties={}", names.join(","))).await;
    assert_eq!(refused.status, 414);
    assert_eq!(refused.headers["content-type"], "text/html");
    assert!(refused.text.contains("<title>414 URI Too Long</title>"));
}

#[tokio::test]
async fn faults_speak_hubspot() {
    let plan = FaultPlan::none()
        .with("/crm/*", When::Nth(1), None, Fault::Unauthorized)
        .with("/crm/*", When::Nth(2), None, Fault::QuotaExhausted)
        .with(
            "/crm/*",
            When::Nth(3),
            None,
            Fault::TooManyRequests { retry_after: RetryAfter::Seconds(3) },
        );
    let portal = Portal::with(quick(), plan, 50).await;
    let first = portal.get(DEALS).await;
    assert_eq!((first.status, &first.json()["category"]), (401, &"EXPIRED_AUTHENTICATION".into()));
    let second = portal.get(DEALS).await;
    assert_eq!((second.status, &second.json()["policyName"]), (429, &"DAILY".into()));
    let third = portal.get(DEALS).await;
    assert_eq!(third.headers["retry-after"], "3");
    assert_eq!(third.json()["policyName"], "TEN_SECONDLY_ROLLING");
    portal.get(DEALS).await.ok();
}
