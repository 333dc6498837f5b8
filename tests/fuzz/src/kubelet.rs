//! The configuration that a kubelet reads from its command line and from a configuration file, without the
//! code of eni-bootstrap.

use eni_core::domain::kubelet::Kubelet;
use serde_yaml_ng::Value;
use std::collections::BTreeMap;

/// The values of the kubelet that eni-bootstrap configures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    pub max_pods: Option<String>,
    pub kube_reserved: BTreeMap<String, String>,
    pub node_labels: BTreeMap<String, String>,
}

impl Effective {
    /// Returns the values of a plan.
    #[must_use]
    pub fn planned(kubelet: &Kubelet) -> Self {
        let reserved = &kubelet.kube_reserved;
        let own = [
            ("cpu", &reserved.cpu),
            ("ephemeral-storage", &reserved.ephemeral_storage),
            ("memory", &reserved.memory),
        ];
        let others = reserved.others.iter().map(|(key, value)| (key.as_str(), value));
        let quantities = own.into_iter().chain(others);
        let labels = kubelet.node_labels.iter();
        Self {
            max_pods: Some(kubelet.max_pods.to_string()),
            kube_reserved: quantities.map(|(key, it)| (key.to_owned(), it.to_string())).collect(),
            node_labels: labels.map(|(key, it)| (key.to_string(), it.to_string())).collect(),
        }
    }

    /// Adds the values of arguments. A later one takes precedence.
    ///
    /// # Errors
    ///
    /// The argument, unless it is one of the three flags of eni-bootstrap.
    pub fn add_arguments(&mut self, arguments: &[String]) -> Result<(), String> {
        for argument in arguments {
            let (flag, value) = argument.split_once('=').ok_or_else(|| argument.clone())?;
            match flag {
                "--max-pods" => self.max_pods = Some(value.to_owned()),
                "--kube-reserved" => self.kube_reserved.extend(pairs(value)),
                "--node-labels" => self.node_labels.extend(pairs(value)),
                _ => return Err(argument.clone()),
            }
        }
        Ok(())
    }

    /// Adds the values of a `KubeletConfiguration`, or of `kubelet.config` of a `NodeConfig`.
    ///
    /// # Errors
    ///
    /// The name of a key that eni-bootstrap does not set.
    pub fn add_configuration(&mut self, configuration: &Value) -> Result<(), String> {
        let Value::Mapping(entries) = configuration else { return Err("no mapping".to_owned()) };
        for (key, value) in entries {
            match key.as_str().unwrap_or_default() {
                "apiVersion" | "kind" => {}
                "maxPods" => {
                    let number = value.as_u64().ok_or("maxPods")?;
                    self.max_pods = Some(number.to_string());
                }
                "kubeReserved" => {
                    for (key, value) in value.as_mapping().ok_or("kubeReserved")? {
                        let (key, value) =
                            key.as_str().zip(value.as_str()).ok_or("kubeReserved")?;
                        self.kube_reserved.insert(key.to_owned(), value.to_owned());
                    }
                }
                other => return Err(other.to_owned()),
            }
        }
        Ok(())
    }
}

/// Returns the pairs of a flag such as `a=1,b=2`.
///
/// Source: `MapStringString.Set` in `staging/src/k8s.io/component-base/cli/flag`, kubernetes/kubernetes.
fn pairs(value: &str) -> impl Iterator<Item = (String, String)> {
    value.split(',').filter(|it| !it.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key.trim().to_owned(), value.trim().to_owned())
    })
}
