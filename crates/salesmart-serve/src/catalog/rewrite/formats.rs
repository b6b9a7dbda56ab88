//! The patterns of `to_char`, `to_date` and `to_timestamp`: PostgreSQL writes `YYYY-MM-DD`, the
//! engine `%Y-%m-%d`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Value, VisitorMut,
};

use super::{called, text};

/// The longest first: `HH24` is not `HH` and `24`.
const PATTERNS: [(&str, &str); 26] = [
    ("HH24", "%H"),
    ("HH12", "%I"),
    ("YYYY", "%Y"),
    ("yyyy", "%Y"),
    ("IYYY", "%G"),
    ("Month", "%B"),
    ("hh24", "%H"),
    ("DDD", "%j"),
    ("Mon", "%b"),
    ("Day", "%A"),
    ("mm", "%m"),
    ("dd", "%d"),
    ("mi", "%M"),
    ("ss", "%S"),
    ("YY", "%y"),
    ("MM", "%m"),
    ("DD", "%d"),
    ("Dy", "%a"),
    ("HH", "%I"),
    ("MI", "%M"),
    ("SS", "%S"),
    ("MS", "%3f"),
    ("US", "%6f"),
    ("IW", "%V"),
    ("AM", "%p"),
    ("PM", "%p"),
];

/// Rewrites all of a statement.
pub(super) struct Formats;

impl VisitorMut for Formats {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let name = called(expr);
        if !matches!(name.as_deref(), Some("to_char" | "to_date" | "to_timestamp")) {
            return ControlFlow::Continue(());
        }
        if let Expr::Function(function) = expr
            && let FunctionArguments::List(list) = &mut function.args
            && let [_, FunctionArg::Unnamed(FunctionArgExpr::Expr(pattern))] =
                list.args.as_mut_slice()
            && let Expr::Value(value) = &*pattern
            && let Value::SingleQuotedString(said) = &value.value
            && !said.contains('%')
        {
            *pattern = text(&translated(said));
        }
        ControlFlow::Continue(())
    }
}

/// A pattern in the engine's words. What is in double quotes stands for itself.
fn translated(pattern: &str) -> String {
    let mut rest = pattern;
    let mut written = String::new();
    let mut quoted = false;
    while let Some(letter) = rest.chars().next() {
        if letter == '"' {
            quoted = !quoted;
            rest = &rest[1..];
            continue;
        }
        // `FM` asks for no padding, which is the habit of no reader that compares.
        if !quoted && let Some(after) = rest.strip_prefix("FM") {
            rest = after;
            continue;
        }
        let found = PATTERNS.iter().find(|(from, _)| !quoted && rest.starts_with(from));
        if let Some((from, to)) = found {
            written.push_str(to);
            rest = &rest[from.len()..];
        } else if !quoted && letter == 'Q' {
            written.push_str("%q");
            rest = &rest[1..];
        } else {
            written.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::translated;

    #[test]
    fn patterns_are_said_in_the_engines_words() {
        assert_eq!(translated("YYYY-MM-DD HH24:MI:SS"), "%Y-%m-%d %H:%M:%S");
        assert_eq!(translated("YYYY\"-Q\"Q"), "%Y-Q%q");
        assert_eq!(translated("Mon YYYY"), "%b %Y");
    }
}
