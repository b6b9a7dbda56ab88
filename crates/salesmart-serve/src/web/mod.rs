//! The documentation site over HTTP: always that of the current release.
//!
//! A reader never waits for a new release: the site of the one before is shown until the new one
//! is made. Nothing can be changed by any request, and pages need no script but their own.
//!
//! | path | answers |
//! | --- | --- |
//! | `/` and below | the site |
//! | `/healthz` | 200 while the process answers |
//! | `/readyz` | 200 and the release's id when there is a site to show, 503 before |

mod listener;
mod shown;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
pub(crate) use listener::serve;
pub(crate) use shown::Web;
use shown::{Shown, Unready};

/// Pages may load what is beside them, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The routes of the site.
pub(crate) fn router(web: Arc<Web>) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/", get(home))
        .route("/{*path}", get(page))
        .with_state(web)
}

async fn health() -> Response {
    text(StatusCode::OK, "ok\n")
}

async fn ready(State(web): State<Arc<Web>>) -> Response {
    match web.shown().await {
        Ok(shown) => text(StatusCode::OK, &format!("ready: {}\n", shown.release())),
        Err(unready) => unavailable(&unready),
    }
}

async fn home(web: State<Arc<Web>>, headers: HeaderMap) -> Response {
    page(web, Path("index.html".to_owned()), headers).await
}

async fn page(
    State(web): State<Arc<Web>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    let shown = match web.shown().await {
        Ok(shown) => shown,
        Err(unready) => return unavailable(&unready),
    };
    if path == salesmart_docs::STATUS {
        return match web.status(&shown).await {
            Ok(script) => {
                let mut response = secured(script.into_response());
                set(&mut response, CONTENT_TYPE, salesmart_docs::content_type(&path));
                set(&mut response, CACHE_CONTROL, "no-store");
                response
            }
            Err(unready) => unavailable(&unready),
        };
    }
    file(&shown, &path, &headers)
}

fn file(shown: &Shown, path: &str, headers: &HeaderMap) -> Response {
    let Some((content, tag)) = shown.file(path) else {
        return text(StatusCode::NOT_FOUND, "There is no such page. The site begins at /.\n");
    };
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(
        |value| {
            value
                .split(',')
                .any(|one| one.trim() == "*" || one.trim().trim_start_matches("W/") == tag)
        },
    );
    let mut response =
        if known { StatusCode::NOT_MODIFIED.into_response() } else { content.into_response() };
    set(&mut response, CONTENT_TYPE, salesmart_docs::content_type(path));
    set(&mut response, ETAG, tag);
    // Kept, and asked for again each time: the answer is short until there is a new release.
    set(&mut response, CACHE_CONTROL, "no-cache");
    secured(response)
}

fn unavailable(unready: &Unready) -> Response {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, unready.words());
    set(&mut response, HeaderName::from_static("retry-after"), "10");
    response
}

fn text(status: StatusCode, words: &str) -> Response {
    let mut response = (status, words.to_owned()).into_response();
    set(&mut response, CONTENT_TYPE, "text/plain; charset=utf-8");
    set(&mut response, CACHE_CONTROL, "no-store");
    secured(response)
}

fn secured(mut response: Response) -> Response {
    set(&mut response, CONTENT_SECURITY_POLICY, POLICY);
    set(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut response, REFERRER_POLICY, "same-origin");
    response
}

/// Sets a header. All values are our own; one that is no header's is left out.
fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
