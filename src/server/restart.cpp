#include "server/restart.h"

#include <algorithm>
#include <memory>

#include "audit/signed_state.h"
#include "base/durable_file.h"
#include "crypto/crypto.h"
#include "ledger/checkpoint.h"
#include "server/alone.h"
#include "server/core.h"
#include "server/seal_mark.h"

namespace keyturn::server {
namespace {

using audit::SignedState;

// One entry of the log about itself, which no request of anybody caused.
Result<void> append(Core& core, std::string type, doc::Value body, const std::string& reason,
                    bool begins_epoch) {
  body.set("by", "host");
  store::AppendRequest request;
  request.events.push_back(
      {"ledger", std::move(type), std::move(body), doc::object({{"reason", reason}})});
  request.expects.push_back({"ledger", core.journal().version("ledger")});
  request.begins_epoch = begins_epoch;
  if (!run_alone(core.loop(), core.journal().append(std::move(request))))
    return refuse("unwritable", "the journal took no entry");
  return {};
}

// Is there anything to restart from? (Looking closes the journal for appends, in an alarm: it is
// opened anew for what follows.)
Result<void> check_needed(const Settings& settings, const std::optional<std::string>& kept) {
  Result<std::unique_ptr<Core>> core = Core::open(settings, false, false);
  if (!core) return std::unexpected(core.error());
  if (!signed_now(**core, settings)) return {};
  if (kept) {
    const Result<ledger::VerifierKey> key = ledger::parse_vkey(vkey_of(settings, (*core)->data()));
    if (!key) return std::unexpected(key.error());
    const Result<ledger::Checkpoint> known = ledger::open_checkpoint(*kept, *key);
    if (!known) return std::unexpected(known.error());
    if (known->size > (*core)->journal().size()) return {};
  }
  return refuse(
      "not_needed",
      "the log is the one that was signed: there is nothing to restart. If somebody has a "
      "newer checkpoint of it, give that with --checkpoint");
}

// Two administrators who are two people; before the seal the host alone may.
Result<doc::Array> approved_by(Core& core, const std::vector<Secret>& tokens) {
  const people::Directory& directory = core.gate().world().directory;
  doc::Array names;
  std::vector<std::string> humans;
  for (const Secret& token : tokens) {
    Result<Principal> who = core.identity().authenticate_bearer(token.reveal());
    if (!who) return std::unexpected(who.error());
    const people::Person* person = directory.person(who->id);
    if (who->kind != PrincipalKind::kPerson || person == nullptr || !person->active ||
        !person->admin || person->simulated) {
      return refuse("two_people_needed", who->id + " is not an active administrator");
    }
    std::string human(directory.human_of(who->id));
    if (std::ranges::find(humans, human) != humans.end())
      return refuse("two_people_needed", who->id + " is one person with another approver");
    humans.push_back(std::move(human));
    names.push_back(who->id);
  }
  const bool sealed =
      core.gate().world().configuration->sealed || is_seal_marked(core.data());  // if lost, too
  if (sealed && names.size() < 2) {
    return refuse(
        "two_people_needed",
        "the configuration is sealed: two administrators give their personal tokens, each "
        "in a file of --approver-token");
  }
  return names;
}

Result<SignedState> last_known(const RestartRequest& request, const std::string& path,
                               const std::string& vkey) {
  Result<SignedState> known = audit::read_signed(path);
  if (!known || !request.checkpoint) return known;
  const Result<ledger::VerifierKey> key = ledger::parse_vkey(vkey);
  if (!key) return std::unexpected(key.error());
  const Result<ledger::Checkpoint> kept = ledger::open_checkpoint(*request.checkpoint, *key);
  if (!kept) return std::unexpected(kept.error());
  if (kept->size > known->size) *known = {kept->size, kept->root};
  return known;
}

}  // namespace

Result<Rotated> rotate_key(const Settings& settings, RestartRequest request) {
  Result<std::unique_ptr<Core>> opened = Core::open(settings, false, false);
  if (!opened) return std::unexpected(opened.error());
  Core& core = **opened;
  Result<doc::Array> approvers = approved_by(core, request.approvers);
  if (!approvers) return std::unexpected(approvers.error());
  if (const Result<std::string> sound = signed_now(core, settings); !sound)
    return std::unexpected(sound.error());
  const std::string keys = core.data().path() + "/keys/", before = vkey_of(settings, core.data());
  const std::string origin = origin_of(settings, core.data());
  SystemRandom random;
  const Secret seed(random.bytes(32));
  Rotated out;
  out.vkey = ledger::Ed25519Signer(origin, crypto::Ed25519Key::from_seed(seed)).verifier().text();
  const Secret line(to_hex(seed.reveal()) + "\n");
  const bool kept = write_durably(keys + "origin", base_origin_of(settings, core.data()) + "\n") &&
                    write_durably(keys + "ledger.key.next", line.reveal());
  if (!kept) return refuse("unwritable", "cannot write beside the keys; nothing was changed");
  const Result<void> written = append(core, "key.rotated",
                                      doc::object({{"key", "ledger"},
                                                   {"from", before},
                                                   {"to", out.vkey},
                                                   {"approved_by", std::move(*approvers)}}),
                                      request.reason, false);
  if (!written) return std::unexpected(written.error());
  Result<std::string> last = signed_now(core, settings);
  if (!last) return std::unexpected(last.error());
  out.last_checkpoint = std::move(*last);
  if (!replace_durably(keys + "ledger.key.next", keys + "ledger.key"))
    return refuse("unwritable", "cannot replace the key; the old one stays: run this again");
  return out;
}

Result<Restarted> restart_log(const Settings& settings, RestartRequest request) {
  if (const Result<void> needed = check_needed(settings, request.checkpoint); !needed)
    return std::unexpected(needed.error());
  Result<std::unique_ptr<Core>> opened = Core::open(settings, false, false);
  if (!opened) return std::unexpected(opened.error());
  Core& core = **opened;
  Result<doc::Array> approvers = approved_by(core, request.approvers);
  if (!approvers) return std::unexpected(approvers.error());
  const Result<SignedState> known =
      last_known(request, audit::signed_path(core.data().path()), vkey_of(settings, core.data()));
  if (!known) return std::unexpected(known.error());

  Restarted out;
  out.epoch = audit::epoch_of(core.data().path()) + 1;
  const std::uint64_t size = core.journal().size();
  out.missing = known->size > size ? known->size - size : 0;
  const std::string before = origin_of(settings, core.data());
  const Result<void> written = append(
      core, "ledger.restarted",
      doc::object({{"epoch", out.epoch},
                   {"previous", doc::object({{"origin", before},
                                             {"size", known->size},
                                             {"root", to_hex(view(known->root))}})},
                   {"present",
                    doc::object({{"size", size}, {"root", to_hex(view(core.journal().root()))}})},
                   {"missing", out.missing},
                   {"approved_by", std::move(*approvers)}}),
      request.reason, true);
  if (!written) return std::unexpected(written.error());
  // The origin changes with the epoch; until this file is there the old one holds, and its alarm.
  if (!audit::write_epoch(core.data().path(), out.epoch))
    return refuse("unwritable", "cannot write the epoch beside the keys; run this again");
  if (!core.gate().world().configuration->sealed) {  // as two people agreed, if it ever was
    if (Result<void> open = unmark_seal(core.data()); !open) return std::unexpected(open.error());
  }
  out.vkey = vkey_of(settings, core.data());
  return out;
}

}  // namespace keyturn::server
