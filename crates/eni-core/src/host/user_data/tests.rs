use super::*;
use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;

const NODE_CONFIG: &str = "---
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  cluster:
    name: prod
    apiServerEndpoint: https://ABC.gr7.us-west-2.eks.amazonaws.com
    certificateAuthority: Q0E=
    cidr: 10.100.0.0/16
  kubelet:
    config:
      maxPods: 110
";

fn prod() -> ClusterConfig {
    ClusterConfig {
        name: Some("prod".to_owned()),
        endpoint: Some("https://ABC.gr7.us-west-2.eks.amazonaws.com".to_owned()),
        certificate_authority: Some("Q0E=".to_owned()),
        id: None,
    }
}

fn expected() -> NodeConfig {
    let kubelet = NodeConfigKubelet { max_pods: Some(110), ..NodeConfigKubelet::default() };
    NodeConfig { cluster: prod(), kubelet, is_hybrid: false }
}

fn mime(parts: &[&str]) -> String {
    let mut text =
        String::from("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"BOUNDARY\"\n\n");
    for part in parts {
        text.push_str("--BOUNDARY\n");
        text.push_str(part);
        text.push('\n');
    }
    text + "--BOUNDARY--\n"
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_node_config_is_parsed_in_every_encoding() {
    let part = format!("Content-Type: application/node.eks.aws\n\n{NODE_CONFIG}");
    let document = mime(&["Content-Type: text/x-shellscript\n\n#!/bin/bash\necho hello", &part]);
    let crlf = document.replace('\n', "\r\n");
    let encoded_part = format!(
        "Content-Type: application/node.eks.aws\nContent-Transfer-Encoding: base64\n\n{}",
        STANDARD.encode(NODE_CONFIG)
    );
    for (name, bytes) in [
        ("plain", NODE_CONFIG.as_bytes().to_vec()),
        ("base64", STANDARD.encode(NODE_CONFIG).into_bytes()),
        ("gzip", gzip(NODE_CONFIG)),
        ("base64 of gzip", STANDARD.encode(gzip(NODE_CONFIG)).into_bytes()),
        ("MIME", document.clone().into_bytes()),
        ("MIME with CRLF", crlf.into_bytes()),
        ("gzip of MIME", gzip(&document)),
        ("base64 of MIME", STANDARD.encode(&document).into_bytes()),
        ("MIME with a base64 part", mime(&[&encoded_part]).into_bytes()),
    ] {
        assert_eq!(node_config(&bytes).unwrap(), Some(expected()), "{name}");
    }
}

#[test]
fn later_parts_override_single_fields() {
    let first = format!(
        "Content-Type: application/node.eks.aws\n\n{NODE_CONFIG}      podsPerCore: 8\n      kubeReserved: {{cpu: 200m, memory: 1Gi}}\n      registerWithTaints: [{{key: a, effect: NoSchedule}}]\n  hybrid: {{}}\n"
    );
    let second = "Content-Type: application/node.eks.aws\n\napiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  cluster:\n    name: blue\n  kubelet:\n    config: {maxPods: 58, podsPerCore: 4, kubeReserved: {cpu: '1', pid: 2000}, registerWithTaints: []}\n    maxPodsExpression: max_pods - 1\n    flags: [--max-pods=17]\n";
    let merged = node_config(mime(&[&first, second]).as_bytes()).unwrap();
    let kubelet = NodeConfigKubelet {
        max_pods: Some(58),
        pods_per_core: Some(4),
        expression: Some("max_pods - 1".to_owned()),
        flags: vec!["--max-pods=17".to_owned()],
        resources: BTreeMap::from([(
            "kubeReserved",
            serde_json::json!({ "cpu": "1", "memory": "1Gi", "pid": 2000 }),
        )]),
        // An empty list does not override.
        taints: serde_json::json!([{ "key": "a", "effect": "NoSchedule" }]),
        karpenter_reserved: None,
    };
    let cluster = ClusterConfig { name: Some("blue".to_owned()), ..prod() };
    assert_eq!(merged, Some(NodeConfig { cluster, kubelet, is_hybrid: true }));
}

#[test]
fn the_ec2nodeclass_reserves_what_karpenters_own_part_contains() {
    let part = |kubelet: &str| {
        format!(
            "Content-Type: application/node.eks.aws\n\napiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  kubelet:\n{kubelet}"
        )
    };
    let reserved = |karpenter: &str| {
        let own = part("    config: {kubeReserved: {memory: 2Gi}}\n");
        let merged = node_config(mime(&[&own, &part(karpenter)]).as_bytes()).unwrap().unwrap();
        merged.kubelet.karpenter_reserved
    };
    let labels = "    flags: ['--node-labels=\"karpenter.k8s.aws/ec2nodeclass=a,karpenter.sh/nodepool=a\"']\n";
    assert_eq!(
        reserved(&format!("    config: {{maxPods: 29, kubeReserved: {{cpu: 100m}}}}\n{labels}")),
        Some(BTreeMap::from([("cpu".to_owned(), "100m".to_owned())]))
    );
    assert_eq!(reserved(&format!("    config: {{maxPods: 29}}\n{labels}")), Some(BTreeMap::new()));
    let group = "    flags: ['--node-labels=eks.amazonaws.com/nodegroup=a']\n";
    assert_eq!(reserved(group), None);
    let controller = "    flags: ['--node-labels=karpenter.sh/controller=true']\n";
    let quantities = "    config: {kubeReserved: {cpu: 100m}}\n";
    assert_eq!(reserved(&format!("{quantities}{controller}")), None);
}

#[test]
fn pods_per_core_of_an_earlier_part_stays() {
    let part = |config: &str| {
        format!(
            "Content-Type: application/node.eks.aws\n\napiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec: {{kubelet: {{config: {config}}}}}\n"
        )
    };
    let merged = |first: &str, second: &str| {
        let document = mime(&[&part(first), &part(second)]);
        node_config(document.as_bytes()).unwrap().unwrap().kubelet.pods_per_core
    };
    assert_eq!(merged("{podsPerCore: 4}", "{maxPods: 58}"), Some(4));
    assert_eq!(merged("{podsPerCore: 4}", "{podsPerCore: 0}"), Some(0));
    assert_eq!(merged("{podsPerCore: \"4\"}", "{podsPerCore: -1}"), None, "the kubelet exits");
}

/// The id and the switch of a local cluster, each as a line of `spec.cluster`.
const ID: &str = "    id: 0a1b\n";
const OUTPOST: &str = "    enableOutpost: true\n";

#[test]
fn the_cluster_id_is_the_identity_only_with_enable_outpost() {
    let with =
        |lines: &str| NODE_CONFIG.replace("    name: prod\n", &format!("    name: prod\n{lines}"));
    let identity = |user_data: &str| {
        let cluster = node_config(user_data.as_bytes()).unwrap().unwrap().cluster;
        cluster.token_name().map(str::to_owned)
    };
    let off = OUTPOST.replace("true", "false");
    for (lines, expected) in [
        (ID.to_owned(), "prod"),
        (format!("{ID}{off}"), "prod"),
        (format!("{ID}    enableOutpost:\n"), "prod"),
        (format!("{ID}{OUTPOST}"), "0a1b"),
    ] {
        assert_eq!(identity(&with(&lines)).as_deref(), Some(expected), "{lines:?}");
    }
    // nodeadm merges the parts before it reads the switch, and an empty value overrides nothing.
    let part = |lines: &str| format!("Content-Type: application/node.eks.aws\n\n{}", with(lines));
    for [first, second] in [[ID, OUTPOST], [OUTPOST, ID], [&format!("{ID}{OUTPOST}"), &off]] {
        let merged = mime(&[&part(first), &part(second)]);
        assert_eq!(identity(&merged).as_deref(), Some("0a1b"), "{first:?}, {second:?}");
    }
}

#[test]
fn other_user_data_is_ignored() {
    for text in [
        "",
        "#!/bin/bash\n/etc/eks/bootstrap.sh prod\n",
        "#!/bin/sh\ncat >/etc/eks/nodeadm.d/a.yaml <<E\napiVersion: node.eks.aws/v1alpha1\nE\n",
        "#cloud-config\nwrite_files: [node.eks.aws/v1alpha1\n",
        "[settings.kubernetes]\n",
    ] {
        assert_eq!(node_config(text.as_bytes()).unwrap(), None, "{text:?}");
    }
    let script = mime(&["Content-Type: text/x-shellscript\n\n#!/bin/bash\n"]);
    assert_eq!(node_config(script.as_bytes()).unwrap(), None);
}

#[test]
fn an_invalid_node_config_is_an_error_without_its_text() {
    let broken = "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec: [\n";
    let error = node_config(broken.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "the NodeConfig in user data is invalid at line 3, column 7");
    let secret =
        "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  cluster: \"hunter2\"\n";
    let error = node_config(secret.as_bytes()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    let error = node_config(&[0x1f, 0x8b, 0, 1, 2]).unwrap_err();
    assert_eq!(error.to_string(), "the gzip stream in user data is invalid");
}

#[test]
fn decompression_stops_at_its_limit() {
    let limit = MAX_DECOMPRESSED_BYTES - NODE_CONFIG.len();
    let fits = gzip(&format!("{NODE_CONFIG}{}", "#".repeat(limit)));
    assert_eq!(node_config(&fits).unwrap(), node_config(NODE_CONFIG.as_bytes()).unwrap());
    for length in [limit + 1, 10 << 20] {
        let error =
            node_config(&gzip(&format!("{NODE_CONFIG}{}", "#".repeat(length)))).unwrap_err();
        assert_eq!(error.to_string(), "the user data exceeds 1 MiB after decompression");
        assert_eq!(error.help(), "shorten the user data in the launch template");
    }
}
