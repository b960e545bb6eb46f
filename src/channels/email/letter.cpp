#include "channels/email/letter.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "render/runs.h"

namespace keyturn::channels::email {
namespace {

constexpr std::size_t kNameMax = 200;

std::string shown(std::string_view name) {
  std::string out = render::to_plain_text(render::render_text(name).runs);
  std::ranges::replace(out, '\n', ' ');
  if (out.size() <= kNameMax) return out;
  std::size_t end = kNameMax;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
  return out.substr(0, end) + "…";
}

// "2026-11-21 08:00 UTC"
std::string minute_of(Time time) {
  std::string out = to_rfc3339(time).substr(0, 16);
  out[10] = ' ';
  return out + " UTC";
}

std::string what_happened(const Matter& matter, bool again) {
  const std::string& escalated_to = matter.record->review->escalated_to;
  if (!escalated_to.empty())
    return "This has waited for a while, and was escalated to " + shown(escalated_to) + ".";
  if (again) return "This still waits for you.";
  return "An action waits for you.";
}

}  // namespace

std::string id_of(const Matter& matter, const std::string& person, const std::string& host) {
  const bool is_host =
      !host.empty() &&
      host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") ==
          std::string::npos;
  const gate::ActionRecord& record = *matter.record;
  constexpr std::size_t kDigits = 16;
  const std::string print = crypto::sha256_text(record.id.str() + "\n" + person)
                                .substr(std::string_view("sha256:").size(), kDigits);
  return record.id.str() + "." + print + "." + std::to_string(record.review->round) + "." +
         std::to_string(matter.calls) + "@" + (is_host ? host : "keyturn.invalid");
}

Letter letter_about(const Matter& matter, const std::string& page, bool again) {
  const gate::ActionRecord& record = *matter.record;
  const bool escalated = !record.review->escalated_to.empty();
  Letter out;
  out.subject = std::string("Keyturn: ") +
                (escalated ? "escalated: "
                 : again   ? "reminder: "
                           : "") +
                shown(record.tool) + " waits for you";
  const auto line = [&](std::string_view label, const std::string& text) {
    constexpr std::size_t kLabel = 14;
    if (text.empty()) return;
    out.body += std::string(label) + std::string(kLabel - label.size(), ' ') + text + "\n";
  };
  out.body = what_happened(matter, again) + "\n\n";
  line("Tool", shown(record.tool));
  line("Operation", shown(record.operation));
  line("On", shown(record.resource.kind));
  line("Asked by", std::string(record.requester.kind == PrincipalKind::kAgent ? "the agent " : "") +
                       shown(record.requester.id));
  if (record.owner != record.requester.id) line("On behalf of", shown(record.owner));
  line("Until", minute_of(record.expires_at));
  out.body += "\nAll of it, and to decide:\n" + page +
              "\n\n-- \nYou are told because policy asks you. What was asked for stands on that "
              "page only.\nNothing can be decided by this mail, and nobody reads answers to it.\n";
  return out;
}

}  // namespace keyturn::channels::email
