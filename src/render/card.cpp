#include "render/card.h"

namespace keyturn::render {

std::string_view to_text(CardButton::Kind kind) {
  switch (kind) {
    case CardButton::Kind::kApprove:
      return "approve";
    case CardButton::Kind::kDeny:
      return "deny";
    case CardButton::Kind::kTakeBack:
      return "take_back";
    case CardButton::Kind::kComment:
      return "comment";
    case CardButton::Kind::kOpen:
      return "open";
  }
  return "open";
}

}  // namespace keyturn::render
