//! What is left when a load breaks: the connection is cut, the server killed, its disk full.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use salesmart_tests::Project;

use super::project;
use super::server::{Database, Server, salesmart, shared};

/// Between the loader and the server: passes so many bytes on to the server, then cuts every
/// connection and refuses new ones until it is told to go on.
struct Proxy {
    port: u16,
    left: Arc<AtomicI64>,
    cuts: Arc<AtomicU32>,
}

impl Proxy {
    fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let left = Arc::new(AtomicI64::new(i64::MAX));
        let cuts = Arc::new(AtomicU32::new(0));
        let (bytes_left, cut) = (Arc::clone(&left), Arc::clone(&cuts));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                if bytes_left.load(Ordering::SeqCst) <= 0 {
                    continue;
                }
                let Ok(upstream) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let pairs = [
                    (client.try_clone().unwrap(), upstream.try_clone().unwrap(), true),
                    (upstream, client, false),
                ];
                for (from, to, counts) in pairs {
                    let (bytes_left, cut) = (Arc::clone(&bytes_left), Arc::clone(&cut));
                    std::thread::spawn(move || pass(from, to, counts, &bytes_left, &cut));
                }
            }
        });
        Self { port, left, cuts }
    }

    fn cut_after(&self, bytes: i64) {
        self.left.store(bytes, Ordering::SeqCst);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, counts: bool, left: &AtomicI64, cuts: &AtomicU32) {
    let mut buffer = [0; 4096];
    while let Ok(read) = from.read(&mut buffer) {
        if read == 0 {
            break;
        }
        let before = match counts {
            true => left.fetch_sub(i64::try_from(read).unwrap(), Ordering::SeqCst),
            false => left.load(Ordering::SeqCst),
        };
        if before <= 0 {
            cuts.fetch_add(1, Ordering::SeqCst);
            break;
        }
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// Releases that differ in all rows.
fn release(project: &Project, rows: usize, cents: usize) {
    let rows: String =
        (0..rows).map(|id| format!("d{id:07},{}.{cents:02},2026-01-01\n", id % 999)).collect();
    project.write("data/deals.csv", format!("id,amount,closed\n{rows}"));
}

fn with(target: &str) -> Project {
    let project = project();
    let pipeline = std::fs::read_to_string(project.path().join("pipelines/deals.yml")).unwrap();
    project.write("pipelines/deals.yml", format!("{pipeline}{target}"));
    project
}

/// What readers see: the release, how many rows, and what the rows are.
fn seen(database: &Database<'_>) -> Vec<String> {
    database
        .read("select (select release from salesmart.salesmart_release where is_current), (select n from mart.dim_total), count(*), count(distinct amount - trunc(amount)), min(amount - trunc(amount)) from mart.fct_deal")
        .remove(0)
}

#[test]
fn a_network_that_is_cut_anywhere_leaves_the_old_release_whole() {
    const ROWS: usize = 4_000;
    let server = shared();
    let database = server.database();
    let proxy = Proxy::to(server.port);
    let project = with(&database.target_over(proxy.port, "      give_up_after_seconds: 0\n"));
    release(&project, ROWS, 1);
    let _ = salesmart(&project, &["run", "deals"]).ok();
    assert_eq!(seen(&database), ["r000001", "4000", "4000", "1", "0.01"]);
    release(&project, ROWS, 2);
    let mut failed = 0;
    // From the first packet on, closer and closer to the end.
    let mut bytes = 1;
    loop {
        proxy.cut_after(bytes);
        let said = salesmart(&project, &["run", "deals"]);
        proxy.cut_after(i64::MAX);
        if said.code == 0 {
            break;
        }
        assert_eq!(said.code, 8, "after {bytes} bytes: {}", said.stderr);
        assert!(said.stderr.contains("did not take release r000002"), "{}", said.stderr);
        assert!(!said.stderr.contains("hush"), "{}", said.stderr);
        let now = seen(&database);
        if now[0] == "r000002" {
            // Cut after the commit and before its answer: all of it is there.
            assert_eq!(now, ["r000002", "4000", "4000", "1", "0.02"]);
        } else {
            assert_eq!(now, ["r000001", "4000", "4000", "1", "0.01"], "after {bytes} bytes");
        }
        failed += 1;
        bytes += bytes / 2 + 700;
    }
    assert!(failed > 10, "only {failed} cuts, the last after {bytes} bytes");
    assert_eq!(seen(&database), ["r000002", "4000", "4000", "1", "0.02"]);
    assert!(
        database.admin("select 1 from pg_tables where schemaname = 'salesmart_load'").is_empty()
    );
}

#[test]
fn a_network_that_comes_back_is_used_again_and_nothing_is_sent_twice() {
    let server = shared();
    let database = server.database();
    let proxy = Proxy::to(server.port);
    let project = with(&database.target_over(proxy.port, "      streams: 1\n"));
    release(&project, 600_000, 1);
    proxy.cut_after(12_000_000);
    let mut run = project
        .command(&["run", "deals"])
        .env("WAREHOUSE_PASSWORD", "hush-load")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while proxy.cuts.load(Ordering::SeqCst) == 0 {
        assert!(run.try_wait().unwrap().is_none(), "the run ended before the network was cut");
        std::thread::sleep(Duration::from_millis(5));
    }
    let staged = database.admin("select sum(rows) from salesmart.salesmart_stage_part");
    proxy.cut_after(i64::MAX);
    let output = run.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(seen(&database), ["r000001", "600000", "600000", "1", "0.01"]);
    let record = salesmart(&project, &["runs", "show", "last", "--format", "json"]).ok().stdout;
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let load = &record["published"]["targets"][0];
    assert!(load["reconnects"].as_u64().unwrap() > 0, "{load}");
    // What was complete when the network went is not among what was sent afterwards.
    let staged: u64 = staged[0][0].parse().unwrap();
    assert!(staged >= 250_000, "{staged}");
    let shown = load["tables"].as_array().unwrap().iter().find(|t| t["table"] == "mart.fct_deal");
    assert!(shown.unwrap()["sent"].as_u64().unwrap() <= 600_000, "{load}");
}

#[test]
fn a_server_that_is_killed_comes_back_with_the_old_release() {
    let mut server = Server::own();
    let project = {
        let database = server.database();
        let project = with(&database.target("      give_up_after_seconds: 1\n      streams: 2\n"));
        release(&project, 1_000, 1);
        let _ = salesmart(&project, &["run", "deals"]).ok();
        (project, database.name)
    };
    let (project, name) = project;
    release(&project, 800_000, 2);
    let mut run = project
        .command(&["run", "deals"])
        .env("WAREHOUSE_PASSWORD", "hush-load")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while server.admin(&name, "select 1 from salesmart.salesmart_stage").is_empty() {
        assert!(Instant::now() < deadline && run.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(5));
    }
    server.kill();
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(8), "{}", String::from_utf8_lossy(&output.stderr));
    server.restart();
    let database = Database { server: &server, name };
    assert_eq!(seen(&database), ["r000001", "1000", "1000", "1", "0.01"]);
    let _ = salesmart(&project, &["run", "deals"]).ok();
    assert_eq!(seen(&database), ["r000002", "800000", "800000", "1", "0.02"]);
}

/// A small file system of its own, which is gone when the test ends.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(size: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size},mode=0777"), "tmpfs"])
            .arg(folder.path())
            .status()
            .unwrap();
        assert!(mounted.success(), "mounting needs root, as in the tests' container");
        Self(folder)
    }

    fn grow(&self, size: &str) {
        let grown = std::process::Command::new("mount")
            .args(["-o", &format!("remount,size={size}")])
            .arg(self.0.path())
            .status()
            .unwrap();
        assert!(grown.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_keeps_the_old_release_and_gives_its_room_back() {
    let server = Server::own();
    let disk = SmallDisk::new("24m");
    let place = disk.0.path().join("tables");
    std::fs::create_dir(&place).unwrap();
    let _ = std::process::Command::new("chown").arg("postgres").arg(&place).status();
    std::fs::set_permissions(disk.0.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let database = server.database();
    server.admin("postgres", &format!("create tablespace small location '{}'", place.display()));
    server.admin(
        "postgres",
        &format!("alter database {} set default_tablespace = small", database.name),
    );
    server.admin("postgres", "grant create on tablespace small to public");
    let project = with(&database.target(""));
    release(&project, 1_000, 1);
    let _ = salesmart(&project, &["run", "deals"]).ok();
    release(&project, 700_000, 2);
    let said = salesmart(&project, &["run", "deals"]);
    assert_eq!(said.code, 8, "{}", said.stderr);
    assert!(
        said.stderr.contains("(53100)") && said.stderr.contains("make room"),
        "{}",
        said.stderr
    );
    assert_eq!(seen(&database), ["r000001", "1000", "1000", "1", "0.01"]);
    assert!(
        database.admin("select 1 from pg_tables where schemaname = 'salesmart_load'").is_empty()
    );
    disk.grow("300m");
    let _ = salesmart(&project, &["publish", "deals"]).ok();
    assert_eq!(seen(&database), ["r000002", "700000", "700000", "1", "0.02"]);
    drop(database);
    drop(server);
}
