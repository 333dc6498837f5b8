//! A simulated EC2 API with the subnets of a VPC.
//!
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html>

use crate::faults::Faults;
use crate::server::{Body, Request, Server, answer};
use crate::tls::{self, Certificate};
use crate::token_bucket::{Limit, TokenBuckets};
use futures::FutureExt as _;
use http::Response;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};
use tokio_rustls::rustls::ServerConfig;

/// A subnet as `DescribeSubnets` returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The id, such as `subnet-0123456789abcdef0`.
    pub id: String,
    /// The VPC.
    pub vpc: String,
    /// The availability zone, such as `us-west-2a`.
    pub zone: String,
    /// The availability zone id, such as `usw2-az1`.
    pub zone_id: String,
    /// The IPv4 CIDR block.
    pub cidr: String,
    /// The number of unused addresses.
    pub free_addresses: u32,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// The addresses of the network interfaces in the subnet, as `DescribeNetworkInterfaces` returns
    /// them.
    pub used: Vec<String>,
}

/// The subnet of the primary network interface of [`Instance`](crate::Instance).
impl Default for Subnet {
    fn default() -> Self {
        Self {
            id: "subnet-0123456789abcdef0".to_owned(),
            vpc: "vpc-0123456789abcdef0".to_owned(),
            zone: "us-west-2a".to_owned(),
            zone_id: "usw2-az1".to_owned(),
            cidr: "192.0.2.0/24".to_owned(),
            free_addresses: 251,
            tags: BTreeMap::new(),
            used: Vec::new(),
        }
    }
}

#[derive(Default)]
struct State {
    subnets: Vec<Subnet>,
    denied: BTreeSet<String>,
    /// Of every ten requests, this many are throttled.
    throttled: usize,
    /// `None` if there is no limit.
    buckets: Option<TokenBuckets>,
    requests: Vec<String>,
    times: Vec<SystemTime>,
}

/// A running EC2 API.
pub struct Ec2 {
    server: Server,
    scheme: &'static str,
    state: Arc<Mutex<State>>,
    faults: Faults,
}

impl std::fmt::Debug for Ec2 {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Ec2").field("endpoint", &self.endpoint()).finish_non_exhaustive()
    }
}

impl Ec2 {
    /// Starts the API on a free loopback port with these subnets.
    #[must_use]
    pub fn start(subnets: Vec<Subnet>) -> Self {
        Self::start_with(subnets, None)
    }

    /// Starts the API with this certificate for loopback. Returns the PEM of the authority as well.
    #[must_use]
    pub fn start_tls(subnets: Vec<Subnet>, certificate: Certificate) -> (Self, String) {
        let (tls, authority) = tls::server_config(&[], certificate);
        (Self::start_with(subnets, Some(tls)), authority)
    }

    fn start_with(subnets: Vec<Subnet>, tls: Option<Arc<ServerConfig>>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let state = Arc::new(Mutex::new(State { subnets, ..State::default() }));
        let faults = Faults::default();
        let shared = state.clone();
        let handler = move |request: Request| {
            let response = shared.lock().unwrap().respond(&request);
            async move { response }.boxed()
        };
        let addr = (Ipv4Addr::LOCALHOST, 0).into();
        let server = Server::start(addr, tls, faults.clone(), Arc::new(handler));
        Self { server: server.expect("a free port"), scheme, state, faults }
    }

