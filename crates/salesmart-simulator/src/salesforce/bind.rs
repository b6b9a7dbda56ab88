//! Holds a query against the objects and fields that the user sees.

use super::ids::RecordId;
use super::org::{Org, start_of_day};
use super::plan::{Column, Figure, Found, GroupColumn, Output, Plan, Sorting, Test};
use super::refusal::Refusal;
use super::schema::{Catalogue, Field, Type, View};
use super::soql::{
    Condition, DateName, FieldSet, Function, Item, Literal, Operator, Order, Path, Query, parse,
};
use super::value::Value;

/// The most rows that can be skipped.
const MOST_OFFSET: u64 = 2_000;

/// The most rows of a query for all fields.
const MOST_WITH_ALL_FIELDS: u64 = 200;

/// How many steps a path may take to parents.
const MOST_STEPS: usize = 5;

/// Reads a query.
pub(crate) fn read(text: &str) -> Result<Query, Refusal> {
    parse(text).map_err(|error| Refusal::at("MALFORMED_QUERY", text, error.at, &error.message))
}

/// Makes a query that can be run of one that was read from `text`.
pub(crate) fn bind(text: &str, query: &Query, org: &Org, view: &View) -> Result<Plan, Refusal> {
    Maker { text, org, view, catalogue: &org.catalogue }.plan(query)
}

struct Maker<'a> {
    text: &'a str,
    org: &'a Org,
    view: &'a View,
    catalogue: &'a Catalogue,
}

