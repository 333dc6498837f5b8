//! A program that simulates an instance and its cluster on loopback until it is killed.

use clap::Parser;
use eni_bootstrap_sandbox::{
    Applier, Bottlerocket, Control, Ec2, Imds, Instance, KubernetesApi, Subnet,
};
use serde_json::json;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Simulate an EC2 instance, its EC2 and Kubernetes APIs and optionally a Bottlerocket host, to run
/// eni-bootstrap against.
#[derive(Debug, Parser)]
#[command(after_help = "\
Example:
  eni-bootstrap-sandbox --dir /tmp/sandbox --eni-config us-west-2a --eni-config-after 3 &
  until [ -e /tmp/sandbox/ready ]; do sleep 0.1; done; . /tmp/sandbox/ready
  eni-bootstrap run --imds-endpoint \"$IMDS_ENDPOINT\" --ec2-endpoint \"$EC2_ENDPOINT\" --root /tmp/root

Control the running sandbox with HTTP requests to $CONTROL:
  POST   /eniconfigs/NAME      create or replace an ENIConfig; the body is its spec
  DELETE /eniconfigs/NAME      delete the ENIConfig
  POST   /imds/PATH            set the metadata item PATH to the body
  DELETE /imds/PATH            return 404 for the metadata item PATH
  POST   /watches/break        break the connection of every watch
  POST   /watches/end          end every watch
  POST   /watches/expire       end every watch with 410 Expired
  POST   /faults/imds          {\"latency-ms\": 50} or {\"matching\": \"token\", \"times\": 2, \"status\": 503}
  POST   /faults/kubernetes    the same for the Kubernetes API
  POST   /faults/bottlerocket  the same for the Bottlerocket settings API
  GET    /requests             list all requests received so far

Any other path, and DELETE for an object or item that does not exist, returns 404.")]
struct Arguments {
    /// Write ca.crt and kubeconfig to this folder, and, when all servers listen, the shell variables to
    /// the file ready
    #[arg(long)]
    dir: PathBuf,
    /// Set the instance type
    #[arg(long, default_value = "c5.large")]
    instance_type: String,
    /// Set the availability zone; the region is the zone without its last letter
    #[arg(long, default_value = "us-west-2a")]
    zone: String,
    /// Create the ENIConfig NAME
    #[arg(long, value_name = "NAME")]
    eni_config: Option<String>,
    /// Create the ENIConfig this many seconds after the first request for it; 0 creates it at once
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    eni_config_after: u64,
    /// Simulate the root of a Bottlerocket bootstrap container in FOLDER: the settings API at
    /// FOLDER/run/api.sock, and the files of the host below FOLDER/.bottlerocket/rootfs
    #[arg(long, value_name = "FOLDER")]
    bottlerocket: Option<PathBuf>,
    /// Render the files of the Bottlerocket host this many seconds after a commit
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    render_after: u64,
    /// Exit when standard input is closed, so that the sandbox stops when its script is killed
    #[arg(long)]
    exit_with_stdin: bool,
}

/// The subnet in the ENIConfig.
const POD_SUBNET: &str = "subnet-0fedcba9876543210";

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the error message of the program")]
            {
                eprintln!("eni-bootstrap-sandbox: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    fs::create_dir_all(&arguments.dir)?;
    let api = Arc::new(KubernetesApi::start());
    let region = arguments.zone.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let user_data = match arguments.bottlerocket {
        Some(_) => Bottlerocket::user_data(&api),
        None => api.node_config(),
    };
    let instance = Instance {
        instance_type: arguments.instance_type.clone(),
        zone: arguments.zone.clone(),
        region: region.to_owned(),
        user_data: Some(user_data.into_bytes()),
        ..Instance::default()
    };
    let imds = Arc::new(Imds::start(&instance));
    let in_zone = |subnet| Subnet { zone: arguments.zone.clone(), ..subnet };
    let pods = Subnet {
        id: POD_SUBNET.to_owned(),
        cidr: "198.51.100.0/24".to_owned(),
        ..Subnet::default()
    };
    let ec2 = Ec2::start(vec![in_zone(Subnet::default()), in_zone(pods)]);
    let bottlerocket = arguments.bottlerocket.as_deref().map(|container| {
        let host = Bottlerocket::in_container(container, &Bottlerocket::seed(&instance, &api));
        if arguments.render_after > 0 {
            host.set_applier(Applier::After(Duration::from_secs(arguments.render_after)));
        }
        Arc::new(host)
    });
    let control = Control::start(imds.clone(), api.clone(), bottlerocket)?;
    if let Some(name) = arguments.eni_config.clone() {
        let (api, delay) = (api.clone(), Duration::from_secs(arguments.eni_config_after));
        std::thread::spawn(move || {
            if !delay.is_zero() && api.wait_for("get", 1, Duration::MAX) {
                std::thread::sleep(delay);
            }
            api.apply(
                &name,
                json!({
                    "subnet": POD_SUBNET,
                    "securityGroups": ["sg-0123456789abcdef0"],
                }),
            );
        });
    }
    let (authority, kubeconfig) = (arguments.dir.join("ca.crt"), arguments.dir.join("kubeconfig"));
    write(&authority, api.ca_pem())?;
    write(&kubeconfig, &api.kubeconfig())?;
    let mut ready = String::new();
    for (name, value) in [
        ("IMDS_ENDPOINT", imds.endpoint()),
        ("EC2_ENDPOINT", ec2.endpoint()),
        ("API_ENDPOINT", api.url()),
        ("CA_FILE", authority.display().to_string()),
        ("KUBECONFIG_FILE", kubeconfig.display().to_string()),
        ("CONTROL", format!("http://{}", control.addr())),
    ] {
        let _ = writeln!(ready, "{name}='{value}'");
    }
    // Write the file atomically, because scripts wait until it exists.
    let partial = arguments.dir.join("ready.partial");
    write(&partial, &ready)?;
    fs::rename(partial, arguments.dir.join("ready"))?;
    if arguments.exit_with_stdin {
        io::copy(&mut io::stdin().take(u64::MAX), &mut io::sink())?;
    } else {
        loop {
            std::thread::park();
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a temporary folder, not a node")]
fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)
}
