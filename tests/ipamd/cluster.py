"""A kube-apiserver with its own etcd and the objects of the VPC CNI's chart, for one worker."""

import base64
import datetime
import ipaddress
import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "real"
NODE = "node-1"
ADDRESS, PORT, ETCD_PORT, WEBHOOK_PORT = "127.0.0.1", 6443, 2379, 6444
# How long the API server may take to start, in seconds.
TIMEOUT = 600
ENI_CONFIGS = "/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs"
CNI_NODES = "/apis/vpcresources.k8s.aws/v1alpha1/cninodes"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
USERS = {
    "admin": ("admin", "system:masters"),
    "node": (f"system:node:{NODE}", "system:nodes"),
    "cni": ("system:serviceaccount:kube-system:aws-node", "system:serviceaccounts"),
}


def sign(common_name, key, issuer, issuer_key, extension):
    """Returns a certificate as PEM."""

    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(
        subject_name=name(common_name),
        issuer_name=name(issuer),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - datetime.timedelta(days=1),
        not_valid_after=now + datetime.timedelta(days=1),
    ).add_extension(extension, critical=True)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def write_identity(folder):
    """Writes the certificate of the API server and its key. Returns the certificate authority as PEM."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    # rustls does not accept the certificate of an authority as that of a server, so there are two.
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    authority = sign("authority", authority_key, "authority", authority_key, constraints)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESS))])
    certificate = sign("kube-apiserver", key, "authority", authority_key, names)
    (folder / "certificate.pem").write_bytes(certificate)
    (folder / "authority.pem").write_bytes(authority)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return authority


def start_token_webhook():
    """Accepts every EKS token as one of the node, without checking its signature."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            valid = review["spec"]["token"].startswith("k8s-aws-v1.")
            user, group = USERS["node"]
            review["status"] = {"authenticated": valid}
            if valid:
                review["status"]["user"] = {"username": user, "groups": [group, "system:authenticated"]}
            body = json.dumps(review).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Logs nothing."""

    server = ThreadingHTTPServer((ADDRESS, WEBHOOK_PORT), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def kubeconfig(cluster, user):
    """Returns a kubeconfig with one context."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": NAME,
            "clusters": [{"name": NAME, "cluster": cluster}],
            "users": [{"name": NAME, "user": user}],
            "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
        }
    )


