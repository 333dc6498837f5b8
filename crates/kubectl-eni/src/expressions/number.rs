//! Expressions over the limits of an instance type: numbers, and conditions that select one.

use super::instance_types::InstanceTypeRow;
use super::type_set::TypeSet;

/// A variable that Karpenter or nodeadm provides for each instance type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    /// Default number of vCPUs; only Karpenter.
    Vcpus,
    /// Network interfaces of the default network card.
    DefaultEnis,
    /// IPv4 addresses of each network interface, including its primary address.
    IpsPerEni,
    /// max-pods of the node; only in expressions for reserves.
    MaxPods,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Min,
    Max,
}

/// An expression whose value is a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Constant(u32),
    Variable(Variable),
    Operation(Operator, Box<Self>, Box<Self>),
    /// The second number if the condition is true, and otherwise the third one.
    Choice(Box<Condition>, Box<Self>, Box<Self>),
}

/// An expression whose value is true or false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Constant(bool),
    /// The first number is greater than the second one.
    Above(Box<Number>, Box<Number>),
    /// The first number is at most the second one.
    AtMost(Box<Number>, Box<Number>),
    /// The instance type is in the set.
    Types(TypeSet),
    /// The default card has this many network interfaces with this many addresses each.
    Interfaces(Vec<(u32, u32)>),
    And(Box<Self>, Box<Self>),
}

pub(crate) const DEFAULT_ENIS: Number = Number::Variable(Variable::DefaultEnis);
pub(crate) const IPS_PER_ENI: Number = Number::Variable(Variable::IpsPerEni);

impl Number {
    pub(crate) fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Constant(one), Self::Constant(other)) => {
                Self::Constant(one.saturating_add(other))
            }
            (number, Self::Constant(0)) | (Self::Constant(0), number) => number,
            (one, other) => one.with(Operator::Add, other),
        }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        match (self, other) {
            (number, Self::Constant(0)) => number,
            (Self::Constant(one), Self::Constant(other)) if one >= other => {
                Self::Constant(one - other)
            }
            (one, other) => one.with(Operator::Subtract, other),
        }
    }

    pub(crate) fn times(self, other: Self) -> Self {
        match (self, other) {
            (number, Self::Constant(1)) | (Self::Constant(1), number) => number,
            (one, other) => one.with(Operator::Multiply, other),
        }
    }

    pub(crate) fn min(self, other: Self) -> Self {
        match (self, other) {
            (Self::Constant(one), Self::Constant(other)) => Self::Constant(one.min(other)),
            (one, other) => one.with(Operator::Min, other),
        }
    }

    pub(crate) fn max(self, other: Self) -> Self {
        match (self, other) {
            (Self::Constant(one), Self::Constant(other)) => Self::Constant(one.max(other)),
            (one, other) => one.with(Operator::Max, other),
        }
    }

    fn with(self, operator: Operator, other: Self) -> Self {
        Self::Operation(operator, Box::new(self), Box::new(other))
    }

    /// Returns `then` where the condition is true, and otherwise `otherwise`.
    pub(crate) fn choice(condition: Condition, then: Self, otherwise: Self) -> Self {
        match condition {
            Condition::Constant(true) => then,
            Condition::Constant(false) => otherwise,
            _ if then == otherwise => then,
            _ => Self::Choice(Box::new(condition), Box::new(then), Box::new(otherwise)),
        }
    }

    /// Returns the same number without minimum and maximum, for evaluators without these functions.
    pub(crate) fn without_functions(self) -> Self {
        match self {
            Self::Constant(_) | Self::Variable(_) => self,
            Self::Operation(operator, one, other) => {
                let (one, other) = (one.without_functions(), other.without_functions());
                let is_above = || Condition::Above(Box::new(one.clone()), Box::new(other.clone()));
                match operator {
                    Operator::Min => Self::choice(is_above(), other, one),
                    Operator::Max => Self::choice(is_above(), one, other),
                    operator => one.with(operator, other),
                }
            }
            Self::Choice(condition, then, otherwise) => Self::choice(
                condition.without_functions(),
                then.without_functions(),
                otherwise.without_functions(),
            ),
        }
    }

    /// Returns the value for an instance type.
    pub(crate) fn value(&self, row: &InstanceTypeRow) -> i64 {
        match self {
            Self::Constant(number) => i64::from(*number),
            Self::Variable(variable) => row.variable(*variable),
            Self::Operation(operator, one, other) => {
                let (one, other) = (one.value(row), other.value(row));
                match operator {
                    Operator::Add => one.saturating_add(other),
                    Operator::Subtract => one.saturating_sub(other),
                    Operator::Multiply => one.saturating_mul(other),
                    Operator::Min => one.min(other),
                    Operator::Max => one.max(other),
                }
            }
            Self::Choice(condition, then, otherwise) => {
                if condition.holds(row) {
                    then.value(row)
                } else {
                    otherwise.value(row)
                }
            }
        }
    }
}

