//go:build tools

// Package tools keeps helm in the requirements of this module.
package tools

import _ "helm.sh/helm/v4/cmd/helm"
