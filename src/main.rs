//! Entry point: arguments in, exit status out, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    eni_bootstrap::cli::main(std::env::args_os())
}
