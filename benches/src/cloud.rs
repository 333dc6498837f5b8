//! The simulated services of a node, each behind a proxy with the latency of its network.

use std::error::Error;
use std::time::Duration;

use eni_bootstrap_sandbox::{
    AwsApi, Certificate, Ec2, Fault, Faults, Imds, Instance, KubernetesApi, Subnet,
};
use serde_json::json;

use crate::latency::Proxy;
use crate::measure::milliseconds;
use crate::program::Run;
use crate::trace::{Trace, round_trips};

/// The round-trip time to the instance metadata service.
const IMDS_ROUND_TRIP: Duration = Duration::from_millis(1);
/// The round-trip time to the API server and to the AWS APIs.
const API_ROUND_TRIP: Duration = Duration::from_millis(20);

/// The name of the cluster.
pub const CLUSTER: &str = "sandbox";
/// The instance type of the node.
pub const INSTANCE_TYPE: &str = "m5.large";
/// The availability zone of the node, and the name of its ENIConfig.
pub const ZONE: &str = "us-west-2a";
/// The name of the server in the trace, and in `requests`.
pub const API_SERVER: &str = "API server";

/// The response of `ec2:DescribeInstances`, with the elements that the compared programs read.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html>
const DESCRIBE_INSTANCES: &str = r#"<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>sandbox</requestId><reservationSet><item><reservationId>r-0a</reservationId><instancesSet><item><instanceId>i-0123456789abcdef0</instanceId><instanceState><code>16</code><name>running</name></instanceState><privateDnsName>ip-192-0-2-10.us-west-2.compute.internal</privateDnsName></item></instancesSet></item></reservationSet></DescribeInstancesResponse>"#;

/// The running services.
#[derive(Debug)]
pub struct Cloud {
    imds: Imds,
    api: KubernetesApi,
    ec2: Ec2,
    aws: AwsApi,
    /// The certificate authority of the EKS API as PEM.
    pub aws_authority: String,
    /// The proxies for the services above, in the same order.
    proxies: [Proxy; 4],
    /// The number of requests of earlier runs to each service.
    earlier: [usize; 4],
}

impl Cloud {
    /// Starts the services of a node whose ENIConfig exists, with the latency of a network.
    ///
    /// # Errors
    ///
    /// Returns an error if a proxy cannot be started.
    pub fn start() -> Result<Self, Box<dyn Error>> {
        Self::with_round_trips(IMDS_ROUND_TRIP, API_ROUND_TRIP)
    }

    /// Starts the services without additional latency.
    ///
    /// # Errors
    ///
    /// As [`Cloud::start`].
    pub fn on_loopback() -> Result<Self, Box<dyn Error>> {
        Self::with_round_trips(Duration::ZERO, Duration::ZERO)
    }

    fn with_round_trips(to_imds: Duration, to_api: Duration) -> Result<Self, Box<dyn Error>> {
        let api = KubernetesApi::start();
        let instance = Instance { instance_type: INSTANCE_TYPE.to_owned(), ..Instance::default() };
        let pods = Subnet {
            id: "subnet-0a".to_owned(),
            cidr: "198.51.100.0/24".to_owned(),
            ..Subnet::default()
        };
        api.apply(ZONE, json!({ "subnet": pods.id, "securityGroups": ["sg-0a"] }));
        let imds = Imds::start(&instance);
        let ec2 = Ec2::start(vec![Subnet::default(), pods]);
        let credentials = ["AKIDEXAMPLE", "SECRETEXAMPLE", "token"].map(str::to_owned);
        let (aws, aws_authority) = AwsApi::start_tls(credentials, Certificate::Valid);
        let headers = vec![("content-type".to_owned(), "text/xml".to_owned())];
        let instances = Fault::Response(200, headers, DESCRIBE_INSTANCES.into());
        aws.faults().fail_always_matching("POST /", instances);
        let proxies = [
            Proxy::start("IMDS", imds.addr(), to_imds)?,
            Proxy::start(API_SERVER, api.addr(), to_api)?,
            Proxy::start("EC2", ec2.addr(), to_api)?,
            Proxy::start("AWS", aws.addr(), to_api)?,
        ];
        let cloud = Self { imds, api, ec2, aws, aws_authority, proxies, earlier: [0; 4] };
        cloud.aws.set_cluster(CLUSTER, &cloud.api_endpoint(), &cloud.api.ca_base64());
        let mac = format!("meta-data/network/interfaces/macs/{}", instance.mac);
        cloud.imds.set(&format!("{mac}/vpc-ipv4-cidr-blocks"), "192.0.2.0/24");
        cloud.imds.set("meta-data/services/domain", "amazonaws.com");
        cloud.imds.set("user-data", cloud.user_data());
        Ok(cloud)
    }

    /// Returns the URL of the instance metadata service.
    #[must_use]
    pub fn imds_endpoint(&self) -> String {
        format!("http://{}", self.proxies[0].addr())
    }

    /// Returns the URL of the API server.
    #[must_use]
    pub fn api_endpoint(&self) -> String {
        format!("https://{}", self.proxies[1].addr())
    }

    /// Returns the URL of the EC2 API with the subnets. It has no TLS, because eni-bootstrap trusts only the
    /// certificate authorities of the host.
    #[must_use]
    pub fn ec2_endpoint(&self) -> String {
        format!("http://{}", self.proxies[2].addr())
    }

    /// Returns the URL of the EKS API, which also responds to `ec2:DescribeInstances`.
    #[must_use]
    pub fn aws_endpoint(&self) -> String {
        format!("https://{}", self.proxies[3].addr())
    }

    /// Returns the certificate authority of the API server in base64.
    #[must_use]
    pub fn ca_base64(&self) -> String {
        self.api.ca_base64()
    }

    /// Returns the NodeConfig with the endpoint of the API server behind its proxy.
    fn user_data(&self) -> String {
        self.api.node_config().replace(&self.api.url(), &self.api_endpoint())
    }

    /// Ignores all round trips and requests so far.
    pub fn forget(&mut self) {
        self.proxies.iter().for_each(|it| drop(it.take()));
        self.earlier = self.requests().map(|it| it.len());
    }

    /// Returns the trace of a run since the last call of [`Cloud::forget`].
    #[must_use]
    pub fn trace(&self, run: &Run) -> Trace {
        let requests = self.requests();
        let each = self.proxies.iter().zip(&requests).zip(&self.earlier);
        let trips = each
            .flat_map(|((proxy, all), earlier)| round_trips(proxy, run.started, &all[*earlier..]));
        Trace::new(milliseconds(run.wall), milliseconds(run.cpu), trips.collect())
    }

    /// Returns the lines of all requests that each service has received.
    fn requests(&self) -> [Vec<String>; 4] {
        [self.imds.faults(), self.api.faults(), self.ec2.faults(), self.aws.faults()]
            .map(Faults::seen)
    }
}
