#include "render/preview.h"

#include <algorithm>

namespace keyturn::render {
namespace {

Section titled(std::string title, SectionKind kind) {
  Section out;
  out.title = std::move(title);
  out.kind = kind;
  return out;
}

bool is_diff(std::string_view text) {
  return text.starts_with("@@ ") || text.find("\n@@ ") != std::string_view::npos ||
         text.starts_with("diff --git ");
}

class PreviewBuilder {
 public:
  explicit PreviewBuilder(Budget& budget) : budget_(budget) {}

  std::vector<Section> build(const doc::Value& preview) {
    const std::string_view kind = preview.text("kind");
    if (preview.find("unavailable") != nullptr) unavailable(preview);
    if (kind == "exec")
      program(preview);
    else if (kind == "sql")
      statements(preview);
    else if (kind == "plan")
      steps(preview);
    else
      other(preview);
    return std::move(out_);
  }

 private:
  void put(Section s) {
    if (!s.fields.empty() || !s.runs.empty() || !s.warnings.empty()) out_.push_back(std::move(s));
  }

  void field(Section& s, std::string_view name, std::string_view value) {
    if (!value.empty()) add_field(s, budget_, name, value);
  }

  // With a code it is the state that cannot be told, and nothing is released before it can.
  void unavailable(const doc::Value& preview) {
    Section s = titled("What it would touch", SectionKind::kFields);
    field(s, "not looked at", preview.text("unavailable"));
    s.warnings.emplace_back(preview.find("code") == nullptr
                                ? "there is no preview"
                                : "it could not be looked at; nothing is released before it can");
    put(std::move(s));
  }

  void text(std::string title, std::string_view bytes, std::vector<std::string> warnings = {}) {
    Section s = titled(std::move(title), is_diff(bytes) ? SectionKind::kDiff : SectionKind::kCode);
    if (bytes.empty() && warnings.empty()) return;
    if (budget_.take(bytes.size())) {
      Rendered r = render_text(bytes, Style::kCode);
      s.bytes = r.bytes;
      s.runs = std::move(r.runs);
      s.warnings = std::move(r.warnings);
    } else {
      s.warnings.emplace_back("too long: it is not shown");
    }
    add_warnings(s, std::move(warnings));
    put(std::move(s));
  }

  void command(Section& s, const doc::Value& of) {
    std::size_t i = 0;
    for (const doc::Value& word : of.list("argv")) {
      if (word.is_string())
        add_field(s, budget_, "argv[" + std::to_string(i) + "]", word.as_string());
      ++i;
    }
  }

  // What the preview of an exec tool said, and the state that it was said of.
  void program(const doc::Value& preview) {
    if (const doc::Value* ran = preview.find("preview")) {
      std::vector<std::string> warnings;
      if (ran->flag("truncated")) warnings.emplace_back("it said more than is kept");
      if (ran->find("failed") != nullptr) warnings.emplace_back("the preview did not end well");
      text("What it would do, as its preview says", ran->text("stdout"), std::move(warnings));
      Section s = titled("How it was looked at", SectionKind::kFields);
      command(s, *ran);
      if (ran->text("stdout").empty()) field(s, "said", "nothing");
      field(s, "failed", ran->text("failed"));
      if (ran->find("exit_code") != nullptr)
        field(s, "exit code", std::to_string(ran->integer("exit_code")));
      field(s, "errors", ran->text("stderr"));
      put(std::move(s));
    }
    if (const doc::Value* state = preview.find("state")) {
      Section s = titled("The state that an approval is good for", SectionKind::kFields);
      command(s, *state);
      field(s, "says", state->text("text"));
      if (state->flag("truncated")) s.warnings.emplace_back("it says more than is shown");
      field(s, "digest", state->text("sha256"));
      put(std::move(s));
    }
  }

  static bool is_read(const doc::Value& statement) {
    return statement.find("rows") == nullptr && statement.find("not_counted") == nullptr &&
           statement.list("tables").empty();
  }

  static std::string rows_of(const doc::Value& statement) {
    if (is_read(statement)) return "reads";
    if (statement.find("rows") == nullptr)
      return "not counted: " + std::string(statement.text("not_counted"));
    const std::int64_t count = statement.integer("rows");
    return (statement.flag("at_most") ? "at most " : "") + std::to_string(count) +
           (count == 1 ? " row" : " rows");
  }

