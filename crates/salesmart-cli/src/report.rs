//! How an error reads: what failed, why, where and in which state the data is, what to do next.
//!
//! ```text
//! error: failed to extract stream `deals` from connection `hubspot_prod`
//!   caused by: GET /crm/v3/objects/deals answered 403 Forbidden (missing scope)
//!   at pipelines/nightly.yml:6 · nothing was landed
//!
//! hint: grant `crm.objects.deals.read` to the private app
//! ```
//!
//! This is the only place that formats errors for people.

use std::fmt::Write;

use salesmart_core::Error;

use crate::style::Style;

/// The whole report of an error and those found beside it.
#[must_use]
pub fn render(error: &Error, style: Style) -> String {
    let mut all = Vec::new();
    flatten(error, &mut all);
    let mut report = String::new();
    for (place, error) in all.iter().enumerate() {
        if place > 0 {
            report.push('\n');
        }
        render_one(&mut report, error, style);
    }
    if all.len() > 1 {
        report.push('\n');
        report.push_str(&style.red(&format!("{} problems found", all.len())));
        report.push('\n');
    }
    report
}

/// An error and all that were found beside it or beside one of its causes.
fn flatten<'a>(error: &'a Error, all: &mut Vec<&'a Error>) {
    all.push(error);
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if let Some(cause) = cause.downcast_ref::<Error>() {
            for beside in cause.also() {
                flatten(beside, all);
            }
        }
        next = cause.source();
    }
    for beside in error.also() {
        flatten(beside, all);
    }
}

fn render_one(report: &mut String, error: &Error, style: Style) {
    line(report, &format!("{} ", style.red("error:")), error.message());
    for cause in error.causes() {
        line(report, &format!("  {} ", style.dim("caused by:")), &cause);
    }
    for (key, value) in facts(error) {
        line(report, &format!("  {} ", style.dim(&format!("{key}:"))), value);
    }
    let place = error.location().map(|location| format!("at {location}"));
    let where_and_state: Vec<&str> = place.as_deref().into_iter().chain(error.state()).collect();
    if !where_and_state.is_empty() {
        line(report, "  ", &where_and_state.join(" · "));
    }
    if let Some(hint) = error.hint() {
        report.push('\n');
        line(report, &format!("{} ", style.cyan("hint:")), hint);
    }
}

/// The facts of an error and of its causes, outermost first, each once.
fn facts(error: &Error) -> Vec<(&'static str, &str)> {
    let mut facts: Vec<(&'static str, &str)> = Vec::new();
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(cause) = cause.downcast_ref::<Error>() {
            for (key, value) in cause.context() {
                if !facts.contains(&(*key, value.as_str())) {
                    facts.push((key, value));
                }
            }
        }
        next = cause.source();
    }
    facts
}

/// One line, or several with the later ones indented under the first.
fn line(report: &mut String, label: &str, text: &str) {
    let mut lines = text.trim_end().lines();
    let first = lines.next().unwrap_or_default();
    writeln!(report, "{label}{first}").expect("writing to a string cannot fail");
    for later in lines {
        writeln!(report, "    {later}").expect("writing to a string cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use salesmart_core::{ErrorKind, Location};

    use super::*;

    fn forbidden() -> Error {
        Error::new(
            ErrorKind::Permission,
            "GET /crm/v3/objects/deals answered 403 Forbidden (missing scope)",
        )
        .with("scope", "crm.objects.deals.read")
        .wrap("failed to extract stream `deals` from connection `hubspot_prod`")
        .at(Location::line("pipelines/nightly.yml", 6))
        .with_state("nothing was landed, the cursor stays at 2026-11-22T05:00:00Z")
        .with_hint("grant `crm.objects.deals.read` to the private app, then run `salesmart check --connections`")
    }

    #[test]
    fn an_error_says_what_why_where_and_what_to_do() {
        insta::assert_snapshot!(render(&forbidden(), Style::PLAIN));
    }

    #[test]
    fn several_errors_come_one_after_the_other_and_are_counted() {
        let unknown = Error::configuration("`kye` is not a key of a stream")
            .with("expected", "`columns`, `key`, `path`")
            .at(Location::new("pipelines/nightly.yml", 9, 11))
            .with_hint("did you mean `key`?");
        let sql = Error::configuration("failed to plan `kpi.win_rate`")
            .with_source(Error::configuration("no column `amont`\nin: select amont from deal"))
            .with_state("nothing was run");
        let nested = Error::many(vec![sql, Error::configuration("there is no pipeline `nightyl`")])
            .expect("there are two")
            .wrap("failed to check the project");
        let all = Error::many(vec![unknown, nested]).expect("there are two");
        insta::assert_snapshot!(render(&all, Style::PLAIN));
    }

    #[test]
    fn colour_marks_the_labels_only() {
        let colored = render(&forbidden(), Style::new(crate::style::ColorChoice::Always, false));
        assert!(colored.starts_with("\u{1b}[1;31merror:\u{1b}[0m failed to extract"));
        assert!(colored.contains("\u{1b}[1;36mhint:\u{1b}[0m grant"));
        let mut plain = colored;
        for code in ["\u{1b}[1;31m", "\u{1b}[1;36m", "\u{1b}[2m", "\u{1b}[0m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, render(&forbidden(), Style::PLAIN));
    }
}
