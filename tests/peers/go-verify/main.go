// Verifies a Keyturn log with code that nobody of Keyturn wrote: Go's sumdb/tlog and sumdb/note.
//
//	go-verify DIR [OLD_CHECKPOINT]
//
// DIR holds what a log serves (checkpoint, tile/..., tile/entries/...), and vkey, the verifier key. Where it holds the
// files "inclusion" and "consistency", the proofs in them (made by Keyturn) are checked as well; where it holds
// "witness-vkey", the file "cosigned" must be the same checkpoint with a line of that witness.
// Exit code 0: accepted. 1: rejected; stderr says why.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8
const width = 1 << height

// witness is a note.Verifier of C2SP tlog-cosignature v1 (type 0x04), which Go's package leaves to its users.
type witness struct {
	name string
	key  []byte
}

func (w witness) Name() string { return w.name }
func (w witness) KeyHash() uint32 {
	sum := sha256.Sum256([]byte(w.name + "\n\x04" + string(w.key)))
	return binary.BigEndian.Uint32(sum[:])
}
func (w witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	seen := binary.BigEndian.Uint64(signature)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", seen, text)
	return ed25519.Verify(w.key, []byte(message), signature[8:])
}

// "NAME+HASH+BASE64(0x04 || KEY)"
func newWitness(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("malformed witness key")
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != 4 {
		return nil, errors.New("malformed witness key")
	}
	w := witness{parts[0], raw[1:]}
	if fmt.Sprintf("%08x", w.KeyHash()) != parts[1] {
		return nil, errors.New("the witness key's hash is another")
	}
	return w, nil
}

// checkCosignature: the file "cosigned" is the checkpoint, word for word, and both the log and the witness signed it.
func checkCosignature(dir string, verifier note.Verifier) error {
	vkey, err := os.ReadFile(filepath.Join(dir, "witness-vkey"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	second, err := newWitness(strings.TrimSpace(string(vkey)))
	if err != nil {
		return err
	}
	plain, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(dir, "cosigned"))
	if err != nil {
		return err
	}
	opened, err := note.Open(data, note.VerifierList(verifier, second))
	if err != nil {
		return fmt.Errorf("cosigned: %w", err)
	}
	if len(opened.Sigs) != 2 {
		return fmt.Errorf("cosigned: %d signatures of 2", len(opened.Sigs))
	}
	if !bytes.HasPrefix(plain, []byte(opened.Text+"\n")) {
		return errors.New("cosigned: not this checkpoint")
	}
	return nil
}

// readCheckpoint opens a C2SP tlog-checkpoint; its origin must be the key's name.
func readCheckpoint(path string, verifier note.Verifier) (tlog.Tree, error) {
	var tree tlog.Tree
	data, err := os.ReadFile(path)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tree, fmt.Errorf("origin is not %q", verifier.Name())
	}
	tree.N, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tree, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, errors.New("malformed root hash")
	}
	copy(tree.Hash[:], root)
	return tree, nil
}

// c2spPath turns Go's "tile/8/0/x001/234" into C2SP's "tile/0/x001/234", "tile/8/data/..." into "tile/entries/...".
func c2spPath(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	if tile.L == -1 {
		path = "entries/" + strings.TrimPrefix(path, "data/")
	}
	return filepath.Join("tile", path)
}

type tiles struct{ dir string }

func (t tiles) Height() int { return height }
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(t.dir, c2spPath(tile)))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func readEntries(dir string, size int64) ([][]byte, error) {
	var out [][]byte
	for first := int64(0); first < size; first += width {
		tile := tlog.Tile{H: height, L: -1, N: first / width, W: width}
		if size-first < width {
			tile.W = int(size - first)
		}
		data, err := os.ReadFile(filepath.Join(dir, c2spPath(tile)))
		if err != nil {
			return nil, err
		}
		for i := 0; i < tile.W; i++ {
			if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("%s: entry %d is cut short", c2spPath(tile), i)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			out = append(out, data[2:end])
			data = data[end:]
		}
		if len(data) != 0 {
			return nil, fmt.Errorf("%s: trailing bytes", c2spPath(tile))
		}
	}
	return out, nil
}

