//! Programs that nobody here wrote read releases through `salesmart serve`: psql, psycopg, asyncpg,
//! SQLAlchemy, pandas, PostgreSQL's JDBC driver, pgbench; and the statements that BI tools send when
//! they connect. `cargo xtask test` installs the programs; without them their stories fail.

mod compared;
mod startup;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use salesmart_tests::{Project, Said, repository, said};

/// The password of every user.
const PASSWORD: &str = "correct horse";

const SERVE: &str = "
flight: {listen: 127.0.0.1:0}
users:
  ada: {role: all, password: '${SERVE_PASSWORD}'}
  bob: {role: board, password: '${SERVE_PASSWORD}'}
  eve: {role: small, password: '${SERVE_PASSWORD}'}
roles:
  all: {}
  board: {schemas: [kpi]}
  small: {statement_timeout: 2s, memory: 16 MB, rows: 1_000}
";

/// A served project that `salesmart demo` made.
struct Served {
    child: Child,
    /// Kept open: a program whose output nobody reads is told so.
    _output: BufReader<ChildStdout>,
    project: Project,
    port: u16,
    /// What it printed when its ports were open.
    greeting: String,
}

impl Served {
    fn start() -> Self {
        let project = Project::new();
        let folder = project.path().join("demo");
        let folder = folder.to_str().unwrap();
        let _ = project.salesmart(&["demo", folder, "--deals", "200"]).ok();
        project.write("demo/config/serve.yml", SERVE);
        let mut child = project
            .command(&["--project", folder, "serve", "--listen", "127.0.0.1:0"])
            .env("SERVE_PASSWORD", PASSWORD)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("flight sql") {
            if output.read_line(&mut greeting).unwrap() == 0 {
                let mut errors = String::new();
                child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
                panic!("the server did not start: {greeting}{errors}");
            }
        }
        let address = greeting.split("PostgreSQL at ").nth(1).unwrap();
        let port = address.lines().next().unwrap().rsplit(':').next().unwrap().parse().unwrap();
        Self { child, _output: output, project, port, greeting }
    }

