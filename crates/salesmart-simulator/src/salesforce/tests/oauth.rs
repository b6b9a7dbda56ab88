//! Tokens, and what becomes of them.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::{BASE, Settings, Sim, encoded};
use crate::wire::FaultPlan;

const FORM: &str =
    "grant_type=client_credentials&client_id=simulator-client&client_secret=simulator-secret";

#[tokio::test]
async fn client_credentials_give_a_token_for_the_instance() {
    let sim = Sim::new().await;
    let reply = sim.token_request(FORM, &[]).await;
    assert_eq!(reply.status, 200);
    let token = reply.json();
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["instance_url"], sim.server.url());
    assert!(token["issued_at"].as_str().unwrap().parse::<i64>().unwrap() > 1_000_000_000_000);
    assert!(token["id"].as_str().unwrap().contains("/id/00D"));
    for absent in ["refresh_token", "expires_in"] {
        assert!(token.get(absent).is_none(), "{token}");
    }
    // `simulator-client:simulator-secret`.
    let basic = "Basic c2ltdWxhdG9yLWNsaWVudDpzaW11bGF0b3Itc2VjcmV0";
    let reply =
        sim.token_request("grant_type=client_credentials", &[("authorization", basic)]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn refusals_are_objects_in_salesforces_words() {
    let sim = Sim::new().await;
    for (form, headers, error, description) in [
        (
            FORM,
            vec![("host", "login.salesforce.com")],
            "invalid_grant",
            "request not supported on this domain",
        ),
        (
            FORM,
            vec![("host", "test.salesforce.com")],
            "invalid_grant",
            "request not supported on this domain",
        ),
        (
            "grant_type=client_credentials&client_id=nobody&client_secret=x",
            vec![],
            "invalid_client_id",
            "client identifier invalid",
        ),
        (
            "grant_type=client_credentials&client_id=simulator-client&client_secret=x",
            vec![],
            "invalid_client",
            "invalid client credentials",
        ),
        (
            "grant_type=password&username=x",
            vec![],
            "unsupported_grant_type",
            "grant type not supported",
        ),
        ("", vec![], "invalid_request", "missing required parameter: grant_type"),
    ] {
        let reply = sim.token_request(form, &headers).await;
        assert_eq!(reply.status, 400, "{form}");
        assert_eq!(
            reply.json(),
            json!({"error": error, "error_description": description}),
            "{form}"
        );
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A private and a public key.
fn keys() -> (EncodingKey, String) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let private = pem("PRIVATE KEY", private.as_ref());
    (EncodingKey::from_rsa_pem(private.as_bytes()).unwrap(), pem("PUBLIC KEY", public.as_ref()))
}

#[tokio::test]
async fn assertions_are_verified() {
    let (key, public) = keys();
    let (other_key, _) = keys();
    let settings = Settings { jwt_public_key: Some(public), ..Settings::default() };
    let sim = Sim::with(settings, FaultPlan::none()).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let good = json!({
        "iss": "simulator-client",
        "sub": "integration@fernhill.example",
        "aud": "https://login.salesforce.com",
        "exp": now + 180,
    });
    let with = |name: &str, value: serde_json::Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let header = Header::new(Algorithm::RS256);
    for (what, claims, key, expected) in [
        ("good", good.clone(), &key, None),
        ("another login host", with("aud", json!("https://test.salesforce.com")), &key, None),
        (
            "audience",
            with("aud", json!("https://my.example")),
            &key,
            Some(("invalid_grant", "audience is invalid")),
        ),
        (
            "user",
            with("sub", json!("nobody@fernhill.example")),
            &key,
            Some(("invalid_grant", "user hasn't approved this consumer")),
        ),
        (
            "expired",
            with("exp", json!(now - 600)),
            &key,
            Some(("invalid_grant", "invalid assertion")),
        ),
        (
            "too long",
            with("exp", json!(now + 3_600)),
            &key,
            Some(("invalid_grant", "invalid assertion")),
        ),
        (
            "client",
            with("iss", json!("other")),
            &key,
            Some(("invalid_client_id", "client identifier invalid")),
        ),
        ("signature", good.clone(), &other_key, Some(("invalid_grant", "invalid assertion"))),
    ] {
        let assertion = jsonwebtoken::encode(&header, &claims, key).unwrap();
        let form = format!(
            "{}&{}",
            encoded("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            encoded("assertion", &assertion)
        );
        let reply = sim.token_request(&form, &[]).await;
        match expected {
            None => assert_eq!(reply.status, 200, "{what}: {}", reply.text),
            Some((error, description)) => {
                assert_eq!(reply.status, 400, "{what}");
                assert_eq!(reply.json()["error"], error, "{what}");
                assert_eq!(reply.json()["error_description"], description, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn sessions_end_and_pages_go_on_with_the_next_token() {
    let settings = Settings { token_requests: Some(2), ..Settings::default() };
    let mut sim = Sim::with(settings, FaultPlan::none()).await;
    let first = sim
        .call(
            reqwest::Method::GET,
            &format!("{BASE}/query?{}", encoded("q", "SELECT Id FROM Opportunity")),
            &[("sforce-query-options", "batchSize=200")],
            None,
        )
        .await
        .json();
    let next = first["nextRecordsUrl"].as_str().unwrap();
    assert_eq!(sim.get(next).await.status, 200);
    let expired = sim.get(next).await;
    assert_eq!(expired.status, 401);
    assert_eq!(
        expired.json(),
        json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
    );
    sim.token = sim.fresh_token().await;
    let again = sim.get(next).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.json()["records"].as_array().unwrap().len(), 200);
    sim.token = "made-up".to_owned();
    assert_eq!(sim.get(&format!("{BASE}/limits")).await.code(), "INVALID_SESSION_ID");
}
