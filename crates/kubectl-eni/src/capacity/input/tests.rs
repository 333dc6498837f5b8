use super::*;
#[test]
fn the_settings_state_the_target_in_force() {
    let text = |variables: &[(&str, &str)]| {
        let environment: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let aws_node = AwsNode::read(&environment, "");
        settings(&aws_node, WarmTargets::of(&aws_node, &environment))
    };
    assert_eq!(text(&[]), "CNI defaults, WARM_ENI_TARGET 1");
    let prefixes = ("ENABLE_PREFIX_DELEGATION", "true");
    let warm = ("WARM_PREFIX_TARGET", "2");
    assert_eq!(text(&[prefixes, warm]), "prefix delegation, WARM_PREFIX_TARGET 2");
    let address = ("WARM_IP_TARGET", "5");
    assert_eq!(text(&[prefixes, warm, address]), "prefix delegation, WARM_IP_TARGET 5");
}