    /// A program that finds the server by the variables that PostgreSQL's clients read.
    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", "ada")
            .env("PGPASSWORD", PASSWORD)
            .env("PGDATABASE", "warehouse")
            .current_dir(self.project.path());
        command
    }

    fn psql(&self, script: &str) -> Said {
        self.project.write("script.sql", script);
        let mut command = self.client("psql");
        command.args(["-X", "-P", "pager=off", "-f", "script.sql"]);
        said(&mut command)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every backslash command that a person types to look around.
const LOOKING: &str = r"\dn
\dn+
\dt
\dt kpi.*
\dt+ kpi.*
\d
\d kpi.win_rate
\d+ kpi.win_rate
\d mart.dim_rep
\df
\df+ version
\l
\l+
\du
\du+
\dv
\dm
\di
\di kpi.*
\ds
\dT
\dT+ text
\dp kpi.*
\z kpi.win_rate
\dd
\dC
\db
\dx
\dy
\dO
\do
\da
\dL
\ddp
\drds
\det
\dE
\dP
\dX
\dAc
\dRp
\dF
\conninfo
";

#[test]
fn psql_looks_around_with_every_command_a_person_types() {
    let served = Served::start();
    let said = served.psql(LOOKING).ok();
    // Where nothing of a kind is here, psql says so, and not as an error.
    let complaints: Vec<&str> =
        said.stderr.lines().filter(|line| !line.contains("Did not find any")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    for essential in [
        // \dn+ and \dt+: what things are for.
        "Figures by period and scope, one family a table.",
        "Won deals over won and lost deals",
        // \d+: types, whether null is allowed, what each column means.
        " value              | numeric(38,6)            |           |          |",
        " metric             | text                     |           | not null |",
        "which figure, as in ops.metric",
        // \d of a table whose grain has no nulls.
        "\"dim_rep_pkey\" PRIMARY KEY, btree (rep_id)",
        // \l, \du, \df.
        " warehouse ",
        " ada ",
        "You are connected to database \"warehouse\" as user \"ada\"",
    ] {
        assert!(said.stdout.contains(essential), "`{essential}` is not in\n{}", said.stdout);
    }
}

#[test]
fn psql_shows_times_expands_rows_and_copies_to_a_file() {
    let served = Served::start();
    let said = served
        .psql(
            "\\timing on
\\x on
select metric, n from kpi.win_rate where n > 0 order by metric, n limit 1;
\\x off
\\copy (select metric, value, n from kpi.win_rate where n > 0 order by metric, n) to 'rates.csv' csv header
\\copy kpi.win_rate to 'rates.txt'
select count(*) from kpi.win_rate where n > 0 \\gset some_
select count(*) from kpi.win_rate \\gset all_
\\echo some :some_count all :all_count
",
        )
        .ok();
    assert!(said.stdout.contains("-[ RECORD 1 ]"), "{}", said.stdout);
    assert!(said.stdout.contains("Time: "), "{}", said.stdout);
    let counts: Vec<usize> = said
        .stdout
        .lines()
        .find(|line| line.starts_with("some "))
        .unwrap()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let lines = |file: &str| {
        std::fs::read_to_string(served.project.path().join(file)).unwrap().lines().count()
    };
    assert_eq!([lines("rates.csv"), lines("rates.txt")], [counts[0] + 1, counts[1]]);
    let copied = std::fs::read_to_string(served.project.path().join("rates.csv")).unwrap();
    assert!(copied.starts_with("metric,value,n\n"), "{copied}");
}

#[test]
fn psycopg_asyncpg_sqlalchemy_and_pandas_read_figures() {
    let python = std::env::var("SALESMART_TEST_PYTHON").expect(
        "SALESMART_TEST_PYTHON is the Python that has psycopg, asyncpg, SQLAlchemy and pandas; \
         `cargo xtask test` installs it",
    );
    let served = Served::start();
    let script = repository().join("tests/clients/postgres_drivers.py");
    let said = said(served.client(&python).arg(script));
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    let compared = said.stdout.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(compared >= 36, "it says what it compared:\n{}", said.stdout);
}

#[test]
fn the_jdbc_driver_reads_metadata_and_figures() {
    let served = Served::start();
    let program = repository().join("tests/clients/Jdbc.java");
    let url = format!("jdbc:postgresql://127.0.0.1:{}/warehouse", served.port);
    let mut java = served.client("java");
    java.args(["-cp", "/usr/share/java/postgresql.jar"]).arg(program).args([&url, "ada"]);
    let said = said(&mut java);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    let compared = said.stdout.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(compared >= 60, "it says what it compared:\n{}", said.stdout);
}

#[test]
fn pgbench_asks_for_figures_without_an_error() {
    let served = Served::start();
    let bin = std::process::Command::new("sh")
        .args(["-c", "command -v pgbench || ls /usr/lib/postgresql/*/bin/pgbench | tail -1"])
        .output()
        .unwrap();
    let pgbench = String::from_utf8(bin.stdout).unwrap().trim().to_owned();
    assert!(
        !pgbench.is_empty(),
        "pgbench is in Debian's `postgresql`; `cargo xtask test` installs it"
    );
    for protocol in ["simple", "extended", "prepared"] {
        let script = repository().join("benches/serve.pgbench.sql");
        let mut command = served.client(&pgbench);
        command.args(["-n", "-c", "8", "-j", "2", "-t", "15", "-M", protocol, "-f"]).arg(script);
        let said = said(&mut command).ok();
        assert!(
            said.stdout.contains("number of transactions actually processed: 120/120"),
            "{protocol}: {}{}",
            said.stdout,
            said.stderr
        );
        assert!(!said.stderr.contains("ERROR"), "{protocol}: {}", said.stderr);
    }
}

#[test]
fn adbc_reads_a_million_rows_by_flight_sql_as_psycopg_reads_them() {
    let python = std::env::var("SALESMART_TEST_PYTHON").expect(
        "SALESMART_TEST_PYTHON is the Python that has adbc-driver-flightsql and psycopg; \
         `cargo xtask test` installs it",
    );
    let served = Served::start();
    let address = served.greeting.split("grpc+tcp://").nth(1).unwrap().lines().next().unwrap();
    let script = repository().join("tests/clients/flight_sql.py");
    let said = said(served.client(&python).arg(script).arg(format!("grpc://{address}")));
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    let compared = said.stdout.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(compared >= 34, "it says what it compared:\n{}", said.stdout);
}
