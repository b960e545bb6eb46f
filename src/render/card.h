// A case as a card: what a chat message shows of it, before it takes the form of one chat. Every
// text that is not ours is runs of the renderer, and stays so until an encoder (block_kit.h,
// adaptive_card.h) writes it where that chat reads no markup.
#pragma once

#include <string>
#include <vector>

#include "doc/value.h"
#include "render/case_view.h"

namespace keyturn::render {

struct CardButton {
  enum class Kind { kApprove, kDeny, kTakeBack, kComment, kOpen } kind = Kind::kOpen;
  std::string label;  // ours
};
std::string_view to_text(CardButton::Kind kind);  // "approve" "deny" "take_back" "comment" "open"

struct Card {
  std::string action;          // act_…
  std::string digest;          // of the case that the buttons decide
  std::string heading;         // ours: "Waits for people", "Approved by people, it runs"
  std::vector<Field> status;   // who, on whose behalf, why, needed, given, until when: in short
  std::vector<Section> shown;  // the case, all of it; none once it is over
  bool whole = true;           // `shown` holds every byte (CaseView::complete)
  std::vector<std::string> remarks;  // ours, a line each: why one cannot decide here, for one
  std::vector<CardButton> buttons;   // in order
  std::string page;                  // URL of the page that shows all of it
};

// What an encoder made of it. When the case did not fit, or was not whole, it says so with a line
// and the button that opens the page, and there is no Approve among the buttons.
struct Encoded {
  doc::Value value;
  bool whole = true;
};

}  // namespace keyturn::render
