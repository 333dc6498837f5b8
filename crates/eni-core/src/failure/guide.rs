//! What to do about each exit code, and about the errors that users see first. `docs/exit-codes.md` and
//! `docs/troubleshooting.md` are generated from these texts.

use super::ExitCode;

/// What an exit code means in detail.
pub(crate) struct ExitGuide {
    pub code: ExitCode,
    /// What happens to the node or to the script.
    pub effect: &'static str,
    /// The next step.
    pub next: &'static str,
}

const fn exit(code: ExitCode, effect: &'static str, next: &'static str) -> ExitGuide {
    ExitGuide { code, effect, next }
}

/// The guides of all exit codes, in ascending order.
pub(crate) const EXIT_CODES: [ExitGuide; 12] = [
    exit(ExitCode::Success, "After `run`, the kubelet starts.", "No action is necessary."),
    exit(
        ExitCode::CheckFailed,
        "At least one check failed. With `check --strict`, also if a check was skipped.",
        "Find each line that starts with `failed`. With `--output json`, the command also prints its code. Each code is a section of [troubleshooting.md](troubleshooting.md#diagnostics).",
    ),
    exit(
        ExitCode::CheckSkipped,
        "No check failed, but at least one was skipped, for example without AWS credentials.",
        "The output shows the reason for each skipped check. In a pipeline, add `--strict`: the exit code is then 1.",
    ),
    exit(
        ExitCode::Usage,
        "The command did not start. As a unit, `eni-bootstrap-retry.service` retries every 10 minutes.",
        "Compare the command line with `eni-bootstrap COMMAND --help`.",
    ),
    exit(
        ExitCode::InvalidData,
        "User data, instance metadata or a file on the instance is invalid, or the API server, an AWS API or the Bottlerocket settings API returned an invalid response. This includes a systemd unit that would start the kubelet without the planned configuration ([details](files.md#other-configuration-of-the-kubelet)). The kubelet does not start.",
        "The error message names the source of the invalid data. Correct it.",
    ),
    exit(
        ExitCode::Unavailable,
        "A service did not respond, throttled the requests, or failed. After the timeout `eni-config.wait`, the last error determines the exit code: 69 if the API server is unreachable. With a [record of a successful run](cluster.md#boot-without-the-api-server), `run` uses the record and exits with code 0. For credentials: instance metadata or AWS STS did not respond. From `retry`: the kubelet did not start before the limit in `[retry]`.",
        "Check the route, the security groups, the proxy and the DNS server of the node. The node retries by itself.",
    ),
    exit(
        ExitCode::CannotWrite,
        "After \"failed to write\", the previous file is intact. After \"failed to flush\", the file has its new contents or is removed, but a power failure may revert the change: run the command again. Also, a settings file cannot be read, or the lock cannot be taken.",
        "Free space or inodes (`df -h`, `df -i`), and check whether the file system is read-only.",
    ),
    exit(
        ExitCode::TimedOut,
        "The aws-node DaemonSet or the ENIConfig does not exist or is invalid, until the timeout `eni-config.wait`. The kubelet does not start.",
        "Run `kubectl eni check`. After you have corrected the object, the next attempt of the node succeeds.",
    ),
    exit(
        ExitCode::PermissionDenied,
        "The API server or an AWS API denied a request, AWS rejected the credentials, or the instance has none.",
        "The error message names the permission. [Permissions](reference/permissions.md) lists all of them.",
    ),
    exit(
        ExitCode::Settings,
        "The settings do not fit the instance or the cluster, or the node is [out of scope](limitations.md#out-of-scope). A retry cannot succeed until you correct them: every pause is 10 minutes.",
        "Follow the `help` line. `eni-bootstrap plan` computes the plan again without changing anything.",
    ),
    exit(
        ExitCode::SubnetFull,
        "The subnet of the ENIConfig has no free address, or with prefix delegation no free `/28` prefix, and this node has no pod address yet. By default, only Karpenter nodes fail in this way; other nodes wait and exit with 75.",
        "See [subnet-full](troubleshooting.md#subnet-full) and [full subnets](cluster.md#full-subnets).",
    ),
    exit(
        ExitCode::Terminated,
        "systemd or a user stopped the program, for example because of the start timeout of the unit.",
        "The node tries again by itself (`systemctl status eni-bootstrap-retry`); on Bottlerocket, reboot it. If the start timeout of the unit stopped `run`, raise `TimeoutStartSec=`.",
    ),
];

