// Slack's form of what people are shown (Block Kit, docs.slack.dev/reference/block-kit). Pure.
//
// Text that is not ours stands in text elements of rich_text only: Slack reads no markup, mention,
// link or emoji in those. It is never in mrkdwn, a URL, a value, an id or the fallback text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "doc/value.h"
#include "render/card.h"
#include "render/runs.h"

namespace keyturn::render {

inline constexpr std::size_t kSlackBlocksMax = 50;
inline constexpr std::size_t kSlackTextMax = 3000;  // characters of one text
// Of all blocks of a message together: Slack refuses a little over 13,000 characters, and counts
// something for each block.
inline constexpr std::size_t kSlackMessageMax = 12000;

// Characters (code points) of valid UTF-8: how Slack counts.
std::size_t characters(std::string_view utf8);

// A rich_text block that is written bit by bit. `own`: words of ours. `literal`: text that is not,
// written by to_plain_text(); code: in the type of code, which sets it apart from our words.
class RichText {
 public:
  RichText& own(std::string_view text, bool bold = false, bool italic = false);
  RichText& literal(const Runs& runs, bool code = true);
  // The same on one line: a line break in it is shown as a mark.
  RichText& literal_line(const Runs& runs, bool code = true);
  RichText& mention(std::string_view user);                      // a user's id that Slack gave us
  RichText& link(std::string_view url, std::string_view label);  // both ours
  RichText& line();                                              // what follows is a new line
  RichText& preformatted(const Runs& runs);                      // a paragraph of its own

  bool empty() const { return paragraphs_.empty() && elements_.empty(); }
  std::size_t weight() const { return weight_; }  // what it counts of kSlackMessageMax
  doc::Value block();                             // ends it

 private:
  void text(doc::Array& to, std::string_view all, const doc::Value& style);
  void end_section();
  doc::Array paragraphs_, elements_;
  std::size_t weight_ = 60;
};

// {"type": "plain_text", …} without emoji, cut to `most` characters. Ours.
doc::Value slack_plain(std::string_view text, std::size_t most = kSlackTextMax);
// Our words where Slack reads mrkdwn (a fallback text): &, < and > escaped.
std::string slack_escaped(std::string_view ours);

// A button's value: which action, and the digest of the case that the card shows
// ("act_…|sha256:…"). It comes back from a chat: never trusted.
std::string slack_value(std::string_view action, std::string_view digest);

// {"blocks": […], "text": fallback}. The action_id of a button is to_text(CardButton::Kind).
Encoded block_kit(const Card& card);

}  // namespace keyturn::render
