// A dialog was sent off: a denial with its reason, or a comment.
#include "base/task_impl.h"
#include "channels/slack/front.h"
#include "channels/slack/words.h"
#include "doc/json.h"

namespace keyturn::channels::slack {
namespace {

doc::Value error_answer(std::string_view words) {
  return doc::object(
      {{"response_action", "errors"}, {"errors", doc::object({{"text", error_text(words)}})}});
}

std::string text_of(const doc::Value& view) {
  const doc::Value* input = view.find_path({"state", "values", "text", "text"});
  return input == nullptr ? "" : std::string(input->text("value"));
}

Task<Result<gate::RecordPtr>> carry_out(OfficePtr office, Visitor visitor, std::string kind,
                                        Pressed what, std::string text) {
  Desk& desk = office->ports.desk;
  if (kind == "comment")
    co_return co_await desk.comment(visitor.who, ActionId(what.action), std::move(text));
  co_return co_await desk.vote(visitor.who, ActionId(what.action), review::Decision::kDeny,
                               what.digest, std::move(text), true);
}

}  // namespace

Task<doc::Value> submission(FrontPtr front, doc::Value payload) {
  const OfficePtr office = front->office;
  const doc::Value* view = payload.find("view");
  const doc::Value* user = payload.find("user");
  if (view == nullptr || user == nullptr) co_return doc::Value();
  const std::string kind(view->text("callback_id"));
  const Result<doc::Value> back = doc::parse_json(view->text("private_metadata"));
  if (!back || (kind != "deny" && kind != "comment")) co_return doc::Value();
  const Pressed what{std::string(back->text("action")), std::string(back->text("digest"))};
  const std::string text = text_of(*view);
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    co_return error_answer("Write something.");
  const doc::Value* team = payload.find_path({"team", "id"});
  std::string from(user->text("team_id"));
  if (from.empty() && team != nullptr && team->is_string()) from = team->as_string();
  const Result<Visitor> visitor =
      co_await office->visitors.admit(std::string(user->text("id")), from);
  if (!visitor) co_return error_answer(visitor.error().message);
  // Slack may tell of one sending twice: it is carried out once. What is refused may be sent again.
  const std::string once = "dialog " + std::string(back->text("once"));
  if (!office->seen.first(once)) co_return doc::Value();
  const Result<gate::RecordPtr> done = co_await carry_out(office, *visitor, kind, what, text);
  if (done) co_return doc::Value();
  office->seen.forget(once);
  co_return error_answer(done.error().message);
}

}  // namespace keyturn::channels::slack
