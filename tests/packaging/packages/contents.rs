//! The files and the metadata of the packages.

use crate::support::packages::{
    PackageFormat, Packages, VERSION, packages, rebuild, stdout_of_success,
};
use crate::support::real_parts::program;
use std::fs;
use std::process::Command;

/// The files of both packages: mode, owner and path.
const BOTH: &str = "\
drwxr-xr-x root/root /etc/eni-bootstrap
-rwxr-xr-x root/root /usr/bin/eni-bootstrap
drwxr-xr-x root/root /usr/lib/eni-bootstrap
-rw-r--r-- root/root /usr/lib/eni-bootstrap/50-defaults.toml
-rw-r--r-- root/root /usr/lib/systemd/system/eni-bootstrap-retry.service
-rw-r--r-- root/root /usr/lib/systemd/system/eni-bootstrap.service
drwxr-xr-x root/root /usr/share/bash-completion
drwxr-xr-x root/root /usr/share/bash-completion/completions
-rw-r--r-- root/root /usr/share/bash-completion/completions/eni-bootstrap
drwxr-xr-x root/root /usr/share/doc/eni-bootstrap
drwxr-xr-x root/root /usr/share/eni-bootstrap
-rw-r--r-- root/root /usr/share/eni-bootstrap/eni-bootstrap.cdx.json
-rw-r--r-- root/root /usr/share/eni-bootstrap/fail-open.conf
-rw-r--r-- root/root /usr/share/eni-bootstrap/iam-policy.json
-rw-r--r-- root/root /usr/share/eni-bootstrap/rbac.yaml
-rw-r--r-- root/root /usr/share/eni-bootstrap/settings.schema.json
drwxr-xr-x root/root /usr/share/fish
drwxr-xr-x root/root /usr/share/fish/vendor_completions.d
-rw-r--r-- root/root /usr/share/fish/vendor_completions.d/eni-bootstrap.fish
-rw-r--r-- root/root /usr/share/man/man1/eni-bootstrap-check.1.gz
-rw-r--r-- root/root /usr/share/man/man1/eni-bootstrap-max-pods.1.gz
-rw-r--r-- root/root /usr/share/man/man1/eni-bootstrap-plan.1.gz
-rw-r--r-- root/root /usr/share/man/man1/eni-bootstrap-report.1.gz
-rw-r--r-- root/root /usr/share/man/man1/eni-bootstrap-retry.1.gz
-rw-r--r-- root/root /usr/share/man/man1/eni-bootstrap-run.1.gz
-rw-r--r-- root/root /usr/share/man/man1/eni-bootstrap-token.1.gz
-rw-r--r-- root/root /usr/share/man/man1/eni-bootstrap-undo.1.gz
-rw-r--r-- root/root /usr/share/man/man1/eni-bootstrap-wait.1.gz
-rw-r--r-- root/root /usr/share/man/man1/eni-bootstrap.1.gz
drwxr-xr-x root/root /usr/share/zsh
drwxr-xr-x root/root /var/lib/eni-bootstrap
";

/// The files that only the deb has.
const DEB: &str = "\
drwxr-xr-x root/root /etc
drwxr-xr-x root/root /usr
drwxr-xr-x root/root /usr/bin
drwxr-xr-x root/root /usr/lib
drwxr-xr-x root/root /usr/lib/systemd
drwxr-xr-x root/root /usr/lib/systemd/system
drwxr-xr-x root/root /usr/share
drwxr-xr-x root/root /usr/share/doc
-rw-r--r-- root/root /usr/share/doc/eni-bootstrap/changelog.Debian.gz
-rw-r--r-- root/root /usr/share/doc/eni-bootstrap/changelog.gz
-rw-r--r-- root/root /usr/share/doc/eni-bootstrap/copyright
-rw-r--r-- root/root /usr/share/doc/eni-bootstrap/third-party-licenses.gz
drwxr-xr-x root/root /usr/share/lintian
drwxr-xr-x root/root /usr/share/lintian/overrides
-rw-r--r-- root/root /usr/share/lintian/overrides/eni-bootstrap
drwxr-xr-x root/root /usr/share/man
drwxr-xr-x root/root /usr/share/man/man1
drwxr-xr-x root/root /usr/share/zsh/vendor-completions
-rw-r--r-- root/root /usr/share/zsh/vendor-completions/_eni-bootstrap
drwxr-xr-x root/root /var
drwxr-xr-x root/root /var/lib
";

/// The files that only the rpm has.
const RPM: &str = "\
-rw-r--r-- root/root /usr/share/doc/eni-bootstrap/CHANGELOG.md
drwxr-xr-x root/root /usr/share/licenses/eni-bootstrap
-rw-r--r-- root/root /usr/share/licenses/eni-bootstrap/LICENSE
-rw-r--r-- root/root /usr/share/licenses/eni-bootstrap/third-party-licenses.gz
drwxr-xr-x root/root /usr/share/zsh/site-functions
-rw-r--r-- root/root /usr/share/zsh/site-functions/_eni-bootstrap
";

/// Joins the lists, and sorts the lines by path.
fn sorted(lists: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = lists.concat().lines().map(str::to_owned).collect();
    lines.sort_by_key(|line| line.rsplit_once(' ').unwrap().1.to_owned());
    lines
}

/// Runs `dpkg-deb` on the deb.
fn deb(packages: &Packages, architecture: &str, arguments: &[&str]) -> String {
    let mut command = Command::new("dpkg-deb");
    stdout_of_success(
        &command
            .args(arguments)
            .arg(packages.file(PackageFormat::Deb, architecture))
            .output()
            .unwrap(),
    )
}

