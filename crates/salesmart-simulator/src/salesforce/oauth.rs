//! Tokens: client credentials, and the JWT bearer flow.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use url::form_urlencoded;

use super::ids::RecordId;
use super::server::Server;
use crate::wire;

/// How long an assertion may be good for, in seconds, with some leeway for clocks.
const LONGEST_ASSERTION: u64 = 5 * 60 + 60;

/// The number of the user that clients act as, beyond those of people.
const INTEGRATION_USER: u64 = 90_000_000;

/// The id of the user that clients act as.
pub(crate) fn integration_user() -> RecordId {
    RecordId::new(*b"005", INTEGRATION_USER)
}

/// What an assertion claims.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: u64,
}

/// Answers a request for a token.
pub(crate) fn token(server: &Server, headers: &HeaderMap, body: &[u8]) -> Response {
    match grant(server, headers, body) {
        Ok(()) => wire::json(StatusCode::OK, &granted(server, headers)),
        Err((error, description)) => wire::json(
            StatusCode::BAD_REQUEST,
            &json!({ "error": error, "error_description": description }),
        ),
    }
}

type Denied = (&'static str, &'static str);

fn grant(server: &Server, headers: &HeaderMap, body: &[u8]) -> Result<(), Denied> {
    let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let given = |name: &str| {
        form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    };
    match given("grant_type") {
        "client_credentials" => {
            if server.settings.is_login_host || is_login_host(headers) {
                return Err(("invalid_grant", "request not supported on this domain"));
            }
            let basic = basic(headers);
            let (id, secret) = basic
                .as_ref()
                .map_or((given("client_id"), given("client_secret")), |(id, secret)| (id, secret));
            check_client(server, id, secret)
        }
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
            check_assertion(server, given("assertion"))
        }
        "" => Err(("invalid_request", "missing required parameter: grant_type")),
        _ => Err(("unsupported_grant_type", "grant type not supported")),
    }
}

fn is_login_host(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("");
    host.starts_with("login.") || host.starts_with("test.")
}

fn check_client(server: &Server, id: &str, secret: &str) -> Result<(), Denied> {
    if id.is_empty() {
        return Err(("invalid_request", "missing required parameter: client_id"));
    }
    if id != server.settings.client_id {
        return Err(("invalid_client_id", "client identifier invalid"));
    }
    if secret != server.settings.client_secret {
        return Err(("invalid_client", "invalid client credentials"));
    }
    Ok(())
}

fn check_assertion(server: &Server, assertion: &str) -> Result<(), Denied> {
    const INVALID: Denied = ("invalid_grant", "invalid assertion");
    let settings = &server.settings;
    let Some(pem) = &settings.jwt_public_key else {
        return Err(("invalid_client", "no certificate is set up for this app"));
    };
    let key = DecodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| INVALID)?;
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&settings.audiences);
    // The machine's clock, since clients sign with theirs.
    rules.set_required_spec_claims(&["exp", "aud"]);
    let token =
        jsonwebtoken::decode::<Claims>(assertion, &key, &rules).map_err(|error| {
            match error.kind() {
                ErrorKind::InvalidAudience => ("invalid_grant", "audience is invalid"),
                _ => INVALID,
            }
        })?;
    let claims = token.claims;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if claims.exp > now + LONGEST_ASSERTION {
        return Err(INVALID);
    }
    if claims.iss != settings.client_id {
        return Err(("invalid_client_id", "client identifier invalid"));
    }
    if claims.sub != settings.username || !settings.is_approved {
        return Err(("invalid_grant", "user hasn't approved this consumer"));
    }
    Ok(())
}

/// A token for the user. Neither flow gives a refresh token.
fn granted(server: &Server, headers: &HeaderMap) -> Json {
    let organization = RecordId::new(*b"00D", 1);
    let now = server.world.read().now().timestamp_millis();
    let mut state = server.state();
    let number = state.next_number();
    let token = format!("{}!SIM.{number:08x}.{:016x}", &organization.as_str()[..15], {
        // No secret: it only has to differ from one token to the next.
        number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    });
    state.sessions.insert(token.clone(), server.settings.token_requests);
    let mut reply = json!({
        "access_token": token,
        "signature": format!("{:x}", number.wrapping_mul(0xD6E8_FEB8_6659_FD93)),
        "scope": "api",
        "instance_url": server.instance_url(headers),
        "id": format!(
            "https://login.salesforce.com/id/{organization}/{}", integration_user()
        ),
        "token_type": "Bearer",
        "issued_at": now.to_string(),
    });
    if let (Some(seconds), Some(map)) = (server.settings.expires_in, reply.as_object_mut()) {
        map.insert("expires_in".to_owned(), seconds.into());
    }
    reply
}

/// The id and secret of `Authorization: Basic`.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = given.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(decode_base64(encoded.trim())?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = |part: &str| {
        // RFC 6749 has both encoded as in forms before they are joined.
        form_urlencoded::parse(format!("v={}", part.replace('+', "%2B")).as_bytes())
            .next()
            .map_or_else(String::new, |(_, value)| value.into_owned())
    };
    Some((plain(id), plain(secret)))
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xFF).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::decode_base64;

    #[test]
    fn base64_is_read() {
        assert_eq!(decode_base64("aWQ6c2VjcmV0").unwrap(), b"id:secret");
        assert_eq!(decode_base64("aWQ6c2VjcmV0MQ==").unwrap(), b"id:secret1");
        assert_eq!(decode_base64("aWQ6c2VjcmV0MTI=").unwrap(), b"id:secret12");
        assert!(decode_base64("a*").is_none());
    }
}
