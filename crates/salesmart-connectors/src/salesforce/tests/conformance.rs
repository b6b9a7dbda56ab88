//! The suite that every connector passes, against the small org, by REST and by Bulk.

use std::sync::Arc;

use salesmart_core::StreamName;
use salesmart_extract::Connector;
use serde_json::json;

use super::details::{deal, field, id, live, stream, with};
use super::org::{Knobs, Org, refused};
use super::{connect, connection, pace};
use crate::conformance::{Account, Case, Row, Size, State, Trouble, suite};

/// The fields of opportunities that the models cannot do without.
const NEEDED: [&str; 10] = [
    "AccountId",
    "CloseDate",
    "ForecastCategoryName",
    "IsClosed",
    "IsWon",
    "LeadSource",
    "OwnerId",
    "Probability",
    "StageName",
    "Type",
];

/// An org whose opportunities a test changes.
struct Sales {
    org: Org,
    /// YAML beside address and credentials.
    more: String,
}

impl Sales {
    async fn of(mode: &str, case: Case) -> Self {
        let deals = match case.size {
            Size::Empty => 0,
            Size::One => 1,
            Size::Several => 23,
        };
        let page = if case.pages_of_one { 1 } else { 5 };
        let mut knobs = Knobs { page, looks: Some(1), ..with(deals) };
        // Nobody fills them in here, but a check misses them.
        for name in NEEDED {
            knobs.objects.get_mut("Opportunity").unwrap().0.push(field(name, "string"));
        }
        let org = Org::start(knobs).await;
        let more = format!(
            "objects: {{include: [Opportunity]}}\nbulk: {{mode: {mode}, page_rows: {page}}}"
        );
        Self { org, more }
    }
}

impl Account for Sales {
    fn connector(&self) -> Arc<dyn Connector> {
        connect(&self.org.url, &self.more, pace())
    }

    fn stream(&self) -> StreamName {
        stream()
    }

    async fn live(&self) -> State {
        let gone: Vec<String> = {
            let knobs = self.org.knobs();
            let records = &knobs.objects["Opportunity"].1;
            let gone = records.iter().filter(|record| record["IsDeleted"] == json!(true));
            gone.map(|record| record["Id"].as_str().unwrap().to_owned()).collect()
        };
        let mut state = live(&self.org);
        state.retain(|id, _| !gone.contains(id));
        state
    }

    async fn advance(&self) {
        let mut knobs = self.org.knobs();
        let now = crate::salesforce::soql::read_instant(&knobs.now).unwrap();
        let changed = (now + chrono::TimeDelta::hours(2)).format("%Y-%m-%dT%H:%M:%S.000+0000");
        let changed = json!(changed.to_string());
        knobs.now = (now + chrono::TimeDelta::days(1)).to_rfc3339();
        let records = &mut knobs.objects.get_mut("Opportunity").unwrap().1;
        // One leaves without a trace but in the log, one goes into the bin, one changes, one comes.
        let purged = records.remove(3)["Id"].as_str().unwrap().to_owned();
        records[5].insert("IsDeleted".to_owned(), json!(true));
        records[7].insert("Name".to_owned(), json!("renamed"));
        for record in [5, 7] {
            records[record].insert("SystemModstamp".to_owned(), changed.clone());
        }
        let number = 100 + usize::try_from(now.timestamp() / 86_400).unwrap();
        let mut new = deal(number, 0);
        new.insert("CreatedDate".to_owned(), changed.clone());
        new.insert("SystemModstamp".to_owned(), changed);
        assert!(records.iter().all(|record| record["Id"] != id(number)));
        records.push(new);
        knobs.deletions = vec![purged];
    }

    fn sees_deletes(&self) -> bool {
        true
    }

    fn is_gone(&self, row: &Row) -> bool {
        row["isdeleted"].as_deref() == Some("true")
    }

    async fn make(&self, trouble: Trouble) -> bool {
        let html = |status, headers| (status, headers, "<html>later</html>".to_owned());
        let mut knobs = self.org.knobs();
        match trouble {
            Trouble::None => {
                (knobs.every, knobs.after, knobs.refusal, knobs.doubled) =
                    (None, None, None, false);
            }
            Trouble::Throttled => {
                knobs.every = Some((4, html(429, vec![("retry-after", "1".to_owned())]), 2));
            }
            Trouble::ThrottledUntil => {
                let now = crate::salesforce::soql::read_instant(&knobs.now).unwrap();
                let date =
                    (now + chrono::TimeDelta::seconds(1)).format("%a, %d %b %Y %H:%M:%S GMT");
                knobs.every = Some((4, html(429, vec![("retry-after", date.to_string())]), 2));
            }
            Trouble::ServerErrors => knobs.every = Some((3, html(503, vec![]), usize::MAX)),
            Trouble::TokenExpires => {
                let answer = refused(401, "INVALID_SESSION_ID", "Session expired or invalid");
                knobs.every = Some((3, answer, usize::MAX));
            }
            Trouble::CutBodies => knobs.torn = 3,
            Trouble::Duplicates => knobs.doubled = true,
            Trouble::CursorExpires => knobs.links_lost = 2,
            Trouble::Quota => {
                let answer =
                    refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
                knobs.after = Some((6, answer));
            }
            Trouble::Refused => {
                let (status, _, body) =
                    refused(401, "INVALID_SESSION_ID", "Session expired or invalid");
                knobs.refusal = Some((status, body));
            }
            Trouble::Down => knobs.refusal = Some((503, "<html>down</html>".to_owned())),
        }
        true
    }

    fn calls(&self) -> usize {
        self.org.knobs().calls.len()
    }

    fn broken(&self) -> Vec<(Arc<dyn Connector>, &'static str)> {
        // Nobody listens there.
        let secret = "hunter2-hunter2";
        let url = "http://127.0.0.1:9";
        vec![(connection(url, ("someone", secret), &self.more, pace()).unwrap(), secret)]
    }
}

#[tokio::test]
async fn rest_conforms() {
    suite(async |case| Sales::of("never", case).await).await;
}

#[tokio::test]
async fn bulk_conforms() {
    suite(async |case| Sales::of("always", case).await).await;
}
