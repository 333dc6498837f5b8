//go:build tools

// Package tools keeps toxiproxy in the requirements of this module.
package tools

import _ "github.com/Shopify/toxiproxy/v2/cmd/server"
