#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "report/evidence.h"
#include "report/evidence_check.h"
#include "report/manifest.h"
#include "report/population.h"
#include "report/zip.h"

namespace keyturn::report {
namespace {

const Time kStart = *from_rfc3339("2026-10-01T08:00:00Z");

// A log of `days` days, a few actions each: what a quarter's report is drawn from.
class Log {
 public:
  std::vector<std::string> leaves;

  void action(std::size_t number, Time at, const std::string& effect, Duration wait,
              const std::string& model = "модель-ж") {
    const std::string id = "act_" + std::to_string(1000 + number);
    stream_ = "action/" + id;
    position_ = 0;
    const std::string digest = "sha256:" + std::string(64, 'a');
    doc::Value decided = doc::object(
        {{"action", doc::object({{"created_at", to_rfc3339(at)},
                                 {"digest", digest},
                                 {"id", id},
                                 {"operation", "write"},
                                 {"tool", "tool-" + std::to_string(number % 5)},
                                 {"resource", doc::object({{"kind", "database"},
                                                           {"name", "資料庫 " + id},
                                                           {"env", "prod"}})}})},
         {"agent", doc::object({{"id", "bot"}, {"owner", "olga"}})},
         {"claims", doc::object({{"model", model}})},
         {"lineage", doc::object({{"requester", "bot"},
                                  {"parties", doc::Array{doc::object({{"id", "olga"}})}}})},
         {"policy",
          doc::object(
              {{"digest", digest},
               {"verdict",
                doc::object({{"effect", effect},
                             {"rules", doc::array_of({"rule-" + std::to_string(number % 7)})}})}})},
         {"state", effect == "deny" ? "denied" : "pending"}});
    append("action.decided", at, std::move(decided));
    if (effect != "require") return;
    append("review.opened", at, doc::object({{"review", doc::object({{"round", 1}})}}));
    append("review.voted", at + wait,
           doc::object({{"vote", doc::object({{"reviewer", "bob"},
                                              {"decision", "approve"},
                                              {"assurance", "passkey"},
                                              {"assertion", doc::Object{}}})}}));
    append("review.closed", at + wait,
           doc::object({{"review", doc::object({{"result", "approved"}})}}));
    append("execution.intended", at + wait, doc::object({{"state", "executing"}}));
    append(
        "execution.finished", at + wait,
        doc::object({{"state", "succeeded"},
                     {"execution", doc::object({{"outcome", "succeeded"}, {"duration_ms", 12}})}}));
  }

