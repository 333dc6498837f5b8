"""The network links of this namespace: one for each attached network interface."""

import subprocess


def run(*command, check=True, text=None):
    """Runs a command and returns its output. Raises with the error output if the command fails."""
    done = subprocess.run(command, capture_output=True, text=True, input=text, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def link_name(eni):
    """Returns the name of the interface's link."""
    return f"ens{5 + eni.device_index}c{eni.network_card_index}"


def add_link(eni):
    """Adds a link with the interface's MAC address. An efa-only interface has no link."""
    if eni.interface_type == "efa-only":
        return
    name = link_name(eni)
    # One end of a veth pair, because not every kernel has dummy links.
    run("ip", "link", "add", name, "type", "veth", "peer", "name", f"p{name}")
    run("ip", "link", "set", f"p{name}", "up")
    run("ip", "link", "set", name, "address", eni.mac_address, "mtu", "9001", "up")


def delete_link(eni):
    """Deletes the interface's link, if it exists."""
    run("ip", "link", "del", link_name(eni), check=False)


def add_primary_address(eni, gateway, ipv6_gateway=None):
    """Gives the primary interface its addresses and the default routes, as the instance's DHCP client does."""
    name = link_name(eni)
    length = eni.subnet.cidr_block.split("/")[1]
    run("ip", "address", "add", f"{eni.private_ip_address}/{length}", "dev", name)
    run("ip", "route", "add", "default", "via", gateway, "dev", name, "onlink")
    if ipv6_gateway:
        for address in eni.ipv6_addresses:
            run("ip", "-6", "address", "add", f"{address}/64", "dev", name, "nodad")
        run("ip", "-6", "route", "add", "default", "via", ipv6_gateway, "dev", name, "onlink")


def reset_namespace():
    """Deletes every link except lo, all firewall rules, and all routing rules that ipamd added."""
    for line in run("ip", "-oneline", "link").splitlines():
        name = line.split(":")[1].strip().split("@")[0]
        if name != "lo":
            run("ip", "link", "del", name, check=False)  # also deletes the other end of a pair
    run("ip", "link", "set", "lo", "up")
    empty = "".join(f"*{table}\nCOMMIT\n" for table in ("filter", "nat", "mangle"))
    for family, restore in (("-4", "iptables-restore"), ("-6", "ip6tables-restore")):
        run(restore, text=empty)
        run("ip", family, "rule", "flush", check=False)
        for priority, table in (("0", "local"), ("32766", "main"), ("32767", "default")):
            run("ip", family, "rule", "add", "from", "all", "lookup", table, "priority", priority, check=False)
