"""Compares the versions in docs/versions.md with the files that pin them, the version of the project with all other
files, and the names of tests in documents with the tests. `make lint` runs these tests."""

import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tested():
    """Returns the component, the version and the pin of each row of the table."""
    _, table = (ROOT / "docs/versions.md").read_text(encoding="utf-8").split("\n## Tested\n")
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    for row in rows:
        component, version, _, pin = [cell.strip() for cell in row.strip("|").split("|")]
        yield component, version, ROOT / pin


class Versions(unittest.TestCase):
    def test_each_pinned_version_is_in_the_page(self):
        # What stands before the version in its file.
        names = {
            "kube-apiserver": "k8s.io/kubernetes v", "kubelet": "k8s.io/kubernetes v", "etcd": "go.etcd.io/etcd/server/v3 v",
            "VPC CNI (ipamd)": "aws/amazon-vpc-cni-k8s v", "VPC resource controller": "amazon-vpc-resource-controller-k8s v",
            "Karpenter": "karpenter-provider-aws@v", "nodeadm": "amazon-eks-ami/nodeadm v0.0.0-", "eksnode": "\neksnode=",
            "Bottlerocket core kit": "core-kit ", "systemd": "systemctl --version) == \"systemd ", "Helm": "helm.sh/helm/v4 v",
            "moto": "\nmoto==", "AWS CLI": "\nawscli==", "EC2 metadata mock": "amazon-ec2-metadata-mock v", "Rust": 'rust-version = "',
        }
        rows = list(tested())
        self.assertEqual({component for component, _, _ in rows}, set(names))
        for component, version, pin in rows:
            files = sorted(path for path in pin.rglob("*") if path.is_file()) if pin.is_dir() else [pin]
            text = "\n".join(file.read_text(encoding="utf-8") for file in files)
            after = [rest.split()[0].rstrip('",;.') for rest in text.split(names[component])[1:]]
            self.assertIn(version, after, f"{component}: {pin} has another version")

    def test_only_one_file_contains_the_version(self):
        check = subprocess.run([ROOT / "packaging/version.sh", "check"], capture_output=True, text=True)
        self.assertEqual((check.returncode, check.stdout + check.stderr), (0, ""))

    def test_each_test_that_the_documents_name_exists(self):
        text = "".join((ROOT / page).read_text(encoding="utf-8") for page in ("docs/comparison.md", "RELEASE.md"))
        cases = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests/ipamd/cases").glob("*.py"))
        for names in re.findall(r'`make test-ipamd CASES="?([^"`]+)"?`', text):
            for name in names.split():
                self.assertIn(f'("{name}"', cases)
        names = set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){3,})`", text))
        self.assertGreater(len(names), 10)
        for name in names:
            found = subprocess.run(["git", "grep", "-q", f"fn {name}()", "--", "*.rs"], cwd=ROOT)
            self.assertEqual(found.returncode, 0, f"no test {name}")


if __name__ == "__main__":
    unittest.main()
