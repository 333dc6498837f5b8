//! The entry point of the program `eni-bootstrap`.

use std::process::ExitCode;

fn main() -> ExitCode {
    eni_bootstrap::cli::main(std::env::args_os())
}
