//! Where the OAuth app gets its access tokens. Errors here are in words of their own.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::auth::Tokens;
use super::problem::correlation;
use super::settings::Settings;
use crate::wire;

/// `POST /oauth/…/token`, `/introspect` and `/revoke`, and `GET /oauth/v1/access-tokens/{token}`.
/// None: there is no such endpoint.
pub(super) fn answer(
    settings: &Settings,
    tokens: &mut Tokens,
    method: &str,
    path: &[&str],
    body: &[u8],
) -> Option<Response> {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| {
        let found = form.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    match (method, path) {
        ("POST", ["oauth", _, "token"]) => Some(match refusal(settings, &field) {
            Some((code, message)) => refuse(code, message),
            None => granted(settings, tokens),
        }),
        ("POST", ["oauth", _, "token", "introspect"] | ["oauth", _, "introspect"]) => {
            let token = field("token");
            Some(known(settings, token, tokens.holds(token)))
        }
        ("POST", ["oauth", _, "token", "revoke"] | ["oauth", _, "revoke"]) => {
            tokens.revoke(field("token"));
            Some(wire::json(StatusCode::OK, &json!({})))
        }
        ("GET", ["oauth", _, "access-tokens", token]) => Some(if tokens.holds(token) {
            known(settings, token, true)
        } else {
            refuse("BAD_ACCESS_TOKEN", "missing or unknown access token")
        }),
        _ => None,
    }
}

/// Why there is no token, if so.
fn refusal<'a>(
    settings: &Settings,
    field: &impl Fn(&str) -> &'a str,
) -> Option<(&'static str, &'static str)> {
    if field("grant_type") != "refresh_token" {
        Some(("BAD_GRANT_TYPE", "missing or unknown grant type"))
    } else if field("client_id") != settings.client_id {
        Some(("BAD_CLIENT_ID", "missing or unknown client id"))
    } else if field("client_secret") != settings.client_secret {
        Some(("BAD_CLIENT_SECRET", "missing or invalid client secret"))
    } else if field("refresh_token") != settings.refresh_token {
        Some(("BAD_REFRESH_TOKEN", "missing or unknown refresh token"))
    } else {
        None
    }
}

fn granted(settings: &Settings, tokens: &mut Tokens) -> Response {
    let access_token = tokens.mint(settings);
    wire::json(
        StatusCode::OK,
        &json!({
            "token_type": "bearer",
            "access_token": access_token,
            "refresh_token": settings.refresh_token,
            "expires_in": settings.token_seconds,
            "hub_id": settings.portal,
            "scopes": scopes(settings),
        }),
    )
}

fn known(settings: &Settings, token: &str, active: bool) -> Response {
    wire::json(
        StatusCode::OK,
        &json!({
            "active": active,
            "token": token,
            "token_type": "access",
            "client_id": settings.client_id,
            "hub_id": settings.portal,
            "hub_domain": "fernhill.example",
            "user": "integration@fernhill.example",
            "scopes": scopes(settings),
        }),
    )
}

fn scopes(settings: &Settings) -> Value {
    let all = || super::SCOPES.iter().map(|scope| (*scope).to_owned()).collect();
    settings.scopes.clone().unwrap_or_else(all).into_iter().collect()
}

fn refuse(code: &str, message: &str) -> Response {
    let body = json!({ "status": code, "message": message, "correlationId": correlation(message) });
    wire::json(StatusCode::BAD_REQUEST, &body)
}
