//! `run` beside the programs that configure the kubelet today, with the same services and latencies.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::Results;
use super::boots::first_boot;
use crate::cloud::{CLUSTER, Cloud};
use crate::measure::{Measurement, Subject, interleaved};
use crate::node::Root;
use crate::parts::{Parts, peer};
use crate::program::{Program, Run};
use crate::row::Row;
use crate::stats::digits;
use eni_bootstrap_real_parts::systemd_socket::SystemdSocket;
use eni_core::domain::capacity::{Capacity, CapacityOptions, Ceiling};
use eni_core::domain::cni::Cni;
use eni_core::domain::instance_limits::{InstanceLimits, embedded_rows};

/// The number of runs, and of runs to measure memory.
const RUNS: usize = 15;
const MEMORY_RUNS: usize = 3;

/// The files of Amazon Linux 2 that bootstrap.sh changes.
const AL2: [(&str, &str); 4] = [
    (
        "etc/kubernetes/kubelet/kubelet-config.json",
        "{\"kind\":\"KubeletConfiguration\",\"apiVersion\":\"kubelet.config.k8s.io/v1beta1\"}\n",
    ),
    ("etc/kubernetes/pki/empty", ""),
    ("tmp/empty", ""),
    (
        "var/lib/kubelet/kubeconfig",
        "apiVersion: v1\nkind: Config\nclusters: [{name: kubernetes, cluster: {server: MASTER_ENDPOINT}}]\n",
    ),
];

/// The directories of the image to which eksnode writes.
const EKSNODE_DIRECTORIES: [&str; 7] = [
    "etc/containerd",
    "etc/eks/image-credential-provider",
    "etc/kubernetes/kubelet",
    "etc/kubernetes/pki",
    "etc/systemd/system/kubelet.service.d",
    "usr/lib/systemd/system",
    "var/lib/kubelet",
];

/// Returns the program for a root with these services.
type MakeProgram<'a> = dyn Fn(&Root, &Cloud) -> Result<Program, Box<dyn Error>> + 'a;

/// Another program that configures the kubelet.
struct Peer<'a> {
    cloud: Cloud,
    before: Root,
    root: PathBuf,
    /// nodeadm connects to this socket in the root of the current run.
    systemd: Option<SystemdSocket>,
    program: Box<MakeProgram<'a>>,
}

impl Subject for Peer<'_> {
    fn prepare(&mut self) -> Result<Program, Box<dyn Error>> {
        self.systemd = None;
        let root = self.before.copy_to(self.root.clone())?;
        self.systemd = Some(SystemdSocket::start(&root.0)?);
        self.cloud.forget();
        (self.program)(&root, &self.cloud)
    }

    fn finish(&mut self, run: &Run) -> Result<Vec<(&'static str, f64)>, Box<dyn Error>> {
        let trace = self.cloud.trace(run);
        #[expect(clippy::cast_precision_loss, reason = "a few round trips")]
        let count = trace.round_trips.len() as f64;
        Ok(vec![("critical_path_ms", trace.critical_path_ms), ("round_trips", count)])
    }
}

/// Measures `run`, nodeadm, the way of bootstrap.sh, and eksnode if it is installed.
///
/// # Errors
///
/// Returns an error if a program fails.
pub fn run(parts: &Parts) -> Result<Results, Box<dyn Error>> {
    let (work, logs) = (tempfile::tempdir()?, parts.logs()?);
    let work = work.path();
    let mut own = first_boot("run, beside the peers", parts, work)?;
    let mut empty = Program::new("/bin/true", &logs, ["/bin/true"]);
    let mut nodeadm = nodeadm(parts, work)?;
    let mut shell = shell(parts, work, "bootstrap.sh, endpoint known", true)?;
    let mut describing = shell_describing(parts, work)?;
    let mut eksnode = eksnode(parts, work)?;
    let mut subjects: Vec<&mut dyn Subject> =
        vec![&mut empty, &mut own, &mut nodeadm, &mut shell, &mut describing];
    if let Some(eksnode) = &mut eksnode {
        subjects.push(eksnode);
    }
    let measurements = interleaved(parts, &mut subjects, RUNS, MEMORY_RUNS)?;
    let mut rows: Vec<Row> =
        measurements[2..].iter().map(|peer| row(peer, &measurements[1])).collect();
    if eksnode.is_none() {
        rows.push(Row::new("eksnode", "not built; run `tests/real/install.sh eksnode`"));
    }
    Ok(Results { rows, measurements, traces: Vec::new() })
}

fn row(peer: &Measurement, own: &Measurement) -> Row {
    let ratio = |name: &str| peer.median(name) / own.median(name);
    let [wall, cpu, peak] = ["wall_ms", "cpu_ms", "peak_mib"].map(ratio);
    let text = format!(
        "{}, CPU {}, {:.0} MiB; {}, {} and {} × those of run ({}, {}, {:.1} MiB)",
        peer.series("wall_ms").text("ms"),
        peer.series("cpu_ms").text("ms"),
        peer.series("peak_mib").median,
        digits(wall),
        digits(cpu),
        digits(peak),
        own.series("wall_ms").text("ms"),
        own.series("cpu_ms").text("ms"),
        own.series("peak_mib").median,
    );
    Row::new(&peer.name, text)
        .target(
            "run is faster in wall and CPU, and smaller",
            [wall, cpu, peak].iter().all(|it| *it > 1.0),
        )
        .value("wall_ratio", wall)
        .value("cpu_ratio", cpu)
        .value("peak_ratio", peak)
}

