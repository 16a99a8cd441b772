package hello

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"hash"
)

const (
	nonceSize = 32
	proofSize = sha256.Size
)

// The roles in which a proof is made.
const (
	roleAnswer  = "answer"
	roleProof   = "proof"
	roleWelcome = "welcome"
	roleRefusal = "refusal"
)

// proofs makes and checks the proofs of one handshake. Each covers all that was said before.
type proofs struct {
	key        []byte
	transcript hash.Hash
}

func newProofs(key []byte) *proofs {
	// HMAC takes keys for equal that differ in zeros at the end.
	derived := sha256.Sum256(append([]byte("thespian hello\x00"), key...))
	return &proofs{derived[:], sha256.New()}
}

// said adds a payload to what the next proofs cover, and returns it.
func (p *proofs) said(payload []byte) []byte {
	sum := sha256.Sum256(payload) // so that no boundary can be moved
	p.transcript.Write(sum[:])
	return payload
}

func (p *proofs) sum(role string, body []byte) []byte {
	m := hmac.New(sha256.New, p.key)
	m.Write([]byte(role))
	m.Write([]byte{0})
	m.Write(p.transcript.Sum(nil))
	m.Write(body)
	return m.Sum(nil)
}

// seal returns the body and behind it the proof of who says it in the role.
func (p *proofs) seal(role string, body []byte) []byte { return append(body, p.sum(role, body)...) }

// check says whether a proof holds. It takes the same time for all that do not.
func (p *proofs) check(role string, body, sum []byte) bool {
	return hmac.Equal(p.sum(role, body), sum)
}

// cutProof cuts a payload in front of its proof. A payload that is too short for one has an empty body.
func cutProof(payload []byte) (body, sum []byte) {
	cut := max(len(payload)-proofSize, 0)
	return payload[:cut:cut], payload[cut:]
}

func newNonce() (n [nonceSize]byte) {
	_, _ = rand.Read(n[:]) // never fails
	return n
}
