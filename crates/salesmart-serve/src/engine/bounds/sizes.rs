//! How many bytes a call would make.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, IntervalUnit, TimeUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::ColumnarValue;

/// A place of an array has at least so many bytes.
const PLACE: u64 = 8;
/// The longest text of a number.
const NUMBER: u64 = 40;

/// How the value of a function grows with its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Growth {
    /// All arguments one behind the other.
    Sum,
    /// Two bytes, or letters, for each.
    Double,
    /// The first, so many times as the second says.
    Times,
    /// As many letters as the second says.
    Padded,
    /// The first, with the second replaced by the third.
    Replaced,
    /// The same by a pattern.
    ReplacedByPattern,
    /// Numbers from the first to the second, by the third.
    Series,
    /// As many places as the second says, filled with the third.
    Resized,
    /// The places of the first, with the second between them.
    Listed,
    /// Nothing grows, but time: with the square of the length.
    Distance,
}

/// What a call would make.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Made {
    /// The longest value.
    pub(super) longest: u64,
    /// All values together.
    pub(super) all: u64,
}

impl Growth {
    /// The growth of a function, by its first name.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "concat" | "concat_ws" | "overlay" | "array_concat" | "array_append"
            | "array_prepend" | "make_array" | "struct" | "named_struct" | "map" | "format"
            | "json_build_object" => Self::Sum,
            "encode" | "quote_literal" | "quote_ident" => Self::Double,
            "repeat" | "array_repeat" => Self::Times,
            "lpad" | "rpad" => Self::Padded,
            "replace" => Self::Replaced,
            "regexp_replace" => Self::ReplacedByPattern,
            "range" | "generate_series" => Self::Series,
            "array_resize" => Self::Resized,
            "array_to_string" => Self::Listed,
            "levenshtein" => Self::Distance,
            _ => return None,
        })
    }

    /// What the call would make of these arguments.
    pub(super) fn made(self, arguments: &[ColumnarValue], rows: usize) -> Result<Made> {
        let constant = arguments.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { rows };
        let given = Given::new(arguments)?;
        let mut made = Made::default();
        for row in 0..rows {
            let value = self.row(&given, row);
            made.longest = made.longest.max(value);
            made.all = made.all.saturating_add(value);
        }
        Ok(made)
    }

    fn row(self, given: &Given, row: usize) -> u64 {
        let size = |at| given.size(at, row);
        let number = |at| given.number(at, row);
        match self {
            Self::Sum => given.sum(row),
            Self::Double => given.sum(row).saturating_mul(2).saturating_add(2),
            Self::Times => {
                let one = match given.is_text(0) {
                    true => size(0),
                    false => size(0).max(PLACE),
                };
                one.saturating_mul(number(1))
            }
            Self::Padded => {
                let letter = if given.is_ascii(2, row) { 1 } else { 4 };
                match number(1) {
                    0 => 0,
                    letters => size(0).saturating_add(letters.saturating_mul(letter)),
                }
            }
            Self::Replaced => {
                let (whole, from, to) = (size(0), size(1), size(2));
                if to <= from {
                    return whole;
                }
                let most = whole / from.max(1) + 1;
                let bound = whole.saturating_add(most.saturating_mul(to));
                // Near enough to nothing that counting is not worth it.
                if bound < 1 << 10 {
                    return bound;
                }
                match (given.text(0, row), given.text(1, row)) {
                    (Some(text), Some(part)) => {
                        let found = text.matches(part).count() as u64;
                        whole.saturating_add(found.saturating_mul(to - from))
                    }
                    _ => bound,
                }
            }
            Self::ReplacedByPattern => {
                let (whole, by) = (size(0), size(2));
                let all = given.text(3, row).is_some_and(|flags| flags.contains('g'));
                let times = if all { whole.saturating_add(1) } else { 1 };
                let taken = given.text(2, row).map_or(by, |text| {
                    text.chars().filter(|letter| matches!(letter, '\\' | '$')).count() as u64
                });
                whole
                    .saturating_add(times.saturating_mul(by))
                    .saturating_add(taken.saturating_mul(whole))
            }
            Self::Series => {
                let (first, last, step) = match given.len() {
                    0 => return 0,
                    1 => (Some(0.0), given.point(0, row), Some(1.0)),
                    2 => (given.point(0, row), given.point(1, row), Some(1.0)),
                    _ => (given.point(0, row), given.point(1, row), given.point(2, row)),
                };
                let (Some(first), Some(last), Some(step)) = (first, last, step) else { return 0 };
                let places = match step == 0.0 {
                    // The function says what is wrong with it.
                    true => 0.0,
                    false => ((last - first) / step + 1.0).max(0.0),
                };
                // A float beyond the largest number becomes the largest number.
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "it is a bound, not negative, and casts saturate"
                )]
                let places = places as u64;
                places.saturating_mul(PLACE)
            }
            Self::Resized => {
                let place = size(2).max(PLACE);
                size(0).saturating_add(number(1).saturating_mul(place))
            }
            Self::Listed => {
                let between = size(1).saturating_add(size(2)).saturating_add(NUMBER);
                size(0).saturating_add(given.places(0, row).saturating_mul(between))
            }
            Self::Distance => 0,
        }
    }
}