  void statements(const doc::Value& preview) {
    const doc::Array& all = preview.list("statements");
    Section s = titled("What it would touch", SectionKind::kFields);
    bool counts = false, open = false;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::string name =
          (all.size() > 1 ? std::to_string(i + 1) + ". " : "") + std::string(all[i].text("verb"));
      const bool counted = all[i].find("rows") != nullptr;
      counts = counts || counted;
      open = open || (!counted && !is_read(all[i]));
      field(s, name, rows_of(all[i]));
      for (const doc::Value& table : all[i].list("tables")) add_table(s, table);
      std::string plan;
      for (const doc::Value& line : all[i].list("plan")) {
        if (line.is_string()) plan += (plan.empty() ? "" : "\n") + line.as_string();
      }
      field(s, "plan, with rows as PostgreSQL estimates them", plan);
    }
    if (preview.integer("more") > 0)
      s.warnings.push_back(std::to_string(preview.integer("more")) +
                           " more statements were not looked at");
    if (open)
      s.warnings.emplace_back("what is not counted can touch any number of rows, now or later");
    if (counts && all.size() > 1)
      field(s, "counted", "each statement by itself, as things stood when people were asked");
    if (counts) {
      const bool rows = preview.text("state") == "rows";
      const bool all_of_them = std::ranges::none_of(all, [](const doc::Value& one) {
        return one.find("rows") != nullptr && one.find("print") == nullptr;
      });
      field(s, "an approval is good for",
            !rows         ? "this number of rows"
            : all_of_them ? "these rows in these versions, not what is read besides"
                          : "these rows in these versions, not what is read besides; of rows that "
                            "are added, their number");
    }
    put(std::move(s));
  }

  void add_table(Section& s, const doc::Value& table) {
    std::string words(table.text("name"));
    if (table.find("kind") != nullptr) words += " (" + std::string(table.text("kind")) + ")";
    field(s, "of", words);
    if (table.flag("row_security"))
      field(s, "row security", "policies of the table decide which rows this role sees");
    for (const doc::Value& one : table.list("triggers"))
      field(s, "trigger", one.is_string() ? one.as_string() : "");
    for (const doc::Value& one : table.list("rules"))
      field(s, "rule", one.is_string() ? one.as_string() : "");
    for (const doc::Value& one : table.list("reaches"))
      field(s, "reaches", one.is_string() ? one.as_string() : "");
  }

  // A plan's: of each step, under its name.
  void steps(const doc::Value& preview) {
    for (const doc::Value& step : preview.list("steps")) {
      const doc::Value* seen = step.find("preview");
      if (seen == nullptr) continue;
      if (seen->find("unavailable") != nullptr) {
        Section s = titled(title_of(step, "What it would touch"), SectionKind::kFields);
        field(s, "not looked at", seen->text("unavailable"));
        s.warnings.emplace_back(
            "it could not be looked at; the step asks by itself when it comes to it");
        put(std::move(s));
        continue;
      }
      for (Section s : PreviewBuilder(budget_).build(*seen)) {
        s.title = title_of(step, s.title);
        put(std::move(s));
      }
    }
  }
  static std::string title_of(const doc::Value& step, std::string_view title) {
    return "Step " + std::string(step.text("path")) + ": " + std::string(title);
  }

  void other(const doc::Value& preview) {
    if (!preview.is_object()) return;
    if (const doc::Value* diff = preview.find("diff"); diff != nullptr && diff->is_string())
      text("What it would change", diff->as_string());
    Section s = titled("What it would touch", SectionKind::kFields);
    for (const doc::Member& m : preview.as_object()) {
      const bool shown = m.key == "kind" || m.key == "unavailable" || m.key == "code" ||
                         (m.key == "diff" && m.value.is_string());
      if (!shown) add_leaves(s, budget_, join_path("", m.key), m.value);
    }
    put(std::move(s));
  }

  Budget& budget_;
  std::vector<Section> out_;
};

}  // namespace

std::vector<Section> preview_sections(const doc::Value& preview, Budget& budget) {
  if (preview.is_null()) return {};
  return PreviewBuilder(budget).build(preview);
}

}  // namespace keyturn::render
