//! What to do about each bad ending, in one sentence.

use super::{Error, UsageError};
use crate::adapter::disk::DiskError;
use crate::adapter::ec2::Ec2Error;
use crate::adapter::kubernetes::{ConnectError, KubernetesError};
use crate::apply::ApplyError;
use crate::wait::{NotReady, Reason};

impl Error {
    /// What the reader of the journal should do next.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Usage(UsageError::NoInstanceType) => {
                "name one: `eni-bootstrap max-pods --instance-type m5.large`; on the instance itself `--instance-type-from-imds` serves".to_owned()
            }
            Self::Usage(UsageError::NoSuchType(_)) => {
                "`eni-bootstrap limits show` lists every type that is known; quote a pattern: --instance-type 'm7g.*'".to_owned()
            }
            Self::Usage(UsageError::NoRegion(_)) => "add `--region us-west-2`".to_owned(),
            Self::Usage(UsageError::NothingToWaitFor) => {
                "set cni.custom-networking = true, or leave the wait out".to_owned()
            }
            Self::Settings(error) => error.help(),
            Self::Observe(error) => error.help().to_owned(),
            Self::Plan(error) => error.help().to_owned(),
            Self::NoCapacity { source, .. } => source.help().to_owned(),
            Self::Apply(ApplyError::Disk(error)) | Self::Disk(error) => disk_help(error).to_owned(),
            Self::Apply(_) => "look at `systemctl status`; the files themselves are written".to_owned(),
            Self::Connect(error) => connect_help(error).to_owned(),
            Self::NotReady(error) => not_ready_help(error),
            Self::Ec2(Ec2Error::NotPermitted(_)) => {
                "allow ec2:DescribeInstanceTypes to these credentials".to_owned()
            }
            Self::Ec2(Ec2Error::NoCredentials(_)) => {
                "give AWS credentials: an instance role, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned()
            }
            Self::Ec2(_) => "check the region, the credentials and the endpoint of EC2".to_owned(),
            Self::Shrinks { .. } => {
                "check that the region has every type (us-east-1 has); `--force` writes it all the same".to_owned()
            }
            Self::Runtime(_) => "raise the limit of open files (`ulimit -n`)".to_owned(),
            Self::Output(_) => "keep the reading end of the pipe open".to_owned(),
        }
    }
}

fn disk_help(error: &DiskError) -> &'static str {
    match error {
        DiskError::Read { .. } => "run it as root, or make the file readable",
        DiskError::Row { .. } => {
            "correct it, or make the file anew: `eni-bootstrap limits refresh --output FILE`"
        }
        DiskError::Write { .. } => {
            "run it as root on a writable file system with room left; the old file, if any, is whole"
        }
        DiskError::Locked { .. } => {
            "wait for the other run to end (`systemctl status eni-bootstrap`), or end it"
        }
    }
}

fn connect_help(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::Kubeconfig { .. } | ConnectError::KubeconfigText { .. } => {
            "correct it, or leave cluster.kubeconfig out"
        }
        ConnectError::Endpoint(_) | ConnectError::CertificateAuthority => {
            "compare with `aws eks describe-cluster --name NAME`: the endpoint and certificateAuthority.data, as they stand there"
        }
        ConnectError::Client(_) => "check the cluster's endpoint and certificate authority",
        ConnectError::Token(_) => "give the instance a role (an instance profile)",
    }
}

fn not_ready_help(error: &NotReady) -> String {
    let NotReady { name, reason, .. } = error;
    let create = format!(
        "create it: `kubectl apply -f - <<< '{{\"apiVersion\":\"crd.k8s.amazonaws.com/v1alpha1\",\"kind\":\"ENIConfig\",\"metadata\":{{\"name\":\"{name}\"}},\"spec\":{{\"subnet\":\"SUBNET-ID\",\"securityGroups\":[\"SECURITY-GROUP-ID\"]}}}}'`"
    );
    match reason {
        Reason::Unknown | Reason::NotThere => create,
        Reason::NoSubnet => {
            format!("name its subnet: `kubectl edit eniconfig {name}`, field spec.subnet")
        }
        Reason::Api(KubernetesError::NoResourceType) => {
            "install the Amazon VPC CNI, which brings the ENIConfig resource type, before the first node".to_owned()
        }
        Reason::Api(KubernetesError::Forbidden(_)) => {
            "let nodes read ENIConfigs: `kubectl apply -f rbac.yaml`, the file of this package (/usr/share/eni-bootstrap/rbac.yaml)".to_owned()
        }
        Reason::Api(KubernetesError::Unauthorized) => {
            "map the node's role in the cluster: an EKS access entry of type EC2_LINUX, or aws-auth; and check the instance's clock".to_owned()
        }
        Reason::Api(KubernetesError::Token(_)) => {
            "give the instance a role (an instance profile)".to_owned()
        }
        Reason::Api(_) => {
            "check the cluster's endpoint, that its security group lets this node in, and that its name can be resolved from here".to_owned()
        }
    }
}
