//! A query as it can be run: its fields found, its values of the right kind.

use super::org::Row;
use super::schema::{Catalogue, Field, Get};
use super::soql::{Function, Operator};
use super::value::Value;

/// A query that can be run.
pub(crate) struct Plan {
    /// The place of the object.
    pub(crate) object: usize,
    pub(crate) output: Output,
    pub(crate) filter: Option<Test>,
    pub(crate) order: Vec<Sorting>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: u64,
}

/// What a query gives.
pub(crate) enum Output {
    /// Fields of each row.
    Rows(Vec<Column>),
    /// How many rows there are.
    Count,
    /// Figures of each group.
    Groups { keys: Vec<Found>, columns: Vec<GroupColumn> },
}

/// A field that is selected.
pub(crate) struct Column {
    /// The names on the way, as the catalogue spells them.
    pub(crate) names: Vec<&'static str>,
    pub(crate) found: Found,
}

/// A column of groups.
pub(crate) struct GroupColumn {
    pub(crate) name: String,
    pub(crate) figure: Figure,
}

/// What a column of groups holds.
pub(crate) enum Figure {
    /// The nth key.
    Key(usize),
    /// Something worked out.
    Of(Function, Option<Found>),
}

/// Where a field was found: the references to follow, and the field at the end.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The place of each reference in its object, and the place of the object it leads to.
    pub(crate) steps: Vec<(usize, usize)>,
    pub(crate) object: usize,
    pub(crate) field: usize,
}

/// How rows are sorted.
pub(crate) struct Sorting {
    pub(crate) found: Found,
    pub(crate) descending: bool,
    pub(crate) nulls_last: bool,
}

/// What must hold of a row.
pub(crate) enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    Compare(Found, Operator, Value<'static>),
    In {
        found: Found,
        negated: bool,
        values: Vec<Value<'static>>,
    },
    /// The value lies in a span: its start, and where it is over.
    Span(Found, Operator, Value<'static>, Value<'static>),
}

impl Found {
    pub(crate) fn description<'c>(&self, catalogue: &'c Catalogue) -> &'c Field {
        &catalogue.at(self.object).fields[self.field]
    }

    /// Whether it is a field of the row itself.
    fn is_own(&self) -> bool {
        self.steps.is_empty()
    }

    /// The value of a row.
    pub(crate) fn value<'r>(&self, row: &'r Row<'_>, catalogue: &Catalogue) -> Value<'r> {
        let field = self.description(catalogue);
        let Some(((first, target), rest)) = self.steps.split_first() else {
            return row.value(field);
        };
        let mut parent = row.parent(&row.object().fields[*first], *target);
        for (step, target) in rest {
            parent = parent.and_then(|row| row.parent(&row.object().fields[*step], *target));
        }
        parent.map_or(Value::Null, |parent| parent.value(field).into_owned())
    }
}

impl Plan {
    /// The stamps that rows can have which pass: from the first up to and with the last.
    pub(crate) fn stamps(&self, catalogue: &Catalogue) -> (i64, i64) {
        self.filter.as_ref().map_or((i64::MIN, i64::MAX), |test| test.stamps(catalogue))
    }

    /// Whether rows come in the order of the index: by stamp, then id.
    pub(crate) fn is_by_stamp(&self, catalogue: &Catalogue) -> bool {
        let is = |sorting: Option<&Sorting>, wanted: fn(&Get) -> bool| {
            sorting.is_some_and(|s| {
                !s.descending && s.found.is_own() && wanted(&s.found.description(catalogue).get)
            })
        };
        is(self.order.first(), |get| matches!(get, Get::Stamp))
            && is(self.order.get(1), |get| matches!(get, Get::Id))
    }

    /// Whether rows come by id: so they do when nobody asks for another order.
    pub(crate) fn is_by_id(&self, catalogue: &Catalogue) -> bool {
        self.order.first().is_none_or(|s| {
            !s.descending
                && s.found.is_own()
                && matches!(s.found.description(catalogue).get, Get::Id)
        })
    }
}

impl Test {
    /// The stamps that rows can have which pass.
    fn stamps(&self, catalogue: &Catalogue) -> (i64, i64) {
        const ALL: (i64, i64) = (i64::MIN, i64::MAX);
        match self {
            Test::And(parts) => parts.iter().fold(ALL, |(from, to), part| {
                let (part_from, part_to) = part.stamps(catalogue);
                (from.max(part_from), to.min(part_to))
            }),
            Test::Or(parts) => parts
                .iter()
                .map(|part| part.stamps(catalogue))
                .reduce(|(a, b), (c, d)| (a.min(c), b.max(d)))
                .unwrap_or(ALL),
            Test::Compare(found, operator, Value::Instant(at))
                if found.is_own() && matches!(found.description(catalogue).get, Get::Stamp) =>
            {
                match operator {
                    Operator::Equal => (*at, *at),
                    Operator::Less | Operator::LessOrEqual => (i64::MIN, *at),
                    Operator::Greater | Operator::GreaterOrEqual => (*at, i64::MAX),
                    Operator::Unequal | Operator::Like => ALL,
                }
            }
            _ => ALL,
        }
    }

