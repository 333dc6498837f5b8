//! `docs/diagnostics.md`: the list of the codes.

use super::{GENERATED, expect};
use crate::diagnostic::Code;

const HEAD: &str = "\
`eni-bootstrap check` and `kubectl eni check` report each condition with a severity and a stable code. With
`--output json` a diagnostic has the fields `code`, `severity`, `subject`, `text` and, if you can do something about it,
`help`. `eni-bootstrap plan --output json` has the same fields. Scripts may compare codes. Texts may change.

Each code links to its section in [troubleshooting.md](troubleshooting.md): its effect, where it shows, and how to fix it.

| severity | meaning |
|---|---|
| ok | The check passed. |
| info | A note that needs no action. |
| warning | The node works, but maybe not as intended. |
| failed | The node cannot work in this state. |
| skipped | The check could not run. |

## Codes

| code | subject | condition |
|---|---|---|
";

#[test]
fn the_list_of_codes_is_generated() {
    let mut text = format!("# Diagnostics\n\n{GENERATED}\n{HEAD}");
    for code in Code::ALL {
        let (name, subject, condition) = (code.name(), code.subject(), code.condition());
        let link = format!("[{name}](troubleshooting.md#{name})");
        text.extend(["| ", &link, " | ", subject, " | ", condition, " |\n"]);
    }
    expect("docs/diagnostics.md", &text);
}
