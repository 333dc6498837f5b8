//! A client that creates resources in moto: VPCs, subnets, security groups, network interfaces, a
//! cluster and a user.

use super::http::http;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The region of the resources.
const REGION: &str = "us-west-2";

/// An AWS account in moto, in [`REGION`].
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// The URL of moto.
    pub endpoint: &'a str,
}

impl Account<'_> {
    /// Sends a query API request to EC2 or IAM. Returns the text of the first element `name` in the
    /// response.
    pub fn query(self, service: &str, form: &str, name: &str) -> String {
        element(&self.response(service, form), name)
    }

    /// Sends a query API request, and returns the whole response.
    pub fn response(self, service: &str, form: &str) -> String {
        let version = if service == "iam" { "2010-05-08" } else { "2016-11-15" };
        let form = format!("{form}&Version={version}");
        self.post(service, "", "application/x-www-form-urlencoded", &form)
    }

    /// Posts to `path` of a service. moto reads only the credential scope of the signature.
    fn post(self, service: &str, path: &str, content_type: &str, body: &str) -> String {
        let scope =
            format!("AWS4-HMAC-SHA256 Credential=A/20260101/{REGION}/{service}/aws4_request");
        let headers = [("Authorization", scope.as_str()), ("Content-Type", content_type)];
        let (status, response) = http("POST", &format!("{}/{path}", self.endpoint), &headers, body);
        assert_eq!(status, 200, "{body}: {response}");
        response
    }

    fn ec2(self, form: &str, name: &str) -> String {
        self.query("ec2", form, name)
    }

    /// Creates a VPC with the CIDR block `range`, and returns its id.
    pub fn vpc(self, range: &str) -> String {
        self.ec2(&format!("Action=CreateVpc&CidrBlock={range}"), "vpcId")
    }

    /// Creates a subnet, and returns its id.
    pub fn subnet(self, vpc: &str, zone: &str, range: &str) -> String {
        let form =
            format!("Action=CreateSubnet&VpcId={vpc}&AvailabilityZone={zone}&CidrBlock={range}");
        self.ec2(&form, "subnetId")
    }

    /// Creates a security group, and returns its id.
    pub fn group(self, vpc: &str, name: &str) -> String {
        let form = format!(
            "Action=CreateSecurityGroup&VpcId={vpc}&GroupName={name}&GroupDescription=test"
        );
        self.ec2(&form, "groupId")
    }

    /// Creates a network interface with this address, and returns its id.
    pub fn interface(self, subnet: &str, address: &str) -> String {
        let form =
            format!("Action=CreateNetworkInterface&SubnetId={subnet}&PrivateIpAddress={address}");
        self.ec2(&form, "networkInterfaceId")
    }

    /// Deletes a network interface.
    pub fn delete_interface(self, id: &str) {
        self.ec2(&format!("Action=DeleteNetworkInterface&NetworkInterfaceId={id}"), "requestId");
    }

    /// Creates an explicit CIDR reservation in a subnet.
    pub fn reserve(self, subnet: &str, range: &str) {
        let form = format!(
            "Action=CreateSubnetCidrReservation&SubnetId={subnet}&Cidr={range}&ReservationType=explicit"
        );
        self.ec2(&form, "subnetCidrReservationId");
    }

    pub fn tag(self, resource: &str, key: &str, value: &str) {
        let form = format!(
            "Action=CreateTags&ResourceId.1={resource}&Tag.1.Key={key}&Tag.1.Value={value}"
        );
        self.ec2(&form, "requestId");
    }

    /// Creates a cluster with these subnets, and returns its description.
    pub fn cluster(self, name: &str, subnets: &[&str]) -> Value {
        self.cluster_with(name, json!({ "subnetIds": subnets }))
    }

    /// Creates a cluster with this value of `resourcesVpcConfig`, and returns its description.
    #[expect(clippy::needless_pass_by_value, reason = "tests pass temporary values")]
    pub fn cluster_with(self, name: &str, vpc_config: Value) -> Value {
        let request = json!({
            "name": name,
            "roleArn": "arn:aws:iam::123456789012:role/cluster",
            "resourcesVpcConfig": vpc_config,
        });
        let response = self.post("eks", "clusters", "application/json", &request.to_string());
        serde_json::from_str::<Value>(&response).unwrap()["cluster"].take()
    }

    /// Creates a user with the IAM policy `policy`. Returns its access key id and secret access key.
    pub fn user(self, name: &str, policy: &Value) -> (String, String) {
        let encoded = |mut text: String, byte: u8| {
            let _ = write!(text, "%{byte:02X}");
            text
        };
        let policy = policy.to_string().bytes().fold(String::new(), encoded);
        self.query("iam", &format!("Action=CreateUser&UserName={name}"), "UserName");
        let put =
            format!("Action=PutUserPolicy&UserName={name}&PolicyName=p&PolicyDocument={policy}");
        self.query("iam", &put, "RequestId");
        let key = self.response("iam", &format!("Action=CreateAccessKey&UserName={name}"));
        (element(&key, "AccessKeyId"), element(&key, "SecretAccessKey"))
    }

    /// Makes moto check the signature and the IAM permission of every further request.
    pub fn enforce_policies(self) {
        let url = format!("{}/moto-api/reset-auth", self.endpoint);
        assert_eq!(http("POST", &url, &[], "0").0, 200);
    }
}

/// Returns the text of the first element `name` in an XML response.
fn element(response: &str, name: &str) -> String {
    let text = response.split(&format!("<{name}>")).nth(1).and_then(|rest| rest.split('<').next());
    text.unwrap_or_else(|| panic!("no element {name} in {response}")).to_owned()
}
