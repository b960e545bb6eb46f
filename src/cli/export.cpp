// keyturn export: entries of the ledger in other tools' formats.
#include <charconv>
#include <cstdio>
#include <ostream>

#include "base/bytes.h"
#include "cli/commands.h"
#include "cli/host.h"
#include "cli/remote.h"
#include "exports/format.h"
#include "ledger/checkpoint.h"
#include "ledger/merkle.h"
#include "ledger/tile.h"
#include "server/host_record.h"

namespace keyturn::cli {
namespace {

constexpr std::uint64_t kPage = 256;

struct ExportWords {
  std::string format, url, out;
  std::uint64_t from = 0;
  std::optional<std::uint64_t> to;  // the first that is not exported
  Place place;
};

// Leaves from `from` on, at most `limit`; none at the end.
using ReadLeaves =
    std::function<Attempt<std::vector<std::string>>(std::uint64_t from, std::uint64_t limit)>;

struct Ledger {
  std::string origin;
  std::uint64_t size = 0;
  ReadLeaves read;
};

Attempt<std::vector<std::string>> page_of(const Remote& remote, std::uint64_t from,
                                          std::uint64_t limit) {
  const auto page = remote.get(with_query(
      "/v1/ledger/entries", {{"from", std::to_string(from)}, {"limit", std::to_string(limit)}}));
  if (!page) return std::unexpected(page.error());
  std::vector<std::string> out;
  const doc::Value* items = page->find("items");
  if (items == nullptr || !items->is_array()) return out;
  for (const doc::Value& item : items->as_array()) {
    const std::optional<std::string> leaf = from_base64(item.text("leaf"));
    if (!leaf) return failed({"malformed_answer", "the server sent an entry that is none", ""});
    out.push_back(*leaf);
  }
  return out;
}

Attempt<Ledger> over_api(const Session& session, const ExportWords& words) {
  Environment environment = session.environment;
  if (!words.url.empty()) environment.url = words.url;
  auto remote = std::make_shared<Remote>(environment);
  const auto ledger = remote->get("/v1/ledger");
  if (!ledger) return std::unexpected(ledger.error());
  return Ledger{
      std::string(ledger->text("origin")), static_cast<std::uint64_t>(ledger->integer("size")),
      [remote](std::uint64_t from, std::uint64_t limit) { return page_of(*remote, from, limit); }};
}

Attempt<std::vector<std::string>> tile_of(server::HostRecord& record, std::uint64_t from,
                                          std::uint64_t size) {
  const std::uint64_t tile = from / ledger::kTileWidth;
  const auto width = ledger::tile_width(0, tile, size);
  const Result<std::string> bytes = record.resources()(ledger::tile_path({true, 0, tile, width}));
  if (!bytes) return failed(bytes.error());
  auto leaves = ledger::decode_entries(*bytes, width);
  if (!leaves) return failed(leaves.error());
  leaves->erase(leaves->begin(),
                leaves->begin() + static_cast<std::ptrdiff_t>(from % ledger::kTileWidth));
  return std::move(*leaves);
}

Attempt<Ledger> on_host(const ExportWords& words) {
  const Attempt<server::Settings> settings = settings_of(words.place);
  if (!settings) return std::unexpected(settings.error());
  auto opened = server::HostRecord::open(*settings);
  if (!opened) return failed(opened.error());
  const std::shared_ptr<server::HostRecord> record = std::move(*opened);
  const Result<std::string> note = record->checkpoint();
  if (!note) return failed(note.error());
  const Result<ledger::VerifierKey> key = ledger::parse_vkey(record->vkey());
  if (!key) return failed(key.error());
  const Result<ledger::Checkpoint> checkpoint = ledger::open_checkpoint(*note, *key);
  if (!checkpoint) return failed(checkpoint.error());
  return Ledger{checkpoint->origin, checkpoint->size,
                [record, size = checkpoint->size](std::uint64_t from, std::uint64_t) {
                  return tile_of(*record, from, size);
                }};
}

Attempt<std::uint64_t> write_all(const Ledger& ledger, const ExportWords& words,
                                 exports::Format format,
                                 const std::function<bool(const std::string&)>& put) {
  const std::uint64_t end = std::min(ledger.size, words.to.value_or(ledger.size));
  std::uint64_t at = words.from;
  while (at < end) {
    const auto leaves = ledger.read(at, std::min(kPage, end - at));
    if (!leaves) return std::unexpected(leaves.error());
    if (leaves->empty())
      return failed({"unreadable", "entry " + std::to_string(at) + " is not there", ""});
    for (const std::string& leaf : *leaves) {
      if (at == end) break;
      const exports::Item item{ledger.origin, at, to_hex(view(ledger::leaf_hash(leaf))), leaf};
      if (!put(exports::line_of(format, item, exports::look_at(leaf)) + "\n"))
        return failed({"unwritable", "cannot write " + words.out, ""});
      ++at;
    }
  }
  return at - std::min(words.from, at);
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

int run_export(Session& session, const ExportWords& words) {
  const auto format = exports::format_from_text(words.format);
  const bool here = !words.place.data.empty();
  if (here && !words.url.empty())
    return complain(session, usage("--data and --url: choose one").error());
  const Attempt<Ledger> ledger = here ? on_host(words) : over_api(session, words);
  if (!ledger) return complain(session, ledger.error());
  std::unique_ptr<std::FILE, CloseFile> file;
  if (!words.out.empty()) {
    file.reset(std::fopen(words.out.c_str(), "we"));
    if (!file)
      return complain(session,
                      {Exit::kFailed, {"unwritable", "cannot write " + words.out, ""}, {}});
  }
  const auto put = [&](const std::string& line) {
    if (file) return std::fwrite(line.data(), 1, line.size(), file.get()) == line.size();
    session.console.out << line;
    return session.console.out.good();
  };
  const auto count = write_all(*ledger, words, *format, put);
  if (!count) return complain(session, count.error());
  if (file && std::fclose(file.release()) != 0)
    return complain(session, {Exit::kFailed, {"unwritable", "cannot write " + words.out, ""}, {}});
  if (!words.out.empty())
    session.console.err << *count << " entries: " << one_line(words.out) << "\n";
  return code(Exit::kOk);
}

}  // namespace

void add_export(CLI::App& app, Session& session) {
  CLI::App* command = leaf(app, session, "export",
                           "Write ledger entries in another tool's format, a line an entry");
  auto words = std::make_shared<ExportWords>();
  command->add_option("--format", words->format, "ndjson, ocsf, cloudevents, syslog, cef or otlp")
      ->required()
      ->check(CLI::IsMember(exports::format_words()));
  command->add_option("--from", words->from, "The first entry (default 0)");
  command->add_option("--to", words->to,
                      "The first entry that is left out (default: the last checkpoint's size)");
  command->add_option("--out", words->out, "Write to this file, not to stdout");
  command->add_option("--url", words->url, "The server (default KEYTURN_URL)");
  add_place(*command, words->place);
  command->footer(
      "Only what a checkpoint covers. With --data it is read from the data folder of this "
      "machine.");
  command->callback([&session, words] { session.exit = run_export(session, *words); });
}

}  // namespace keyturn::cli
