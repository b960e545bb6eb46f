// Checks a C2SP tlog-proof, with the entry in its "extra" line, by Go's sumdb/tlog and sumdb/note.
//
//	go-proof VKEY FILE
//
// Exit code 0: accepted, and the entry is on stdout. 1: rejected; stderr says why.
package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type proofFile struct {
	entry      []byte
	index      int64
	proof      tlog.RecordProof
	checkpoint string
}

func cutPrefix(text, prefix string) (string, bool) {
	return strings.TrimPrefix(text, prefix), strings.HasPrefix(text, prefix)
}

func parse(text string) (out proofFile, err error) {
	head, checkpoint, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return out, errors.New("no tlog-proof")
	}
	extra, ok := cutPrefix(lines[1], "extra ")
	if !ok {
		return out, errors.New("no entry")
	}
	if out.entry, err = base64.StdEncoding.Strict().DecodeString(extra); err != nil {
		return out, err
	}
	index, ok := cutPrefix(lines[2], "index ")
	if !ok {
		return out, errors.New("no index")
	}
	if out.index, err = strconv.ParseInt(index, 10, 64); err != nil {
		return out, err
	}
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return out, err
		}
		if hash.String() != line { // ParseHash does not look at base64's unused bits
			return out, errors.New("a hash in another form than its own")
		}
		out.proof = append(out.proof, hash)
	}
	out.checkpoint = checkpoint
	return out, nil
}

func run(vkey, path string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	file, err := parse(string(data))
	if err != nil {
		return err
	}
	opened, err := note.Open([]byte(file.checkpoint), note.VerifierList(verifier))
	if err != nil {
		return err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return errors.New("origin is not the key's name")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(file.proof, size, root, file.index, tlog.RecordHash(file.entry)); err != nil {
		return err
	}
	os.Stdout.Write(file.entry)
	return nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go-proof VKEY FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "rejected:", err)
		os.Exit(1)
	}
}
