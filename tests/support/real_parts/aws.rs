//! What a test makes in moto: VPCs, subnets, security groups, interfaces, a cluster, a user.

use super::http::http;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Where the tests' clusters are.
const REGION: &str = "us-west-2";

/// An account in moto, in [`REGION`].
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// moto's address.
    pub endpoint: &'a str,
}

impl Account<'_> {
    /// One request of EC2's or IAM's query protocol; gives the text of the first element `wanted` in
    /// the answer.
    pub fn ask(self, service: &str, form: &str, wanted: &str) -> String {
        element(&self.answer(service, form), wanted)
    }

    /// The whole answer to it.
    fn answer(self, service: &str, form: &str) -> String {
        let version = if service == "iam" { "2010-05-08" } else { "2016-11-15" };
        let form = format!("{form}&Version={version}");
        self.post(service, "", "application/x-www-form-urlencoded", &form)
    }

    /// Posts to a service at `path`. moto reads nothing of a signature but its scope.
    fn post(self, service: &str, path: &str, content_type: &str, body: &str) -> String {
        let scope =
            format!("AWS4-HMAC-SHA256 Credential=A/20260101/{REGION}/{service}/aws4_request");
        let headers = [("Authorization", scope.as_str()), ("Content-Type", content_type)];
        let (status, answer) = http("POST", &format!("{}/{path}", self.endpoint), &headers, body);
        assert_eq!(status, 200, "{body}: {answer}");
        answer
    }

    fn ec2(self, form: &str, wanted: &str) -> String {
        self.ask("ec2", form, wanted)
    }

    /// A VPC of this range.
    pub fn vpc(self, range: &str) -> String {
        self.ec2(&format!("Action=CreateVpc&CidrBlock={range}"), "vpcId")
    }

    /// A subnet.
    pub fn subnet(self, vpc: &str, zone: &str, range: &str) -> String {
        let form =
            format!("Action=CreateSubnet&VpcId={vpc}&AvailabilityZone={zone}&CidrBlock={range}");
        self.ec2(&form, "subnetId")
    }

    /// A security group.
    pub fn group(self, vpc: &str, name: &str) -> String {
        let form = format!(
            "Action=CreateSecurityGroup&VpcId={vpc}&GroupName={name}&GroupDescription=test"
        );
        self.ec2(&form, "groupId")
    }

    /// An interface with this address.
    pub fn interface(self, subnet: &str, address: &str) -> String {
        let form =
            format!("Action=CreateNetworkInterface&SubnetId={subnet}&PrivateIpAddress={address}");
        self.ec2(&form, "networkInterfaceId")
    }

    /// Takes an interface away.
    pub fn delete_interface(self, id: &str) {
        self.ec2(&format!("Action=DeleteNetworkInterface&NetworkInterfaceId={id}"), "requestId");
    }

    /// Keeps a range of a subnet back from everybody.
    pub fn reserve(self, subnet: &str, range: &str) {
        let form = format!(
            "Action=CreateSubnetCidrReservation&SubnetId={subnet}&Cidr={range}&ReservationType=explicit"
        );
        self.ec2(&form, "subnetCidrReservationId");
    }

    /// Tags a resource.
    pub fn tag(self, resource: &str, key: &str, value: &str) {
        let form = format!(
            "Action=CreateTags&ResourceId.1={resource}&Tag.1.Key={key}&Tag.1.Value={value}"
        );
        self.ec2(&form, "requestId");
    }

    /// A cluster with these subnets, as EKS describes it.
    pub fn cluster(self, name: &str, subnets: &[&str]) -> Value {
        let wanted = json!({
            "name": name,
            "roleArn": "arn:aws:iam::123456789012:role/cluster",
            "resourcesVpcConfig": { "subnetIds": subnets },
        });
        let answer = self.post("eks", "clusters", "application/json", &wanted.to_string());
        serde_json::from_str::<Value>(&answer).unwrap()["cluster"].take()
    }

    /// A user who may do what `policy` says: its access key and secret.
    pub fn user(self, name: &str, policy: &Value) -> (String, String) {
        let encoded = |mut text: String, byte: u8| {
            let _ = write!(text, "%{byte:02X}");
            text
        };
        let policy = policy.to_string().bytes().fold(String::new(), encoded);
        self.ask("iam", &format!("Action=CreateUser&UserName={name}"), "UserName");
        let put =
            format!("Action=PutUserPolicy&UserName={name}&PolicyName=p&PolicyDocument={policy}");
        self.ask("iam", &put, "RequestId");
        let key = self.answer("iam", &format!("Action=CreateAccessKey&UserName={name}"));
        (element(&key, "AccessKeyId"), element(&key, "SecretAccessKey"))
    }

    /// From now on every request needs a signature and a right.
    pub fn enforce_policies(self) {
        let url = format!("{}/moto-api/reset-auth", self.endpoint);
        assert_eq!(http("POST", &url, &[], "0").0, 200);
    }
}

/// The text of the first element `wanted` in an answer.
fn element(answer: &str, wanted: &str) -> String {
    let found = answer.split(&format!("<{wanted}>")).nth(1).and_then(|rest| rest.split('<').next());
    found.unwrap_or_else(|| panic!("no {wanted} in {answer}")).to_owned()
}
