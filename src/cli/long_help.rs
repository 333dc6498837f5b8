//! The end of `eni-bootstrap --help`.

use super::PROGRAM_EXAMPLE;
use eni_core::failure::ExitCode;
use std::fmt::Write as _;

/// Returns the example, the sources of settings, and the exit codes.
pub(super) fn after_long_help() -> String {
    let mut text = format!(
        "{PROGRAM_EXAMPLE}\n\n\
         Settings come from settings files (*.toml in /usr/lib/eni-bootstrap, /etc/eni-bootstrap and\n\
         /run/eni-bootstrap), the user data of a Bottlerocket bootstrap container, the file passed with --config,\n\
         environment variables, and flags. A later source overrides an earlier one.\n\n\
         Exit codes:\n"
    );
    for code in ExitCode::ALL {
        let _ = writeln!(text, "  {:>3}  {}", code.number(), code.meaning());
    }
    text
}
