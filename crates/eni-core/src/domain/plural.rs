//! Singular and plural of counted nouns.

/// Returns the number and the noun in the right form, such as `1 vCPU` or `2 IPv4 addresses`.
#[must_use]
pub fn counted(count: impl Into<u64>, noun: &str) -> String {
    let count = count.into();
    let ending = match (count, noun.ends_with(['s', 'x'])) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!(
            [0_u32, 1, 2].map(|count| counted(count, "network interface")),
            ["0 network interfaces", "1 network interface", "2 network interfaces"]
        );
        assert_eq!(
            [1_u32, 2].map(|count| counted(count, "IPv4 address")),
            ["1 IPv4 address", "2 IPv4 addresses"]
        );
    }
}
