//! The filters of a search, and the values they compare.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate};
use serde::Deserialize;
use serde_json::Value;

use super::problem::Problem;
use super::property::Type;
use super::table::Reader;

/// Digits behind the point that numbers are compared with.
const DIGITS: usize = 12;

/// A filter as it is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    pub(super) property_name: String,
    operator: String,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    high_value: Value,
    #[serde(default)]
    values: Vec<Value>,
}

/// A value as it is compared. Nothing comes before everything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operand {
    Nothing,
    /// Numbers with [`DIGITS`] digits, instants in milliseconds.
    Number(i128),
    /// In lower case: HubSpot does not tell them apart.
    Text(String),
}

#[derive(Clone, Debug)]
enum Operator {
    Compare(fn(Ordering) -> bool, Operand),
    Between(Operand, Operand),
    In(Vec<Operand>),
    NotIn(Vec<Operand>),
    Has,
    HasNot,
    Contains(String),
    ContainsNot(String),
}

/// A filter, ready to be applied.
#[derive(Clone, Debug)]
pub(super) struct Test {
    place: usize,
    kind: Type,
    name: &'static str,
    operator: Operator,
}

/// What to sort by: the values of a property.
pub(super) fn order_of(place: usize, kind: Type) -> Test {
    Test { place, kind, name: "HAS_PROPERTY", operator: Operator::Has }
}

impl Filter {
    /// The filter on the property at a place, which is of a type.
    pub(super) fn test(&self, place: usize, kind: Type) -> Result<Test, Problem> {
        let one = || self.operand(&self.value, kind);
        let list = || {
            if self.values.is_empty() {
                return Err(self.lacks("values"));
            }
            self.values.iter().map(|value| self.operand(value, kind)).collect()
        };
        let (name, operator) = match self.operator.as_str() {
            "EQ" => ("EQ", Operator::In(vec![one()?])),
            "NEQ" => ("NEQ", Operator::NotIn(vec![one()?])),
            "LT" => ("LT", Operator::Compare(Ordering::is_lt, one()?)),
            "LTE" => ("LTE", Operator::Compare(Ordering::is_le, one()?)),
            "GT" => ("GT", Operator::Compare(Ordering::is_gt, one()?)),
            "GTE" => ("GTE", Operator::Compare(Ordering::is_ge, one()?)),
            "BETWEEN" => {
                ("BETWEEN", Operator::Between(one()?, self.operand(&self.high_value, kind)?))
            }
            "IN" => ("IN", Operator::In(list()?)),
            "NOT_IN" => ("NOT_IN", Operator::NotIn(list()?)),
            "HAS_PROPERTY" => ("HAS_PROPERTY", Operator::Has),
            "NOT_HAS_PROPERTY" => ("NOT_HAS_PROPERTY", Operator::HasNot),
            "CONTAINS_TOKEN" => ("CONTAINS_TOKEN", Operator::Contains(self.token()?)),
            "NOT_CONTAINS_TOKEN" => ("NOT_CONTAINS_TOKEN", Operator::ContainsNot(self.token()?)),
            other => {
                return Err(Problem::invalid(format!(
                    "Invalid input JSON: {other} is not one of BETWEEN, CONTAINS_TOKEN, EQ, GT, \
                     GTE, HAS_PROPERTY, IN, LT, LTE, NEQ, NOT_CONTAINS_TOKEN, NOT_HAS_PROPERTY, \
                     NOT_IN"
                )));
            }
        };
        Ok(Test { place, kind, name, operator })
    }

