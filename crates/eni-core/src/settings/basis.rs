//! The setting `reserve.basis`.

use super::value::SettingType;
use crate::domain::named_values::named_values;

named_values! {
    /// The value that the memory reserve is computed from (`reserve.basis`).
    ReserveBasis {
        /// max-pods; on a Karpenter node, at most the reserve that Karpenter plans
        #[default]
        Auto = "auto",
        /// max-pods on every node
        MaxPods = "max-pods",
        /// The reserve that Karpenter plans, on every node
        Karpenter = "karpenter",
    }
}

impl SettingType for ReserveBasis {}
