//! `config/serve.yml`: who may read releases over the network, where, and how much.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use salesmart_core::suggest::{list, nearest};
use salesmart_core::yaml::{At, Node, Pairs};
use salesmart_core::{Error, ErrorKind, Location, Result, Secret, SecretRef};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

/// Where PostgreSQL's clients connect when nothing says otherwise. Not 5432, where a PostgreSQL
/// of the machine would be.
pub const POSTGRES: &str = "127.0.0.1:5433";
/// The schemas of a release, all of which a role sees that names none.
pub const SCHEMAS: [&str; 5] = ["mart", "kpi", "funnel", "forecast", "ops"];
/// The role of users that name none.
pub const READER: &str = "reader";

/// How releases are served.
#[derive(Clone, Debug)]
pub struct Serve {
    /// Where PostgreSQL's clients connect.
    pub postgres: Option<SocketAddr>,
    /// Where Arrow Flight SQL's clients connect.
    pub flight: Option<SocketAddr>,
    /// Where browsers connect.
    pub web: Option<SocketAddr>,
    /// Certificate and key.
    pub tls: Option<Tls>,
    /// How users prove who they are.
    pub authentication: Authentication,
    /// What all users together may use.
    pub limits: Limits,
    /// What users may see and use, by role.
    pub roles: BTreeMap<String, Role>,
    /// Who may connect.
    pub users: BTreeMap<String, User>,
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            postgres: POSTGRES.parse().ok(),
            flight: None,
            web: None,
            tls: None,
            authentication: Authentication::Scram,
            limits: Limits::default(),
            roles: BTreeMap::from([(READER.to_owned(), Role::default())]),
            users: BTreeMap::new(),
        }
    }
}

/// Encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// Whether connections without it are refused.
    pub required: bool,
}

/// How users prove who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// By a password, with SCRAM-SHA-256: it does not cross the network.
    #[default]
    Scram,
    /// Not at all: whoever reaches the port reads everything, under any name.
    TrustEverybodyWhoReachesThePort,
}

/// What all users together may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections.
    pub connections: usize,
    /// Statements that run at a time; more wait for their turn.
    pub statements: usize,
    /// Bytes of all statements together.
    pub memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 300, statements: 64, memory: 4 << 30 }
    }
}

/// What the users of a role may see and use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The schemas they see.
    pub schemas: Vec<String>,
    /// How long a statement may run.
    pub statement_timeout: Option<Duration>,
    /// Bytes of one statement.
    pub memory: usize,
    /// Rows that one statement may return.
    pub rows: Option<u64>,
    /// Open connections of each user.
    pub connections: usize,
    /// Statements of each user that run at a time; more wait for their turn.
    pub statements: usize,
}

impl Default for Role {
    fn default() -> Self {
        Self {
            schemas: SCHEMAS.map(str::to_owned).to_vec(),
            statement_timeout: Some(Duration::from_secs(300)),
            memory: 1 << 30,
            rows: None,
            connections: 250,
            statements: 8,
        }
    }
}

/// Who may connect.
#[derive(Clone, Debug)]
pub struct User {
    /// The role, a key of [`Serve::roles`].
    pub role: String,
    /// The password, or its SCRAM verifier as PostgreSQL writes it; `None` where nobody is asked.
    pub password: Option<At<Secret>>,
}

/// The file as it is written. Its doc comments are the reference and the JSON Schema.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "How a Salesmart project serves its releases", inline)]
pub(crate) struct ServeFile {
    /// PostgreSQL's wire protocol. By default at `127.0.0.1:5433`.
    postgres: Option<ListenerFile>,
    /// Arrow Flight SQL. Off where the section is missing.
    flight: Option<ListenerFile>,
    /// The documentation as a web site. Off where the section is missing.
    web: Option<ListenerFile>,
    /// Encryption of all ports. Without it, passwords are safe, and figures can be read on the way.
    tls: Option<TlsFile>,
    /// How users prove who they are: `scram` (the default), by a password; or
    /// `trust_everybody_who_reaches_the_port`, not at all.
    #[serde(default)]
    authentication: Authentication,
    /// What all users together may use.
    #[serde(default)]
    limits: LimitsFile,
    /// What users may see and use, by role. By default there is one, `reader`, that sees all.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, RoleFile>")]
    roles: Pairs<At<String>, RoleFile>,
    /// Who may connect.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, UserFile>")]
    users: Pairs<At<String>, At<UserFile>>,
}

