//! How large the values may be that a statement makes.
//!
//! The engine counts the memory of what it keeps, and not of what a function makes: `repeat`,
//! `lpad`, `range` or a few `||` in a row make gigabytes out of nothing, in one step that neither
//! the time limit nor a cancellation interrupts. So every call of a function whose value can be
//! longer than what it is given is asked beforehand how long it would be, row by row, and refused
//! with PostgreSQL's code when that is too long. A value may be as long as the role's memory
//! divided by the rows of a batch: then a whole batch of such values fits.

mod sizes;
#[cfg(test)]
mod tests;

use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::config::{ConfigNonZeroUsize, ConfigOptions};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, LogicalPlan, Operator, Projection, ReturnFieldArgs,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr as PhysicalBinary, Column};
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, Statement, Visit, Visitor};

use self::sizes::Growth;
use super::failure::OwnFailure;
use super::{Failure, code};

/// The longest value, in bytes, that a role of ample memory makes by the way.
const BY_THE_WAY: usize = 128 << 10;
/// Rows of a batch, as the engine likes them best.
const MOST_ROWS: usize = 8_192;
/// Rows of a batch of a statement that is about long values.
const FEWEST_ROWS: usize = 64;

/// Rows of a batch of a statement that gathers values. Fewer would be dear: with each batch the
/// engine counts anew what `array_agg` has.
const GATHERING_ROWS: usize = 512;

/// Functions that make much of little. A statement that calls one has smaller batches, and so may
/// have longer values.
const MAKERS: [&str; 13] = [
    "repeat",
    "lpad",
    "rpad",
    "array_repeat",
    "list_repeat",
    "array_resize",
    "list_resize",
    "range",
    "generate_series",
    "generate_subscripts",
    "array_to_string",
    "list_to_string",
    "regexp_replace",
];

/// Aggregates whose value grows with the rows they are given, and PostgreSQL's `array(select …)`.
const GATHERING: [&str; 3] = ["string_agg", "array_agg", "array"];

/// How many rows the batches of a statement have.
pub(super) fn batch_size(memory: usize, statement: &Statement) -> ConfigNonZeroUsize {
    let rows = if calls(statement, &MAKERS) {
        FEWEST_ROWS
    } else {
        let most = if calls(statement, &GATHERING) { GATHERING_ROWS } else { MOST_ROWS };
        (memory / BY_THE_WAY).clamp(FEWEST_ROWS, most)
    };
    ConfigNonZeroUsize::try_new(rows).expect("the fewest rows are some")
}

/// Whether a statement calls one of these functions.
fn calls(statement: &Statement, names: &'static [&'static str]) -> bool {
    struct Calls(&'static [&'static str]);
    impl Visitor for Calls {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &SqlExpr) -> ControlFlow<()> {
            let name = match expr {
                SqlExpr::Function(function) => function.name.0.last(),
                _ => None,
            };
            let name = name.and_then(|part| part.as_ident());
            match name.is_some_and(|name| self.0.contains(&name.value.to_lowercase().as_str())) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }
    statement.visit(&mut Calls(names)).is_break()
}

/// Puts a bound on every call that needs one. It runs last, when all arguments have their types.
#[derive(Debug)]
pub(super) struct Bounds {
    /// The memory of the statement's role.
    pub(super) memory: usize,
}

impl AnalyzerRule for Bounds {
    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        let longest = self.memory / usize::from(config.execution.batch_size);
        let plan = plan.transform_up_with_subqueries(|node| {
            let names = NamePreserver::new(&node);
            let node = node.map_expressions(|expr| {
                let name = names.save(&expr);
                let bound = expr.transform_up(|part| bounded(part, self.memory, longest))?;
                Ok(bound.update_data(|expr| name.restore(expr)))
            })?;
            let node = match node.transformed {
                true => Transformed::yes(node.data.recompute_schema()?),
                false => node,
            };
            node.transform_data(|node| gathered(node, self.memory, longest))
        })?;
        Ok(plan.data)
    }

    fn name(&self) -> &str {
        "bounds"
    }
}

/// A call with its bound.
fn bounded(expr: Expr, memory: usize, longest: usize) -> Result<Transformed<Expr>> {
    match expr {
        Expr::ScalarFunction(ScalarFunction { func, args }) => match Growth::of(func.name()) {
            Some(growth) if func.inner().downcast_ref::<Bounded>().is_none() => {
                let func = Bounded { inner: func, growth, memory, longest };
                let func = Arc::new(ScalarUDF::new_from_impl(func));
                Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args })))
            }
            _ => Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args }))),
        },
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) => {
            let inner = Arc::new(ScalarUDF::new_from_impl(Joined::default()));
            let func = Bounded { inner, growth: Growth::Sum, memory, longest };
            let func = Arc::new(ScalarUDF::new_from_impl(func));
            let args = vec![*left, *right];
            Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args })))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// What `string_agg` and `array_agg` gathered is looked at before it is used: a join would set it
