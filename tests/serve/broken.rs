//! Whatever is sent, the server stays up and lets nobody in.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Server, project, publish, refusal, story};

/// Sends bytes, and reads what is answered until the server closes or says nothing for a moment.
fn send(port: u16, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(60))).unwrap();
    // The server may have closed already.
    let _ = socket.write_all(bytes);
    let _ = socket.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    answer
}

/// A message with its length.
fn message(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = kind.into_iter().collect();
    bytes.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    bytes.extend(body);
    bytes
}

fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = 196_608_u32.to_be_bytes().to_vec();
    for (name, value) in parameters {
        for text in [name, value] {
            body.extend(text.as_bytes());
            body.push(0);
        }
    }
    body.push(0);
    message(None, &body)
}

/// Whether an answer has rows, or says that somebody is in.
fn lets_in(answer: &[u8]) -> bool {
    // AuthenticationOk is an `R` of 8 bytes with the code 0.
    answer.windows(9).any(|window| window == [b'R', 0, 0, 0, 8, 0, 0, 0, 0])
}

#[test]
fn whatever_comes_before_the_log_in_lets_nobody_in_and_brings_nothing_down() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    let seed = 20_261_123;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let whole = startup(&[("user", "ada"), ("database", "warehouse")]);
    let query = message(Some(b'Q'), b"select count(*) from mart.fct_deal\0");
    let mut tried: Vec<Vec<u8>> = vec![
        Vec::new(),
        vec![0; 4],
        vec![0xff; 64],
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        // A handshake of TLS that is not offered, whole and broken.
        vec![0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03],
        message(None, &80_877_103_u32.to_be_bytes()),
        message(None, &80_877_104_u32.to_be_bytes()),
        // A log-in that is left out: a query at once, or after the password was asked for.
        query.clone(),
        [whole.clone(), query.clone()].concat(),
        [whole.clone(), message(Some(b'p'), b"SCRAM-SHA-256\0"), query.clone()].concat(),
        [whole.clone(), message(Some(b'p'), b"\0"), query.clone(), query.clone()].concat(),
        [whole.clone(), message(Some(b'p'), b"correct horse\0"), query.clone()].concat(),
        [
            whole.clone(),
            message(Some(b'P'), b"\0select 1\0\0\0"),
            message(Some(b'S'), b""),
            query.clone(),
        ]
        .concat(),
        [whole.clone(), message(Some(b'S'), b""), query.clone()].concat(),
        [whole.clone(), whole.clone(), query.clone()].concat(),
        startup(&[]),
        startup(&[("user", "")]),
        startup(&[("user", &"x".repeat(5_000))]),
        startup(&[("user", "ada"), ("nonsense", "1")]),
        // Lengths that lie.
        [&0x7fff_ffff_u32.to_be_bytes()[..], &[0; 32]].concat(),
        [&0_u32.to_be_bytes()[..], &[0; 32]].concat(),
        [whole.clone(), vec![b'Q', 0x3f, 0xff, 0xff, 0xff], vec![b'x'; 200_000]].concat(),
        // Cancelling what is not one's own.
        message(None, &[80_877_102_u32.to_be_bytes(), [0; 4], [0; 4]].concat()),
        message(None, &[80_877_102_u32.to_be_bytes(), [0xff; 4], [0xff; 4]].concat()),
    ];
    for _ in 0..150 {
        // Noise, and well-formed beginnings that are damaged.
        let noise: Vec<u8> = (0..random.random_range(0..200)).map(|_| random.random()).collect();
        tried.push(noise.clone());
        let mut damaged = [whole.clone(), message(Some(b'p'), &noise), query.clone()].concat();
        for _ in 0..random.random_range(0..4) {
            let at = random.random_range(0..damaged.len());
            damaged[at] = random.random();
        }
        damaged.truncate(random.random_range(0..=damaged.len()));
        tried.push(damaged);
    }
    for bytes in &tried {
        let answer = send(server.port, bytes);
        assert!(!lets_in(&answer), "seed {seed}: {bytes:?} was let in");
        assert!(
            !answer.contains(&b'D') || !answer.windows(6).any(|w| w == b"SELECT"),
            "seed {seed}: {bytes:?} was answered with rows"
        );
    }
    assert!(story(server.is_up()), "seed {seed}");
}

#[test]
fn whatever_a_user_sends_is_answered_or_refused() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    let seed = 20_261_124;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let words = [
        "select",
        "from",
        "mart.fct_deal",
        "where",
        "id",
        "amount",
        "(",
        ")",
        ",",
        "*",
        "=",
        "'x'",
        "group by",
        "order by",
        "1",
        "null",
        "with",
        "a",
        "as",
        "join",
        "on",
        "union all",
        "not",
        "in",
        "exists",
        "case",
        "when",
        "then",
        "end",
        "cast",
        "::int",
        "::text[]",
        "$1",
        "having",
        "limit",
        "-1",
        "9999999999999999999999",
        "over",
        "partition by",
        "array[1,2]",
        "interval '1 day'",
        "lateral",
        "generate_series(1,3)",
        "unnest",
        "values",
        "distinct",
        "filter",
        "explain",
        "show",
        "\"",
        "''",
        "--",
        "/*",
        ";",
        "é",
        "\\",
        "extract(year from closed)",
        "date '2026-02-30'",
        "/",
        "0",
    ];
    story(async {
        let client = server.client("ada").await;
        client.simple_query("set statement_timeout = '5s'").await.unwrap();
        for _ in 0..300 {
            let mut sql = String::from("select ");
            for _ in 0..random.random_range(1..12) {
                sql.push_str(words.choose(&mut random).unwrap());
                sql.push(' ');
            }
            let refused = refusal(&client, &sql).await;
            assert!(refused == "answered" || refused.len() == 5, "seed {seed}: {sql}: {refused}");
            assert_ne!(refused, "08P01", "seed {seed}: {sql}");
        }
        // A statement that is damaged in its middle, by the extended protocol.
        let whole = "select d.id, sum(d.amount) from mart.fct_deal d where d.id > $1 group by d.id";
        for _ in 0..100 {
            let mut pieces: Vec<&str> = whole.split(' ').collect();
            pieces.shuffle(&mut random);
            // Either is right, as long as it is said.
            let _ = client.prepare(&pieces.join(" ")).await;
        }
        // Depth.
        for sql in [
            format!("select {}1{}", "(".repeat(3_000), ")".repeat(3_000)),
            format!("select 1{}", " + 1".repeat(5_000)),
            format!("select {} 1", "not ".repeat(5_000)),
            format!("select {}1{}", "f(".repeat(300), ")".repeat(300)),
            format!("select {}", "array[".repeat(300)),
            format!("select 1{}", "::int".repeat(5_000)),
            format!("select 1 {}", "union all select 1 ".repeat(900)),
            format!("select 1{}", " + 1".repeat(900)),
            format!("{} select 1", "select * from (".repeat(500)),
            format!("select '{}'", "x".repeat(1 << 20)),
        ] {
            let refused = refusal(&client, &sql).await;
            assert!(refused == "answered" || refused.len() == 5, "{refused}: {sql:.60}");
        }
        let huge = format!("select '{}'", "x".repeat(20 << 20));
        assert_ne!(refusal(&client, &huge).await, "answered", "a message has its limit");
        assert!(server.is_up().await);
    });
}
