use crate::diagnostic::{Code, Diagnostic};
use crate::facts::{Facts, Machine};
use crate::failure::{Advice as _, ExitCode};
use crate::host::ExistingConfig;
use crate::host::existing_config::{ConfigLocation, ExistingResources, ResourceMap};
use crate::plan::tests::{facts, settings};
use crate::plan::{Plan, PlanError, plan};

/// Plans for an instance with this memory in MiB, where `existing` are resource maps of the kubelet's
/// configuration file.
fn planned(
    instance_type: &str,
    memory_mebibytes: u64,
    existing: &[(ResourceMap, &str, &str)],
    text: &str,
) -> Result<Plan, PlanError> {
    let resources = existing.iter().map(|(map, resource, quantity)| ExistingResources {
        map: *map,
        quantities: [((*resource).to_owned(), (*quantity).to_owned())].into(),
        location: ConfigLocation::KubeletConfig("/etc/kubelet.yaml".to_owned()),
    });
    let existing = ExistingConfig { resources: resources.collect(), ..ExistingConfig::default() };
    let machine = Some(Machine { cpus: 2, memory_bytes: memory_mebibytes << 20 });
    plan(&Facts { machine, existing, ..facts(instance_type) }, &settings(text), None)
}

/// Returns the message and the help of the error.
fn rejected(
    instance_type: &str,
    memory_mebibytes: u64,
    existing: &[(ResourceMap, &str, &str)],
    text: &str,
) -> (String, String) {
    let error = planned(instance_type, memory_mebibytes, existing, text).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Settings);
    (error.to_string(), error.help().into_owned())
}

const PREFIXES: &str = "cni = { custom-networking = false, prefix-delegation = true }\n";

#[test]
fn a_memory_reserve_above_the_capacity_is_rejected_with_the_largest_pods_max() {
    assert_eq!(
        rejected("t3.nano", 460, &[], PREFIXES),
        (
            "the kubelet would exit, because no memory is left for pods: 460 MiB − kube-reserved 629 MiB (255 MiB + 34 pods × 11 MiB) − hard eviction threshold 100 MiB".to_owned(),
            "set pods.max = 9 or less, set reserve.memory, or use an instance type with more memory".to_owned()
        )
    );
    assert!(planned("t3.nano", 460, &[], &format!("{PREFIXES}pods.max = 9")).is_ok());
    assert!(planned("t3.nano", 460, &[], &format!("{PREFIXES}pods.max = 10")).is_err());
    let (text, help) = rejected("m5.large", 7_600, &[], "pods.max = 3000");
    assert_eq!(
        text,
        "the kubelet would exit, because no memory is left for pods: 7600 MiB − kube-reserved 33255 MiB (255 MiB + 3000 pods × 11 MiB) − hard eviction threshold 100 MiB"
    );
    assert_eq!(
        help,
        "set pods.max = 658 or less, set reserve.memory, or use an instance type with more memory"
    );
    assert!(planned("m5.large", 7_600, &[], "pods.max = 658").is_ok());
    assert!(planned("m5.large", 7_600, &[], "pods.max = 659").is_err());
    assert_eq!(
        rejected("t3.nano", 300, &[], PREFIXES).1,
        "set reserve.memory, or use an instance type with more memory"
    );
    assert_eq!(
        rejected("t3.nano", 460, &[], &format!("{PREFIXES}reserve.memory = \"360Mi\"")),
        (
            "the kubelet would exit, because no memory is left for pods: 460 MiB − kube-reserved 360 MiB − hard eviction threshold 100 MiB".to_owned(),
            "set reserve.memory to less than 360Mi".to_owned()
        )
    );
}

