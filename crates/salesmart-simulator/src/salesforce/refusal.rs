//! How Salesforce says no.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value as Json, json};

use super::soql::pointed;
use crate::wire;

/// A request that is refused: the status, the code and the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    /// Something is wrong with the request.
    pub(crate) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    /// Something is wrong at a place of a query.
    pub(crate) fn at(code: &'static str, query: &str, at: usize, message: &str) -> Self {
        Self::bad(code, pointed(query, at, message))
    }

    /// There is no such thing.
    pub(crate) fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "NOT_FOUND",
            message: "The requested resource does not exist".to_owned(),
        }
    }

    /// The same, with another status.
    pub(crate) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// As it goes over the wire: a list of one error.
    pub(crate) fn response(&self) -> Response {
        wire::json(self.status, &self.body())
    }

    fn body(&self) -> Json {
        json!([{ "message": self.message, "errorCode": self.code }])
    }
}
