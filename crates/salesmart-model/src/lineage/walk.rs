//! From the tables a plan reads up to its result, node by node, by the position of columns.

use std::collections::BTreeMap;

use datafusion::common::{DFSchema, DataFusionError, Result, TableReference};
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, Join, JoinType, LogicalPlan, RecursiveQuery, SortExpr, TableScan,
    Unnest,
};

use super::expression::Sight;
use super::flow::{Flow, Frame};
use super::{Influence, SourceColumn, Way};
use crate::name::{Relation, TableName};
use crate::session::RAW;

/// A walk through one plan.
#[derive(Default)]
pub(super) struct Walk {
    /// The nodes around the subquery that is being walked.
    pub(super) around: Vec<(DFSchema, Frame)>,
    /// What is known so far of queries that read themselves.
    recursive: BTreeMap<String, Frame>,
}

impl Walk {
    /// Where the columns and rows of a plan come from.
    pub(super) fn plan(&mut self, plan: &LogicalPlan) -> Result<Frame> {
        let frame = self.node(plan)?;
        let expected = plan.schema().fields().len();
        if frame.columns.len() != expected {
            return Err(DataFusionError::Internal(format!(
                "{} columns instead of {expected} at {}",
                frame.columns.len(),
                plan.display()
            )));
        }
        Ok(frame)
    }

