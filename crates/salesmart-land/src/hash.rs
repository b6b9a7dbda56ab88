//! Hashes that identify a row by its key and by its content.
//!
//! They are stored in raw tables (`_row_hash`, `_row_key`) and compared years later, so they are
//! defined here and depend on no library's internal encoding: XXH3 (a published algorithm) over
//! the bytes described below. A column that is null adds nothing, so that a column added to a
//! stream later does not change the rows that have no value for it.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
    TimestampMicrosecondArray,
};
use salesmart_core::{Error, Result};
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

/// Calls `visit(row, bytes)` for every value of a column that is not null.
///
/// Text is its UTF-8 bytes; numbers, days and instants (microseconds) are little-endian two's
/// complement of 8 bytes (decimals 16, days 4); floats their IEEE bits; truth one byte.
fn for_each_value(column: &ArrayRef, mut visit: impl FnMut(usize, &[u8])) -> Result<()> {
    macro_rules! fixed {
        ($type:ty, $array:expr) => {
            for (row, value) in $array.iter().enumerate() {
                if let Some(value) = value {
                    visit(row, &<$type>::to_le_bytes(value));
                }
            }
        };
    }
    let any = column.as_any();
    if let Some(text) = column.as_string_opt::<i32>() {
        for (row, value) in text.iter().enumerate() {
            if let Some(value) = value {
                visit(row, value.as_bytes());
            }
        }
    } else if let Some(array) = any.downcast_ref::<Int64Array>() {
        fixed!(i64, array);
    } else if let Some(array) = any.downcast_ref::<Decimal128Array>() {
        fixed!(i128, array);
    } else if let Some(array) = any.downcast_ref::<Date32Array>() {
        fixed!(i32, array);
    } else if let Some(array) = any.downcast_ref::<TimestampMicrosecondArray>() {
        fixed!(i64, array);
    } else if let Some(array) = any.downcast_ref::<Float64Array>() {
        fixed!(f64, array);
    } else if let Some(array) = any.downcast_ref::<BooleanArray>() {
        for (row, value) in array.iter().enumerate() {
            if let Some(value) = value {
                visit(row, &[u8::from(value)]);
            }
        }
    } else {
        return Err(Error::bug(format!("a landed column has the type {}", column.data_type())));
    }
    Ok(())
}

/// The content hash of every row, over named columns, whatever their order.
pub(crate) fn content_hashes(rows: usize, columns: &[(&str, &ArrayRef)]) -> Result<Vec<u64>> {
    accumulate(rows, columns, 0)
}

/// A content hash wide enough to be an identity: a second, independent sum beside the first.
pub(crate) fn wide_content_hashes(rows: usize, columns: &[(&str, &ArrayRef)]) -> Result<Vec<u128>> {
    let low = accumulate(rows, columns, 0)?;
    let high = accumulate(rows, columns, 0x9e37_79b9_7f4a_7c15)?;
    Ok(low
        .iter()
        .zip(high)
        .map(|(low, high)| (u128::from(high) << 64) | u128::from(*low))
        .collect())
}

fn accumulate(rows: usize, columns: &[(&str, &ArrayRef)], salt: u64) -> Result<Vec<u64>> {
    let mut hashes = vec![salt; rows];
    for (name, column) in columns {
        let seed = xxh3_64_with_seed(name.as_bytes(), salt);
        for_each_value(column, |row, bytes| {
            // A sum does not care for the order of columns; the seed tells them apart.
            hashes[row] = hashes[row].wrapping_add(xxh3_64_with_seed(bytes, seed));
        })?;
    }
    Ok(hashes)
}

/// The key hash of every row, `None` where a key column is null.
pub(crate) fn key_hashes(rows: usize, columns: &[ArrayRef]) -> Result<Vec<Option<u128>>> {
    if let [column] = columns {
        let mut hashes = vec![None; rows];
        for_each_value(column, |row, bytes| hashes[row] = Some(xxh3_128(bytes)))?;
        return Ok(hashes);
    }
    let mut parts: Vec<(usize, Vec<u8>)> = vec![(0, Vec::new()); rows];
    for column in columns {
        for_each_value(column, |row, bytes| {
            let (present, buffer) = &mut parts[row];
            *present += 1;
            // The length keeps ("ab", "c") apart from ("a", "bc").
            buffer.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            buffer.extend_from_slice(bytes);
        })?;
    }
    Ok(parts
        .into_iter()
        .map(|(present, bytes)| (present == columns.len()).then(|| xxh3_128(&bytes)))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StringArray;

    use super::*;

    fn text(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    #[test]
    fn content_is_told_apart_by_column_and_not_by_order_or_absent_columns() {
        let a = text(&[Some("x"), None, Some("y")]);
        let b = text(&[None, Some("x"), Some("z")]);
        let absent = text(&[None, None, None]);
        let hashes = content_hashes(3, &[("a", &a), ("b", &b)]).unwrap();
        assert_ne!(hashes[0], hashes[1], "x in a is not x in b");
        assert_eq!(hashes, content_hashes(3, &[("b", &b), ("a", &a)]).unwrap());
        assert_eq!(hashes, content_hashes(3, &[("a", &a), ("b", &b), ("c", &absent)]).unwrap());
    }

    #[test]
    fn hashes_are_the_same_for_ever() {
        // Stored in tables: a change of these figures makes every row of every lake look changed.
        let a = text(&[Some("Acme")]);
        let n: ArrayRef = Arc::new(
            Decimal128Array::from(vec![1_250_i128]).with_precision_and_scale(18, 2).unwrap(),
        );
        let hash = content_hashes(1, &[("name", &a), ("amount", &n)]).unwrap()[0];
        let name = xxh3_64_with_seed(b"Acme", xxh3_64_with_seed(b"name", 0));
        let amount = xxh3_64_with_seed(&1_250_i128.to_le_bytes(), xxh3_64_with_seed(b"amount", 0));
        assert_eq!(hash, name.wrapping_add(amount));
    }

    #[test]
    fn a_key_of_several_columns_keeps_their_borders() {
        let hashes = key_hashes(
            3,
            &[text(&[Some("ab"), Some("a"), Some("a")]), text(&[Some("c"), Some("bc"), None])],
        )
        .unwrap();
        assert_ne!(hashes[0], hashes[1]);
        assert_eq!(hashes[2], None);
    }
}
