"""Makes moto's EC2 allocate network interfaces, addresses and prefixes as EC2 does.

moto 5.2.5 lacks what ipamd needs from EC2. The comment "Gap" at each patch names what is missing. The
limits of an instance type are those of moto's record of DescribeInstanceTypes.
"""

import ipaddress
import threading

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_network_interfaces import Attachment, NetworkInterface
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces
from moto.ec2.responses.subnets import Subnets
from moto.ec2.utils import add_tag_specification

from links import add_link, delete_link

# moto serves each request in a thread of its own.
LOCK = threading.RLock()
# EC2 reserves the first four addresses and the last one of each subnet.
FIRST_ADDRESSES = 4
PREFIX_LENGTH = 28
# Gap: moto has no record of types that EC2 no longer lists. Each has the limits of another Xen type.
UNLISTED_TYPES = {"cr1.8xlarge": "c3.8xlarge", "hs1.8xlarge": "c3.8xlarge"}

# The actions that `deny` can deny, with the class of their handler.
DENIABLE = {"DescribeSubnets": (Subnets, "describe_subnets")}
DENIED = set()

# Gap: moto has no prefixes and attaches every interface to network card 0.
NetworkInterface.ipv4_prefixes = ()
NetworkInterface.ipv6_prefixes = ()
NetworkInterface.network_card_index = 0


def limits(instance):
    """Returns EC2's description of the instance's type."""
    return INSTANCE_TYPES[instance.instance_type]


def supports_prefixes(instance):
    """Returns whether EC2 assigns prefixes to this instance type."""
    return limits(instance).get("Hypervisor") == "nitro" or bool(limits(instance).get("BareMetal"))


def used_slots(eni):
    """Returns how many of the interface's IPv4 slots have an address or a prefix."""
    return len(eni.private_ip_addresses) + len(eni.ipv4_prefixes)


def used_addresses(backend, subnet):
    """Returns every used or reserved IPv4 address of the subnet, as integers."""
    network = ipaddress.ip_network(subnet.cidr_block)
    used = {int(network[index]) for index in (*range(FIRST_ADDRESSES), -1)}
    for eni in backend.enis.values():
        if eni.subnet.id == subnet.id:
            used.update(int(ipaddress.ip_address(it["PrivateIpAddress"])) for it in eni.private_ip_addresses)
            for prefix in eni.ipv4_prefixes:
                used.update(map(int, ipaddress.ip_network(prefix["Ipv4Prefix"])))
    return used


def take(candidates, is_free, count, error):
    """Returns the first `count` free candidates as texts, or raises EC2's error."""
    taken = []
    for candidate in candidates:
        if len(taken) == count:
            break
        if is_free(candidate):
            taken.append(str(candidate))
    if len(taken) < count:
        raise EC2ClientError(error, "The specified subnet does not have enough free addresses to satisfy the request.")
    return taken


def free_addresses(backend, subnet, count):
    """Returns free IPv4 addresses of the subnet."""
    used = used_addresses(backend, subnet)
    network = ipaddress.ip_network(subnet.cidr_block)
    return take(network, lambda it: int(it) not in used, count, "InsufficientFreeAddressesInSubnet")


def free_prefixes(backend, subnet, count):
    """Returns free /28 prefixes of the subnet."""
    used = used_addresses(backend, subnet)
    blocks = ipaddress.ip_network(subnet.cidr_block).subnets(new_prefix=PREFIX_LENGTH)
    taken = take(blocks, lambda block: used.isdisjoint(map(int, block)), count, "InsufficientCidrBlocks")
    return [{"Ipv4Prefix": block} for block in taken]


def check_slots(eni, instance, more):
    """Raises EC2's error if the interface has no room for `more` addresses or prefixes."""
    limit = limits(instance)["NetworkInfo"]["Ipv4AddressesPerInterface"]
    if used_slots(eni) + more > limit:
        raise EC2ClientError(
            "PrivateIpAddressLimitExceeded", f"Number of private addresses will exceed limit ({limit})."
        )


