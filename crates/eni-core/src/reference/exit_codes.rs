//! `docs/exit-codes.md`.

use super::{GENERATED, expect, wrapped};
use crate::failure::ExitCode;
use crate::failure::guide::EXIT_CODES;
use std::fmt::Write as _;

const DETAILS: &str = "
Exit codes from 64 to 78 come from `sysexits.h`; 79 is the next number. Results go to stdout. Log lines and errors go to stderr.

An error message states what failed, why, and how to fix it:

<!-- not run: format of an error -->
```text
error: failed to read instance metadata
  caused by: …
  help: …
```

[Errors](troubleshooting.md#errors) lists the errors that users see first. The pages of the `kubectl eni` commands list the
exit codes of these commands.

## Details
";

#[test]
fn the_exit_codes_are_generated() {
    let mut text = format!("# Exit codes\n\n{GENERATED}\n| status | meaning |\n|---|---|\n");
    for code in ExitCode::ALL {
        let _ = writeln!(text, "| {} | {} |", code.number(), code.meaning());
    }
    text.push_str(DETAILS);
    for guide in EXIT_CODES {
        let (number, meaning) = (guide.code.number(), guide.code.meaning());
        let _ = write!(text, "\n### Exit code {number}\n\n**Meaning.** {meaning}.\n\n");
        let effect = wrapped(&format!("**Effect.** {}", guide.effect));
        let next = wrapped(&format!("**Next step.** {}", guide.next));
        let _ = write!(text, "{effect}\n\n{next}\n");
    }
    expect("docs/exit-codes.md", &text);
}
