//! The requests, connections and bytes of one boot, at each service.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;

use eni_bootstrap_sandbox::{AwsApi, Ec2, Imds, Instance, KubernetesApi, Subnet};
use serde_json::json;

use super::agents;
use super::byte_counter::{ByteCounter, Traffic};
use crate::parts::Parts;
use crate::row::Row;

/// The target for the requests to the API server.
const MOST_API_REQUESTS: usize = 2;

/// Without verification, a node with a known instance type and a known endpoint needs no AWS API.
const NO_VERIFICATION: &str = "--eni-config-verify=false";

/// A configuration of a node.
struct Case {
    what: &'static str,
    arguments: &'static [&'static str],
    custom_networking: bool,
    /// Whether user data contains only the name of the cluster, so that the node calls EKS.
    calls_eks: bool,
    /// Whether the node has booted before.
    is_later: bool,
}

const CASES: [Case; 5] = [
    Case {
        what: "custom networking, no verification",
        arguments: &[NO_VERIFICATION],
        custom_networking: true,
        calls_eks: false,
        is_later: false,
    },
    Case {
        what: "custom networking (default settings)",
        arguments: &[],
        custom_networking: true,
        calls_eks: false,
        is_later: false,
    },
    Case {
        what: "custom networking (default settings), later boot",
        arguments: &[],
        custom_networking: true,
        calls_eks: false,
        is_later: true,
    },
    Case {
        what: "without custom networking",
        arguments: &[],
        custom_networking: false,
        calls_eks: false,
        is_later: false,
    },
    Case {
        what: "custom networking, cluster endpoint from EKS",
        arguments: &["--cluster-name=prod"],
        custom_networking: true,
        calls_eks: true,
        is_later: false,
    },
];

/// The use of one service.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    service: &'static str,
    requests: usize,
    traffic: Traffic,
}

/// Returns the rows of one boot with each configuration.
pub fn rows(parts: &Parts) -> Result<Vec<Row>, Box<dyn Error>> {
    CASES.iter().map(|case| case.row(parts)).collect()
}

/// The simulated services, each behind a counter.
struct Services {
    imds: Imds,
    api: KubernetesApi,
    ec2: Ec2,
    eks: AwsApi,
}

impl Case {
    fn row(&self, parts: &Parts) -> Result<Row, Box<dyn Error>> {
        let used = self.boot(parts)?;
        let requests = |service| {
            let of_service = used.iter().filter(|it| it.service == service);
            of_service.map(|it| it.requests).sum::<usize>()
        };
        let is_met = requests("API server") <= MOST_API_REQUESTS
            && requests("EC2") + requests("EKS and STS") == 0;
        let has_target = self.arguments.contains(&NO_VERIFICATION);
        let text = |it: &Use| {
            let Traffic { connections, sent, received } = it.traffic;
            format!(
                "{} {} requests, {connections} connections, {sent} B sent, {received} B received",
                it.service, it.requests
            )
        };
        let values = used.iter().flat_map(Use::values);
        Ok(Row {
            what: format!("one boot with `run`, {}", self.what),
            target: has_target
                .then(|| format!("API server ≤ {MOST_API_REQUESTS} requests; EC2, EKS and STS 0")),
            measured: used.iter().map(text).collect::<Vec<_>>().join("; "),
            met: has_target.then_some(is_met),
            values: values.collect(),
        })
    }

    /// Runs one boot, and returns the use of each service.
    fn boot(&self, parts: &Parts) -> Result<Vec<Use>, Box<dyn Error>> {
        let services = self.services();
        let addresses =
            [services.imds.addr(), services.api.addr(), services.ec2.addr(), services.eks.addr()];
        let counters: Result<Vec<ByteCounter>, _> =
            addresses.into_iter().map(ByteCounter::start).collect();
        let counters = counters?;
        let [imds, api, ec2, eks]: [SocketAddr; 4] =
            std::array::from_fn(|service| counters[service].address());
        let endpoint = format!("https://{api}");
        if self.calls_eks {
            services.eks.set_cluster("prod", &endpoint, &services.api.ca_base64());
        } else {
            let user_data = services.api.node_config().replace(&services.api.url(), &endpoint);
            services.imds.set("user-data", user_data);
        }
        let mut arguments = vec![
            "run".to_owned(),
            format!("--imds-endpoint=http://{imds}"),
            format!("--ec2-endpoint=http://{ec2}"),
            format!("--eks-endpoint=http://{eks}"),
        ];
        arguments.extend(self.arguments.iter().map(|it| (*it).to_owned()));
        let root = agents::root(&parts.output)?;
        let run = || -> Result<(), Box<dyn Error>> {
            let output = agents::command(parts, root.path(), &arguments).output()?;
            if output.status.success() {
                return Ok(());
            }
            let log = String::from_utf8_lossy(&output.stderr);
            Err(format!("{}: `run` ended with {}:\n{log}", self.what, output.status).into())
        };
        let mut earlier = [Use::default(); 4];
        if self.is_later {
            run()?;
            earlier = services.used(&counters);
        }
        run()?;
        let used = services.used(&counters).into_iter().zip(earlier);
        Ok(used.map(|(now, earlier)| now.since(earlier)).collect())
    }

    fn services(&self) -> Services {
        let api = KubernetesApi::start();
        api.apply("us-west-2a", json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] }));
        let enabled = if self.custom_networking { "true" } else { "false" };
        api.set_aws_node(Some(&[("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", enabled)]));
        let pods = Subnet { id: "subnet-0a".to_owned(), ..Subnet::default() };
        let ec2 = Ec2::start(vec![Subnet::default(), pods]);
        let eks = AwsApi::start([String::new(), String::new(), String::new()]);
        Services { imds: Imds::start(&Instance::default()), api, ec2, eks }
    }
}

impl Services {
    /// Returns the use of each service so far.
    fn used(&self, counters: &[ByteCounter]) -> [Use; 4] {
        let requests = [
            ("instance metadata", self.imds.requests().len()),
            ("API server", self.api.requests().len()),
            ("EC2", self.ec2.requests().len()),
            ("EKS and STS", self.eks.requests().len()),
        ];
        std::array::from_fn(|number| {
            let (service, requests) = requests[number];
            Use { service, requests, traffic: counters[number].traffic() }
        })
    }
}

impl Use {
    /// Returns the use after `earlier`.
    fn since(self, earlier: Self) -> Self {
        let (now, then) = (self.traffic, earlier.traffic);
        let traffic = Traffic {
            connections: now.connections - then.connections,
            sent: now.sent - then.sent,
            received: now.received - then.received,
        };
        Self { requests: self.requests - earlier.requests, traffic, ..self }
    }

    fn values(&self) -> BTreeMap<String, f64> {
        let count = |value: u64| u32::try_from(value).map_or(f64::NAN, f64::from);
        let service = self.service.to_lowercase().replace(' ', "_");
        [
            ("requests", count(self.requests as u64)),
            ("connections", count(self.traffic.connections)),
            ("sent_bytes", count(self.traffic.sent)),
            ("received_bytes", count(self.traffic.received)),
        ]
        .map(|(name, value)| (format!("{service}_{name}"), value))
        .into()
    }
}