def check_attachment(eni, instance, device, card):
    """Raises EC2's error if the instance cannot have this interface at this place."""
    cards = {it["NetworkCardIndex"]: it for it in limits(instance)["NetworkInfo"]["NetworkCards"]}
    if card not in cards:
        raise EC2ClientError("InvalidParameterValue", f"Network card index {card} is not valid.")
    attached = [it for it in instance.nics.values() if it.network_card_index == card]
    if eni.subnet.availability_zone != instance.nics[0].subnet.availability_zone:
        raise EC2ClientError(
            "InvalidParameterCombination",
            "You may not attach a network interface to an instance if they are not in the same availability zone",
        )
    if any(it.device_index == device for it in attached):
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Instance '{instance.id}' already has an interface attached at device index '{device}'.",
        )
    if len(attached) >= cards[card]["MaximumNetworkInterfaces"]:
        raise EC2ClientError(
            "AttachmentLimitExceeded", f"Interface count exceeds the limit for {instance.instance_type}"
        )
    check_slots(eni, instance, 0)
    if eni.ipv4_prefixes and not supports_prefixes(instance):
        raise EC2ClientError("InvalidParameterValue", "Prefixes are not supported on this instance type.")


def create_interface(
    backend, subnet, *, secondary=0, prefixes=0, groups=(), description="", tags=None, kind="interface"
):
    """Creates an interface with `secondary` addresses or `prefixes` prefixes in addition to its own address."""
    addresses = free_addresses(backend, subnet, 1 + secondary)
    eni = backend.create_network_interface(
        subnet,
        addresses[0],
        [{"Primary": index == 0, "PrivateIpAddress": it} for index, it in enumerate(addresses)],
        group_ids=list(groups),
        description=description,
        tags=tags or {},
    )
    eni.interface_type = kind
    if kind == "efa-only":
        eni.private_ip_addresses, eni.private_ip_address = [], None
    eni.ipv4_prefixes = free_prefixes(backend, subnet, prefixes)
    return eni


def attach_interface(eni, instance, device, card=0):
    """Attaches the interface, and adds its link to this network namespace."""
    check_attachment(eni, instance, device, card)
    eni.network_card_index = card
    # Gap: moto stores the interfaces of an instance by device index, which two cards share.
    instance.attach_eni(eni, device + 1000 * card)
    eni.device_index = device
    add_link(eni)
    return eni.attachment


def interfaces(instance):
    """Returns the attached interfaces in the order of cards and devices."""
    return sorted(instance.nics.values(), key=lambda it: (it.network_card_index, it.device_index))


