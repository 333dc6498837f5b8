//! Nodes with the real kubelet and containerd, which register with a cluster.

mod comparison;
mod image;

pub use comparison::Comparison;
pub use image::{Host, Image, Version};

use super::machine::Machine;
use super::node::Node;
use crate::support::real_parts::{
    Cluster, MetadataMock, Moto, instance, kubelet_program, metadata_mock, moto, nodeadm_program,
    with_ec2_instance_id,
};
use serde_json::Value;
use std::time::Duration;

/// The limit for a registration. It takes about 3 seconds, or longer on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(5);
const NODES: &str = "/api/v1/nodes";
/// The token of [`Who::Admin`](crate::support::real_parts::Who).
const ADMIN: &str = "admin-token";
const ZONE: &str = "us-west-2a";
/// The settings of eni-bootstrap without EC2: the ENIConfig exists, but its subnet does not.
const NO_VERIFICATION: &str = "ENI_BOOTSTRAP_ENI_CONFIG_VERIFY=false";

/// A node that has not booted yet, its instance in EC2, and its cluster.
#[derive(Debug)]
pub struct RealNode<'a> {
    pub node: Node,
    /// The name of its Node object.
    pub name: String,
    cluster: &'a Cluster,
    /// The metadata of the instance.
    metadata: Value,
    imds: MetadataMock,
    /// The heartbeat of the Node object at the end of the last boot; null if there was none. A watch may
    /// start with this object, even if it was deleted.
    heartbeat: Value,
}

impl<'a> RealNode<'a> {
    /// Prepares a node of `image` with eni-bootstrap installed and enabled, on an instance of
    /// `instance_type` in `cluster`. `case` is the folder of its boot records.
    pub fn new(
        case: &str,
        cluster: &'a Cluster,
        instance_type: &str,
        image: Image,
    ) -> Option<Self> {
        let kubelet = kubelet_program(image.version.minor())?;
        let node = Node::new(case, image.host.family())?;
        let mut metadata = instance(instance_type, ZONE, image.user_data(cluster));
        let name = if image.host == Host::Nodeadm {
            let (program, ec2) = (nodeadm_program()?, moto()?);
            Image::install_nodeadm(&node, &program, &ec2.endpoint);
            metadata = with_ec2_instance_id(ec2, metadata);
            private_dns_name(ec2, &metadata)
        } else {
            metadata["metadata"]["values"]["local-hostname"].as_str().unwrap().to_owned()
        };
        image.install(&node, &name, cluster, &kubelet);
        cluster.set_node(&name);
        let heartbeat = delete_node(cluster, &name);
        let imds = metadata_mock(metadata.clone())?;
        let real = Self { node, name, cluster, metadata, imds, heartbeat };
        real.use_imds();
        Some(real)
    }

    /// Changes the type of the stopped instance.
    pub fn change_instance_type(&mut self, instance_type: &str) {
        let values = &mut self.metadata;
        values["metadata"]["values"]["instance-type"] = instance_type.into();
        values["dynamic"]["values"]["instance-identity-document"]["instanceType"] =
            instance_type.into();
        self.imds = metadata_mock(self.metadata.clone()).unwrap();
        self.use_imds();
    }

    /// Makes the units and the exec plugin of the kubelet use the metadata service.
    fn use_imds(&self) {
        self.node.use_imds(&self.imds);
        Image::configure_unit(&self.node, &self.imds.endpoint());
    }

    /// Boots the node, and waits until the kubelet has reported the complete status of the Node.
    pub fn boot_and_register(&self) -> (Machine, Value) {
        let machine = self.node.boot();
        let object = self.registered(&machine);
        (machine, object)
    }

    /// Waits until the kubelet of `machine` has reported the complete status of the Node, and returns the
    /// Node object.
    pub fn registered(&self, machine: &Machine) -> Value {
        let before = &self.heartbeat;
        let is_complete = |node: &Value| {
            let storage = &node["status"]["allocatable"]["ephemeral-storage"];
            let heartbeat = heartbeat(node);
            // The kubelet reports the capacity and the heartbeat in one update. The status of the last boot
            // has another heartbeat. The first update may not contain the storage yet.
            !heartbeat.is_null()
                && heartbeat != *before
                && storage.as_str().is_some_and(|storage| storage != "0")
        };
        self.cluster.watch_node(&self.name, TIMEOUT, is_complete).unwrap_or_else(|last| {
            let [own, kubelet] = ["eni-bootstrap", "kubelet"].map(|unit| machine.journal(unit));
            panic!("{} not registered within {TIMEOUT:?}: {last:#}\n{own}\n{kubelet}", self.name)
        })
    }

    /// Shuts the node down. Its Node object remains.
    pub fn power_off(&mut self, machine: Machine) {
        machine.power_off();
        let path = format!("{NODES}/{}", self.name);
        self.heartbeat = heartbeat(&self.cluster.get(ADMIN, &path).unwrap());
    }

    /// Deletes the Node object of the stopped node.
    pub fn delete_object(&mut self) {
        delete_node(self.cluster, &self.name);
    }

    /// Returns the kubelet configuration of `plan` on the node.
    pub fn plan(&self, machine: &Machine) -> Value {
        let imds = format!("AWS_EC2_METADATA_SERVICE_ENDPOINT={}", self.imds.endpoint());
        let plan = ["eni-bootstrap", "plan", "--output", "json"];
        let plan = machine.stdout_of(&[&["env", &imds, NO_VERIFICATION], &plan[..]].concat());
        serde_json::from_str::<Value>(&plan).unwrap()["kubelet"].take()
    }

    /// Compares the Node object of the running `machine` with the plan.
    pub fn comparison(&self, case: &str, machine: &Machine, object: &Value) -> Comparison {
        Comparison::new(case, &self.plan(machine), object)
    }

    /// Boots the node, and compares its Node object with the plan. Shuts it down.
    pub fn compare(&mut self, case: &str) -> Comparison {
        let (machine, object) = self.boot_and_register();
        let comparison = self.comparison(case, &machine, &object);
        self.power_off(machine);
        comparison
    }
}

/// Deletes the Node object `name`, if it exists, and returns its heartbeat.
fn delete_node(cluster: &Cluster, name: &str) -> Value {
    let path = format!("{NODES}/{name}");
    let Ok(node) = cluster.get(ADMIN, &path) else { return Value::Null };
    cluster.delete(&path);
    heartbeat(&node)
}

/// Returns the private DNS name of the instance in EC2, which nodeadm uses as the name of the Node. The first
/// `privateDnsName` in the response of moto is that of the network interface, which has the domain of another
/// region.
fn private_dns_name(ec2: &Moto, metadata: &Value) -> String {
    let id = metadata["metadata"]["values"]["instance-id"].as_str().unwrap();
    let form = format!("Action=DescribeInstances&InstanceId.1={id}");
    let address = ec2.account().query("ec2", &form, "privateIpAddress");
    format!("ip-{}.us-west-2.compute.internal", address.replace('.', "-"))
}

/// Returns the time of the last status of a Node object.
fn heartbeat(node: &Value) -> Value {
    let conditions = node["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    ready.map(|condition| condition["lastHeartbeatTime"].clone()).unwrap_or_default()
}
