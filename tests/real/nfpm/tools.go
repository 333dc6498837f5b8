//go:build tools

// Package tools keeps nfpm's command among the requirements of this module.
package tools

import _ "github.com/goreleaser/nfpm/v2/cmd/nfpm"
