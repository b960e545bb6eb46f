// The channels, wired: what they keep, and how they reach the outside.
#include "channels/channels.h"

#include "base/task_impl.h"
#include "server/aside.h"
#include "server/core.h"
#include "store/sqlite/kept_file.h"

namespace keyturn::server {
namespace {

constexpr unsigned kThreads = 24;  // more than the errands of a channel at once: clicks go first
constexpr std::size_t kWaiting = 4096;

class KeepInFile final : public channels::Keep {
 public:
  explicit KeepInFile(std::unique_ptr<store::sqlite::KeptFile> file) : file_(std::move(file)) {}
  Task<Result<std::vector<std::pair<std::string, std::string>>>> read(std::string prefix) override {
    return file_->read(std::move(prefix));
  }
  Task<Result<void>> write(std::string key, std::optional<std::string> value) override {
    return file_->write(std::move(key), std::move(value));
  }

 private:
  std::unique_ptr<store::sqlite::KeptFile> file_;
};

}  // namespace

Result<channels::Channels*> Core::open_channels(const Settings& settings) {
  if (!settings.channels || settings.channels->empty()) return nullptr;
  Result<std::unique_ptr<store::sqlite::KeptFile>> file =
      store::sqlite::KeptFile::open(data_->path() + "/channels.db", loop_->executor());
  if (!file) return std::unexpected(file.error());
  kept_ = std::make_unique<KeepInFile>(std::move(*file));
  channels_pool_ = std::make_unique<net::BlockingPool>(*loop_, "kt-channels", kThreads, kWaiting);
  channels_ = std::make_unique<channels::Channels>(
      channels::Channels::Wiring{
          .gate = *gate_,
          .loop = *loop_,
          .clock = clock_,
          .random = random_,
          .keep = *kept_,
          .public_url = public_url_of(settings),
          .fingerprint_key = data_->hmac_key(),
          .fetch = [pool = channels_pool_.get()](
                       net::ClientRequest request) { return fetched(*pool, std::move(request)); },
          .secret =
              [pool = channels_pool_.get()](secrets::SecretReference reference) {
                return secret_of(*pool, std::move(reference));
              },
          .log = [](const std::string& line) { say(line); }},
      *settings.channels);
  return channels_.get();
}

}  // namespace keyturn::server
