//go:build tools

// Package tools keeps etcd and kube-apiserver in the requirements of this module.
package tools

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
)
