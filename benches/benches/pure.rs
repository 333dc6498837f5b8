//! The parts of the program without I/O: the calculation, the plan, and the parsers.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use eni_core::domain::capacity::{Capacity, CapacityOptions};
use eni_core::domain::cni::{Addressing, Cni};
use eni_core::domain::instance_limits;
use eni_core::facts::{Facts, Machine, fixture};
use eni_core::host::bottlerocket::{Bottlerocket, LiveSettings};
use eni_core::host::user_data::node_config;
use eni_core::host::{Image, LoadedUnit, Read, detect, existing_config, reads};
use eni_core::plan::plan;
use eni_core::settings::Settings;

/// The scenarios of one node of each family, by the name of the family.
const FAMILIES: [(&str, &str); 5] = [
    ("nodeadm", include_str!("../../tests/scenarios/nodeadm.txt")),
    ("kubelet-dropin", include_str!("../../tests/scenarios/kubelet-dropin.txt")),
    ("kubeadm", include_str!("../../tests/scenarios/kubeadm.txt")),
    ("snap", include_str!("../../tests/scenarios/snap.txt")),
    ("bottlerocket", include_str!("../../tests/scenarios/bottlerocket.txt")),
];

/// Settings with several sections, as an administrator writes them.
const SETTINGS: &str = r#"
[cni]
prefix-delegation = true
max-eni = 3
[pods]
ceiling = "none"
[eni-config]
name = "prod-{zone}"
wait = "5m"
[imds]
wait = "30s"
[labels]
pool = "blue"
team = "green"
"#;

/// A NodeConfig as EKS writes it.
const NODE_CONFIG: &str = "apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  cluster:
    name: prod
    apiServerEndpoint: https://0123456789ABCDEF0123456789ABCDEF.gr7.us-west-2.eks.amazonaws.com
    certificateAuthority: Y2VydGlmaWNhdGVBdXRob3JpdHk=
    cidr: 10.100.0.0/16
  kubelet:
    config:
      maxPods: 58
      clusterDNS: [10.100.0.10]
    flags:
      - --node-labels=eks.amazonaws.com/nodegroup=blue,team=blue
";

/// The output of `systemctl show` for a kubelet on Amazon Linux 2023.
const UNIT: &str = r"LoadState=loaded
NeedDaemonReload=no
FragmentPath=/etc/systemd/system/kubelet.service
DropInPaths=/etc/systemd/system/kubelet.service.d/10-kubelet-args.conf /etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf
ExecStart={ path=/usr/bin/kubelet ; argv[]=/usr/bin/kubelet --config /etc/kubernetes/kubelet/kubelet-config.json $KUBELET_ARGS $ENI_BOOTSTRAP_KUBELET_ARGS ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
ExecStartEx={ path=/usr/bin/kubelet ; argv[]=/usr/bin/kubelet --config /etc/kubernetes/kubelet/kubelet-config.json $KUBELET_ARGS $ENI_BOOTSTRAP_KUBELET_ARGS ; flags= ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
Environment=KUBELET_ARGS=--node-ip=192.0.2.10 KUBELET_EXTRA_ARGS=
EnvironmentFiles=/run/eni-bootstrap/kubelet.env (ignore_errors=yes)
UnsetEnvironment=
";

/// Returns user data with the NodeConfig in a MIME document, as Karpenter and managed node groups write it.
fn mime() -> String {
    format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"BOUNDARY\"\r\n\r\n\
         --BOUNDARY\r\nContent-Type: text/x-shellscript\r\n\r\n#!/bin/bash\r\necho ready\r\n\
         --BOUNDARY\r\nContent-Type: application/node.eks.aws\r\n\r\n{NODE_CONFIG}\r\n--BOUNDARY--\r\n"
    )
}

/// Returns the text of a file in a scenario.
fn file<'a>(scenario: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = scenario.split_once(&format!("-- {name} --\n"))?;
    Some(rest.split_once("\n-- ").map_or(rest, |(text, _)| text))
}

