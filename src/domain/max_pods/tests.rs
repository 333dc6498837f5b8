//! AWS's published figures, not ours.

use super::*;

const PLAIN: Cni =
    Cni { addressing: Addressing::SecondaryAddresses, custom_networking: false, max_eni: None };
const CUSTOM: Cni = Cni { custom_networking: true, ..PLAIN };
const PREFIX: Cni = Cni { addressing: Addressing::Prefixes, ..PLAIN };
const BOTH: Cni = Cni { custom_networking: true, ..PREFIX };

fn of(name: &str) -> InstanceLimits {
    crate::domain::limits::embedded(&name.parse().unwrap()).unwrap()
}

fn figures(name: &str, cni: Cni) -> (u32, u32) {
    let capacity = capacity(&of(name), cni, Wishes::default()).unwrap();
    (capacity.uncapped, capacity.max_pods)
}

#[test]
fn published_figures_before_and_after_the_ceiling() {
    #[rustfmt::skip]
    let cases = [
        // The worked example of the EKS user guide, "Alternate subnets for Pods".
        ("c3.large",       CUSTOM, (20, 20)),
        ("m5.large",       PLAIN,  (29, 29)),
        ("m5.large",       CUSTOM, (20, 20)),
        ("m5.large",       PREFIX, (434, 110)),
        ("m5.large",       BOTH,   (290, 110)),
        ("t3.medium",      PLAIN,  (17, 17)),
        ("t3.medium",      CUSTOM, (12, 12)),
        ("p4d.24xlarge",   PLAIN,  (737, 250)),
        ("c6in.32xlarge",  PLAIN,  (394, 250)),
        ("m5.metal",       PREFIX, (11_762, 250)),
        ("hpc6id.32xlarge", PLAIN, (51, 51)),
    ];
    for (name, cni, expect) in cases {
        assert_eq!(figures(name, cni), expect, "{name} {cni:?}");
    }
}

#[test]
fn an_only_interface_is_not_set_aside_silently() {
    let refused = |name: &str, cni| capacity(&of(name), cni, Wishes::default()).unwrap_err();
    assert_eq!(refused("hpc6id.32xlarge", CUSTOM), NoCapacity::OnlyThePrimaryInterface);
    assert_eq!(
        refused("m5.large", Cni { max_eni: Some(1), ..CUSTOM }),
        NoCapacity::MaxEniTooLow(1)
    );
}

#[test]
fn max_eni_lowers_and_never_raises() {
    assert_eq!(figures("m5.large", Cni { max_eni: Some(2), ..PLAIN }).0, 20);
    assert_eq!(figures("m5.large", Cni { max_eni: Some(9), ..PLAIN }).0, 29);
    assert_eq!(figures("m5.large", Cni { max_eni: Some(0), ..PLAIN }).0, 29, "0 is no limit");
    assert_eq!(figures("m5.large", Cni { max_eni: Some(2), ..CUSTOM }).0, 11);
}

#[test]
fn prefixes_on_xen_fall_back_and_say_so() {
    let capacity = capacity(&of("m4.xlarge"), PREFIX, Wishes::default()).unwrap();
    assert_eq!((capacity.max_pods, capacity.caveats), (58, vec![Caveat::PrefixesNeedNitro]));
}

#[test]
fn wishes_change_the_figure() {
    let pods = |wishes| capacity(&of("m5.large"), PREFIX, wishes).unwrap();
    let wish = Wishes::default();
    assert_eq!(pods(Wishes { ceiling: Ceiling::Unlimited, ..wish }).max_pods, 434);
    assert_eq!(pods(Wishes { ceiling: Ceiling::At(58), ..wish }).max_pods, 58);
    assert_eq!(pods(Wishes { extra: 3, ceiling: Ceiling::Unlimited, ..wish }).max_pods, 437);
    let fixed = pods(Wishes { fixed: Some(500), ..wish });
    assert_eq!((fixed.max_pods, fixed.caveats), (500, vec![Caveat::FixedAboveAddresses]));
    assert_eq!(pods(Wishes { fixed: Some(434), ..wish }).caveats, []);
}

#[test]
fn limits_that_make_no_sense_are_refused_and_huge_ones_do_not_overflow() {
    let odd = |interfaces, ipv4_per_interface| InstanceLimits {
        interfaces,
        ipv4_per_interface,
        platform: Platform::Nitro,
        vcpus: 2,
    };
    for (interfaces, ipv4_per_interface) in [(0, 10), (3, 0), (3, 1)] {
        assert_eq!(
            capacity(&odd(interfaces, ipv4_per_interface), PLAIN, Wishes::default()),
            Err(NoCapacity::Nonsense { interfaces, ipv4_per_interface })
        );
    }
    let most = capacity(&odd(u32::MAX, u32::MAX), PREFIX, Wishes::default()).unwrap();
    assert_eq!((most.uncapped, most.max_pods), (u32::MAX, 110));
}

#[test]
fn the_ceiling_turns_after_thirty_vcpus() {
    assert_eq!([30, 31].map(recommended_ceiling), [110, 250]);
}

#[test]
fn the_sum_can_be_done_again_from_its_line() {
    let line = |name: &str, cni, wishes| capacity(&of(name), cni, wishes).unwrap().to_string();
    let wish = Wishes::default();
    assert_eq!(
        line("m5.large", CUSTOM, wish),
        "20 pods: 3 interfaces − 1 for custom networking, 2 × 9 slots + 2 on the host's network = 20"
    );
    assert_eq!(
        line("m5.large", Cni { max_eni: Some(2), ..PREFIX }, wish),
        "110 pods: 3 interfaces, MAX_ENI 2, 2 × 9 slots × 16 addresses + 2 on the host's network = 290, ceiling 110"
    );
    assert_eq!(
        line("m5.large", PLAIN, Wishes { fixed: Some(8), ..wish }),
        "8 pods: 3 interfaces, 3 × 9 slots + 2 on the host's network = 29, set by hand to 8"
    );
}
