#!/bin/bash
# debian-rust.sh FOLDER  Puts Debian's Rust in FOLDER, with the standard library for arm64 beside this
# machine's: FOLDER/bin/rustc. For a machine whose own Rust cannot build for arm64; it comes as a whole,
# because a standard library belongs to the one compiler that built it.
#
# Nothing of the machine is changed, and it need not be root's: apt reads the machine's sources into
# lists of its own, which also know of arm64, and the packages are unpacked, not installed.
set -euo pipefail

fail() {
    printf 'debian-rust.sh: %s\n' "$1" >&2
    exit 1
}

(($# == 1)) || { echo "usage: debian-rust.sh FOLDER" >&2; exit 64; }
folder=$1
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "${BASH_SOURCE[0]}")/../../Cargo.toml")
otherwise="give your own Rust the target, as with: rustup target add aarch64-unknown-linux-gnu"
for program in apt-get dpkg-deb; do
    command -v "$program" >/dev/null || fail "this machine has no $program to take Debian's Rust with; $otherwise"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists,cache/archives}/partial "$work/debs" "$folder/bin"
# On top of the machine's own settings, of which proxies and the like are needed.
cat >"$work/apt.conf" <<END
Dir::State::Lists "$work/lists";
Dir::Cache "$work/cache";
APT::Architectures { "$(dpkg --print-architecture)"; "arm64"; };
APT::Sandbox::User "";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
apt() { "apt-$1" --config-file="$work/apt.conf" "${@:2}" </dev/null; }
apt get update -qq >&2

# As new as wanted? Debian has a second Rust, in step with what its browser needs.
as_new() { printf '%s\n' "$wanted" "$1" | sort --check=quiet --version-sort; }
candidate() { apt cache policy "$1" | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'; }
compiler='' found=''
for pair in rustc=libstd-rust-dev rustc-web=libstd-rust-web-dev; do
    version=$(candidate "${pair%=*}")
    [[ -n $version ]] || continue
    found+="; ${pair%=*} $version"
    as_new "${version#*:}" || continue
    if [[ $(candidate "${pair#*=}") != "$version" || $(candidate "${pair#*=}:arm64") != "$version" ]]; then
        found+=" but not its ${pair#*=} for both architectures"
        continue
    fi
    compiler=${pair%=*} library=${pair#*=} built=$version
done
[[ -n $compiler ]] ||
    fail "Rust $wanted or later is needed, and this machine's apt sources have none${found/#;/:}; $otherwise"

# With the libraries that the compiler itself needs, but for the C library: that is the machine's.
mapfile -t needed < <(apt cache depends --recurse --no-{recommends,suggests,conflicts,breaks,replaces,enhances} "$library" |
    grep -E '^[a-z0-9][^:]*$' | grep -vxE 'libc6|gcc-.*-base' | sort -u)
(cd "$work/debs" && apt get download -qq "$compiler=$built" "${needed[@]}" "$library:arm64=$built" >&2)
for deb in "$work"/debs/*.deb; do
    dpkg-deb --extract "$deb" "$folder"
    # shellcheck disable=SC2016 # dpkg-deb fills these in
    dpkg-deb --show --showformat '${Package}:${Architecture} ${Version}\n' "$deb" >>"$folder/packages.txt"
done
rm -rf "${folder:?}/usr/share"

cat >"$folder/bin/rustc" <<'END'
#!/bin/sh
folder=$(dirname "$(dirname "$(readlink -f "$0")")")
for libraries in "$folder"/usr/lib/*-linux-gnu "$folder"/lib/*-linux-gnu; do
    LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
export LD_LIBRARY_PATH
exec "$folder/usr/bin/rustc" "$@"
END
chmod +x "$folder/bin/rustc"
"$folder/bin/rustc" --version >&2
