// Prints the tables of ipamd as CSV: the limits of each instance type, and whether ipamd keeps an
// interface for the trunk of security groups for pods.
package main

import (
	"encoding/csv"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"strconv"
	_ "unsafe" // for go:linkname

	cni "github.com/aws/amazon-vpc-cni-k8s/pkg/vpc"
	controller "github.com/aws/amazon-vpc-resource-controller-k8s/pkg/aws/vpc"
)

// The package exports no list of its instance types, only a lookup by name.
//
//go:linkname instanceNetworkingLimits github.com/aws/amazon-vpc-cni-k8s/pkg/vpc.instanceNetworkingLimits
var instanceNetworkingLimits map[string]cni.InstanceTypeLimits

// trunking returns what the resource controller's table lists for the type: "true", "false" or
// "unlisted". ipamd treats an unlisted type as compatible.
//
// Source: IsTrunkingCompatible in pkg/awsutils/awsutils.go of the VPC CNI.
func trunking(name string) string {
	if limits, ok := controller.Limits[name]; ok {
		return strconv.FormatBool(limits.IsTrunkingCompatible)
	}
	return "unlisted"
}

// defaultCard returns the interfaces of the default network card, and those of the other cards.
func defaultCard(limits cni.InstanceTypeLimits) (onDefault, others int64) {
	for _, card := range limits.NetworkCards {
		if card.NetworkCardIndex == int64(limits.DefaultNetworkCardIndex) {
			onDefault += card.MaximumNetworkInterfaces
		} else {
			others += card.MaximumNetworkInterfaces
		}
	}
	return onDefault, others
}

func main() {
	out := csv.NewWriter(os.Stdout)
	rows := [][]string{{
		"instance_type", "eni_limit", "ipv4_per_eni", "hypervisor", "bare_metal",
		"enis_default_card", "enis_other_cards", "trunking",
	}}
	for _, name := range slices.Sorted(maps.Keys(instanceNetworkingLimits)) {
		limits := instanceNetworkingLimits[name]
		onDefault, others := defaultCard(limits)
		rows = append(rows, []string{
			name, fmt.Sprint(limits.ENILimit), fmt.Sprint(limits.IPv4Limit), limits.HypervisorType,
			strconv.FormatBool(limits.IsBareMetal), fmt.Sprint(onDefault), fmt.Sprint(others), trunking(name),
		})
	}
	if err := out.WriteAll(rows); err != nil {
		log.Fatal(err)
	}
}
