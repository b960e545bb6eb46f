#include "channels/email/email.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <vector>

#include "channels/email/letter.h"
#include "channels/email/message.h"
#include "channels/testing.h"

namespace keyturn::channels::email {
namespace {

constexpr std::string_view kPolicy = R"(apiVersion: keyturn/v1
kind: Policy
metadata: {name: tests, revision: 2}
defaults: {effect: deny, onError: deny}
rules:
- {id: asked, match: {tool: [ask]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 2h, notify: [email], remind: 10m, escalate: {after: 30m, to: sre}}}
- {id: quiet, match: {tool: [slow-ask]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 2h}}
)";

struct Office : testing::Stand {
  Settings settings;
  std::vector<net::Mail> sent;
  std::vector<net::MailServer> servers;
  std::function<Result<void>(const net::Mail&)> take = [](const net::Mail&) {
    return Result<void>{};
  };
  Ports given = ports();
  std::unique_ptr<Email> email;

  Office() {
    bench.activate("policy", std::string(kPolicy));
    std::vector<EventDraft> events{people::group_changed("sre", {"mia"}, {})};
    for (const char* id : {"bob", "mia"}) {
      people::Person person = *bench.gate->world().directory.person(id);
      person.email = std::string(id) + "@mail.example";
      events.push_back(people::person_changed(person));
    }
    bench.record(std::move(events));
    settings.smtp = "smtps://mail.example";
    settings.from = "keyturn@mail.example";
    open();
  }
  void open() {
    email =
        std::make_unique<Email>(settings, given, [this](net::MailServer server, net::Mail mail) {
          return post(std::move(server), std::move(mail));
        });
  }
  Task<Result<void>> post(net::MailServer server, net::Mail mail) {
    servers.push_back(server);
    sent.push_back(mail);
    co_return take(mail);
  }
};

std::string header(const net::Mail& mail, const std::string& name) {
  const std::string head = mail.message.substr(0, mail.message.find("\r\n\r\n") + 2);
  const std::size_t at = ("\r\n" + head).find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t start = at + name.size() + 2;
  return head.substr(start, head.find("\r\n", start) - start);
}

// As RFC 2045 reads it back.
std::string unquoted(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '=' && text.substr(i + 1, 2) == "\r\n") {
      i += 2;
    } else if (text[i] == '=') {
      out += *from_hex(text.substr(i + 1, 2));
      i += 2;
    } else if (text[i] != '\r') {
      out += text[i];
    }
  }
  return out;
}

// Every line of a header begins with one of ours, or is folded; the names, in order.
std::vector<std::string> header_names(const std::string& message) {
  std::vector<std::string> out;
  const std::string head = message.substr(0, message.find("\r\n\r\n") + 2);
  for (std::size_t at = 0; at < head.size();) {
    const std::size_t end = head.find("\r\n", at);
    const std::string line = head.substr(at, end - at);
    if (!line.starts_with(' ')) out.push_back(line.substr(0, line.find(':')));
    at = end + 2;
  }
  return out;
}

std::string problems(std::string_view yaml) {
  return testing::problems_of(yaml, [](const doc::Value& tree, doc::Problems& out) {
    read_settings(*tree.find("email"), "/email", out);
  });
}

}  // namespace

TEST_CASE("email is read, and every mistake has its place") {
  CHECK(problems("email: {smtp: \"smtps://mail.example:465\", from: k@mail.example, user: k, "
                 "password: {secret: \"file:/p\"}, always: true}\n")
            .empty());
  CHECK(problems("email: {smtp: \"smtp://[::1]:25\", starttls: off, from: k@mail.example}\n")
            .empty());
  struct Case {
    const char *fields, *expected;
  };
  const std::vector<Case> cases{
      {"smtp: \"https://x\", from: a@b", "keyturn.yaml:1:15: smtp is smtps://"},
      {"smtp: \"smtp://u:p@x\", from: a@b", "smtp is smtps://"},
      {"smtp: \"smtp://x/y\", from: a@b", "smtp is smtps://"},
      {"smtp: \"smtp://x:0\", from: a@b", "smtp is smtps://"},
      {"smtp: \"smtp://x.example\", starttls: off, from: a@b", "another machine needs TLS"},
      {"smtp: \"smtp://127.x.example\", starttls: off, from: a@b", "another machine needs TLS"},
      {"smtp: \"smtp://x.example\", starttls: maybe, from: a@b", "required or off"},
      {"smtp: \"smtps://localhost\", starttls: off, from: a@b", "TLS from the start"},
      {"smtp: \"smtps://x\", from: \"Keyturn <a@b>\"", "one address"},
      {"smtp: \"smtps://x\", from: a@b, user: k", "of that user"},
      {"smtp: \"smtps://x\", from: a@b, password: {secret: \"env:P\"}", "needs the user"},
      {"smtp: \"smtps://x\", from: a@b, cc: all", "unknown field"},
      {"from: a@b", "smtp"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.fields);
    const std::string said = problems("email: {" + std::string(one.fields) + "}\n");
    CAPTURE(said);
    CHECK(said.contains(one.expected));
  }
}

