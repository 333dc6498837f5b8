#!/bin/bash
# Usage: max-pods-calculator.sh INSTANCE_TYPE
#
# Prints max-pods in the way of max-pods-calculator.sh of Amazon Linux 2: one call of the AWS CLI, jq for each
# value of its response, and sort for each minimum.
set -euo pipefail

limits=$(aws ec2 describe-instance-types --instance-types "$1" --output json \
    --query 'InstanceTypes[0].{Hypervisor: Hypervisor, NetworkInfo: NetworkInfo, CpuCount: VCpuInfo.DefaultVCpus}')
value() { jq -r "$1" <<<"$limits"; }
minimum() { printf '%s\n' "$@" | sort -g | head -n 1; }

hypervisor=$(value .Hypervisor)
card=$(value .NetworkInfo.DefaultNetworkCardIndex)
interfaces=$(value ".NetworkInfo.NetworkCards[$card].MaximumNetworkInterfaces")
addresses=$(value .NetworkInfo.Ipv4AddressesPerInterface)
cpus=$(value .CpuCount)

slot=1
if [[ $hypervisor == nitro && ${PREFIX_DELEGATION:-false} == true ]]; then slot=16; fi
ceiling=110
if ((cpus > 30)); then ceiling=250; fi
minimum $ceiling $((interfaces * (addresses - 1) * slot + 2))
