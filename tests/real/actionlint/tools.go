//go:build tools

// Package tools keeps actionlint in the requirements of this module.
package tools

import _ "github.com/rhysd/actionlint/cmd/actionlint"
