//! The `salesmart` binary: everything is in the library beside it, where tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    salesmart_cli::main()
}
