//! EC2, EKS, STS and IAM, by moto.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::aws::Account;
use super::parts::part;
use super::server::Server;

/// EC2, EKS, STS and IAM in one server; it lives as long as the test process.
#[derive(Debug)]
pub struct Moto {
    /// Its address, to be used as the endpoint of every service.
    pub endpoint: String,
    _server: Server,
}

/// The EC2, EKS, STS and IAM of this test process, started on first use. State is shared by all
/// tests.
///
/// It tells services and regions apart by the signature's scope and does not check the signature; a
/// request without one is taken for S3.
pub fn moto() -> Option<&'static Moto> {
    static MOTO: OnceLock<Moto> = OnceLock::new();
    // Asked of each test anew, so that each says that it does not run.
    part("moto/bin/moto_server", "moto", "tests/real/install.sh moto")?;
    MOTO.get().or_else(|| {
        let own = own_moto()?;
        Some(MOTO.get_or_init(|| own))
    })
}

/// The same for one test alone, which may change how it answers.
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
    /// The account in it.
    pub fn account(&self) -> Account<'_> {
        Account { endpoint: &self.endpoint }
    }
}

/// EC2's own answers to DescribeInstanceTypes, one for each type, as moto has them recorded.
pub fn ec2_record() -> Option<Vec<Value>> {
    let moto = part("moto", "moto", "tests/real/install.sh moto")?;
    let file = "lib/python3*/site-packages/moto/ec2/resources/instance_types.json.gz";
    let found = glob::glob(moto.join(file).to_str().unwrap()).unwrap().next();
    let packed = fs::File::open(found.unwrap().unwrap()).unwrap();
    let record: Value = serde_json::from_reader(flate2::read::GzDecoder::new(packed)).unwrap();
    Some(record.as_object().unwrap().values().cloned().collect())
}
