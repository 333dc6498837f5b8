"""Tests of packaging/dist.sh with small stand-ins for the built artefacts, and of the terminal recording. They need no
compiler. `make lint` runs these tests; `make release` builds the real artefacts."""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSION = subprocess.run([ROOT / "packaging/version.sh"], check=True, capture_output=True, text=True).stdout.strip()
BUILT = f"""\
release/eni-bootstrap
release/kubectl-eni
aarch64-unknown-linux-gnu/release/eni-bootstrap
aarch64-unknown-linux-gnu/release/kubectl-eni
packages/eni-bootstrap_{VERSION}-1_amd64.deb
packages/eni-bootstrap_{VERSION}-1_arm64.deb
packages/eni-bootstrap-{VERSION}-1.x86_64.rpm
packages/eni-bootstrap-{VERSION}-1.aarch64.rpm
documents/eni-bootstrap-amd64.cdx.json
documents/eni-bootstrap-arm64.cdx.json
documents/third-party-licenses
documents-operator/plugin/kubectl-eni-amd64.cdx.json
documents-operator/plugin/kubectl-eni-arm64.cdx.json
documents-operator/plugin/third-party-licenses
documents-operator/plugin/kubectl-eni.1
documents-operator/plugin/kubectl-eni
documents-operator/plugin/_kubectl-eni
documents-operator/plugin/kubectl-eni.fish
documents-operator/plugin/kubectl_complete-eni
image/eni-bootstrap.tar
image-operator/kubectl-eni.tar
""".split()
RELEASED = f"""\
LICENSE
SHA256SUMS
eni-bootstrap-{VERSION}-1.aarch64.rpm
eni-bootstrap-{VERSION}-1.x86_64.rpm
eni-bootstrap-{VERSION}.tgz
eni-bootstrap-aarch64
eni-bootstrap-amd64.cdx.json
eni-bootstrap-arm64.cdx.json
eni-bootstrap-image-{VERSION}.tar
eni-bootstrap-x86_64
eni-bootstrap_{VERSION}-1_amd64.deb
eni-bootstrap_{VERSION}-1_arm64.deb
eni.yaml
kubectl-eni-amd64.cdx.json
kubectl-eni-arm64.cdx.json
kubectl-eni-image-{VERSION}.tar
kubectl-eni-linux-amd64.tar.gz
kubectl-eni-linux-arm64.tar.gz
rbac-operator.yaml
rbac.yaml
settings.schema.json
third-party-licenses-eni-bootstrap.txt
third-party-licenses-kubectl-eni.txt
""".split()


class Release(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name in BUILT:
            file = self.folder / "target" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{name}\n", encoding="utf-8")

    def dist(self, name, **variables):
        """Runs dist.sh. Returns its result and the contents of the folder by file name."""
        output = self.folder / name
        command = [ROOT / "packaging/dist.sh", self.folder / "target", output]
        environment = {"SOURCE_DATE_EPOCH": "1", "HOMEPAGE": "https://a.example", **variables}
        result = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
        return result, {file.name: file.read_bytes() for file in output.iterdir()}

    def test_the_folder_contains_every_artefact_and_two_runs_are_identical(self):
        (result, files), (_, again) = self.dist("first"), self.dist("second")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(sorted(files), sorted(RELEASED))
        self.assertEqual(files, again)
        check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
        subprocess.run(check, cwd=self.folder / "first", check=True)
        listed = [line.split("  ")[1] for line in files["SHA256SUMS"].decode().splitlines()]
        self.assertEqual(sorted(listed), sorted(set(RELEASED) - {"SHA256SUMS"}))
        self.assertEqual(files["eni-bootstrap-aarch64"], b"aarch64-unknown-linux-gnu/release/eni-bootstrap\n")

    def test_the_manifest_and_the_chart_belong_to_the_release(self):
        downloads = f"https://github.com/example/eni-bootstrap/releases/download/v{VERSION}"
        _, files = self.dist("first", DOWNLOADS=downloads)
        manifest, sums = files["eni.yaml"].decode(), files["SHA256SUMS"].decode()
        for architecture in ("amd64", "arm64"):
            archive = f"kubectl-eni-linux-{architecture}.tar.gz"
            (checksum,) = [line.split()[0] for line in sums.splitlines() if line.endswith(f" {archive}")]
            self.assertIn(f'      uri: "{downloads}/{archive}"\n      sha256: "{checksum}"\n', manifest)
        self.assertNotIn("@", manifest)
        with tarfile.open(self.folder / f"first/eni-bootstrap-{VERSION}.tgz") as chart:
            text = chart.extractfile("eni-bootstrap/Chart.yaml").read().decode()
        self.assertIn(f'\nversion: {VERSION}\nappVersion: "{VERSION}"\n', text)

    def test_a_missing_artefact_is_an_error(self):
        (self.folder / "target/image/eni-bootstrap.tar").unlink()
        result, _ = self.dist("first")
        expected = f"dist.sh: {self.folder}/target/image/eni-bootstrap.tar not found; run `make release` to build it\n"
        self.assertEqual((result.returncode, result.stderr), (1, expected))

    def test_a_folder_with_files_is_an_error(self):
        self.dist("first")
        result, _ = self.dist("first")
        self.assertEqual((result.returncode, result.stderr), (1, f"dist.sh: {self.folder}/first is not empty\n"))

    @unittest.skipUnless(shutil.which("gpg") or os.environ.get("REQUIRE_REAL") == "1", "needs gpg (Debian package gnupg)")
    def test_a_user_verifies_the_signature_of_the_checksums(self):
        def gpg(*arguments):
            command = ["gpg", "--homedir", self.folder, "--batch", "--pinentry-mode", "loopback", "--passphrase", "secret"]
            return subprocess.run([*command, *arguments], capture_output=True)

        gpg("--quick-generate-key", "release@example.com", "ed25519", "sign", "never")
        key = self.folder / "key.asc"
        key.write_bytes(gpg("--armor", "--export-secret-keys").stdout)
        result, files = self.dist("first", SIGNING_KEY=str(key), SIGNING_PASSPHRASE="secret")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(sorted(files), sorted([*RELEASED, "SHA256SUMS.asc"]))
        sums = self.folder / "first/SHA256SUMS"
        verify = ("--verify", f"{sums}.asc", sums)
        self.assertEqual(gpg(*verify).returncode, 0)
        sums.write_bytes(files["SHA256SUMS"].replace(b"LICENSE", b"license"))
        self.assertEqual(gpg(*verify).returncode, 1)
        subprocess.run(["gpgconf", "--homedir", self.folder, "--kill", "all"], check=False)


class Recording(unittest.TestCase):
    def test_the_picture_is_drawn_from_the_recording(self):
        folder = ROOT / "docs/pictures"
        with tempfile.TemporaryDirectory() as temporary:
            drawn = Path(temporary) / "demo.svg"
            command = [sys.executable, folder / "record.py", "draw", folder / "demo.cast", drawn]
            subprocess.run(command, check=True)
            self.assertEqual(drawn.read_text(encoding="utf-8"), (folder / "demo.svg").read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
