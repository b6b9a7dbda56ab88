//! A query in its plainest form. What is printed can be parsed, and is the same query.

use std::fmt::{self, Display, Write};

use super::{Condition, FieldSet, Function, Item, Literal, Path, Query};

impl Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SELECT ")?;
        list(f, &self.select)?;
        write!(f, " FROM {}", self.from.text)?;
        if let Some(filter) = &self.filter {
            write!(f, " WHERE {filter}")?;
        }
        if !self.group_by.is_empty() {
            f.write_str(" GROUP BY ")?;
            list(f, &self.group_by)?;
        }
        for (place, order) in self.order_by.iter().enumerate() {
            f.write_str(if place == 0 { " ORDER BY " } else { ", " })?;
            write!(f, "{} {}", order.path, if order.descending { "DESC" } else { "ASC" })?;
            match order.nulls_last {
                Some(true) => f.write_str(" NULLS LAST")?,
                Some(false) => f.write_str(" NULLS FIRST")?,
                None => {}
            }
        }
        if let Some(limit) = self.limit {
            write!(f, " LIMIT {limit}")?;
        }
        if let Some(offset) = self.offset {
            write!(f, " OFFSET {offset}")?;
        }
        Ok(())
    }
}

impl Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Field(path) => write!(f, "{path}"),
            Item::Figure { function, of, alias, .. } => {
                write!(f, "{function}(")?;
                if let Some(of) = of {
                    write!(f, "{of}")?;
                }
                f.write_char(')')?;
                alias.as_ref().map_or(Ok(()), |alias| write!(f, " {alias}"))
            }
            Item::Fields(set, _) => write!(
                f,
                "FIELDS({})",
                match set {
                    FieldSet::All => "ALL",
                    FieldSet::Standard => "STANDARD",
                    FieldSet::Custom => "CUSTOM",
                }
            ),
            Item::SubQuery(query, _) => write!(f, "({query})"),
        }
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Function::ALL.iter().find(|(function, _)| function == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::And(parts) => joined(f, parts, " AND "),
            Condition::Or(parts) => joined(f, parts, " OR "),
            Condition::Not(part) => {
                f.write_str("NOT ")?;
                part_of(f, part)
            }
            Condition::Compare { path, operator, literal } => {
                write!(f, "{path} {} {literal}", operator.text())
            }
            Condition::In { path, negated, literals } => {
                write!(f, "{path} {}IN (", if *negated { "NOT " } else { "" })?;
                list(f, literals)?;
                f.write_char(')')
            }
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Null => f.write_str("null"),
            Literal::Bool(value) => write!(f, "{value}"),
            Literal::Number(number) => {
                let sign = if number.unscaled < 0 { "-" } else { "" };
                let scale = number.scale as usize;
                let digits = format!("{:0>1$}", number.unscaled.unsigned_abs(), scale + 1);
                let (whole, fraction) = digits.split_at(digits.len() - scale);
                let point = if scale == 0 { "" } else { "." };
                write!(f, "{sign}{whole}{point}{fraction}")
            }
            Literal::Text(text) => quoted(f, text),
            Literal::Date(date) => write!(f, "{}", date.format("%Y-%m-%d")),
            Literal::Instant(at) => write!(f, "{}", at.format("%Y-%m-%dT%H:%M:%S%.fZ")),
            Literal::Named(name) => f.write_str(&name.text()),
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('\'')?;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => f.write_str("\\'")?,
            // A backslash before a wildcard is what the wildcard's escape was read as.
            '\\' if matches!(letters.peek(), Some('%' | '_')) => f.write_char('\\')?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            other => f.write_char(other)?,
        }
    }
    f.write_char('\'')
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Condition], by: &str) -> fmt::Result {
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            f.write_str(by)?;
        }
        part_of(f, part)?;
    }
    Ok(())
}

/// A part of something larger, in parentheses where it would be read otherwise.
fn part_of(f: &mut fmt::Formatter<'_>, part: &Condition) -> fmt::Result {
    match part {
        Condition::And(_) | Condition::Or(_) | Condition::Not(_) => write!(f, "({part})"),
        _ => write!(f, "{part}"),
    }
}

fn list<T: Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}
