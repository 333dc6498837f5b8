//! The lintian check of the deb.

use crate::support::packages::{PackageFormat, packages};
use crate::support::real_parts::program;
use std::process::Command;

#[test]
fn lintian_reports_nothing() {
    let (Some(lintian), Some([this, _])) = (program("lintian", "lintian"), packages()) else {
        return;
    };
    for architecture in ["amd64", "arm64"] {
        let mut check = Command::new(&lintian);
        check.args(["--fail-on", "error,warning"]).arg(this.file(PackageFormat::Deb, architecture));
        let output = check.output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!((output.status.code(), stdout.as_ref()), (Some(0), ""));
    }
}
