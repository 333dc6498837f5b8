//go:build tools

// Package tools keeps nfpm in the requirements of this module.
package tools

import _ "github.com/goreleaser/nfpm/v2/cmd/nfpm"
