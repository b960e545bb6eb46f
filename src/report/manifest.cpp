#include "report/manifest.h"

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::report {
namespace {

constexpr std::string_view kFormat = "keyturn/evidence/v1";

std::unexpected<Refusal> malformed(std::string why) {
  return refuse("malformed_manifest", "manifest.json " + std::move(why));
}

}  // namespace

std::map<std::string, std::string> digests_of(const Files& files) {
  std::map<std::string, std::string> out;
  for (const auto& [name, content] : files)
    if (name != kManifest) out[name] = to_hex(view(crypto::sha256(content)));
  return out;
}

std::string write_manifest(const EvidenceInput& in, const std::string& seed,
                           const std::string& pdf_missing,
                           const std::map<std::string, std::string>& digests) {
  doc::Value files = doc::Object{};
  for (const auto& [name, digest] : digests) files.set(name, digest);
  return doc::write_json_pretty(doc::object({{"format", kFormat},
                                             {"made_at", in.made_at},
                                             {"keyturn", in.made_by_version},
                                             {"asked", in.asked},
                                             {"origin", in.origin},
                                             {"from", in.from},
                                             {"to", in.from + in.entries.size()},
                                             {"size", in.size},
                                             {"root", in.root},
                                             {"seed", seed},
                                             {"sample", std::uint64_t{in.sample}},
                                             {"controls", in.controls},
                                             {"revealed", std::uint64_t{in.revealed}},
                                             {"erased", std::uint64_t{in.erased}},
                                             {"pdf_missing", pdf_missing},
                                             {"files", std::move(files)}})) +
         "\n";
}

Result<Manifest> read_manifest(std::string_view text) {
  const auto tree = doc::parse_json(text, {.bytes_max = 1 << 24});
  if (!tree) return malformed("is not there or cannot be read");
  if (tree->text("format") != kFormat)
    return malformed("is not of the format " + std::string(kFormat));
  const doc::Value* files = tree->find("files");
  if (files == nullptr || !files->is_object()) return malformed("names no files");
  const doc::Value* sample = tree->find("sample");
  const doc::Value* erased = tree->find("erased");
  const auto size = sample == nullptr ? std::nullopt : sample->as_uint64();
  const auto lost = erased == nullptr ? std::nullopt : erased->as_uint64();
  if (!size || !lost) return malformed("does not say the sample's size or how much was erased");
  Manifest out;
  out.said.asked = tree->text("asked");
  out.said.made_at = tree->text("made_at");
  out.said.made_by_version = tree->text("keyturn");
  out.said.seed = tree->text("seed");
  out.said.sample = static_cast<std::size_t>(*size);
  out.said.controls = tree->text("controls");
  out.said.erased = static_cast<std::size_t>(*lost);
  out.pdf_missing = tree->text("pdf_missing");
  for (const doc::Member& file : files->as_object()) {
    if (!file.value.is_string()) return malformed("has no digest of " + file.key);
    out.digests[file.key] = file.value.as_string();
  }
  return out;
}

}  // namespace keyturn::report
