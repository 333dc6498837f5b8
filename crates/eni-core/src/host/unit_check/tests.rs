mod drop_ins;

use super::*;
use crate::failure::{Advice as _, report};

const UNIT: &str = "/usr/lib/systemd/system/kubelet.service";
const OWN: &str = "/etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf";
const SITE: &str = "/etc/systemd/system/kubelet.service.d/zzz-site.conf";
const ENVIRONMENT: &str = "/run/eni-bootstrap/kubelet.env";
const PLANNED: [&str; 3] =
    ["--max-pods=20", "--kube-reserved=cpu=70m,memory=475Mi", "--node-labels=a=1,b=2"];

fn check() -> UnitCheck {
    UnitCheck {
        unit: "kubelet.service",
        retry: "systemctl start kubelet",
        program: Program::Kubelet { variable: "OWN" },
        required: PLANNED.map(str::to_owned).to_vec(),
        configured: Vec::new(),
        config: None,
        future_files: Vec::new(),
    }
}

/// A unit whose drop-in of eni-bootstrap adds `$OWN`, and `later`, a drop-in that sorts after it. `show`
/// is the command of the effective unit, and `properties` are further lines of `systemctl show`.
fn verify(
    check: &UnitCheck,
    show: &str,
    properties: &str,
    later: &str,
) -> Result<(), UnitMismatch> {
    let program = show.split(' ').next().unwrap();
    let unit = LoadedUnit::parse(&format!(
        "LoadState=loaded\nExecStart={{ path={program} ; argv[]={show} ; ignore_errors=no ; start_time=[n/a] }}\n{properties}"
    )).unwrap();
    let own =
        "[Service]\nEnvironmentFile=-/run/x\nExecStart=\nExecStart=/usr/bin/kubelet $A $OWN\n";
    let files = UnitFiles {
        unit: vec![
            (UNIT.into(), "[Service]\nExecStart=/usr/bin/kubelet $A\n".to_owned()),
            (OWN.into(), own.to_owned()),
            (SITE.into(), format!("[Service]\n{later}\n")),
        ],
        environment: vec![
            (ENVIRONMENT.into(), format!("OWN={}\n", PLANNED.join(" "))),
            (
                "/etc/site.env".into(),
                if later.contains("site.env") {
                    "OWN=--max-pods=58\n".into()
                } else {
                    String::new()
                },
            ),
        ],
        script: None,
        config: Vec::new(),
    };
    check.verify(&unit, &files)
}

#[test]
fn planned_arguments_at_the_end_take_precedence() {
    for show in [
        "/usr/bin/kubelet $A $OWN",
        "/usr/bin/kubelet --max-pods=58 --node-labels=a=9,c=3 --kube-reserved=memory=1Gi,pid=9 $OWN",
        "/usr/bin/kubelet --max-pods 58 $OWN --v=2 --node-labels c=3",
        "/usr/bin/nice kubelet ${A} $OWN -- --max-pods=3",
    ] {
        assert_eq!(verify(&check(), show, "", ""), Ok(()), "{show}");
    }
}

#[test]
fn a_drop_in_that_removes_the_arguments_is_named() {
    let show = "/usr/bin/kubelet --site $A";
    let error = verify(&check(), show, "", "ExecStart=\nExecStart=/usr/bin/kubelet").unwrap_err();
    assert_eq!(
        report(&error),
        "error: kubelet.service starts the kubelet without --max-pods=20, because of /etc/systemd/system/kubelet.service.d/zzz-site.conf\n  help: run `systemctl cat kubelet.service`, correct /etc/systemd/system/kubelet.service.d/zzz-site.conf, then run `systemctl start kubelet`"
    );
    assert_eq!(error.exit_code().number(), 65);
}

#[test]
fn a_competing_flag_is_named_with_its_file() {
    for (show, planned, effective) in [
        ("$OWN --max-pods=58", "--max-pods=20", "--max-pods=58"),
        ("$OWN --max_pods 58", "--max-pods=20", "--max-pods=58"),
        ("$OWN --kube-reserved=cpu=1", "--kube-reserved=cpu=70m", "--kube-reserved=cpu=1"),
        ("$OWN --node-labels=x=1,b=9", "--node-labels=b=2", "--node-labels=b=9"),
        ("$OWN --node-labels=b", "--node-labels=b=2", "--node-labels=b="),
        ("$OWN $FLAGS", "--max-pods=20", "--max-pods=3"),
    ] {
        let properties = "Environment=FLAGS=--max-pods=3\n";
        let later = "ExecStart=\nExecStart=x\nEnvironment=FLAGS=--max-pods=3";
        let error = verify(&check(), &format!("/usr/bin/kubelet {show}"), properties, later);
        assert_eq!(
            error.unwrap_err().to_string(),
            format!(
                "kubelet.service starts the kubelet with {effective} instead of {planned}, because of {SITE}"
            ),
            "{show}"
        );
    }
}

