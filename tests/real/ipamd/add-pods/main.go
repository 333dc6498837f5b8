// Calls ipamd's AddNetwork, as the CNI plugin does for each pod, until ipamd has no address left.
//
// Usage: add-pods SOCKET FIRST MOST
//
// The pods are pod-FIRST, pod-FIRST+1, …, at most MOST. Prints one line for each pod that got an address:
// the address and the device number of its network interface. Exits with 1 if ipamd does not answer.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/aws/amazon-vpc-cni-k8s/rpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

const usage = "usage: add-pods SOCKET FIRST MOST"

// request returns what the CNI plugin sends for pod number.
//
// Source: cmd/routed-eni-cni-plugin/cni.go of the VPC CNI.
func request(number int) *rpc.AddNetworkRequest {
	return &rpc.AddNetworkRequest{
		K8S_POD_NAME:      fmt.Sprintf("pod-%d", number),
		K8S_POD_NAMESPACE: "default",
		ContainerID:       fmt.Sprintf("container-%d", number),
		IfName:            "eth0",
		NetworkName:       "aws-cni",
		Netns:             "/proc/self/ns/net",
	}
}

// address returns the address of the first allocation, IPv4 or IPv6.
func address(reply *rpc.AddNetworkReply) (string, error) {
	if len(reply.IPAllocationMetadata) == 0 {
		return "", errors.New("a successful reply has no address")
	}
	first := reply.IPAllocationMetadata[0]
	text := first.IPv4Addr
	if text == "" {
		text = first.IPv6Addr
	}
	return fmt.Sprintf("%s %d", text, first.DeviceNumber), nil
}

// addPod requests an address. On a busy machine, the connection may be lost. ipamd returns the same address for
// the same pod, so the request can be sent again.
func addPod(client rpc.CNIBackendClient, number int) (*rpc.AddNetworkReply, error) {
	for attempt := 1; ; attempt++ {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		reply, err := client.AddNetwork(ctx, request(number))
		cancel()
		if status.Code(err) != codes.Unavailable || attempt == 5 {
			return reply, err
		}
	}
}

func add(socket string, first, most int) error {
	connection, err := grpc.NewClient("unix:"+socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		// ipamd logs that it serves before its socket exists.
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{
			BaseDelay: 10 * time.Millisecond, Multiplier: 1.6, MaxDelay: time.Second,
		}}))
	if err != nil {
		return err
	}
	defer connection.Close()
	client := rpc.NewCNIBackendClient(connection)
	for number := first; number < first+most; number++ {
		reply, err := addPod(client, number)
		if err != nil {
			return err
		}
		if !reply.Success {
			return nil
		}
		line, err := address(reply)
		if err != nil {
			return err
		}
		fmt.Println(line)
	}
	return nil
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal(usage)
	}
	first, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(usage)
	}
	most, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(usage)
	}
	if err := add(os.Args[1], first, most); err != nil {
		log.Fatal(err)
	}
}
