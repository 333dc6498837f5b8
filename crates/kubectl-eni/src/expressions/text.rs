//! Expressions as text in the Common Expression Language (CEL).

use super::number::{Condition, Number, Operator, Variable};
use super::type_set::TypeSet;
use std::fmt;

/// The binding strength of an operator. An operand with a weaker one needs parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Choice,
    Or,
    And,
    Relation,
    Sum,
    Product,
    Operand,
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&number(self).0)
    }
}

/// Returns the text, in parentheses if it binds weaker than `least`.
fn operand((text, strength): (String, Strength), least: Strength) -> String {
    if strength < least { format!("({text})") } else { text }
}

fn number(it: &Number) -> (String, Strength) {
    match it {
        Number::Constant(constant) => (constant.to_string(), Strength::Operand),
        Number::Variable(variable) => (name(*variable).to_owned(), Strength::Operand),
        Number::Operation(operator, one, other) => operation(*operator, one, other),
        Number::Choice(on, then, otherwise) => {
            let text = format!(
                "{} ? {} : {}",
                operand(condition(on), Strength::Or),
                operand(number(then), Strength::Or),
                operand(number(otherwise), Strength::Choice)
            );
            (text, Strength::Choice)
        }
    }
}

fn name(variable: Variable) -> &'static str {
    match variable {
        Variable::Vcpus => "vcpus",
        Variable::DefaultEnis => "default_enis",
        Variable::IpsPerEni => "ips_per_eni",
        Variable::MaxPods => "max_pods",
    }
}

fn operation(operator: Operator, one: &Number, other: &Number) -> (String, Strength) {
    let infix = |symbol, strength, right| {
        let (left, right) = (operand(number(one), strength), operand(number(other), right));
        (format!("{left} {symbol} {right}"), strength)
    };
    let function = |name| {
        let text = format!("{name}({}, {})", number(one).0, number(other).0);
        (text, Strength::Operand)
    };
    match operator {
        Operator::Add => infix("+", Strength::Sum, Strength::Sum),
        Operator::Subtract => infix("-", Strength::Sum, Strength::Product),
        Operator::Multiply => infix("*", Strength::Product, Strength::Product),
        Operator::Min => function("min"),
        Operator::Max => function("max"),
    }
}

fn condition(it: &Condition) -> (String, Strength) {
    let relation = |one: &Number, symbol, other: &Number| {
        let (one, other) =
            (operand(number(one), Strength::Sum), operand(number(other), Strength::Sum));
        (format!("{one} {symbol} {other}"), Strength::Relation)
    };
    match it {
        Condition::Constant(value) => (value.to_string(), Strength::Operand),
        Condition::Above(one, other) => relation(one, ">", other),
        Condition::AtMost(one, other) => relation(one, "<=", other),
        Condition::Types(types) => type_set(types),
        Condition::Interfaces(pairs) => {
            let pairs: Vec<String> =
                pairs.iter().map(|(enis, ips)| format!("[{enis}, {ips}]")).collect();
            let text = format!("[default_enis, ips_per_eni] in [{}]", pairs.join(", "));
            (text, Strength::Relation)
        }
        Condition::And(one, other) => {
            let both = [one, other].map(|it| operand(condition(it), Strength::And));
            (both.join(" && "), Strength::And)
        }
    }
}

fn type_set(set: &TypeSet) -> (String, Strength) {
    let TypeSet { families, except, others } = set;
    let of_families = match &families[..] {
        [] => None,
        [family] => Some(format!("instance_type.startsWith('{family}.')")),
        // A character class instead of `\.`, because YAML and CEL also use the backslash.
        many => Some(format!("instance_type.matches('^({})[.]')", alternatives(many))),
    };
    let of_families = of_families.map(|text| match &except[..] {
        [] => (text, Strength::Operand),
        [name] => (format!("{text} && instance_type != '{name}'"), Strength::And),
        names => (format!("{text} && !(instance_type in [{}])", quoted(names)), Strength::And),
    });
    let of_names = match &others[..] {
        [] => None,
        [name] => Some((format!("instance_type == '{name}'"), Strength::Relation)),
        names => Some((format!("instance_type in [{}]", quoted(names)), Strength::Relation)),
    };
    match (of_families, of_names) {
        (Some((families, _)), Some((names, _))) => (format!("{families} || {names}"), Strength::Or),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => ("false".to_owned(), Strength::Operand),
    }
}

/// Returns a regular expression for `names`, where those that differ in the last character are one alternative,
/// such as `c[34]`.
fn alternatives(names: &[String]) -> String {
    let mut groups = Vec::<(&str, String)>::new();
    for name in names {
        let (start, last) = name.split_at(name.len().saturating_sub(1));
        match groups.iter_mut().find(|(known, _)| *known == start) {
            Some((_, all)) => all.push_str(last),
            None => groups.push((start, last.to_owned())),
        }
    }
    let alternatives = groups.into_iter().map(|(start, last)| match last.len() {
        1 => start.to_owned() + &last,
        _ => format!("{start}[{last}]"),
    });
    alternatives.collect::<Vec<_>>().join("|")
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    quoted.join(", ")
}
