// Package params checks what a task is given against the JSON Schema of its
// module. Schemas come from whoever may upload modules, values from whoever may
// submit tasks; so both are bounded: no schema is opened from elsewhere, and
// none is taken that could be evaluated more than so often for a value.
package params
