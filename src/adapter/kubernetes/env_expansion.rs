//! References to other variables in the environment of a container.

use super::Environment;

/// Expands `$(NAME)` with the variables before it. `$$` becomes `$`, and an unknown name stays
/// unchanged.
///
/// Source: `third_party/forked/golang/expansion/expand.go`, kubernetes/kubernetes.
pub(super) fn expand(text: &str, before: &Environment) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let reference = after.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        rest = if let Some(literal) = after.strip_prefix('$') {
            result.push('$');
            literal
        } else if let Some((name, after)) = reference {
            match before.get(name) {
                Some(value) => result.push_str(value),
                None => result.extend(["$(", name, ")"]),
            }
            after
        } else {
            result.push('$');
            after
        };
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_expanded_as_in_kubernetes() {
        let before = Environment::from([("A".to_owned(), "1".to_owned())]);
        for (text, expected) in [
            ("plain", "plain"),
            ("$(A)", "1"),
            ("x$(A)y$(A)", "x1y1"),
            ("$(B)", "$(B)"),
            ("$$(A)", "$(A)"),
            ("$A $(A", "$A $(A"),
            ("end$", "end$"),
        ] {
            assert_eq!(expand(text, &before), expected, "{text}");
        }
    }
}
