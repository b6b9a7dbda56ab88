//! What a session can set and show.

use std::collections::HashMap;
use std::time::Duration;

use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectName, Value};

use crate::catalog::SERVER_VERSION;
use crate::engine::{Database, Failure, code};

/// The setting that names the release a session reads.
pub(super) const RELEASE: &str = "salesmart.release";
/// What stands for the release that is current, whichever that is.
const CURRENT: &str = "current";

/// Settings with their defaults; those with a name in the third place are told to clients when they
/// change.
const KNOWN: [(&str, &str, Option<&str>); 46] = [
    ("application_name", "", Some("application_name")),
    ("array_nulls", "on", None),
    ("backslash_quote", "safe_encoding", None),
    ("bytea_output", "hex", None),
    ("check_function_bodies", "on", None),
    ("client_encoding", "UTF8", Some("client_encoding")),
    ("client_min_messages", "notice", None),
    ("datestyle", "ISO, MDY", Some("DateStyle")),
    ("default_table_access_method", "heap", None),
    ("default_tablespace", "", None),
    ("default_text_search_config", "pg_catalog.english", None),
    ("default_transaction_deferrable", "off", None),
    ("default_transaction_isolation", "repeatable read", None),
    ("default_transaction_read_only", "on", Some("default_transaction_read_only")),
    ("escape_string_warning", "on", None),
    ("extra_float_digits", "1", None),
    ("geqo", "on", None),
    ("idle_in_transaction_session_timeout", "0", None),
    ("idle_session_timeout", "0", None),
    ("in_hot_standby", "on", Some("in_hot_standby")),
    ("integer_datetimes", "on", Some("integer_datetimes")),
    ("intervalstyle", "postgres", Some("IntervalStyle")),
    ("is_superuser", "off", Some("is_superuser")),
    ("jit", "off", None),
    ("lc_collate", "C", None),
    ("lc_ctype", "C", None),
    ("lc_messages", "C", None),
    ("lc_monetary", "C", None),
    ("lc_numeric", "C", None),
    ("lc_time", "C", None),
    ("lock_timeout", "0", None),
    ("max_identifier_length", "63", None),
    ("row_security", "on", None),
    ("search_path", "kpi", None),
    ("server_encoding", "UTF8", Some("server_encoding")),
    ("server_version", SERVER_VERSION, Some("server_version")),
    ("session_authorization", "", Some("session_authorization")),
    ("standard_conforming_strings", "on", Some("standard_conforming_strings")),
    ("statement_timeout", "0", None),
    ("synchronous_commit", "on", None),
    ("timezone", "Etc/UTC", Some("TimeZone")),
    ("transaction_deferrable", "off", None),
    ("transaction_isolation", "repeatable read", None),
    ("transaction_read_only", "on", None),
    ("work_mem", "4MB", None),
    ("xmloption", "content", None),
];

/// Settings that say how the server is, and cannot be changed by a session.
const FIXED: [&str; 9] = [
    "in_hot_standby",
    "integer_datetimes",
    "is_superuser",
    "lc_collate",
    "lc_ctype",
    "max_identifier_length",
    "server_encoding",
    "server_version",
    "session_authorization",
];

/// The settings of one session.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// Those that are not at their default.
    values: HashMap<String, String>,
    /// What the session began with, to which `RESET` returns.
    initial: HashMap<String, String>,
}

fn known(name: &str) -> Option<&'static (&'static str, &'static str, Option<&'static str>)> {
    KNOWN.iter().find(|(known, ..)| *known == name)
}

impl Settings {
    /// Says whose session it is.
    pub(super) fn as_user(&mut self, user: &str) {
        self.values.insert("session_authorization".to_owned(), user.to_owned());
    }

    /// Makes what is set now what `RESET` returns to.
    pub(super) fn begin(&mut self) {
        self.initial = self.values.clone();
    }

    /// The values that are not at their default, under pgwire's names.
    pub(super) fn values(&self) -> &HashMap<String, String> {
        &self.values
    }

