#include "report/evidence_check.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "report/manifest.h"

namespace keyturn::report {
namespace {

constexpr std::string_view kPdf = "report.pdf", kPolicies = "policy/", kProofs = "proofs/";
// Their words may change from one version of Keyturn to the next. All others are what the entries
// say, in every version.
constexpr std::string_view kDrawn[] = {"report.html", "README.txt", "verify.py", "controls.json"};

bool is_digest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// "DIGEST" of "policy/DIGEST.json".
std::optional<std::string> document_of(std::string_view name, std::string_view ending) {
  if (!name.starts_with(kPolicies) || !name.ends_with(ending)) return std::nullopt;
  name.remove_prefix(kPolicies.size());
  name.remove_suffix(ending.size());
  return is_digest(name) ? std::optional(std::string(name)) : std::nullopt;
}

bool is_proof(std::string_view name) {
  constexpr std::string_view kBegin = "policy-", kEnd = ".tlog-proof";
  if (!name.starts_with(kProofs)) return false;
  name.remove_prefix(kProofs.size());
  if (!name.starts_with(kBegin) || !name.ends_with(kEnd)) return false;
  const auto number = name.substr(kBegin.size(), name.size() - kBegin.size() - kEnd.size());
  return !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos;
}

class Checker {
 public:
  Checker(const Files& files, const EvidenceInput& proven, const std::vector<std::string>& before)
      : files_(files), proven_(proven), before_(before) {}

  Checked run() {
    Result<Manifest> manifest = read_manifest(content(std::string(kManifest)));
    if (!manifest) {
      out_.missing.push_back(manifest.error().message);
      return std::move(out_);
    }
    manifest_ = *std::move(manifest);
    check_digests();
    check_policies();
    Result<Drawn> drawn = draw_evidence(made_again());
    if (!drawn) {
      out_.wrong.push_back("manifest.json: " + drawn.error().message);
      return std::move(out_);
    }
    compare(*drawn);
    check_pdf(drawn->printed);
    remark(*drawn);
    return std::move(out_);
  }

 private:
  std::string_view content(const std::string& name) const {
    const auto found = files_.find(name);
    return found == files_.end() ? std::string_view() : std::string_view(found->second);
  }
  bool another_version() const { return manifest_.said.made_by_version != proven_.made_by_version; }

  // They say that files belong together, not that they are true.
  void check_digests() {
    const std::map<std::string, std::string> there = digests_of(files_);
    for (const auto& [name, digest] : manifest_.digests) {
      const auto found = there.find(name);
      if (found == there.end())
        out_.missing.push_back(name + " is not there, and manifest.json names it");
      else if (found->second != digest)
        told_[name] = name + " is not the file that manifest.json names: it was changed";
    }
    for (const auto& [name, digest] : there)
      if (!manifest_.digests.contains(name))
        told_[name] = name + " is no file that manifest.json names";
    for (const auto& [name, sentence] : told_) out_.wrong.push_back(sentence);
  }

  void wrong(const std::string& name, const std::string& why) {
    if (told_.emplace(name, why).second) out_.wrong.push_back(name + " " + why);
  }

  static bool is_named(const std::string& digest, const std::vector<std::string>& entries) {
    return std::ranges::any_of(
        entries, [&](const std::string& leaf) { return leaf.find(digest) != std::string::npos; });
  }

  void check_named(const std::string& name, const std::string& digest) {
    if (is_named(digest, proven_.entries)) return;
    if (is_named(digest, before_))
      out_.remarks.push_back(name + " is what an entry from before the range names (proofs/)");
    else
      wrong(name, "is no document that an entry names");
  }

  void check_policies() {
    for (const auto& [name, text] : files_) {
      if (const auto digest = document_of(name, ".json")) {
        if (to_hex(view(crypto::sha256(text))) != *digest)
          wrong(name, "is not the document that its name says");
        else
          check_named(name, *digest);
      } else if (const auto written = document_of(name, ".yaml")) {
        const auto tree = doc::parse_yaml(text, name);
        const auto canonical = tree ? doc::canonical(*tree) : Result<std::string>("");
        if (!canonical || to_hex(view(crypto::sha256(*canonical))) != *written)
          wrong(name, "does not say what the document of its name says");
        else if (text.find('#') != std::string::npos)
          out_.not_checked.push_back(name + ": its comments; the rest is the document " + *written);
      }
    }
  }