TEST_CASE("who is asked and has an address gets one mail, and one more a reminder, in its thread") {
  Office office;
  const gate::RecordPtr asked = office.bench.ask("ask", "quite-private-argument");
  KeptPlaces kept;
  CHECK(office.carry_all(*office.email, asked->id, kept) == 1);  // erin has no address
  CHECK(office.carry_all(*office.email, asked->id, kept) == 0);
  REQUIRE(office.sent.size() == 1);
  const net::Mail first = office.sent[0];
  CHECK(first.to == "bob@mail.example");
  CHECK(first.from == "keyturn@mail.example");
  CHECK(header(first, "Subject") == "Keyturn: ask waits for you");
  CHECK(header(first, "Auto-Submitted") == "auto-generated");
  CHECK(header(first, "In-Reply-To").empty());
  const std::string body = unquoted(first.message.substr(first.message.find("\r\n\r\n") + 4));
  CHECK(body.contains("https://keyturn.example/a/" + asked->id.str() + "\n"));
  CHECK(body.contains("the agent bot"));
  CHECK(!first.message.contains("private"));

  office.bench.clock.time += std::chrono::minutes(11);
  office.bench.tick();
  CHECK(office.carry_all(*office.email, asked->id, kept) == 1);
  CHECK(header(office.sent[1], "Subject") == "Keyturn: reminder: ask waits for you");
  CHECK(header(office.sent[1], "In-Reply-To") == header(first, "Message-ID"));
  CHECK(header(office.sent[1], "Message-ID") != header(first, "Message-ID"));

  office.bench.clock.time += std::chrono::minutes(20);
  office.bench.tick();
  CHECK(office.carry_all(*office.email, asked->id, kept) == 2);
  CHECK(office.sent[2].to == "bob@mail.example");
  CHECK(office.sent[3].to == "mia@mail.example");
  CHECK(header(office.sent[3], "Subject") == "Keyturn: escalated: ask waits for you");
  CHECK(header(office.sent[3], "In-Reply-To").empty());

  REQUIRE(office.bench.run(office.bench.voting("bob", asked, review::Decision::kDeny)).has_value());
  CHECK(office.carry_all(*office.email, asked->id, kept) == 0);
}

TEST_CASE("what was not taken is the same when it comes again") {
  Office office;
  const gate::RecordPtr asked = office.bench.ask("ask");
  KeptPlaces kept;
  office.take = [](const net::Mail&) { return refuse("cannot_connect", "down"); };
  CHECK(office.carry_all(*office.email, asked->id, kept) == 1);
  CHECK(office.last_failure->kind == Undelivered::Kind::kUnreachable);
  office.take = [](const net::Mail&) { return Result<void>{}; };
  CHECK(office.carry_all(*office.email, asked->id, kept) == 1);
  CHECK(office.sent[0].message == office.sent[1].message);
}

TEST_CASE("a plan that names no mail is not told of, unless that is configured") {
  Office office;
  const gate::RecordPtr asked = office.bench.ask("slow-ask");
  KeptPlaces kept;
  CHECK(office.carry_all(*office.email, asked->id, kept) == 0);
  office.settings.always = true;
  office.open();
  CHECK(office.carry_all(*office.email, asked->id, kept) == 1);
}

TEST_CASE("what a mail server's answers mean") {
  using Kind = Undelivered::Kind;
  struct Case {
    const char* code;
    Kind expected;
  };
  for (const Case& one : std::vector<Case>{{"recipient_refused", Kind::kNever},
                                           {"message_refused", Kind::kNever},
                                           {"bad_address", Kind::kNever},
                                           {"recipient_later", Kind::kPlaceBusy},
                                           {"message_later", Kind::kPlaceBusy},
                                           {"try_later", Kind::kUnreachable},
                                           {"login_refused", Kind::kUnreachable},
                                           {"sender_refused", Kind::kUnreachable},
                                           {"tls_failed", Kind::kUnreachable},
                                           {"overloaded", Kind::kUnreachable}}) {
    CAPTURE(one.code);
    CHECK(undelivered({one.code, "", ""}).kind == one.expected);
  }
}

