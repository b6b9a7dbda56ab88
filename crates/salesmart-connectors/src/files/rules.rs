//! What a column's declaration asks of each value: trim, replace, recognise null, parse.

use std::collections::HashMap;

use salesmart_core::yaml::At;
use salesmart_core::{ColumnType, Error, Location};
use serde_json::json;

use super::config::ColumnFields;
use super::dates::{DateError, DateFormat, TimestampFormat};
use super::numbers::{NumberError, NumberFormat};

/// One column, checked.
#[derive(Clone, Debug)]
pub(super) struct ColumnRule {
    /// Its name in the table.
    pub name: String,
    /// Its name in the source.
    pub source: String,
    /// Its type.
    pub column_type: ColumnType,
    /// How its text is read.
    pub parser: Parser,
    /// Texts that mean null.
    pub null_tokens: Vec<Vec<u8>>,
    /// Replacements, in the order they are declared: from, to.
    pub replacements: Vec<(String, Option<String>)>,
    /// Where to find a text among the replacements.
    pub lookup: HashMap<Vec<u8>, usize>,
    /// Where it is declared.
    pub location: Location,
    /// The format as it is declared, for the fingerprint and for messages.
    format: Option<String>,
}

/// How a text becomes a value.
#[derive(Clone, Debug)]
pub(super) enum Parser {
    /// As it is.
    String,
    /// [`super::numbers::parse_int64`].
    Int64(NumberFormat),
    /// [`super::numbers::parse_float64`].
    Float64(NumberFormat),
    /// [`super::numbers::parse_decimal`] with precision and scale.
    Decimal(NumberFormat, u8, u8),
    /// A day.
    Date(DateFormat),
    /// An instant.
    Timestamp(TimestampFormat),
    /// The texts for true and for false; none: `true` and `false` in any letter case.
    Boolean(Option<(Vec<String>, Vec<String>)>),
}

impl ColumnRule {
    /// Checks a column's declaration; all its problems at once.
    pub(super) fn new(
        name: &At<String>,
        fields: &ColumnFields,
        null_tokens: &[String],
    ) -> Result<Self, Vec<Error>> {
        let mut problems = misplaced_options(fields);
        let parser = parser(name, fields, &mut problems);
        let mut rule = Self {
            name: name.value.clone(),
            source: fields
                .from
                .as_ref()
                .map_or_else(|| name.value.clone(), |from| from.value.clone()),
            column_type: fields.column_type,
            parser: parser.unwrap_or(Parser::String),
            null_tokens: null_tokens.iter().map(|token| token.as_bytes().to_vec()).collect(),
            replacements: Vec::new(),
            lookup: HashMap::new(),
            location: name.location.clone(),
            format: fields.format.as_ref().map(|format| format.value.clone()),
        };
        for (from, to) in &fields.map {
            // A replacement that does not fit would reject every row it was meant to repair.
            if problems.is_empty()
                && let Some(to) = to
                && let Err(reason) = rule.check(to.as_bytes())
            {
                let error =
                    Error::configuration(format!("the replacement `{to}` does not fit: {reason}"));
                problems.push(error.at(from.location.clone()));
            }
            rule.lookup.insert(from.value.clone().into_bytes(), rule.replacements.len());
            rule.replacements.push((from.value.clone(), to.clone()));
        }
        if problems.is_empty() { Ok(rule) } else { Err(problems) }
    }

    /// Whether spaces around the text are part of the value.
    pub(super) fn keeps_spaces(&self) -> bool {
        matches!(self.parser, Parser::String)
    }

    /// Whether a text can be read, without keeping the value.
    fn check(&self, text: &[u8]) -> Result<(), String> {
        super::builder::ColumnBuilder::new(self.column_type, 1)
            .append(&self.parser, text)
            .map_err(|misfit| misfit.reason(self))
    }

    /// What the rule depends on, for the fingerprint.
    pub(super) fn describe(&self) -> serde_json::Value {
        let (numbers, booleans) = match &self.parser {
            Parser::Int64(f) | Parser::Float64(f) | Parser::Decimal(f, ..) => (Some(f), None),
            Parser::Boolean(values) => (None, values.as_ref()),
            _ => (None, None),
        };
        let tokens: Vec<_> =
            self.null_tokens.iter().map(|token| String::from_utf8_lossy(token)).collect();
        json!({
            "name": self.name,
            "from": self.source,
            "type": self.column_type.to_string(),
            "numbers": numbers,
            "booleans": booleans,
            "format": self.format,
            "null_tokens": tokens,
            "map": self.replacements,
        })
    }

    /// Why a number does not fit, in words.
    pub(super) fn number_reason(&self, error: NumberError) -> String {
        let format = match &self.parser {
            Parser::Int64(format) | Parser::Float64(format) | Parser::Decimal(format, ..) => format,
            _ => &NumberFormat::PLAIN,
        };
        let written = match format.thousands {
            Some(thousands) => {
                format!("`{}` before decimals, `{thousands}` between thousands", format.decimal)
            }
            None => format!("`{}` before decimals, nothing between thousands", format.decimal),
        };
        match (error, self.column_type) {
            (NumberError::NotANumber, _) => format!("not a number (declared: {written})"),
            (NumberError::Grouping, _) => {
                format!(
                    "thousands separators do not stand between groups of three digits (declared: {written})"
                )
            }
            (NumberError::TooManyDecimals, ColumnType::Decimal(_, scale)) => {
                format!("more than {scale} decimals, and nothing is rounded")
            }
            (NumberError::TooManyDecimals, column_type) => {
                format!("{column_type} holds no decimals, and nothing is rounded")
            }
            (NumberError::TooLarge, column_type) => format!("too large for {column_type}"),
        }
    }

