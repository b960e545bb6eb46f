// Messages of ours besides the card: short ones, lists, and what is asked in a dialog. What is not
// ours stands in them as on the card (render/block_kit.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "channels/desk.h"
#include "channels/links.h"
#include "channels/slack/form.h"
#include "render/block_kit.h"

namespace keyturn::channels::slack {

// {"blocks", "text"} of a rich text; `fallback` is ours.
doc::Value message_of(render::RichText& text, std::string_view fallback);
// Something that the gate, the desk or we say; it may name what is not ours.
doc::Value words_of(std::string_view words);
// As arguments of a Web API method: blocks, text, and no unfurling of links.
Form arguments_of(const doc::Value& message);
// Plain text for a dialog's error, on one line: nothing invisible, nothing active.
std::string error_text(std::string_view words);

// "What", the first line of a card's status, as one line.
void say_what(render::RichText& to, const render::Card& card);

// Cards for those who may not see any of it, and for what did not fit.
render::Card empty_card(const render::Card& card, std::string remark);
render::Card short_card(render::Card card);

doc::Value reminder_of(const render::Card& card, const std::vector<std::string>& mentions,
                       bool escalated);
// One comment: cut where it is long. Several in one message, by their places in the record. And
// what stands for one that Slack does not take.
render::RichText comment_of(const gate::Comment& comment);
doc::Value comments_of(const gate::ActionRecord& record, const std::vector<std::size_t>& which);
doc::Value comment_left_out(const gate::Comment& comment, std::string_view page);
doc::Value unfurl_of(const render::Card& card);

// The dialogs. `back`: what comes back with them, never trusted.
doc::Value deny_dialog(const render::Card& card, const doc::Value& back);
doc::Value comment_dialog(const render::Card& card, const doc::Value& back);

// "Are you PERSON?", with the two buttons.
doc::Value link_question(const Links::Attempt& attempt, std::string_view name);

doc::Value help();

}  // namespace keyturn::channels::slack