    fn operand(&self, value: &Value, kind: Type) -> Result<Operand, Problem> {
        let text = match value {
            Value::Null => return Err(self.lacks("value")),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Operand::parse(&text, kind).ok_or_else(|| {
            Problem::invalid(format!(
                "Invalid value for {}: {text} is no {}",
                self.property_name,
                kind.names().0
            ))
        })
    }

    fn token(&self) -> Result<String, Problem> {
        let token = self.value.as_str().map(str::to_lowercase);
        token.filter(|token| !token.is_empty()).ok_or_else(|| self.lacks("value"))
    }

    fn lacks(&self, what: &str) -> Problem {
        Problem::invalid(format!(
            "The filter on {} with {} has no {what}",
            self.property_name, self.operator
        ))
    }
}

impl Operand {
    fn parse(text: &str, kind: Type) -> Option<Self> {
        match kind {
            Type::Number => number(text).map(Operand::Number),
            Type::DateTime | Type::Date => instant(text).map(Operand::Number),
            Type::Text | Type::Bool | Type::Choice(_) | Type::Several(_) => {
                Some(Operand::Text(text.to_lowercase()))
            }
        }
    }
}

impl Test {
    /// The bounds, both included, of a test on a property that always has a value; none: it is
    /// no range. For numbers these are whole ones, since ids are.
    pub(super) fn range(&self) -> Option<(i128, i128)> {
        let unit = if self.kind == Type::Number { 10_i128.pow(12) } else { 1 };
        let (low, high) = match &self.operator {
            Operator::Between(Operand::Number(low), Operand::Number(high)) => (*low, *high),
            Operator::Compare(_, Operand::Number(bound)) => match self.name {
                "GT" => (bound.saturating_add(1), i128::MAX),
                "GTE" => (*bound, i128::MAX),
                "LT" => (i128::MIN, bound.saturating_sub(1)),
                _ => (i128::MIN, *bound),
            },
            Operator::In(values) => match values.as_slice() {
                [Operand::Number(value)] => (*value, *value),
                _ => return None,
            },
            _ => return None,
        };
        // The lowest whole number at or above, the highest at or below.
        let up = low.div_euclid(unit) + i128::from(low.rem_euclid(unit) != 0);
        Some((up, high.div_euclid(unit)))
    }

    /// The value that is tested.
    pub(super) fn value(&self, reader: &dyn Reader) -> Operand {
        let text = self.text(reader);
        text.and_then(|text| Operand::parse(&text, self.kind)).unwrap_or(Operand::Nothing)
    }

    /// Whether the record the reader is at passes.
    pub(super) fn accepts(&self, reader: &dyn Reader) -> bool {
        match &self.operator {
            Operator::Has => self.text(reader).is_some(),
            Operator::HasNot => self.text(reader).is_none(),
            Operator::Compare(accepts, bound) => {
                let value = self.value(reader);
                value != Operand::Nothing && accepts(value.cmp(bound))
            }
            Operator::Between(low, high) => {
                let value = self.value(reader);
                value != Operand::Nothing && *low <= value && value <= *high
            }
            Operator::In(values) => self.is_one_of(reader, values),
            // What has no value is not one of them.
            Operator::NotIn(values) => !self.is_one_of(reader, values),
            Operator::Contains(token) => self.contains(reader, token),
            Operator::ContainsNot(token) => !self.contains(reader, token),
        }
    }

    /// The value as text; empty texts are no value.
    fn text(&self, reader: &dyn Reader) -> Option<String> {
        let mut value = Vec::new();
        reader.value(self.place, &mut value);
        let text: Option<String> = serde_json::from_slice(&value).unwrap_or_default();
        text.filter(|text| !text.is_empty())
    }

    fn is_one_of(&self, reader: &dyn Reader, values: &[Operand]) -> bool {
        if matches!(self.kind, Type::Several(_)) {
            let text = self.text(reader).unwrap_or_default().to_lowercase();
            return text.split(';').any(|one| values.contains(&Operand::Text(one.to_owned())));
        }
        values.contains(&self.value(reader))
    }

    fn contains(&self, reader: &dyn Reader, token: &str) -> bool {
        let text = self.text(reader).unwrap_or_default().to_lowercase();
        let mut tokens = text.split(|c: char| !c.is_alphanumeric()).filter(|one| !one.is_empty());
        match (token.strip_prefix('*'), token.strip_suffix('*')) {
            (Some(_), Some(_)) => {
                let middle = token.trim_matches('*');
                tokens.any(|one| one.contains(middle))
            }
            (Some(end), None) => tokens.any(|one| one.ends_with(end)),
            (None, Some(start)) => tokens.any(|one| one.starts_with(start)),
            (None, None) => tokens.any(|one| one == token),
        }
    }
}

/// A decimal number, scaled by [`DIGITS`].
fn number(text: &str) -> Option<i128> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 24 || !is_plain(whole) || !is_plain(part) {
        return None;
    }
    let part = format!("{part:0<DIGITS$}");
    let number: i128 = format!("{whole}{}", &part[..DIGITS]).parse().ok()?;
    Some(if is_negative { -number } else { number })
}

/// An instant in milliseconds: epoch milliseconds, ISO 8601, or a day.
pub(super) fn instant(text: &str) -> Option<i128> {
    if let Ok(millis) = text.parse::<i64>() {
        return Some(i128::from(millis));
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(i128::from(at.timestamp_millis()));
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(i128::from(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis()))
}
