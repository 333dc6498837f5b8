//! A pod that runc runs with the security context of its manifest and a token of its `ServiceAccount`.
//!
//! There are three differences to a kubelet with containerd: the pod uses the network of the host, because
//! the API server listens on a loopback address there. The seccomp profile does not apply, and neither do
//! the resource limits.

use crate::support::container::{Container, mounts};
use eni_bootstrap_real_parts::Cluster;
use serde_json::{Value, json};
use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use tempfile::TempDir;

const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A pod with one container. Requires root.
pub struct Pod {
    pub container: Container,
    /// The volume with the token.
    _volume: TempDir,
}

impl Pod {
    /// Creates the pod of a pod template in the namespace of `namespace`. Returns `None` if this machine cannot
    /// run it.
    pub fn new(
        image: &Path,
        architecture: &str,
        template: &Value,
        cluster: &Cluster,
        namespace: &str,
    ) -> Option<Self> {
        let account = template["spec"]["serviceAccountName"].as_str().unwrap();
        let specification = |from_image: &Value| specification(from_image, &template["spec"]);
        let mut container = Container::new(image, architecture, specification)?;
        let user = &template["spec"]["securityContext"];
        let volume = volume(cluster, namespace, account, user);
        container.bind(volume.path(), SERVICE_ACCOUNT, "ro");
        let container = container
            .with("KUBERNETES_SERVICE_HOST", cluster.address().ip().to_string())
            .with("KUBERNETES_SERVICE_PORT", cluster.address().port().to_string());
        Some(Self { container, _volume: volume })
    }
}

/// Returns the volume that the kubelet mounts into the containers of a pod. The token is readable only by the
/// user of the pod.
fn volume(cluster: &Cluster, namespace: &str, account: &str, user: &Value) -> TempDir {
    let volume = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str, mode: u32| {
        let path = volume.path().join(name);
        File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    };
    fs::set_permissions(volume.path(), Permissions::from_mode(0o755)).unwrap();
    let token = write("token", &cluster.service_account_token(namespace, account), 0o600);
    chown(token, Some(number(&user["runAsUser"])), None).unwrap();
    write("ca.crt", cluster.authority(), 0o644);
    write("namespace", namespace, 0o644);
    volume
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

/// Returns the runtime configuration of the container of `pod`, the specification of a pod. The arguments of the
/// pod replace those of the image.
fn specification(from_image: &Value, pod: &Value) -> Value {
    let (process, container) = (&from_image["process"], &pod["containers"][0]);
    let (user, restrictions) = (&pod["securityContext"], &container["securityContext"]);
    assert_eq!(restrictions["capabilities"], json!({ "drop": ["ALL"] }));
    let mut arguments = vec![process["args"][0].clone()];
    arguments.extend(container["args"].as_array().unwrap().iter().cloned());
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": { "uid": user["runAsUser"], "gid": user["runAsGroup"] },
            "args": arguments,
            "env": process["env"],
            "cwd": process["cwd"],
            "noNewPrivileges": restrictions["allowPrivilegeEscalation"] == false,
            "capabilities": { "bounding": [], "effective": [], "permitted": [] },
        },
        "root": { "path": "rootfs", "readonly": restrictions["readOnlyRootFilesystem"] },
        "mounts": mounts(&["/proc", "/dev", "/dev/shm", "/sys"]),
        "linux": {
            "namespaces": [{ "type": "pid" }, { "type": "ipc" }, { "type": "uts" }, { "type": "mount" }],
        },
    })
}
