// Wordstat measures a text: a Go reactor, called through the buffer convention.
package main

import (
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// The host holds plain addresses, which the garbage collector does not see: what it may still use is kept here.
var (
	inputs = map[*byte][]byte{}
	reply  []byte
)

//go:wasmimport env log
func hostLog(text *byte, length uint32)

// allocate answers where the host may write length bytes of input.
//
//go:wasmexport allocate
func allocate(length uint32) *byte {
	input := make([]byte, max(length, 1))
	inputs[&input[0]] = input
	return &input[0]
}

// deallocate is told when the host is done with its input.
//
//go:wasmexport deallocate
func deallocate(input *byte, length uint32) {
	delete(inputs, input)
}

// measure answers {"lines", "words", "characters", "longest"}, its address and length packed into one number.
//
//go:wasmexport measure
func measure(input *byte, length uint32) uint64 {
	text := unsafe.String(input, length)
	lines := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		lines++
	}
	words, longest := 0, 0
	for word := range strings.FieldsSeq(text) {
		words++
		longest = max(longest, utf8.RuneCountInString(word))
	}
	log("measured " + strconv.Itoa(words) + " words")

	// Numbers alone need no encoding/json, which would add 2 MB.
	reply = append(reply[:0], `{"lines": `...)
	reply = strconv.AppendInt(reply, int64(lines), 10)
	reply = append(reply, `, "words": `...)
	reply = strconv.AppendInt(reply, int64(words), 10)
	reply = append(reply, `, "characters": `...)
	reply = strconv.AppendInt(reply, int64(utf8.RuneCountInString(text)), 10)
	reply = append(reply, `, "longest": `...)
	reply = strconv.AppendInt(reply, int64(longest), 10)
	reply = append(reply, '}')
	return uint64(uintptr(unsafe.Pointer(&reply[0])))<<32 | uint64(len(reply))
}

func log(line string) {
	hostLog(unsafe.StringData(line), uint32(len(line)))
}

// A reactor has no main; the toolchain wants one.
func main() {}
