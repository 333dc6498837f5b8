//! What to do about each bad ending, in one sentence.

use super::{Error, UsageError};
use crate::adapter::aws::call::CallError;
use crate::adapter::disk::DiskError;
use crate::adapter::ec2::Ec2Error;
use crate::adapter::eks::EksError;
use crate::adapter::kubernetes::ConnectError;
use crate::adapter::token::TokenError;
use crate::apply::ApplyError;
use crate::observe::ClusterError;

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
            Self::Usage(UsageError::NoRegionOfCluster) => "add `--region us-west-2`".to_owned(),
            Self::Usage(UsageError::NoRegion { nearest, .. }) => match nearest {
                Some(nearest) => format!("did you mean `{nearest}`? otherwise set the region: `--region us-west-2`"),
                None => "set the region: `--region us-west-2`".to_owned(),
            },
            Self::Usage(UsageError::UnknownType { nearest, .. }) => match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "run `eni-bootstrap limits show` for a list of instance types".to_owned(),
            },
            Self::Usage(UsageError::NothingToWaitFor) => {
                "set cni.custom-networking = true, or leave the wait out".to_owned()
            }
            Self::Usage(UsageError::Proxy(_)) => {
                "correct it, or leave it out: `HTTPS_PROXY=` for one command".to_owned()
            }
            Self::Settings(error) => error.help(),
            Self::Observe(error) => error.help().to_owned(),
            Self::Plan(error) => error.help().to_owned(),
            Self::NoCapacity { source, .. } => source.help().to_owned(),
            Self::Apply(ApplyError::Disk(error)) | Self::Disk(error) => disk_help(error).to_owned(),
            Self::Apply(ApplyError::Foreign(_)) => {
                "see whose it is, and move it away: two programs cannot share a name".to_owned()
            }
            Self::Apply(ApplyError::Snap(_)) => {
                "look at `snap changes kubelet-eks`: another change may be under way; then run it again".to_owned()
            }
            Self::Apply(ApplyError::Bottlerocket(error)) => error.help().to_owned(),
            Self::Apply(ApplyError::Systemd(_)) => {
                "look at `systemctl status`; the files themselves are written".to_owned()
            }
            Self::Usage(UsageError::NoKubeconfig) => {
                "name one: `eni-bootstrap check --zones all --cluster-kubeconfig ~/.kube/config`".to_owned()
            }
            Self::Cluster(ClusterError::Connect(error)) => connect_help(error).to_owned(),
            Self::Cluster(ClusterError::Eks(error)) => eks_help(error).to_owned(),
            Self::Token(error) => token_help(error).to_owned(),
            Self::Checks(_) => "see what each line that fails says to do".to_owned(),
            Self::NotReady(error) => error.help(),
            Self::Ec2(Ec2Error::Call(CallError::NotPermitted { .. })) => {
                "allow ec2:DescribeInstanceTypes to these credentials".to_owned()
            }
            Self::Ec2(Ec2Error::Call(CallError::NoCredentials { .. })) => CREDENTIALS.to_owned(),
            Self::Ec2(_) => "check the region, the credentials and the endpoint of EC2".to_owned(),
            Self::Shrinks { .. } => {
                "check that the region has every type (us-east-1 has); `--force` writes it all the same".to_owned()
            }
            Self::Runtime(_) => "raise the limit of open files (`ulimit -n`)".to_owned(),
            Self::Output(_) => "keep the reading end of the pipe open".to_owned(),
        }
    }
}

const CREDENTIALS: &str = "give AWS credentials: an instance role, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

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
            "correct it, or name another (cluster.kubeconfig); a node finds its cluster without one, too"
        }
        ConnectError::Endpoint(_) | ConnectError::CertificateAuthority => {
            "compare with `aws eks describe-cluster --name NAME`: the endpoint and certificateAuthority.data, as they stand there"
        }
        ConnectError::Proxy(_) => "correct it, or leave proxy-url out of the kubeconfig",
        ConnectError::Client(_) => "check the cluster's endpoint and certificate authority",
        ConnectError::Token(error) => token_help(error),
    }
}

fn token_help(error: &TokenError) -> &'static str {
    match error {
        TokenError::Credentials(_) => CREDENTIALS,
        TokenError::Endpoint { .. } => {
            "check the region, and AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT: not every region has both"
        }
        TokenError::Signing(_) => "check the cluster's name and the credentials",
        TokenError::Aws(_) => "check the host's CA bundle and AWS_EC2_METADATA_SERVICE_ENDPOINT",
    }
}

fn eks_help(error: &EksError) -> &'static str {
    match error {
        EksError::UnknownCluster { .. } => {
            "correct cluster.name, or set cluster.endpoint and cluster.certificate-authority, too"
        }
        EksError::Call(CallError::NotPermitted { .. }) => {
            "allow eks:DescribeCluster to the node's role (AmazonEKSWorkerNodePolicy does), or set cluster.endpoint and cluster.certificate-authority, too"
        }
        EksError::Call(CallError::NoCredentials { .. }) => CREDENTIALS,
        EksError::NotReady { .. } => "start nodes when `aws eks wait cluster-active` has ended",
        EksError::Call(_) | EksError::Aws(_) => {
            "check that EKS's API can be reached from here (a private cluster needs its VPC endpoint), or set cluster.endpoint and cluster.certificate-authority, too"
        }
    }
}
