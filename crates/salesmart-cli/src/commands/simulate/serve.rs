//! `salesmart simulate serve`: the company's Salesforce and HubSpot, over HTTP.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use chrono::SecondsFormat;
use clap::{Args, ValueEnum};
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_simulator::wire::{FaultPlan, Running, SharedWorld};
use salesmart_simulator::{hubspot, salesforce};

use super::Which;
use crate::context::Context;

/// What to serve, and how badly.
#[derive(Args, Debug)]
pub(super) struct Serve {
    #[command(flatten)]
    which: Which,
    /// Serve one system instead of both
    #[arg(long, value_enum, value_name = "SYSTEM")]
    only: Option<Served>,
    /// The port of Salesforce [default: a free one]
    #[arg(long, value_name = "PORT")]
    salesforce_port: Option<u16>,
    /// The port of HubSpot [default: a free one]
    #[arg(long, value_name = "PORT")]
    hubspot_port: Option<u16>,
    /// The public key, in PEM, of JWT sign-ins to Salesforce
    #[arg(long, value_name = "FILE")]
    jwt_public_key: Option<PathBuf>,
    /// What goes wrong: `none`, `chaos` (everything that passes, by the seed), or a JSON file
    #[arg(long, value_name = "none|chaos|FILE", default_value = "none")]
    faults: String,
    /// Serve HubSpot without its rate limits, as for benchmarks
    #[arg(long)]
    no_limits: bool,
}

/// A system that can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Served {
    /// Salesforce
    Salesforce,
    /// HubSpot
    Hubspot,
}

impl Serve {
    /// Serves until it is asked to stop.
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let faults = plan(&self.faults, self.which.seed)?;
        let world = SharedWorld::new(self.which.world());
        context.block_on(async {
            let mut servers = Vec::new();
            let mut text = format!(
                "# {} deals of {} reps, seed {}. Ctrl-C stops it.\n",
                self.which.deals, self.which.reps, self.which.seed
            );
            let now = world.read().now().to_rfc3339_opts(SecondsFormat::Secs, true);
            let _ = writeln!(text, "# There it is {now}: run pipelines with `--as-of {now}`.");
            if self.serves(Served::Salesforce) {
                let settings = salesforce::Settings {
                    jwt_public_key: self.jwt_public_key()?,
                    ..salesforce::Settings::default()
                };
                let mut variables = vec![
                    ("SALESFORCE_CLIENT_ID", settings.client_id.clone()),
                    ("SALESFORCE_CLIENT_SECRET", settings.client_secret.clone()),
                    ("SALESFORCE_USERNAME", settings.username.clone()),
                ];
                let port = self.salesforce_port;
                let server = salesforce::start(world.clone(), settings, faults.clone(), port).await;
                let server = server.map_err(|error| not_started("Salesforce", port, error))?;
                variables.insert(0, ("SALESFORCE_URL", server.url().to_owned()));
                exports(&mut text, &variables);
                servers.push(server);
            }
            if self.serves(Served::Hubspot) {
                let mut settings = hubspot::Settings::default();
                if self.no_limits {
                    settings.limits = hubspot::Limits::none();
                }
                let token = settings.token.clone();
                let port = self.hubspot_port;
                let server = hubspot::start(world.clone(), settings, faults.clone(), port).await;
                let server = server.map_err(|error| not_started("HubSpot", port, error))?;
                let url = server.url().to_owned();
                exports(&mut text, &[("HUBSPOT_URL", url), ("HUBSPOT_TOKEN", token)]);
                servers.push(server);
            }
            context.print(&text)?;
            asked_to_stop().await?;
            futures::future::join_all(servers.into_iter().map(Running::stop)).await;
            Ok(())
        })
    }

    fn jwt_public_key(&self) -> Result<Option<String>> {
        let Some(file) = &self.jwt_public_key else { return Ok(None) };
        let text = std::fs::read_to_string(file).map_err(|error| {
            Error::configuration(format!("failed to read the key `{}`", file.display()))
                .with_source(error)
        })?;
        Ok(Some(text))
    }

    fn serves(&self, system: Served) -> bool {
        self.only.is_none_or(|only| only == system)
    }
}

/// Lines that a shell reads. The values are the simulator's own and hold no quotes.
fn exports(text: &mut String, variables: &[(&str, String)]) {
    for (name, value) in variables {
        let _ = writeln!(text, "export {name}={value}");
    }
}

/// The plan of a name, or of a file.
fn plan(faults: &str, seed: u64) -> Result<FaultPlan> {
    match faults {
        "none" => Ok(FaultPlan::none()),
        "chaos" => Ok(FaultPlan::chaos(seed)),
        file => read(Path::new(file)),
    }
}

fn read(file: &Path) -> Result<FaultPlan> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Error::configuration(format!("failed to read the fault plan `{}`", file.display()))
            .with_source(error)
            .with_hint("write `--faults none`, `--faults chaos`, or the path of a JSON file")
    })?;
    serde_json::from_str(&text).map_err(|error| {
        Error::configuration(format!("`{}` is not a fault plan", file.display()))
            .with_source(error)
            .with(
                "expected",
                r#"such as {"rules": [{"path": "/crm/*", "when": {"every": 5}, "fault": {"server_error": {"status": 503}}}]}"#,
            )
    })
}

fn not_started(system: &str, port: Option<u16>, error: io::Error) -> Error {
    let failed = Error::new(
        ErrorKind::SourceUnavailable,
        format!("failed to serve {system} on this machine"),
    )
    .with_source(error);
    match port {
        Some(port) => failed
            .with("port", port)
            .with_hint("something else may listen there: choose another port, or none"),
        None => failed,
    }
}

/// Waits for Ctrl-C, or for the word with which service managers end a process.
async fn asked_to_stop() -> Result<()> {
    let cannot = |error: io::Error| Error::bug("failed to wait for Ctrl-C").with_source(error);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
        tokio::select! {
            outcome = tokio::signal::ctrl_c() => outcome.map_err(cannot),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_plan_has_a_name_or_a_file() {
        assert_eq!(plan("none", 3).unwrap(), FaultPlan::none());
        assert_eq!(plan("chaos", 3).unwrap(), FaultPlan::chaos(3));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("plan.json");
        let path = file.display().to_string();
        std::fs::write(&file, serde_json::to_string(&FaultPlan::chaos(7)).unwrap()).unwrap();
        assert_eq!(plan(&path, 3).unwrap(), FaultPlan::chaos(7));

        let error = plan("chaotic", 3).expect_err("no such file");
        assert!(error.hint().is_some_and(|hint| hint.contains("--faults chaos")), "{error:#}");
        std::fs::write(&file, r#"{"rules": [{"pth": "*"}]}"#).unwrap();
        let error = plan(&path, 3).expect_err("a slip");
        assert!(error.causes().concat().contains("unknown field `pth`"), "{error:?}");
        // The example in the hint is one.
        let (_, example) = error.context().iter().find(|(key, _)| *key == "expected").unwrap();
        std::fs::write(&file, example.strip_prefix("such as ").unwrap()).unwrap();
        assert_eq!(plan(&path, 3).unwrap().rules.len(), 1);
    }

    #[test]
    fn a_shell_can_read_what_is_printed() {
        let mut text = String::new();
        exports(&mut text, &[("A", "http://127.0.0.1:1".to_owned()), ("B", "x".to_owned())]);
        assert_eq!(text, "export A=http://127.0.0.1:1\nexport B=x\n");
    }
}
