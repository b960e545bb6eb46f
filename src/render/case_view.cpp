#include "render/case_view.h"

#include <algorithm>

#include "render/configuration.h"
#include "render/fields.h"
#include "render/plan_words.h"
#include "render/preview.h"
#include "render/run_plan.h"

namespace keyturn::render {
namespace {

std::string joined(const std::set<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? "none" : out;
}

class Builder {
 public:
  explicit Builder(const CaseInput& input) : in_(input) {}

  CaseView build() {
    erased();
    configuration();
    run_plan();
    hold();
    what_runs();  // first what matters most
    for (Section& s : preview_sections(in_.preview, budget_)) put(std::move(s));
    arguments();
    changes();
    reason();
    request();
    claims();
    how_it_runs();
    facts();
    policy();
    plan();
    view_.complete = budget_.complete();
    return std::move(view_);
  }

 private:
  void put(Section s) {
    if (!s.fields.empty() || !s.runs.empty() || !s.warnings.empty()) {
      view_.sections.push_back(std::move(s));
    }
  }

  void field(Section& s, std::string_view name, std::string_view value) {
    if (!value.empty()) add_field(s, budget_, name, value);
  }

  void text_section(std::string title, SectionKind kind, std::string_view text) {
    Section s = section(std::move(title), kind);
    if (!budget_.take(text.size())) {
      s.warnings.emplace_back("too long: it is not shown");
    } else {
      Rendered r = render_text(text, kind == SectionKind::kText ? Style::kProse : Style::kCode);
      s.bytes = r.bytes;
      s.runs = std::move(r.runs);
      s.warnings = std::move(r.warnings);
    }
    put(std::move(s));
  }

  void request() {
    Section s = section("Request", SectionKind::kFields);
    field(s, "tool", in_.tool);
    field(s, "operation", in_.operation);
    field(s, "resource kind", in_.resource.kind);
    field(s, "resource name", in_.resource.name);
    field(s, "resource environment", in_.resource.env);
    for (const auto& [key, value] : in_.resource.labels) field(s, "resource label " + key, value);
    field(s, "asked for by",
          std::string(keyturn::to_text(in_.requester_kind)) + " " + in_.requester);
    field(s, "owner", in_.owner);
    field(s, "mode", in_.mode);
    field(s, "asked at", to_rfc3339(in_.created_at));
    field(s, "expires at", to_rfc3339(in_.expires_at));
    field(s, "action", in_.id);
    field(s, "amends", in_.amends);
    put(std::move(s));
  }

  // What the executor would run, taken out of its description because it matters most.
  void what_runs() {
    for (const char* key : {"sql", "statement"}) {
      const doc::Value* sql = in_.description.find(key);
      if (sql != nullptr && sql->is_string()) {
        text_section("SQL statement", SectionKind::kCode, sql->as_string());
      }
    }
    const doc::Value* statements = in_.description.find("statements");
    if (is_texts(statements)) {
      const auto& list = statements->as_array();
      for (std::size_t i = 0; i < list.size(); ++i) {
        std::string title = "SQL statement";
        if (list.size() > 1) {
          title += " " + std::to_string(i + 1) + " of " + std::to_string(list.size());
        }
        text_section(std::move(title), SectionKind::kCode, list[i].as_string());
      }
    }
    http_request();
    const doc::Value* argv = in_.description.find("argv");
    if (is_texts(argv)) {
      Section s = section("Command, argument by argument", SectionKind::kFields);
      for (std::size_t i = 0; i < argv->as_array().size(); ++i) {
        add_field(s, budget_, "argv[" + std::to_string(i) + "]", argv->as_array()[i].as_string());
      }
      put(std::move(s));
    }
  }

  // Of an HTTP tool: line by line as it is sent, so that no header or body can look like another.
  void http_request() {
    const doc::Value* request = in_.description.find("request");
    if (!is_http_request(request)) return;
    Section s = section("HTTP request", SectionKind::kFields);
    field(s, "method", request->text("method"));
    field(s, "URL", request->text("url"));
    if (const doc::Value* headers = request->find("headers")) {
      for (const doc::Member& m : headers->as_object())
        add_field(s, budget_, "header " + m.key, m.value.is_string() ? m.value.as_string() : "");
    }
    field(s, "SHA-256 of the body", request->text("body_sha256"));
    put(std::move(s));
    text_section("Body of the request", SectionKind::kCode, request->text("body"));
  }

  static bool is_http_request(const doc::Value* request) {
    if (request == nullptr || !request->is_object() || request->text("url").empty()) return false;
    const doc::Value* headers = request->find("headers");
    return headers == nullptr || headers->is_object();
  }

