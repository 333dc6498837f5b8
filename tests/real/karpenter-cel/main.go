// Evaluates CEL expressions with Karpenter's own package pkg/cel, which install.sh copies from the Go module
// into the folder cel.
//
// The first line on stdin is a JSON list of instance types with their variables, and each further line is a JSON
// object with an expression. Each line on stdout is a JSON list with the result of an expression for each
// instance type.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	"eni-bootstrap/tests/real/karpenter-cel/cel"
)

// request is one expression. If Resource is set, it is a quantity of kubeReserved, and the result is a quantity such
// as "1472Mi". MaxPods replaces the variable of each instance type.
type request struct {
	Expression string
	Resource   string
	MaxPods    []int64
}

func main() {
	environment, err := cel.NewEnvironment()
	if err != nil {
		log.Fatal(err)
	}
	requests := json.NewDecoder(os.Stdin)
	var types []cel.InstanceTypeVars
	if err := requests.Decode(&types); err != nil {
		log.Fatal(err)
	}
	results := json.NewEncoder(os.Stdout)
	for {
		var next request
		if err := requests.Decode(&next); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		values := make([]any, len(types))
		for index, variables := range types {
			if next.MaxPods != nil {
				variables.MaxPods = next.MaxPods[index]
			}
			if values[index], err = evaluate(environment, next, variables); err != nil {
				log.Fatal(err)
			}
		}
		if err := results.Encode(values); err != nil {
			log.Fatal(err)
		}
	}
}

// evaluate returns the number of pods, or the quantity of a resource.
func evaluate(environment *cel.CELEnvironment, next request, variables cel.InstanceTypeVars) (any, error) {
	if next.Resource == "" {
		return environment.EvaluateExpression(next.Expression, variables)
	}
	resolved, err := environment.ResolveResourceMap(
		context.Background(),
		map[string]string{next.Resource: next.Expression},
		func() (cel.InstanceTypeVars, error) { return variables, nil },
	)
	return resolved[next.Resource], err
}