TEST_CASE("a password is read again after it was refused") {
  Office office;
  office.settings.user = "keyturn";
  office.settings.password = {secrets::Source::kFile, "/password", {}};
  office.open();
  const gate::RecordPtr asked = office.bench.ask("ask");
  KeptPlaces kept;
  CHECK(office.carry_all(*office.email, asked->id, kept) == 1);
  CHECK(office.sent.empty());
  CHECK(office.email->trouble()->code == "secret_missing");
  office.secrets["/password"] = "old";
  office.take = [](const net::Mail&) { return refuse("login_refused", "535"); };
  CHECK(office.carry_all(*office.email, asked->id, kept) == 1);
  CHECK(office.email->trouble()->code == "login_refused");
  office.secrets["/password"] = "new";
  office.take = [](const net::Mail&) { return Result<void>{}; };
  CHECK(office.carry_all(*office.email, asked->id, kept) == 1);
  CHECK(office.servers.back().password.reveal() == "new");
  CHECK(!office.email->trouble());
}

TEST_CASE("an address with more in it than an address goes nowhere") {
  Office office;
  people::Person bob = *office.bench.gate->world().directory.person("bob");
  bob.email = "bob@mail.example>\r\nBcc: eve@evil.example";
  office.bench.record({people::person_changed(bob)});
  const gate::RecordPtr asked = office.bench.ask("ask");
  KeptPlaces kept;
  CHECK(office.carry_all(*office.email, asked->id, kept) == 1);
  CHECK(office.sent.empty());
  CHECK(kept.at("person:bob").dead == "r1/c0");
}

TEST_CASE("dates and texts as mail writes them") {
  CHECK(mail_date(*from_rfc3339("2026-11-21T05:04:43.900Z")) == "Sat, 21 Nov 2026 05:04:43 +0000");
  CHECK(mail_date(*from_rfc3339("2024-02-29T23:59:59Z")) == "Thu, 29 Feb 2024 23:59:59 +0000");
  CHECK(header_text("plain", 9) == "plain");
  CHECK(header_text("a\nb", 9) == "a b");
  CHECK(header_text("Grüße", 9) == "=?utf-8?B?R3LDvMOfZQ==?=");
  CHECK(header_text("=?utf-8?B?eA==?=", 9) != "=?utf-8?B?eA==?=");
  CHECK(quoted_printable("a=b \nü\t") == "a=3Db=20\r\n=C3=BC=09");
}

TEST_CASE("whatever the names hold, a mail has our headers and no other") {
  CHECK(rc::check([](std::string tool, std::string operation, std::string kind, std::string who,
                     std::string owner, std::string group) {
    const std::string mean = "\r\nBcc: eve@evil.example\r\n\r\nhello\n.\n";
    gate::ActionRecord record;
    record.id = ActionId("act_1");
    record.tool = tool + mean;
    record.operation = operation + mean;
    record.resource.kind = kind + mean;
    record.requester.id = "w" + who + mean;
    record.owner = "o" + owner + mean;
    record.review.emplace();
    record.review->round = 1;
    record.review->escalated_to = group + mean;
    Matter matter;
    matter.record = std::make_shared<const gate::ActionRecord>(record);
    Letter letter = letter_about(matter, "https://keyturn.example/a/act_1", false);
    letter.from = "a@b.example";
    letter.to = "c@d.example";
    letter.id = id_of(matter, who + mean, "keyturn.example" + mean);
    letter.in_reply_to = letter.id;
    const std::string message = compose(letter);
    RC_ASSERT((header_names(message) ==
               std::vector<std::string>{
                   "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References",
                   "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}));
    RC_ASSERT(std::ranges::all_of(
        message, [](char c) { return (c >= ' ' && c <= '~') || c == '\r' || c == '\n'; }));
    std::size_t longest = 0, at = 0;
    for (std::size_t end; (end = message.find("\r\n", at)) != std::string::npos; at = end + 2)
      longest = std::max(longest, end - at);
    RC_ASSERT(longest <= 100);
    const std::string body = unquoted(message.substr(message.find("\r\n\r\n") + 4));
    RC_ASSERT(body == letter.body);
    RC_ASSERT(std::ranges::count(letter.body, '\n') == 15);
  }));
}

}  // namespace keyturn::channels::email
