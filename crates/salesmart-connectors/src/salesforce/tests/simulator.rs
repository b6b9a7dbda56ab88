//! The connector against the simulated company: every object, row for row and field for field.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use salesmart_core::{ColumnType, Cursor, StreamName};
use salesmart_extract::{Connector, StreamSpec};
use salesmart_simulator::Size as WorldSize;
use salesmart_simulator::salesforce::{self, Settings};
use salesmart_simulator::wire::{Fault, FaultPlan, RetryAfter, Running, SharedWorld, When};
use salesmart_simulator::world::{self, World};
use serde_json::{Map, Value};

use super::{connect, connection, pace};
use crate::conformance::{
    Account, Case, Row, Size, State, Trouble, apply, assert_same, read, read_events, spec, suite,
};

/// A simulated org.
struct Company {
    world: SharedWorld,
    server: Running,
    more: String,
    goes_wrong: bool,
}

impl Company {
    async fn start(deals: u64, settings: Settings, faults: FaultPlan, more: &str) -> Self {
        let goes_wrong = faults != FaultPlan::none();
        let size = WorldSize { reps: 3, deals };
        let world = World::new(world::Settings { size, ..world::Settings::default() });
        let world = SharedWorld::new(world);
        let server = salesforce::start(world.clone(), settings, faults, None).await.unwrap();
        Self { world, server, more: more.to_owned(), goes_wrong }
    }

    fn connect(&self) -> Arc<dyn Connector> {
        connect(self.server.url(), &self.more, pace())
    }

    /// What the org has of an object, as its stream is to have it. `None`: nobody may see it.
    async fn records(&self, object: &str, spec: &StreamSpec) -> Option<State> {
        let url = format!("{}/__simulator/records/{object}", self.server.url());
        let reply = reqwest::get(url).await.unwrap();
        if !reply.status().is_success() {
            return None;
        }
        let text = reply.text().await.unwrap();
        let record = |line: &str| {
            let record: Map<String, Value> = serde_json::from_str(line).unwrap();
            let values: BTreeMap<String, &Value> =
                record.iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
            let row: Row = spec
                .columns
                .iter()
                .filter_map(|column| {
                    let value = values.get(&column.name)?;
                    Some((column.name.clone(), printed(value, column.column_type, &record)))
                })
                .collect();
            (values["id"].as_str().unwrap().to_owned(), row)
        };
        Some(text.lines().map(record).collect())
    }
}

/// A value of the wire as its column prints.
fn printed(value: &Value, column_type: ColumnType, record: &Map<String, Value>) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) if text.is_empty() => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(match column_type {
        ColumnType::Decimal(_, scale) => {
            let number: f64 = text.parse().unwrap();
            format!("{number:.*}", usize::try_from(scale).unwrap())
        }
        ColumnType::Int64 => format!("{:.0}", text.parse::<f64>().unwrap()),
        ColumnType::Timestamp => text.replace(".000+0000", "Z"),
        // Old and new values: numbers have one spelling.
        ColumnType::String if record.get("DataType").is_some_and(is_number) => {
            match (value.is_string(), text.parse::<f64>()) {
                (false, Ok(number)) => number.to_string(),
                _ => text,
            }
        }
        _ => text,
    })
}

fn is_number(data_type: &Value) -> bool {
    matches!(data_type.as_str(), Some("Currency" | "Double" | "Percent" | "Integer"))
}

/// The landed state of all streams over several runs.
#[derive(Default)]
struct Lake {
    failures: Vec<salesmart_core::Error>,
    streams: BTreeMap<String, (State, Option<Cursor>, StreamSpec)>,
}

impl Lake {
    /// Reads every stream that the connection discovers.
    async fn run(&mut self, company: &Company) {
        let connector = company.connect();
        let discovery = loop {
            match connector.discover().await {
                Ok(discovery) if discovery.failed.is_empty() || !company.goes_wrong => {
                    break discovery;
                }
                Ok(discovery) => self.failures.extend(discovery.failed.into_iter().map(|it| it.1)),
                Err(error) => self.failures.push(error),
            }
        };
        assert!(discovery.failed.is_empty(), "{:?}", discovery.failed);
        assert!(discovery.streams.len() > 20, "{} streams", discovery.streams.len());
        for spec in discovery.streams {
            let name = spec.name.to_string();
            let before = self.streams.remove(&name);
            let (mut state, mut cursor) =
                before.map(|(state, cursor, _)| (state, cursor)).unwrap_or_default();
            // A stream that fails goes on in the next run.
            for attempt in 1.. {
                let (result, reading, _) =
                    read_events(&connector, spec.clone(), cursor.clone(), usize::MAX).await;
                apply(&mut state, &spec, &reading.events);
                cursor = reading.cursor().or(cursor);
                match result.unwrap() {
                    Ok(()) => break,
                    Err(error) if attempt < 3 && company.goes_wrong => self.failures.push(error),
                    Err(error) => panic!("{name}: {error:#}"),
                }
            }
            self.streams.insert(name, (state, cursor, spec));
        }
    }

