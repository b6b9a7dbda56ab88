//! The client against a server that misbehaves on purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use salesmart_core::{ConnectionName, Error, ErrorKind, Result, Secret};
use serde_json::{Value, json};

use super::*;
use crate::auth::Bearer;
use crate::test_server::{Server, Step, answer, cut, gzipped};

/// Counts renewals; the token is the generation.
#[derive(Default)]
struct Counting {
    generation: tokio::sync::Mutex<u64>,
    renewals: AtomicU64,
}

#[async_trait]
impl Authorize for Counting {
    async fn header(&self) -> Result<Authorization> {
        let generation = *self.generation.lock().await;
        Ok(Authorization::bearer(&Secret::new(format!("hush-{generation}")), generation))
    }

    async fn renew(&self, generation: u64) -> Result<()> {
        let mut current = self.generation.lock().await;
        if *current == generation {
            tokio::time::sleep(Duration::from_millis(20)).await;
            *current += 1;
            self.renewals.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

fn name() -> ConnectionName {
    ConnectionName::new("crm").expect("a name")
}

/// Settings that wait little.
fn quick(server: &Server) -> Settings {
    Settings {
        attempts: 4,
        first_wait: Duration::from_millis(5),
        longest_wait: Duration::from_millis(20),
        total_wait: Duration::from_secs(5),
        timeout: Duration::from_millis(400),
        ..Settings::new(server.url())
    }
}

fn client(server: &Server) -> Client {
    with(quick(server))
}

fn with(settings: Settings) -> Client {
    let auth = Arc::new(Bearer(Secret::new("hush-hush")));
    Client::new(&name(), settings, auth, Arc::new(Usual)).expect("a client")
}

/// Everything that an error shows anywhere.
fn told(error: &Error) -> String {
    let all = format!("{error} {error:#} {error:?} {:?}", error.causes());
    assert!(!all.contains("hush"), "a secret is in {all}");
    all
}

#[tokio::test]
async fn a_call_is_sent_as_it_was_made() {
    let server = Server::start(|_, _| {
        answer(200, &[("date", "Wed, 30 Sep 2026 23:59:59 GMT")], br#"{"a": [1]}"#)
    })
    .await;
    let client = client(&server);
    let call = Call::post_json("/crm/v3/objects?x=1", &json!({"q": "ä"}))
        .query("after", "a b&c")
        .header("x-wanted", "yes");
    assert_eq!(client.json::<Value>(call).await.unwrap(), json!({"a": [1]}));
    client.send(Call::get("services").unauthorised()).await.unwrap();
    client.send(Call::post_form("/f", [("a", "b c"), ("d", "&")])).await.unwrap();

    let requests = server.requests();
    assert_eq!(requests[0].method, "POST");
    assert_eq!(requests[0].target, "/crm/v3/objects?x=1&after=a+b%26c");
    assert_eq!(requests[0].body, r#"{"q":"ä"}"#);
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    assert_eq!(requests[0].header("x-wanted"), Some("yes"));
    assert_eq!(requests[0].header("authorization"), Some("Bearer hush-hush"));
    assert_eq!(requests[0].header("accept-encoding"), Some("gzip"));
    assert!(requests[0].header("user-agent").is_some_and(|it| it.starts_with("salesmart/")));
    assert_eq!(requests[1].target, "/services");
    assert_eq!(requests[1].header("authorization"), None);
    assert_eq!(requests[2].body, "a=b+c&d=%26");

    let now = client.server_now().expect("there was a `Date`");
    assert_eq!(now.to_rfc3339(), "2026-09-30T23:59:59+00:00");
    assert!(client.clock_skew().is_some());
    let usage = client.take_usage();
    assert_eq!((usage.requests, usage.retries, usage.bytes), (3, 0, 30));
    assert_eq!(client.take_usage().requests, 0);

    let metered = client.metered();
    metered.send(Call::get("/")).await.unwrap();
    assert_eq!((client.usage().requests, metered.usage().requests), (0, 1));
    assert_eq!((client.total_usage().requests, metered.total_usage().requests), (4, 4));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_call_replayed() {
    let server = Server::start(|_, request| match request.header("authorization") {
        Some("Bearer hush-0") => answer(401, &[], b"[]"),
        _ => answer(200, &[], b"fine"),
    })
    .await;
    let auth = Arc::new(Counting::default());
    let client = Client::new(&name(), quick(&server), Arc::clone(&auth) as _, Arc::new(Usual))
        .expect("a client");
    let calls = (0..8).map(|number| client.send(Call::get(format!("/page/{number}"))));
    for reply in futures::future::join_all(calls).await {
        assert_eq!(&reply.unwrap().body[..], b"fine");
    }
    assert_eq!(auth.renewals.load(Ordering::SeqCst), 1, "eight calls, one renewal");
    for number in 0..8 {
        let page = format!("/page/{number}");
        let asked = server.requests().iter().filter(|request| request.target == page).count();
        assert!((1..=2).contains(&asked), "{page} was asked for {asked} times");
    }
}

#[tokio::test]
async fn a_second_refusal_is_final() {
    let server = Server::start(|_, _| answer(401, &[], b"no")).await;
    let auth = Arc::new(Counting::default());
    let client = Client::new(&name(), quick(&server), Arc::clone(&auth) as _, Arc::new(Usual))
        .expect("a client");
    let error = client.send(Call::get("/deals?token=hush")).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Permission);
    assert!(told(&error).contains("`GET /deals`"), "{error:#}");
    assert!(error.hint().is_some());
    assert_eq!(server.requests().len(), 2);
    assert_eq!(auth.renewals.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_refusal_after_a_success_of_the_new_token_is_a_first_one_again() {
    // 401, renewed, 503, asked again, 401, renewed, fine: no two refusals in a row.
    let statuses = [401, 503, 401, 200];
    let server = Server::start(move |number, _| answer(statuses[number], &[], b"")).await;
    assert_eq!(client(&server).send(Call::get("/")).await.unwrap().status, 200);
}

#[tokio::test]
async fn retry_after_is_kept_in_seconds_and_as_a_date() {
    let server = Server::start(|number, _| match number {
        0 => answer(429, &[("retry-after", "1")], b"slow down"),
        // The server's own clock is years away from ours.
        2 => answer(
            503,
            &[
                ("date", "Wed, 30 Sep 2015 10:00:00 GMT"),
                ("retry-after", "Wed, 30 Sep 2015 10:00:01 GMT"),
            ],
            b"",
        ),
        _ => answer(200, &[], b""),
    })
    .await;
    let client = client(&server);
    for path in ["/seconds", "/date"] {
        let started = Instant::now();
        client.send(Call::get(path)).await.unwrap();
        let took = started.elapsed();
        assert!(took >= Duration::from_secs(1), "{path}: {took:?}");
        assert!(took < Duration::from_secs(3), "{path}: {took:?}");
    }
    let usage = client.take_usage();
    assert_eq!((usage.requests, usage.retries), (4, 2));
    assert!(usage.waited_seconds >= 2.0, "{usage:?}");
}

#[tokio::test]
async fn others_of_the_class_wait_too() {
    let server = Server::start(|number, _| match number {
        0 => answer(429, &[("retry-after", "1")], b""),
        _ => answer(200, &[], b""),
    })
    .await;
    let class = RateClass { name: "search", requests: 1000, per: Duration::from_secs(1) };
    let client = with(Settings { classes: vec![class], ..quick(&server) });
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.send(Call::get("/first").class("search")).await }
    });
    while server.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    client.send(Call::get("/free")).await.unwrap();
    assert!(started.elapsed() < Duration::from_millis(500), "another class does not wait");
    client.send(Call::get("/second").class("search")).await.unwrap();
    assert!(started.elapsed() > Duration::from_millis(500), "the same class waits");
    first.await.unwrap().unwrap();
    let error = client.send(Call::get("/").class("serach")).await.expect_err("no such class");
    assert_eq!(error.kind(), ErrorKind::Bug);
}

#[tokio::test]
async fn a_page_of_html_and_a_cut_or_slow_body_are_no_answer() {
    let whole = || answer(200, &[("content-type", "application/json")], br#"{"results": []}"#);
    let server =
        Server::start(move |number, request| match (request.target.as_str(), number % 2) {
            (_, 1) => whole(),
            ("/html", _) => answer(502, &[], b"<html><body><h1>Bad gateway</h1></body></html>"),
            ("/cut", _) => cut(whole(), 5),
            ("/head", _) => vec![Step::Bytes(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec())],
            ("/nothing", _) => Vec::new(),
            ("/stalls", _) => {
                let mut steps = cut(whole(), 5);
                steps.push(Step::Wait(Duration::from_secs(2)));
                steps
            }
            ("/late", _) => vec![Step::Wait(Duration::from_secs(2))],
            ("/chunks", _) => vec![Step::Bytes(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{\"re\r\n".to_vec(),
            )],
            ("/gzip", _) => {
                let body = gzipped(br#"{"results": []}"#);
                answer(200, &[("content-encoding", "gzip")], &body[..body.len() - 9])
            }
            // It ends where the connection ends, so only the JSON shows that something is missing.
            ("/open", _) => vec![Step::Bytes(b"HTTP/1.0 200 OK\r\n\r\n{\"results\": [".to_vec())],
            (other, _) => panic!("nobody asks for {other}"),
        })
        .await;
    let client = client(&server);
    let paths =
        ["/html", "/cut", "/head", "/nothing", "/stalls", "/late", "/chunks", "/gzip", "/open"];
    for path in paths {
        let answer: Value = client.json(Call::get(path)).await.unwrap_or_else(|error| {
            panic!("{path}: {error:#}");
        });
        assert_eq!(answer, json!({"results": []}), "{path}");
    }
    let usage = client.take_usage();
    assert_eq!(usage.requests, 2 * paths.len() as u64);
    assert_eq!(usage.retries, paths.len() as u64);
}

#[tokio::test]
async fn a_body_that_drips_for_ever_is_given_up() {
    let server = Server::start(|_, _| {
        let mut steps =
            vec![Step::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n".to_vec())];
        for _ in 0..100 {
            steps.extend([Step::Bytes(b" ".to_vec()), Step::Wait(Duration::from_millis(30))]);
        }
        steps
    })
    .await;
    let settings = Settings { attempts: 1, timeout: Duration::from_millis(50), ..quick(&server) };
    let started = Instant::now();
    let error = with(settings).send(Call::get("/")).await.expect_err("never whole");
    assert_eq!(error.kind(), ErrorKind::SourceUnavailable);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn attempts_and_patience_end() {
    let server = Server::start(|_, request| match request.target.as_str() {
        "/long" => answer(429, &[("retry-after", "3600")], b""),
        _ => answer(500, &[], b"{\"message\": \"hush\"}"),
    })
    .await;
    let error = client(&server).send(Call::get("/ever?q=hush")).await.expect_err("500 for ever");
    assert_eq!(server.requests().len(), 4);
    assert_eq!(error.kind(), ErrorKind::SourceUnavailable);
    assert!(error.is_retryable());
    assert_eq!(error.message(), "failed to call `GET /ever`: the server answered 500");
    assert!(told(&error).contains("attempts: 4"), "{error:#}");
    assert!(told(&error).contains("connection: crm"), "{error:#}");

    let started = Instant::now();
    let error = client(&server).send(Call::get("/long")).await.expect_err("an hour is too long");
    assert!(started.elapsed() < Duration::from_secs(1), "it does not wait for nothing");
    assert!(told(&error).contains("asked to wait: 3600.0 s"), "{error:#}");

    let asked = server.requests().len();
    let settings = Settings {
        attempts: 1000,
        first_wait: Duration::from_millis(50),
        total_wait: Duration::from_millis(300),
        ..quick(&server)
    };
    let started = Instant::now();
    with(settings).send(Call::get("/ever")).await.expect_err("500 for ever");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert!(server.requests().len() - asked > 2);
}

#[tokio::test]
async fn nobody_there_is_told_with_the_host() {
    let server = Server::start(|_, _| answer(200, &[], b"")).await;
    let settings = quick(&server);
    let host = server.url().authority().to_owned();
    drop(server);
    // The port is free again once the listening task is gone.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let error = with(settings).send(Call::get("/deals?key=hush")).await.expect_err("nobody");
    assert_eq!(error.kind(), ErrorKind::SourceUnavailable);
    assert!(told(&error).contains(&format!("there is no connection to `{host}`")), "{error:#}");
}

#[tokio::test]
async fn credentials_go_nowhere_else() {
    let elsewhere = Server::start(|_, _| answer(200, &[], b"stolen")).await;
    let there = elsewhere.url();
    let server = Server::start(move |_, request| match request.target.as_str() {
        "/here" => answer(302, &[("location", "/moved?x=1")], b""),
        "/moved?x=1" => answer(200, &[], b"moved"),
        "/loop" => answer(302, &[("location", "/loop")], b""),
        _ => answer(307, &[("location", &format!("{there}deals?key=hush"))], b""),
    })
    .await;
    let client = client(&server);
    assert_eq!(&client.send(Call::get("/here")).await.unwrap().body[..], b"moved");
    let moved = server.requests().pop().expect("asked");
    assert_eq!(moved.header("authorization"), Some("Bearer hush-hush"));

    let error = client.send(Call::get("/away")).await.expect_err("another host");
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let host = elsewhere.url().origin().ascii_serialization();
    assert!(error.hint().is_some_and(|hint| hint.contains(&host)), "{error:#}");
    told(&error);
    client.send(Call::get("/loop")).await.expect_err("never arrives");

    let link = format!("{}next?after=1", elsewhere.url());
    let error = client.send(Call::get(&link)).await.expect_err("a link to another host");
    assert_eq!(error.message(), "failed to call `GET /next`: the link leads to another host");
    let error = client.send(Call::get(format!("//{}/x", elsewhere.url().authority()))).await;
    error.expect_err("a path, not a host");
    assert!(elsewhere.requests().is_empty(), "{:?}", elsewhere.requests());
    // Without credentials there is nothing to lose.
    client.send(Call::get(link).unauthorised()).await.unwrap();
    assert_eq!(elsewhere.requests()[0].header("authorization"), None);
}

#[tokio::test]
async fn links_of_the_source_are_taken_as_they_are() {
    let server = Server::start(|_, _| answer(200, &[], b"")).await;
    let client = client(&server);
    let path = "/services/data/v62.0/query/01gD0000002HU6K-2000?x=%2B%20y&after=NDI%3D";
    client.send(Call::get(path)).await.unwrap();
    client
        .send(Call::get(format!("{}{path}", server.url().as_str().trim_end_matches('/'))))
        .await
        .unwrap();
    let targets: Vec<String> =
        server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, [path, path]);
}

#[tokio::test]
async fn bodies_are_unpacked_and_bounded() {
    let text = "0123456789".repeat(10_000);
    let body = gzipped(text.as_bytes());
    let server =
        Server::start(move |_, _| answer(200, &[("content-encoding", "gzip")], &body)).await;
    let reply = client(&server).send(Call::get("/")).await.unwrap();
    assert_eq!(reply.body, text.as_bytes());
    let small = with(Settings { max_body: 50_000, ..quick(&server) });
    let error = small.send(Call::get("/bomb")).await.expect_err("too large");
    assert_eq!(error.message(), "failed to call `GET /bomb`: the answer is too large");
    assert_eq!(small.take_usage().requests, 1, "it would be as large again");
}

#[tokio::test]
async fn only_so_many_calls_are_on_the_way() {
    static AT_ONCE: AtomicU64 = AtomicU64::new(0);
    let server = Server::start(|_, _| {
        let mut steps = vec![Step::Wait(Duration::from_millis(50))];
        steps.extend(answer(200, &[], b""));
        steps
    })
    .await;
    let client = with(Settings { concurrent: 2, ..quick(&server) });
    let started = Instant::now();
    futures::future::join_all((0..6).map(|_| async {
        client.send(Call::get("/")).await.unwrap();
        AT_ONCE.fetch_add(1, Ordering::SeqCst);
    }))
    .await;
    assert_eq!(AT_ONCE.load(Ordering::SeqCst), 6);
    assert!(started.elapsed() >= Duration::from_millis(150), "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_answer_that_is_not_what_it_should_be_names_the_call() {
    let server = Server::start(|_, request| match request.target.as_str() {
        "/shape" => answer(200, &[], br#"{"total": "hush"}"#),
        "/forbidden" => answer(403, &[], br#"{"message": "not for you"}"#),
        "/gone" => answer(404, &[], b"<html><title>Not found</title>"),
        _ => answer(200, &[], b"<html>hush</html>"),
    })
    .await;
    #[derive(Debug, serde::Deserialize)]
    struct Total {
        #[expect(dead_code, reason = "only its type matters")]
        total: u64,
    }
    let client = client(&server);
    let ask = async |path: &str| client.json::<Total>(Call::get(path)).await.expect_err(path);
    let error = ask("/shape").await;
    assert_eq!(error.kind(), ErrorKind::SchemaChanged);
    assert!(told(&error).contains("failed to read the answer to `GET /shape`"), "{error:#}");
    let error = ask("/login").await;
    assert_eq!(error.kind(), ErrorKind::SourceUnavailable);
    assert!(told(&error).contains("`GET /login`"), "{error:#}");
    let error = ask("/forbidden").await;
    assert_eq!(error.kind(), ErrorKind::Permission);
    assert!(told(&error).contains("not for you"), "{error:#}");
    let error = ask("/gone").await;
    assert!(told(&error).contains("answer: Not found"), "{error:#}");
}

#[test]
fn retry_after_is_read_in_each_of_its_forms() {
    let read = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", value.parse().expect("a header value"));
        headers.insert("date", HeaderValue::from_static("Wed, 30 Sep 2026 10:00:00 GMT"));
        retry_after(&headers, None)
    };
    assert_eq!(read("17"), Some(Duration::from_secs(17)));
    assert_eq!(read(" 1.5 "), Some(Duration::from_millis(1500)));
    assert_eq!(read("Wed, 30 Sep 2026 10:02:00 GMT"), Some(Duration::from_secs(120)));
    assert_eq!(read("Wed, 30 Sep 2026 09:00:00 GMT"), Some(Duration::ZERO));
    for unusable in ["", "soon", "-1", "1e400", "NaN"] {
        assert_eq!(read(unusable), None, "{unusable}");
    }
    assert_eq!(retry_after(&HeaderMap::new(), None), None);
}

#[test]
fn a_call_shows_neither_query_nor_headers_nor_body() {
    let call = Call::post_form("https://login.example/token?code=hush", [("secret", "hush")])
        .header("authorization", "hush")
        .name("the token endpoint");
    assert_eq!(call.label(), "`POST /token` (the token endpoint)");
    let reply =
        Reply { status: 200, headers: call.headers.clone(), body: "hush".as_bytes().into() };
    let shown = format!("{call:?} {reply:?}");
    assert!(!shown.contains("hush"), "{shown}");
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_tells_what_happened_and_no_secret() {
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || sink.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let server = Server::start(|number, _| match number {
        0 => answer(503, &[], b"hush"),
        1 => answer(401, &[], b"hush"),
        _ => answer(200, &[], b"{}"),
    })
    .await;
    let call = Call::post_form("/token?code=hush", [("secret", "hush")]).header("x-key", "hush");
    client(&server).send(call).await.unwrap();
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for part in
        ["connection=\"crm\"", "`POST /token`", "answered 503", "were refused", "status=200"]
    {
        assert!(log.contains(part), "`{part}` is not in {log}");
    }
    assert!(!log.contains("hush"), "{log}");
}
