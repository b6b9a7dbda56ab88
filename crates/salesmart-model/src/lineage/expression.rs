//! What an expression is made of.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, DataFusionError, Result, plan_datafusion_err};
use datafusion::logical_expr::expr::{
    AggregateFunctionParams, Case, InSubquery, SetComparison, Sort, WindowFunctionParams,
};
use datafusion::logical_expr::{Expr, Subquery};

use super::flow::{Flow, Frame, add};
use super::walk::Walk;
use super::{Influence, Way};

/// What an expression can see: the node below it, and the nodes around its subquery.
pub(super) struct Sight<'a> {
    pub(super) schema: &'a DFSchema,
    pub(super) frame: &'a Frame,
}

impl Sight<'_> {
    fn column(&self, column: &Column) -> Option<Flow> {
        let place = self.schema.maybe_index_of_column(column)?;
        self.frame.columns.get(place).cloned()
    }
}

impl Walk {
    /// Where the value of an expression comes from.
    pub(super) fn value(&mut self, expr: &Expr, sight: &Sight<'_>) -> Result<Flow> {
        match expr {
            Expr::Column(column) => sight
                .column(column)
                .ok_or_else(|| plan_datafusion_err!("`{column}` is not below its expression")),
            Expr::OuterReferenceColumn(_, column) => self.outer(column),
            Expr::Alias(alias) => self.value(&alias.expr, sight),
            Expr::Cast(cast) => self.value(&cast.expr, sight),
            Expr::TryCast(cast) => self.value(&cast.expr, sight),
            Expr::Case(case) => self.case(case, sight),
            Expr::AggregateFunction(function) => self.aggregate(&function.params, sight),
            Expr::WindowFunction(function) => self.window(&function.params, sight),
            Expr::ScalarSubquery(subquery) => self.scalar(subquery, sight),
            Expr::Exists(exists) => {
                // Whether there is a row depends on what decides which rows there are.
                let below = self.below(&exists.subquery, sight)?;
                Ok(Flow { by: below.rows, counts: below.relations, ..Flow::default() })
            }
            Expr::InSubquery(InSubquery { expr, subquery, .. })
            | Expr::SetComparison(SetComparison { expr, subquery, .. }) => {
                let mut flow = self.value(expr, sight)?;
                flow.join(self.scalar(subquery, sight)?);
                Ok(flow.after(Way::Computed))
            }
            _ => self.parts(expr, sight),
        }
    }

    /// Whatever an expression is built of.
    fn parts(&mut self, expr: &Expr, sight: &Sight<'_>) -> Result<Flow> {
        let mut flow = Flow::default();
        expr.apply_children(|child| {
            flow.join(self.value(child, sight)?);
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(flow.after(Way::Computed))
    }

    fn case(&mut self, case: &Case, sight: &Sight<'_>) -> Result<Flow> {
        let mut flow = Flow::default();
        let conditions = case.expr.iter().chain(case.when_then_expr.iter().map(|(when, _)| when));
        for condition in conditions {
            let condition = self.value(condition, sight)?;
            flow.decide(condition, Influence::Condition);
        }
        let values = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
        for value in values {
            flow.join(self.value(value, sight)?);
        }
        Ok(flow.after(Way::Computed))
    }

    fn aggregate(&mut self, params: &AggregateFunctionParams, sight: &Sight<'_>) -> Result<Flow> {
        let mut flow = self.arguments(&params.args, sight)?.after(Way::Aggregated);
        self.conditions(&mut flow, params.filter.as_deref(), &params.order_by, sight)?;
        Ok(flow)
    }

    fn window(&mut self, params: &WindowFunctionParams, sight: &Sight<'_>) -> Result<Flow> {
        let mut flow = self.arguments(&params.args, sight)?.after(Way::Aggregated);
        for expr in &params.partition_by {
            let group = self.value(expr, sight)?;
            flow.decide(group, Influence::Group);
        }
        self.conditions(&mut flow, params.filter.as_deref(), &params.order_by, sight)?;
        Ok(flow)
    }

    /// The arguments of a function over many rows. One without any column counts rows.
    fn arguments(&mut self, args: &[Expr], sight: &Sight<'_>) -> Result<Flow> {
        let mut flow = Flow::default();
        for arg in args {
            flow.join(self.value(arg, sight)?);
        }
        if flow.values.is_empty() {
            flow.counts.extend(sight.frame.relations.iter().cloned());
        }
        Ok(flow)
    }

    fn conditions(
        &mut self,
        flow: &mut Flow,
        filter: Option<&Expr>,
        order_by: &[Sort],
        sight: &Sight<'_>,
    ) -> Result<()> {
        if let Some(filter) = filter {
            let condition = self.value(filter, sight)?;
            flow.decide(condition, Influence::Condition);
        }
        for sort in order_by {
            let order = self.value(&sort.expr, sight)?;
            flow.decide(order, Influence::Order);
        }
        Ok(())
    }

    /// The one value of a subquery.
    fn scalar(&mut self, subquery: &Subquery, sight: &Sight<'_>) -> Result<Flow> {
        let below = self.below(subquery, sight)?;
        let mut flow = below
            .columns
            .into_iter()
            .next()
            .ok_or_else(|| DataFusionError::Plan("a subquery has no column".to_owned()))?;
        add(&mut flow.by, below.rows);
        Ok(flow)
    }

    /// A subquery, which sees the node around it.
    fn below(&mut self, subquery: &Subquery, sight: &Sight<'_>) -> Result<Frame> {
        self.around.push((sight.schema.clone(), sight.frame.clone()));
        let below = self.plan(&subquery.subquery);
        self.around.pop();
        below
    }

    /// A column of a node around the subquery, the nearest that has it.
    fn outer(&self, column: &Column) -> Result<Flow> {
        self.around
            .iter()
            .rev()
            .find_map(|(schema, frame)| Sight { schema, frame }.column(column))
            .ok_or_else(|| plan_datafusion_err!("`{column}` is not around its subquery"))
    }
}
