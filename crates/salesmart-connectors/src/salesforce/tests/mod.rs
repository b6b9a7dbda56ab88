//! The connector from outside: an org in, events out.

mod conformance;
mod declaration;
mod details;
mod org;
mod refusals;
mod simulator;

use std::sync::Arc;
use std::time::Duration;

use salesmart_core::{ConnectionName, Result, yaml};
use salesmart_extract::Connector;

use super::Salesforce;
use super::client::Pace;
use super::config::Settings;

/// In a hurry: what takes minutes in an org takes milliseconds here. Pages are as the server has them.
fn pace() -> Pace {
    Pace {
        first_wait: Duration::from_millis(2),
        attempts: 6,
        poll: (Duration::from_millis(2), Duration::from_millis(10)),
        rest_page_rows: None,
    }
}

/// A connection by the app's own credentials; `more` is YAML beside `login_url` and `auth`.
fn connect(url: &str, more: &str, pace: Pace) -> Arc<dyn Connector> {
    connection(url, ("simulator-client", "simulator-secret"), more, pace).unwrap()
}

fn connection(
    url: &str,
    (client_id, secret): (&str, &str),
    more: &str,
    pace: Pace,
) -> Result<Arc<dyn Connector>> {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("secret"), secret).unwrap();
    let text = format!(
        "login_url: {url}\nauth: {{flow: client_credentials, client_id: {client_id}, client_secret: 'file:secret'}}\n{more}"
    );
    let node = yaml::parse("pipeline.yml", &text, 1)?;
    let settings = Settings::read(&node, folder.path())?;
    Ok(Arc::new(Salesforce::new(&ConnectionName::new("crm")?, settings, pace)?))
}
