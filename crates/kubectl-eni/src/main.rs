//! The entry point of `kubectl eni`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubectl_eni::cli::main(std::env::args_os())
}
