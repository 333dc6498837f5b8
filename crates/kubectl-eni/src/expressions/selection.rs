//! Selects instance types of the embedded table by name or by pattern.

use super::expressions_error::ExpressionsError;
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::instance_limits::{InstanceLimits, LimitsTable};
use glob::Pattern;
use std::collections::BTreeMap;

/// The instance types that the expressions apply to.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// Name and limits, in alphabetical order.
    pub types: BTreeMap<String, InstanceLimits>,
    /// Whether these are all types in the embedded table.
    pub is_complete: bool,
}

impl Selection {
    /// Returns the instance types that match one of `arguments`: names, or patterns such as `m7g.*`. Without
    /// arguments, returns all of them.
    pub(crate) fn of(arguments: &[String]) -> Result<Self, ExpressionsError> {
        let table = LimitsTable::default();
        let every = ["*".to_owned()];
        let is_complete = arguments.is_empty();
        let arguments = if is_complete { &every } else { arguments };
        let mut types = BTreeMap::new();
        for argument in arguments {
            let is_pattern = argument.contains(['*', '?', '[']);
            let pattern = Pattern::new(argument).map_err(|source| {
                ExpressionsError::InvalidPattern { pattern: argument.clone(), source }
            })?;
            let mut is_known = false;
            for name in table.names().filter(|name| pattern.matches(name)) {
                let limits = name.parse::<InstanceType>().ok().and_then(|it| table.find(&it));
                if let Some((limits, _)) = limits {
                    is_known = true;
                    types.insert(name.to_owned(), limits);
                }
            }
            if !is_known {
                let nearest = if is_pattern { None } else { table.nearest(argument) };
                return Err(ExpressionsError::UnknownType { name: argument.clone(), nearest });
            }
        }
        Ok(Self { types, is_complete })
    }
}
