//! Statements that are planned once and run often: their parameters and their columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::ParamValues;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, Statement, UnaryOperator, Value};
use datafusion_postgres::arrow_pg::datatypes::df::deserialize_parameters_with_server_types;
use datafusion_postgres::arrow_pg::datatypes::{
    PG_OID_ALIAS_KEY, into_pg_type, pg_type_for_alias_kind,
};
use pgwire::api::Type;
use pgwire::api::portal::Portal;
use pgwire::error::PgWireResult;

use super::copy::Out;
use super::error;
use crate::engine::{Failure, Planned, code};

/// A statement that a client prepared.
#[derive(Clone)]
pub(super) struct Prepared(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) sql: Arc<str>,
    /// The statement; of what is copied, the query.
    pub(super) statement: Statement,
    /// How its rows are written, where `copy` asks for them.
    pub(super) copied: Option<Arc<Out>>,
    /// The types that the client named for the parameters.
    pub(super) given: Vec<Option<Type>>,
    /// What it was planned to; nothing for statements that concern the session.
    pub(super) planned: Option<(Planned, Parameters)>,
    /// The columns of a statement that concerns the session.
    pub(super) columns: Option<arrow::datatypes::SchemaRef>,
}

/// The parameters of a plan, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    types: Vec<DataType>,
    wire: Vec<Type>,
}

impl Parameters {
    /// As clients are told of them.
    pub(super) fn wire(&self) -> &[Type] {
        &self.wire
    }

    /// The values that a client bound.
    pub(super) fn values<S: Clone>(&self, portal: &Portal<S>) -> PgWireResult<ParamValues> {
        if portal.parameter_len() != self.types.len() {
            return Err(error(Failure::new(
                code::PROTOCOL_VIOLATION,
                format!(
                    "bind message supplies {} parameters, but prepared statement requires {}",
                    portal.parameter_len(),
                    self.types.len()
                ),
            )));
        }
        let types: Vec<Option<&DataType>> = self.types.iter().map(Some).collect();
        let wire: Vec<Option<&Type>> = self.wire.iter().map(Some).collect();
        deserialize_parameters_with_server_types(portal, &types, &wire)
    }
}

/// The parameters of a planned statement. Those whose type nothing tells are text, as in
/// PostgreSQL, or what the client said.
///
/// # Errors
/// When a type cannot be written in PostgreSQL's messages.
pub(super) fn parameters(
    mut planned: Planned,
    given: &[Option<Type>],
) -> Result<(Planned, Parameters), Failure> {
    let failed = |sql: &str| {
        let sql = sql.to_owned();
        move |e: datafusion::common::DataFusionError| Failure::of_engine(&sql, &e)
    };
    let known = planned.plan.get_parameter_types().map_err(failed(&planned.sql))?;
    let cast = cast_parameters(&planned.plan);
    let mut types: BTreeMap<usize, DataType> = BTreeMap::new();
    let mut all_known = true;
    for (id, known) in known {
        let Some(number) = id.trim_start_matches('$').parse::<usize>().ok().filter(|n| *n > 0)
        else {
            return Err(Failure::new(code::SYNTAX, format!("there is no parameter {id}"))
                .with_hint("Parameters are $1, $2 and so on."));
        };
        let data_type = known.unwrap_or_else(|| {
            all_known = false;
            let given = given.get(number - 1).and_then(Option::as_ref).map(engine_type);
            given.or_else(|| cast.get(&id).cloned()).unwrap_or(DataType::Utf8)
        });
        types.insert(number, data_type);
    }
    if !all_known {
        planned.plan = typed(planned.plan, &types).map_err(failed(&planned.sql))?;
    }
    let aliases = oid_aliases(&planned.plan);
    let last = types.keys().last().copied().unwrap_or(0);
    if last > 65_535 {
        return Err(Failure::new(code::LIMIT_EXCEEDED, "a statement has at most 65535 parameters"));
    }
    let mut parameters = Parameters::default();
    for number in 1..=last {
        // A number that the plan has no use for still has its place, and whatever the client sends.
        let named = given.get(number - 1).and_then(Option::as_ref);
        let data_type =
            types.remove(&number).unwrap_or_else(|| named.map_or(DataType::Utf8, engine_type));
        let wire = match aliases.get(&number) {
            Some(alias) => alias.clone(),
            None => into_pg_type(&data_type).map_err(|_| {
                Failure::new(
                    code::DATATYPE_MISMATCH,
                    format!("could not determine data type of parameter ${number}"),
                )
            })?,
        };
        parameters.wire.push(wire);
        parameters.types.push(data_type);
    }
    Ok((planned, parameters))
}

