#!/bin/bash
# Configures the kubelet of a node in the way of bootstrap.sh of Amazon Linux 2, below the directory $ROOT, and
# waits for the ENIConfig as user data does.
#
# It makes the same calls as bootstrap.sh for the configuration of the kubelet: curl for each item of the
# instance metadata, and the AWS CLI. It omits what bootstrap.sh does besides: it does not wait for the state of
# the cluster, run the kubelet or containerd, or change units of systemd, and it writes the configuration of the
# kubelet with one jq instead of seven. So the real script takes longer.
#
# Environment: ROOT, CLUSTER, IMDS (the URL of the instance metadata service), and the variables of the AWS CLI.
# API_ENDPOINT and CLUSTER_CA are the flags --apiserver-endpoint and --b64-cluster-ca. Without them, it calls
# eks:DescribeCluster.
set -euo pipefail

token=$(curl -sf -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 900" "$IMDS/latest/api/token")
imds() { curl -sf -H "X-aws-ec2-metadata-token: $token" "$IMDS/latest/$1"; }
region=$(imds dynamic/instance-identity/document | jq -r .region)

if [[ -z ${API_ENDPOINT:-} ]]; then
    aws eks describe-cluster --region "$region" --name "$CLUSTER" --output text \
        --query 'cluster.{ca: certificateAuthority.data, endpoint: endpoint}' >"$ROOT/tmp/cluster"
    read -r CLUSTER_CA API_ENDPOINT <"$ROOT/tmp/cluster"
fi
base64 -d <<<"$CLUSTER_CA" >"$ROOT/etc/kubernetes/pki/ca.crt"
sed -i "s,MASTER_ENDPOINT,$API_ENDPOINT,g; s,AWS_REGION,$region,g; s,CLUSTER_NAME,$CLUSTER,g" \
    "$ROOT/var/lib/kubelet/kubeconfig"

mac=$(imds meta-data/mac)
cluster_dns=10.100.0.10
if imds "meta-data/network/interfaces/macs/$mac/vpc-ipv4-cidr-blocks" | grep -q '^10\.'; then cluster_dns=172.20.0.10; fi
address=$(imds meta-data/local-ipv4)
type=$(imds meta-data/instance-type)
zone=$(imds meta-data/placement/availability-zone)
id=$(imds meta-data/instance-id)

max_pods=$(awk "/^$type/"' { print $2 }' "$ROOT/etc/eks/eni-max-pods.txt")
memory=$((11 * max_pods + 255))
cpu_of() { # the share $3 (in 1/10000) of the CPU between $1 and $2
    local total=$(($(nproc) * 1000))
    echo $((total > $1 ? ((total < $2 ? total : $2) - $1) * $3 / 10000 : 0))
}
cpu=$(($(cpu_of 0 1000 600) + $(cpu_of 1000 2000 100) + $(cpu_of 2000 4000 50) + $(cpu_of 4000 1000000 25)))
config=$ROOT/etc/kubernetes/kubelet/kubelet-config.json
configured=$(jq --arg dns "$cluster_dns" --arg memory "${memory}Mi" --arg cpu "${cpu}m" --argjson pods "$max_pods" \
    --arg provider "aws:///$zone/$id" '.clusterDNS = [$dns] | .maxPods = $pods | .providerID = $provider
    | .kubeReserved = {cpu: $cpu, "ephemeral-storage": "1Gi", memory: $memory}' "$config")
echo "$configured" >"$config"

name=$(aws ec2 describe-instances --region "$region" --instance-ids "$id" --output text \
    --query 'Reservations[].Instances[].PrivateDnsName')
mkdir -p "$ROOT/etc/systemd/system/kubelet.service.d"
cat >"$ROOT/etc/systemd/system/kubelet.service.d/10-kubelet-args.conf" <<UNIT
[Service]
Environment='KUBELET_ARGS=--node-ip=$address --v=2 --hostname-override=$name --cloud-provider=external'
UNIT

bearer=$(aws eks get-token --region "$region" --cluster-name "$CLUSTER" | jq -r .status.token)
until curl -sf --cacert "$ROOT/etc/kubernetes/pki/ca.crt" -H "Authorization: Bearer $bearer" \
    "$API_ENDPOINT/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs/$zone"; do
    sleep 2
done
