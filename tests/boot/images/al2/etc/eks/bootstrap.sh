#!/bin/bash
# Simulates bootstrap.sh of Amazon Linux 2: it writes the same files and starts the kubelet in the same
# way.
set -euo pipefail

cluster='' endpoint='' authority='' extra=''
while (($#)); do
    case $1 in
    --apiserver-endpoint) endpoint=$2 && shift ;;
    --b64-cluster-ca) authority=$2 && shift ;;
    --kubelet-extra-args) extra=$2 && shift ;;
    --use-max-pods) shift ;;
    *) cluster=$1 ;;
    esac
    shift
done

mkdir -p /etc/kubernetes/pki /etc/systemd/system/kubelet.service.d
base64 --decode <<<"$authority" >/etc/kubernetes/pki/ca.crt
sed -i "s,MASTER_ENDPOINT,$endpoint,; s,CLUSTER_NAME,$cluster,; s,AWS_REGION,us-west-2," \
    /var/lib/kubelet/kubeconfig
cp /etc/eks/containerd/kubelet-containerd.service /etc/systemd/system/kubelet.service
printf "[Service]\nEnvironment='KUBELET_ARGS=%s'\n" '--node-ip=10.20.0.10 --v=2' \
    >/etc/systemd/system/kubelet.service.d/10-kubelet-args.conf
if [[ -n $extra ]]; then
    printf "[Service]\nEnvironment='KUBELET_EXTRA_ARGS=%s'\n" "$extra" \
        >/etc/systemd/system/kubelet.service.d/30-kubelet-extra-args.conf
fi
systemctl daemon-reload
systemctl enable kubelet
systemctl start kubelet