    /// Returns the URL of the API, such as `http://127.0.0.1:49152`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}://{}", self.scheme, self.server.addr)
    }

    /// Returns the address on which the API listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// Replaces the subnets.
    pub fn set_subnets(&self, subnets: Vec<Subnet>) {
        self.state.lock().unwrap().subnets = subnets;
    }

    /// Denies `action`, such as `DescribeSubnets`.
    pub fn deny(&self, action: &str) {
        self.state.lock().unwrap().denied.insert(action.to_owned());
    }

    /// Throttles `count` of every ten requests.
    pub fn throttle(&self, count: usize) {
        self.state.lock().unwrap().throttled = count;
    }

    /// Limits the requests for each action with a token bucket of this size.
    pub fn limit_rate(&self, size: f64, per_second: f64) {
        let buckets = TokenBuckets::new(Limit { size, per_second });
        self.state.lock().unwrap().buckets = Some(buckets);
    }

    /// Returns the times of the requests so far.
    #[must_use]
    pub fn request_times(&self) -> Vec<SystemTime> {
        self.state.lock().unwrap().times.clone()
    }

    /// Returns the actions of the requests so far, such as `DescribeSubnets`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Returns the faults of this server.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl State {
    fn respond(&mut self, request: &Request) -> Response<Body> {
        let form: BTreeMap<String, String> =
            form_urlencoded::parse(&request.body).into_owned().collect();
        let action = form.get("Action").cloned().unwrap_or_default();
        let number = self.requests.len();
        self.requests.push(action.clone());
        self.times.push(SystemTime::now());
        // Multiples of 3 spread the throttled requests evenly.
        let has_token = self.buckets.as_mut().is_none_or(|it| it.take(&action, Instant::now()));
        if number * 3 % 10 < self.throttled || !has_token {
            return error(503, "RequestLimitExceeded", "Request limit exceeded.");
        }
        if self.denied.contains(&action) {
            let message = "You are not authorized to perform this operation.";
            return error(403, "UnauthorizedOperation", message);
        }
        let filters = filters(&form);
        let items = match action.as_str() {
            "DescribeSubnets" => ("subnetSet", self.subnets(&filters)),
            "DescribeSecurityGroups" => ("securityGroupInfo", self.groups(&filters)),
            "DescribeNetworkInterfaces" => ("networkInterfaceSet", self.interfaces(&filters)),
            "GetSubnetCidrReservations" => ("subnetIpv4CidrReservationSet", String::new()),
            _ => {
                let message = format!("The action {action} is not valid for this web service.");
                return error(400, "InvalidAction", &message);
            }
        };
        let (set, items) = items;
        let body = format!("<{action}Response><{set}>{items}</{set}></{action}Response>");
        answer(200, "text/xml", body)
    }

    fn subnets(&self, filters: &Filters) -> String {
        let matches = |subnet: &&Subnet| {
            filters.iter().all(|(name, values)| {
                let tag = name.strip_prefix("tag:").map(|key| subnet.tags.get(key));
                if let Some(value) = tag {
                    return value.is_some_and(|it| values.contains(it));
                }
                if name == "tag-key" {
                    return values.iter().any(|it| subnet.tags.contains_key(it));
                }
                values.contains(match name.as_str() {
                    "subnet-id" => &subnet.id,
                    "vpc-id" => &subnet.vpc,
                    "availability-zone" => &subnet.zone,
                    _ => name,
                })
            })
        };
        self.subnets.iter().filter(matches).map(Subnet::to_xml).collect()
    }

    /// Every security group exists, in the VPC of the first subnet.
    fn groups(&self, filters: &Filters) -> String {
        let vpc = self.subnets.first().map(|subnet| subnet.vpc.as_str()).unwrap_or_default();
        let ids = filters.get("group-id").into_iter().flatten();
        let item = |id| format!("<item><groupId>{id}</groupId><vpcId>{vpc}</vpcId></item>");
        ids.map(item).collect()
    }

    fn interfaces(&self, filters: &Filters) -> String {
        let ids = filters.get("subnet-id").cloned().unwrap_or_default();
        let subnets = self.subnets.iter().filter(|subnet| ids.contains(&subnet.id));
        let item = |address: &String| {
            format!(
                "<item><privateIpAddressesSet><item><privateIpAddress>{address}</privateIpAddress></item></privateIpAddressesSet></item>"
            )
        };
        subnets.flat_map(|subnet| subnet.used.iter().map(item)).collect()
    }
}

impl Subnet {
    fn to_xml(&self) -> String {
        let mut tags = String::new();
        for (key, value) in &self.tags {
            let _ = write!(tags, "<item><key>{key}</key><value>{value}</value></item>");
        }
        format!(
            "<item><subnetId>{}</subnetId><vpcId>{}</vpcId><availabilityZone>{}</availabilityZone><availabilityZoneId>{}</availabilityZoneId><cidrBlock>{}</cidrBlock><availableIpAddressCount>{}</availableIpAddressCount><tagSet>{tags}</tagSet></item>",
            self.id, self.vpc, self.zone, self.zone_id, self.cidr, self.free_addresses
        )
    }
}

/// The values of each filter.
type Filters = BTreeMap<String, Vec<String>>;

/// Returns the filters of a request: `Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-0a`.
fn filters(form: &BTreeMap<String, String>) -> Filters {
    let name = |key: &str| key.strip_prefix("Filter.")?.strip_suffix(".Name").map(str::to_owned);
    let names = form.iter().filter_map(|(key, value)| Some((name(key)?, value)));
    let with_values = names.map(|(number, name)| {
        let prefix = format!("Filter.{number}.Value.");
        let values = form.iter().filter(|(key, _)| key.starts_with(&prefix));
        (name.clone(), values.map(|(_, value)| value.clone()).collect())
    });
    with_values.collect()
}

fn error(status: u16, code: &str, message: &str) -> Response<Body> {
    let body = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>sandbox</RequestID></Response>"
    );
    answer(status, "text/xml", body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_have_a_name_and_values() {
        let form = [
            ("Action", "DescribeSubnets"),
            ("Filter.1.Name", "vpc-id"),
            ("Filter.1.Value.1", "vpc-0a"),
            ("Filter.2.Name", "subnet-id"),
            ("Filter.2.Value.1", "subnet-0a"),
            ("Filter.2.Value.2", "subnet-0b"),
        ];
        let form = form.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let expected = [
            ("vpc-id".to_owned(), vec!["vpc-0a".to_owned()]),
            ("subnet-id".to_owned(), vec!["subnet-0a".to_owned(), "subnet-0b".to_owned()]),
        ];
        assert_eq!(filters(&form), expected.into());
    }
}
