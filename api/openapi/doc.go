// Package openapi writes an OpenAPI 3.1 document. Schemas come by reflection
// from the Go types that handlers really send and read, so that the document
// follows the code. It knows nothing of routes; who uses it hands them in.
package openapi