impl Condition {
    /// Returns whether `one` is greater than `other`. Every instance type has a network interface.
    pub(crate) fn above(one: Number, other: Number) -> Self {
        match (one, other) {
            (Number::Constant(one), Number::Constant(other)) => Self::Constant(one > other),
            (DEFAULT_ENIS, Number::Constant(0)) => Self::Constant(true),
            // The lower of a number and a limit above `other` is greater than `other` if the number is.
            (Number::Operation(Operator::Min, one, limit), Number::Constant(other)) if matches!(*limit, Number::Constant(limit) if limit > other) => {
                Self::above(*one, Number::Constant(other))
            }
            (one, other) => Self::Above(Box::new(one), Box::new(other)),
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Constant(true), condition) | (condition, Self::Constant(true)) => condition,
            (Self::Constant(false), _) | (_, Self::Constant(false)) => Self::Constant(false),
            (one, other) => Self::And(Box::new(one), Box::new(other)),
        }
    }

    fn without_functions(self) -> Self {
        let boxed = |number: Number| Box::new(number.without_functions());
        match self {
            Self::Above(one, other) => Self::Above(boxed(*one), boxed(*other)),
            Self::AtMost(one, other) => Self::AtMost(boxed(*one), boxed(*other)),
            Self::And(one, other) => one.without_functions().and(other.without_functions()),
            Self::Constant(_) | Self::Types(_) | Self::Interfaces(_) => self,
        }
    }

    fn holds(&self, row: &InstanceTypeRow) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Above(one, other) => one.value(row) > other.value(row),
            Self::AtMost(one, other) => one.value(row) <= other.value(row),
            Self::Types(types) => types.contains(&row.name),
            Self::Interfaces(pairs) => pairs.contains(&row.interfaces()),
            Self::And(one, other) => one.holds(row) && other.holds(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constant(value: u32) -> Number {
        Number::Constant(value)
    }

    #[test]
    fn constants_are_computed_and_useless_operations_are_left_out() {
        let limited = DEFAULT_ENIS.min(constant(4));
        for (number, text) in [
            (DEFAULT_ENIS.minus(constant(0)).times(constant(1)), "default_enis"),
            (constant(3).minus(constant(1)).plus(constant(2)), "4"),
            (constant(0).plus(IPS_PER_ENI), "ips_per_eni"),
            (constant(3).min(constant(1)).max(constant(2)), "2"),
            (
                Number::choice(
                    Condition::above(constant(2), constant(1)),
                    constant(5),
                    DEFAULT_ENIS,
                ),
                "5",
            ),
            (
                Number::choice(
                    Condition::above(DEFAULT_ENIS, constant(0)),
                    constant(5),
                    constant(6),
                ),
                "5",
            ),
            (
                Number::choice(
                    Condition::above(limited.clone(), constant(1)),
                    constant(5),
                    constant(6),
                ),
                "default_enis > 1 ? 5 : 6",
            ),
            (
                Number::choice(
                    Condition::above(limited.clone(), constant(4)),
                    constant(5),
                    constant(6),
                ),
                "min(default_enis, 4) > 4 ? 5 : 6",
            ),
            (limited.without_functions(), "default_enis > 4 ? 4 : default_enis"),
        ] {
            assert_eq!(number.to_string(), text);
        }
    }

    #[test]
    fn operands_have_parentheses_where_they_bind_weaker() {
        let sum = || DEFAULT_ENIS.plus(IPS_PER_ENI);
        let is_large = || Condition::above(sum(), constant(9));
        let choice = || Number::choice(is_large(), sum(), constant(1));
        for (number, text) in [
            (sum().times(sum()), "(default_enis + ips_per_eni) * (default_enis + ips_per_eni)"),
            (DEFAULT_ENIS.minus(sum()), "default_enis - (default_enis + ips_per_eni)"),
            (sum().minus(DEFAULT_ENIS), "default_enis + ips_per_eni - default_enis"),
            (choice(), "default_enis + ips_per_eni > 9 ? default_enis + ips_per_eni : 1"),
            (
                choice().plus(constant(1)),
                "(default_enis + ips_per_eni > 9 ? default_enis + ips_per_eni : 1) + 1",
            ),
            (
                choice().min(constant(7)),
                "min(default_enis + ips_per_eni > 9 ? default_enis + ips_per_eni : 1, 7)",
            ),
            (
                Number::choice(Condition::Interfaces(vec![(2, 4), (3, 6)]), choice(), constant(2)),
                "[default_enis, ips_per_eni] in [[2, 4], [3, 6]] ? (default_enis + ips_per_eni > 9 ? default_enis + ips_per_eni : 1) : 2",
            ),
        ] {
            assert_eq!(number.to_string(), text);
        }
    }
}
