//! The functions that SQL may call beside DataFusion's own, and those it may not.

mod fill_forward;
mod fiscal;
mod hash;
mod hash_chain;
mod last_value;
mod magnitude;
mod text_in_order;
mod working_days;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use arrow::array::{Array, ArrayRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, Volatility};
use datafusion::prelude::SessionContext;

use crate::settings::BusinessSettings;

/// Makes our functions known to a session, following the company's settings.
pub(crate) fn register(context: &SessionContext, business: &BusinessSettings) {
    for function in fiscal::all(business) {
        context.register_udf(function.as_ref().clone());
    }
    context.register_udf(hash::sha256_hex());
    context.register_udf(hash::text_hash());
    context.register_udf(magnitude::magnitude());
    context.register_udf(working_days::working_days(business));
    context.register_udaf(last_value::last_value());
    context.register_udaf(text_in_order::text_in_order());
    context.register_udwf(fill_forward::fill_forward());
    context.register_udwf(hash_chain::hash_chain());
}

/// Gives scalars back for scalars, so that the optimizer can fold constants.
fn give_back(args: &ScalarFunctionArgs, array: ArrayRef) -> Result<ColumnarValue> {
    let all_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    if all_scalar && !array.is_empty() {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
    }
    Ok(ColumnarValue::Array(array))
}

/// Names that read a clock or dice in other databases, and would only be "unknown" here.
const ELSEWHERE: [&str; 11] = [
    "clock_timestamp",
    "getdate",
    "localtime",
    "localtimestamp",
    "rand",
    "statement_timestamp",
    "sysdate",
    "timeofday",
    "transaction_timestamp",
    "current_user",
    "session_user",
];

static UNSTEADY: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let mut names: BTreeSet<String> = ELSEWHERE.iter().map(|name| (*name).to_owned()).collect();
    for function in datafusion::functions::all_default_functions() {
        if function.signature().volatility != Volatility::Immutable {
            names.insert(function.name().to_owned());
            names.extend(function.aliases().iter().cloned());
        }
    }
    names
});

/// Whether a function's result is not fixed by its arguments: the clock, dice, file names.
pub(crate) fn is_unsteady(name: &str) -> bool {
    UNSTEADY.contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_and_dice_are_known() {
        for name in
            ["now", "current_date", "current_timestamp", "today", "current_time", "random", "uuid"]
        {
            assert!(is_unsteady(name), "{name}");
        }
        for name in ["date_trunc", "lower", "coalesce", "arrow_cast"] {
            assert!(!is_unsteady(name), "{name}");
        }
    }
}
