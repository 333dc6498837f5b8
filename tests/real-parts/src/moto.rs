//! moto, which implements EC2, EKS, STS and IAM.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::aws::Account;
use super::aws_api::aws_api;
use super::http::http;
use super::parts::part;
use super::server::Server;

/// A running moto server.
#[derive(Debug)]
pub struct Moto {
    /// The URL to use as the endpoint of every service.
    pub endpoint: String,
    _server: Server,
}

/// Returns the moto server that all tests of this process share. The first call starts it.
///
/// moto takes the service and region from the credential scope of the signature, and does not check the
/// signature. It treats unsigned requests as S3 requests.
pub fn moto() -> Option<&'static Moto> {
    static MOTO: OnceLock<Moto> = OnceLock::new();
    // Checked in every call, so that every skipped test is reported.
    part("moto/bin/moto_server", "moto", "tests/real/install.sh moto")?;
    MOTO.get().or_else(|| {
        let own = own_moto()?;
        Some(MOTO.get_or_init(|| own))
    })
}

/// Starts a moto server for one test, which may reconfigure it.
pub fn own_moto() -> Option<Moto> {
    let program = part("moto/bin/moto_server", "moto", "tests/real/install.sh moto")?;
    let server = Server::start(|at| {
        let mut command = Command::new(&program);
        command.args(["-H", &at.ip().to_string(), "-p", &at.port().to_string()]);
        command
    });
    Some(Moto { endpoint: server.endpoint(), _server: server })
}

impl Moto {
    pub fn account(&self) -> Account<'_> {
        Account { endpoint: &self.endpoint }
    }

    /// Returns the endpoint of a server that repeats moto's response with all instance types. moto computes it
    /// for seconds, and on a slow machine for longer than the time limit of a request.
    pub fn all_instance_types(&self) -> String {
        let form = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/ec2/aws4_request",
            ),
        ];
        let action = "Action=DescribeInstanceTypes&Version=2016-11-15";
        let (status, types) = http("POST", &format!("{}/", self.endpoint), &form, action);
        assert_eq!(status, 200, "{types}");
        aws_api(vec![("200 OK", types)])
    }
}

/// Returns the recorded DescribeInstanceTypes results of EC2 that moto contains, one for each type.
pub fn ec2_record() -> Option<Vec<Value>> {
    let moto = part("moto", "moto", "tests/real/install.sh moto")?;
    let file = "lib/python3*/site-packages/moto/ec2/resources/instance_types.json.gz";
    let path = glob::glob(moto.join(file).to_str().unwrap()).unwrap().next();
    let packed = fs::File::open(path.unwrap().unwrap()).unwrap();
    let record: Value = serde_json::from_reader(flate2::read::GzDecoder::new(packed)).unwrap();
    Some(record.as_object().unwrap().values().cloned().collect())
}
