//! `last_value(x order by n)` in time and memory that follow the rows.
//!
//! The engine's own grouped version looks at every group again for each batch of rows, and keeps
//! the ordering of each group in a vector of its own: with millions of keys, which is what a
//! staging model over a large raw table has, that is hours and gigabytes. This one replaces it
//! where the order is one ascending `int64` column, as `_sequence` is, and leaves everything else
//! to the engine.

use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, UInt32Array, new_null_array,
};
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::functions_aggregate::first_last::last_value_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature,
};

/// The function under the engine's name.
pub(crate) fn last_value() -> AggregateUDF {
    AggregateUDF::from(LastValue { inner: last_value_udaf() })
}

/// The engine's function with another grouped accumulator.
#[derive(Debug, PartialEq, Eq, Hash)]
struct LastValue {
    inner: Arc<AggregateUDF>,
}

/// Whether the order is one that [`Latest`] knows.
fn is_ours(args: &AccumulatorArgs) -> bool {
    let [order] = args.order_bys else { return false };
    !args.ignore_nulls
        && !order.options.descending
        && order.expr.data_type(args.schema).is_ok_and(|data_type| data_type == DataType::Int64)
}

impl AggregateUDFImpl for LastValue {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        self.inner.inner().return_field(fields)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        beneficial: bool,
    ) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let inner = Arc::clone(self.inner.inner()).with_beneficial_ordering(beneficial)?;
        Ok(inner.map(|inner| {
            let inner = Arc::new(AggregateUDF::new_from_shared_impl(inner));
            Arc::new(Self { inner }) as Arc<dyn AggregateUDFImpl>
        }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.inner.reverse_udf()
    }

    fn supports_null_handling_clause(&self) -> bool {
        true
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        is_ours(&args) || self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match args.order_bys {
            [order] if is_ours(&args) => {
                Ok(Box::new(Latest::new(args.return_type(), order.options.nulls_first)))
            }
            _ => self.inner.create_groups_accumulator(args),
        }
    }
}

/// Where a group's value is among the kept arrays; the array is [`NOWHERE`] while it has none.
type Place = (u32, u32);
const NOWHERE: u32 = u32::MAX;

/// The newest value of each group.
struct Latest {
    data_type: DataType,
    /// What a missing order counts as.
    null_order: i64,
    orders: Vec<i64>,
    places: Vec<Place>,
    /// The winners of each batch; those that lost later are garbage until [`Latest::compact`].
    kept: Vec<ArrayRef>,
    kept_rows: usize,
    kept_bytes: usize,
}

impl Latest {
    fn new(data_type: &DataType, nulls_first: bool) -> Self {
        Self {
            data_type: data_type.clone(),
            null_order: if nulls_first { i64::MIN } else { i64::MAX },
            orders: Vec::new(),
            places: Vec::new(),
            kept: Vec::new(),
            kept_rows: 0,
            kept_bytes: 0,
        }
    }

    fn see(
        &mut self,
        values: &ArrayRef,
        orders: &ArrayRef,
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        self.orders.resize(total_groups, i64::MIN);
        self.places.resize(total_groups, (NOWHERE, 0));
        let Ok(batch) = u32::try_from(self.kept.len()) else {
            return exec_err!("too many batches for one aggregate");
        };
        let orders = orders.as_primitive::<Int64Type>();
        let mut winners: Vec<u32> = Vec::new();
        for (row, &group) in (0u32..).zip(groups) {
            let index = row as usize;
            if filter.is_some_and(|filter| filter.is_null(index) || !filter.value(index)) {
                continue;
            }
            let order = if orders.is_null(index) { self.null_order } else { orders.value(index) };
            let place = &mut self.places[group];
            if place.0 != NOWHERE && order <= self.orders[group] {
                continue;
            }
            self.orders[group] = order;
            if place.0 == batch {
                winners[place.1 as usize] = row;
            } else {
                // A batch has far fewer rows than a u32 can count.
                *place = (batch, u32::try_from(winners.len()).unwrap_or(NOWHERE));
                winners.push(row);
            }
        }
        if !winners.is_empty() {
            let winners = take(values, &UInt32Array::from(winners), None)?;
            self.kept_rows += winners.len();
            self.kept_bytes += winners.get_array_memory_size();
            self.kept.push(winners);
            if self.kept_rows > 2 * total_groups + 65_536 {
                self.compact()?;
            }
        }
        Ok(())
    }

    /// The values at some places, in their order.
    fn gather(&self, places: &[Place]) -> Result<ArrayRef> {
        if places.is_empty() {
            return Ok(arrow::array::new_empty_array(&self.data_type));
        }
        let nothing = new_null_array(&self.data_type, 1);
        let mut arrays: Vec<&dyn Array> = self.kept.iter().map(AsRef::as_ref).collect();
        arrays.push(nothing.as_ref());
        let places: Vec<(usize, usize)> = places
            .iter()
            .map(|(array, row)| match *array {
                NOWHERE => (self.kept.len(), 0),
                array => (array as usize, *row as usize),
            })
            .collect();
        Ok(interleave(&arrays, &places)?)
    }

