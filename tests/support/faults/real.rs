//! kube-apiserver and moto, which all cases of this process share.

use std::net::SocketAddr;
use std::sync::OnceLock;

use serde_json::json;

use crate::support::real_parts::{Cluster, Moto, cluster, moto};

/// The addresses of the real servers, and the resources in them.
#[derive(Clone, Debug)]
pub struct Real {
    pub api: SocketAddr,
    pub ec2: SocketAddr,
    /// The certificate authority of the API server in base64.
    pub authority: String,
    pub vpc: String,
    /// The subnet and the security group of the ENIConfig.
    pub subnet: String,
    pub group: String,
    cluster: &'static Cluster,
}

impl Real {
    /// Returns the shared servers. The first call starts them.
    pub fn get() -> Option<Self> {
        static CLUSTER: OnceLock<Option<(Cluster, [String; 3])>> = OnceLock::new();
        let (cluster, ids) = CLUSTER.get_or_init(start).as_ref()?;
        let authority = cluster.ca_base64();
        let [vpc, subnet, group] = ids.clone();
        let ec2 = address(&moto()?.endpoint);
        Some(Self { api: address(&cluster.url()), ec2, authority, vpc, subnet, group, cluster })
    }

    /// Returns the tokens that the API server has received.
    pub fn tokens(&self) -> Vec<String> {
        self.cluster.tokens()
    }
}

fn address(url: &str) -> SocketAddr {
    url.split("//").nth(1).unwrap().parse().unwrap()
}

fn start() -> Option<(Cluster, [String; 3])> {
    let moto: &Moto = moto()?;
    let cluster = cluster()?;
    let account = moto.account();
    let vpc = account.vpc("10.0.0.0/16");
    let subnet = account.subnet(&vpc, "us-west-2a", "10.0.1.0/24");
    let group = account.group(&vpc, "pods");
    cluster.apply_file(&crate::real::real_cluster::rbac());
    let custom = [crate::real::real_cluster::CUSTOM];
    cluster.install_cni(crate::real::real_cluster::env(&custom));
    cluster.eni_config("us-west-2a", json!({ "subnet": &subnet, "securityGroups": [&group] }));
    Some((cluster, [vpc, subnet, group]))
}
