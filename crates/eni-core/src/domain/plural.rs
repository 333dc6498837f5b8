//! Counts in texts for people.

/// Returns `count` with the noun that fits it, such as `1 interface` or `3 interfaces`.
#[must_use]
pub fn counted(count: u32, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{count} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        let addresses = |count| counted(count, "free address", "free addresses");
        assert_eq!(addresses(0), "0 free addresses");
        assert_eq!(addresses(1), "1 free address");
        assert_eq!(addresses(251), "251 free addresses");
    }
}
