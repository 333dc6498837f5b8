// Changed by eni-bootstrap: items of other operations are removed. See NOTICE.

pub(crate) fn reflens_simulate_principal_policy_output_output_marker(
    input: &crate::operation::simulate_principal_policy::SimulatePrincipalPolicyOutput,
) -> ::std::option::Option<&::std::string::String> {
    let input = match &input.marker {
        ::std::option::Option::None => return ::std::option::Option::None,
        ::std::option::Option::Some(t) => t,
    };
    ::std::option::Option::Some(input)
}

pub(crate) fn lens_simulate_principal_policy_output_output_evaluation_results(
    input: crate::operation::simulate_principal_policy::SimulatePrincipalPolicyOutput,
) -> ::std::option::Option<::std::vec::Vec<crate::types::EvaluationResult>> {
    let input = input.evaluation_results?;
    ::std::option::Option::Some(input)
}
