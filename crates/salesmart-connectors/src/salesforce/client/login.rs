//! Signing in.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use salesmart_core::{ConnectionName, Error, ErrorKind, Result};
use salesmart_extract::auth::{Grant, OAuth, TokenRefusal, jwt_rs256};
use salesmart_extract::http::{self, Url};
use serde::Serialize;

use crate::salesforce::config::{Login, Settings};

/// How long a signed statement is good for; Salesforce takes at most five minutes.
const STATEMENT: TimeDelta = TimeDelta::minutes(3);

/// Credentials for a connection. Nothing is sent yet.
pub(super) fn sign_in(
    connection: &ConnectionName,
    settings: &Settings,
    patience: impl Fn(Url) -> http::Settings,
) -> Result<OAuth> {
    let token_url = settings
        .login_url
        .join("/services/oauth2/token")
        .map_err(|error| Error::bug("an address has no token endpoint").with_source(error))?;
    let host = settings.login_url.host_str().unwrap_or_default().to_owned();
    let oauth = OAuth::with_settings(connection, patience(token_url), grant(&settings.login), {
        move |refusal| explain(refusal, &host)
    })?;
    // Calls go to the org's own host, whichever host signed us in.
    Ok(oauth.base_url_from(|facts| Url::parse(facts.get("instance_url")?.as_str()?).ok()))
}

fn grant(login: &Login) -> Grant {
    match login.clone() {
        Login::ClientCredentials { client_id, secret } => {
            Grant::ClientCredentials { client_id, client_secret: secret }
        }
        Login::JwtBearer { client_id, username, private_key, audience } => {
            Grant::JwtBearer(Arc::new(move |now: DateTime<Utc>| {
                #[derive(Serialize)]
                struct Claims<'a> {
                    iss: &'a str,
                    sub: &'a str,
                    aud: &'a str,
                    exp: i64,
                }
                let exp = (now + STATEMENT).timestamp();
                let claims = Claims { iss: &client_id, sub: &username, aud: &audience, exp };
                jwt_rs256(&private_key, &claims)
            }))
        }
    }
}

/// What a refusal means and what to do about it.
fn explain(refusal: &TokenRefusal, host: &str) -> Error {
    let said = refusal.description.to_lowercase();
    let hint = if said.contains("not supported on this domain") {
        "set `login_url` to the org's My Domain, such as `https://fernhill.my.salesforce.com`"
    } else if said.contains("hasn't approved this consumer") {
        "pre-authorise the connected app: `Permitted Users: Admin approved users are \
         pre-authorized`, and assign its permission set to the user"
    } else if said.contains("audience") {
        "set `auth.audience` to `https://login.salesforce.com`, or `https://test.salesforce.com` \
         for sandboxes"
    } else if said.contains("assertion") || said.contains("expired") {
        "check that the connected app has the certificate of `auth.private_key`, that \
         `auth.username` is exact, and that this machine's clock is right"
    } else if said.contains("no client credentials user") || said.contains("client credentials") {
        "turn on `Client Credentials Flow` in the connected app and give it a run-as user"
    } else {
        "check `auth.client_id` and the secret or key; a new connected app needs ten minutes"
    };
    let kind = match refusal.status {
        400..=403 => ErrorKind::Permission,
        _ => ErrorKind::SourceUnavailable,
    };
    Error::new(
        kind,
        format!("failed to sign in at `{host}`: Salesforce answered {}", refusal.status),
    )
    .with("code", &refusal.error)
    .with("answer", &refusal.description)
    .with_state("nothing was read")
    .with_hint(hint)
}
