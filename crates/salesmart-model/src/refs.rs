//! What a query reads, and what it must not call, from its syntax tree.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, Query, TableFactor, Value, Visit, Visitor,
};
use datafusion::sql::sqlparser::tokenizer::Span;
use salesmart_core::{Error, Location};

use crate::functions::is_unsteady;
use crate::name::{Relation, TableName};
use crate::nearest::did_you_mean;
use crate::sql::{AS_OF, AS_OF_DATE, location};

/// A table reference in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What is read.
    pub relation: Relation,
    /// Where it is written first.
    pub location: Location,
}

/// What the syntax tree tells.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Each relation once, in the order of their names.
    pub(crate) reads: Vec<Reference>,
    pub(crate) uses_as_of: bool,
    pub(crate) problems: Vec<Error>,
}

/// Walks a query.
pub(crate) fn find(file: &str, query: &Query) -> Found {
    let mut walk = Walk::default();
    let _: ControlFlow<()> = query.visit(&mut walk);
    let mut found = Found { uses_as_of: walk.uses_as_of, ..Found::default() };
    for (name, span) in &walk.functions {
        found.problems.push(
            Error::configuration(format!(
                "`{name}` is not allowed: the same inputs must give the same rows"
            ))
            .at(location(file, *span))
            .with_hint(match name.as_str() {
                "random" | "rand" | "uuid" | "gen_random_uuid" => {
                    "derive the value from the row, for instance from its key"
                }
                "input_file_name" | "file_row_index" => "use the column `_source_position`",
                _ => "use `$as_of` (a timestamp) or `$as_of_date` (a date in the company's zone)",
            }),
        );
    }
    for (name, span) in &walk.placeholders {
        let mut error =
            Error::configuration(format!("`{name}` is not a parameter")).at(location(file, *span));
        if let Some(hint) = did_you_mean(name, [AS_OF, AS_OF_DATE], "parameters there are") {
            error = error.with_hint(hint);
        }
        found.problems.push(error);
    }
    let mut seen: BTreeSet<Relation> = BTreeSet::new();
    for (name, span) in &walk.relations {
        match relation(name, &walk.ctes) {
            Ok(None) => {}
            Ok(Some(relation)) => {
                if seen.insert(relation.clone()) {
                    found.reads.push(Reference { relation, location: location(file, *span) });
                }
            }
            Err(error) => found.problems.push(error.at(location(file, *span))),
        }
    }
    found.reads.sort_by(|a, b| a.relation.cmp(&b.relation));
    found
}

fn normal(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}

/// What a name means; `None` for a common table expression.
fn relation(name: &[String], ctes: &BTreeSet<String>) -> Result<Option<Relation>, Error> {
    let parts: Vec<&str> = name.iter().map(String::as_str).collect();
    Ok(Some(match parts.as_slice() {
        [only] if ctes.contains(*only) => return Ok(None),
        [only] => {
            let error = Error::configuration(format!("`{only}` is not a step of this query"))
                .with("expected", "a step of this query (`with … as`), or a table with its schema");
            let known: Vec<&str> = ctes.iter().map(String::as_str).collect();
            return Err(match crate::nearest::nearest(only, known) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => error.with_hint(format!(
                    "write tables as `schema.table`, for instance `mart.{only}`"
                )),
            });
        }
        ["system", table] | ["warehouse", "system", table] => Relation::System((*table).to_owned()),
        ["raw", system, stream] => {
            Relation::Raw { system: (*system).to_owned(), stream: (*stream).to_owned() }
        }
        ["raw", stream] => {
            return Err(Error::configuration(format!("`raw.{stream}` does not say which system"))
                .with("expected", "`raw.<system>.<stream>`"));
        }
        [schema, table] | ["warehouse", schema, table] => {
            Relation::Model(TableName::new(*schema, *table))
        }
        _ => {
            return Err(Error::configuration(format!("`{}` is not a table name", parts.join(".")))
                .with("expected", "`schema.table`, or `raw.<system>.<stream>`"));
        }
    }))
}

#[derive(Default)]
struct Walk {
    relations: Vec<(Vec<String>, Span)>,
    ctes: BTreeSet<String>,
    table_functions: BTreeSet<String>,
    functions: Vec<(String, Span)>,
    placeholders: Vec<(String, Span)>,
    uses_as_of: bool,
}

fn idents(name: &ObjectName) -> Vec<&Ident> {
    name.0.iter().filter_map(|part| part.as_ident()).collect()
}

impl Visitor for Walk {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if let Some(with) = &query.with {
            self.ctes.extend(with.cte_tables.iter().map(|table| normal(&table.alias.name)));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        // `generate_series(1, 10)` looks like a table to the parser.
        if let TableFactor::Table { name, args: Some(_), .. } = factor {
            self.table_functions.insert(name.to_string());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        if !self.table_functions.contains(&name.to_string()) {
            let parts = idents(name);
            let span = parts.first().map_or(Span::empty(), |ident| ident.span);
            self.relations.push((parts.into_iter().map(normal).collect(), span));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function) => {
                if let [ident] = idents(&function.name).as_slice() {
                    let name = ident.value.to_ascii_lowercase();
                    if is_unsteady(&name) {
                        self.functions.push((name, ident.span));
                    }
                }
            }
            Expr::Value(value) => {
                if let Value::Placeholder(name) = &value.value {
                    if name == AS_OF || name == AS_OF_DATE {
                        self.uses_as_of = true;
                    } else {
                        self.placeholders.push((name.clone(), value.span));
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(sql: &str) -> Vec<String> {
        let found = find("t.sql", &crate::sql::parse("t.sql", sql).unwrap());
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        found.reads.iter().map(|read| read.relation.to_string()).collect()
    }

    #[test]
    fn every_table_is_found_and_steps_are_not_tables() {
        let sql = "with deal as (select * from mart.fct_opportunity), \
                   rep as (select * from warehouse.mart.dim_rep where id in (select id from system.business)) \
                   select * from deal join rep using (id) \
                   union all select * from raw.crm.deals, generate_series(1, 3) as n";
        assert_eq!(
            reads(sql),
            ["mart.dim_rep", "mart.fct_opportunity", "raw.crm.deals", "system.business"]
        );
    }

    #[test]
    fn the_clock_is_found_wherever_it_is_called() {
        let sql =
            "select now(), current_date from mart.a where x > (select random()) and y < $as_of";
        let found = find("t.sql", &crate::sql::parse("t.sql", sql).unwrap());
        let messages: Vec<&str> = found.problems.iter().map(Error::message).collect();
        assert_eq!(messages.len(), 3, "{messages:?}");
        assert!(found.uses_as_of);
    }

    #[test]
    fn an_unknown_parameter_and_an_unknown_step_suggest_what_was_meant() {
        let sql = "with deals as (select 1 as x) select * from deal where x = $asof";
        let found = find("t.sql", &crate::sql::parse("t.sql", sql).unwrap());
        let hints: Vec<_> = found.problems.iter().map(Error::hint).collect();
        assert_eq!(hints, [Some("did you mean `$as_of`?"), Some("did you mean `deals`?")]);
    }
}
