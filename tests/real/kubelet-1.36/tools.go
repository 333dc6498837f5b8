//go:build tools

// Package tools keeps the kubelet's command among the requirements of this module.
package tools

import _ "k8s.io/kubernetes/cmd/kubelet"
