//! What the shared machinery must know of a system: the bodies of its errors and its records.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::SharedWorld;

/// Records of an object as JSON texts, one after the other, made as they are asked for.
pub type Records = Box<dyn Iterator<Item = String> + Send>;

/// How many records an object has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// All that the system still knows, those in the bin or archive included.
    pub all: u64,
    /// Those that are not deleted.
    pub live: u64,
}

/// How a system words what goes wrong, and what it holds.
pub trait Dialect: Send + Sync + 'static {
    /// The world it shows; its clock is the server's clock.
    fn world(&self) -> &SharedWorld;

    /// The token is not, or no longer, valid.
    fn unauthorized(&self) -> Response;

    /// The quota of the day is used up.
    fn quota_exhausted(&self) -> Response;

    /// Too many requests at once; the layer adds `Retry-After`.
    fn too_many_requests(&self) -> Response;

    /// Something broke; load balancers answer with HTML.
    fn server_error(&self, status: StatusCode) -> Response {
        html_error(status)
    }

    /// How many records each object has now.
    fn counts(&self) -> BTreeMap<String, Count>;

    /// The records of an object that the system knows now, in its own format and ordered by id,
    /// those in the bin or archive included; none: there is no such object.
    fn records(&self, object: &str) -> Option<Records>;
}

/// An error page as load balancers make them.
#[must_use]
pub fn html_error(status: StatusCode) -> Response {
    let text = format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1>\
         </center>\r\n</body>\r\n</html>\r\n"
    );
    with_body(status, "text/html", text)
}

/// A JSON body with a status.
#[must_use]
pub fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    with_body(status, "application/json;charset=utf-8", value.to_string())
}

fn with_body(status: StatusCode, content_type: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
