//! What a person may write.

use std::path::Path;

use salesmart_core::yaml;

use super::super::config::{Auth, Config};
use super::super::{KIND, configure};
use super::connect_as;

fn secrets(name: &str) -> Option<String> {
    name.starts_with("HUBSPOT").then(|| "hush-hush".to_owned())
}

#[test]
fn the_example_works() {
    let node = yaml::parse("example.yml", KIND.example, 1).unwrap().expand(&secrets).unwrap();
    let with = node.get("extract").unwrap().get("hubspot_prod").unwrap().get("with").unwrap();
    let config = Config::of(with, Path::new(".")).unwrap();
    assert!(matches!(config.auth, Auth::Token(_)));
    assert_eq!(config.history["deals"].len(), 4);
    assert_eq!(config.associations[0], ("deals".to_owned(), "deals_to_companies"[9..].to_owned()));
    let name = salesmart_core::ConnectionName::new("hubspot_prod").unwrap();
    let connector = configure(&name, with, Path::new(".")).unwrap();
    assert!(!connector.is_declared() && connector.declared().is_empty());
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn the_schema_describes_every_key() {
    let schema = (KIND.schema)();
    let keys = schema["properties"].as_object().unwrap();
    for key in ["auth", "objects", "history", "lag", "overlap", "quota_share", "census_every"] {
        let described = &keys[key];
        let text = described.to_string();
        assert!(text.contains("description"), "{key}: {text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (auth, more, message) in [
        ("auth: {}", "", "neither or both"),
        ("auth: {token: \"${TOKEN}\", client_id: a}", "", "neither or both"),
        ("auth: {client_id: a, client_secret: \"${CLIENT_SECRET}\"}", "", "neither or both"),
        ("auth: {token: pat-in-clear}", "", "in clear"),
        ("auth: {token: \"${TOKEN}\"}", "quota_share: 1.5", "`1.5` is out of range"),
        ("auth: {token: \"${TOKEN}\"}", "page_size: 101", "`101` is out of range"),
        ("auth: {token: \"${TOKEN}\"}", "associations: [deals]", "`deals` is not an association"),
        ("auth: {token: \"${TOKEN}\"}", "lag: 5", "not a length of time"),
        ("auth: {token: \"${TOKEN}\"}", "overlp: 5m", "overlp"),
        ("auth: {token: \"${TOKEN}\"}", "history: {deals: []}", "names no property"),
    ] {
        let error = connect_as("https://api.hubapi.com", auth, more).err().expect(message);
        let told = format!("{error:#}");
        assert!(told.contains(message) && told.contains("p.yml:"), "{auth} {more}: {told}");
        assert!(!told.contains("pat-in-clear"), "{told}");
    }
    assert!(connect_as("ftp://x", "auth: {token: \"${TOKEN}\"}", "").is_err());
}
