// What goes to Teams: cards in activities, and the answers to invokes. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "doc/value.h"
#include "render/adaptive_card.h"

namespace keyturn::channels::teams {

// A message with a card. `summary` is what a notification shows: our own words.
doc::Value message_of(doc::Value card, std::string_view summary);

// The answer to an invoke (Universal Actions for Adaptive Cards): the card in place of the former
// for whoever clicked, or a line of text.
std::string card_answer(doc::Value card);
std::string words_answer(std::string_view words);

// Words on a card: texts may hold anything, and are shown as they are.
struct Words {
  std::string heading;             // ours
  std::vector<std::string> lines;  // a paragraph each
  std::vector<render::Field> fields;
  doc::Array actions;
};
doc::Value card_of(Words words);
doc::Value open_page(std::string title, const std::string& url);  // a button

}  // namespace keyturn::channels::teams
