//! Tokens from a token endpoint, and what happens around them.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use salesmart_core::{ConnectionName, Error, ErrorKind, Secret};
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::http::{Call, Client, Settings, Usual};
use crate::test_server::{Request, Server, answer};

fn name() -> ConnectionName {
    ConnectionName::new("crm").expect("a name")
}

fn credentials() -> Grant {
    Grant::ClientCredentials {
        client_id: "app".to_owned(),
        client_secret: Secret::new("hush-secret"),
    }
}

fn explain(refusal: &TokenRefusal) -> Error {
    Error::new(ErrorKind::Permission, format!("refused: {}", refusal.error))
        .with("answer", &refusal.description)
        .with_hint("approve the application")
}

fn oauth(server: &Server, grant: Grant) -> OAuth {
    let settings = Settings {
        attempts: 3,
        first_wait: Duration::from_millis(5),
        ..Settings::new(server.url().join("/oauth/token").expect("a path"))
    };
    OAuth::with_settings(&name(), settings, grant, explain).expect("can be set up")
}

/// A source whose tokens are counted up, the first ones refused by its API.
async fn source(refused: usize, extra: Value) -> Server {
    let tokens = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |_, request| {
        if request.target == "/oauth/token" {
            let number = tokens.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut body = json!({"access_token": format!("hush-{number}"), "scope": "api"});
            body.as_object_mut()
                .expect("an object")
                .extend(extra.as_object().expect("an object").clone());
            return answer(200, &[], body.to_string().as_bytes());
        }
        let token = request.header("authorization").unwrap_or_default();
        let number: usize =
            token.strip_prefix("Bearer hush-").and_then(|it| it.parse().ok()).unwrap_or(0);
        if number < refused { answer(401, &[], b"") } else { answer(200, &[], b"fine") }
    })
    .await
}

fn tokens(server: &Server) -> Vec<Request> {
    server.requests().into_iter().filter(|it| it.target == "/oauth/token").collect()
}

#[tokio::test]
async fn many_calls_fetch_one_token_and_renew_it_once() {
    let server = source(1, json!({})).await;
    let auth = Arc::new(oauth(&server, credentials()));
    let settings = Settings { concurrent: 8, ..Settings::new(server.url()) };
    let client = Client::new(&name(), settings, auth, Arc::new(Usual)).expect("a client");
    let calls = (0..8).map(|page| client.send(Call::get(format!("/page/{page}"))));
    for reply in futures::future::join_all(calls).await {
        assert_eq!(reply.unwrap().status, 200);
    }
    let asked = tokens(&server);
    assert_eq!(asked.len(), 2, "one token, one renewal");
    assert_eq!(
        asked[0].body,
        "grant_type=client_credentials&client_id=app&client_secret=hush-secret"
    );
    assert_eq!(asked[0].header("authorization"), None);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let server = source(0, json!({"expires_in": "1"})).await;
    let auth = oauth(&server, credentials());
    let first = auth.header().await.unwrap();
    assert_eq!(auth.header().await.unwrap().generation, first.generation);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(auth.header().await.unwrap().generation, first.generation + 1);
    // A renewal of what is no longer in use renews nothing.
    auth.renew(first.generation).await.unwrap();
    assert_eq!(tokens(&server).len(), 2);
}

#[tokio::test]
async fn the_token_says_where_calls_go_and_keeps_its_secrets() {
    let instance = Server::start(|_, _| answer(200, &[], b"here")).await;
    let facts =
        json!({"instance_url": instance.url().as_str(), "signature": "hush", "id_token": "hush"});
    let server = source(0, facts).await;
    let auth = Arc::new(oauth(&server, credentials()).base_url_from(|facts| {
        facts.get("instance_url").and_then(Value::as_str).and_then(|text| Url::parse(text).ok())
    }));
    let client =
        Client::new(&name(), Settings::new(server.url()), Arc::clone(&auth) as _, Arc::new(Usual))
            .expect("a client");
    assert_eq!(&client.send(Call::get("/services/data")).await.unwrap().body[..], b"here");
    assert_eq!(instance.requests()[0].header("authorization"), Some("Bearer hush-0"));

    let facts = auth.facts().await.unwrap();
    assert_eq!(facts.get("scope"), Some(&json!("api")));
    let shown = format!("{facts:?} {auth:?} {client:?} {:?}", auth.header().await.unwrap());
    assert!(!shown.contains("hush"), "{shown}");
}