    /// Whether a row passes.
    pub(crate) fn passes(&self, row: &Row<'_>, catalogue: &Catalogue) -> bool {
        match self {
            Test::And(parts) => parts.iter().all(|part| part.passes(row, catalogue)),
            Test::Or(parts) => parts.iter().any(|part| part.passes(row, catalogue)),
            Test::Not(part) => !part.passes(row, catalogue),
            Test::Compare(found, operator, wanted) => {
                compares(&found.value(row, catalogue), *operator, wanted)
            }
            Test::In { found, negated, values } => {
                let value = found.value(row, catalogue);
                values.iter().any(|wanted| compares(&value, Operator::Equal, wanted)) != *negated
            }
            Test::Span(found, operator, start, over) => {
                let value = found.value(row, catalogue);
                let is_from = |bound| compares(&value, Operator::GreaterOrEqual, bound);
                match operator {
                    Operator::Equal => is_from(start) && compares(&value, Operator::Less, over),
                    Operator::Unequal => {
                        !(is_from(start) && compares(&value, Operator::Less, over))
                    }
                    Operator::Less => compares(&value, Operator::Less, start),
                    Operator::LessOrEqual => compares(&value, Operator::Less, over),
                    Operator::Greater => is_from(over),
                    Operator::GreaterOrEqual => is_from(start),
                    Operator::Like => false,
                }
            }
        }
    }
}

/// Whether a value stands to another as wanted. Nothing equals nothing, and is unlike all else.
fn compares(value: &Value<'_>, operator: Operator, wanted: &Value<'_>) -> bool {
    if matches!(value, Value::Null) || matches!(wanted, Value::Null) {
        let same = matches!(value, Value::Null) && matches!(wanted, Value::Null);
        return match operator {
            Operator::Equal => same,
            Operator::Unequal => !same,
            _ => false,
        };
    }
    if operator == Operator::Like {
        return match (value, wanted) {
            (Value::Text(text), Value::Text(pattern)) => like(text, pattern),
            _ => false,
        };
    }
    let Some(order) = value.compare(wanted) else { return operator == Operator::Unequal };
    match operator {
        Operator::Equal => order.is_eq(),
        Operator::Unequal => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        Operator::Like => false,
    }
}

/// Whether a text is like a pattern with `%` and `_`, which a backslash makes ordinary.
fn like(text: &str, pattern: &str) -> bool {
    enum Part {
        Any,
        One,
        Letter(char),
    }
    let lower = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    let mut parts = Vec::new();
    let mut letters = lower(pattern).into_iter().peekable();
    while let Some(letter) = letters.next() {
        parts.push(match letter {
            '%' => Part::Any,
            '_' => Part::One,
            '\\' => match letters.next_if(|next| matches!(next, '%' | '_')) {
                Some(wild) => Part::Letter(wild),
                None => Part::Letter('\\'),
            },
            other => Part::Letter(other),
        });
    }
    // One row of the table of what matches so far: no backtracking, whatever the pattern.
    let text = lower(text);
    let mut reach = vec![false; text.len() + 1];
    reach[0] = true;
    for part in parts {
        let mut next = vec![false; text.len() + 1];
        for place in 0..=text.len() {
            next[place] = match part {
                Part::Any => reach[place] || place > 0 && next[place - 1],
                Part::One => place > 0 && reach[place - 1],
                Part::Letter(letter) => place > 0 && reach[place - 1] && text[place - 1] == letter,
            };
        }
        reach = next;
    }
    reach[text.len()]
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn like_knows_its_wildcards() {
        for (text, pattern, expected) in [
            ("Harbor Logistics", "harbor%", true),
            ("Harbor Logistics", "%LOG%", true),
            ("Harbor", "H_rb_r", true),
            ("Harbor", "H_rbr", false),
            ("50% off", "50\\% o%", true),
            ("500 off", "50\\% o%", false),
            ("", "%", true),
            ("", "_", false),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "%a%a%a%a%a%a%a%a%a%b", false),
        ] {
            assert_eq!(like(text, pattern), expected, "{text} like {pattern}");
        }
    }
}
