// Package e2e holds the tests that start real nodes and talk HTTP to them:
// what a user does, and what is done to a user's nodes. Everything it names as
// a promise stands in docs/design/promises.md.
package e2e