  static bool is_texts(const doc::Value* value) {
    return value != nullptr && value->is_array() && !value->as_array().empty() &&
           std::ranges::all_of(value->as_array(), &doc::Value::is_string);
  }

  void erased() {
    if (in_.erased_by.empty()) return;
    Section s = section("ERASED", SectionKind::kFields);
    field(s, "what", "arguments, reason, facts and description are destroyed, for ever");
    field(s, "agreed to in", in_.erased_by);
    put(std::move(s));
  }

  // What a change of Keyturn's own configuration comes to.
  void configuration() {
    if (!changes_configuration()) return;
    for (Section& s : configuration_sections(in_.description, budget_)) put(std::move(s));
  }

  // What a run would do, step by step.
  void run_plan() {
    if (!starts_run()) return;
    for (Section& s : run_plan_sections(*in_.description.find("plan"), budget_)) put(std::move(s));
  }

  // A hold point of a runbook: the message in its own words, what is shown with it, with what the
  // run was started, who is asked.
  void hold() {
    if (!is_hold()) return;
    text_section("Go on?", SectionKind::kText, in_.args->text("message"));
    Section shown = section("Shown with it", SectionKind::kFields);
    Section inputs = section("Inputs of the run", SectionKind::kFields);
    Section rest = section("What the runbook asks for", SectionKind::kFields);
    for (const doc::Member& m : in_.args->as_object()) {
      if (m.key == "message" || m.value.is_null()) continue;
      if (m.key == "show")
        add_leaves(shown, budget_, "", m.value);
      else if (m.key == "inputs" && m.value.is_object())
        add_inputs(inputs, m.value);
      else
        add_leaves(rest, budget_, join_path("", m.key), m.value);
    }
    put(std::move(shown));
    put(std::move(inputs));
    put(std::move(rest));
  }

  void add_inputs(Section& s, const doc::Value& inputs) {
    for (const doc::Member& m : inputs.as_object())
      add_leaves(s, budget_, join_path("", m.key), m.value);
  }

  // Its arguments are its description: told once, above.
  bool is_hold() const {
    const doc::Value* message =
        in_.tool == "keyturn.hold" && in_.args && in_.args->is_object() && in_.secrets.empty()
            ? in_.args->find("message")
            : nullptr;
    return message != nullptr && message->is_string();
  }

  bool starts_run() const {
    return in_.tool.starts_with("runbook.") && is_run_plan(in_.description);
  }

  bool changes_configuration() const {
    return in_.tool == "keyturn.configuration" || in_.tool == "keyturn.upstream";
  }

  bool shown_above(const doc::Member& m) const {
    if (changes_configuration()) return is_configuration_member(m);
    if (starts_run() && m.key == "plan") return true;
    if (m.key == "sql" || m.key == "statement") return m.value.is_string();
    if (m.key == "request") return is_http_request(&m.value);
    return (m.key == "argv" || m.key == "statements") && is_texts(&m.value);
  }

  bool is_secret(const std::string& name) const {
    return std::ranges::any_of(in_.secrets, [&](const auto& s) { return s.name == name; });
  }

  void arguments() {
    if (is_hold()) return;
    Section s = section("Arguments", SectionKind::kFields);
    if (!in_.args) {
      s.warnings.emplace_back(
          "the arguments are not at hand: they were erased or could not be read");
      budget_.miss();
      return put(std::move(s));
    }
    if (in_.args->is_object()) {
      for (const doc::Member& m : in_.args->as_object()) {
        if (!is_secret(m.key)) add_leaves(s, budget_, join_path("", m.key), m.value);
      }
    } else if (!in_.args->is_null()) {
      add_leaves(s, budget_, "", *in_.args);
    }
    for (const SecretParam& secret : in_.secrets) {
      Field f{render_text(secret.name).runs, {}};
      Rendered words =
          render_text("secret, " + secret.length_class + ", fingerprint " + secret.fingerprint);
      f.value.push_back(own(render::to_plain_text(words.runs), Mark::kSecret));
      s.fields.push_back(std::move(f));
    }
    put(std::move(s));
  }

