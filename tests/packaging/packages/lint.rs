//! What lintian says of the deb.

use super::package::{Form, packages};
use crate::support::real_parts::program;
use std::process::Command;

#[test]
fn lintian_has_nothing_to_say_but_what_is_overridden_with_its_reason() {
    let (Some(lintian), Some([made, _])) = (program("lintian", "lintian"), packages()) else {
        return;
    };
    for architecture in ["amd64", "arm64"] {
        let mut check = Command::new(&lintian);
        check.args(["--fail-on", "error,warning"]).arg(made.file(Form::Deb, architecture));
        let ended = check.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        assert_eq!((ended.status.code(), said.as_ref()), (Some(0), ""));
    }
}
