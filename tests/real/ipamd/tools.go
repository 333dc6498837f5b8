//go:build tools

// Package tools keeps ipamd in the requirements of this module.
package tools

import _ "github.com/aws/amazon-vpc-cni-k8s/cmd/aws-k8s-agent"
