//! The algorithm of EKS's `max-pods-calculator.sh` on recorded responses of EC2. It shares neither code nor the
//! instance-type table with the programs.

use serde_json::Value;

/// One call of the script.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    custom_networking: bool,
    prefix_delegation: bool,
    max_eni: Option<i64>,
    show_max_allowed: bool,
}

impl Call {
    /// Returns the flags of the call.
    pub fn flags(self) -> Vec<String> {
        let mut flags = vec!["--cni-version=1.19.0".to_owned()];
        for (is, flag) in [
            (self.custom_networking, "--cni-custom-networking-enabled"),
            (self.prefix_delegation, "--cni-prefix-delegation-enabled"),
            (self.show_max_allowed, "--show-max-allowed"),
        ] {
            if is {
                flags.push(flag.to_owned());
            }
        }
        flags.extend(self.max_eni.map(|most| format!("--cni-max-eni={most}")));
        flags
    }

    /// Computes max-pods in the steps of the script. With `metal_counts`, bare metal types support
    /// prefixes, as in the CNI; the script checks for the hypervisor "nitro", which EC2 does not list for
    /// bare metal. `None` means that no interface is left, where the script prints 2 or less.
    pub fn script(self, info: &Value, metal_counts: bool) -> Option<i64> {
        let network = &info["NetworkInfo"];
        let card = network["DefaultNetworkCardIndex"].as_i64().unwrap();
        let cards = network["NetworkCards"].as_array().unwrap();
        let card = cards.iter().find(|it| it["NetworkCardIndex"].as_i64() == Some(card)).unwrap();
        let mut enis = card["MaximumNetworkInterfaces"].as_i64().unwrap();
        if let Some(most) = self.max_eni {
            enis = enis.min(most);
        }
        if self.custom_networking {
            enis -= 1;
        }
        if enis < 1 {
            return None;
        }
        let metal = info["BareMetal"].as_bool() == Some(true);
        let nitro = info["Hypervisor"].as_str() == Some("nitro") || (metal && metal_counts);
        let slots = network["Ipv4AddressesPerInterface"].as_i64().unwrap() - 1;
        let prefix = if nitro && self.prefix_delegation { 16 } else { 1 };
        let pods = enis * slots * prefix + 2;
        let cpus = info["VCpuInfo"]["DefaultVCpus"].as_i64().unwrap();
        let ceiling = if cpus > 30 { 250 } else { 110 };
        Some(if self.show_max_allowed { pods } else { pods.min(ceiling) })
    }
}

/// Returns every combination of the flags, each with different values of `--cni-max-eni`.
pub fn calls() -> Vec<Call> {
    let mut calls = Vec::new();
    for bits in 0..8_u8 {
        for max_eni in [None, Some(1), Some(2), Some(3), Some(4)] {
            calls.push(Call {
                custom_networking: bits & 1 != 0,
                prefix_delegation: bits & 2 != 0,
                show_max_allowed: bits & 4 != 0,
                max_eni,
            });
        }
    }
    calls
}
