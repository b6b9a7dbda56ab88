//! The machinery, without any system behind it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::*;
use crate::Size;
use crate::world::{self, World};

struct Plain(SharedWorld);

impl Dialect for Plain {
    fn world(&self) -> &SharedWorld {
        &self.0
    }

    fn unauthorized(&self) -> Response {
        json(StatusCode::UNAUTHORIZED, &json!("who?"))
    }

    fn quota_exhausted(&self) -> Response {
        json(StatusCode::FORBIDDEN, &json!("enough"))
    }

    fn too_many_requests(&self) -> Response {
        json(StatusCode::TOO_MANY_REQUESTS, &json!("slower"))
    }

    fn counts(&self) -> BTreeMap<String, Count> {
        BTreeMap::from([("things".to_owned(), Count { all: 1_200, live: 1_199 })])
    }

    fn records(&self, object: &str) -> Option<Records> {
        (object == "things").then(|| -> Records { Box::new((0..1_200).map(|n| n.to_string())) })
    }
}

fn small_world() -> SharedWorld {
    let size = Size { reps: 2, deals: 10 };
    SharedWorld::new(World::new(world::Settings { size, ..Default::default() }))
}

async fn running(faults: FaultPlan) -> Running {
    let router = Router::new()
        .route("/things", get(|| async { "x".repeat(10_000) }))
        .route("/others", get(|| async { "other" }));
    start(router, faults, Arc::new(Plain(small_world())), None).await.unwrap()
}

fn rule(when: When, fault: Fault) -> FaultPlan {
    FaultPlan::none().with("/things", when, None, fault)
}

async fn statuses(running: &Running, path: &str, calls: usize) -> Vec<u16> {
    let client = reqwest::Client::new();
    let mut statuses = Vec::new();
    for _ in 0..calls {
        let reply = client.get(format!("{}{path}", running.url())).send().await.unwrap();
        statuses.push(reply.status().as_u16());
    }
    statuses
}

#[tokio::test]
async fn the_nth_call_of_a_matching_path_fails_and_is_logged() {
    let server = running(rule(When::Nth(2), Fault::Unauthorized)).await;
    assert_eq!(statuses(&server, "/others", 3).await, [200, 200, 200]);
    assert_eq!(statuses(&server, "/things?a=b", 3).await, [200, 401, 200]);
    let calls = server.calls();
    assert_eq!(calls.len(), 6);
    assert_eq!(calls[4].fault.as_deref(), Some("unauthorized"));
    assert_eq!((calls[4].path.as_str(), calls[4].query.as_str()), ("/things", "a=b"));
    server.clear_calls();
    assert!(server.calls().is_empty());
}

#[tokio::test]
async fn rules_say_how_often_and_at_most() {
    let plan =
        FaultPlan::none().with("*", When::Every(2), Some(2), Fault::ServerError { status: 503 });
    let server = running(plan).await;
    assert_eq!(statuses(&server, "/things", 6).await, [200, 503, 200, 503, 200, 200]);

    server.set_faults(rule(When::FirstPerPath, Fault::QuotaExhausted));
    assert_eq!(statuses(&server, "/things", 2).await, [403, 200]);
}

#[tokio::test]
async fn chance_is_fixed_by_the_seed() {
    let plan = |seed| FaultPlan {
        seed,
        ..rule(When::Probability(0.3), Fault::ServerError { status: 500 })
    };
    let mut seen = Vec::new();
    for seed in [1, 1, 2] {
        let server = running(plan(seed)).await;
        seen.push(statuses(&server, "/things", 60).await);
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
    let hits = seen[0].iter().filter(|status| **status == 500).count();
    assert!((8..=30).contains(&hits), "{hits} of 60 at three in ten");
}

#[tokio::test]
async fn retry_after_is_told_in_seconds_as_a_date_or_not_at_all() {
    let server = running(FaultPlan::none()).await;
    for (retry_after, wanted) in [
        (RetryAfter::Seconds(7), Some("7")),
        (RetryAfter::Date(61), Some("Thu, 01 Oct 2026 00:01:00 GMT")),
        (RetryAfter::None, None),
    ] {
        server.set_faults(rule(When::Every(1), Fault::TooManyRequests { retry_after }));
        let reply = reqwest::get(format!("{}/things", server.url())).await.unwrap();
        assert_eq!(reply.status(), 429);
        let told = reply.headers().get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(told, wanted);
        assert_eq!(reply.headers()["date"], "Wed, 30 Sep 2026 23:59:59 GMT");
    }
}

#[tokio::test]
async fn a_cut_body_is_no_body() {
    let server = running(rule(When::Nth(1), Fault::Cut { after_bytes_permille: 500 })).await;
    let reply = reqwest::get(format!("{}/things", server.url())).await.unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.content_length(), Some(10_000));
    assert!(reply.bytes().await.is_err(), "the connection broke within the body");
    let whole = reqwest::get(format!("{}/things", server.url())).await.unwrap();
    assert_eq!(whole.bytes().await.unwrap().len(), 10_000);
}