/// Where clients connect.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Listener")]
struct ListenerFile {
    /// Address and port, such as `127.0.0.1:5433`, or `0.0.0.0:5433` for all networks. Port 0 takes
    /// a free one.
    #[schemars(with = "String")]
    listen: At<String>,
}

/// Encryption.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Tls")]
struct TlsFile {
    /// The certificate with those of its issuers, PEM; seen from the project folder.
    #[schemars(with = "String")]
    certificate: At<String>,
    /// Its private key, PEM; seen from the project folder.
    #[schemars(with = "String")]
    key: At<String>,
    /// Whether connections without encryption are refused. By default they are.
    #[serde(default = "yes")]
    required: bool,
}

fn yes() -> bool {
    true
}

/// What all users together may use.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Limits")]
struct LimitsFile {
    /// Open connections. By default 300.
    #[schemars(with = "Option<u32>", range(min = 1))]
    connections: Option<At<Count>>,
    /// Statements that run at a time; more wait for their turn. By default 64.
    #[schemars(with = "Option<u32>", range(min = 1))]
    statements: Option<At<Count>>,
    /// Memory of all statements together, such as `4 GB`, which is the default.
    #[schemars(with = "Option<String>")]
    memory: Option<At<Bytes>>,
}

/// What the users of a role may see and use.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Role")]
struct RoleFile {
    /// The schemas they see. By default all: `mart`, `kpi`, `funnel`, `forecast`, `ops`.
    #[schemars(with = "Option<Vec<String>>")]
    schemas: Option<At<Vec<At<String>>>>,
    /// How long a statement may run, such as `30s`, `5m` (the default) or `none`.
    #[schemars(with = "Option<String>")]
    statement_timeout: Option<At<Timeout>>,
    /// Memory of one statement, such as `512 MB`. By default 1 GB.
    #[schemars(with = "Option<String>")]
    memory: Option<At<Bytes>>,
    /// Rows that one statement may return. By default as many as there are.
    #[schemars(with = "Option<u64>", range(min = 1))]
    rows: Option<At<Count>>,
    /// Open connections of each user. By default 250.
    #[schemars(with = "Option<u32>", range(min = 1))]
    connections: Option<At<Count>>,
    /// Statements of each user that run at a time; more wait for their turn. By default 8.
    #[schemars(with = "Option<u32>", range(min = 1))]
    statements: Option<At<Count>>,
}

/// Who may connect.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "User")]
struct UserFile {
    /// The user's role. By default `reader`.
    #[schemars(with = "Option<String>")]
    role: Option<At<String>>,
    /// `${NAME}` or `file:PATH`: the password, or what `salesmart serve hash-password` made of it.
    #[schemars(with = "Option<SecretRef>")]
    password: Option<At<SecretRef>>,
}

/// A whole number above 0.
#[derive(Clone, Copy)]
struct Count(usize);

impl FromStr for Count {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.replace('_', "").parse() {
            Ok(count) if count > 0 => Ok(Self(count)),
            _ => Err(Error::configuration(format!("`{text}` is not a limit"))
                .with("expected", "a whole number above 0")),
        }
    }
}

/// An amount of memory.
#[derive(Clone, Copy)]
struct Bytes(usize);

