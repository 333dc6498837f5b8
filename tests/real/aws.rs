//! What a test makes in moto: VPCs, subnets, security groups, interfaces, a cluster, a user.

use super::answers::http;
use serde_json::{Value, json};
use std::fmt::Write as _;

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
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
    /// the answer. moto reads nothing of a signature but its scope.
    pub fn ask(self, service: &str, form: &str, wanted: &str) -> String {
        let scope =
            format!("AWS4-HMAC-SHA256 Credential=A/20260101/{REGION}/{service}/aws4_request");
        let version = if service == "iam" { "2010-05-08" } else { "2016-11-15" };
        let url = format!("{}/", self.endpoint);
        let form = format!("{form}&Version={version}");
        let (status, answer) = http("POST", &url, &[("Authorization", &scope), FORM], &form);
        assert_eq!(status, 200, "{form}: {answer}");
        let found =
            answer.split(&format!("<{wanted}>")).nth(1).and_then(|rest| rest.split('<').next());
        found.unwrap_or_else(|| panic!("no {wanted} in {answer}")).to_owned()
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
        let scope = format!("AWS4-HMAC-SHA256 Credential=A/20260101/{REGION}/eks/aws4_request");
        let wanted = json!({
            "name": name,
            "roleArn": "arn:aws:iam::123456789012:role/cluster",
            "resourcesVpcConfig": { "subnetIds": subnets },
        });
        let url = format!("{}/clusters", self.endpoint);
        let headers = [("Authorization", scope.as_str()), ("Content-Type", "application/json")];
        let (status, answer) = http("POST", &url, &headers, &wanted.to_string());
        assert_eq!(status, 200, "{answer}");
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
        let made = format!("Action=CreateAccessKey&UserName={name}");
        let scope = format!("AWS4-HMAC-SHA256 Credential=A/20260101/{REGION}/iam/aws4_request");
        let url = format!("{}/", self.endpoint);
        let form = format!("{made}&Version=2010-05-08");
        let (status, answer) = http("POST", &url, &[("Authorization", &scope), FORM], &form);
        assert_eq!(status, 200, "{answer}");
        let text = |wanted: &str| {
            let rest = answer.split(&format!("<{wanted}>")).nth(1).unwrap();
            rest.split('<').next().unwrap().to_owned()
        };
        (text("AccessKeyId"), text("SecretAccessKey"))
    }

    /// From now on every request needs a signature and a right.
    pub fn enforce_policies(self) {
        let url = format!("{}/moto-api/reset-auth", self.endpoint);
        assert_eq!(http("POST", &url, &[], "0").0, 200);
    }
}
