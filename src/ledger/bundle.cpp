#include "ledger/bundle.h"

#include <algorithm>

#include "base/bytes.h"
#include "doc/json.h"
#include "doc/read.h"

namespace keyturn::ledger {
namespace {

doc::Value bytes_value(const std::string& bytes) {
  if (!first_invalid_utf8(bytes)) return bytes;
  return doc::object({{"base64", to_base64(bytes)}});
}

std::optional<std::string> read_bytes(const doc::Value& value) {
  if (value.is_string()) return value.as_string();
  return value.find("base64") != nullptr ? from_base64(value.text("base64")) : std::nullopt;
}

doc::Value hashes_value(const std::vector<Digest>& hashes) {
  doc::Array out;
  out.reserve(hashes.size());
  for (const Digest& hash : hashes) out.emplace_back(to_hex(view(hash)));
  return out;
}

doc::Value number(std::uint64_t value) {
  return value;
}

doc::Value to_value(const RevealedPayload& payload) {
  return doc::object({{"index", number(payload.index)},
                      {"nonce", to_base64(payload.nonce)},
                      {"payload", payload.payload}});
}
doc::Value to_value(const ErasedPayload& payload) {
  doc::Value out = doc::object(
      {{"authorised_by", number(payload.authorised_by)}, {"index", number(payload.index)}});
  if (!payload.entry) return out;
  out.set("entry", bytes_value(*payload.entry));
  out.set("proof", hashes_value(payload.proof));
  return out;
}
doc::Value to_value(const ConsistencyStep& step) {
  return doc::object({{"proof", hashes_value(step.proof)}, {"size", number(step.size)}});
}
doc::Value to_value(const Attachment& attachment) {
  return doc::object({{"content", bytes_value(attachment.content)},
                      {"media_type", attachment.media_type},
                      {"name", attachment.name}});
}
doc::Value to_value(const std::string& bytes) {
  return bytes_value(bytes);
}

template <class T>
doc::Value list_value(const std::vector<T>& items) {
  doc::Array out;
  out.reserve(items.size());
  for (const T& item : items) out.push_back(to_value(item));
  return out;
}

// Reads fields and remembers the first thing that is wrong.
class BundleReader {
 public:
  explicit BundleReader(const doc::Value& root) : fields_(root, "", problems_) {}

  Result<Bundle> read() {
    Bundle bundle;
    const std::string format = fields_.require_string("format");
    if (format != kBundleFormat) {
      return refuse("malformed_bundle", "its format is \"" + format.substr(0, 60) +
                                            "\"; this program reads \"" +
                                            std::string(kBundleFormat) + "\"");
    }
    bundle.checkpoint = fields_.require_string("checkpoint");
    bundle.from = count(fields_.value(), "from");
    fields_.any("from");
    bundle.leaf_hashes = hashes(fields_.array("leaf_hashes"));
    bundle.before = hashes(fields_.array("before"));
    bundle.after = hashes(fields_.array("after"));
    each("entries", [&](const doc::Value& v) { bundle.entries.push_back(bytes(v)); });
    each("consistency", [&](const doc::Value& v) {
      bundle.consistency.push_back({count(v, "size"), hashes(v.find("proof"))});
    });
    each("revealed", [&](const doc::Value& v) { bundle.revealed.push_back(revealed(v)); });
    each("erased", [&](const doc::Value& v) {
      ErasedPayload erased{count(v, "index"), count(v, "authorised_by")};
      if (const doc::Value* entry = v.find("entry")) erased.entry = bytes(*entry);
      erased.proof = hashes(v.find("proof"));
      bundle.erased.push_back(std::move(erased));
    });
    each("attachments", [&](const doc::Value& v) {
      const doc::Value* content = v.find("content");
      bundle.attachments.push_back({std::string(v.text("name")), std::string(v.text("media_type")),
                                    content != nullptr ? bytes(*content) : std::string()});
    });
    fields_.finish();
    if (problems_.empty()) return bundle;
    return refuse("malformed_bundle", problems_.front().message, problems_.front().pointer);
  }

