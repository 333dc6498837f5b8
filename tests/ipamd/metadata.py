"""An instance metadata service (IMDSv2 only) with the current state of moto's EC2."""

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ec2 import LOCK, interfaces

TOKEN_PATH = "/latest/api/token"
CREDENTIALS = {
    "Code": "Success",
    "Type": "AWS-HMAC",
    "AccessKeyId": "node",
    "SecretAccessKey": "node",
    "Token": "node",
    "Expiration": "2099-01-01T00:00:00Z",
}


def interface_items(eni):
    """Returns the metadata of one network interface."""
    vpc = eni.ec2_backend.get_vpc(eni.vpc_id)
    items = {
        "device-number": str(eni.device_index),
        "interface-id": eni.id,
        "mac": eni.mac_address,
        "owner-id": eni.owner_id,
        "security-group-ids": "\n".join(group.id for group in eni.group_set),
        "subnet-id": eni.subnet.id,
        "vpc-id": eni.vpc_id,
        "vpc-ipv4-cidr-block": vpc.cidr_block,
        "vpc-ipv4-cidr-blocks": "\n".join(it["cidr_block"] for it in vpc.get_cidr_block_association_set()),
    }
    if eni.private_ip_addresses:
        items["local-ipv4s"] = "\n".join(it["PrivateIpAddress"] for it in eni.private_ip_addresses)
        items["subnet-ipv4-cidr-block"] = eni.subnet.cidr_block
    if eni.ipv4_prefixes:
        items["ipv4-prefix"] = "\n".join(it["Ipv4Prefix"] for it in eni.ipv4_prefixes)
    if eni.ipv6_addresses:
        subnet = eni.subnet.ipv6_cidr_block_associations.values()
        items["ipv6s"] = "\n".join(eni.ipv6_addresses)
        items["subnet-ipv6-cidr-blocks"] = "\n".join(it["ipv6CidrBlock"] for it in subnet)
        items["vpc-ipv6-cidr-blocks"] = "\n".join(
            it["cidr_block"] for it in vpc.get_cidr_block_association_set(ipv6=True)
        )
    if eni.ipv6_prefixes:
        items["ipv6-prefix"] = "\n".join(it["Ipv6Prefix"] for it in eni.ipv6_prefixes)
    return items


def items(instance):
    """Returns every path below /latest/ with its text."""
    attached = interfaces(instance)
    primary = attached[0]
    zone = primary.subnet.availability_zone
    paths = {
        "dynamic/instance-identity/document": json.dumps(
            {
                "accountId": instance.owner_id,
                "architecture": "x86_64",
                "availabilityZone": zone,
                "imageId": instance.image_id,
                "instanceId": instance.id,
                "instanceType": instance.instance_type,
                "privateIp": primary.private_ip_address,
                "region": zone[:-1],
                "version": "2017-09-30",
            }
        ),
        "meta-data/ami-id": instance.image_id,
        "meta-data/iam/security-credentials/node": json.dumps(CREDENTIALS),
        "meta-data/instance-id": instance.id,
        "meta-data/instance-type": instance.instance_type,
        "meta-data/local-ipv4": primary.private_ip_address,
        "meta-data/local-hostname": f"ip-{primary.private_ip_address.replace('.', '-')}.ec2.internal",
        "meta-data/mac": primary.mac_address,
        "meta-data/placement/availability-zone": zone,
        "meta-data/placement/availability-zone-id": primary.subnet.availability_zone_id,
        "meta-data/placement/region": zone[:-1],
        "meta-data/services/domain": "amazonaws.com",
        "meta-data/services/partition": "aws",
    }
    if primary.ipv6_addresses:
        paths["meta-data/ipv6"] = primary.ipv6_addresses[0]
    several_cards = any(it.network_card_index for it in attached)
    for eni in attached:
        base = f"meta-data/network/interfaces/macs/{eni.mac_address}/"
        paths |= {base + name: text for name, text in interface_items(eni).items()}
        if several_cards:
            paths[base + "network-card"] = str(eni.network_card_index)
    return paths


def lookup(paths, path):
    """Returns the text of an item or the list of a directory, or None."""
    path = path.strip("/")
    if path in paths:
        return paths[path]
    names = {}
    for item in paths:
        if item.startswith(path + "/"):
            first, *rest = item.removeprefix(path + "/").split("/")
            names[first + "/" * bool(rest)] = None
    return "\n".join(names) or None


class Metadata:
    """The metadata service of `instance`, which the caller sets and replaces."""

    def __init__(self, host, port):
        service = self
        self.instance = None
        self.tokens = set()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def reply(self, status, text="", headers=()):
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_PUT(self):
                if self.path != TOKEN_PATH:
                    return self.reply(404)
                token = secrets.token_urlsafe(32)
                service.tokens.add(token)
                return self.reply(200, token, [("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")])

            def do_GET(self):
                if self.headers.get("X-aws-ec2-metadata-token") not in service.tokens:
                    return self.reply(401)
                with LOCK:
                    text = lookup(items(service.instance), self.path.removeprefix("/latest/"))
                return self.reply(404, "not found") if text is None else self.reply(200, text)

            def log_message(self, *_):
                """Logs nothing."""

        server = ThreadingHTTPServer((host, port), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