#[tokio::test]
async fn a_rotated_refresh_token_is_used_from_then_on() {
    let server = source(0, json!({"refresh_token": "hush-rotated"})).await;
    let auth = oauth(
        &server,
        Grant::RefreshToken {
            client_id: "app".to_owned(),
            client_secret: Secret::new("hush-secret"),
            refresh_token: Secret::new("hush-first"),
        },
    );
    let first = auth.header().await.unwrap();
    auth.renew(first.generation).await.unwrap();
    let asked = tokens(&server);
    assert!(asked[0].body.ends_with("&refresh_token=hush-first"), "{}", asked[0].body);
    assert!(asked[1].body.ends_with("&refresh_token=hush-rotated"), "{}", asked[1].body);
}

#[tokio::test]
async fn a_no_of_the_token_endpoint_is_explained_and_not_repeated() {
    let body = br#"{"error": "invalid_grant", "error_description": "not approved"}"#;
    let server = Server::start(|_, _| answer(400, &[], body)).await;
    let error = oauth(&server, credentials()).header().await.expect_err("a no");
    assert_eq!(error.kind(), ErrorKind::Permission);
    assert_eq!(error.message(), "refused: invalid_grant");
    assert_eq!(error.hint(), Some("approve the application"));
    let shown = format!("{error:#} {error:?}");
    assert!(shown.contains("answer: not approved"), "{shown}");
    assert!(shown.contains("`POST /oauth/token` (the token endpoint)"), "{shown}");
    assert!(!shown.contains("hush"), "{shown}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_token_endpoint_out_of_order_is_asked_again() {
    let server = Server::start(|number, _| match number {
        0 => answer(503, &[], b"<html>later</html>"),
        _ => answer(200, &[], br#"{"access_token": "hush"}"#),
    })
    .await;
    oauth(&server, credentials()).header().await.unwrap();

    for body in ["<html>log in</html>", "{}", r#"{"access_token": ""}"#, r#"["hush"]"#] {
        let server = Server::start(move |_, _| answer(200, &[], body.as_bytes())).await;
        let error = oauth(&server, credentials()).header().await.expect_err(body);
        assert_eq!(error.kind(), ErrorKind::SourceUnavailable);
        let shown = format!("{error:#} {error:?}");
        assert!(shown.contains("is not a token") && !shown.contains("hush"), "{shown}");
    }
}

#[tokio::test]
async fn a_statement_is_signed_anew_for_each_token() {
    let key = Secret::new(include_str!("tests/key.pem"));
    let server = source(0, json!({})).await;
    let grant = Grant::JwtBearer(Arc::new(move |now| {
        jwt_rs256(
            &key,
            &json!({"iss": "app", "sub": "me@fernhill.example", "exp": now.timestamp() + 180}),
        )
    }));
    let auth = oauth(&server, grant);
    auth.header().await.unwrap();
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(tokens(&server)[0].body.as_bytes()).into_owned().collect();
    assert_eq!(form[0].1, "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert_eq!(form[1].0, "assertion");
    let public = DecodingKey::from_rsa_pem(include_bytes!("tests/key.pub.pem")).unwrap();
    let claims =
        decode::<Value>(&form[1].1, &public, &Validation::new(Algorithm::RS256)).unwrap().claims;
    assert_eq!(claims["sub"], "me@fernhill.example");
}

#[test]
fn a_key_that_is_none_is_not_quoted() {
    for key in ["hush", "-----BEGIN PRIVATE KEY-----\naHVzaA==\n-----END PRIVATE KEY-----\n", ""] {
        let error = jwt_rs256(&Secret::new(key), &json!({})).expect_err(key);
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let shown = format!("{error:#} {error:?}");
        assert!(!shown.contains("hush") && !shown.contains("aHVzaA"), "{shown}");
        assert!(error.hint().is_some());
    }
}
