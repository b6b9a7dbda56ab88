//! The server: who comes in, what is answered, what is refused, and that it stays up.

mod answers;
mod broken;
mod limits;
mod login;
mod refusals;
mod releases;
mod tls;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use salesmart_tests::{Project, Said, said};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// The password of every user in these stories.
const PASSWORD: &str = "correct horse";

/// Users of three roles.
const SERVE: &str = r"
users:
  ada: {role: all, password: '${SERVE_PASSWORD}'}
  bob: {role: board, password: '${SERVE_PASSWORD}'}
  eve: {role: small, password: '${SERVE_PASSWORD}'}
roles:
  all: {}
  board: {schemas: [kpi]}
  small: {statement_timeout: 2s, memory: 16 MB, rows: 1_000, connections: 3, statements: 2}
";

/// Two tables that belong together: in every release their totals are equal.
fn project() -> Project {
    let project = Project::of_deals();
    project.write(
        "sql/marts/deal/dim_total.sql",
        "/* @model
description: The number of deals.
grain: [n]
kind: table
owner: tests
columns:
  n: {type: int64, doc: How many.}
*/
select count(*) as n from intermediate.int_deal
",
    );
    project.replace("pipelines/deals.yml", "[\"+fct_deal\"]", "[\"+fct_deal\", \"+dim_total\"]");
    project.write("config/serve.yml", SERVE);
    project
}

/// A release with so many deals.
fn publish(project: &Project, deals: usize) {
    let rows: String = (0..deals).map(|id| format!("d{id},1.00,\n")).collect();
    project.write("data/deals.csv", format!("id,amount,closed\n{rows}"));
    let _ = project.salesmart(&["run", "deals"]).ok();
}

/// `salesmart serve`, until the test ends.
struct Server {
    child: Child,
    /// Kept open: a program whose output nobody reads is told so.
    output: BufReader<ChildStdout>,
    port: u16,
    /// What it printed when its ports were open.
    greeting: String,
}

impl Server {
    fn start(project: &Project) -> Self {
        Self::with(project, &["--listen", "127.0.0.1:0"])
    }

    fn with(project: &Project, arguments: &[&str]) -> Self {
        let mut child = project
            .command(&[&["serve"], arguments].concat())
            .env("SERVE_PASSWORD", PASSWORD)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("connect") {
            if output.read_line(&mut greeting).unwrap() == 0 {
                let mut errors = String::new();
                child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
                panic!("the server did not start: {greeting}{errors}");
            }
        }
        let address = greeting.split("PostgreSQL at ").nth(1).unwrap();
        let port = address.lines().next().unwrap().rsplit(':').next().unwrap().parse().unwrap();
        Self { child, output, port, greeting }
    }

    fn config(&self, user: &str) -> Config {
        let mut config = Config::new();
        config.host("127.0.0.1").port(self.port).user(user).password(PASSWORD);
        config.dbname("warehouse").connect_timeout(Duration::from_secs(20));
        config
    }

    async fn client(&self, user: &str) -> Client {
        open(&self.config(user)).await.unwrap()
    }

    /// Runs psql, with one `-c` a text.
    fn psql(&self, user: &str, texts: &[&str]) -> Said {
        let mut command = Command::new("psql");
        command.args(["-X", "-A", "-t", "-q", "-h", "127.0.0.1", "-U", user, "-d", "warehouse"]);
        command.args(["-p", &self.port.to_string()]).env("PGPASSWORD", PASSWORD);
        for text in texts {
            command.args(["-c", text]);
        }
        said(&mut command)
    }

    /// Whether it answers.
    async fn is_up(&self) -> bool {
        let client = self.client("ada").await;
        one(&client, "select 40 + 2").await == "42"
    }

    fn terminate(&self) {
        let status = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// Waits for its end, and gives its exit code and what else it printed.
    fn end(mut self) -> (i32, String) {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (code, rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn open(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        // Its end is seen by whoever asks next.
        let _ = connection.await;
    });
    Ok(client)
}

/// The rows of an answer, as texts.
async fn rows(
    client: &Client,
    sql: &str,
) -> Result<Vec<Vec<Option<String>>>, tokio_postgres::Error> {
    let messages = client.simple_query(sql).await?;
    Ok(messages
        .into_iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
            }
            _ => None,
        })
        .collect())
}

/// The first field of an answer.
async fn one(client: &Client, sql: &str) -> String {
    rows(client, sql).await.unwrap()[0][0].clone().unwrap()
}

/// The code that a statement is refused with.
async fn refusal(client: &Client, sql: &str) -> String {
    match client.simple_query(sql).await {
        Ok(_) => "answered".to_owned(),
        Err(error) => code(&error),
    }
}

fn code(error: &tokio_postgres::Error) -> String {
    match error.code() {
        Some(code) => code.code().to_owned(),
        None => format!("no code: {error}"),
    }
}

/// Runs a story that talks to a server.
fn story<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(story)
}