    /// Compares every stream with the org.
    async fn compare(&self, company: &Company, when: &str) {
        let mut compared = 0;
        for (name, (state, _, spec)) in &self.streams {
            if spec.key.len() > 1 {
                // Photographs: today's are the org's, and those of other days nobody has any more.
                assert!(!state.is_empty(), "{when}: `{name}` is empty");
                continue;
            }
            let Some(live) = company.records(name, spec).await else { continue };
            let mut landed = state.clone();
            landed.retain(|_, row| row.get("isdeleted") != Some(&Some("true".to_owned())));
            assert_same(&landed, &live, &format!("{when}: `{name}`"));
            compared += live.len();
        }
        assert!(compared > 500, "{when}: only {compared} records");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_days_with_everything_going_wrong_end_in_the_same_state() {
    for (mode, seed) in [("never", 1), ("always", 2)] {
        let more = format!("bulk: {{mode: {mode}, page_rows: 150}}\nsweep_every: 3d");
        let company = Company::start(120, Settings::default(), FaultPlan::chaos(seed), &more).await;
        let mut lake = Lake::default();
        for day in 0..=10 {
            lake.run(&company).await;
            if day % 5 == 0 {
                company.server.set_faults(FaultPlan::none());
                lake.compare(&company, &format!("{mode}, day {day}")).await;
                company.server.set_faults(FaultPlan::chaos(seed + day));
            }
            company.world.advance(1);
        }
        // What passes is waited out; a session that ends twice in a row is bad luck, and rare.
        assert!(lake.failures.len() < 10, "{:?}", lake.failures);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rest_and_bulk_give_the_same_rows_of_every_object() {
    let company = Company::start(150, Settings::default(), FaultPlan::none(), "").await;
    let way = |mode| connect(company.server.url(), &format!("bulk: {{mode: {mode}}}"), pace());
    let (rest, bulk) = (way("never"), way("always"));
    let mut compared = 0;
    for spec in rest.discover().await.unwrap().streams {
        let (one, rest) = read(&rest, &spec.name, None).await;
        let (other, bulk) = read(&bulk, &spec.name, None).await;
        one.unwrap();
        other.unwrap();
        let state = |reading: &crate::conformance::Reading| {
            let mut state = State::new();
            apply(&mut state, &spec, &reading.events);
            state
        };
        let (rest, bulk) = (state(&rest), state(&bulk));
        assert_eq!(rest, bulk, "{}", spec.name);
        compared += rest.len();
    }
    assert!(compared > 1_000, "{compared} rows");
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

/// A private and a public key in PEM, made for one test.
fn keys() -> (String, String) {
    let pem = |label: &str, der: &[u8]| {
        let text = base64(der);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    };
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    (pem("PRIVATE KEY", private.as_ref()), pem("PUBLIC KEY", public.as_ref()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_statement_signs_in_too() {
    let (private, public) = keys();
    let settings = Settings { jwt_public_key: Some(public), ..Settings::default() };
    let company = Company::start(5, settings, FaultPlan::none(), "").await;
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("key.pem"), private).unwrap();
    let connector = |audience: &str| {
        let text = format!(
            "login_url: {}\nauth: {{flow: jwt_bearer, client_id: simulator-client, username: integration@fernhill.example, private_key: 'file:key.pem', audience: '{audience}'}}\n",
            company.server.url(),
        );
        let node = salesmart_core::yaml::parse("pipeline.yml", &text, 1).unwrap();
        let name = salesmart_core::ConnectionName::new("crm").unwrap();
        (crate::salesforce::KIND.configure)(&name, &node, folder.path()).unwrap()
    };
    assert!(
        !connector("https://login.salesforce.com").discover().await.unwrap().streams.is_empty()
    );
    let error = connector("https://elsewhere.example").discover().await.unwrap_err();
    assert!(error.hint().is_some_and(|hint| hint.contains("auth.audience")), "{error:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_done_is_told_with_what_to_grant() {
    let company = Company::start(5, Settings::default(), FaultPlan::none(), "").await;
    let url = company.server.url();
    let wrong = connection(url, ("simulator-client", "hunter2-hunter2"), "", pace()).unwrap();
    let error = wrong.discover().await.unwrap_err();
    assert_eq!(error.kind(), salesmart_core::ErrorKind::Permission);
    assert!(!format!("{error:?}").contains("hunter2"));
    assert_eq!(company.server.calls().len(), 1, "one try to sign in is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_finds_the_org_in_order() {
    let company = Company::start(60, Settings::default(), FaultPlan::none(), "").await;
    let findings = company.connect().check().await;
    assert!(findings.iter().all(|finding| finding.ok), "{findings:#?}");
    let text = format!("{findings:#?}");
    assert!(text.contains("reaches back to 20"), "{text}");
    assert!(text.contains("signed in as `"), "{text}");
}

/// An org as the suite sees it.
impl Account for Company {
    fn connector(&self) -> Arc<dyn Connector> {
        self.connect()
    }

    fn stream(&self) -> StreamName {
        StreamName::new("opportunity").unwrap()
    }

    async fn live(&self) -> State {
        // Without faults: this is the test asking, not the connector.
        let spec = spec(&connect(self.server.url(), "", pace()), &self.stream()).await.unwrap();
        self.records("Opportunity", &spec).await.unwrap()
    }

    async fn advance(&self) {
        // Long enough that deals come, change and go.
        self.world.advance(10);
    }

    fn sees_deletes(&self) -> bool {
        true
    }

    fn is_gone(&self, row: &Row) -> bool {
        row["isdeleted"].as_deref() == Some("true")
    }

    async fn make(&self, trouble: Trouble) -> bool {
        let data = "/services/data/*";
        let none = FaultPlan::none();
        let throttled = |retry_after| {
            FaultPlan::none().with(
                data,
                When::Every(4),
                Some(2),
                Fault::TooManyRequests { retry_after },
            )
        };
        let plan = match trouble {
            Trouble::None => none,
            Trouble::Throttled => throttled(RetryAfter::Seconds(1)),
            Trouble::ThrottledUntil => throttled(RetryAfter::Date(1)),
            Trouble::ServerErrors => {
                none.with(data, When::Every(3), None, Fault::ServerError { status: 502 })
            }
            Trouble::TokenExpires => none.with(data, When::Every(3), None, Fault::Unauthorized),
            Trouble::CutBodies => {
                none.with(data, When::Every(3), None, Fault::Cut { after_bytes_permille: 600 })
            }
            Trouble::Duplicates => none.always(data, Fault::DuplicateRows),
            Trouble::CursorExpires => {
                none.with(data, When::Every(2), Some(2), Fault::ExpiredCursor)
            }
            Trouble::Quota => none.with(data, When::Nth(6), None, Fault::QuotaExhausted),
            Trouble::Refused => none.always(data, Fault::Unauthorized),
            Trouble::Down => none.always(data, Fault::ServerError { status: 503 }),
        };
        self.server.set_faults(plan);
        true
    }

    fn calls(&self) -> usize {
        self.server.calls().len()
    }

    fn broken(&self) -> Vec<(Arc<dyn Connector>, &'static str)> {
        let secret = "hunter2-hunter2";
        let who = ("simulator-client", secret);
        vec![(connection(self.server.url(), who, &self.more, pace()).unwrap(), secret)]
    }
}

async fn company(mode: &str, case: Case) -> Company {
    let deals = match case.size {
        Size::Empty => 0,
        Size::One => 1,
        Size::Several => 40,
    };
    let page = if case.pages_of_one { 1 } else { 9 };
    let settings = Settings { page_rows: page, ..Settings::default() };
    let more =
        format!("objects: {{include: [Opportunity]}}\nbulk: {{mode: {mode}, page_rows: {page}}}");
    Company::start(deals, settings, FaultPlan::none(), &more).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rest_conforms() {
    suite(async |case| company("never", case).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_conforms() {
    suite(async |case| company("always", case).await).await;
}
