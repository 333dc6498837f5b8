//! The simulated example cluster with its AWS APIs.

use crate::{AwsApi, Ec2, ObjectApi, example_cluster};
use std::fs;
use std::io;
use std::path::Path;

/// The running servers. Dropping it stops them.
#[derive(Debug)]
pub struct OperatorSandbox {
    _api: ObjectApi,
    _ec2: Ec2,
    _aws: AwsApi,
}

impl OperatorSandbox {
    /// Starts the servers. Writes a kubeconfig to `folder`, and the shell variables to the file `ready` in it.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written.
    #[expect(clippy::disallowed_methods, reason = "a temporary folder, not a node")]
    pub fn start(folder: &Path) -> io::Result<Self> {
        let api = ObjectApi::start(example_cluster::objects());
        let ec2 = Ec2::start(example_cluster::subnets());
        let aws = AwsApi::start(["sandbox", "sandbox", "sandbox"].map(str::to_owned));
        aws.set_cluster(example_cluster::NAME, &api.url(), &api.ca_base64());
        aws.set_subnets(&example_cluster::cluster_subnets(), example_cluster::SECURITY_GROUP);
        fs::create_dir_all(folder)?;
        let kubeconfig = folder.join("kubeconfig");
        fs::write(&kubeconfig, api.kubeconfig(example_cluster::ARN))?;
        let ready = format!(
            "export KUBECONFIG='{}' AWS_ENDPOINT_URL='http://{}' AWS_ENDPOINT_URL_EC2='{}'\n",
            kubeconfig.display(),
            aws.addr(),
            ec2.endpoint()
        );
        // Write the file atomically, because scripts wait until it exists.
        let partial = folder.join("ready.partial");
        fs::write(&partial, ready)?;
        fs::rename(partial, folder.join("ready"))?;
        Ok(Self { _api: api, _ec2: ec2, _aws: aws })
    }
}