class Cluster:
    """The API server, with a client that has all permissions."""

    def __init__(self, folder: Path, programs: Path, chart: Path, rbac: Path):
        self.folder = folder
        self.url = f"https://{ADDRESS}:{PORT}"
        self.authority = base64.b64encode(write_identity(folder)).decode()
        tokens = (f"{name}-token,{user},,{group}\n" for name, (user, group) in USERS.items())
        (folder / "tokens.csv").write_text("".join(tokens))
        webhook = {"server": f"http://{ADDRESS}:{WEBHOOK_PORT}"}
        (folder / "webhook.json").write_text(kubeconfig(webhook, {}))
        start_token_webhook()
        self.processes = [self.start("etcd", self.etcd_command(programs))]
        self.processes.append(self.start("kube-apiserver", self.api_server_command(programs)))
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = str(folder / "authority.pem")
        self.http.headers["Authorization"] = "Bearer admin-token"
        self.wait_until_ready()
        self.install(chart, rbac)

    def start(self, name, command):
        """Starts a server that writes its output to a file in the folder."""
        with (self.folder / f"{name}.log").open("w") as log:
            return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def etcd_command(self, programs):
        """Returns the command of etcd."""
        url = f"http://{ADDRESS}:{ETCD_PORT}"
        return [
            str(programs / "etcd"),
            f"--data-dir={self.folder / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            f"--listen-peer-urls=http://{ADDRESS}:0",
        ]

    def api_server_command(self, programs):
        """Returns the command of the API server, with the flags of the other tests (tests/real-parts)."""
        return [
            str(programs / "kube-apiserver"),
            f"--tls-cert-file={self.folder}/certificate.pem",
            f"--tls-private-key-file={self.folder}/key.pem",
            f"--service-account-key-file={self.folder}/certificate.pem",
            f"--service-account-signing-key-file={self.folder}/key.pem",
            f"--token-auth-file={self.folder}/tokens.csv",
            f"--authentication-token-webhook-config-file={self.folder}/webhook.json",
            "--authentication-token-webhook-version=v1",
            f"--etcd-servers=http://{ADDRESS}:{ETCD_PORT}",
            f"--bind-address={ADDRESS}",
            f"--secure-port={PORT}",
            # The default is the address of the default route, which this namespace does not have yet.
            "--advertise-address=192.0.2.1",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.100.0.0/16",
            "--endpoint-reconciler-type=none",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            # This plugin waits for service accounts, which no controller creates here.
            "--disable-admission-plugins=ServiceAccount",
        ]

    def wait_until_ready(self):
        """Waits until the API server is ready and has created the namespace kube-system."""
        deadline = time.monotonic() + TIMEOUT
        paths = ["/readyz", "/api/v1/namespaces/kube-system"]
        while True:
            if any(process.poll() is not None for process in self.processes) or time.monotonic() > deadline:
                logs = [(self.folder / f"{it}.log").read_text()[-2000:] for it in ("etcd", "kube-apiserver")]
                raise RuntimeError("the API server did not start:\n" + "\n".join(logs))
            try:
                if all(self.http.get(self.url + path, timeout=60).ok for path in paths):
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)

    def install(self, chart, rbac):
        """Creates the CRDs and permissions of the VPC CNI's chart, and those of packaging/rbac.yaml."""
        wanted = ("eniconfigs.crd.k8s.amazonaws.com", "cninodes.vpcresources.k8s.aws")
        for name in ("customresourcedefinition.yaml", "vpcresources.k8s.aws_cninodes.yaml"):
            for crd in yaml.safe_load_all((chart / name).read_text()):
                if crd and crd["metadata"]["name"] in wanted:
                    self.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        # The template's only conditions are about labels, and about the permission to patch pods.
        lines = (chart / "clusterrole.yaml").read_text().splitlines()
        role = yaml.safe_load("\n".join(it for it in lines if "{{" not in it and it != "  labels:"))
        role["metadata"] = {"name": "aws-node"}
        self.replace(f"{RBAC}/clusterroles", role)
        binding = {
            "metadata": {"name": "aws-node"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "aws-node"},
            "subjects": [{"kind": "ServiceAccount", "name": "aws-node", "namespace": "kube-system"}],
        }
        self.replace(f"{RBAC}/clusterrolebindings", binding)
        for item in filter(None, yaml.safe_load_all(rbac.read_text())):
            namespace = item["metadata"].get("namespace")
            scope = f"/namespaces/{namespace}" if namespace else ""
            self.replace(f"{RBAC}{scope}/{item['kind'].lower()}s", item)
        for path in (ENI_CONFIGS, CNI_NODES):
            while "items" not in self.request("GET", path, missing=True):
                time.sleep(0.1)

    def kubeconfig_of(self, user):
        """Writes a kubeconfig for a user of `USERS`, and returns its path."""
        path = self.folder / f"{user}.kubeconfig"
        cluster = {"server": self.url, "certificate-authority-data": self.authority}
        path.write_text(kubeconfig(cluster, {"token": f"{user}-token"}))
        return str(path)

    def request(self, method, path, body=None, *, missing=False, content_type="application/json"):
        """Sends a request and returns the response. With `missing`, 404 and 429 are no errors."""
        response = self.http.request(
            method,
            self.url + path,
            data=None if body is None else json.dumps(body),
            headers={"Content-Type": content_type},
            timeout=300,
        )
        if not response.ok and not (missing and response.status_code in (404, 429)):
            raise RuntimeError(f"{method} {path}: {response.status_code} {response.text}")
        return response.json()

    def replace(self, collection, item):
        """Deletes the object if it exists, and creates it."""
        path = f"{collection}/{item['metadata']['name']}?gracePeriodSeconds=0"
        self.request("DELETE", path, missing=True)
        return self.request("POST", collection, item)

    def stop(self):
        """Stops both servers."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()
