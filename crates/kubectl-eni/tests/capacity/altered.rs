//! States of EC2 that moto cannot have: network interfaces of other accounts, changes between two requests, and
//! failures.

use super::proxy::{change_free_addresses, proxy};
use super::world::{CUSTOM, World};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const M5: [&str; 2] = ["--instance-type", "m5.large"];

/// Returns a cluster with an ENIConfig for one zone, whose subnet is a /24 with these addresses in use.
fn one_zone(used: &[usize]) -> Option<World> {
    let world = World::start()?;
    let account = world.account();
    let vpc = account.vpc("10.0.0.0/16");
    let subnet = account.subnet(&vpc, "us-west-2a", "10.0.0.0/24");
    world.install_cni(&[CUSTOM]);
    world.eni_config("us-west-2a", &subnet);
    let addresses: Vec<String> = used.iter().map(|last| format!("10.0.0.{last}")).collect();
    if !addresses.is_empty() {
        world.interface(&subnet, &addresses);
    }
    Some(world)
}

/// The requests for the subnets of the ENIConfigs.
fn is_of_subnets(form: &str) -> bool {
    form.contains("Action=DescribeSubnets&") && form.contains("subnet-id")
}

/// Lowers the number of free addresses in each response. `less` returns by how much, from the number of the request.
fn lower_counts(world: &mut World, less: impl Fn(usize) -> u32 + Send + Sync + 'static) {
    let requests = AtomicUsize::new(0);
    let change = move |form: &str, (status, body): (u16, String)| {
        if !is_of_subnets(form) {
            return (status, body);
        }
        let less = less(requests.fetch_add(1, Relaxed));
        (status, change_free_addresses(&body, |free| free.saturating_sub(less)))
    };
    world.ec2 = proxy(&world.moto.endpoint, Arc::new(change));
}

#[test]
fn a_node_that_terminates_between_two_requests_is_not_hidden() {
    let Some(mut world) = one_zone(&[20, 21]) else { return };
    lower_counts(&mut world, |request| if request == 0 { 20 } else { 0 });
    let report = world.json(&M5);
    assert_eq!(report["skipped"], json!([]));
    assert_eq!(report["zones"][0]["subnets"][0]["freeAddresses"], 249);
    lower_counts(&mut world, |request| if request == 0 { 20 } else { 0 });
    assert_eq!(world.capacity(&M5).code, 0);
}

#[test]
fn a_count_that_changes_is_read_again() {
    let Some(mut world) = one_zone(&[]) else { return };
    lower_counts(&mut world, |request| [20, 5].get(request).copied().unwrap_or(5));
    let report = world.json(&M5);
    assert_eq!(report["zones"][0]["subnets"][0]["hiddenAddresses"], 5);
    // It changes with each request.
    lower_counts(&mut world, |request| [20, 5, 9, 7].get(request).copied().unwrap_or(0));
    let report = world.json(&M5);
    assert_eq!(report["zones"][0]["subnets"][0]["hiddenAddresses"], 9, "the worse one");
}

#[test]
fn addresses_of_other_accounts_are_in_use() {
    let Some(mut world) = one_zone(&[20, 21]) else { return };
    lower_counts(&mut world, |_| 230);
    let report = world.json(&M5);
    let zone = &report["zones"][0];
    assert_eq!(zone["subnets"][0]["freeAddresses"], 19, "as EC2 counts");
    assert_eq!(zone["subnets"][0]["hiddenAddresses"], 230);
    assert_eq!((&zone["canTakeNode"], &zone["moreNodes"][0]["best"]), (&json!(false), &json!(0)));
    let run = world.capacity(&M5);
    let line = "      19 of 251 addresses free, at most 1 of 16 /28 blocks free\n";
    assert_eq!((run.code, run.stdout.contains(line)), (1, true), "{}", run.stdout);
    assert!(run.stdout.contains("\n  subnet-"), "{}", run.stdout);
    lower_counts(&mut world, |_| 209);
    let report = world.json(&M5);
    let more = &report["zones"][0]["moreNodes"][0];
    assert_eq!((&more["best"], &more["worst"]), (&json!(2), &json!(2)), "40 of 249 addresses");
    assert_eq!(world.capacity(&M5).code, 2);
}

#[test]
fn an_unknown_subnet_is_not_full() {
    let Some(mut world) = one_zone(&[]) else { return };
    let change = |form: &str, response: (u16, String)| {
        let error = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>1</RequestID></Response>";
        let is_denied = form.contains("Action=DescribeNetworkInterfaces&");
        if is_denied { (403, error.to_owned()) } else { response }
    };
    world.ec2 = proxy(&world.moto.endpoint, Arc::new(change));
    world.node("b-1", "us-west-2b", "m5.large", "i-0b");
    world.node("b-2", "us-west-2b", "m5.large", "i-0c");
    let arguments = [&M5[..], &["--nodes", "10", "--lost-zone", "us-west-2b"]].concat();
    let report = world.json(&arguments);
    assert_eq!(report["zones"][0]["canTakeNode"], Value::Null);
    assert_eq!(report["firstFull"], Value::Null);
    assert_eq!(report["growth"], Value::Null);
    assert_eq!(report["zoneLoss"], json!([]));
    let zones: Vec<&Value> =
        report["fixes"].as_array().unwrap().iter().map(|fix| &fix["zone"]).collect();
    assert_eq!(zones, ["us-west-2b"], "none for the unknown zone");
    let run = world.capacity(&arguments);
    let notes = ["--nodes 10", "first subnet to run out", "loss of us-west-2b"].map(|what| {
        format!("  {what}: not computed, because a pod subnet in us-west-2a is unknown\n")
    });
    assert!(run.stdout.ends_with(&notes.concat()), "{}", run.stdout);
}

#[test]
fn the_subnets_are_read_although_the_instance_types_are_not() {
    let Some(mut world) = one_zone(&[]) else { return };
    let change = |form: &str, response: (u16, String)| {
        let error = "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow</Message></Error></Errors><RequestID>1</RequestID></Response>";
        let is_slow = form.contains("Action=DescribeInstanceTypes&");
        if is_slow { (503, error.to_owned()) } else { response }
    };
    world.ec2 = proxy(&world.moto.endpoint, Arc::new(change));
    let run = world.capacity(&["--instance-type", "zz9.large,m5.large"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stdout.contains("      251 of 251 addresses free"), "{}", run.stdout);
    assert!(run.stdout.contains("  us-west-2a  m5.large               12  ok\n"), "{}", run.stdout);
    assert!(run.stdout.contains("SKIPPED\n  zz9.large: "), "{}", run.stdout);
}