/// The longest text among the arguments.
pub(super) fn longest(arguments: &[ColumnarValue]) -> Result<u64> {
    let given = Given::new(arguments)?;
    Ok(given.0.iter().flat_map(|one| one.sizes.iter().copied()).max().unwrap_or(0))
}

/// The arguments of a call; those that are the same for all rows are kept once.
struct Given(Vec<One>);

struct One {
    array: ArrayRef,
    scalar: bool,
    sizes: Vec<u64>,
    /// The values as numbers, where they are integers.
    numbers: Option<Int64Array>,
}

impl Given {
    fn new(arguments: &[ColumnarValue]) -> Result<Self> {
        let mut all = Vec::with_capacity(arguments.len());
        for value in arguments {
            let (array, scalar) = match value {
                ColumnarValue::Array(array) => (array.clone(), false),
                ColumnarValue::Scalar(value) => (value.to_array()?, true),
            };
            let sizes = sizes(array.as_ref());
            let numbers = match array.data_type().is_integer() {
                // What is larger than the largest number is null, and taken for the largest.
                true => Some(cast(&array, &DataType::Int64)?.as_primitive::<Int64Type>().clone()),
                false => None,
            };
            all.push(One { array, scalar, sizes, numbers });
        }
        Ok(Self(all))
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn one(&self, at: usize, row: usize) -> Option<(&One, usize)> {
        let one = self.0.get(at)?;
        let row = if one.scalar { 0 } else { row };
        (row < one.array.len()).then_some((one, row))
    }

    fn size(&self, at: usize, row: usize) -> u64 {
        self.one(at, row).map_or(0, |(one, row)| one.sizes[row])
    }

    fn sum(&self, row: usize) -> u64 {
        (0..self.len()).fold(0, |sum: u64, at| sum.saturating_add(self.size(at, row)))
    }

    /// A count; what is negative counts nothing.
    fn number(&self, at: usize, row: usize) -> u64 {
        let Some((one, row)) = self.one(at, row) else { return 0 };
        if one.array.is_null(row) {
            return 0;
        }
        match &one.numbers {
            Some(numbers) if numbers.is_valid(row) => {
                u64::try_from(numbers.value(row)).unwrap_or(0)
            }
            _ => u64::MAX,
        }
    }

    fn text(&self, at: usize, row: usize) -> Option<&str> {
        let (one, row) = self.one(at, row)?;
        if one.array.is_null(row) {
            return None;
        }
        Some(match one.array.data_type() {
            DataType::Utf8 => one.array.as_string::<i32>().value(row),
            DataType::LargeUtf8 => one.array.as_string::<i64>().value(row),
            DataType::Utf8View => one.array.as_string_view().value(row),
            _ => return None,
        })
    }

    fn is_text(&self, at: usize) -> bool {
        self.0.get(at).is_some_and(|one| {
            matches!(
                one.array.data_type(),
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
            )
        })
    }

    /// Whether letters have one byte each, as those of a text that is not there have.
    fn is_ascii(&self, at: usize, row: usize) -> bool {
        self.text(at, row).is_none_or(str::is_ascii)
    }

    /// The places of an array.
    fn places(&self, at: usize, row: usize) -> u64 {
        let Some((one, row)) = self.one(at, row) else { return 0 };
        if one.array.is_null(row) {
            return 0;
        }
        leaves(one.array.as_ref(), row)
    }

    /// A number, or a point or length of time in seconds.
    fn point(&self, at: usize, row: usize) -> Option<f64> {
        let (one, row) = self.one(at, row)?;
        if one.array.is_null(row) {
            return None;
        }
        let raw = |array: &ArrayRef| {
            let number = cast(array, &DataType::Int64).ok()?;
            let number = cast(&number, &DataType::Float64).ok()?;
            number.is_valid(row).then(|| number.as_primitive::<Float64Type>().value(row))
        };
        const DAY: f64 = 86_400.0;
        match one.array.data_type() {
            DataType::Date32 => raw(&one.array).map(|days| days * DAY),
            DataType::Timestamp(unit, _) => {
                let seconds = match unit {
                    TimeUnit::Second => 1.0,
                    TimeUnit::Millisecond => 1e-3,
                    TimeUnit::Microsecond => 1e-6,
                    TimeUnit::Nanosecond => 1e-9,
                };
                raw(&one.array).map(|ticks| ticks * seconds)
            }
            DataType::Interval(IntervalUnit::MonthDayNano) => {
                let value = ScalarValue::try_from_array(one.array.as_ref(), row).ok()?;
                let ScalarValue::IntervalMonthDayNano(Some(value)) = value else { return None };
                let days = f64::from(value.months) * 28.0 + f64::from(value.days);
                #[expect(clippy::cast_precision_loss, reason = "it is a bound")]
                let nanos = value.nanoseconds as f64;
                Some(days * DAY + nanos * 1e-9)
            }
            kind if kind.is_integer() => raw(&one.array),
            _ => None,
        }
    }
}

/// How many values that are no lists an entry of a list has.
fn leaves(array: &dyn Array, row: usize) -> u64 {
    let inner = match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().value(row),
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        DataType::FixedSizeList(..) => array.as_fixed_size_list().value(row),
        _ => return 1,
    };
    match inner.data_type() {
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
            (0..inner.len()).fold(0, |sum, row| sum + leaves(inner.as_ref(), row))
        }
        _ => inner.len() as u64,
    }
}

