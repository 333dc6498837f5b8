use super::*;
use eni_core::domain::capacity::CapacityOptions;
use eni_core::domain::cni::{Addressing, Cni, IpFamily};
use eni_core::domain::instance_limits;

fn rows_of(instance_type: &str, cni: Cni) -> Vec<Row> {
    rows(&capacity(instance_type, cni))
}

fn capacity(instance_type: &str, cni: Cni) -> Capacity {
    let limits = instance_limits::embedded(&instance_type.parse().unwrap()).unwrap();
    Capacity::compute(&limits, cni, CapacityOptions::default()).unwrap()
}

fn row(name: &str, kind: RowKind, cells: u64, text: &str) -> Row {
    Row { name: name.to_owned(), kind, cells, text: text.to_owned() }
}

#[test]
fn each_address_is_a_cell() {
    let cni = Cni { custom_networking: true, ..Cni::default() };
    let pods = "9 addresses for pods";
    assert_eq!(
        rows_of("m5.large", cni),
        [
            row("ENI 0", RowKind::Excluded, 10, "primary, excluded by custom networking"),
            row("ENI 1", RowKind::Pods, 10, pods),
            row("ENI 2", RowKind::Pods, 10, pods),
        ]
    );
    let large = rows_of("p4d.24xlarge", Cni { multi_nic: true, ..Cni::default() });
    assert_eq!((large.len(), large[14].cells), (16, 50));
    let other = "45 on other network cards, 49 addresses each";
    assert_eq!(large[15], row("others", RowKind::Pods, 50, other));
}

#[test]
fn an_ipv6_cluster_has_one_prefix() {
    let addressing = Addressing::Prefixes;
    let cni = Cni { ip_family: IpFamily::Ipv6, addressing, ..Cni::default() };
    let kinds: Vec<RowKind> = rows_of("m5.large", cni).iter().map(|row| row.kind).collect();
    assert_eq!(kinds, [RowKind::Prefix, RowKind::Unused, RowKind::Unused]);
}

#[test]
fn attached_addresses_are_in_rows_of_50() {
    let capacity = capacity("m5.large", Cni::default());
    let attached = |attached_addresses, addresses_per_slot| {
        let addresses = attached_addresses;
        rows(&Capacity { attached_addresses, addresses, addresses_per_slot, ..capacity.clone() })
    };
    assert_eq!(
        attached(Some(112), 1),
        [
            row("attached", RowKind::Attached, 50, "112 addresses for pods"),
            row("", RowKind::Attached, 50, ""),
            row("", RowKind::Attached, 12, ""),
        ]
    );
    assert_eq!(
        attached(Some(112), 16),
        [row("attached", RowKind::Attached, 7, "7 prefixes for pods")]
    );
    let cells = |addresses| attached(Some(addresses), 1).iter().map(|row| row.cells).sum::<u64>();
    assert_eq!([0, 24 * 63, 2_000, 2_001, u32::MAX].map(cells), [0, 1_512, 2_000, 2_000, 2_000]);
}

#[test]
fn numbers_that_no_instance_type_has_are_not_drawn() {
    let capacity = Capacity {
        interfaces: u32::MAX,
        slots_per_interface: u32::MAX,
        ..capacity("m5.large", Cni::default())
    };
    let rows = rows(&capacity);
    assert_eq!((rows.len(), rows[40].text.as_str()), (41, "and 4294967255 other interfaces"));
    let mut drawing = Drawing::new(Size::Wide);
    draw_rows(&mut drawing, &rows);
    assert!(drawing.inline("a", "", "").len() < 200_000);
}
