//! What a person may write, and what is said of what they may not.

use salesmart_core::{ConnectionName, ErrorKind, yaml};

use crate::salesforce::config::{Login, Settings};

fn read(text: &str) -> salesmart_core::Result<Settings> {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("secret"), "hush-hush").unwrap();
    let node = yaml::parse("pipeline.yml", text, 1)?;
    Settings::read(&node, folder.path())
}

const AUTH: &str =
    "auth: {flow: client_credentials, client_id: me, client_secret: 'file:secret'}\n";

#[test]
fn the_example_can_be_read() {
    let example = crate::salesforce::KIND.example;
    let example = example.replace("${SALESFORCE_CLIENT_ID}", "me");
    let example = example.replace("${SALESFORCE_CLIENT_SECRET}", "'file:secret'");
    let node = yaml::parse("example.yml", &example, 1).unwrap();
    let with = node.get("extract").unwrap().get("crm").unwrap().get("with").unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("secret"), "hush-hush").unwrap();
    let name = ConnectionName::new("crm").unwrap();
    let connector = (crate::salesforce::KIND.configure)(&name, with, folder.path()).unwrap();
    assert!(!connector.is_declared());
    assert_eq!(connector.streams_at_once(), 4);
    let settings = Settings::read(with, folder.path()).unwrap();
    assert!(settings.wanted.contains("invoice__c") && !settings.wanted.contains("LeadFeed"));
    assert!(
        settings.wants_field("Contact", "Email") && !settings.wants_field("contact", "birthdate")
    );
}

#[test]
fn nothing_said_means_sales() {
    let settings = read(&format!("login_url: https://a.my.salesforce.com\n{AUTH}")).unwrap();
    assert!(settings.wanted.is_default && settings.wanted.contains("Opportunity"));
    assert!(!settings.wanted.contains("Invoice__c"));
    assert_eq!(settings.api_version, "62.0");
    assert_eq!(settings.lag.as_delta().num_minutes(), 10);
    assert!(!format!("{settings:?}").contains("hush"), "{settings:?}");
}

#[test]
fn a_signed_statement_is_for_whom_the_host_suggests() {
    let jwt = "auth: {flow: jwt_bearer, client_id: me, username: u@x.example, private_key: 'file:secret'}\n";
    for (host, expected) in [
        ("https://a.my.salesforce.com", "https://login.salesforce.com"),
        ("https://a--dev.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
    ] {
        let settings = read(&format!("login_url: {host}\n{jwt}")).unwrap();
        let Login::JwtBearer { audience, .. } = settings.login else { panic!("{host}") };
        assert_eq!(audience, expected, "{host}");
    }
}

#[test]
fn what_cannot_be_used_is_told_with_its_place() {
    for (text, message, place) in [
        (
            format!("login_url: fernhill\n{AUTH}"),
            "`fernhill` is not an address to sign in at",
            "pipeline.yml:1:12",
        ),
        (
            format!("login_url: http://fernhill.example\n{AUTH}"),
            "`http://fernhill.example` is not an address to sign in at",
            "pipeline.yml:1:12",
        ),
        (
            "login_url: https://a.example\nauth: {flow: jwt_bearer, client_id: me}\n".to_owned(),
            "`auth.username` is missing",
            "pipeline.yml:2:14",
        ),
        (
            format!("login_url: https://a.example\n{AUTH}api_version: \"46.0\"\n"),
            "`46.0` is not a version of the API",
            "pipeline.yml:3:14",
        ),
        (
            format!("login_url: https://a.example\n{AUTH}quota_share: 1.5\n"),
            "`quota_share: 1.5` is no share",
            "pipeline.yml:1:1",
        ),
    ] {
        let error = read(&text).expect_err(message);
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert_eq!(error.message(), message);
        assert_eq!(error.location().map(ToString::to_string).as_deref(), Some(place), "{message}");
    }
    let clear = "login_url: https://a.example\nauth: {flow: client_credentials, client_id: me, client_secret: hunter2-hunter2}\n";
    let error = read(clear).expect_err("a secret in clear");
    assert!(!format!("{error:#}").contains("hunter2"), "{error:#}");
}

#[test]
fn the_schema_describes_every_key() {
    let schema = (crate::salesforce::KIND.schema)();
    let keys = schema["properties"].as_object().unwrap();
    for key in [
        "login_url",
        "auth",
        "objects",
        "fields",
        "bulk",
        "lag",
        "overlap",
        "sweep_every",
        "refresh_formulas_every",
        "quota_share",
        "streams_at_once",
        "forecasts",
    ] {
        assert!(keys[key]["description"].is_string() || keys[key]["$ref"].is_string(), "{key}");
    }
}
