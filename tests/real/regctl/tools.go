//go:build tools

// Package tools keeps regctl in the requirements of this module.
package tools

import _ "github.com/regclient/regclient/cmd/regctl"
