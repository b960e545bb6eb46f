#include "server/host_record.h"

#include "crypto/crypto.h"
#include "ledger/checkpoint.h"
#include "server/core.h"
#include "store/sqlite/data_dir.h"
#include "store/sqlite/reader.h"

namespace keyturn::server {

struct HostRecord::Impl {
  Impl(const Settings& settings, const store::sqlite::DataDir& data)
      : signer(origin_of(settings, data), crypto::Ed25519Key::from_seed(data.ledger_seed())),
        vkey(signer.verifier().text()),
        reader(data.journal_path(), data.master_key(), store::sqlite::Access::kReadOnly) {}

  ledger::Ed25519Signer signer;
  std::string vkey;
  store::sqlite::Reader reader;
  std::string note;
};

HostRecord::HostRecord(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HostRecord::~HostRecord() = default;

Result<std::unique_ptr<HostRecord>> HostRecord::open(const Settings& settings) {
  const Result<store::sqlite::DataDir> data = store::sqlite::DataDir::look(settings.data);
  if (!data) return std::unexpected(data.error());
  try {
    return std::unique_ptr<HostRecord>(new HostRecord(std::make_unique<Impl>(settings, *data)));
  } catch (const std::exception& error) {
    return refuse("unreadable", error.what());
  }
}

const std::string& HostRecord::vkey() const {
  return impl_->vkey;
}

Result<std::string> HostRecord::checkpoint() {
  if (!impl_->note.empty()) return impl_->note;
  const store::Signed last = impl_->reader.last_signed();
  if (last.size == 0)
    return refuse("not_signed", "no checkpoint was signed yet: start the server once");
  ledger::TileHashReader hashes(resources(), last.size);
  const Result<Digest> root = ledger::tree_root(hashes, last.size);
  if (!root) return std::unexpected(root.error());
  if (*root != last.root)
    return refuse("forked", "the first " + std::to_string(last.size) +
                                " entries are not those that were signed: run keyturn fsck");
  Result<std::string> note = ledger::sign_checkpoint(
      {impl_->vkey.substr(0, impl_->vkey.find('+')), last.size, *root, {}}, impl_->signer);
  if (note) impl_->note = *note;
  return note;
}

ledger::ResourceReader HostRecord::resources() {
  return [this](const std::string& path) { return resource(path); };
}

Result<std::string> HostRecord::resource(const std::string& path) {
  if (path == "checkpoint") return checkpoint();
  const std::optional<ledger::Tile> tile = ledger::parse_tile_path(path);
  if (!tile) return refuse("not_found", path + ": there is no such tile");
  try {
    if (tile->entries) {
      const std::vector<std::string> leaves =
          impl_->reader.leaves(tile->index * ledger::kTileWidth, tile->width);
      if (leaves.size() == tile->width) return ledger::encode_entries(leaves);
    } else {
      std::string bytes = impl_->reader.tile(tile->level, tile->index, tile->width);
      if (bytes.size() == tile->width * sizeof(Digest)) return bytes;
    }
  } catch (const std::exception& error) {
    return refuse("unreadable", error.what());
  }
  return refuse("not_found", path + " is not there");
}

std::vector<std::uint64_t> HostRecord::indexes_of(const std::string& stream) {
  return impl_->reader.indexes_of(stream);
}

Result<std::vector<HostRecord::Part>> HostRecord::private_parts(std::uint64_t from,
                                                                std::uint64_t to) {
  constexpr std::size_t kChunk = 1024;
  std::vector<Part> out;
  try {
    for (std::uint64_t at = from; at < to; at += kChunk) {
      const auto limit = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, to - at));
      for (store::sqlite::PrivatePart& part : impl_->reader.private_parts(at, limit))
        out.push_back({part.index, std::move(part.nonce), std::move(part.payload)});
    }
  } catch (const std::exception& error) {
    return refuse("unreadable", error.what());
  }
  return out;
}

}  // namespace keyturn::server
