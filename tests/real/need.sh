#!/bin/bash
# need.sh COMMAND=PACKAGE[,PACKAGE…]…  Sees to it that each command is there. Where root may run
# apt-get it installs the packages of those that are not; elsewhere it names them and fails.
set -euo pipefail

packages=()
for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null && continue
    IFS=, read -ra more <<<"${pair#*=}"
    packages+=("${more[@]}")
done
((${#packages[@]})) || exit 0

if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "missing: ${packages[*]} (Debian's package names). Install them, or run this as root on Debian." >&2
    exit 1
fi
echo "Installing ${packages[*]} with apt-get (usually under a minute)." >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq </dev/null >&2
apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null >&2
