package module

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// magics are the first bytes of files that people upload in place of a module.
var magics = []struct {
	magic, what, advice string
}{
	{"\x1f\x8b", "gzip data", "unpack it (gunzip), or send it with Content-Encoding: gzip"},
	{"\x28\xb5\x2f\xfd", "zstd data", "unpack it (unzstd), or send it with Content-Encoding: zstd"},
	{"BZh", "bzip2 data", "unpack it (bunzip2)"},
	{"\xfd7zXZ\x00", "xz data", "unpack it (unxz)"},
	{"PK\x03\x04", "a zip archive", "unpack it and upload the .wasm file in it"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it and upload the .wasm file in it"},
	{"\x7fELF", "a native Linux program (ELF)", buildAdvice},
	{"MZ", "a native Windows program", buildAdvice},
	{"\xcf\xfa\xed\xfe", "a native macOS program (Mach-O)", buildAdvice},
	{"\xce\xfa\xed\xfe", "a native macOS program (Mach-O)", buildAdvice},
	{"\xca\xfe\xba\xbe", "a Java class or a macOS universal program", buildAdvice},
	{"!<arch>\n", "a library archive (.a, .lib or .rlib)", "link it into a program; " + buildAdvice},
	{"BC\xc0\xde", "LLVM bitcode", "let the linker finish it; " + buildAdvice},
	{"\x00aot", "code compiled ahead of time for WAMR", "upload the .wasm file that it was made from"},
	{"wasmer", "code compiled ahead of time for Wasmer", "upload the .wasm file that it was made from"},
	{"WASMER", "code compiled ahead of time for Wasmer", "upload the .wasm file that it was made from"},
	{"%PDF", "a PDF file", buildAdvice},
	{"version https://git-lfs", "a Git LFS pointer and not the file itself", "fetch the file first (git lfs pull)"},
	{"AGFzbQ", "a Wasm module in base64", "decode it first (base64 -d)"},
	{"data:application/wasm", "a data URL", "decode it first, and upload the bytes"},
}

const buildAdvice = "build a module for wasm32-wasip1 (Go: GOOS=wasip1 GOARCH=wasm go build; Rust: cargo build --target wasm32-wasip1; C: clang --target=wasm32-wasip1) and upload that .wasm file"

// sources are the beginnings of texts that people upload.
var sources = []struct {
	begin, what, advice string
}{
	{"(module", "a module in text form (WAT)", "translate it to the binary form first (wat2wasm FILE.wat, or wasm-tools parse)"},
	{"(component", "a component in text form", "components are not run here; " + buildAdvice},
	{"{", "JSON", buildAdvice},
	{"[", "JSON", buildAdvice},
	{"<", "HTML or XML, perhaps an error page that was downloaded in the module's place", "look into the file, and download it again"},
	{"#!", "a script", "a script needs its interpreter as a module; " + buildAdvice},
	{"package ", "Go source", "compile it: GOOS=wasip1 GOARCH=wasm go build -o task.wasm"},
	{"#include", "C or C++ source", "compile it: clang --target=wasm32-wasip1 -o task.wasm FILE"},
	{"fn ", "Rust source", "compile it: cargo build --release --target wasm32-wasip1"},
	{"use ", "Rust source", "compile it: cargo build --release --target wasm32-wasip1"},
	{"import ", "JavaScript, TypeScript or Python source", sourceAdvice},
	{"export ", "JavaScript or TypeScript source", sourceAdvice},
	{"const ", "JavaScript or TypeScript source", sourceAdvice},
	{"let ", "JavaScript or TypeScript source", sourceAdvice},
	{"var ", "JavaScript or TypeScript source", sourceAdvice},
	{"function ", "JavaScript or TypeScript source", sourceAdvice},
	{"async ", "JavaScript or TypeScript source", sourceAdvice},
	{"\"use strict\"", "JavaScript source", sourceAdvice},
	{"'use strict'", "JavaScript source", sourceAdvice},
	{"def ", "Python source", sourceAdvice},
	{"from ", "Python source", sourceAdvice},
}

const sourceAdvice = "a script has to be compiled into a module first (JavaScript: with Javy; AssemblyScript: asc), or be the input of a module that holds its interpreter"

const wasmMagic = "\x00asm"

// sniff looks at the first eight bytes, and where they begin no core module
// says what the bytes are.
func (c *cursor) sniff() {
	b := c.b
	switch {
	case len(b) == 0:
		c.fail(CodeEmpty, 0, "there are no bytes at all; send the .wasm file as the request's body (curl --data-binary @FILE)")
	case len(b) < 8 && bytes.HasPrefix([]byte(wasmMagic+"\x01\x00\x00\x00"), b):
		c.fail(CodeTruncated, len(b), "the file ends after %d bytes, within its head; it was cut while it was copied or uploaded: send it again", len(b))
	case !bytes.HasPrefix(b, []byte(wasmMagic)):
		what, advice := guess(b)
		c.fail(CodeNotWasm, 0, "this is no WebAssembly module but %s; %s", what, advice)
	case len(b) < 8:
		c.fail(CodeTruncated, len(b), "the file ends after %d bytes, within its head; it was cut while it was copied or uploaded: send it again", len(b))
	case b[6] == 1 && b[7] == 0:
		c.fail(CodeComponent, 4, "this is a component (component model, WASI preview 2), and core modules are run here. Build for wasm32-wasip1: Rust --target wasm32-wasip1 and not wasm32-wasip2, nor cargo component; TinyGo -target=wasip1; C clang --target=wasm32-wasip1; JavaScript with Javy and not jco. wasm-tools component unbundle may show the core module inside")
	case !bytes.Equal(b[4:8], []byte{1, 0, 0, 0}):
		c.fail(CodeInvalid, 4, "version %d of the binary format is unknown; it has to be 1", uint32(b[4])|uint32(b[5])<<8|uint32(b[6])<<16|uint32(b[7])<<24)
	}
}

// guess names the kind of a file by its beginning.
func guess(b []byte) (what, advice string) {
	for _, m := range magics {
		if bytes.HasPrefix(b, []byte(m.magic)) {
			return m.what, m.advice
		}
	}
	if len(b) > 262 && string(b[257:262]) == "ustar" {
		return "a tar archive", "unpack it and upload the .wasm file in it"
	}
	head := b[:min(len(b), 512)]
	if !text(head, len(head) == len(b)) {
		return fmt.Sprintf("an unknown kind of file (it begins with % x)", b[:min(len(b), 8)]), buildAdvice
	}
	begin := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	begin = skipComments(begin)
	for _, s := range sources {
		if bytes.HasPrefix(begin, []byte(s.begin)) {
			return s.what, s.advice
		}
	}
	return "text", buildAdvice
}

// skipComments drops leading comments of the C, Lisp and shell kinds.
func skipComments(b []byte) []byte {
	for {
		switch {
		case bytes.HasPrefix(b, []byte("//")), bytes.HasPrefix(b, []byte(";;")),
			bytes.HasPrefix(b, []byte("# ")):
			_, b, _ = bytes.Cut(b, []byte("\n"))
		case bytes.HasPrefix(b, []byte("/*")):
			_, b, _ = bytes.Cut(b, []byte("*/"))
		default:
			return b
		}
		b = bytes.TrimLeft(b, " \t\r\n")
	}
}

// text says whether b looks like text; unless whole, its last character may
// be cut.
func text(b []byte, whole bool) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			return !whole && len(b) < utf8.UTFMax
		}
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' {
			return false
		}
		b = b[n:]
	}
	return true
}