/// The bytes of each value of an array.
fn sizes(array: &dyn Array) -> Vec<u64> {
    let rows = 0..array.len();
    match array.data_type() {
        DataType::Utf8 => lengths(array.as_string::<i32>().value_offsets()),
        DataType::LargeUtf8 => lengths(array.as_string::<i64>().value_offsets()),
        DataType::Binary => lengths(array.as_binary::<i32>().value_offsets()),
        DataType::LargeBinary => lengths(array.as_binary::<i64>().value_offsets()),
        // The length of a view is its lower half.
        DataType::Utf8View => views(array.as_string_view().views()),
        DataType::BinaryView => views(array.as_binary_view().views()),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let inner = sizes(list.values().as_ref());
            rows.map(|row| {
                let (from, to) = (list.value_offsets()[row], list.value_offsets()[row + 1]);
                total(&inner, i64::from(from), i64::from(to))
            })
            .collect()
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let inner = sizes(list.values().as_ref());
            rows.map(|row| total(&inner, list.value_offsets()[row], list.value_offsets()[row + 1]))
                .collect()
        }
        DataType::Struct(_) => {
            let columns: Vec<Vec<u64>> =
                array.as_struct().columns().iter().map(|column| sizes(column.as_ref())).collect();
            rows.map(|row| columns.iter().fold(0, |sum: u64, c| sum.saturating_add(c[row])))
                .collect()
        }
        kind => {
            let one = kind.primitive_width().map_or_else(
                || (array.get_array_memory_size() / array.len().max(1)) as u64,
                |width| width as u64,
            );
            vec![one; array.len()]
        }
    }
}

/// An entry of a list: its values, and what their places take.
fn total(inner: &[u64], from: i64, to: i64) -> u64 {
    let at = |offset: i64| usize::try_from(offset).unwrap_or(0).min(inner.len());
    inner[at(from)..at(to)].iter().fold(0, |sum: u64, size| sum.saturating_add((*size).max(PLACE)))
}

fn lengths<O: Copy + Into<i64>>(offsets: &[O]) -> Vec<u64> {
    let length = |pair: &[O]| u64::try_from(pair[1].into() - pair[0].into()).unwrap_or(0);
    offsets.windows(2).map(length).collect()
}

fn views(views: &[u128]) -> Vec<u64> {
    #[expect(clippy::cast_possible_truncation, reason = "the lower 32 bits are the length")]
    let length = |view: &u128| u64::from(*view as u32);
    views.iter().map(length).collect()
}