    fn node(&mut self, plan: &LogicalPlan) -> Result<Frame> {
        match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::Projection(node) => {
                let below = self.plan(&node.input)?;
                let columns = self.values(&node.expr, node.input.schema(), &below)?;
                Ok(Frame { columns, ..below })
            }
            LogicalPlan::Filter(node) => {
                let mut frame = self.plan(&node.input)?;
                let by = self.one(&node.predicate, node.input.schema(), &frame)?;
                frame.restrict(by, Influence::Filter);
                Ok(frame)
            }
            LogicalPlan::Aggregate(node) => self.grouped(node),
            LogicalPlan::Window(node) => {
                let mut frame = self.plan(&node.input)?;
                let more = self.values(&node.window_expr, node.input.schema(), &frame)?;
                frame.columns.extend(more);
                Ok(frame)
            }
            LogicalPlan::Sort(node) => {
                let mut frame = self.plan(&node.input)?;
                self.sorted(&node.expr, node.input.schema(), &mut frame)?;
                Ok(frame)
            }
            LogicalPlan::Join(join) => self.joined(join),
            LogicalPlan::Union(node) => {
                let mut inputs = node.inputs.iter();
                let mut frame = match inputs.next() {
                    Some(first) => self.plan(first)?,
                    None => Frame::default(),
                };
                for input in inputs {
                    let next = self.plan(input)?;
                    frame.stack(next);
                }
                Ok(frame)
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let mut frame = self.plan(input)?;
                for column in frame.columns.clone() {
                    frame.restrict(column, Influence::Group);
                }
                Ok(frame)
            }
            LogicalPlan::Distinct(Distinct::On(node)) => {
                let mut frame = self.plan(&node.input)?;
                let columns = self.values(&node.select_expr, node.input.schema(), &frame)?;
                for expr in &node.on_expr {
                    let by = self.one(expr, node.input.schema(), &frame)?;
                    frame.restrict(by, Influence::Group);
                }
                let order = node.sort_expr.as_deref().unwrap_or_default();
                self.sorted(order, node.input.schema(), &mut frame)?;
                Ok(Frame { columns, ..frame })
            }
            LogicalPlan::SubqueryAlias(node) => self.plan(&node.input),
            LogicalPlan::Subquery(node) => self.plan(&node.subquery),
            LogicalPlan::Limit(node) => self.plan(&node.input),
            LogicalPlan::Repartition(node) => self.plan(&node.input),
            LogicalPlan::Unnest(node) => self.unnested(node),
            LogicalPlan::RecursiveQuery(node) => self.recursive(node),
            LogicalPlan::Values(node) => {
                let nothing = Frame::default();
                let mut frame =
                    Frame { columns: vec![Flow::default(); width(plan)], ..Frame::default() };
                for row in &node.values {
                    let columns = self.values(row, &DFSchema::empty(), &nothing)?;
                    frame.stack(Frame { columns, ..Frame::default() });
                }
                Ok(frame)
            }
            LogicalPlan::EmptyRelation(_) => {
                Ok(Frame { columns: vec![Flow::default(); width(plan)], ..Frame::default() })
            }
            // None of these is a query's; a new kind of node is noticed by the tests.
            other => {
                Err(DataFusionError::NotImplemented(format!("lineage of {}", other.display())))
            }
        }
    }

    fn values(&mut self, exprs: &[Expr], schema: &DFSchema, below: &Frame) -> Result<Vec<Flow>> {
        exprs.iter().map(|expr| self.one(expr, schema, below)).collect()
    }

    fn one(&mut self, expr: &Expr, schema: &DFSchema, below: &Frame) -> Result<Flow> {
        self.value(expr, &Sight { schema, frame: below })
    }

    fn sorted(&mut self, by: &[SortExpr], schema: &DFSchema, frame: &mut Frame) -> Result<()> {
        for sort in by {
            let order = self.one(&sort.expr, schema, frame)?;
            frame.restrict(order, Influence::Order);
        }
        Ok(())
    }

    fn scan(&mut self, scan: &TableScan) -> Result<Frame> {
        if let Some(frame) = self.recursive.get(scan.table_name.table()) {
            return Ok(frame.clone());
        }
        let relation = relation(&scan.table_name)?;
        let fields = scan.projected_schema.fields();
        let columns = fields.iter().map(|field| {
            Flow::of(SourceColumn { relation: relation.clone(), column: field.name().clone() })
        });
        let mut frame = Frame {
            columns: columns.collect(),
            relations: [relation.clone()].into(),
            ..Frame::default()
        };
        for filter in &scan.filters {
            let by = self.one(filter, &scan.projected_schema, &frame)?;
            frame.restrict(by, Influence::Filter);
        }
        Ok(frame)
    }

    fn grouped(&mut self, node: &Aggregate) -> Result<Frame> {
        let below = self.plan(&node.input)?;
        let schema = node.input.schema();
        let mut columns = Vec::new();
        let mut frame = Frame { columns: Vec::new(), ..below.clone() };
        for expr in grouping_set_to_exprlist(&node.group_expr)? {
            let group = self.one(expr, schema, &below)?;
            frame.restrict(group.clone(), Influence::Group);
            columns.push(group);
        }
        if matches!(node.group_expr.first(), Some(Expr::GroupingSet(_))) {
            // Which of the sets a row belongs to.
            columns.push(Flow::default());
        }
        columns.extend(self.values(&node.aggr_expr, schema, &below)?);
        Ok(Frame { columns, ..frame })
    }

    fn joined(&mut self, join: &Join) -> Result<Frame> {
        let mut left = self.plan(&join.left)?;
        let mut right = self.plan(&join.right)?;
        let (left_schema, right_schema) = (join.left.schema(), join.right.schema());
        let mut conditions = Vec::new();
        for (l, r) in &join.on {
            conditions.push(self.one(l, left_schema, &left)?);
            conditions.push(self.one(r, right_schema, &right)?);
        }
        if let Some(filter) = &join.filter {
            let both = left_schema.join(right_schema)?;
            let columns = left.columns.iter().chain(&right.columns).cloned().collect();
            let mut around = Frame { columns, ..Frame::default() };
            around.relations.extend(left.relations.iter().chain(&right.relations).cloned());
            conditions.push(self.one(filter, &both, &around)?);
        }
        let mark = || {
            let mut mark = Flow { counts: right.relations.clone(), ..Flow::default() };
            for condition in conditions.iter().cloned() {
                mark.decide(condition, Influence::Join);
            }
            mark
        };
        let columns = match join.join_type {
            JoinType::LeftSemi | JoinType::LeftAnti => std::mem::take(&mut left.columns),
            JoinType::RightSemi | JoinType::RightAnti => std::mem::take(&mut right.columns),
            JoinType::LeftMark => left.columns.iter().cloned().chain([mark()]).collect(),
            JoinType::RightMark => right.columns.iter().cloned().chain([mark()]).collect(),
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                left.columns.iter().chain(&right.columns).cloned().collect()
            }
        };
        let mut frame = Frame { columns, rows: left.rows, relations: left.relations };
        frame.meet(right.rows, right.relations);
        for condition in conditions {
            frame.restrict(condition, Influence::Join);
        }
        Ok(frame)
    }

    fn unnested(&mut self, node: &Unnest) -> Result<Frame> {
        let below = self.plan(&node.input)?;
        let columns = node.dependency_indices.iter().map(|place| {
            let flow = below.columns.get(*place).cloned().ok_or_else(|| {
                DataFusionError::Internal(format!("nothing to unnest at {place}"))
            })?;
            let taken_apart = node.list_type_columns.iter().any(|(list, _)| list == place)
                || node.struct_type_columns.contains(place);
            Ok(if taken_apart { flow.after(Way::Computed) } else { flow })
        });
        Ok(Frame { columns: columns.collect::<Result<_>>()?, ..below })
    }

    /// A query that reads itself: what its first term gives, and what the second makes of it,
    /// until nothing is added. It ends, because sets of columns only grow.
    fn recursive(&mut self, node: &RecursiveQuery) -> Result<Frame> {
        let mut frame = self.plan(&node.static_term)?;
        let before = self.recursive.get(&node.name).cloned();
        loop {
            self.recursive.insert(node.name.clone(), frame.clone());
            let step = self.plan(&node.recursive_term)?;
            let mut more = frame.clone();
            more.stack(step);
            if more == frame {
                break;
            }
            frame = more;
        }
        match before {
            Some(before) => self.recursive.insert(node.name.clone(), before),
            None => self.recursive.remove(&node.name),
        };
        Ok(frame)
    }
}

fn width(plan: &LogicalPlan) -> usize {
    plan.schema().fields().len()
}

/// The table that a scan reads.
fn relation(name: &TableReference) -> Result<Relation> {
    let Some(schema) = name.schema() else {
        return Err(DataFusionError::Plan(format!("`{name}` is read without a schema")));
    };
    Ok(match (name.catalog(), schema) {
        (Some(RAW), system) => {
            Relation::Raw { system: system.to_owned(), stream: name.table().to_owned() }
        }
        (_, "system") => Relation::System(name.table().to_owned()),
        _ => Relation::Model(TableName::new(schema, name.table())),
    })
}
