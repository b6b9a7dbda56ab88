//! What HubSpot answers when something is wrong, in its documented forms.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::value::lot;
use crate::wire;

/// A request that is refused.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    category: &'static str,
    message: String,
    more: Map<String, Value>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, category: &'static str, message: String) -> Self {
        Self { status, category, message, more: Map::new() }
    }

    /// What was sent cannot be used.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message.into())
    }

    /// There is no such record or thing.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "OBJECT_NOT_FOUND", message.into())
    }

    /// The scopes do not cover it.
    pub(super) fn missing_scope(scope: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "MISSING_SCOPES",
            "This app hasn't been granted all required scopes to make this call. Read more about \
             required scopes here: https://developers.hubspot.com/scopes."
                .to_owned(),
        )
        .with("context", json!({ "requiredGranularScopes": [scope] }))
        .with(
            "errors",
            json!([{
                "message": "One or more of the following scopes are required.",
                "context": { "requiredGranularScopes": [scope] },
            }]),
        )
        .with("links", json!({ "scopes": "https://developers.hubspot.com/scopes" }))
    }

    /// The access token is over.
    pub(super) fn expired() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "EXPIRED_AUTHENTICATION",
            "The OAuth token used to make this call expired 1 second(s) ago.".to_owned(),
        )
    }

    /// There is no token, or none that anybody knows.
    pub(super) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication \
             and you can find more details at https://developers.hubspot.com/docs/methods/auth/\
             oauth-overview"
                .to_owned(),
        )
    }

    /// One more member of the body.
    pub(super) fn with(mut self, key: &str, value: Value) -> Self {
        self.more.insert(key.to_owned(), value);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = Map::from_iter([
            ("status".to_owned(), json!("error")),
            ("message".to_owned(), json!(self.message)),
            ("correlationId".to_owned(), json!(correlation(&self.message))),
            ("category".to_owned(), json!(self.category)),
        ]);
        body.extend(self.more);
        wire::json(self.status, &Value::Object(body))
    }
}

/// Which bucket of requests is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    Daily,
    TenSecondly,
    Secondly,
}

/// 429 with the name of the bucket.
pub(super) fn too_many(policy: Policy) -> Response {
    let (name, words, wait) = match policy {
        Policy::Daily => ("DAILY", "daily", None),
        Policy::TenSecondly => ("TEN_SECONDLY_ROLLING", "ten_secondly_rolling", None),
        Policy::Secondly => ("SECONDLY", "secondly", Some("1")),
    };
    let message = format!("You have reached your {words} limit.");
    let id = correlation(&message);
    let body = json!({
        "status": "error",
        "message": message,
        "errorType": "RATE_LIMIT",
        "correlationId": id,
        "policyName": name,
        "requestId": id,
    });
    let mut response = wire::json(StatusCode::TOO_MANY_REQUESTS, &body);
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(wait));
    }
    response
}

/// An id in the form of HubSpot's, made from the message: the same mistake has the same id.
pub(super) fn correlation(message: &str) -> String {
    let sum = message.bytes().fold(0_u64, |sum, byte| lot(0, sum, u64::from(byte)));
    let (a, b) = (lot(1, sum, 0), lot(2, sum, 0));
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}
