module github.com/windrow-dev/windrow/sdk

go 1.26