    /// Lets go of what lost.
    fn compact(&mut self) -> Result<()> {
        let alive: Vec<Place> =
            self.places.iter().copied().filter(|place| place.0 != NOWHERE).collect();
        let values = self.gather(&alive)?;
        let alive = self.places.iter_mut().filter(|place| place.0 != NOWHERE);
        for (row, place) in (0u32..).zip(alive) {
            *place = (0, row);
        }
        self.kept_rows = values.len();
        self.kept_bytes = values.get_array_memory_size();
        self.kept = vec![values];
        Ok(())
    }

    fn emit(&mut self, emit_to: EmitTo) -> Result<(ArrayRef, Vec<i64>, Vec<Place>)> {
        let places = emit_to.take_needed(&mut self.places);
        let orders = emit_to.take_needed(&mut self.orders);
        let values = self.gather(&places)?;
        if self.places.is_empty() {
            self.kept = Vec::new();
            self.kept_rows = 0;
            self.kept_bytes = 0;
        }
        Ok((values, orders, places))
    }
}

impl GroupsAccumulator for Latest {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        let [values, orders] = values else {
            return exec_err!("`last_value` takes a value and an order");
        };
        self.see(values, orders, groups, filter, total_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(self.emit(emit_to)?.0)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (values, orders, places) = self.emit(emit_to)?;
        let is_set: BooleanArray = places.iter().map(|place| Some(place.0 != NOWHERE)).collect();
        Ok(vec![values, Arc::new(Int64Array::from(orders)), Arc::new(is_set)])
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        total_groups: usize,
    ) -> Result<()> {
        let [values, orders, is_set] = states else {
            return exec_err!("the state of `last_value` has three columns");
        };
        self.see(values, orders, groups, Some(is_set.as_boolean()), total_groups)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let [values, orders] = values else {
            return exec_err!("`last_value` takes a value and an order");
        };
        let is_set = match filter {
            Some(filter) => filter.clone(),
            None => BooleanArray::from(vec![true; values.len()]),
        };
        Ok(vec![Arc::clone(values), Arc::clone(orders), Arc::new(is_set)])
    }

    fn size(&self) -> usize {
        self.orders.capacity() * size_of::<i64>()
            + self.places.capacity() * size_of::<Place>()
            + self.kept_bytes
            + self.kept.capacity() * size_of::<ArrayRef>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::array::StringArray;
    use proptest::prelude::*;

    use super::*;

    fn texts(array: &ArrayRef) -> Vec<Option<String>> {
        array.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
    }

    proptest! {
        /// Whatever the batches, the merges and the partial emits, the value is the one with the
        /// highest order.
        #[test]
        fn it_finds_what_a_map_finds(
            batches in proptest::collection::vec(
                proptest::collection::vec((0usize..8, 0i64..1000, proptest::option::of("[a-c]")), 1..40),
                1..12,
            ),
            first in 0usize..8,
        ) {
            let mut expected: BTreeMap<usize, (i64, Option<String>)> = BTreeMap::new();
            let mut latest = Latest::new(&DataType::Utf8, false);
            let mut merged = Latest::new(&DataType::Utf8, false);
            for batch in &batches {
                for (group, order, value) in batch {
                    let newest = expected.entry(*group).or_insert((i64::MIN, None));
                    if *order > newest.0 {
                        *newest = (*order, value.clone());
                    }
                }
                let values: ArrayRef =
                    Arc::new(batch.iter().map(|(_, _, value)| value.clone()).collect::<StringArray>());
                let orders: ArrayRef = Arc::new(Int64Array::from_iter_values(batch.iter().map(|row| row.1)));
                let groups: Vec<usize> = batch.iter().map(|row| row.0).collect();
                latest.update_batch(&[Arc::clone(&values), Arc::clone(&orders)], &groups, None, 8).unwrap();
                let states = merged.convert_to_state(&[values, orders], None).unwrap();
                merged.merge_batch(&states, &groups, 8).unwrap();
                latest.compact().unwrap();
            }
            let expected: Vec<Option<String>> =
                (0..8).map(|group| expected.get(&group).and_then(|newest| newest.1.clone())).collect();
            let mut emitted = texts(&latest.evaluate(EmitTo::First(first)).unwrap());
            emitted.extend(texts(&latest.evaluate(EmitTo::All).unwrap()));
            prop_assert_eq!(&emitted, &expected);
            let states = merged.state(EmitTo::All).unwrap();
            let mut last = Latest::new(&DataType::Utf8, false);
            last.merge_batch(&states, &[0, 1, 2, 3, 4, 5, 6, 7], 8).unwrap();
            prop_assert_eq!(texts(&last.evaluate(EmitTo::All).unwrap()), expected);
        }
    }

    #[test]
    fn a_filter_leaves_rows_out_and_a_missing_order_is_the_last() {
        let mut latest = Latest::new(&DataType::Utf8, false);
        let values: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
        let orders: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
        let filter = BooleanArray::from(vec![true, false, true]);
        latest
            .update_batch(&[Arc::clone(&values), Arc::clone(&orders)], &[0, 0, 0], Some(&filter), 2)
            .unwrap();
        let mut all = Latest::new(&DataType::Utf8, false);
        all.update_batch(&[values, orders], &[0, 0, 0], None, 1).unwrap();
        assert_eq!(texts(&latest.evaluate(EmitTo::All).unwrap()), [Some("c".to_owned()), None]);
        assert_eq!(texts(&all.evaluate(EmitTo::All).unwrap()), [Some("b".to_owned())]);
    }
}
