// Package msgpack reads MessagePack as JSON, piece by piece, so that what a
// client packs goes the way of all JSON from then on: one set of rules, one set
// of messages.
//
// Integers keep their exact value, bytes become base64, timestamps RFC 3339.
// What JSON has no form for is refused: keys that are no strings, infinities,
// extensions.
package msgpack