/// The types that parameters are cast to where they stand: `$1::date` is a date.
fn cast_parameters(plan: &LogicalPlan) -> BTreeMap<String, DataType> {
    let mut types = BTreeMap::new();
    let _ = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::Cast(cast) = part
                    && let Expr::Placeholder(placeholder) = cast.expr.as_ref()
                {
                    let data_type = cast.field.data_type().clone();
                    types.entry(placeholder.id.clone()).or_insert(data_type);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    types
}

/// Gives every parameter that has none a type.
fn typed(
    plan: LogicalPlan,
    types: &BTreeMap<usize, DataType>,
) -> datafusion::common::Result<LogicalPlan> {
    let number = |id: &str| id.trim_start_matches('$').parse::<usize>().ok();
    let with_type = |expr: Expr| match expr {
        Expr::Placeholder(mut placeholder) if placeholder.field.is_none() => {
            let data_type = number(&placeholder.id).and_then(|number| types.get(&number));
            placeholder.field =
                data_type.map(|t| Arc::new(Field::new(&placeholder.id, t.clone(), true)));
            Ok(Transformed::yes(Expr::Placeholder(placeholder)))
        }
        other => Ok(Transformed::no(other)),
    };
    let plan = plan.transform_up_with_subqueries(|node| {
        let node = node.map_expressions(|expr| expr.transform_up(with_type))?;
        match node.transformed {
            true => Ok(Transformed::yes(node.data.recompute_schema()?)),
            false => Ok(node),
        }
    })?;
    Ok(plan.data)
}

/// Parameters that are compared with an `oid` of the catalog, which clients send as such.
fn oid_aliases(plan: &LogicalPlan) -> BTreeMap<usize, Type> {
    use datafusion::common::tree_node::TreeNodeRecursion;
    let mut aliases = BTreeMap::new();
    let visited = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Placeholder(placeholder) = expr
                    && let Some(field) = &placeholder.field
                    && field.data_type() == &DataType::Int32
                    && let Some(kind) = field.metadata().get(PG_OID_ALIAS_KEY)
                    && let Some(alias) = pg_type_for_alias_kind(kind)
                    && let Ok(number) = placeholder.id.trim_start_matches('$').parse()
                {
                    aliases.insert(number, alias);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    visited.map(|_| aliases).unwrap_or_default()
}

/// The engine's type for a type that a client named.
fn engine_type(wire: &Type) -> DataType {
    match *wire {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 | Type::OID => DataType::Int32,
        Type::INT8 => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 => DataType::Float64,
        Type::NUMERIC => DataType::Decimal128(38, 6),
        Type::DATE => DataType::Date32,
        Type::TIMESTAMP => DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None),
        Type::TIMESTAMPTZ => {
            DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()))
        }
        _ => DataType::Utf8,
    }
}

/// A plan with its parameters replaced.
///
/// # Errors
/// When a value does not fit its parameter.
pub(super) fn with_values(mut planned: Planned, values: &ParamValues) -> Result<Planned, Failure> {
    let sql = Arc::clone(&planned.sql);
    planned.plan = planned
        .plan
        .replace_params_with_values(values)
        .map_err(|e| Failure::of_engine(&sql, &e))?;
    Ok(planned)
}

/// A plan with its parameters replaced by what `EXECUTE` wrote.
pub(super) fn with_literals(planned: Planned, values: &[SqlExpr]) -> Result<Planned, Failure> {
    let (planned, parameters) = parameters(planned, &[])?;
    if parameters.types.len() != values.len() {
        return Err(Failure::new(
            code::SYNTAX,
            format!(
                "{} parameters are given, {} are asked for",
                values.len(),
                parameters.types.len()
            ),
        ));
    }
    let mut scalars = Vec::with_capacity(values.len());
    for (value, data_type) in values.iter().zip(&parameters.types) {
        let text = literal(value).ok_or_else(|| {
            Failure::new(code::FEATURE_NOT_SUPPORTED, format!("{value} is not a literal"))
                .with_hint("EXECUTE takes numbers, texts, true, false and null here.")
        })?;
        let scalar = match text {
            None => ScalarValue::try_from(data_type),
            Some(text) => ScalarValue::Utf8(Some(text)).cast_to(data_type),
        };
        scalars.push(scalar.map_err(|e| Failure::of_engine(&planned.sql, &e))?);
    }
    with_values(planned, &ParamValues::from(scalars))
}

/// The text of a literal; the inner `None` is null.
fn literal(value: &SqlExpr) -> Option<Option<String>> {
    match value {
        SqlExpr::Value(value) => match &value.value {
            Value::Null => Some(None),
            Value::Number(text, _) => Some(Some(text.to_string())),
            Value::Boolean(value) => Some(Some(value.to_string())),
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => {
                Some(Some(text.clone()))
            }
            _ => None,
        },
        SqlExpr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            Some(literal(expr)?.map(|text| format!("-{text}")))
        }
        _ => None,
    }
}
