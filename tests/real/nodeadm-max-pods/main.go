// Evaluates maxPodsExpression with nodeadm's own function. It is internal to nodeadm, so install.sh builds this
// program in a copy of nodeadm's module.
//
// The first line on stdin is a JSON list of instance types, and each further line is a JSON string with an
// expression. Each line on stdout is a JSON list with max-pods of each instance type, or null where nodeadm logs a
// warning and uses its default.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	"github.com/awslabs/amazon-eks-ami/nodeadm/internal/kubelet"
	"github.com/awslabs/amazon-eks-ami/nodeadm/internal/util"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func main() {
	var warnings int
	zap.ReplaceGlobals(zap.New(zapcore.RegisterHooks(
		zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zap.WarnLevel),
		func(zapcore.Entry) error { warnings++; return nil },
	)))
	requests := json.NewDecoder(os.Stdin)
	var types []util.InstanceInfo // with the field names of nodeadm's table
	if err := requests.Decode(&types); err != nil {
		log.Fatal(err)
	}
	results := json.NewEncoder(os.Stdout)
	for {
		var expression string
		if err := requests.Decode(&expression); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		// nodeadm compiles the expression each time, and many instance types have the same network interfaces.
		known := map[util.InstanceInfo]*int32{}
		values := make([]*int32, len(types))
		for index, instanceType := range types {
			instanceType.InstanceType = ""
			value, ok := known[instanceType]
			if !ok {
				warnings = 0
				if result := kubelet.CalcMaxPods(instanceType, expression); warnings == 0 {
					value = &result
				}
				known[instanceType] = value
			}
			values[index] = value
		}
		if err := results.Encode(values); err != nil {
			log.Fatal(err)
		}
	}
}