// checkEntries recomputes the whole tree from the entries.
func checkEntries(entries [][]byte, tree tlog.Tree) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, index := range indexes {
			out = append(out, stored[index])
		}
		return out, nil
	})
	for i, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(i), entry, reader)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return errors.New("the entries do not hash to the signed root")
	}
	return nil
}

// checkTiles reads every hash of every tile through Go's authenticating reader, and proves each leaf with it.
func checkTiles(entries [][]byte, tree tlog.Tree, reader tlog.HashReader) error {
	for level := 0; tree.N>>uint(level) > 0; level += height {
		var indexes []int64
		for n := int64(0); n < tree.N>>uint(level); n++ {
			indexes = append(indexes, tlog.StoredHashIndex(level, n))
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i := range hashes {
			if level == 0 && hashes[i] != tlog.RecordHash(entries[i]) {
				return fmt.Errorf("leaf %d: the tile and the entry differ", i)
			}
		}
	}
	step := tree.N/100 + 1
	for i := int64(0); i < tree.N; i += step {
		proof, err := tlog.ProveRecord(tree.N, i, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, i, tlog.RecordHash(entries[i])); err != nil {
			return err
		}
	}
	return nil
}

// Lines of a proof file: a number, then hashes in hex, separated by spaces.
func readProofs(path string, each func(n int64, hashes []tlog.Hash) error) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		n, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return err
		}
		var hashes []tlog.Hash
		for _, field := range fields[1:] {
			var hash tlog.Hash
			raw, err := hex.DecodeString(field)
			if err != nil || len(raw) != tlog.HashSize {
				return errors.New("malformed hash")
			}
			copy(hash[:], raw)
			hashes = append(hashes, hash)
		}
		if err := each(n, hashes); err != nil {
			return fmt.Errorf("%s: %d: %w", filepath.Base(path), n, err)
		}
	}
	return nil
}

func checkGivenProofs(dir string, entries [][]byte, tree tlog.Tree, reader tlog.HashReader) error {
	err := readProofs(filepath.Join(dir, "inclusion"), func(n int64, proof []tlog.Hash) error {
		return tlog.CheckRecord(proof, tree.N, tree.Hash, n, tlog.RecordHash(entries[n]))
	})
	if err != nil {
		return err
	}
	return readProofs(filepath.Join(dir, "consistency"), func(n int64, proof []tlog.Hash) error {
		old, err := tlog.TreeHash(n, reader)
		if err != nil {
			return err
		}
		return tlog.CheckTree(proof, tree.N, tree.Hash, n, old)
	})
}

func run(dir, oldCheckpoint string) error {
	vkey, err := os.ReadFile(filepath.Join(dir, "vkey"))
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return err
	}
	tree, err := readCheckpoint(filepath.Join(dir, "checkpoint"), verifier)
	if err != nil {
		return err
	}
	if err := checkCosignature(dir, verifier); err != nil {
		return err
	}
	entries, err := readEntries(dir, tree.N)
	if err != nil {
		return err
	}
	if err := checkEntries(entries, tree); err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, tiles{dir})
	if err := checkTiles(entries, tree, reader); err != nil {
		return err
	}
	if err := checkGivenProofs(dir, entries, tree, reader); err != nil {
		return err
	}
	if oldCheckpoint == "" {
		return nil
	}
	old, err := readCheckpoint(oldCheckpoint, verifier)
	if err != nil {
		return fmt.Errorf("old checkpoint: %w", err)
	}
	proof, err := tlog.ProveTree(tree.N, old.N, reader)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: go-verify DIR [OLD_CHECKPOINT]")
		os.Exit(2)
	}
	old := ""
	if len(os.Args) > 2 {
		old = os.Args[2]
	}
	if err := run(os.Args[1], old); err != nil {
		fmt.Fprintln(os.Stderr, "rejected:", err)
		os.Exit(1)
	}
	fmt.Println("accepted")
}