class Patches:
    """The handlers that replace those of moto."""

    def create_network_interface(self):
        """Gap: moto has no Ipv4PrefixCount, and picks secondary addresses without checking them."""
        with LOCK:
            tags = add_tag_specification(self._get_param("TagSpecifications", []))
            self.error_on_dryrun()
            eni = create_interface(
                self.ec2_backend,
                self.ec2_backend.get_subnet(self._get_param("SubnetId")),
                secondary=self._get_int_param("SecondaryPrivateIpAddressCount", 0),
                prefixes=self._get_int_param("Ipv4PrefixCount", 0),
                groups=self._get_param("Groups", []),
                description=self._get_param("Description") or "",
                tags=tags,
            )
            return ActionResult({"NetworkInterface": eni})

    def attach_network_interface(self):
        """Gap: moto has no NetworkCardIndex and no limits, and replaces an interface at the same device index."""
        with LOCK:
            eni = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
            instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
            self.error_on_dryrun()
            card = self._get_int_param("NetworkCardIndex", 0)
            attachment = attach_interface(eni, instance, self._get_int_param("DeviceIndex"), card)
            return ActionResult({"AttachmentId": attachment.attachment_id, "NetworkCardIndex": card})

    def detach_network_interface(self):
        """Gap: a detached interface has no link."""
        with LOCK:
            attachment = self._get_param("AttachmentId")
            for eni in self.ec2_backend.enis.values():
                if eni.attachment_id == attachment:
                    delete_link(eni)
            self.ec2_backend.detach_network_interface(attachment)
            return EmptyResult()

    def assign_private_ip_addresses(self):
        """Gap: moto has no Ipv4PrefixCount and no limit, and returns every address instead of the new ones."""
        with LOCK:
            eni = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
            addresses = self._get_param("PrivateIpAddresses", [])
            count = self._get_int_param("SecondaryPrivateIpAddressCount", 0)
            prefixes = self._get_int_param("Ipv4PrefixCount", 0)
            if eni.instance:
                check_slots(eni, eni.instance, count + prefixes + len(addresses))
                if prefixes and not supports_prefixes(eni.instance):
                    raise EC2ClientError("InvalidParameterValue", "Prefixes are not supported on this instance type.")
            new = addresses or free_addresses(self.ec2_backend, eni.subnet, count)
            eni.private_ip_addresses.extend({"Primary": False, "PrivateIpAddress": it} for it in new)
            blocks = free_prefixes(self.ec2_backend, eni.subnet, prefixes)
            eni.ipv4_prefixes = [*eni.ipv4_prefixes, *blocks]
            return ActionResult(
                {
                    "NetworkInterfaceId": eni.id,
                    "AssignedPrivateIpAddresses": [{"PrivateIpAddress": it} for it in new],
                    "AssignedIpv4Prefixes": blocks,
                }
            )

    def unassign_private_ip_addresses(self):
        """Gap: moto has no Ipv4Prefixes."""
        with LOCK:
            eni = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
            blocks = self._get_param("Ipv4Prefixes", [])
            self.ec2_backend.unassign_private_ip_addresses(eni.id, self._get_param("PrivateIpAddresses", []))
            eni.ipv4_prefixes = [it for it in eni.ipv4_prefixes if it["Ipv4Prefix"] not in blocks]
            return EmptyResult()

    def assign_ipv6_addresses(self):
        """Gap: moto has no Ipv6PrefixCount. This handler assigns only one prefix, which is what ipamd requests."""
        with LOCK:
            eni = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
            association = next(iter(eni.subnet.ipv6_cidr_block_associations.values()))
            network = ipaddress.ip_network(association["ipv6CidrBlock"])
            prefix = f"{network.network_address + (1 << 48)}/80"
            eni.ipv6_prefixes = [{"Ipv6Prefix": prefix}]
            return ActionResult({"NetworkInterfaceId": eni.id, "AssignedIpv6Prefixes": [prefix]})

    def modify_network_interface_attribute(self):
        """Gap: moto ignores Attachment, which contains DeleteOnTermination, and then fails."""
        with LOCK:
            eni = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
            if not self._get_param("Attachment", None):
                self.ec2_backend.modify_network_interface_attribute(
                    eni.id,
                    self._get_param("Groups", []),
                    self._get_param("SourceDestCheck.Value"),
                    self._get_param("Description.Value"),
                )
            return EmptyResult()


class UnauthorizedOperation(EC2ClientError):
    """EC2's error for an action that IAM denies."""

    code = 403

    def __init__(self):
        super().__init__("UnauthorizedOperation", "You are not authorized to perform this operation.")


def deny(actions):
    """Denies these actions of `DENIABLE`, and allows the others."""
    DENIED.clear()
    DENIED.update(actions)


def checked(action, handler):
    """Returns the handler, which fails while the action is denied."""

    def handle(self):
        if action in DENIED:
            raise UnauthorizedOperation
        return handler(self)

    return handle


def install():
    """Replaces moto's handlers with those of `Patches`, and adds the types of `UNLISTED_TYPES`."""
    for action, (responses, name) in DENIABLE.items():
        setattr(responses, name, checked(action, getattr(responses, name)))
    for name, similar in UNLISTED_TYPES.items():
        INSTANCE_TYPES.setdefault(name, {**INSTANCE_TYPES[similar], "InstanceType": name})
    for name, handler in vars(Patches).items():
        if not name.startswith("_"):
            setattr(ElasticNetworkInterfaces, name, handler)
    initialize = Attachment.__init__

    def with_card(self, eni):
        initialize(self, eni)
        self.network_card_index = eni.network_card_index  # Gap: always 0.

    Attachment.__init__ = with_card