/// Returns the image of a scenario.
fn image(scenario: &str) -> Image {
    let mut image = Image::default();
    let names = scenario.lines().filter_map(|it| it.strip_prefix("-- root")?.strip_suffix(" --"));
    for path in names {
        image.insert_file(path, file(scenario, &format!("root{path}")).unwrap_or_default());
    }
    for read in reads() {
        if let Read::SnapOption { option, unit } = read
            && image.unit(unit).is_some()
        {
            let value = file(scenario, &format!("snap/{}/{}", option.snap, option.key));
            image.insert_snap_option(option, value.unwrap_or_default().trim());
        }
    }
    image.bottlerocket = file(scenario, "bottlerocket.json").map(|text| Bottlerocket {
        live: LiveSettings::read(text, "{}").expect("valid settings"),
        record: None,
        eni_max_pods: Vec::new(),
    });
    image
}

/// Returns the facts of a node with this image.
fn facts(image: &Image) -> Facts {
    let facts = fixture::facts("m5.large");
    let host = detect(Settings::default().host.kind(), image).expect("a known image");
    let existing = existing_config(image, host.kind, &facts.instance.instance_type, None);
    let machine = Some(Machine { cpus: 2, memory_bytes: 8 << 30 });
    Facts { host, existing, machine, ..facts }
}

fn capacity(criterion: &mut Criterion) {
    let types: Vec<_> = instance_limits::embedded_rows()
        .map(|(name, row)| {
            let name = name.parse().expect("a valid instance type");
            instance_limits::InstanceLimits::new(&name, row)
        })
        .collect();
    let modes = [
        (Addressing::SecondaryAddresses, false),
        (Addressing::SecondaryAddresses, true),
        (Addressing::Prefixes, false),
        (Addressing::Prefixes, true),
    ];
    let mut group = criterion.benchmark_group("capacity");
    group.throughput(Throughput::Elements((types.len() * modes.len()) as u64));
    group.bench_function("every instance type in four CNI modes", |bencher| {
        bencher.iter(|| {
            for (addressing, custom_networking) in modes {
                let cni = Cni { addressing, custom_networking, ..Cni::default() };
                for limits in &types {
                    let capacity =
                        Capacity::compute(black_box(limits), cni, CapacityOptions::default());
                    let _ = black_box(capacity);
                }
            }
        });
    });
    group.finish();
    criterion.bench_function("limits: one type of the embedded table", |bencher| {
        let name = "m5.large".parse().expect("a valid instance type");
        bencher.iter(|| instance_limits::embedded(black_box(&name)));
    });
}

fn plans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    let settings = Settings::default();
    for (family, scenario) in FAMILIES {
        let image = image(scenario);
        group.bench_function(family, |bencher| {
            bencher.iter(|| {
                let facts = facts(black_box(&image));
                plan(&facts, &settings, None).expect("a plan")
            });
        });
    }
    group.finish();
}

fn parsers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group.bench_function("settings TOML", |bencher| {
        let path = Path::new("90-site.toml");
        bencher.iter(|| Settings::from_toml(path, black_box(SETTINGS)).expect("valid settings"));
    });
    group.bench_function("NodeConfig", |bencher| {
        bencher.iter(|| node_config(black_box(NODE_CONFIG.as_bytes())).expect("valid user data"));
    });
    let mime = mime();
    group.bench_function("NodeConfig in MIME user data", |bencher| {
        bencher.iter(|| {
            let config = node_config(black_box(mime.as_bytes())).expect("valid user data");
            config.expect("a NodeConfig")
        });
    });
    group.bench_function("systemctl show", |bencher| {
        bencher.iter(|| LoadedUnit::parse(black_box(UNIT)).expect("a unit"));
    });
    let (_, kubeadm) = FAMILIES[2];
    let image = image(kubeadm);
    group.bench_function("unit files of kubeadm", |bencher| {
        bencher.iter(|| {
            detect(Settings::default().host.kind(), black_box(&image)).expect("a known image")
        });
    });
    group.finish();
}

criterion_group! {
    name = pure;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(40);
    targets = capacity, plans, parsers
}
criterion_main!(pure);
