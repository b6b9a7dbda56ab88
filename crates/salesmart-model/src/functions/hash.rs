//! `sha256_hex(text)`: the SHA-256 of a text's bytes, in lower-case hexadecimal; and
//! `text_hash(text)`: a number that two different texts hardly ever share.
//!
//! The engine's own `sha256` gives bytes; a seal is compared with what `sha256sum` prints. Numbers
//! are for finding what changed: XXH3 with 64 bits, seed 0, read as a signed integer. They are
//! stored, so they are the same for ever.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use super::give_back;

/// The function.
pub(super) fn sha256_hex() -> ScalarUDF {
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    ScalarUDF::from(Sha256Hex { signature })
}

/// A hash of parts written one after the other, as people write it.
pub(super) fn hex<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Sha256Hex {
    signature: Signature,
}

impl ScalarUDFImpl for Sha256Hex {
    fn name(&self) -> &'static str {
        "sha256_hex"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [texts] = arrays.as_slice() else {
            return exec_err!("`sha256_hex` takes one text");
        };
        let hashes: StringArray =
            texts.as_string::<i32>().iter().map(|text| text.map(|text| hex([text]))).collect();
        give_back(&args, Arc::new(hashes))
    }
}

/// The function.
pub(super) fn text_hash() -> ScalarUDF {
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    ScalarUDF::from(TextHash { signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TextHash {
    signature: Signature,
}

impl ScalarUDFImpl for TextHash {
    fn name(&self) -> &'static str {
        "text_hash"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [texts] = arrays.as_slice() else {
            return exec_err!("`text_hash` takes one text");
        };
        let hash = |text: &str| xxh3_64(text.as_bytes()).cast_signed();
        let hashes: Int64Array =
            texts.as_string::<i32>().iter().map(|text| text.map(hash)).collect();
        give_back(&args, Arc::new(hashes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_sha256sum_prints() {
        assert_eq!(
            hex(["abc"]),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        // The published vector of XXH3 for the empty text: numbers in tables depend on it.
        assert_eq!(xxh3_64(b"").cast_signed(), 0x2d06_8005_38d3_94c2);
        assert_eq!(hex(["a", "bc"]), hex(["abc"]));
        assert_eq!(hex([]), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