impl FromStr for Bytes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unfit = || {
            Error::configuration(format!("`{text}` is not an amount of memory"))
                .with("expected", "a whole number and its unit, such as `512 MB` or `4 GB`")
        };
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let shift = match unit.trim().to_ascii_lowercase().as_str() {
            "kb" | "kib" => 10,
            "mb" | "mib" => 20,
            "gb" | "gib" => 30,
            _ => return Err(unfit()),
        };
        let number: usize = number.parse().map_err(|_| unfit())?;
        number.checked_mul(1 << shift).filter(|bytes| *bytes > 0).map(Self).ok_or_else(unfit)
    }
}

/// How long a statement may run.
#[derive(Clone, Copy)]
struct Timeout(Option<Duration>);

impl FromStr for Timeout {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "none" {
            return Ok(Self(None));
        }
        let unfit = || {
            Error::configuration(format!("`{text}` is not a length of time"))
                .with("expected", "a whole number and its unit, such as `30s` or `5m`, or `none`")
        };
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| unfit())?;
        let seconds = match unit {
            "s" => Some(number),
            "m" => number.checked_mul(60),
            "h" => number.checked_mul(3600),
            _ => None,
        };
        let seconds = seconds.filter(|s| (1..=7 * 86_400).contains(s)).ok_or_else(unfit)?;
        Ok(Self(Some(Duration::from_secs(seconds))))
    }
}

