// Changed by eni-bootstrap: items of other operations are removed. See NOTICE.

pub(crate) fn outpost_config_response_correct_errors(
    mut builder: crate::types::builders::OutpostConfigResponseBuilder,
) -> crate::types::builders::OutpostConfigResponseBuilder {
    if builder.outpost_arns.is_none() {
        builder.outpost_arns = Some(Default::default())
    }
    if builder.control_plane_instance_type.is_none() {
        builder.control_plane_instance_type = Some(Default::default())
    }
    builder
}
