// What the tests of cards share. Include only in *_test.cpp.
#pragma once

#include <string_view>

#include "render/card.h"

namespace keyturn::render::testing {

inline Runs runs_of(std::string_view bytes) {
  return render_text(bytes).runs;
}

inline Card a_card() {
  Card card;
  card.action = "act_01";
  card.digest = "sha256:00";
  card.heading = "Waits for people";
  card.page = "https://keyturn.example/a/act_01";
  card.status = {{runs_of("asked by"), runs_of("ops-bot")}};
  card.shown = {{.title = "SQL statement",
                 .kind = SectionKind::kCode,
                 .runs = runs_of("DROP TABLE t"),
                 .bytes = 12},
                {.title = "Arguments",
                 .kind = SectionKind::kFields,
                 .fields = {{runs_of("limit"), runs_of("5")}},
                 .bytes = 6}};
  card.buttons = {{CardButton::Kind::kApprove, "Approve"},
                  {CardButton::Kind::kDeny, "Deny"},
                  {CardButton::Kind::kTakeBack, "Take back"},
                  {CardButton::Kind::kComment, "Comment"},
                  {CardButton::Kind::kOpen, "Open"}};
  return card;
}

}  // namespace keyturn::render::testing
