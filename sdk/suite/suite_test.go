package suite_test

import (
	"os"
	"strings"
	"testing"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/fake"
	"github.com/windrow-dev/windrow/sdk/suite"
)

func TestFake(t *testing.T) {
	server := fake.New(suite.Functions())
	defer server.Close()
	exercise(t, windrow.Config{Servers: []string{server.URL}})
}

// TestServer runs against the nodes that WINDROW_SERVER names.
func TestServer(t *testing.T) {
	servers := os.Getenv("WINDROW_SERVER")
	if servers == "" {
		t.Skip("set WINDROW_SERVER to run the suite against a real server")
	}
	exercise(t, windrow.Config{Servers: strings.Split(servers, ","), Token: os.Getenv("WINDROW_TOKEN"),
		CAFile: os.Getenv("WINDROW_TLS_CA"), Namespace: os.Getenv("WINDROW_NAMESPACE")})
}

func exercise(t *testing.T, config windrow.Config) {
	t.Helper()
	client, err := windrow.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	suite.Exercise(t, client)
}
