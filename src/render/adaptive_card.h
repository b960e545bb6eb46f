// A card as an Adaptive Card, schema 1.5, as Teams shows it (adaptivecards.io; learn.microsoft.com,
// "Universal Actions for Adaptive Cards"). Pure.
//
// Everything that is not a fixed word of ours stands in TextRuns of RichTextBlocks: Teams reads no
// markup there. TextBlock, FactSet, titles, URLs and data hold nothing else than our own words,
// ids and addresses of plain characters. The macros {{DATE(…)}} and {{TIME(…)}} work in any text,
// so no run holds "{{".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "doc/value.h"
#include "render/card.h"

namespace keyturn::render {

inline constexpr std::size_t kAdaptiveBytesMax = 27 * 1024;  // Teams: 28 KB an activity
inline constexpr std::size_t kRefreshedUsersMax = 60;
inline constexpr int kAdaptiveInputMax = 2000;  // characters somebody can write on a card

struct AdaptiveOptions {
  // Teams' ids ("29:…") of those whose client asks for their own view of the card (verb refresh).
  std::vector<std::string> refresh_for;
  std::size_t bytes_max = kAdaptiveBytesMax;  // of the card as UTF-8 JSON
};

// Its buttons are Action.Execute with the verbs approve, deny (input `reason`), take_back and
// comment (input `text`), and data {"action", "digest"}; and Action.OpenUrl to the page. `whole`:
// every byte of the case is there.
Encoded adaptive_card(const Card& card, const AdaptiveOptions& options = {});

// ---- for the small cards that a channel makes itself
// RichTextBlocks, a line each. What a client would not show (the end of a line, spaces that HTML
// runs together) stands there as ⟦↵⟧ and ⟦␣×2⟧, besides the marks of to_plain_text().
struct AdaptiveLook {
  bool bold = false, large = false, subtle = false, mono = false;
};
doc::Array adaptive_lines(const Runs& runs, AdaptiveLook look = {});
doc::Array adaptive_lines(std::string_view text, AdaptiveLook look = {});
// "name: value" as one such paragraph.
doc::Array adaptive_field(const Field& field, AdaptiveLook of_name);
// A button; `title` is ours. `data`: ids of plain characters.
doc::Value adaptive_execute(std::string title, std::string_view verb, doc::Value data);
doc::Value adaptive_document(doc::Array body, doc::Array actions);

}  // namespace keyturn::render