#[test]
fn a_competing_environment_file_is_named() {
    let show = "/usr/bin/kubelet $A $OWN";
    let error = verify(&check(), show, "", "EnvironmentFile=/etc/site.env").unwrap_err();
    assert_eq!(
        error.to_string(),
        "kubelet.service starts the kubelet with --max-pods=58 instead of --max-pods=20, because of /etc/site.env"
    );
    // Without the planned argument, an earlier one takes precedence. It is not the reason.
    let show = "/usr/bin/kubelet --max-pods=29 $OWN";
    let error = verify(&check(), show, "UnsetEnvironment=OWN\n", "EnvironmentFile=").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "kubelet.service starts the kubelet with --max-pods=29 instead of --max-pods=20, because of {SITE}"
        )
    );
    let show = "/usr/bin/kubelet $A $OWN";
    // An unset variable: the drop-in removes the environment file, or the variable.
    for (properties, later) in [
        ("UnsetEnvironment=OWN\n", "UnsetEnvironment=OWN"),
        ("UnsetEnvironment=OWN\n", "EnvironmentFile="),
    ] {
        let error = verify(&check(), show, properties, later).unwrap_err();
        assert_eq!(
            error.to_string(),
            "kubelet.service starts the kubelet without --max-pods=20, because of /etc/systemd/system/kubelet.service.d/zzz-site.conf"
        );
    }
}

#[test]
fn a_command_that_does_not_reach_the_kubelet_is_named() {
    let later = "ExecStart=\nExecStart=x";
    for (program, arguments) in [("/bin/sh", "-c exec kubelet $OWN"), ("/bin/bash", "-ec kubelet")]
    {
        let show = format!("{program} {arguments}");
        let error = verify(&check(), &show, "", later).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "kubelet.service runs {program}, which does not pass the planned arguments to the kubelet, because of {SITE}"
            )
        );
    }
    let error = verify(
        &check(),
        "/usr/bin/kubelet $OWN",
        "ExecStartEx={ path=/usr/bin/kubelet ; argv[]=x ; flags=no-env-expand ; start_time=[n/a] }\n",
        later,
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        format!(
            "kubelet.service starts the kubelet without --max-pods=20, because of {ENVIRONMENT}"
        )
    );
}

#[test]
fn a_script_must_pass_its_arguments_on() {
    let (unit, files) = with_script("#!/bin/sh\nexec kubelet \"$@\"\n");
    assert_eq!(check().kubelet_program(&unit), Some("/opt/kubelet.sh"));
    assert_eq!(check().verify(&unit, &files), Ok(()));
    let (unit, files) = with_script("#!/bin/sh\nexec kubelet\n");
    assert_eq!(
        report(&check().verify(&unit, &files).unwrap_err()),
        "error: kubelet.service runs /opt/kubelet.sh, a script that does not pass its arguments to the kubelet\n  help: add `\"$@\"` to the kubelet command in /opt/kubelet.sh, then run `systemctl start kubelet`"
    );
}

/// A unit that starts /opt/kubelet.sh with the planned arguments.
fn with_script(script: &str) -> (LoadedUnit, UnitFiles) {
    let unit = LoadedUnit::parse(
        "LoadState=loaded\nExecStart={ path=/opt/kubelet.sh ; argv[]=/opt/kubelet.sh --max-pods=20 --kube-reserved=cpu=70m,memory=475Mi --node-labels=a=1,b=2 ; ignore_errors=no ; start_time=[n/a] }\n",
    ).unwrap();
    (unit, UnitFiles { script: Some(script.to_owned()), ..UnitFiles::default() })
}