    /// What a setting is.
    ///
    /// # Errors
    /// 42704 when there is no such setting.
    pub(super) fn get(&self, name: &str) -> Result<String, Failure> {
        let name = name.to_ascii_lowercase();
        if let Some(value) = self.values.get(&name) {
            return Ok(value.clone());
        }
        match (known(&name), name.as_str()) {
            (Some((_, default, _)), _) => Ok((*default).to_owned()),
            (None, RELEASE) => Ok(CURRENT.to_owned()),
            (None, "server_version_num") => {
                let mut parts = SERVER_VERSION.split('.');
                let mut part = || parts.next().and_then(|p| p.parse::<u32>().ok()).unwrap_or(0);
                Ok((part() * 10_000 + part()).to_string())
            }
            _ => Err(unknown(&name)),
        }
    }

    /// Changes a setting; `None` returns it to what it was at first. Gives the name and value that
    /// the client is told.
    ///
    /// # Errors
    /// When there is no such setting, it cannot be changed, or the value does not fit.
    pub(super) fn set(
        &mut self,
        name: &str,
        value: Option<&str>,
    ) -> Result<Option<(String, String)>, Failure> {
        let name = name.to_ascii_lowercase();
        if FIXED.contains(&name.as_str()) && value.is_some() {
            return Err(Failure::new("55P02", format!("parameter \"{name}\" cannot be changed")));
        }
        let custom = name.contains('.');
        let entry = known(&name);
        if entry.is_none() && !custom {
            return Err(unknown(&name));
        }
        if let Some(value) = value {
            check(&name, value)?;
            self.values.insert(name.clone(), value.to_owned());
        } else if let Some(initial) = self.initial.get(&name) {
            self.values.insert(name.clone(), initial.clone());
        } else {
            self.values.remove(&name);
        }
        let Some((_, _, Some(told))) = entry else { return Ok(None) };
        Ok(Some(((*told).to_owned(), self.get(&name)?)))
    }

    /// Returns everything to what it was at first. Gives what the client is told.
    pub(super) fn reset(&mut self) -> Vec<(String, String)> {
        let before = std::mem::replace(&mut self.values, self.initial.clone());
        let mut told = Vec::new();
        for name in before.keys().filter(|name| before.get(*name) != self.values.get(*name)) {
            if let Some((_, _, Some(shown))) = known(name)
                && let Ok(value) = self.get(name)
            {
                told.push(((*shown).to_owned(), value));
            }
        }
        told
    }

    /// All settings with their values, by name.
    pub(super) fn all(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = KNOWN
            .iter()
            .map(|(name, ..)| *name)
            .chain([RELEASE])
            .filter_map(|name| Some((name.to_owned(), self.get(name).ok()?)))
            .collect();
        all.sort();
        all
    }

    /// What clients are told at the beginning.
    pub(super) fn told(&self) -> Vec<(String, String)> {
        KNOWN
            .iter()
            .filter_map(|(name, _, told)| Some(((*told)?.to_owned(), self.get(name).ok()?)))
            .collect()
    }

    /// The release that the session asks for, where it does not follow the current one.
    pub(super) fn release(&self) -> Option<Database> {
        self.values.get(RELEASE).and_then(|value| release(value).ok().flatten())
    }

    /// How long a statement may run, by the session's own wish.
    pub(super) fn statement_timeout(&self) -> Option<Duration> {
        let value = self.values.get("statement_timeout")?;
        duration(value).filter(|timeout| !timeout.is_zero())
    }

    /// The schemas in which names without one are looked up, in order.
    pub(super) fn search_path(&self) -> Vec<String> {
        let path = self.values.get("search_path").map_or("", String::as_str);
        path.split(',')
            .map(|schema| schema.trim().trim_matches('"').to_owned())
            .filter(|schema| !schema.is_empty())
            .collect()
    }
}

fn unknown(name: &str) -> Failure {
    Failure::new(code::UNDEFINED_OBJECT, format!("unrecognized configuration parameter \"{name}\""))
}

/// Which release a value names; `None` is the current one.
fn release(value: &str) -> Result<Option<Database>, Failure> {
    if value.is_empty() || value.eq_ignore_ascii_case(CURRENT) {
        return Ok(None);
    }
    let id = value.parse().map_err(|_| {
        Failure::new(code::INVALID_PARAMETER, format!("\"{value}\" is not a release"))
            .with_hint("Write its id, such as 'r000042', or 'current'.")
    })?;
    Ok(Some(Database::Release(id)))
}

