//! `magnitude(number)`: which of some 1,000 neighbouring ranges a whole number lies in.
//!
//! Ranges grow with what they hold: a number's length in bits and the four bits after the first.
//! The larger of two numbers never has the smaller magnitude, so that a percentile is found by
//! counting magnitudes and then looking at the numbers of one alone. A range is at most a sixteenth
//! of its numbers wide; numbers up to 31 have one each, and negative ones mirror the positive.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::give_back;

/// The function.
pub(super) fn magnitude() -> ScalarUDF {
    let signature = Signature::exact(vec![DataType::Int64], Volatility::Immutable);
    ScalarUDF::from(Magnitude { signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Magnitude {
    signature: Signature,
}

/// Bits of a number that its magnitude keeps after the first.
const KEPT: u32 = 4;

fn of(number: i64) -> i64 {
    let size = number.unsigned_abs();
    // Numbers with this many bits or fewer are their own magnitude.
    let shift = (u64::BITS - size.leading_zeros()).saturating_sub(KEPT + 1);
    let magnitude = i64::from(shift << KEPT) + i64::try_from(size >> shift).unwrap_or(i64::MAX);
    if number < 0 { -magnitude } else { magnitude }
}

impl ScalarUDFImpl for Magnitude {
    fn name(&self) -> &'static str {
        "magnitude"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [numbers] = arrays.as_slice() else {
            return exec_err!("`magnitude` takes one number");
        };
        let magnitudes: Int64Array = numbers.as_primitive::<Int64Type>().unary(of);
        give_back(&args, Arc::new(magnitudes))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_numbers_have_one_each_and_large_ones_share() {
        assert!((-31..=31).all(|number| of(number) == number));
        assert_eq!((of(32), of(33), of(34)), (32, 32, 33));
        assert_eq!((of(100_000), of(102_399), of(102_400)), (216, 216, 217));
        assert_eq!(of(i64::MIN), -(59 * 16 + 16));
    }

    proptest! {
        #[test]
        fn the_larger_number_never_has_the_smaller_magnitude(a: i64, b: i64, near in -3i64..=3) {
            for other in [b, a.saturating_add(near)] {
                prop_assert!((a <= other) == (of(a) <= of(other)) || of(a) == of(other));
            }
            let edge = 1i64 << (a.unsigned_abs() % 63);
            prop_assert!(of(edge - 1) <= of(edge) && of(edge) <= of(edge.saturating_add(1)));
        }
    }
}