/// An error, by a part of its message.
pub(crate) struct ErrorGuide {
    /// A part of the message, as the source code contains it.
    pub message: &'static str,
    pub code: ExitCode,
    /// What it means and how to fix it.
    pub fix: &'static str,
}

const fn error(message: &'static str, code: ExitCode, fix: &'static str) -> ErrorGuide {
    ErrorGuide { message, code, fix }
}

/// The errors that users see first.
pub(crate) const ERRORS: [ErrorGuide; 36] = [
    error(
        "the instance metadata service is disabled",
        ExitCode::Unavailable,
        "Enable it in the launch template, or run `aws ec2 modify-instance-metadata-options --http-endpoint enabled --instance-id INSTANCE-ID`. Check that no proxy responds for `169.254.169.254`.",
    ),
    error(
        "the instance metadata service at",
        ExitCode::Unavailable,
        "The service is unreachable. Check that no firewall rule or container network blocks `169.254.169.254`. In a container without the host network, set `HttpPutResponseHopLimit` to 2.",
    ),
    error(
        "the instance metadata service has no {path}",
        ExitCode::InvalidData,
        "Every instance has this item. Check which server responds at the metadata endpoint.",
    ),
    error(
        "the instance metadata service returned an invalid role name",
        ExitCode::InvalidData,
        "Check which server responds at the metadata endpoint, for example a proxy.",
    ),
    error(
        "the instance metadata service returned invalid role credentials",
        ExitCode::InvalidData,
        "Check which server responds at the metadata endpoint, for example a proxy.",
    ),
    error(
        "no AWS credentials found for",
        ExitCode::PermissionDenied,
        "Attach an instance profile to the instance.",
    ),
    error(
        "AWS rejected the time of the request for",
        ExitCode::Unavailable,
        "The instance's clock is wrong. Run `chronyc makestep`, and check the time source with `chronyc sources`.",
    ),
    error(
        "no successful response for",
        ExitCode::Unavailable,
        "The AWS API did not respond. If the cause is a certificate, check which server responds. If a proxy replaces the certificate, add its CA certificate to the CA bundle of the node. Check the instance's clock.",
    ),
    error(
        "access denied for",
        ExitCode::PermissionDenied,
        "Attach [packaging/iam-policy.json](../packaging/iam-policy.json) to the role of the node.",
    ),
    error(
        "failed to connect through the proxy",
        ExitCode::Unavailable,
        "Check `HTTPS_PROXY`. To connect directly, add the endpoint to `NO_PROXY`.",
    ),
    error(
        "no DNS server answered the query for",
        ExitCode::Unavailable,
        "Check `/etc/resolv.conf`, and that the security group of the node allows port 53.",
    ),
    error(
        "the API server is unreachable",
        ExitCode::Unavailable,
        "Check the endpoint access of the cluster, the route and the security groups. If the cause is a certificate, check the certificate authority of the cluster, the instance's clock, and whether a proxy replaces the certificate.",
    ),
    error(
        "the API server rejected the node's credentials (401 Unauthorized)",
        ExitCode::PermissionDenied,
        "Map the node's IAM role in the cluster with an EKS access entry of type `EC2_LINUX` (`aws eks create-access-entry --cluster-name CLUSTER --principal-arn ROLE-ARN --type EC2_LINUX`) or with aws-auth. Check the instance's clock.",
    ),
    error(
        "access denied by the API server",
        ExitCode::PermissionDenied,
        "Run `kubectl apply -f packaging/rbac.yaml`.",
    ),
    error(
        "access denied for ConfigMap",
        ExitCode::PermissionDenied,
        "aws-node takes a value from this ConfigMap. Run the commands in the error message, which let nodes read it.",
    ),
    error(
        "the API server's response is invalid",
        ExitCode::InvalidData,
        "Check which server responds at the cluster endpoint, for example a proxy.",
    ),
    error(
        "DaemonSet aws-node not found in namespace kube-system",
        ExitCode::TimedOut,
        "Install the Amazon VPC CNI before the first node starts, or set `cni.source = \"settings\"`.",
    ),
    error(
        "eni-bootstrap supports only the Amazon VPC CNI",
        ExitCode::TimedOut,
        "The cluster uses another CNI. Remove eni-bootstrap from the image. See [out of scope](limitations.md#out-of-scope).",
    ),
    error(
        "instead of the Amazon VPC CNI: the nodeSelector of DaemonSet aws-node",
        ExitCode::Settings,
        "aws-node does not run on this node, because the cluster uses another CNI. Remove eni-bootstrap from the image.",
    ),
    error(
        "and the Amazon VPC CNI does not run on",
        ExitCode::Settings,
        "This is an EKS Auto Mode node or an EKS hybrid node. Remove eni-bootstrap from the image. See [out of scope](limitations.md#out-of-scope).",
    ),
    error(
        "the cluster has no resource type ENIConfig (404 Not Found)",
        ExitCode::TimedOut,
        "Install the Amazon VPC CNI before the first node starts.",
    ),
    error(
        "the ENIConfig does not exist in the cluster",
        ExitCode::TimedOut,
        "See [eniconfig-not-found](#eniconfig-not-found). The error message contains a manifest.",
    ),
    error(
        "spec.subnet is empty",
        ExitCode::TimedOut,
        "See [eniconfig-without-subnet](#eniconfig-without-subnet).",
    ),
    error(
        "waiting for {target}",
        ExitCode::TimedOut,
        "The exit code is that of the cause. If the ENIConfig does not fit the node, `eni-bootstrap check` shows the code of each failed check.",
    ),
    error(
        "failed to get credentials from the exec plugin of the kubeconfig",
        ExitCode::PermissionDenied,
        "Run the command of the exec plugin on the node, then correct `users[].user.exec` in the kubeconfig.",
    ),
    error(
        "the cluster is unknown: ",
        ExitCode::Settings,
        "See [cluster-failed](#cluster-failed). Without a NodeConfig in user data, set `cluster.name`.",
    ),
    error(
        "the kubelet would not start with the planned configuration",
        ExitCode::InvalidData,
        "See [unit-mismatch](#unit-mismatch). Correct the drop-in, environment file or script in the error message.",
    ),
    error(
        "the kubelet would exit, because no {resource} is left for pods",
        ExitCode::Settings,
        "Lower `pods.max`, `pods.ceiling` or the reserve in the error message. See [reserved resources](max-pods.md#reserved-resources).",
    ),
    error(
        "but eni-config.name gives",
        ExitCode::Settings,
        "An existing label and `eni-config.name` name different ENIConfigs. Remove one of them, or set `eni-config.policy`. See [existing labels](cluster.md#existing-labels).",
    ),
    error(
        "the CNI would use ENIConfig",
        ExitCode::Settings,
        "Use the label that the CNI reads. See [ENIConfig name and label](cluster.md#eniconfig-name-and-label).",
    ),
    error(
        "a kubelet is not allowed to set label",
        ExitCode::InvalidData,
        "The kubelet would exit because of this label. Remove it at the location in the error message. In the settings, the exit code is 78.",
    ),
    error(
        "failed to compute max-pods for",
        ExitCode::Settings,
        "Follow the `help` line. See [rejected configurations](max-pods.md#rejected-configurations).",
    ),
    error(
        "and instance metadata does not describe them",
        ExitCode::Unavailable,
        "Set `pods.max`, or correct the instance metadata. See [attached network interfaces](max-pods.md#attached-network-interfaces).",
    ),
    error(
        "unknown environment variable",
        ExitCode::Settings,
        "A variable starts with `ENI_BOOTSTRAP_` and is not a setting. The message suggests the most similar name. See the [settings](reference/settings.md).",
    ),
    error(
        "another eni-bootstrap process holds the lock",
        ExitCode::CannotWrite,
        "Wait until the other process ends (`systemctl status eni-bootstrap`), or stop it.",
    ),
    error(
        "failed to write",
        ExitCode::CannotWrite,
        "Free space or inodes. eni-bootstrap-retry.service then starts the kubelet.",
    ),
];

mod tests {
    use super::*;
    use crate::sources;

    #[test]
    fn every_exit_code_has_a_guide() {
        assert_eq!(EXIT_CODES.each_ref().map(|it| it.code), ExitCode::ALL);
        let incomplete = EXIT_CODES.iter().find(|it| it.effect.is_empty() || it.next.is_empty());
        assert!(incomplete.is_none());
    }

    #[test]
    fn every_message_is_in_the_source_code() {
        let text: String = sources::all().into_iter().map(|(_, text)| text).collect();
        let unknown: Vec<&str> =
            ERRORS.iter().map(|it| it.message).filter(|it| !text.contains(it)).collect();
        assert_eq!(unknown, Vec::<&str>::new());
    }
}