#[test]
fn a_cpu_reserve_above_the_capacity_is_rejected() {
    assert_eq!(
        rejected("m5.large", 7_600, &[], "reserve.cpu = \"3\""),
        (
            "the kubelet would exit, because no CPU is left for pods: 2000m − kube-reserved 3"
                .to_owned(),
            "set reserve.cpu to less than 2000m".to_owned()
        )
    );
    assert!(planned("m5.large", 7_600, &[], "reserve.cpu = \"1999m\"").is_ok());
    // Without the machine, the CPUs of the instance type count.
    let error = plan(&facts("m5.large"), &settings("reserve.cpu = \"2\""), None).unwrap_err();
    assert_eq!(error.help(), "set reserve.cpu to less than 2000m");
    assert!(plan(&facts("t3.nano"), &settings(PREFIXES), None).is_ok(), "the memory is unknown");
}

#[test]
fn system_reserved_and_the_eviction_threshold_count() {
    let system = [(ResourceMap::SystemReserved, "memory", "5Gi")];
    assert_eq!(
        rejected("m5.large", 5_500, &system, "").0,
        "the kubelet would exit, because no memory is left for pods: 5500 MiB − kube-reserved 475 MiB (255 MiB + 20 pods × 11 MiB) − system-reserved 5120 MiB − hard eviction threshold 100 MiB"
    );
    let cpu = [(ResourceMap::SystemReserved, "cpu", "1950m")];
    assert_eq!(
        rejected("m5.large", 7_600, &cpu, ""),
        (
            "the kubelet would exit, because no CPU is left for pods: 2000m − kube-reserved 70m − system-reserved 1950m".to_owned(),
            "set reserve.cpu to less than 50m".to_owned()
        )
    );
    for (threshold, is_ok) in [("10%", true), ("1Gi", true), ("94%", false), ("7200Mi", false)] {
        let eviction = [(ResourceMap::EvictionHard, "memory.available", threshold)];
        assert_eq!(planned("m5.large", 7_600, &eviction, "").is_ok(), is_ok, "{threshold}");
    }
}

#[test]
fn less_than_a_quarter_of_the_memory_for_pods_is_a_warning() {
    let warning = |memory: u64, text: &str| {
        planned("t3.small", memory, &[], &format!("{PREFIXES}{text}")).unwrap().diagnostics
    };
    assert_eq!(
        warning(2_048, ""),
        [Diagnostic::warning(
            Code::LittleMemoryForPods,
            "pods can use only 483 MiB of memory: 2048 MiB − kube-reserved 1465 MiB (255 MiB + 110 pods × 11 MiB) − hard eviction threshold 100 MiB",
            "set max-pods to 107 or less to leave a quarter of the memory",
        )]
    );
    assert_eq!(warning(2_048, "pods.max = 107")[0].code, Code::LargeMemoryReserve);
    assert_eq!(
        warning(2_048, "reserve.memory = \"1.5Gi\""),
        [Diagnostic::warning(
            Code::LittleMemoryForPods,
            "pods can use only 412 MiB of memory: 2048 MiB − kube-reserved 1536 MiB − hard eviction threshold 100 MiB",
            "lower reserve.memory to leave more memory for pods",
        )]
    );
    assert_eq!(
        warning(460, "pods.max = 8")[0].help.as_deref(),
        Some("use an instance type with more memory")
    );
}

#[test]
fn no_ephemeral_storage_for_pods_is_a_warning() {
    let warnings = |text: &str| {
        let storage_bytes = Some(20 << 30);
        plan(&Facts { storage_bytes, ..facts("m5.large") }, &settings(text), None)
            .unwrap()
            .diagnostics
    };
    assert_eq!(warnings(""), []);
    assert_eq!(warnings("reserve.ephemeral-storage = \"17Gi\""), []);
    assert_eq!(
        warnings("reserve.ephemeral-storage = \"18Gi\""),
        [Diagnostic::warning(
            Code::NoStorageForPods,
            "no ephemeral storage is left for pods: 20480 MiB − kube-reserved 18Gi − hard eviction threshold 2048 MiB; the kubelet exits, unless a larger file system is mounted at /var/lib/kubelet",
            "set reserve.ephemeral-storage to less than 18432Mi",
        )]
    );
}
