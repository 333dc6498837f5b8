// Changed by eni-bootstrap: items of other operations are removed. See NOTICE.

pub(crate) fn reflens_list_pod_identity_associations_output_output_next_token(
    input: &crate::operation::list_pod_identity_associations::ListPodIdentityAssociationsOutput,
) -> ::std::option::Option<&::std::string::String> {
    let input = match &input.next_token {
        ::std::option::Option::None => return ::std::option::Option::None,
        ::std::option::Option::Some(t) => t,
    };
    ::std::option::Option::Some(input)
}

pub(crate) fn lens_list_pod_identity_associations_output_output_associations(
    input: crate::operation::list_pod_identity_associations::ListPodIdentityAssociationsOutput,
) -> ::std::option::Option<::std::vec::Vec<crate::types::PodIdentityAssociationSummary>> {
    let input = input.associations?;
    ::std::option::Option::Some(input)
}
