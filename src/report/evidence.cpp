#include "report/evidence.h"

#include "doc/json.h"
#include "report/manifest.h"
#include "report/population.h"

namespace keyturn::report {

extern const char* const kVerifyPy;  // verify.py, made by CMake

namespace {

constexpr std::size_t kHtmlRowsMax = 2000, kPdfRowsMax = 400;

}  // namespace

std::string write_readme(const EvidenceInput& in, const Drawn& drawn) {
  const Evidence& made = drawn.evidence;
  std::string out =
      "Evidence of agent actions\n=========================\n\n"
      "Log:        " +
      in.origin +
      "\n"
      "Asked for:  " +
      in.asked +
      "\n"
      "Entries:    " +
      std::to_string(in.from) + " to " + std::to_string(in.from + in.entries.size()) +
      " (the last not included) of " + std::to_string(in.size) +
      "\n"
      "Root:       " +
      in.root +
      "\n"
      "Population: " +
      std::to_string(made.actions) +
      " actions\n"
      "Sample:     " +
      std::to_string(made.sampled) + " of them, seed " + drawn.seed +
      "\n"
      "Made:       " +
      in.made_at + " by Keyturn " + in.made_by_version +
      "\n\n"
      "Verify it, offline, with the log's verifier key from a source of your own (never from "
      "here):\n\n"
      "    python3 verify.py --key 'NAME+HASH+KEY'\n"
      "    keyturn verify . --key 'NAME+HASH+KEY'\n\n"
      "report.html   figures, plots, controls, sample; needs no script and no network\n"
      "report.pdf    the same, printed\n"
      "actions.csv   the population: every action requested in the range, one a row; column "
      "`sampled`\n"
      "figures.json  every figure of the report\n"
      "controls.json which entry types and figures bear on which control\n"
      "passkeys.json votes that a passkey signed, with the assertions and the public keys that the "
      "range tells\n"
      "bundle.json   the entries and the proof, format keyturn/evidence-bundle/v1\n"
      "checkpoint    the signed checkpoint (C2SP signed note), with the cosignatures it has\n"
      "policy/       policy documents: DIGEST.json is the canonical form that entries name, "
      "DIGEST.yaml the text as it was written\n"
      "proofs/       entries from before the range that matter for it, each with its proof (C2SP "
      "tlog-proof)\n"
      "manifest.json how this bundle was made, and the digest of each other file\n"
      "verify.py     the verifier: Python 3, standard library only; read it before you run it. It "
      "says what it does not check\n";
  if (!made.pdf_missing.empty()) out += "\nThere is no report.pdf: " + made.pdf_missing + "\n";
  return out;
}

namespace {

doc::Value controls_value(const std::vector<const Control*>& chosen, const Story& story,
                          const Figures& figures) {
  doc::Array out;
  for (const Control* control : chosen) {
    doc::Value values = doc::Object{};
    for (const auto& [name, value] : figures_for(*control, story, figures)) values.set(name, value);
    doc::Array types;
    for (const std::string_view type : control->types) types.emplace_back(type);
    out.push_back(doc::object({{"control", control->id},
                               {"family", control->family},
                               {"title", control->title},
                               {"bears", control->says},
                               {"types", std::move(types)},
                               {"figures", std::move(values)}}));
  }
  return out;
}

// What passkeys signed (votes, and glass that was broken), and the public keys of credentials that
// were added in the range.
doc::Value passkeys_value(const EvidenceInput& in) {
  doc::Array votes, openings, keys;
  for (std::size_t i = 0; i < in.entries.size(); ++i) {
    const std::string& bytes = in.entries[i];
    if (bytes.find("\"assertion\":") == std::string::npos &&
        bytes.find("identity.credential_added") == std::string::npos)
      continue;
    const auto leaf = doc::parse_json(bytes, {.bytes_max = 1 << 17, .depth_max = 256});
    if (!leaf) continue;
    const auto take = [&](std::string_view type, const char* part, bool is_signed,
                          doc::Array& into) {
      const doc::Value* content = leaf->text("type") == type ? leaf->find(part) : nullptr;
      if (content != nullptr && (!is_signed || content->find("assertion") != nullptr))
        into.push_back(doc::object({{"index", in.from + i}, {part, *content}}));
    };
    take("identity.credential_added", "credential", false, keys);
    take("review.voted", "vote", true, votes);
    take("breakglass.opened", "emergency", true, openings);
  }
  return doc::object({{"credentials_added", std::move(keys)},
                      {"votes", std::move(votes)},
                      {"broken_glass", std::move(openings)}});
}

}  // namespace

Result<Drawn> draw_evidence(const EvidenceInput& in) {
  const auto chosen = choose_controls(in.controls);
  if (!chosen) return std::unexpected(chosen.error());
  Drawn out;
  out.seed = in.seed.empty() ? in.root : in.seed;
  const Story story = read_story(in.entries, in.from);
  const Figures figures = figures_of(story);
  const std::set<std::string> sample = draw_sample(story, out.seed, in.sample);
  out.evidence.actions = story.actions.size();
  out.evidence.sampled = sample.size();
  const auto composed = [&](std::size_t rows) {
    return compose(in, story, figures, sample, out.seed, *chosen, rows);
  };
  out.printed = composed(kPdfRowsMax);
  Files& files = out.evidence.files;
  files["report.html"] = to_html(composed(kHtmlRowsMax));
  files["bundle.json"] = in.bundle;
  files["checkpoint"] = in.checkpoint;
  files["actions.csv"] = population_csv(story, sample);
  files["figures.json"] = doc::write_json_pretty(to_value(figures)) + "\n";
  files["controls.json"] = doc::write_json_pretty(controls_value(*chosen, story, figures)) + "\n";
  files["passkeys.json"] = doc::write_json_pretty(passkeys_value(in)) + "\n";
  files["verify.py"] = kVerifyPy;
  for (const PolicyText& policy : in.policies) {
    files["policy/" + policy.digest + ".json"] = policy.canonical;
    if (!policy.text.empty()) files["policy/" + policy.digest + ".yaml"] = policy.text;
  }
  for (const auto& [name, proof] : in.proofs) files["proofs/" + name] = proof;
  return out;
}

Result<Evidence> make_evidence(const EvidenceInput& in) {
  Result<Drawn> drawn = draw_evidence(in);
  if (!drawn) return std::unexpected(drawn.error());
  Evidence& out = drawn->evidence;
  Result<std::string> pdf = to_pdf(drawn->printed);
  if (pdf)
    out.files["report.pdf"] = *std::move(pdf);
  else if (pdf.error().code == "no_pdf")
    out.pdf_missing = pdf.error().message;
  else
    return std::unexpected(pdf.error());
  out.files["README.txt"] = write_readme(in, *drawn);
  out.files[std::string(kManifest)] =
      write_manifest(in, drawn->seed, out.pdf_missing, digests_of(out.files));
  return std::move(out);
}

}  // namespace keyturn::report
