//! The site over HTTP, from `salesmart serve`: it turns to the site of a new release by itself.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use salesmart_tests::Project;

/// A server that is stopped when the test ends.
struct Served {
    process: Child,
    port: u16,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Served {
    fn new(project: &Project) -> Self {
        // Free a moment ago; nobody else is told of it.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        project.write(
            "config/serve.yml",
            format!(
                "postgres: {{listen: \"127.0.0.1:0\"}}\nweb: {{listen: \"127.0.0.1:{port}\"}}\n"
            ),
        );
        let process = project
            .command(&["serve"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let served = Self { process, port };
        served.until("/healthz", |answer| answer.starts_with("HTTP/1.1 200"));
        served
    }

    fn ask(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// Asks until the answer is as it should be; every answer until then is handed to nobody.
    #[track_caller]
    fn until(&self, path: &str, is: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + Duration::from_secs(90);
        let mut last = None;
        while Instant::now() < end {
            last = self.ask(path);
            if let Some(answer) = last.as_deref().filter(|answer| is(answer)) {
                return answer.to_owned();
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("{path} never was as it should be; last: {last:?}");
    }
}

#[test]
fn a_new_release_has_its_site_by_itself() {
    let project = Project::of_deals();
    let served = Served::new(&project);
    let before = served.ask("/readyz").unwrap();
    assert!(before.starts_with("HTTP/1.1 503") && before.contains("no release yet"), "{before}");

    let _ = project.salesmart(&["run", "deals"]).ok();
    served.until("/readyz", |answer| answer.contains("ready: r000001"));
    let page = served.ask("/table/mart.fct_deal.html").unwrap();
    assert!(page.contains("3 rows"), "{page}");
    assert!(page.to_ascii_lowercase().contains("content-security-policy"), "{page}");

    project.write("data/deals-more.csv", "id,amount,closed\nd,4.00,2026-02-02\n");
    let _ = project.salesmart(&["run", "deals"]).ok();
    served.until("/table/mart.fct_deal.html", |page| {
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        assert!(page.contains("3 rows") || page.contains("4 rows"), "{page}");
        page.contains("4 rows") && page.contains("r000002")
    });
}

#[test]
fn a_night_that_failed_is_told_at_once() {
    let project = Project::of_deals();
    let _ = project.salesmart(&["run", "deals"]).ok();
    let served = Served::new(&project);
    served.until("/readyz", |answer| answer.contains("ready: r000001"));
    let quiet = served.ask("/assets/status.js").unwrap();
    assert!(quiet.contains("\"runs\":[]"), "{quiet}");
    project.write("data/deals.csv", "id,amount,closed\na,not a number,2026-01-31\n");
    assert_ne!(project.salesmart(&["run", "deals"]).code, 0);
    let told = served.ask("/assets/status.js").unwrap();
    assert!(told.contains("\"status\":\"failed\""), "{told}");
    assert!(served.ask("/").unwrap().contains("r000001"));
}
