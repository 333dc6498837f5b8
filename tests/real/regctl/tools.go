//go:build tools

// Package tools keeps the tool's command among the requirements of this module.
package tools

import _ "github.com/regclient/regclient/cmd/regctl"