#[tokio::test]
async fn a_slow_body_is_whole() {
    let server = running(rule(When::Nth(1), Fault::Slow { millis: 200 })).await;
    let begun = Instant::now();
    let reply = reqwest::get(format!("{}/things", server.url())).await.unwrap();
    assert_eq!(reply.bytes().await.unwrap().len(), 10_000);
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn server_errors_come_with_a_page_of_html() {
    let server = running(rule(When::Nth(1), Fault::ServerError { status: 502 })).await;
    let reply = reqwest::get(format!("{}/things", server.url())).await.unwrap();
    assert_eq!(reply.status(), 502);
    assert_eq!(reply.headers()["content-type"], "text/html");
    assert!(reply.text().await.unwrap().contains("<title>502 Bad Gateway</title>"));
}

#[tokio::test]
async fn a_clock_can_be_off() {
    let skewed = FaultPlan::none().always("*", Fault::ClockSkew { seconds: -59 });
    let server = running(skewed).await;
    let reply = reqwest::get(format!("{}/things", server.url())).await.unwrap();
    assert_eq!(reply.headers()["date"], "Wed, 30 Sep 2026 23:59:00 GMT");
}

#[tokio::test]
async fn a_test_steers_it_over_http() {
    let server = running(rule(When::Every(1), Fault::Unauthorized)).await;
    let (client, url) = (reqwest::Client::new(), server.url());
    let get = async |path: &str| {
        client.get(format!("{url}{path}")).send().await.unwrap().text().await.unwrap()
    };
    let plan = r#"{"seed": 3, "rules": [
        {"path": "/others", "when": {"nth": 1}, "max": 1,
         "fault": {"too_many_requests": {"retry_after": {"seconds": 2}}}},
        {"path": "*", "method": "GET", "when": "first_per_path", "fault": "unauthorized"}
    ]}"#;
    let put = |body| client.put(format!("{url}/__simulator/faults")).body(body).send();
    assert_eq!(put(plan).await.unwrap().status(), 204);
    assert_eq!(put("{\"rulez\": []}").await.unwrap().status(), 400);
    assert_eq!(statuses(&server, "/others", 2).await, [429, 200]);

    let advanced = client.post(format!("{url}/__simulator/advance?days=2")).send().await.unwrap();
    let advanced: serde_json::Value =
        serde_json::from_slice(&advanced.bytes().await.unwrap()).unwrap();
    assert_eq!(advanced["now"], "2026-10-02T23:59:59+00:00");

    let counts: BTreeMap<String, Count> =
        serde_json::from_str(&get("/__simulator/counts").await).unwrap();
    assert_eq!(counts["things"], Count { all: 1_200, live: 1_199 });
    let records = get("/__simulator/records/things").await;
    assert_eq!(records.lines().count(), 1_200);
    assert_eq!(records.lines().last(), Some("1199"));
    assert!(get("/__simulator/records/nothing").await.contains("no object"));
    let calls: Vec<Call> = serde_json::from_str(&get("/__simulator/calls").await).unwrap();
    assert_eq!(calls.len(), 2, "the control endpoints are not logged");
}

#[tokio::test]
async fn a_stopped_server_answers_no_more() {
    let server = running(FaultPlan::none()).await;
    let url = format!("{}/things", server.url());
    assert!(reqwest::get(&url).await.is_ok());
    server.stop().await;
    assert!(reqwest::get(&url).await.is_err());
}

#[test]
fn faults_of_data_are_asked_for() {
    let state = FaultState::from(
        FaultPlan::none()
            .with("/things/*", When::Nth(2), None, Fault::ExpiredCursor)
            .always("*", Fault::LateCommit { minutes: 9 }),
    );
    assert!(state.is_on(&Fault::LateCommit { minutes: 0 }));
    assert_eq!(
        state.find(&Fault::LateCommit { minutes: 0 }),
        Some(Fault::LateCommit { minutes: 9 })
    );
    assert!(!state.is_on(&Fault::NewField));
    let asked = |path: &str| state.asked("GET", path, &Fault::ExpiredCursor);
    assert!(!asked("/things/1") && !asked("/others") && asked("/things/2") && !asked("/things/3"));
    assert_eq!(state.transport("GET", "/things/1"), None, "the layer leaves data alone");
}

#[test]
fn chaos_round_trips_as_json() {
    let chaos = FaultPlan::chaos(7);
    let text = serde_json::to_string(&chaos).unwrap();
    assert_eq!(serde_json::from_str::<FaultPlan>(&text).unwrap(), chaos);
}
