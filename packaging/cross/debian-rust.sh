#!/bin/bash
# Usage: debian-rust.sh FOLDER
#
# Downloads Debian's Rust compiler to FOLDER, with the standard libraries for this machine and for arm64.
# The compiler is FOLDER/bin/rustc. Use it if the installed Rust cannot build for arm64. The script
# downloads a complete compiler, because a standard library works only with the compiler that built it.
#
# The script changes nothing outside FOLDER and does not need root. It downloads separate apt package
# lists, which include arm64, from the machine's apt sources. It unpacks the packages and does not install
# them.
set -euo pipefail

fail() {
    printf 'debian-rust.sh: %s\n' "$1" >&2
    exit 1
}

(($# == 1)) || { echo "usage: debian-rust.sh FOLDER" >&2; exit 64; }
folder=$1
required=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "${BASH_SOURCE[0]}")/../../Cargo.toml")
alternative="add the target to your own Rust, for example: rustup target add aarch64-unknown-linux-gnu"
for program in apt-get dpkg-deb; do
    command -v "$program" >/dev/null || fail "$program not found; it is needed to download Debian's Rust; $alternative"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists,cache/archives}/partial "$work/debs" "$folder/bin"
# These settings extend the machine's own apt settings, such as the proxy.
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

# Find a package that is new enough. Debian has a second, newer Rust (rustc-web) for its browsers.
is_new_enough() { printf '%s\n' "$required" "$1" | sort --check=quiet --version-sort; }
candidate() { apt cache policy "$1" | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'; }
compiler='' available=''
for pair in rustc=libstd-rust-dev rustc-web=libstd-rust-web-dev; do
    version=$(candidate "${pair%=*}")
    [[ -n $version ]] || continue
    available+="; ${pair%=*} $version"
    is_new_enough "${version#*:}" || continue
    if [[ $(candidate "${pair#*=}") != "$version" || $(candidate "${pair#*=}:arm64") != "$version" ]]; then
        available+=" without ${pair#*=} for both architectures"
        continue
    fi
    compiler=${pair%=*} library=${pair#*=} built=$version
done
[[ -n $compiler ]] ||
    fail "Rust $required or later is not in the apt sources of this machine${available/#;/:}; $alternative"

# Download the compiler and its libraries, except the C library: the compiler uses the machine's own.
mapfile -t needed < <(apt cache depends --recurse --no-{recommends,suggests,conflicts,breaks,replaces,enhances} "$library" |
    grep -E '^[a-z0-9][^:]*$' | grep -vxE 'libc6|gcc-.*-base' | sort -u)
(cd "$work/debs" && apt get download -qq "$compiler=$built" "${needed[@]}" "$library:arm64=$built" >&2)
for deb in "$work"/debs/*.deb; do
    dpkg-deb --extract "$deb" "$folder"
    # shellcheck disable=SC2016 # dpkg-deb expands these variables
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
