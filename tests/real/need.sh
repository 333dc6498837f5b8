#!/bin/bash
# Usage: need.sh COMMAND=PACKAGE[,PACKAGE…]…
#
# Checks that every COMMAND exists. If a command is missing, the script installs its packages with
# apt-get. Without root or apt-get, it prints the missing packages and fails. Only one process installs
# packages at a time, because apt-get fails while another apt-get runs.
set -euo pipefail

packages=()
for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null && continue
    IFS=, read -ra more <<<"${pair#*=}"
    packages+=("${more[@]}")
done
((${#packages[@]})) || exit 0

if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "missing packages (Debian names): ${packages[*]}; install them, or run this command as root on Debian" >&2
    exit 1
fi
echo "Installing ${packages[*]} with apt-get (usually under a minute)." >&2
export DEBIAN_FRONTEND=noninteractive
exec {lock}<"${BASH_SOURCE[0]}"
flock "$lock"
apt-get update -qq </dev/null >&2
apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null >&2