/// beside every row of a batch.
fn gathered(node: LogicalPlan, memory: usize, longest: usize) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Aggregate(aggregate) = &node else { return Ok(Transformed::no(node)) };
    let gathers = |expr: &Expr| {
        let mut inner = expr;
        while let Expr::Alias(alias) = inner {
            inner = &alias.expr;
        }
        matches!(inner, Expr::AggregateFunction(call) if GATHERING.contains(&call.func.name()))
    };
    if !aggregate.aggr_expr.iter().any(gathers) {
        return Ok(Transformed::no(node));
    }
    let columns = aggregate.schema.columns();
    let first = columns.len() - aggregate.aggr_expr.len();
    let mut exprs = Vec::with_capacity(columns.len());
    for (at, column) in columns.into_iter().enumerate() {
        let is_gathered = at >= first && gathers(&aggregate.aggr_expr[at - first]);
        let value = Expr::Column(column.clone());
        if !is_gathered {
            exprs.push(value);
            continue;
        }
        let inner = Arc::new(ScalarUDF::new_from_impl(Same::default()));
        let func = Bounded { inner, growth: Growth::Sum, memory, longest };
        let func = Arc::new(ScalarUDF::new_from_impl(func));
        let call = Expr::ScalarFunction(ScalarFunction { func, args: vec![value] });
        exprs.push(call.alias_qualified(column.relation, column.name));
    }
    let projection = Projection::try_new(exprs, Arc::new(node))?;
    Ok(Transformed::yes(LogicalPlan::Projection(projection)))
}

/// A function that looks at what it would make before it makes it.
#[derive(Debug)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
    /// What all values of a batch may have together.
    memory: usize,
    /// What one value may have.
    longest: usize,
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner && self.memory == other.memory && self.longest == other.longest
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
        self.longest.hash(state);
    }
}

impl Bounded {
    fn allow(&self, arguments: &ScalarFunctionArgs) -> Result<()> {
        let refused = |failure: Failure| DataFusionError::External(Box::new(OwnFailure(failure)));
        if self.growth == Growth::Distance {
            let longest = sizes::longest(&arguments.args)?;
            return match longest > 255 {
                true => Err(refused(Failure::new(
                    code::INVALID_PARAMETER,
                    "levenshtein argument exceeds maximum length of 255 characters",
                ))),
                false => Ok(()),
            };
        }
        let made = self.growth.made(&arguments.args, arguments.number_rows)?;
        if made.longest > self.longest as u64 {
            return Err(refused(
                Failure::new(code::LIMIT_EXCEEDED, "requested length too large")
                    .with_detail(format!(
                        "{} would make a value of {} bytes; {} are the most here.",
                        self.inner.name(),
                        made.longest,
                        self.longest
                    ))
                    .with_hint("Make shorter values, or make them where you read the rows."),
            ));
        }
        if made.all > self.memory as u64 {
            return Err(refused(
                Failure::new(code::OUT_OF_MEMORY, "out of memory")
                    .with_detail(format!(
                        "{} would make {} bytes at once; a statement of this role has {}.",
                        self.inner.name(),
                        made.all,
                        self.memory
                    ))
                    .with_hint("Make shorter values, or ask for fewer rows."),
            ));
        }
        Ok(())
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.inner.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    /// As it is: what a function is simplified to would have no bound.
    fn simplify(&self, args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(ExprSimplifyResult::Original(args))
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.allow(&arguments)?;
        self.inner.invoke_with_args(arguments)
    }
}

/// `a || b` as a function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Joined(Signature);

impl Default for Joined {
    fn default() -> Self {
        Self(Signature::any(2, Volatility::Immutable))
    }
}

impl ScalarUDFImpl for Joined {
    fn name(&self) -> &str {
        "||"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [left, right] => {
                BinaryTypeCoercer::new(left, &Operator::StringConcat, right).get_result_type()
            }
            _ => Err(DataFusionError::Internal("|| joins two values".to_owned())),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = |value: &ColumnarValue| matches!(value, ColumnarValue::Scalar(_));
        let constant = arguments.args.iter().all(constant);
        let rows = if constant { 1 } else { arguments.number_rows };
        let mut fields = Vec::with_capacity(2);
        let mut columns = Vec::with_capacity(2);
        for (name, value) in ["left", "right"].into_iter().zip(&arguments.args) {
            fields.push(Field::new(name, value.data_type(), true));
            columns.push(value.to_array(rows)?);
        }
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        let column = |name, at| Arc::new(Column::new(name, at)) as Arc<dyn PhysicalExpr>;
        let joined =
            PhysicalBinary::new(column("left", 0), Operator::StringConcat, column("right", 1));
        let joined = joined.evaluate(&batch)?;
        match constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                joined.to_array(1)?.as_ref(),
                0,
            )?)),
            false => Ok(joined),
        }
    }
}

/// A value as it is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Same(Signature);

impl Default for Same {
    fn default() -> Self {
        Self(Signature::any(1, Volatility::Immutable))
    }
}

impl ScalarUDFImpl for Same {
    fn name(&self) -> &str {
        "gathered"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        types
            .first()
            .cloned()
            .ok_or_else(|| DataFusionError::Internal("a value was gathered".to_owned()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        args.arg_fields
            .first()
            .cloned()
            .ok_or_else(|| DataFusionError::Internal("a value was gathered".to_owned()))
    }

    fn invoke_with_args(&self, mut arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        arguments
            .args
            .pop()
            .ok_or_else(|| DataFusionError::Internal("a value was gathered".to_owned()))
    }
}
