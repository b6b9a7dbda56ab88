//! What a person writes under `with:` for a target of kind `postgres`. The comments here are the
//! reference.

use std::path::{Path, PathBuf};
use std::time::Duration;

use salesmart_core::yaml::{At, Node};
use salesmart_core::{Error, Location, Result, Secret, SecretRef};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::secret;
use crate::selection::Selection;

/// A PostgreSQL database, version 13 or newer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// The server's name or address; a path that begins with `/` is the folder of a Unix socket.
    #[schemars(with = "String")]
    host: At<String>,
    /// The server's port. Default 5432.
    #[serde(default)]
    #[schemars(with = "Option<u16>")]
    port: Option<At<u16>>,
    /// The database. It must be there.
    #[schemars(with = "String")]
    database: At<String>,
    /// The role that loads. It needs `CREATE` on the database, and owns what it makes.
    #[schemars(with = "String")]
    user: At<String>,
    /// Its password. Leave it out where the server asks for none.
    #[serde(default)]
    password: Option<SecretRef>,
    /// How the connection is protected. `verify-full` (the default): encrypted, and the server
    /// proves by its certificate to be the named host. `verify-ca`: as before without the name.
    /// `require`: encrypted, to whoever answers. `disable`: in clear, for networks that are yours.
    /// A Unix socket is never encrypted.
    #[serde(default)]
    #[schemars(with = "Option<SslMode>")]
    sslmode: Option<At<SslMode>>,
    /// A file with the certificates (PEM) that may vouch for the server. Default: those that the
    /// machine trusts.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    root_certificate: Option<At<String>>,
    /// The tables to load: `kpi.win_rate`, `kpi.*`. Default: all of the release.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    tables: Vec<At<String>>,
    /// What stands before the names of all schemas, such as `sales_` for `sales_kpi`. Default:
    /// nothing. Two lakes in one database need two prefixes.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    schema_prefix: Option<At<String>>,
    /// What stands behind the names of all schemas. Default: nothing.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    schema_suffix: Option<At<String>>,
    /// A role that may read everything that is loaded. It must be there.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    read_role: Option<At<String>>,
    /// How many connections send rows at the same time, 1 to 16. Default 4.
    #[serde(default)]
    #[schemars(with = "Option<usize>")]
    streams: Option<At<usize>>,
    /// How long to wait for others who hold what a change of columns needs, before the load gives
    /// up and says who they are. Default 60.
    #[serde(default)]
    #[schemars(with = "Option<u64>")]
    lock_wait_seconds: Option<At<u64>>,
    /// How long one statement may take. Default 3600.
    #[serde(default)]
    #[schemars(with = "Option<u64>")]
    statement_timeout_seconds: Option<At<u64>>,
    /// How long a server that went away is tried again without anything moving. Default 120.
    #[serde(default)]
    #[schemars(with = "Option<u64>")]
    give_up_after_seconds: Option<At<u64>>,
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// In clear.
    Disable,
    /// Encrypted, to whoever answers.
    Require,
    /// Encrypted, and the certificate is vouched for.
    VerifyCa,
    /// Encrypted, and the certificate is vouched for and names the host.
    #[default]
    VerifyFull,
}

/// The section, checked.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    pub(super) user: String,
    pub(super) password: Option<Password>,
    pub(super) sslmode: SslMode,
    pub(super) root_certificate: Option<PathBuf>,
    pub(super) selection: Selection,
    pub(super) schema_prefix: String,
    pub(super) schema_suffix: String,
    pub(super) read_role: Option<String>,
    pub(super) streams: usize,
    pub(super) lock_wait: Duration,
    pub(super) statement_timeout: Duration,
    pub(super) give_up_after: Duration,
    pub(super) location: Location,
}

/// A password that is read when it is needed, so that a project can be checked without its files.
#[derive(Clone, Debug)]
pub(super) struct Password {
    secret: SecretRef,
    root: PathBuf,
}