fn nodeadm<'a>(parts: &'a Parts, work: &Path) -> Result<Peer<'a>, Box<dyn Error>> {
    let before = Root::image(work.join("nodeadm-before"))?;
    let program = |root: &Root, cloud: &Cloud| {
        root.install(&parts.real_parts.join("bin/nodeadm"), "nodeadm")?;
        Ok(root.nodeadm(&parts.logs()?, cloud)?)
    };
    let (cloud, root) = (Cloud::start()?, work.join("nodeadm"));
    Ok(Peer { cloud, before, root, systemd: None, program: Box::new(program) })
}

fn shell_describing<'a>(parts: &'a Parts, work: &Path) -> Result<Peer<'a>, Box<dyn Error>> {
    shell(parts, work, "bootstrap.sh, eks:DescribeCluster", false)
}

/// Returns the shell script, with or without the flags for the endpoint.
fn shell<'a>(
    parts: &'a Parts,
    work: &Path,
    name: &'static str,
    is_endpoint_known: bool,
) -> Result<Peer<'a>, Box<dyn Error>> {
    let directory = if is_endpoint_known { "shell" } else { "describing" };
    let before = Root::image(work.join(format!("{directory}-before")))?;
    for (name, text) in AL2 {
        before.write(name, text)?;
    }
    before.write("etc/eks/eni-max-pods.txt", &max_pods_file()?)?;
    let program = move |root: &Root, cloud: &Cloud| {
        let script = peer("bootstrap.sh").into_os_string();
        let program = Program::new(name, &parts.logs()?, ["/bin/bash".into(), script]);
        let program = root.with_aws(parts.with_aws_cli(program), cloud, &root.0)?;
        let program = program.with("ROOT", &root.0).with("IMDS", cloud.imds_endpoint());
        let mut program = program.with("CLUSTER", CLUSTER);
        if is_endpoint_known {
            program = program.with("API_ENDPOINT", cloud.api_endpoint());
            program = program.with("CLUSTER_CA", cloud.ca_base64());
        }
        Ok(program)
    };
    let (cloud, root) = (Cloud::start()?, work.join(directory));
    Ok(Peer { cloud, before, root, systemd: None, program: Box::new(program) })
}

/// Returns the table that the script reads: the type and its max-pods without a ceiling in each line.
fn max_pods_file() -> Result<String, Box<dyn Error>> {
    let options = CapacityOptions { ceiling: Ceiling::Unlimited, ..CapacityOptions::default() };
    let mut text = String::new();
    for (name, row) in embedded_rows() {
        let limits = InstanceLimits::new(&name.parse()?, row);
        let capacity = Capacity::compute(&limits, Cni::default(), options.clone())?;
        writeln!(text, "{name} {}", capacity.max_pods)?;
    }
    Ok(text)
}

/// Returns eksnode, if it is installed.
fn eksnode<'a>(parts: &'a Parts, work: &Path) -> Result<Option<Peer<'a>>, Box<dyn Error>> {
    let installed = parts.real_parts.join("eksnode");
    if !installed.exists() {
        return Ok(None);
    }
    let before = Root::image(work.join("eksnode-before"))?;
    for name in EKSNODE_DIRECTORIES {
        fs::create_dir_all(before.0.join(name))?;
    }
    // eksnode runs its commands with this file as standard input.
    before.write("dev/null", "")?;
    let program = move |root: &Root, cloud: &Cloud| {
        root.install(&installed.join("eksnode"), "eksnode")?;
        // eksnode runs the kubelet for its version, and systemctl at its end.
        for name in ["kubelet", "systemctl"] {
            root.install(&installed.join("stub"), name)?;
        }
        let directory = root.0.to_string_lossy().into_owned();
        let command = ["/usr/sbin/chroot", &directory, "/usr/bin/eksnode", "join-cluster"];
        let flags = [
            format!("--cluster-name={CLUSTER}"),
            format!("--apiserver-endpoint={}", cloud.api_endpoint()),
            // eksnode rejects base64 with padding.
            format!("--b64-cluster-ca={}", cloud.ca_base64().trim_end_matches('=')),
        ];
        let command = command.map(str::to_owned).into_iter().chain(flags);
        let program = Program::new("eksnode join-cluster", &parts.logs()?, command);
        let program = root.with_aws(program, cloud, Path::new("/"))?;
        Ok(program.with("IMDS_ENDPOINT", cloud.imds_endpoint()).with("AWS_REGION", "us-west-2"))
    };
    let (cloud, root) = (Cloud::start()?, work.join("eksnode"));
    Ok(Some(Peer { cloud, before, root, systemd: None, program: Box::new(program) }))
}