  EvidenceInput made_again() const {
    EvidenceInput out = proven_;
    const EvidenceInput& said = manifest_.said;
    out.asked = said.asked;
    out.made_at = said.made_at;
    out.made_by_version = said.made_by_version;
    out.seed = said.seed;
    out.sample = said.sample;
    out.controls = said.controls;
    out.erased = said.erased;
    out.policies.clear();
    out.proofs.clear();
    for (const auto& [name, text] : files_) {
      if (const auto digest = document_of(name, ".json")) {
        const std::string_view written = content("policy/" + *digest + ".yaml");
        out.policies.push_back({*digest, std::string(written), text});
      } else if (is_proof(name)) {
        out.proofs[name.substr(kProofs.size())] = text;
      }
    }
    return out;
  }

  void compare(Drawn& drawn) {
    Files& again = drawn.evidence.files;
    drawn.evidence.pdf_missing = manifest_.pdf_missing;
    const EvidenceInput in = made_again();
    again["README.txt"] = write_readme(in, drawn);
    again[std::string(kManifest)] =
        write_manifest(in, drawn.seed, manifest_.pdf_missing, manifest_.digests);
    for (const auto& [name, bytes] : again) {
      const auto found = files_.find(name);
      if (found == files_.end() && !manifest_.digests.contains(name))
        out_.missing.push_back(name + " is not there");
      if (found == files_.end() || found->second == bytes) continue;
      if (another_version() && std::ranges::find(kDrawn, name) != std::end(kDrawn)) {
        if (!told_.contains(name)) out_.not_checked.push_back(name + ": " + other_version());
      } else {
        wrong(name, "is not what the entries and the manifest give");
      }
    }
    for (const auto& [name, bytes] : files_)
      if (name != kPdf && !again.contains(name)) wrong(name, "does not belong into a bundle");
  }

  std::string other_version() const {
    return "it was made by Keyturn " + manifest_.said.made_by_version + ", and this is " +
           proven_.made_by_version;
  }

  void check_pdf(const Document& printed) {
    const auto found = files_.find(std::string(kPdf));
    if (found == files_.end()) {
      if (manifest_.pdf_missing.empty() && !manifest_.digests.contains(std::string(kPdf)))
        out_.missing.push_back("report.pdf is not there, and manifest.json does not say why");
      return;
    }
    if (told_.contains(std::string(kPdf))) return;
    const Result<std::string> again = to_pdf(printed);
    if (again && *again == found->second) {
      out_.remarks.emplace_back("report.pdf was drawn again, and is the same");
      return;
    }
    out_.not_checked.push_back(
        "report.pdf: " + (!again ? "this machine cannot draw it (" + again.error().message + ")"
                          : another_version()
                              ? other_version()
                              : std::string("drawn again here it has other bytes: other fonts or "
                                            "another cairo or Pango, or it was changed")));
  }

  void remark(const Drawn& drawn) {
    if (drawn.seed != proven_.root)
      out_.remarks.push_back("the sample's seed, \"" + drawn.seed +
                             "\", is not the checkpoint's root: whoever chose it could choose the "
                             "sample by it");
    const std::size_t said = manifest_.said.erased;
    if (said < proven_.erased)
      out_.wrong.emplace_back("manifest.json says fewer private parts ERASED than the entries do");
    if (said > proven_.erased)
      out_.not_checked.push_back("manifest.json: " + std::to_string(said - proven_.erased) +
                                 " private parts are said to be ERASED, and no entry that is here "
                                 "says so");
  }

  const Files& files_;
  const EvidenceInput& proven_;
  const std::vector<std::string>& before_;
  Manifest manifest_;
  std::map<std::string, std::string> told_;  // of which files something wrong was said
  Checked out_;
};

}  // namespace

Checked check_evidence(const Files& files, const EvidenceInput& proven,
                       const std::vector<std::string>& before) {
  return Checker(files, proven, before).run();
}

}  // namespace keyturn::report
