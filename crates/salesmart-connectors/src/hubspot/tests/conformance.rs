//! The suite that every connector passes, over an account made by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use salesmart_core::StreamName;
use salesmart_extract::Connector;

use super::account::{Account as Server, Instead, at};
use super::{connect, connect_as, stream};
use crate::conformance::{Account, Case, Row, Size, State, Trouble, suite};

/// An account whose deals a test changes.
struct Deals {
    server: Server,
    more: String,
}

impl Deals {
    async fn of(case: Case) -> Self {
        let server = Server::new().await;
        let deals = match case.size {
            Size::Empty => 0,
            Size::One => 1,
            Size::Several => 23,
        };
        server.fill(1..=deals, at(1));
        let page = if case.pages_of_one { 1 } else { 5 };
        let more = format!("page_size: {page}\ncensus_every: 1d\nlag: 1s");
        Self { server, more }
    }
}

impl Account for Deals {
    fn connector(&self) -> Arc<dyn Connector> {
        connect(&self.server.url, &self.more).unwrap()
    }

    fn stream(&self) -> StreamName {
        stream("deals")
    }

    async fn live(&self) -> State {
        let portal = self.server.portal();
        let live = portal.objects["deals"].records.iter().filter(|(_, record)| !record.archived);
        live.map(|(id, record)| {
            let text = |name: &str| record.values.get(name).map(|v| v.as_str().unwrap().to_owned());
            let modified = record.modified.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            let row: Row = BTreeMap::from([
                ("id".to_owned(), Some(id.to_string())),
                ("dealname".to_owned(), text("dealname")),
                (
                    "amount".to_owned(),
                    text("amount").map(|text| format!("{text}00000000000000000")),
                ),
                ("archived".to_owned(), Some("false".to_owned())),
                ("hs_record_updated_at".to_owned(), Some(modified)),
            ]);
            (id.to_string(), row)
        })
        .collect()
    }

    async fn advance(&self) {
        let changed = self.server.portal().now + chrono::TimeDelta::hours(2);
        self.server.wait(24);
        self.server.deals(|deals| {
            let ids: Vec<u64> = deals.records.keys().copied().collect();
            // One is archived, one is merged away, one changes, one comes.
            deals.records.get_mut(&ids[3]).unwrap().archived = true;
            deals.records.remove(&ids[5]);
            deals.put(ids[7], changed, &[("dealname", "renamed"), ("amount", "7.5")]);
            deals.put(ids[ids.len() - 1] + 1, changed, &[("dealname", "new"), ("amount", "8.5")]);
        });
    }

    fn sees_deletes(&self) -> bool {
        true
    }

    fn is_gone(&self, row: &Row) -> bool {
        row["archived"].as_deref() == Some("true")
    }

    fn is_silent(&self) -> bool {
        true
    }

    async fn make(&self, trouble: Trouble) -> bool {
        let list = "/crm/v3/objects/deals?";
        let now = self.server.portal().now;
        let soon = (now + chrono::TimeDelta::seconds(1)).format("%a, %d %b %Y %H:%M:%S GMT");
        match trouble {
            Trouble::None => {
                let mut portal = self.server.portal();
                portal.always = None;
                portal.repeats = false;
                portal.instead.clear();
            }
            Trouble::Throttled => {
                let throttled = Instead::too_many("SECONDLY").header("retry-after", "1");
                self.server.instead(list, throttled);
            }
            Trouble::ThrottledUntil => {
                let until = Instead::too_many("TEN_SECONDLY_ROLLING");
                self.server.instead("after=10", until.header("retry-after", soon.to_string()));
            }
            Trouble::ServerErrors => {
                for _ in 0..3 {
                    self.server.instead("after=5", Instead::new(503, "<html>503</html>"));
                    self.server.instead("/search", Instead::new(502, "<html>502</html>"));
                }
            }
            Trouble::TokenExpires => {
                let body = r#"{"category": "EXPIRED_AUTHENTICATION"}"#;
                self.server.instead("after=10", Instead::new(401, body));
            }
            Trouble::CutBodies => {
                self.server.instead("after=10", Instead::new(200, r#"{"results":[{"id":"11","#));
            }
            Trouble::Duplicates => self.server.portal().repeats = true,
            Trouble::CursorExpires => {
                let body = r#"{"category": "VALIDATION_ERROR"}"#;
                self.server.instead("after=10", Instead::new(400, body));
            }
            Trouble::Quota => self.server.instead("after=10", Instead::too_many("DAILY")),
            Trouble::Refused => {
                let body = r#"{"category": "INVALID_AUTHENTICATION"}"#;
                self.server.portal().always = Some(Instead::new(401, body));
            }
            Trouble::Down => {
                self.server.portal().always = Some(Instead::new(503, "<html>503</html>"));
            }
        }
        true
    }

    fn calls(&self) -> usize {
        self.server.calls("")
    }

    fn broken(&self) -> Vec<(Arc<dyn Connector>, &'static str)> {
        let auth = "auth: {token: \"${WRONG_TOKEN}\"}";
        let oauth = "auth: {client_id: x, client_secret: \"${WRONG_TOKEN}\", \
                     refresh_token: \"${WRONG_TOKEN}\"}\n";
        let nobody = "http://127.0.0.1:1";
        vec![
            (connect_as(&self.server.url, auth, "").unwrap(), "hush"),
            (connect_as(nobody, oauth, "").unwrap(), "hush"),
        ]
    }
}

#[tokio::test]
async fn the_suite_passes() {
    suite(Deals::of).await;
}
