#include "channels/email/email.h"

#include "base/task_impl.h"
#include "channels/email/letter.h"
#include "channels/tells.h"
#include "net/blocking.h"

namespace keyturn::channels::email {
namespace {

constexpr std::string_view kPerson = "person:";
constexpr Duration kRecipientLater = std::chrono::minutes(1);

Task<Result<void>> post_on(net::BlockingPool& pool, net::MailServer server, net::Mail mail) {
  co_return co_await net::run_blocking(pool, [server = std::move(server), mail = std::move(mail)] {
    return net::send_mail(server, mail);
  });
}

std::string host_in(std::string_view url) {
  const std::size_t start = url.find("://") + 3;
  return std::string(url.substr(start, url.find_first_of(":/?", start) - start));
}

}  // namespace

Post pooled(net::Loop& loop) {
  constexpr unsigned kThreads = 2;
  auto pool = std::make_shared<net::BlockingPool>(loop, "kt-mail", kThreads);
  return [pool](net::MailServer server, net::Mail mail) {
    return post_on(*pool, std::move(server), std::move(mail));
  };
}

Undelivered undelivered(const Refusal& refusal) {
  using Kind = Undelivered::Kind;
  if (refusal.code == "bad_address" || refusal.code == "recipient_refused" ||
      refusal.code == "message_refused")
    return {Kind::kNever, refusal.message, std::nullopt};
  if (refusal.code == "recipient_later" || refusal.code == "message_later")
    return {Kind::kPlaceBusy, refusal.message, kRecipientLater};
  return {Kind::kUnreachable, refusal.message, std::nullopt};
}

Task<Result<void>> Email::start() {
  co_return Result<void>{};
}

std::vector<Errand> Email::due(const Matter& matter, const KeptPlaces&) {
  std::vector<Errand> out;
  const gate::ActionRecord& record = *matter.record;
  if (matter.asked.empty() ||
      !tells(kind(), record, !record.review->escalated_to.empty(), settings_.always))
    return out;
  const people::Directory& directory = ports_.desk.gate().world().directory;
  const std::string word =
      "r" + std::to_string(record.review->round) + "/c" + std::to_string(matter.calls);
  for (const std::string& id : matter.asked) {
    const people::Person* person = directory.person(id);
    if (person != nullptr && !person->email.empty() && !person->simulated)
      out.push_back({std::string(kPerson) + id, word, nullptr});
  }
  return out;
}

Task<Result<net::MailServer>> Email::server() {
  net::MailServer out;
  out.url = settings_.smtp;
  out.plain = settings_.plain;
  out.user = settings_.user;
  out.ca_file = settings_.ca_file;
  out.keep_going = [stopped = stopped_] { return !*stopped; };
  if (!settings_.user.empty()) {
    if (password_.empty()) {
      Result<Secret> found = co_await ports_.secret(settings_.password);
      if (!found) co_return std::unexpected(found.error());
      password_ = std::move(*found);
    }
    out.password = password_;
  }
  co_return out;
}

Task<Carried> Email::carry(Matter matter, Errand errand, doc::Value memo) {
  const std::string id = errand.place.substr(kPerson.size());
  const people::Person* person = ports_.desk.gate().world().directory.person(id);
  if (person == nullptr || person->email.empty())
    co_return std::unexpected(
        Undelivered{Undelivered::Kind::kNever, "this person has no mail address", std::nullopt});
  const std::string to = person->email;
  Result<net::MailServer> server = co_await this->server();
  if (!server) {
    trouble_ = Refusal{server.error().code, "the password: " + server.error().message, ""};
    co_return std::unexpected(
        Undelivered{Undelivered::Kind::kUnreachable, trouble_->message, std::nullopt});
  }
  const std::string first(memo.text("thread"));
  Letter letter = letter_about(matter, ports_.desk.page_of(*matter.record), !first.empty());
  letter.from = settings_.from;
  letter.to = to;
  letter.id = id_of(matter, id, host_in(ports_.desk.public_url()));
  letter.in_reply_to = first;
  letter.date = ports_.clock.now();
  // Whoever can put an address into the directory puts nothing into a header.
  if (!net::is_mail_address(to))
    co_return std::unexpected(
        Undelivered{Undelivered::Kind::kNever,
                    "this person's mail address cannot be used: it is to be ASCII, "
                    "without a name",
                    std::nullopt});
  net::Mail mail{letter.from, to, compose(letter)};
  const Result<void> sent = co_await post_(std::move(*server), std::move(mail));
  trouble_.reset();
  if (!sent && sent.error().code == "login_refused") {
    password_ = Secret();  // it may have been changed
    trouble_ = sent.error();
  }
  if (!sent) co_return std::unexpected(undelivered(sent.error()));
  co_return doc::object({{"thread", first.empty() ? letter.id : first}});
}

}  // namespace keyturn::channels::email
