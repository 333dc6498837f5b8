//! What lintian says of the deb.

use super::package::{Form, packages};
use crate::real_parts::program;
use std::process::Command;

#[test]
fn lintian_has_nothing_to_say_but_what_is_overridden_with_its_reason() {
    let (Some(lintian), Some([made, _])) = (program("lintian", "lintian"), packages()) else {
        return;
    };
    let mut check = Command::new(lintian);
    let ended =
        check.args(["--fail-on", "error,warning"]).arg(made.file(Form::Deb, "amd64")).output();
    let ended = ended.unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert_eq!((ended.status.code(), said.as_ref()), (Some(0), ""));
}