impl Password {
    pub(super) fn read(&self) -> Result<Secret> {
        secret::resolve(&self.secret, &self.root)
    }
}

/// PostgreSQL's limit for identifiers.
pub(super) const LONGEST_NAME: usize = 63;
/// What the longest of our own schema names takes of it.
const LONGEST_SCHEMA: usize = 24;

impl Settings {
    pub(super) fn new(node: &Node, root: &Path) -> Result<Self> {
        let config: PostgresConfig = node.decode()?;
        let mut problems = Vec::new();
        for (what, value) in
            [("host", &config.host), ("database", &config.database), ("user", &config.user)]
        {
            if value.value.trim().is_empty() || value.value.contains('\0') {
                problems.push(
                    Error::configuration(format!("`{what}` is empty")).at(value.location.clone()),
                );
            }
        }
        let mut affix = |given: Option<At<String>>| {
            let Some(given) = given else { return String::new() };
            let usable = given.value.len() + LONGEST_SCHEMA <= LONGEST_NAME
                && given
                    .value
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if !usable {
                problems.push(
                    Error::configuration(format!(
                        "`{}` cannot be part of a schema's name",
                        given.value
                    ))
                    .at(given.location)
                    .with("expected", "lower-case letters, digits and `_`, at most 39 characters"),
                );
            }
            given.value
        };
        let schema_prefix = affix(config.schema_prefix);
        let schema_suffix = affix(config.schema_suffix);
        if let Some(role) = &config.read_role
            && (role.value.is_empty() || role.value.len() > LONGEST_NAME)
        {
            problems.push(
                Error::configuration(format!("`{}` is not a role's name", role.value))
                    .at(role.location.clone()),
            );
        }
        let mut number = |given: Option<At<u64>>, least: u64, default: u64| {
            let Some(given) = given else { return Duration::from_secs(default) };
            if !(least..=86_400).contains(&given.value) {
                problems.push(
                    Error::configuration(format!("`{}` is out of range", given.value))
                        .at(given.location)
                        .with("expected", format!("{least} to 86400 seconds")),
                );
            }
            Duration::from_secs(given.value)
        };
        let lock_wait = number(config.lock_wait_seconds, 1, 60);
        let statement_timeout = number(config.statement_timeout_seconds, 1, 3_600);
        let give_up_after = number(config.give_up_after_seconds, 0, 120);
        let streams = config.streams.map_or(4, |streams| {
            if !(1..=16).contains(&streams.value) {
                problems.push(
                    Error::configuration(format!("`{}` is out of range", streams.value))
                        .at(streams.location)
                        .with("expected", "1 to 16 connections"),
                );
            }
            streams.value
        });
        let selection = Selection::new(config.tables).unwrap_or_else(|error| {
            problems.push(error);
            Selection::default()
        });
        if let Some(error) = Error::many(problems) {
            return Err(error);
        }
        Ok(Self {
            host: config.host.value,
            port: config.port.map_or(5432, |port| port.value),
            database: config.database.value,
            user: config.user.value,
            password: config.password.map(|secret| Password { secret, root: root.to_owned() }),
            sslmode: config.sslmode.map(|mode| mode.value).unwrap_or_default(),
            root_certificate: config.root_certificate.map(|path| root.join(path.value)),
            selection,
            schema_prefix,
            schema_suffix,
            read_role: config.read_role.map(|role| role.value),
            streams,
            lock_wait,
            statement_timeout,
            give_up_after,
            location: config.host.location,
        })
    }

    /// What a schema of the release is called there.
    pub(super) fn schema(&self, name: &str) -> String {
        format!("{}{name}{}", self.schema_prefix, self.schema_suffix)
    }

    /// The server, as messages name it.
    pub(super) fn server(&self) -> String {
        format!("{}:{}/{}", self.host, self.port, self.database)
    }

    /// Whether the connection goes over a network.
    pub(super) fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }
}
