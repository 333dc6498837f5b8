//! The restrictions that systemd applies to the units of eni-bootstrap on a booted node.
//!
//! Every boot test uses the units as they are installed. It may add drop-ins, which are listed here. No
//! drop-in may change a restriction.

use super::machine::Machine;
use crate::behaviour::user_data::{example, here_document, script};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The drop-ins of the tests for the units of eni-bootstrap, and the reason for each.
const DROP_INS: [(&str, &str); 8] = [
    ("50-test.conf", "the endpoint of the instance metadata service, and EC2 or no verification"),
    ("60-test-authority.conf", "the certificate authority of the download server"),
    ("60-proxy.conf", "an unreachable proxy, so that the API server is unreachable"),
    ("60-imds.conf", "an unreachable instance metadata service"),
    ("60-timeout.conf", "a short start timeout"),
    ("10-timeout.conf", "a short start timeout"),
    ("fail-open.conf", "systemd/fail-open.conf, which users install"),
    ("proxy.conf", "the proxy in the documentation"),
];

/// The restrictions of both units, as `systemctl show` prints them.
const BOTH: [(&str, &str); 41] = [
    ("AmbientCapabilities", ""),
    ("BindPaths", ""),
    ("BindReadOnlyPaths", ""),
    ("CapabilityBoundingSet", ""),
    ("Delegate", "no"),
    ("DeviceAllow", "char-rtc r"),
    ("DevicePolicy", "closed"),
    ("DynamicUser", "no"),
    ("ExecPaths", ""),
    ("Group", ""),
    ("KeyringMode", "private"),
    ("LockPersonality", "yes"),
    ("MemoryDenyWriteExecute", "yes"),
    ("MemoryMax", "268435456"),
    ("LimitCORE", "0"),
    ("NoNewPrivileges", "yes"),
    ("PrivateDevices", "yes"),
    ("PrivateMounts", "yes"),
    ("PrivateTmp", "yes"),
    ("ProcSubset", "all"),
    ("ProtectClock", "yes"),
    ("ProtectControlGroups", "yes"),
    ("ProtectHome", "yes"),
    ("ProtectHostname", "yes"),
    ("ProtectKernelLogs", "yes"),
    ("ProtectKernelModules", "yes"),
    ("ProtectKernelTunables", "yes"),
    ("ProtectProc", "invisible"),
    ("ProtectSystem", "strict"),
    ("RemoveIPC", "yes"),
    ("RestrictNamespaces", "yes"),
    ("RestrictRealtime", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("RootDirectory", ""),
    ("RootImage", ""),
    ("SecureBits", "0"),
    ("SupplementaryGroups", ""),
    ("SystemCallArchitectures", "native"),
    ("SystemCallErrorNumber", "1"),
    ("UMask", "0022"),
    ("User", ""),
];

/// The further restrictions of eni-bootstrap.service.
const RUN: [(&str, &str); 5] = [
    ("ReadOnlyPaths", "-/etc/kubernetes/manifests -/etc/kubernetes/pki"),
    (
        "ReadWritePaths",
        "-/var/lib/eni-bootstrap -/etc/eks/nodeadm.d -/etc/kubernetes -/etc/systemd/system -/etc/default -/etc/sysconfig",
    ),
    ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
    ("RuntimeDirectory", "eni-bootstrap"),
    ("StateDirectory", "eni-bootstrap"),
];

/// The further restrictions of eni-bootstrap-retry.service.
const RETRY: [(&str, &str); 5] = [
    ("ReadOnlyPaths", ""),
    ("ReadWritePaths", ""),
    ("RestrictAddressFamilies", "AF_UNIX"),
    ("RuntimeDirectory", ""),
    ("StateDirectory", ""),
];

/// The writable paths of eni-bootstrap.service, besides its runtime directory.
pub const WRITABLE: [&str; 6] = [
    "/var/lib/eni-bootstrap",
    "/etc/eks/nodeadm.d",
    "/etc/kubernetes",
    "/etc/systemd/system",
    "/etc/default",
    "/etc/sysconfig",
];

/// The groups of system calls that both units block.
pub const BLOCKED: [&str; 14] = [
    "@aio",
    "@clock",
    "@cpu-emulation",
    "@debug",
    "@keyring",
    "@module",
    "@mount",
    "@obsolete",
    "@pkey",
    "@privileged",
    "@raw-io",
    "@reboot",
    "@resources",
    "@swap",
];

/// The installed variant of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    /// The unit in `systemd/`, or its copy in `al2023.txt`.
    Restricted,
    /// The unit in `al2.txt`, which has only `PrivateTmp=`, or no restriction (`retry`): systemd 219
    /// supports few of them.
    Al2,
}