 private:
  template <class F>
  void each(std::string_view key, F&& f) {
    const doc::Value* list = fields_.array(key);
    if (list == nullptr) return;
    for (const doc::Value& item : list->as_array()) f(item);
  }
  void wrong(std::string message) { fields_.problem("malformed", std::move(message)); }

  std::uint64_t count(const doc::Value& value, std::string_view key) {
    const doc::Value* found = value.find(key);
    const auto out = found != nullptr ? found->as_uint64() : std::nullopt;
    if (!out) wrong("\"" + std::string(key) + "\" must be a whole number from 0");
    return out.value_or(0);
  }
  std::string bytes(const doc::Value& value) {
    auto out = read_bytes(value);
    if (!out) wrong("bytes must be a string, or {\"base64\": ...}");
    return std::move(out).value_or("");
  }
  std::vector<Digest> hashes(const doc::Value* list) {
    std::vector<Digest> out;
    if (list == nullptr || !list->is_array()) {
      if (list != nullptr) wrong("a list of hashes is no list");
      return out;
    }
    for (const doc::Value& item : list->as_array()) {
      const auto hash = item.is_string() ? from_hex(item.as_string()) : std::nullopt;
      if (!hash || hash->size() != 32) {
        wrong("a hash must have 64 hexadecimal digits");
        return out;
      }
      std::ranges::copy(*hash, out.emplace_back().begin());
    }
    return out;
  }
  RevealedPayload revealed(const doc::Value& value) {
    const auto nonce = from_base64(value.text("nonce"));
    if (!nonce || nonce->size() != 32) wrong("a nonce must be base64 of 32 bytes");
    return {count(value, "index"), nonce.value_or(""), std::string(value.text("payload"))};
  }

  doc::Problems problems_;
  doc::ObjectReader fields_;
};

}  // namespace

BundleNodes bundle_nodes(std::uint64_t from, std::uint64_t to, std::uint64_t size) {
  return {cover(0, from), cover(to, size)};
}

Result<void> prove_bundle(Bundle& bundle, HashReader& reader, std::uint64_t size) {
  const BundleNodes nodes = bundle_nodes(bundle.from, bundle.from + bundle.entries.size(), size);
  auto before = reader.read(nodes.before);
  if (!before) return std::unexpected(std::move(before.error()));
  auto after = reader.read(nodes.after);
  if (!after) return std::unexpected(std::move(after.error()));
  bundle.before = *std::move(before);
  bundle.after = *std::move(after);
  bundle.leaf_hashes.clear();
  for (const std::string& entry : bundle.entries) bundle.leaf_hashes.push_back(leaf_hash(entry));
  return {};
}

std::string write_bundle(const Bundle& bundle) {
  doc::Value out = doc::object({{"format", kBundleFormat},
                                {"checkpoint", bundle.checkpoint},
                                {"from", number(bundle.from)}});
  out.set("entries", list_value(bundle.entries));
  out.set("leaf_hashes", hashes_value(bundle.leaf_hashes));
  out.set("before", hashes_value(bundle.before));
  out.set("after", hashes_value(bundle.after));
  if (!bundle.consistency.empty()) out.set("consistency", list_value(bundle.consistency));
  if (!bundle.revealed.empty()) out.set("revealed", list_value(bundle.revealed));
  if (!bundle.erased.empty()) out.set("erased", list_value(bundle.erased));
  if (!bundle.attachments.empty()) out.set("attachments", list_value(bundle.attachments));
  return doc::write_json_pretty(out) + "\n";
}

Result<Bundle> parse_bundle(std::string_view text) {
  constexpr doc::ParseLimits kLimits{
      .bytes_max = std::size_t{1} << 30, .depth_max = 16, .values_max = 40'000'000};
  const auto root = doc::parse_json(text, kLimits);
  if (!root) return refuse("malformed_bundle", root.error().message, root.error().where);
  if (!root->is_object()) return refuse("malformed_bundle", "a bundle is a JSON object");
  return BundleReader(*root).read();
}

}  // namespace keyturn::ledger