/// Runs `rpm --query` on the rpm.
fn rpm(packages: &Packages, architecture: &str, arguments: &[&str]) -> String {
    let mut command = Command::new("rpm");
    command.args(["--query", "--package"]).args(arguments);
    stdout_of_success(
        &command.arg(packages.file(PackageFormat::Rpm, architecture)).output().unwrap(),
    )
}

#[test]
fn deb_has_the_expected_files() {
    let (Some(_), Some([this, _])) = (program("dpkg-deb", "dpkg"), packages()) else { return };
    for architecture in ["amd64", "arm64"] {
        let listed = deb(this, architecture, &["--contents"]);
        let lines = listed.lines().map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let path = fields[5].trim_start_matches('.').trim_end_matches('/');
            format!("{} {} {path}\n", fields[0], fields[1])
        });
        assert_eq!(sorted(&[&lines.collect::<String>()]), sorted(&[BOTH, DEB]));
    }
}

#[test]
fn rpm_has_the_expected_files() {
    let (Some(_), Some([this, _])) = (program("rpm", "rpm"), packages()) else { return };
    for architecture in ["amd64", "arm64"] {
        let format = "[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\\n]";
        let listed = rpm(this, architecture, &["--queryformat", format]);
        assert_eq!(sorted(&[&listed]), sorted(&[BOTH, RPM]));
        assert_eq!(rpm(this, architecture, &["--configfiles"]), "");
        assert_eq!(
            rpm(this, architecture, &["--licensefiles"]),
            "/usr/share/licenses/eni-bootstrap/LICENSE\n/usr/share/licenses/eni-bootstrap/third-party-licenses.gz\n"
        );
    }
}

#[test]
fn deb_has_the_expected_metadata() {
    let (Some(_), Some([this, _])) = (program("dpkg-deb", "dpkg"), packages()) else { return };
    for architecture in ["amd64", "arm64"] {
        let control = deb(this, architecture, &["--field"]);
        let control: Vec<&str> =
            control.lines().filter(|line| !line.starts_with("Installed-Size: ")).collect();
        let expected = format!(
            "Package: eni-bootstrap
Version: {VERSION}-1
Section: admin
Priority: optional
Architecture: {architecture}
Maintainer: the authors of eni-bootstrap <maintainers@eni-bootstrap.example>
Description: prepare an Amazon EKS node for the VPC CNI before its kubelet starts
 eni-bootstrap runs at boot. It reads the instance metadata service and
 computes max-pods for custom networking, prefix delegation and security groups
 for pods. It writes max-pods to the kubelet configuration. It then waits until
 the ENIConfig for the node exists.
 .
 The installation does not enable or start the systemd unit."
        );
        assert_eq!(control.join("\n"), expected);
        let scripts = deb(this, architecture, &["--info"]);
        let scripts: Vec<&str> = scripts
            .lines()
            .filter_map(|line| line.split_once(" *  ")?.1.split(' ').next())
            .collect();
        assert_eq!(scripts, ["postinst", "postrm", "preinst", "prerm"]);
    }
}

#[test]
fn rpm_has_the_expected_metadata() {
    let (Some(_), Some([this, _])) = (program("rpm", "rpm"), packages()) else { return };
    for (architecture, as_rpm) in [("amd64", "x86_64"), ("arm64", "aarch64")] {
        let format = "%{NVRA} %{LICENSE} %{VENDOR}: %{SUMMARY}\\n[%{REQUIRENAME}\\n]%{PREINPROG} %{POSTINPROG} %{PREUNPROG} %{POSTUNPROG}\\n";
        assert_eq!(
            rpm(this, architecture, &["--queryformat", format]),
            format!(
                "eni-bootstrap-{VERSION}-1.{as_rpm} Apache-2.0 (none): Prepares an Amazon EKS node for the VPC CNI before its kubelet starts
/bin/sh
/bin/sh /bin/sh /bin/sh /bin/sh
"
            )
        );
    }
}

#[test]
fn deb_and_rpm_contain_the_maintainer_scripts_unchanged() {
    let (Some(_), Some(_), Some([this, _])) =
        (program("rpm", "rpm"), program("dpkg-deb", "dpkg"), packages())
    else {
        return;
    };
    let names = [
        ("preinstall", "preinst", "PREIN"),
        ("postinstall", "postinst", "POSTIN"),
        ("preremove", "prerm", "PREUN"),
        ("postremove", "postrm", "POSTUN"),
    ];
    for (name, in_deb, in_rpm) in names {
        let file = format!("{}/packaging/scripts/{name}.sh", env!("CARGO_MANIFEST_DIR"));
        let script = fs::read_to_string(file).unwrap();
        let mut info = Command::new("dpkg-deb");
        info.arg("--info").arg(this.file(PackageFormat::Deb, "amd64")).arg(in_deb);
        assert_eq!(stdout_of_success(&info.output().unwrap()), script);
        assert_eq!(rpm(this, "amd64", &["--queryformat", &format!("%{{{in_rpm}}}")]), script);
    }
}

#[test]
fn rebuilding_a_commit_gives_identical_packages() {
    let Some([this, _]) = packages() else { return };
    let again = tempfile::tempdir().unwrap();
    let rebuilt = rebuild(again.path(), &[]);
    for format in [PackageFormat::Deb, PackageFormat::Rpm] {
        for architecture in ["amd64", "arm64"] {
            let one = this.file(format, architecture);
            let other = rebuilt.file(format, architecture);
            // Not assert_eq!, which would print both 5 MiB files.
            assert!(fs::read(&one).unwrap() == fs::read(other).unwrap(), "{}", one.display());
        }
    }
}
