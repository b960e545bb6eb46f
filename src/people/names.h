// When two texts name one human, and when one only looks like another.
#pragma once

#include <string>
#include <string_view>

namespace keyturn::people {

// The form in which identifiers (ids, e-mail addresses, aliases) are compared: `Name <address>` and
// `mailto:` give the address, white space around it goes, NFKC case folding, and for an address the
// "+tag" of the local part goes too, because it reaches the same mailbox. Invalid UTF-8 is compared
// as bytes.
std::string fold_identifier(std::string_view text);

// Texts that look alike have one skeleton (UTS #39 §4, over the case-folded text).
std::string skeleton(std::string_view text);

// Letters, digits, marks, punctuation, symbols and plain spaces only: nothing invisible,
// bidirectional or control, no private use, no line break.
bool is_plain_name(std::string_view text);

// 1 to 128 characters of [A-Za-z0-9._@+-], the first a letter or a digit.
bool is_valid_id(std::string_view text);

}  // namespace keyturn::people
