package openapi

import "encoding/json"

// Version is what the documents say they are.
const Version = "3.1.0"

// Document is the whole description of an API.
type Document struct {
	OpenAPI    string                `json:"openapi"`
	Info       Info                  `json:"info"`
	Tags       []Tag                 `json:"tags"`
	Security   []map[string][]string `json:"security"`
	Paths      Members[*Path]        `json:"paths"`
	Components Components            `json:"components"`
}

// JSON writes the document.
func (d *Document) JSON() ([]byte, error) { return plain(d) }

// Info is about the API as a whole.
type Info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description"`
}

// Tag groups operations.
type Tag struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// Path holds the operations of one path, by method in lower case.
type Path struct {
	Operations Members[*Operation]
}

// MarshalJSON writes the operations alone.
func (p *Path) MarshalJSON() ([]byte, error) { return json.Marshal(p.Operations) }

// Operation is one method of one path.
type Operation struct {
	ID          string                 `json:"operationId"`
	Tags        []string               `json:"tags"`
	Summary     string                 `json:"summary"`
	Description string                 `json:"description,omitempty"`
	Security    *[]map[string][]string `json:"security,omitempty"`
	Parameters  []*Parameter           `json:"parameters,omitempty"`
	Body        *Body                  `json:"requestBody,omitempty"`
	Responses   Members[*Response]     `json:"responses"`
}

// Parameter is one of the path, the query string or the headers; one with Ref
// stands in the components.
type Parameter struct {
	Ref         string  `json:"$ref,omitempty"`
	Name        string  `json:"name,omitempty"`
	In          string  `json:"in,omitempty"`
	Required    bool    `json:"required,omitempty"`
	Description string  `json:"description,omitempty"`
	AllowEmpty  bool    `json:"allowEmptyValue,omitempty"`
	Schema      *Schema `json:"schema,omitempty"`
}

// Body is what a request carries.
type Body struct {
	Description string          `json:"description,omitempty"`
	Required    bool            `json:"required,omitempty"`
	Content     Members[*Media] `json:"content"`
}

// Media is a body of one content type.
type Media struct {
	Schema   *Schema `json:"schema,omitempty"`
	Example  any     `json:"example,omitempty"`
	ItemOf   *Schema `json:"x-event-data,omitempty"` // of a stream: what each event's data is
	LineType *Schema `json:"x-line,omitempty"`       // of NDJSON: what each line is
}

// Response is one answer; one with Ref stands in the components.
type Response struct {
	Ref         string           `json:"$ref,omitempty"`
	Description string           `json:"description,omitempty"`
	Headers     Members[*Header] `json:"headers,omitempty"`
	Content     Members[*Media]  `json:"content,omitempty"`
}

// Header is one of an answer.
type Header struct {
	Ref         string  `json:"$ref,omitempty"`
	Description string  `json:"description,omitempty"`
	Schema      *Schema `json:"schema,omitempty"`
}

// Components are what the rest refers to.
type Components struct {
	Schemas         Members[*Schema]    `json:"schemas"`
	Parameters      Members[*Parameter] `json:"parameters,omitempty"`
	Responses       Members[*Response]  `json:"responses,omitempty"`
	Headers         Members[*Header]    `json:"headers,omitempty"`
	SecuritySchemes Members[*Security]  `json:"securitySchemes,omitempty"`
}

// Security is a way to say who asks.
type Security struct {
	Type        string `json:"type"`
	Scheme      string `json:"scheme"`
	Description string `json:"description,omitempty"`
}
