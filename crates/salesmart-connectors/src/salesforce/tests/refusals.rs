//! What is hidden or refused, and what a check says of it.

use salesmart_core::ErrorKind;
use serde_json::json;

use super::details::{Landed, QUICK, with};
use super::org::Org;
use super::{connect, pace};

#[tokio::test]
async fn a_hidden_object_fails_and_the_others_go_on() {
    let org = Org::start(with(3)).await;
    let connector =
        connect(&org.url, "objects: {include: [Opportunity, Deal, \"Nothing*\"]}", pace());
    let discovery = connector.discover().await.unwrap();
    assert_eq!(discovery.streams.len(), 1);
    let (name, error) = &discovery.failed[0];
    assert_eq!((name.as_str(), error.kind()), ("deal", ErrorKind::Permission));
    assert!(error.hint().is_some_and(|hint| hint.contains("View All")));
    let findings = connector.check().await;
    assert!(findings.iter().any(|finding| !finding.ok && finding.message.contains("`Deal`")));
}

#[tokio::test]
async fn a_check_says_what_is_hidden_and_whether_history_is_tracked() {
    let org = Org::start(with(3)).await;
    let findings = connect(&org.url, QUICK, pace()).check().await;
    let texts: Vec<String> =
        findings.iter().map(|finding| format!("{} {}", finding.ok, finding.message)).collect();
    let text = texts.join("\n");
    for expected in [
        "true signed in as `005000000000001AAA` to the org `00D000000000001EAA`",
        "true version 62.0 of the API; the newest is 62.0",
        "false `Opportunity` hides `AccountId`, `CloseDate`",
        "false the field history of opportunities is hidden from us",
        "of 100000 API requests of the day are used; we stop at 50 %",
        "true this machine's clock is",
    ] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let org = Org::start(with(3)).await;
    let body = json!([{"message": "The REST API is not enabled for this Organization.", "errorCode": "API_DISABLED_FOR_ORG"}]);
    org.knobs().refusal = Some((403, body.to_string()));
    let (result, _) = Landed::default().try_run(&org, QUICK).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
    assert!(error.hint().is_some_and(|hint| hint.contains("API Enabled")), "{error:?}");
}