macro_rules! decoded_from_text {
    ($($type:ty),*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
decoded_from_text!(Count, Bytes, Timeout);

impl Serve {
    /// Decodes the file; variables are replaced already, and `read` gives what is in a file that
    /// holds a secret.
    pub(crate) fn decode(
        node: &Node,
        root: &Path,
        read: impl Fn(&str) -> Result<String>,
    ) -> Result<Self> {
        let file: ServeFile = node.decode()?;
        let mut problems = Vec::new();
        let mut address = |section: Option<ListenerFile>| {
            let listen = section?.listen;
            match listen.value.parse() {
                Ok(address) => Some(address),
                Err(_) => {
                    problems.push(
                        Error::configuration(format!(
                            "`{}` is not an address to listen at",
                            listen.value
                        ))
                        .with("expected", "a number and a port, such as `127.0.0.1:5433`")
                        .at(listen.location),
                    );
                    None
                }
            }
        };
        let postgres = match file.postgres {
            Some(section) => address(Some(section)),
            None => POSTGRES.parse().ok(),
        };
        let (flight, web) = (address(file.flight), address(file.web));
        let default = Limits::default();
        let limits = Limits {
            connections: file.limits.connections.map_or(default.connections, |at| at.value.0),
            statements: file.limits.statements.map_or(default.statements, |at| at.value.0),
            memory: file.limits.memory.map_or(default.memory, |at| at.value.0),
        };
        let mut roles = BTreeMap::new();
        for (name, role) in file.roles {
            problems.extend(unusable("role", &name));
            let role = role.finish(&mut problems);
            if roles.insert(name.value.clone(), role).is_some() {
                problems.push(twice("role", &name));
            }
        }
        if !roles.contains_key(READER) {
            roles.insert(READER.to_owned(), Role::default());
        }
        let mut users = BTreeMap::new();
        for (name, user) in file.users {
            problems.extend(unusable("user", &name));
            match user.value.finish(&name, &user.location, &roles, file.authentication, &read) {
                Ok(user) => {
                    if users.insert(name.value.clone(), user).is_some() {
                        problems.push(twice("user", &name));
                    }
                }
                Err(error) => problems.push(error),
            }
        }
        match Error::many(problems) {
            Some(error) => Err(error),
            None => Ok(Self {
                postgres,
                flight,
                web,
                tls: file.tls.map(|tls| Tls {
                    certificate: root.join(tls.certificate.value),
                    key: root.join(tls.key.value),
                    required: tls.required,
                }),
                authentication: file.authentication,
                limits,
                roles,
                users,
            }),
        }
    }
}

fn twice(what: &str, name: &At<String>) -> Error {
    Error::configuration(format!("the {what} `{}` is written twice", name.value))
        .at(name.location.clone())
}

/// Why a role or user cannot be called so.
fn unusable(what: &str, name: &At<String>) -> Option<Error> {
    let text = &name.value;
    let usable = !text.is_empty() && text.len() <= 63 && !text.chars().any(char::is_control);
    if usable {
        return None;
    }
    Some(
        Error::configuration(format!("`{}` is not a usable {what} name", text.escape_debug()))
            .with("expected", "at most 63 characters that can be seen")
            .at(name.location.clone()),
    )
}

impl RoleFile {
    fn finish(self, problems: &mut Vec<Error>) -> Role {
        let default = Role::default();
        let schemas = match self.schemas {
            None => default.schemas,
            Some(schemas) => {
                for schema in &schemas.value {
                    if !SCHEMAS.contains(&schema.value.as_str()) {
                        let error = Error::configuration(format!(
                            "releases have no schema `{}`",
                            schema.value
                        ))
                        .with("expected", list(SCHEMAS))
                        .at(schema.location.clone());
                        problems.push(match nearest(&schema.value, SCHEMAS) {
                            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                            None => error,
                        });
                    }
                }
                if schemas.value.is_empty() {
                    problems.push(
                        Error::configuration("a role that sees no schema can read nothing")
                            .with("expected", list(SCHEMAS))
                            .at(schemas.location),
                    );
                }
                schemas.value.into_iter().map(|schema| schema.value).collect()
            }
        };
        Role {
            schemas,
            statement_timeout: self
                .statement_timeout
                .map_or(default.statement_timeout, |at| at.value.0),
            memory: self.memory.map_or(default.memory, |at| at.value.0),
            rows: self.rows.map_or(default.rows, |at| Some(at.value.0 as u64)),
            connections: self.connections.map_or(default.connections, |at| at.value.0),
            statements: self.statements.map_or(default.statements, |at| at.value.0),
        }
    }
}

impl UserFile {
    fn finish(
        self,
        name: &At<String>,
        location: &Location,
        roles: &BTreeMap<String, Role>,
        authentication: Authentication,
        read: impl Fn(&str) -> Result<String>,
    ) -> Result<User> {
        let role = match self.role {
            None => READER.to_owned(),
            Some(role) if roles.contains_key(&role.value) => role.value,
            Some(role) => {
                let known = || roles.keys().map(String::as_str);
                let error = Error::configuration(format!("there is no role `{}`", role.value))
                    .with("expected", list(known()))
                    .at(role.location);
                return Err(match nearest(&role.value, known()) {
                    Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                    None => error.with_hint("add it under `roles`"),
                });
            }
        };
        let password = match self.password {
            Some(secret) => {
                let value = secret
                    .value
                    .resolve_with(read)
                    .map_err(|error| error.at(secret.location.clone()))?;
                Some(At::new(value, secret.location))
            }
            None if authentication == Authentication::Scram => {
                return Err(Error::configuration(format!(
                    "the user `{}` has no password",
                    name.value
                ))
                .with("expected", "`password: ${NAME}` or `password: file:PATH`")
                .at(location.clone())
                .with_hint("`salesmart serve hash-password` makes a text that may lie in a file"));
            }
            None => None,
        };
        Ok(User { role, password })
    }
}

/// The content of a file that holds a secret, without the line end at its end.
pub(crate) fn read_secret(root: &Path, path: &str) -> Result<String> {
    let failed = |kind, why: String| {
        Error::new(kind, format!("failed to read a secret from the file `{path}`: {why}"))
            .with_hint("`file:PATH` is seen from the project folder")
    };
    let text = std::fs::read_to_string(root.join(path)).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::PermissionDenied => ErrorKind::Permission,
            _ => ErrorKind::Configuration,
        };
        failed(kind, error.to_string())
    })?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(failed(ErrorKind::Configuration, "it is empty".to_owned()));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
