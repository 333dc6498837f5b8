//! A set of instance types, described by families as far as possible.

use std::collections::BTreeMap;

/// A set of instance types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TypeSet {
    /// Families that are in the set, such as `t3`.
    pub families: Vec<String>,
    /// Instance types of these families that are not in the set.
    pub except: Vec<String>,
    /// Instance types of other families that are in the set.
    pub others: Vec<String>,
}

impl TypeSet {
    /// Returns the set of the instance types in `all` for which the second value is true. A family is in the
    /// set if most of its types are, so that a type that is not in `all` follows its family.
    pub(crate) fn of<'a>(all: impl IntoIterator<Item = (&'a str, bool)>) -> Self {
        let mut families = BTreeMap::<&str, (Vec<&str>, Vec<&str>)>::new();
        for (name, is_member) in all {
            let (members, rest) = families.entry(family(name)).or_default();
            if is_member { members.push(name) } else { rest.push(name) }
        }
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let mut set = Self::default();
        for (family, (members, rest)) in families {
            if members.len() > rest.len() + 1 || rest.is_empty() && !members.is_empty() {
                set.families.push(family.to_owned());
                set.except.extend(owned(rest));
            } else {
                set.others.extend(owned(members));
            }
        }
        set
    }

    /// Returns the set of `names`.
    pub(crate) fn of_names(names: Vec<String>) -> Self {
        Self { others: names, ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.families.is_empty() && self.others.is_empty()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        let has = |names: &[String], name: &str| names.iter().any(|it| it == name);
        let of_family = has(&self.families, family(name)) && !has(&self.except, name);
        of_family || has(&self.others, name)
    }
}

fn family(name: &str) -> &str {
    name.split_once('.').map_or(name, |(family, _)| family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_consists_of_families_and_single_types() {
        let all = [
            ("i3.large", true),
            ("i3.metal", false),
            ("i3.xlarge", true),
            ("i3.8xlarge", true),
            ("m5.large", false),
            ("t3.nano", true),
            ("u.1", true),
            ("u.2", true),
            ("u.3", false),
        ];
        let set = TypeSet::of(all);
        let expected = TypeSet {
            families: vec!["i3".to_owned(), "t3".to_owned()],
            except: vec!["i3.metal".to_owned()],
            others: vec!["u.1".to_owned(), "u.2".to_owned()],
        };
        assert_eq!(set, expected);
        for (name, is_member) in all {
            assert_eq!(set.contains(name), is_member, "{name}");
        }
        assert!(set.contains("i3.2xlarge") && !set.contains("i3en.large"));
        assert!(TypeSet::of([("m5.large", false)]).is_empty());
    }
}