fn check(name: &str, value: &str) -> Result<(), Failure> {
    let unfit = |hint: &str| {
        let message = format!("invalid value for parameter \"{name}\": \"{value}\"");
        Err(Failure::new(code::INVALID_PARAMETER, message).with_hint(hint))
    };
    let plain = value.to_ascii_lowercase().replace(['-', '_', '\'', '"'], "");
    match name {
        RELEASE => release(value).map(|_| ()),
        "statement_timeout" if duration(value).is_none() => {
            unfit("Write milliseconds, or a unit: ms, s, min, h.")
        }
        "client_encoding" if !["utf8", "unicode", "sqlascii"].contains(&plain.as_str()) => {
            unfit("This server speaks UTF8 only.")
        }
        "timezone" if !can_be_zone(value) => {
            unfit("Write the name of a zone, such as Europe/Berlin, or an offset, such as +02:00.")
        }
        _ => Ok(()),
    }
}

/// Whether a text can be a time zone, as far as that can be told without the list of zones.
fn can_be_zone(text: &str) -> bool {
    let usable = |c: char| c.is_ascii_alphanumeric() || "_+-/:".contains(c);
    !text.is_empty() && text.len() <= 64 && text.chars().all(usable)
}

/// `5000`, `5s`, `1min`: as PostgreSQL writes lengths of time.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let factor = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(factor).map(Duration::from_millis)
}

/// A setting's name as `SET` writes it.
pub(super) fn name_of(name: &ObjectName) -> String {
    name.to_string().replace(['"', '`'], "").to_ascii_lowercase()
}

/// A setting's name as `SHOW` writes it.
pub(super) fn shown_name(words: &[Ident]) -> String {
    let words: Vec<String> = words.iter().map(|word| word.value.to_ascii_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["time", "zone"] => "timezone".to_owned(),
        ["transaction", "isolation", "level"] => "transaction_isolation".to_owned(),
        // The parser takes `SESSION` for a word about the setting.
        ["session", "authorization"] | ["authorization"] => "session_authorization".to_owned(),
        words => words.join("."),
    }
}

/// The value that `SET` gives; `None` is `DEFAULT`.
pub(super) fn value_of(values: &[Expr]) -> Option<String> {
    let texts: Vec<String> = values.iter().map(text_of).collect();
    let text = texts.join(", ");
    (!text.eq_ignore_ascii_case("default")).then_some(text)
}

fn text_of(value: &Expr) -> String {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text)
            | Value::DoubleQuotedString(text)
            | Value::EscapedStringLiteral(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::Identifier(word) => word.value.clone(),
        other => other.to_string().trim_matches(['\'', '"']).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_set_shown_and_reset() {
        let mut settings = Settings::default();
        assert_eq!(settings.get("DateStyle").unwrap(), "ISO, MDY");
        let told = settings.set("DateStyle", Some("German")).unwrap();
        assert_eq!(told, Some(("DateStyle".to_owned(), "German".to_owned())));
        assert_eq!(settings.reset(), [("DateStyle".to_owned(), "ISO, MDY".to_owned())]);
        assert_eq!(settings.get("nope").unwrap_err().code, code::UNDEFINED_OBJECT);
        assert_eq!(settings.set("nope", Some("1")).unwrap_err().code, code::UNDEFINED_OBJECT);
        assert_eq!(settings.set("server_version", Some("9")).unwrap_err().code, "55P02");
        assert!(settings.set("myapp.user", Some("ada")).unwrap().is_none());
        assert_eq!(settings.get("myapp.user").unwrap(), "ada");
    }

    #[test]
    fn a_release_is_named_by_its_id() {
        let mut settings = Settings::default();
        assert_eq!(settings.release(), None);
        settings.set(RELEASE, Some("r000042")).unwrap();
        assert_eq!(settings.release().unwrap().to_string(), "r000042");
        settings.set(RELEASE, Some("current")).unwrap();
        assert_eq!(settings.release(), None);
        assert!(settings.set(RELEASE, Some("yesterday")).is_err());
        assert_eq!(settings.get(RELEASE).unwrap(), CURRENT);
    }

    #[test]
    fn lengths_of_time_are_read_as_postgresql_reads_them() {
        let read = |text| duration(text).map(|d| d.as_millis());
        assert_eq!(read("250"), Some(250));
        assert_eq!(read("5s"), Some(5_000));
        assert_eq!(read("2 min"), Some(120_000));
        assert_eq!(read("0"), Some(0));
        assert_eq!(read("soon"), None);
        assert_eq!(read("99999999999999999999"), None);
        assert_eq!(read("18446744073709551615h"), None, "it does not wrap around");
    }
}
