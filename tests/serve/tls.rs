//! Encryption: what is asked for is given, and whatever comes where it begins brings nothing down.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use salesmart_tests::{Project, said};

use super::{PASSWORD, Server, project, publish};

/// What a client sends to ask for encryption.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A project whose server has a certificate for this machine.
fn encrypted(more: &str) -> Project {
    let project = project();
    publish(&project, 3);
    let made = said(
        Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
            .args(["-keyout", "tls.key", "-out", "tls.crt", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .current_dir(project.path()),
    );
    let _ = made.ok();
    project.write(
        "config/serve.yml",
        format!("tls: {{certificate: tls.crt, key: tls.key}}\n{more}{}", super::SERVE),
    );
    project
}

fn psql(project: &Project, server: &Server, mode: &str) -> salesmart_tests::Said {
    let root = project.path().join("tls.crt");
    let url = format!(
        "host=localhost port={} user=ada dbname=warehouse sslmode={mode} sslrootcert={}",
        server.port,
        root.display()
    );
    said(
        Command::new("psql")
            .args([&url, "-X", "-A", "-t", "-c", "select count(*) from mart.fct_deal"])
            .env("PGPASSWORD", PASSWORD),
    )
}

#[test]
fn encryption_that_is_configured_is_required() {
    let project = encrypted("");
    let server = Server::start(&project);
    let verified = psql(&project, &server, "verify-full").ok();
    assert_eq!(verified.stdout.trim(), "3");
    let plain = psql(&project, &server, "disable");
    assert_ne!(plain.code, 0);
    assert!(plain.stderr.contains("without encryption"), "{}", plain.stderr);
}

/// The first message of a handshake, as OpenSSL sends it.
fn hello() -> Vec<u8> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut client = Command::new("openssl")
        .args(["s_client", "-alpn", "postgresql", "-connect"])
        .arg(listener.local_addr().unwrap().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut socket, _) = listener.accept().unwrap();
    let mut head = [0; 5];
    socket.read_exact(&mut head).unwrap();
    let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    socket.read_exact(&mut body).unwrap();
    drop(socket);
    let _ = client.wait();
    [&head[..], &body].concat()
}

/// Sends bytes, after the request for encryption or at once, and reads what comes back.
fn send(port: u16, asks: bool, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    if asks {
        socket.write_all(&SSL_REQUEST).unwrap();
        let mut answer = [0];
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"S");
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    }
    // The server may have closed already.
    let _ = socket.write_all(bytes);
    let _ = socket.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    answer
}

#[test]
fn whatever_comes_where_encryption_begins_lets_nobody_in_and_brings_nothing_down() {
    let project = encrypted("");
    let server = Server::start(&project);
    let seed = 20_261_124;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let hello = hello();
    let started = b"\0\0\0\x28\0\x03\0\0user\0ada\0database\0warehouse\0\0\0\0\0".to_vec();
    let query = b"Q\0\0\0\x0dselect 1\0".to_vec();
    let mut tried = vec![
        Vec::new(),
        SSL_REQUEST.to_vec(),
        vec![0x16],
        vec![0x16, 3, 1, 0xff, 0xff],
        vec![0x15, 3, 3, 0, 2, 2, 40],
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        // As if nobody had asked for encryption.
        [started.clone(), query.clone()].concat(),
        hello.clone(),
        [hello.clone(), hello.clone()].concat(),
        [hello.clone(), started, query].concat(),
        hello[..hello.len() / 2].to_vec(),
    ];
    // Another protocol in ALPN.
    let mut other = hello.clone();
    let at = other.windows(10).position(|part| part == b"postgresql").unwrap();
    other[at..at + 10].copy_from_slice(b"nonsense/1");
    tried.push(other);
    for _ in 0..60 {
        let mut damaged = hello.clone();
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(0..damaged.len());
            damaged[at] = random.random();
        }
        damaged.truncate(random.random_range(0..=damaged.len()));
        tried.push(damaged);
        tried.push((0..random.random_range(0..300)).map(|_| random.random()).collect());
    }
    for bytes in &tried {
        for asks in [true, false] {
            let answer = send(server.port, asks, bytes);
            // AuthenticationOk, or a row.
            let is_in = answer.windows(9).any(|w| w == [b'R', 0, 0, 0, 8, 0, 0, 0, 0]);
            assert!(!is_in, "seed {seed}: {bytes:?} was let in");
            assert!(!answer.windows(6).any(|w| w == b"SELECT"), "seed {seed}: {bytes:?}");
        }
    }
    let after = psql(&project, &server, "verify-full").ok();
    assert_eq!(after.stdout.trim(), "3", "seed {seed}");
}

/// What Python's own library gets, with the certificate as the authority.
const ASK: &str = "
import ssl, sys, urllib.request
trusted = ssl.create_default_context(cafile='tls.crt')
for path in ['/', '/healthz']:
    with urllib.request.urlopen(f'https://localhost:{sys.argv[1]}{path}', context=trusted, timeout=60) as answer:
        print(path, answer.status, answer.headers.get_content_type())
try:
    urllib.request.urlopen(f'https://localhost:{sys.argv[1]}/', timeout=60)
    print('a certificate that nobody vouches for was taken')
except urllib.error.URLError as error:
    print('refused', 'CERTIFICATE_VERIFY_FAILED' in str(error))
";

#[test]
fn the_site_is_served_by_https_where_there_is_a_certificate() {
    let python = std::env::var("SALESMART_TEST_PYTHON")
        .expect("SALESMART_TEST_PYTHON is a Python; `cargo xtask test` installs it");
    // Free a moment ago; nobody else is told of it.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let project = encrypted(&format!("web: {{listen: '127.0.0.1:{port}'}}\n"));
    let server = Server::start(&project);
    let said =
        said(Command::new(python).args(["-c", ASK, &port.to_string()]).current_dir(project.path()))
            .ok();
    assert_eq!(
        said.stdout.lines().collect::<Vec<_>>(),
        ["/ 200 text/html", "/healthz 200 text/plain", "refused True"],
        "{}",
        said.stderr
    );
    // Without encryption there is no page.
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.windows(5).any(|w| w.eq_ignore_ascii_case(b"<html")), "{answer:?}");
    drop(server);
}
