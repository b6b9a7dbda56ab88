//! The endpoints with which a test or a person steers a running simulator.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use bytes::Bytes;
use futures::stream;
use serde::Deserialize;
use serde_json::json;

use super::server::Machinery;
use super::{FaultPlan, Records, json as json_body};

/// Records a chunk of `/__simulator/records` holds.
const CHUNK: usize = 500;

pub(super) fn router(machinery: Machinery) -> Router {
    Router::new()
        .route("/__simulator/advance", post(advance))
        .route("/__simulator/faults", put(set_faults).get(faults))
        .route("/__simulator/counts", get(counts))
        .route("/__simulator/records/{object}", get(records))
        .route("/__simulator/calls", get(calls).delete(clear_calls))
        .with_state(machinery)
}

#[derive(Deserialize)]
struct Advance {
    #[serde(default = "one")]
    days: u32,
}

fn one() -> u32 {
    1
}

async fn advance(State(machinery): State<Machinery>, Query(by): Query<Advance>) -> Response {
    let world = machinery.dialect.world().clone();
    let moved = world.clone();
    blocking(move || moved.advance(by.days)).await;
    json_body(
        StatusCode::OK,
        &json!({ "now": world.read().now().to_rfc3339(), "version": world.version() }),
    )
}

async fn faults(State(machinery): State<Machinery>) -> Response {
    serialised(&machinery.faults.plan())
}

async fn set_faults(State(machinery): State<Machinery>, body: Bytes) -> Response {
    match serde_json::from_slice::<FaultPlan>(&body) {
        Ok(plan) => {
            machinery.faults.set(plan);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => json_body(
            StatusCode::BAD_REQUEST,
            &json!({ "message": format!("read the fault plan: {error}") }),
        ),
    }
}

async fn counts(State(machinery): State<Machinery>) -> Response {
    let counted = blocking(move || machinery.dialect.counts()).await;
    serialised(&counted)
}

async fn records(State(machinery): State<Machinery>, Path(object): Path<String>) -> Response {
    let wanted = object.clone();
    let Some(records) = blocking(move || machinery.dialect.records(&wanted)).await.flatten() else {
        return json_body(
            StatusCode::NOT_FOUND,
            &json!({ "message": format!("there is no object `{object}`") }),
        );
    };
    let chunks = stream::unfold(records, |records| async move {
        let (chunk, records) = blocking(move || take(records)).await?;
        (!chunk.is_empty()).then_some((Ok::<_, std::io::Error>(chunk), records))
    });
    ([("content-type", "application/x-ndjson")], Body::from_stream(chunks)).into_response()
}

/// The next records as lines, and those after them.
fn take(mut records: Records) -> (String, Records) {
    let mut chunk = String::new();
    for record in records.by_ref().take(CHUNK) {
        chunk.push_str(&record);
        chunk.push('\n');
    }
    (chunk, records)
}

async fn calls(State(machinery): State<Machinery>) -> Response {
    let calls = machinery.calls().clone();
    serialised(&calls)
}

async fn clear_calls(State(machinery): State<Machinery>) -> StatusCode {
    machinery.calls().clear();
    StatusCode::NO_CONTENT
}

fn serialised(value: &impl serde::Serialize) -> Response {
    match serde_json::to_value(value) {
        Ok(value) => json_body(StatusCode::OK, &value),
        Err(error) => {
            json_body(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "message": error.to_string() }))
        }
    }
}

/// Runs what takes long beside the threads that answer; none if it panicked.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