 private:
  void append(const char* type, Time at, doc::Value body) {
    body.set("type", type);
    body.set("time", to_rfc3339(at));
    body.set("stream", stream_);
    body.set("position", ++position_);
    leaves.push_back(doc::canonical_or_die(body));
  }
  std::string stream_;
  int position_ = 0;
};

Log quarter() {
  Log log;
  for (std::size_t day = 0; day < 90; ++day) {
    for (std::size_t n = 0; n <= day % 6; ++n) {
      const Duration wait = std::chrono::seconds(7) * static_cast<int>((day * 37 + n * 911) % 5000);
      log.action(day * 10 + n, kStart + std::chrono::days(day) + std::chrono::minutes(n),
                 n % 3 == 0   ? "require"
                 : n % 3 == 1 ? "allow"
                              : "deny",
                 wait);
    }
  }
  return log;
}

EvidenceInput input_of(const Log& log) {
  EvidenceInput input;
  input.origin = "log.example/test";
  input.root = std::string(64, 'b');
  input.size = log.leaves.size();
  input.entries = log.leaves;
  input.bundle = "{}\n";
  input.checkpoint = "a signed note\n";
  input.asked = "2026-10-01 to 2026-12-31";
  input.made_at = "2027-01-02T03:04:05.678Z";
  input.made_by_version = "test";
  return input;
}

}  // namespace

TEST_CASE("figures count what the entries say, and no day is left out") {
  Log log;
  log.action(1, kStart, "require", std::chrono::seconds(30));
  log.action(2, kStart + std::chrono::days(3), "require", std::chrono::minutes(20));
  log.action(3, kStart + std::chrono::days(3), "deny", {});
  const Figures figures = figures_of(read_story(log.leaves, 0));
  CHECK(figures.actions == 3);
  CHECK(figures.days ==
        Counts{{"2026-10-01", 1}, {"2026-10-02", 0}, {"2026-10-03", 0}, {"2026-10-04", 2}});
  CHECK(figures.decision_p50_ms == 30'000);
  CHECK(figures.decision_p95_ms == 1'200'000);
  CHECK(figures.assertions == 2);
  CHECK(figures.votes_of_lineage == 0);
  CHECK(figures.unapproved_executions == 0);
}

TEST_CASE("the population says which step of which run an action was, and whose plan allowed it") {
  Log log;
  log.action(1, kStart, "allow", {});
  log.action(2, kStart, "allow", {});
  doc::Value leaf = *doc::parse_json(log.leaves[1]);
  leaf.set(
      "run",
      doc::object(
          {{"id", "act_1"}, {"runbook", "patch"}, {"step", "all[0]~compensate"}, {"attempt", 2}}));
  leaf.set("planned", doc::object({{"run", "act_1"}, {"stands_in_for", "ask"}}));
  log.leaves[1] = doc::canonical_or_die(leaf);
  const std::string csv = population_csv(read_story(log.leaves, 0), {"act_1002"});
  const std::string head = csv.substr(0, csv.find("\r\n"));
  CHECK(head.ends_with(",last_index,run,runbook,step,attempt,planned,sampled"));
  CHECK(csv.contains(",0,,,,,,\r\n"));
  CHECK(csv.ends_with(",1,act_1,patch,all[0]~compensate,2,act_1,yes\r\n"));
}

TEST_CASE(
    "an approval by the action's own people, and an execution without approval, are counted") {
  Log log;
  log.action(1, kStart, "require", std::chrono::seconds(30));
  for (std::string& leaf : log.leaves) {
    if (const auto at = leaf.find("\"bob\""); at != std::string::npos)
      leaf.replace(at, 5, "\"olga\"");
    if (const auto at = leaf.find("\"approved\""); at != std::string::npos)
      leaf.replace(at, 10, "\"expired\"");
  }
  const Figures figures = figures_of(read_story(log.leaves, 0));
  CHECK(figures.votes_of_lineage == 1);
  CHECK(figures.unapproved_executions == 1);
}

TEST_CASE("the sample is the same for the same seed, and another for another") {
  const Story story = read_story(quarter().leaves, 0);
  CHECK(draw_sample(story, "a", 20) == draw_sample(story, "a", 20));
  CHECK(draw_sample(story, "a", 20) != draw_sample(story, "b", 20));
  CHECK(draw_sample(story, "a", 100'000).size() == story.actions.size());
}

TEST_CASE("no cell of the list is a formula, and none breaks a row") {
  Log log;
  log.action(1, kStart, "allow", {}, "=1+2");
  log.action(2, kStart, "allow", {}, "a \"b\", c");
  const std::string csv = population_csv(read_story(log.leaves, 0), {});
  CHECK(csv.find(",'=1+2,") != std::string::npos);
  CHECK(csv.find("\"a \"\"b\"\", c\"") != std::string::npos);
}

TEST_CASE("a text of others is text in the HTML") {
  Log log;
  log.action(1, kStart, "allow", {}, "<script>alert(1)</script>");
  EvidenceInput input = input_of(log);
  const auto made = make_evidence(input);
  REQUIRE(made.has_value());
  CHECK(made->files.at("report.html").find("<script") == std::string::npos);
  CHECK(made->files.at("report.html").find("&lt;script&gt;") != std::string::npos);
}

TEST_CASE("files come back out of an archive, and damage of it is refused") {
  const Files files = {{"a.txt", "one"}, {"b/c.json", std::string(100'000, 'x')}, {"empty", ""}};
  const std::string archive = write_zip(files).value();
  CHECK(archive.size() < 2000);
  CHECK(read_zip(archive).value() == files);
  for (std::size_t length = 0; length < archive.size(); length += 7)
    CHECK_FALSE(read_zip(std::string_view(archive).substr(0, length)).has_value());
  for (std::size_t at = 0; at < archive.size(); ++at) {
    std::string changed = archive;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const auto read = read_zip(changed);  // never a crash, and never another content under a name
    if (!read) continue;
    for (const auto& [name, content] : *read)
      if (files.contains(name)) CHECK(files.at(name) == content);
  }
}

TEST_CASE("an archive that can be read in two ways, or leads out of its folder, is refused") {
  const auto changed = [](const std::string& from, const std::string& to, bool both) {
    std::string archive = write_zip({{"aa", "one"}, {"bb", "two"}, {from, "three"}}).value();
    std::size_t at = archive.rfind(from);  // in the directory
    archive.replace(at, from.size(), to);
    if (both) archive.replace(archive.find(from), from.size(), to);
    return read_zip(archive);
  };
  CHECK(changed("cc", "dd", true).has_value());
  CHECK_FALSE(changed("cc", "dd", false).has_value());
  CHECK_FALSE(changed("cc", "aa", true).has_value());
  for (const char* name : {"../abcd", "/abcdef", "a/../bc", "a//bcde", "./abcde", "a\\bcdef",
                           "C:abcde", "abcdef\n", "abcd/.."})
    CHECK_FALSE(changed("abcdefg", name, true).has_value());
}

namespace {
Checked check(const Files& files, const Log& log) {
  EvidenceInput proven = input_of(log);
  return check_evidence(files, proven, {});
}

Files bundle_of(const Log& log, const std::string& seed = "") {
  EvidenceInput input = input_of(log);
  input.seed = seed;
  return make_evidence(input)->files;
}
}  // namespace

TEST_CASE("a byte of any file that is changed is told") {
  const Log log = quarter();
  const Files files = bundle_of(log);
  CHECK(check(files, log).wrong.empty());
  CHECK(check(files, log).missing.empty());
  CHECK(check(files, log).not_checked.empty());
  if (files.contains("report.pdf"))
    CHECK(check(files, log).remarks ==
          std::vector<std::string>{"report.pdf was drawn again, and is the same"});
  for (const auto& [name, content] : files) {
    CAPTURE(name);
    for (const std::size_t at : {std::size_t{0}, content.size() / 2, content.size() - 1}) {
      if (content.empty()) continue;
      Files changed = files;
      changed[name][at] = static_cast<char>(changed[name][at] ^ 1);
      const Checked found = check(changed, log);
      CHECK(found.wrong.size() + found.missing.size() > 0);
    }
    Files fewer = files;
    fewer.erase(name);
    CHECK(check(fewer, log).missing.size() == 1);
  }
}

namespace {
// As one does who knows the format: the digest in the manifest is changed with the file.
Files forged(Files files, const std::string& name, const std::string& content) {
  Manifest manifest = read_manifest(files.at("manifest.json")).value();
  const std::string old = manifest.digests.contains(name) ? manifest.digests.at(name) : "";
  files[name] = content;
  manifest.digests = digests_of(files);
  std::string& text = files["manifest.json"];
  if (old.empty()) {
    text.insert(text.rfind("\n  }"), ",\n    \"" + name + "\": \"" + manifest.digests[name] + "\"");
  } else {
    text.replace(text.find(old), old.size(), manifest.digests[name]);
  }
  return files;
}
}  // namespace

TEST_CASE("a file that is changed together with its digest is told, as it is made again") {
  const Log log = quarter();
  const Files files = bundle_of(log);
  for (const auto& [name, content] : files) {
    if (name == "manifest.json") continue;
    CAPTURE(name);
    const Checked found = check(forged(files, name, content + " "), log);
    if (name == "report.pdf") {
      CHECK(found.wrong.empty());
      REQUIRE(found.not_checked.size() == 1);
      CHECK(found.not_checked[0].starts_with("report.pdf: drawn again here it has other bytes"));
    } else {
      CHECK(found.wrong.size() == 1);
    }
  }
  CHECK(check(forged(files, "report.html", files.at("report.html") + "<p>"), log).wrong.size() ==
        1);
  const Checked more = check(forged(files, "zz-notes.txt", "believe me"), log);
  REQUIRE(more.wrong.size() == 1);
  CHECK(more.wrong[0] == "zz-notes.txt does not belong into a bundle");
}

TEST_CASE("each field of the manifest is compared with the record, or with what was made of it") {
  const Log log = quarter();
  const Files files = bundle_of(log);
  const doc::Value manifest = doc::parse_json(files.at("manifest.json")).value();
  for (const doc::Member& member : manifest.as_object()) {
    CAPTURE(member.key);
    doc::Value changed = manifest;
    changed.set(member.key, member.value.is_number() ? doc::Value(7) : doc::Value("other"));
    Files there = files;
    there["manifest.json"] = doc::write_json_pretty(changed) + "\n";
    const Checked found = check(there, log);
    CHECK(found.wrong.size() + found.missing.size() + found.not_checked.size() > 0);
    if (member.key != "keyturn" && member.key != "erased")
      CHECK(found.wrong.size() + found.missing.size() > 0);
  }
}

TEST_CASE("a seed that is not the root is remarked") {
  const Log log = quarter();
  const auto seeds = [](const Checked& checked) {
    return std::ranges::count_if(checked.remarks, [](const std::string& remark) {
      return remark.find("\"mine\", is not the checkpoint's root") != std::string::npos;
    });
  };
  CHECK(seeds(check(bundle_of(log), log)) == 0);
  const Checked chosen = check(bundle_of(log, "mine"), log);
  CHECK(chosen.wrong.empty());
  CHECK(seeds(chosen) == 1);
}

TEST_CASE("what another version drew in other words is not checked, and it is said") {
  const Log log = quarter();
  const Files files = bundle_of(log);
  EvidenceInput proven = input_of(log);
  proven.made_by_version = "a later one";
  CHECK(check_evidence(files, proven, {}).wrong.empty());
  const Files other = forged(files, "report.html", "other words");
  const Checked found = check_evidence(other, proven, {});
  CHECK(found.wrong.empty());
  REQUIRE(found.not_checked.size() == 1);
  CHECK(found.not_checked[0].starts_with("report.html: it was made by Keyturn test"));
  CHECK(check_evidence(forged(files, "actions.csv", ""), proven, {}).wrong.size() == 1);
}

TEST_CASE("a policy is bound to an entry by its digest, and its text to it") {
  Log log = quarter();
  const std::string text = "a: 1 # why\n", canonical = "{\"a\":1}";
  const std::string digest = to_hex(view(crypto::sha256(canonical)));
  EvidenceInput input = input_of(log);
  input.policies.push_back({digest, text, canonical});
  const Files files = make_evidence(input)->files;
  const Checked unnamed = check_evidence(files, input_of(log), {});
  REQUIRE(unnamed.wrong.size() == 1);
  CHECK(unnamed.wrong[0].ends_with("is no document that an entry names"));
  const Checked named = check_evidence(files, input_of(log), {"sha256:" + digest});
  CHECK(named.wrong.empty());
  REQUIRE_FALSE(named.remarks.empty());
  CHECK(named.remarks[0].find("an entry from before the range names") != std::string::npos);
  REQUIRE(named.not_checked.size() == 1);
  CHECK(named.not_checked[0].find(".yaml: its comments") != std::string::npos);
  const Files other = forged(files, "policy/" + digest + ".yaml", "a: 2\n");
  CHECK(check_evidence(other, input_of(log), {"sha256:" + digest}).wrong.size() == 1);
}

// KEYTURN_REPORT_OUT=DIR leaves the quarter's report there, to be looked at.
TEST_CASE("a quarter's report is drawn") {
  const auto made = make_evidence(input_of(quarter()));
  REQUIRE(made.has_value());
  CHECK(made->actions == 315);
  if (made->pdf_missing.empty()) CHECK(made->files.at("report.pdf").starts_with("%PDF-"));
  if (const char* folder = std::getenv("KEYTURN_REPORT_OUT")) {
    for (const char* name : {"report.pdf", "report.html"}) {
      const auto found = made->files.find(name);
      if (found == made->files.end()) continue;
      std::ofstream(std::string(folder) + "/" + name, std::ios::binary) << found->second;
    }
  }
}

}  // namespace keyturn::report