#[test]
fn a_flag_that_a_script_adds_after_its_arguments_is_named_with_the_script() {
    for (later, planned, effective) in [
        ("--max-pods=58", "--max-pods=20", "--max-pods=58"),
        ("\\\n  --v=2 --max-pods 58 2>&1", "--max-pods=20", "--max-pods=58"),
        ("--max-pods=$MAX_PODS", "--max-pods=20", "--max-pods=$MAX_PODS"),
        ("--kube-reserved='cpu=1'", "--kube-reserved=cpu=70m", "--kube-reserved=cpu=1"),
        ("--node-labels=\"c=3,b=9\"", "--node-labels=b=2", "--node-labels=b=9"),
    ] {
        let (unit, files) = with_script(&format!("#!/bin/sh\nexec kubelet \"$@\" {later}\n"));
        let error = check().verify(&unit, &files).unwrap_err();
        assert_eq!(
            report(&error),
            format!(
                "error: kubelet.service starts the kubelet with {effective} instead of {planned}, because of /opt/kubelet.sh\n  help: run `systemctl cat kubelet.service`, correct /opt/kubelet.sh, then run `systemctl start kubelet`"
            )
        );
    }
    for harmless in
        ["--node-labels=team=blue", "--max-pods=20", "--v=2", "; exit 1", "# --max-pods=58"]
    {
        let (unit, files) = with_script(&format!("#!/bin/sh\nexec kubelet \"$@\" {harmless}\n"));
        assert_eq!(check().verify(&unit, &files), Ok(()), "{harmless}");
    }
}

#[test]
fn a_script_that_only_uses_single_arguments_does_not_pass_them_on() {
    let (unit, files) = with_script("#!/bin/sh\nlog() { logger \"$1\"; }\nexec kubelet --v=2\n");
    let error = check().verify(&unit, &files).unwrap_err();
    assert_eq!(
        error.to_string(),
        "kubelet.service runs /opt/kubelet.sh, a script that does not pass its arguments to the kubelet"
    );
}

#[test]
fn a_script_whose_arguments_may_not_reach_the_kubelet_is_a_warning() {
    for text in ["flags=$*\nexec kubelet $flags", "exec kubelet \"$@\" $EXTRA"] {
        let (unit, files) = with_script(&format!("#!/bin/sh\n{text}\n"));
        assert_eq!(check().verify(&unit, &files), Ok(()), "{text}");
        assert_eq!(
            check().script_warning(&unit, &files).as_deref(),
            Some(
                "kubelet.service runs the script /opt/kubelet.sh; eni-bootstrap cannot verify that the script passes its arguments to the kubelet, and that nothing after them sets other values"
            )
        );
    }
    let (unit, files) = with_script("#!/bin/sh\nexec kubelet \"$@\" --v=2\n");
    assert_eq!(check().script_warning(&unit, &files), None);
    assert_eq!(check().script_warning(&unit, &UnitFiles::default()), None);
}

#[test]
fn a_configured_value_may_have_no_flag_and_a_future_file_counts() {
    let check = UnitCheck {
        required: vec!["--node-labels=a=1".to_owned()],
        configured: vec!["--max-pods=20".to_owned()],
        future_files: vec![("/etc/site.env".into(), "OWN=--node-labels=a=1\n".to_owned())],
        ..check()
    };
    let later = "EnvironmentFile=/etc/site.env";
    assert_eq!(verify(&check, "/usr/bin/kubelet $OWN", "", later), Ok(()));
    let error = verify(&check, "/usr/bin/kubelet --max-pods=58 $OWN", "", later).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "kubelet.service starts the kubelet with --max-pods=58 instead of --max-pods=20, because of {OWN}"
        )
    );
}

#[test]
fn another_program_must_have_its_argument() {
    let check = UnitCheck {
        unit: "nodeadm-run.service",
        program: Program::WithArgument("/etc/eks/nodeadm.d"),
        required: Vec::new(),
        ..check()
    };
    let source = "/usr/bin/nodeadm init --config-source file:///etc/eks/nodeadm.d/";
    assert_eq!(verify(&check, source, "", ""), Ok(()));
    assert_eq!(
        verify(&check, "/usr/bin/nodeadm init", "", "ExecStart=\nExecStart=x")
            .unwrap_err()
            .to_string(),
        format!(
            "nodeadm-run.service runs /usr/bin/nodeadm without /etc/eks/nodeadm.d, because of {SITE}"
        )
    );
    assert_eq!(check.verify(&LoadedUnit::default(), &UnitFiles::default()), Ok(()));
}