    /// Why a day or an instant does not fit, in words.
    pub(super) fn date_reason(&self, error: DateError) -> String {
        let (what, default) = match self.column_type {
            ColumnType::Date => ("day", "%Y-%m-%d"),
            _ => ("time", "ISO 8601"),
        };
        let format = self.format.as_deref().unwrap_or(default);
        match error {
            DateError::Form => format!("not a {what} of the form `{format}`"),
            DateError::Calendar => format!("there is no such {what}"),
            DateError::TooPrecise => {
                "more precise than a microsecond, and nothing is rounded".to_owned()
            }
        }
    }
}

fn parser(name: &At<String>, fields: &ColumnFields, problems: &mut Vec<Error>) -> Option<Parser> {
    let numbers = number_format(fields, problems);
    let format = fields.format.as_ref().map(|format| format.value.as_str());
    let mut unusable = |why: String| {
        let place = fields.format.as_ref().map_or(&name.location, |format| &format.location);
        let error = Error::configuration(format!(
            "`{}` is not a usable format: {why}",
            format.unwrap_or_default()
        ))
        .with("expected", "a `strftime` format such as `%d-%m-%Y` or `%m/%d/%Y %H:%M:%S`")
        .at(place.clone());
        problems.push(error);
    };
    Some(match fields.column_type {
        ColumnType::String => Parser::String,
        ColumnType::Int64 => Parser::Int64(numbers),
        ColumnType::Float64 => Parser::Float64(numbers),
        ColumnType::Decimal(precision, scale) => {
            Parser::Decimal(numbers, precision, scale.unsigned_abs())
        }
        ColumnType::Date => Parser::Date(DateFormat::declared(format).map_err(&mut unusable).ok()?),
        ColumnType::Timestamp => {
            Parser::Timestamp(TimestampFormat::declared(format).map_err(&mut unusable).ok()?)
        }
        ColumnType::Boolean => Parser::Boolean(booleans(name, fields, problems)),
    })
}

fn number_format(fields: &ColumnFields, problems: &mut Vec<Error>) -> NumberFormat {
    let format = NumberFormat {
        decimal: fields.decimal_separator.as_ref().map_or('.', |separator| separator.value),
        thousands: fields.thousands_separator.as_ref().map(|separator| separator.value),
    };
    for separator in [&fields.decimal_separator, &fields.thousands_separator].into_iter().flatten()
    {
        if separator.value.is_ascii_alphanumeric() || matches!(separator.value, '+' | '-') {
            let error =
                Error::configuration(format!("`{}` cannot separate digits", separator.value));
            problems.push(error.at(separator.location.clone()));
        }
    }
    if let Some(thousands) = &fields.thousands_separator
        && thousands.value == format.decimal
    {
        let error = Error::configuration("decimals and thousands have the same separator")
            .at(thousands.location.clone())
            .with_hint("declare `decimal_separator` too: its default is `.`");
        problems.push(error);
    }
    format
}

fn booleans(
    name: &At<String>,
    fields: &ColumnFields,
    problems: &mut Vec<Error>,
) -> Option<(Vec<String>, Vec<String>)> {
    match (&fields.true_values, &fields.false_values) {
        (None, None) => None,
        (Some(yes), Some(no)) => {
            if let Some(both) = yes.value.iter().find(|value| no.value.contains(value)) {
                let error = Error::configuration(format!("`{both}` means true and false"));
                problems.push(error.at(no.location.clone()));
            }
            Some((yes.value.clone(), no.value.clone()))
        }
        _ => {
            let error = Error::configuration("`true_values` and `false_values` belong together")
                .at(name.location.clone())
                .with_hint("declare both, such as `true_values: [Y], false_values: [N]`");
            problems.push(error);
            None
        }
    }
}

/// Options that the column's type has no use for.
fn misplaced_options(fields: &ColumnFields) -> Vec<Error> {
    let column_type = fields.column_type;
    let is_number =
        matches!(column_type, ColumnType::Int64 | ColumnType::Float64 | ColumnType::Decimal(..));
    let is_time = matches!(column_type, ColumnType::Date | ColumnType::Timestamp);
    let is_boolean = column_type == ColumnType::Boolean;
    let separator = |at: &Option<At<char>>| at.as_ref().map(|at| at.location.clone());
    let values = |at: &Option<At<Vec<String>>>| at.as_ref().map(|at| at.location.clone());
    [
        ("decimal_separator", is_number, separator(&fields.decimal_separator)),
        ("thousands_separator", is_number, separator(&fields.thousands_separator)),
        ("format", is_time, fields.format.as_ref().map(|format| format.location.clone())),
        ("true_values", is_boolean, values(&fields.true_values)),
        ("false_values", is_boolean, values(&fields.false_values)),
    ]
    .into_iter()
    .filter(|(_, fits, _)| !fits)
    .filter_map(|(option, _, location)| {
        let error =
            Error::configuration(format!("`{option}` has no meaning for type {column_type}"));
        Some(error.at(location?).with_hint("leave it out, or change the type"))
    })
    .collect()
}