  // Original and modified arguments, leaf by leaf; each leaf is one line, because JSON escapes
  // newlines.
  void changes() {
    if (!in_.args || !in_.original_args || *in_.args == *in_.original_args) return;
    Section s = section("Changed by policy", SectionKind::kDiff);
    const auto before = leaf_lines(without_secrets(*in_.original_args));
    const auto after = leaf_lines(without_secrets(*in_.args));
    const auto add = [&](char sign, const std::pair<std::string, std::string>& leaf) {
      const std::string line = leaf.first + ": " + leaf.second;
      if (!budget_.take(line.size())) return;
      Rendered r{{own(std::string(1, sign) + " ")}, 0, {}};
      append(r, render_text(line));
      r.runs.push_back(own("\n"));
      for (Run& run : r.runs) s.runs.push_back(std::move(run));
      s.bytes += r.bytes;
      add_warnings(s, std::move(r.warnings));
    };
    for (const auto& leaf : before) {
      if (std::ranges::find(after, leaf) == after.end()) add('-', leaf);
    }
    for (const auto& leaf : after) {
      if (std::ranges::find(before, leaf) == before.end()) add('+', leaf);
    }
    put(std::move(s));
  }

  doc::Value without_secrets(const doc::Value& args) const {
    if (!args.is_object()) return args;
    doc::Value out{doc::Object{}};
    for (const doc::Member& m : args.as_object()) {
      if (!is_secret(m.key)) out.set(m.key, m.value);
    }
    return out;
  }

  void reason() {
    if (!in_.reason.empty()) {
      text_section("Reason, as given by the requester", SectionKind::kText, in_.reason);
    }
  }

  void claims() {
    Section s = section("Claimed by the requester, not verified", SectionKind::kFields);
    if (in_.claims.is_object()) {
      for (const doc::Member& m : in_.claims.as_object()) {
        add_leaves(s, budget_, join_path("", m.key), m.value);
      }
    }
    put(std::move(s));
  }

  void how_it_runs() {
    if (is_hold() && in_.description == *in_.args) return;
    Section s = section("How it would run", SectionKind::kFields);
    if (in_.description.is_object()) {
      for (const doc::Member& m : in_.description.as_object()) {
        if (!shown_above(m)) add_leaves(s, budget_, join_path("", m.key), m.value);
      }
    } else if (!in_.description.is_null()) {
      add_leaves(s, budget_, "", in_.description);
    }
    put(std::move(s));
  }

  void facts() {
    Section s = section("What Keyturn found out", SectionKind::kFields);
    if (in_.facts.flag("uninspectable")) {
      s.warnings.emplace_back("not all of it could be inspected: what it does cannot be told");
    }
    if (in_.facts.is_object()) {
      for (const doc::Member& m : in_.facts.as_object()) {
        add_leaves(s, budget_, join_path("", m.key), m.value);
      }
    }
    put(std::move(s));
  }

  void policy() {
    Section s = section("What policy decided", SectionKind::kFields);
    const Verdict& v = in_.verdict;
    field(s, "effect", keyturn::to_text(v.effect));
    field(s, "decided by", v.decided_by);
    for (const std::string& reason : v.reasons) field(s, "because", reason);
    for (const RuleHit& hit : v.hits) {
      std::string text(keyturn::to_text(hit.effect));
      if (!hit.contribution.empty()) text += ": " + hit.contribution;
      field(s, (hit.shadow ? "trial rule " : "rule ") + hit.rule, text);
      for (const std::string& exception : hit.exceptions) {
        field(s, "exception applied by " + hit.rule, exception);
      }
    }
    if (v.observed)
      field(s, "observed only", "nothing is held back: this is what would have happened");
    field(s, "policy digest", v.policy_digest);
    put(std::move(s));
  }

  void plan() {
    if (in_.verdict.effect != Effect::kRequire) return;
    const Plan& p = in_.verdict.plan;
    Section s = section("Who must agree", SectionKind::kFields);
    if (!p.quorum.empty()) field(s, "all of", in_words(p.quorum));
    for (const auto& entry : p.any) field(s, "one of", in_words(entry, ", or "));
    for (const auto& entry : p.stages) field(s, "one after the other", in_words(entry, ", then "));
    field(s, "who can deny", p.veto_any ? "anybody who is asked" : joined(p.veto_groups));
    field(s, "at least", keyturn::to_text(p.assurance));
    if (p.channels) field(s, "over", joined(*p.channels));
    if (p.look.count() > 0) field(s, "look for", keyturn::to_text(p.look));
    if (p.another.count() > 0)
      field(s, "not whoever approved the like of it within", keyturn::to_text(p.another));
    field(s, "type again", p.retype);
    field(s, "evidence", p.evidence);
    if (p.review_after.count() > 0)
      field(s, "reviewed again within", keyturn::to_text(p.review_after));
    put(std::move(s));
  }

  const CaseInput& in_;
  Budget budget_;
  CaseView view_;
};

}  // namespace

CaseView view_of(const CaseInput& input) {
  return Builder(input).build();
}

}  // namespace keyturn::render
