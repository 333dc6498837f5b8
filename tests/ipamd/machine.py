"""A VPC with an instance in moto's EC2. The links of the instance are in this network namespace."""

from moto.ec2.models import ec2_backends

import ec2
from links import add_primary_address

ACCOUNT, REGION, ZONE, OTHER_ZONE = "123456789012", "us-east-1", "us-east-1a", "us-east-1b"
EC2_URL, METADATA_URL = "http://127.0.0.1:5000", "http://127.0.0.1:1338"
# The zone and the CIDR block of each subnet.
SUBNETS = {
    "node": (ZONE, "10.0.0.0/22"),
    "pods": (ZONE, "100.64.0.0/20"),
    "other": (ZONE, "10.0.64.0/22"),
    "zone-b": (OTHER_ZONE, "10.0.128.0/22"),
}
IPV6_GATEWAY = "fe80::1"


def backend():
    """Returns moto's state of EC2."""
    return ec2_backends[ACCOUNT][REGION]


class Machine:
    """The instance of a case, and its VPC."""

    def __init__(self, client, case):
        ipv6 = case.env.get("ENABLE_IPv6") == "true"
        vpc = client.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=ipv6)["Vpc"]["VpcId"]
        client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="100.64.0.0/16")
        blocks = backend().get_vpc(vpc).get_cidr_block_association_set(ipv6=True)
        ipv6_block = blocks[0]["cidr_block"].replace("/56", "/64") if ipv6 else None
        self.subnets = {name: self.create_subnet(client, vpc, name, case, ipv6_block) for name in SUBNETS}
        self.groups = {
            name: client.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
            for name in ("node", "pods")
        }
        reservation = client.run_instances(
            ImageId="ami-12c6146b",
            MinCount=1,
            MaxCount=1,
            InstanceType=case.instance_type,
            SubnetId=self.subnets["node"],
            SecurityGroupIds=[self.groups["node"]],
        )
        self.instance = backend().get_instance(reservation["Instances"][0]["InstanceId"])
        primary = self.instance.nics[0]
        if ipv6:
            primary.ipv6_addresses = [ipv6_block.replace("::/64", "::10")]
        addresses = ec2.free_addresses(backend(), primary.subnet, case.primary_secondary)
        primary.private_ip_addresses.extend({"Primary": False, "PrivateIpAddress": it} for it in addresses)
        primary.ipv4_prefixes = ec2.free_prefixes(backend(), primary.subnet, case.primary_prefixes)
        ec2.add_link(primary)
        add_primary_address(primary, "10.0.0.1", IPV6_GATEWAY if ipv6 else None)
        for interface in case.interfaces:
            self.attach(interface)

    @staticmethod
    def create_subnet(client, vpc, name, case, ipv6_block):
        """Creates a subnet of `SUBNETS` with the tags of the case. Returns its ID."""
        zone, block = SUBNETS[name]
        ipv6 = {"Ipv6CidrBlock": ipv6_block} if ipv6_block and name == "node" else {}
        subnet = client.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone, **ipv6)["Subnet"]["SubnetId"]
        if case.tags.get(name):
            tags = [{"Key": key, "Value": value} for key, value in case.tags[name].items()]
            client.create_tags(Resources=[subnet], Tags=tags)
        return subnet

    def attach(self, interface):
        """Creates an interface and attaches it at the next free device index."""
        with ec2.LOCK:
            eni = ec2.create_interface(
                backend(),
                backend().get_subnet(self.subnets[interface.subnet]),
                groups=[self.groups["node"]],
                tags=interface.tags,
                kind=interface.kind,
                secondary=interface.secondary,
                prefixes=interface.prefixes,
            )
            used = {it.device_index for it in self.instance.nics.values() if it.network_card_index == interface.card}
            device = next(index for index in range(100) if index not in used)
            ec2.attach_interface(eni, self.instance, device, interface.card)
            return eni
