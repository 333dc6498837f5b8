"""Whether the results of a case are as expected."""

from case import Explained, Refused


def judge(case, result):
    """Returns the verdict, eni-bootstrap's value, ipamd's value, and whether the result is as expected."""
    if "failure" in result:
        return "the case failed", "-", "-", False
    ours, ipamd = result["ours"], result["ipamd"]
    own_text = describe_ours(case, ours)
    ipamd_text = str(ipamd["pods"]) if ipamd["exit_code"] is None else f"exits with {ipamd['exit_code']}"
    if isinstance(case.expected, Refused):
        problem = check_refusal(case.expected, ours, ipamd)
        verdict = "both refuse"
    elif isinstance(case.expected, Explained):
        problem = check_difference(case.expected, ours, ipamd)
        verdict = f"explained in {case.expected.section}"
    else:
        problem = check_equal(case, ours, ipamd)
        verdict = "equal"
        if compares_max_pods(case, ours):
            verdict = "enough for max-pods"
        elif case.most is not None:
            verdict = f"equal up to {case.most} pods"
    missing = set(case.diagnostics) - set(ours["diagnostics"])
    if not problem and missing:
        problem = f"no diagnostic {', '.join(sorted(missing))}"
    return f"UNEXPECTED: {problem}" if problem else verdict, own_text, ipamd_text, not problem


def compares_max_pods(case, ours):
    """Returns whether ipamd must have addresses for max-pods, instead of the same number of addresses."""
    return case.capacity_is_max_pods or (ours["failed"] is None and ours["addresses"] is None)


def describe_ours(case, ours):
    """Returns eni-bootstrap's value as text."""
    if ours["failed"]:
        return f"{ours['failed']} exits with {ours['exit_code']}"
    return f"max-pods {ours['max_pods']}" if compares_max_pods(case, ours) else str(ours["addresses"])


def check_refusal(expected, ours, ipamd):
    """Returns what is wrong with a case that both programs must refuse, or None."""
    if ipamd["pods"]:
        return "ipamd serves pods"
    if (ours["failed"], ours["exit_code"]) != (expected.command, expected.exit_code):
        return f"eni-bootstrap must fail: {expected.command} with exit code {expected.exit_code}"
    if expected.message not in ours["error"]:
        return f"the error message must contain {expected.message!r}"
    return None


def check_difference(expected, ours, ipamd):
    """Returns what is wrong with a case whose difference is documented, or None."""
    if (ours["failed"], ours["addresses"], ipamd["pods"]) != (None, expected.ours, expected.ipamd):
        return f"the documented values are {expected.ours} and {expected.ipamd}"
    return None


def check_equal(case, ours, ipamd):
    """Returns what is wrong with a case in which both values must be equal, or None."""
    if ours["failed"]:
        return "eni-bootstrap fails"
    if ipamd["exit_code"] is not None:
        return "ipamd exits"
    pods, addresses = ipamd["pods"], ours["addresses"]
    if compares_max_pods(case, ours):
        # ipamd stops at the first prefix or interface that reaches the Node's capacity.
        enough = pods + ours["host_network_pods"] >= ours["max_pods"]
    else:
        enough = pods == addresses if case.most is None else pods == case.most <= addresses
    if not enough:
        return "the values differ"
    expected_subnets = case.pods_in or {"pods" if case.custom_networking() else "node": pods}
    if addresses is not None and ipamd["pods_in"] != expected_subnets:
        return f"the pods must be in {expected_subnets}"
    return None