impl Maker<'_> {
    fn refuse(&self, code: &'static str, at: usize, message: &str) -> Refusal {
        Refusal::at(code, self.text, at, message)
    }

    fn plan(&self, query: &Query) -> Result<Plan, Refusal> {
        let object = self
            .catalogue
            .find(&query.from.text)
            .filter(|object| self.view.shows(self.catalogue.at(*object)))
            .ok_or_else(|| {
                let message = format!(
                    "sObject type '{}' is not supported. If you are attempting to use a custom \
                     object, be sure to append the '__c' after the entity name. Please reference \
                     your WSDL or the describe call for the appropriate names.",
                    query.from.text
                );
                self.refuse("INVALID_TYPE", query.from.at, &message)
            })?;
        let output = self.output(query, object)?;
        let filter = query.filter.as_ref().map(|filter| self.test(object, filter)).transpose()?;
        let order = query
            .order_by
            .iter()
            .map(|order| self.sorting(object, order))
            .collect::<Result<Vec<_>, _>>()?;
        let offset = query.offset.unwrap_or(0);
        if offset > MOST_OFFSET {
            return Err(Refusal::bad(
                "NUMBER_OUTSIDE_VALID_RANGE",
                format!("Maximum SOQL offset allowed is {MOST_OFFSET}"),
            ));
        }
        Ok(Plan { object, output, filter, order, limit: query.limit, offset })
    }

    fn output(&self, query: &Query, object: usize) -> Result<Output, Refusal> {
        let has_figures = query.select.iter().any(|item| matches!(item, Item::Figure { .. }));
        if let [Item::Figure { function: Function::Count, of: None, alias: None, .. }] =
            query.select.as_slice()
            && query.group_by.is_empty()
        {
            return Ok(Output::Count);
        }
        if has_figures || !query.group_by.is_empty() {
            return self.groups(query, object);
        }
        let mut columns: Vec<Column> = Vec::new();
        for item in &query.select {
            match item {
                Item::Field(path) => {
                    let column = self.column(object, path)?;
                    if columns.iter().any(|other| other.names == column.names) {
                        let message = format!("duplicate field selected: {}", path.text());
                        return Err(self.refuse("INVALID_FIELD", path.at, &message));
                    }
                    columns.push(column);
                }
                Item::Fields(set, at) => {
                    let is_bounded = query.limit.is_some_and(|l| l <= MOST_WITH_ALL_FIELDS);
                    if *set != FieldSet::Standard && !is_bounded {
                        return Err(self.refuse(
                            "MALFORMED_QUERY",
                            at.0,
                            "The SOQL FIELDS function must have a LIMIT of at most 200",
                        ));
                    }
                    columns.extend(self.fields(object, *set));
                }
                Item::SubQuery(inner, at) => {
                    let message = format!(
                        "Didn't understand relationship '{}' in FROM part of query call. If you are \
                         attempting to use a custom relationship, be sure to append the '__r' after \
                         the custom relationship name. Please reference your WSDL or the describe \
                         call for the appropriate names.",
                        inner.from.text
                    );
                    return Err(self.refuse("INVALID_TYPE", at.0, &message));
                }
                Item::Figure { .. } => {}
            }
        }
        Ok(Output::Rows(columns))
    }

    fn fields(&self, object: usize, set: FieldSet) -> Vec<Column> {
        let wanted = |field: &Field| match set {
            FieldSet::All => true,
            FieldSet::Standard => !field.is_custom(),
            FieldSet::Custom => field.is_custom(),
        };
        self.view
            .fields(self.catalogue.at(object))
            .filter(|(_, field)| wanted(field))
            .map(|(place, field)| Column {
                names: vec![field.name],
                found: Found { steps: Vec::new(), object, field: place },
            })
            .collect()
    }

    fn groups(&self, query: &Query, object: usize) -> Result<Output, Refusal> {
        let keys = query
            .group_by
            .iter()
            .map(|path| self.find(object, path))
            .collect::<Result<Vec<_>, _>>()?;
        let (mut columns, mut unnamed) = (Vec::new(), 0);
        for item in &query.select {
            let column = match item {
                Item::Field(path) => {
                    let found = self.find(object, path)?;
                    let key = keys.iter().position(|key| *key == found).ok_or_else(|| {
                        let message =
                            format!("Field must be grouped or aggregated: {}", path.text());
                        self.refuse("MALFORMED_QUERY", path.at, &message)
                    })?;
                    let name = found.description(self.catalogue).name.to_owned();
                    GroupColumn { name, figure: Figure::Key(key) }
                }
                Item::Figure { function, of, alias, at } => {
                    let found = of.as_ref().map(|path| self.find(object, path)).transpose()?;
                    self.check_figure(*function, found.as_ref(), at.0)?;
                    let name = alias.clone().unwrap_or_else(|| format!("expr{unnamed}"));
                    unnamed += usize::from(alias.is_none());
                    GroupColumn { name, figure: Figure::Of(*function, found) }
                }
                Item::Fields(_, at) | Item::SubQuery(_, at) => {
                    return Err(self.refuse(
                        "MALFORMED_QUERY",
                        at.0,
                        "Grouped query cannot use FIELDS function or child relationship",
                    ));
                }
            };
            columns.push(column);
        }
        Ok(Output::Groups { keys, columns })
    }

    fn check_figure(
        &self,
        function: Function,
        found: Option<&Found>,
        at: usize,
    ) -> Result<(), Refusal> {
        let Some(found) = found else { return Ok(()) };
        let field = found.description(self.catalogue);
        let is_number =
            matches!(field.kind, Type::Int | Type::Double | Type::Currency | Type::Percent);
        let is_wrong = match function {
            Function::Sum | Function::Avg => !is_number,
            _ => {
                matches!(field.kind, Type::TextArea | Type::Any | Type::Address | Type::Boolean)
            }
        };
        if is_wrong {
            let message =
                format!("field {} does not support aggregate operator {function}", field.name);
            return Err(self.refuse("INVALID_FIELD", at, &message));
        }
        Ok(())
    }

    fn column(&self, object: usize, path: &Path) -> Result<Column, Refusal> {
        let found = self.find(object, path)?;
        let mut names = Vec::new();
        let mut holder = object;
        for (step, target) in &found.steps {
            names.extend(self.catalogue.at(holder).fields[*step].relationship);
            holder = *target;
        }
        names.push(found.description(self.catalogue).name);
        Ok(Column { names, found })
    }

    /// Follows a path.
    fn find(&self, object: usize, path: &Path) -> Result<Found, Refusal> {
        let Some((name, way)) = path.parts.split_last() else { return Err(Refusal::not_found()) };
        let mut holder = object;
        let mut steps = Vec::new();
        if way.len() > MOST_STEPS {
            let message = "SOQL relationship path cannot exceed 5 levels";
            return Err(self.refuse("INVALID_FIELD", path.at, message));
        }
        for step in way {
            let description = self.catalogue.at(holder);
            let found = self.view.fields(description).find(|(_, field)| {
                field.relationship.is_some_and(|known| known.eq_ignore_ascii_case(step))
            });
            let target =
                found.and_then(|(place, field)| Some((place, self.catalogue.target(field)?)));
            let target = target.filter(|(_, target)| self.view.shows(self.catalogue.at(*target)));
            let (place, target) = target.ok_or_else(|| {
                let message = format!(
                    "Didn't understand relationship '{step}' in field path. If you are attempting to \
                     use a custom relationship, be sure to append the '__r' after the custom \
                     relationship name. Please reference your WSDL or the describe call for the \
                     appropriate names."
                );
                self.refuse("INVALID_FIELD", path.at, &message)
            })?;
            steps.push((place, target));
            holder = target;
        }
        let description = self.catalogue.at(holder);
        let found = self.view.fields(description).find(|(_, f)| f.name.eq_ignore_ascii_case(name));
        let (field, _) = found.ok_or_else(|| {
            let message = format!(
                "No such column '{name}' on entity '{}'. If you are attempting to use a custom \
                 field, be sure to append the '__c' after the custom field name. Please reference \
                 your WSDL or the describe call for the appropriate names.",
                description.name
            );
            self.refuse("INVALID_FIELD", path.at, &message)
        })?;
        Ok(Found { steps, object: holder, field })
    }

    fn sorting(&self, object: usize, order: &Order) -> Result<Sorting, Refusal> {
        let found = self.find(object, &order.path)?;
        let field = found.description(self.catalogue);
        if !field.sortable {
            let message = format!("field '{}' can not be sorted in a query call", field.name);
            return Err(self.refuse("INVALID_FIELD", order.path.at, &message));
        }
        // Nulls come first unless it is said, whichever way the rest goes.
        let nulls_last = order.nulls_last.unwrap_or(false);
        Ok(Sorting { found, descending: order.descending, nulls_last })
    }

    fn test(&self, object: usize, condition: &Condition) -> Result<Test, Refusal> {
        let all = |parts: &[Condition]| {
            parts.iter().map(|part| self.test(object, part)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match condition {
            Condition::And(parts) => Test::And(all(parts)?),
            Condition::Or(parts) => Test::Or(all(parts)?),
            Condition::Not(part) => Test::Not(Box::new(self.test(object, part)?)),
            Condition::Compare { path, operator, literal } => {
                let found = self.filtered(object, path)?;
                if let Literal::Named(name) = literal {
                    return self.span(found, path, *operator, *name);
                }
                let field = found.description(self.catalogue);
                if *operator == Operator::Like && !takes_text(field.kind) {
                    let message = format!("invalid operator on {} field", field.kind.filter_name());
                    return Err(self.refuse("INVALID_QUERY_FILTER_OPERATOR", path.at, &message));
                }
                let value = self.literal(field, path, literal)?;
                Test::Compare(found, *operator, value)
            }
            Condition::In { path, negated, literals } => {
                let found = self.filtered(object, path)?;
                let field = found.description(self.catalogue);
                let values = literals
                    .iter()
                    .map(|literal| self.literal(field, path, literal))
                    .collect::<Result<Vec<_>, _>>()?;
                Test::In { found, negated: *negated, values }
            }
        })
    }

    /// A field that rows may be filtered by.
    fn filtered(&self, object: usize, path: &Path) -> Result<Found, Refusal> {
        let found = self.find(object, path)?;
        let field = found.description(self.catalogue);
        if !field.filterable {
            let message = format!("field '{}' can not be filtered in a query call", field.name);
            return Err(self.refuse("INVALID_FIELD", path.at, &message));
        }
        Ok(found)
    }

    fn span(
        &self,
        found: Found,
        path: &Path,
        operator: Operator,
        name: DateName,
    ) -> Result<Test, Refusal> {
        let field = found.description(self.catalogue);
        let days = name.days(self.org.calendar()).ok_or_else(|| {
            self.refuse(
                "MALFORMED_QUERY",
                path.at,
                &format!("invalid date literal {}", name.text()),
            )
        })?;
        let bound = match field.kind {
            Type::Date => Value::Date,
            Type::DateTime => |day| Value::Instant(start_of_day(day)),
            _ => return Err(self.wrong_type(field, path)),
        };
        if operator == Operator::Like {
            let message = format!("invalid operator on {} field", field.kind.filter_name());
            return Err(self.refuse("INVALID_QUERY_FILTER_OPERATOR", path.at, &message));
        }
        Ok(Test::Span(found, operator, bound(days.0), bound(days.1)))
    }

    fn wrong_type(&self, field: &Field, path: &Path) -> Refusal {
        let quotes = if takes_text(field.kind) { "should" } else { "should not" };
        let message = format!(
            "value of filter criterion for field '{}' must be of type {} and {quotes} be enclosed \
             in quotes",
            field.name,
            field.kind.filter_name()
        );
        self.refuse("INVALID_FIELD", path.at, &message)
    }

    fn literal(
        &self,
        field: &Field,
        path: &Path,
        literal: &Literal,
    ) -> Result<Value<'static>, Refusal> {
        Ok(match (literal, field.kind) {
            (Literal::Null, _) => Value::Null,
            (Literal::Text(text), Type::Id | Type::Reference) => match RecordId::parse(text) {
                Some(id) => Value::Id(id),
                // An empty text is no id, and no mistake either: nothing has it.
                None if text.is_empty() => Value::Null,
                None => {
                    let message = format!("invalid ID field: {text}");
                    return Err(self.refuse("INVALID_QUERY_FILTER_OPERATOR", path.at, &message));
                }
            },
            // Salesforce stores no empty text: to ask for it is to ask for nothing.
            (Literal::Text(text), kind) if takes_text(kind) && text.is_empty() => Value::Null,
            (Literal::Text(text), kind) if takes_text(kind) => Value::made(text.clone()),
            (Literal::Bool(value), Type::Boolean) => Value::Bool(*value),
            (
                Literal::Number(number),
                Type::Int | Type::Double | Type::Currency | Type::Percent,
            ) => Value::Number(*number),
            (Literal::Date(date), Type::Date) => Value::Date(*date),
            (Literal::Instant(at), Type::DateTime) => Value::Instant(at.timestamp()),
            _ => return Err(self.wrong_type(field, path)),
        })
    }
}

/// Whether fields of this type are compared with texts in quotes.
fn takes_text(kind: Type) -> bool {
    matches!(
        kind,
        Type::Id
            | Type::Reference
            | Type::Text
            | Type::TextArea
            | Type::Picklist
            | Type::Email
            | Type::Url
            | Type::Any
    )
}
