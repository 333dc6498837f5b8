use super::*;
use crate::failure::report;
use crate::host::bottlerocket::{Bottlerocket, LiveSettings};

fn image(files: &[(&str, &str)]) -> Image {
    let mut image = Image::default();
    for (path, text) in files {
        image.insert_file(*path, *text);
    }
    image
}

const HYBRID: &str = "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  hybrid:\n    iamRolesAnywhere: {nodeName: n}\n";

#[test]
fn the_label_of_the_kubelet_decides() {
    let unit = |arguments: &str| {
        let text = format!("[Service]\nExecStart=/usr/bin/kubelet {arguments}\n");
        check_image(&image(&[("/etc/systemd/system/kubelet.service", text.as_str())]))
    };
    let label = |value: &str| format!("--node-labels=a=1,eks.amazonaws.com/compute-type={value}");
    let text = |value: &str| {
        format!("the kubelet command line sets label eks.amazonaws.com/compute-type={value}")
    };
    assert_eq!(unit(&label("auto")), Err(OutOfScope::AutoMode(text("auto"))));
    assert_eq!(unit(&label("hybrid")), Err(OutOfScope::Hybrid(text("hybrid"))));
    assert_eq!(unit(&label("ec2")), Ok(()));
    assert_eq!(unit(&format!("{} {}", label("auto"), label("ec2"))), Ok(()), "the last value");
    assert_eq!(unit("--v=2"), Ok(()));
    assert_eq!(check_image(&Image::default()), Ok(()));
}

#[test]
fn nodeadm_writes_the_label_of_hybrid_nodes_to_its_environment_file() {
    let check = |text: &str| check_image(&image(&[(ENVIRONMENT, text)]));
    let first =
        "NODEADM_KUBELET_ARGS=\"--node-labels=eks.amazonaws.com/compute-type=hybrid --v=2\"";
    let expected = "a kubelet flag in /etc/eks/kubelet/environment sets label eks.amazonaws.com/compute-type=hybrid";
    let error = check(first).unwrap_err();
    assert_eq!(error, OutOfScope::Hybrid(expected.to_owned()));
    // An earlier boot may have written the file.
    assert_eq!(
        error.help(),
        "remove eni-bootstrap from this node, or remove the label from /etc/eks/kubelet/environment if the node has another type"
    );
    assert_eq!(check("NODEADM_KUBELET_ARGS=--node-labels=a=1 --v=2\n"), Ok(()));
}

#[test]
fn a_node_config_with_hybrid_is_declined_on_the_image_and_in_user_data() {
    let drop_in = "/etc/eks/nodeadm.d/10-site.yaml";
    assert_eq!(
        check_image(&image(&[(drop_in, HYBRID)])),
        Err(OutOfScope::Hybrid(format!("{drop_in} has spec.hybrid")))
    );
    assert_eq!(check_image(&image(&[(drop_in, "not a NodeConfig: [")])), Ok(()));
    let check =
        |text: &str| check_user_data(&user_data::node_config(text.as_bytes()).unwrap().unwrap());
    let expected = "the NodeConfig in user data has spec.hybrid";
    assert_eq!(check(HYBRID), Err(OutOfScope::Hybrid(expected.to_owned())));
    let ec2 = HYBRID.replace("hybrid:\n    iamRolesAnywhere: {nodeName: n}", "hybrid: null");
    assert_eq!(check(&ec2), Ok(()));
    let flags = "kubelet:\n    flags: [--node-labels=eks.amazonaws.com/compute-type=auto]";
    let label = "a kubelet flag in user data sets label eks.amazonaws.com/compute-type=auto";
    assert_eq!(
        check(&ec2.replace("hybrid: null", flags)),
        Err(OutOfScope::AutoMode(label.to_owned()))
    );
}

#[test]
fn bottlerocket_has_the_label_in_its_settings() {
    let response = r#"{"kubernetes":{"node-labels":{"eks.amazonaws.com/compute-type":"hybrid"}}}"#;
    let live = LiveSettings::read(response, "{}").unwrap();
    let mut image = Image::default();
    image.bottlerocket = Some(Bottlerocket { live, ..Bottlerocket::default() });
    let text = "settings.kubernetes.node-labels sets label eks.amazonaws.com/compute-type=hybrid";
    assert_eq!(check_image(&image), Err(OutOfScope::Hybrid(text.to_owned())));
}

#[test]
fn each_error_is_one_sentence_with_help() {
    assert_eq!(
        report(&OutOfScope::Hybrid("/etc/eks/nodeadm.d/10-site.yaml has spec.hybrid".to_owned())),
        "error: this is an EKS hybrid node (/etc/eks/nodeadm.d/10-site.yaml has spec.hybrid), and the Amazon VPC CNI does not run on hybrid nodes\n  help: remove eni-bootstrap from this node, or remove `spec.hybrid` if the node has another type"
    );
    let label = "user data sets label eks.amazonaws.com/compute-type=auto";
    let error = OutOfScope::AutoMode(label.to_owned());
    assert_eq!(
        report(&error),
        "error: this is an EKS Auto Mode node (user data sets label eks.amazonaws.com/compute-type=auto), and the Amazon VPC CNI does not run on Auto Mode nodes\n  help: remove eni-bootstrap from this node, or remove the label from user data if the node has another type"
    );
    assert_eq!(error.exit_code(), ExitCode::Settings);
}
