//! What goes wrong on the way: waited out where it passes, told where it does not.

use salesmart_core::ErrorKind;

use super::account::{Account, Instead, at};
use super::{Landing, connect, connect_as, read_from};

const HTML: &str = "<html><head><title>502</title></head><body>Cloudflare</body></html>";

#[tokio::test]
async fn what_passes_is_asked_again() {
    let soon = (at(12) + chrono::TimeDelta::seconds(1)).format("%a, %d %b %Y %H:%M:%S GMT");
    for instead in [
        Instead::too_many("TEN_SECONDLY_ROLLING"),
        Instead::too_many("SECONDLY"),
        Instead::too_many("TEN_SECONDLY_ROLLING").header("retry-after", "1"),
        Instead::new(429, HTML).header("retry-after", soon.to_string()),
        Instead::new(500, HTML),
        Instead::new(502, HTML),
        Instead::new(504, HTML),
        Instead::new(521, HTML),
        Instead::new(524, HTML),
        Instead::new(423, "{}"),
        Instead::new(477, "{}").header("retry-after", "1"),
        Instead::new(200, r#"{"results": [{"id": "1", "prop"#),
    ] {
        let account = Account::new().await;
        account.fill(1..=250, at(1));
        let mut landing = Landing::new(connect(&account.url, "").unwrap(), "deals");
        account.instead("after=100", instead.clone());
        let seen = landing.run().await;
        assert!(seen.result.is_ok(), "{instead:?}: {:?}", seen.result);
        assert_eq!(landing.state.len(), 250, "{instead:?}");
        assert_eq!(seen.rows(), 250, "no torn page: {instead:?}");
    }
}

#[tokio::test]
async fn a_refused_private_app_token_is_final_and_says_what_to_do() {
    let account = Account::new().await;
    account.fill(1..=250, at(1));
    let connector = connect(&account.url, "").unwrap();
    connector.discover().await.unwrap();
    account.forget_calls();
    for _ in 0..4 {
        account
            .instead("after=100", Instead::new(401, r#"{"category": "INVALID_AUTHENTICATION"}"#));
    }
    let mut landing = Landing::new(connector, "deals");
    let seen = landing.run().await;
    let error = seen.result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
    assert!(error.hint().unwrap().contains("private app"), "{error:?}");
    assert!(!format!("{error:?}").contains("pat-simulator"));
    assert_eq!(account.calls("after=100"), 2, "asked once more, and not again");
}

#[tokio::test]
async fn an_oauth_token_is_renewed_when_it_expired() {
    let account = Account::new().await;
    account.fill(1..=250, at(1));
    let auth = "auth: {client_id: app, client_secret: \"${CLIENT_SECRET}\", \
                refresh_token: \"${REFRESH_TOKEN}\"}";
    let mut landing = Landing::new(connect_as(&account.url, auth, "").unwrap(), "deals");
    account.instead("after=100", Instead::new(401, r#"{"category": "EXPIRED_AUTHENTICATION"}"#));
    landing.run().await.good();
    assert_eq!(landing.state.len(), 250);
    assert_eq!(account.calls("/oauth/v1/token"), 2);
    assert_eq!(account.calls("after=100"), 2, "the same page again");
}

#[tokio::test]
async fn a_refresh_token_that_is_refused_says_what_to_do() {
    let account = Account::new().await;
    let auth = "auth: {client_id: app, client_secret: \"${CLIENT_SECRET}\", \
                refresh_token: \"${REFRESH_TOKEN}\"}";
    let body = r#"{"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"}"#;
    account.instead("/oauth/v1/token", Instead::new(400, body));
    let seen = read_from(&connect_as(&account.url, auth, "").unwrap(), "deals", None).await;
    let error = seen.result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
    assert!(error.hint().unwrap().contains("auth.refresh_token"));
    let told = format!("{error:?}");
    assert!(told.contains("missing or invalid") && !told.contains("simulator-"), "{told}");
}

#[tokio::test]
async fn a_scope_that_is_missing_in_the_middle_names_it() {
    let account = Account::new().await;
    account.fill(1..=3, at(1));
    let connector = connect(&account.url, "").unwrap();
    connector.discover().await.unwrap();
    let body = r#"{"category": "MISSING_SCOPES", "errors": [{"context":
        {"requiredGranularScopes": ["crm.objects.deals.read"]}}]}"#;
    account.instead("/crm/v3/objects/deals?", Instead::new(403, body));
    let plan = read_from(&connector, "deals", None).await;
    let error = plan.result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
    assert!(error.hint().unwrap().contains("`crm.objects.deals.read`"), "{error:?}");
}

#[tokio::test]
async fn a_login_page_is_told_as_one() {
    let account = Account::new().await;
    account.fill(1..=3, at(1));
    let connector = connect(&account.url, "").unwrap();
    for _ in 0..6 {
        account.instead("/crm/v3/objects/deals?", Instead::new(200, "<html>Sign in</html>"));
    }
    let error = read_from(&connector, "deals", None).await.result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SourceUnavailable);
    assert!(error.hint().unwrap().contains("base_url"), "{error:?}");
}

#[tokio::test]
async fn a_server_that_stays_down_is_given_up() {
    let account = Account::new().await;
    let connector = connect(&account.url, "").unwrap();
    connector.discover().await.unwrap();
    for _ in 0..20 {
        account.instead("/crm/v3/objects/deals?", Instead::new(503, HTML));
    }
    let error = read_from(&connector, "deals", None).await.result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SourceUnavailable);
    assert!(error.is_retryable());
}
