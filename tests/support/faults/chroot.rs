//! What a chroot at the root of a node contains: the values of the kernel, and stand-ins for the commands of
//! the host. The agent then behaves as on a node that systemd has started.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::node::Node;

/// Answers as systemd does for a unit whose files it has read. Unlike systemd, it knows only drop-ins in
/// `/etc/systemd/system`.
const SYSTEMCTL: &str = r#"#!/bin/sh
[ "$1" = show ] || exit 0
case $2 in
--property=Version) echo Version=252; exit ;;
esac
for unit; do :; done
file=/etc/systemd/system/$unit
if ! [ -e "$file" ]; then
    echo LoadState=not-found
    echo NeedDaemonReload=no
    exit
fi
echo LoadState=loaded
echo NeedDaemonReload=no
echo "FragmentPath=$file"
printf DropInPaths=
for drop_in in "$file.d"/*.conf; do
    if [ -e "$drop_in" ]; then printf '%s ' "$drop_in"; fi
done
echo
command=
for part in "$file" "$file.d"/*.conf; do
    [ -e "$part" ] || continue
    # Without -r, `read` joins continued lines.
    while read line; do
        case $line in
        ExecStart=*) command=${line#*=} ;;
        EnvironmentFile=*) path=${line#*=}; echo "EnvironmentFiles=${path#-} (ignore_errors=yes)" ;;
        esac
    done <"$part"
done
echo "ExecStart={ path=${command%% *} ; argv[]=$command ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }"
"#;

/// Stores the arguments of the kubelet in a file.
const SNAP: &str = r#"#!/bin/sh
case $1 in
get) /bin/cat /stand-ins/snap-args ;;
set) echo "${3#args=}" >/stand-ins/snap-args ;;
esac
"#;

/// An instance of type c5.large.
const PROC: [(&str, &str); 3] = [
    (
        "proc/meminfo",
        "MemTotal:        3880588 kB\nMemFree:         3000000 kB\nMemAvailable:    3300000 kB\n",
    ),
    ("proc/stat", "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\n"),
    ("proc/cpuinfo", "processor\t: 0\n\nprocessor\t: 1\n\n"),
];

/// Prepares the root of `node` for [`super::agent`].
pub fn prepare(node: &Node) {
    for folder in [".host/usr", "dev", "run/systemd/system", "stand-ins"] {
        fs::create_dir_all(node.root().join(folder)).unwrap();
    }
    for (link, target) in
        [("bin", ".host/usr/bin"), ("lib", ".host/usr/lib"), ("lib64", ".host/usr/lib64")]
    {
        symlink(target, node.root().join(link)).unwrap();
    }
    node.file(".host/agent", "");
    for (path, text) in PROC {
        node.file(path, text);
    }
    node.file("stand-ins/snap-args", "\n");
    for (name, script) in [("systemctl", SYSTEMCTL), ("snap", SNAP)] {
        let path = node.file(&format!("stand-ins/{name}"), script);
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
}
