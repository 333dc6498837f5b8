//! The entry point of the program `eni-bootstrap`.

use std::alloc::System;
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;

/// Clears memory when it is freed. The buffers of libraries also contain tokens and credentials: HTTP
/// headers and bodies, TLS records, and the text that a parser reads.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    eni_bootstrap::cli::main(std::env::args_os())
}