/// Asserts that [`differences`] finds none.
pub fn assert_in_effect(machine: &Machine) {
    let differences = differences(machine);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Compares the loaded units of eni-bootstrap with the shipped ones: the files are unchanged, each drop-in is
/// listed in [`DROP_INS`], and all restrictions apply. Returns a line for each difference.
pub fn differences(machine: &Machine) -> Vec<String> {
    let mut differences = Vec::new();
    for (unit, more) in [("eni-bootstrap.service", &RUN), ("eni-bootstrap-retry.service", &RETRY)] {
        let fragment = machine.property(unit, "FragmentPath");
        if fragment.is_empty() {
            continue;
        }
        // systemd keeps a unit loaded after the removal of its file.
        let Some(text) = machine.read(&fragment) else { continue };
        // A power failure has emptied the file, so that the unit has no command.
        if text.is_empty() {
            continue;
        }
        let drop_ins = machine.property(unit, "DropInPaths");
        for drop_in in drop_ins.split_whitespace() {
            let name = drop_in.rsplit('/').next().unwrap();
            if !DROP_INS.iter().any(|(listed, _)| *listed == name) {
                differences.push(format!("{unit}: {drop_in} is not in the list of drop-ins"));
            }
        }
        match variant(unit, &text) {
            None => differences.push(format!("{unit}: {fragment} is not a shipped unit")),
            Some(Variant::Restricted) => {
                differences.extend(missing_restrictions(machine, unit, more));
            }
            Some(Variant::Al2) => {}
        }
    }
    differences
}

/// Returns the shipped unit that `text` equals, or `None`.
fn variant(unit: &str, text: &str) -> Option<Variant> {
    let packaged = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(unit);
    let document = if unit == "eni-bootstrap.service" { "UNIT" } else { "RETRY" };
    // With the change that al2023.txt describes, the kubelet also starts after a failure.
    let closed = |text: &str| {
        text.replace("\nExecStartPre=-+", "\nExecStartPre=+")
            .replace("\nExecStart=-/", "\nExecStart=/")
    };
    let written = |name| closed(&here_document(&script(&example(name)), document));
    let text = closed(text);
    if text == fs::read_to_string(packaged).unwrap() || text == written("al2023.txt") {
        Some(Variant::Restricted)
    } else {
        (text == written("al2.txt")).then_some(Variant::Al2)
    }
}

/// Compares the restrictions of a unit with [`BOTH`] and `more`.
fn missing_restrictions(machine: &Machine, unit: &str, more: &[(&str, &str)]) -> Vec<String> {
    let expected: BTreeMap<&str, &str> = BOTH.iter().chain(more).copied().collect();
    let names: Vec<&str> = expected.keys().copied().collect();
    let names = format!("{},SystemCallFilter,ExecStartEx", names.join(","));
    let shown = machine.stdout_of(&["systemctl", "show", "-p", &names, unit]);
    let mut shown: BTreeMap<&str, &str> =
        shown.lines().filter_map(|line| line.split_once('=')).collect();
    let filter = shown.remove("SystemCallFilter").unwrap_or_default();
    let command = shown.remove("ExecStartEx").unwrap_or_default();
    let mut differences = Vec::new();
    // The prefixes +, ! and !! run a command without restrictions.
    if ["privileged", "no-setuid", "ambient"].iter().any(|flag| command.contains(flag)) {
        differences.push(format!("{unit}: ExecStart= runs without restrictions: {command}"));
    }
    for (name, value) in expected {
        let shown = shown.get(name).copied();
        if shown != Some(value) {
            differences.push(format!("{unit}: {name} is {shown:?}, expected {value:?}"));
        }
    }
    let sets = SystemCallSets::of(machine);
    let blocked = sets.blocked();
    let filter: BTreeSet<String> =
        filter.strip_prefix('~').unwrap_or_default().split(' ').map(str::to_owned).collect();
    if filter != blocked {
        let only_in = |one: &BTreeSet<String>, other| {
            one.difference(other).cloned().collect::<Vec<_>>().join(" ")
        };
        differences.push(format!(
            "{unit}: SystemCallFilter does not block: {}; also blocks: {}",
            only_in(&blocked, &filter),
            only_in(&filter, &blocked)
        ));
    }
    differences
}

/// The groups of system calls of systemd.
#[derive(Debug)]
pub struct SystemCallSets(BTreeMap<String, Vec<String>>);

impl SystemCallSets {
    /// Reads the groups of the systemd of a node.
    pub fn of(machine: &Machine) -> Self {
        Self::parse(&machine.stdout_of(&["systemd-analyze", "--no-pager", "syscall-filter"]))
    }

    /// Parses the output of `systemd-analyze syscall-filter`.
    pub fn parse(text: &str) -> Self {
        let mut sets: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut group = String::new();
        for line in text.lines() {
            match line.strip_prefix("    ") {
                None => line.trim().clone_into(&mut group),
                Some(call) if group.starts_with('@') && !call.starts_with('#') => {
                    sets.entry(group.clone()).or_default().push(call.trim().to_owned());
                }
                Some(_) => {}
            }
        }
        Self(sets)
    }

    /// Returns the system calls that the units block.
    pub fn blocked(&self) -> BTreeSet<String> {
        let mut blocked: BTreeSet<String> =
            BLOCKED.iter().flat_map(|group| self.expand(group)).collect();
        // A system call of PowerPC. libseccomp has no name for it.
        blocked.remove("sys_debug_setcontext");
        blocked
    }

    /// Returns the system calls of a group, including those of the groups in it.
    pub fn expand(&self, group: &str) -> BTreeSet<String> {
        let members = self.0.get(group).unwrap_or_else(|| panic!("no group {group}"));
        let expand = |member: &String| {
            if member.starts_with('@') { self.expand(member) } else { [member.clone()].into() }
        };
        members.iter().flat_map(expand).collect()
    }
}
