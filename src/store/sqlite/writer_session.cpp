#include "store/sqlite/writer_session.h"

#include <sqlite3.h>

#include <algorithm>
#include <stdexcept>

#include "crypto/crypto.h"
#include "ledger/merkle.h"
#include "store/sqlite/checkpointer.h"
#include "store/sqlite/private_parts.h"
#include "store/sqlite/schema.h"

namespace keyturn::store::sqlite {
namespace {

constexpr std::size_t kHeadsKept = 65'536;
constexpr int kWalPagesMax = 32'768;

Database open_for_writing(const std::string& path) {
  Database database(path, Access::kReadWrite);
  configure(database);
  database.run("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cache_size = -32768;");
  return database;
}

int count_wal_pages(void* pages, sqlite3*, const char*, int in_wal) {
  *static_cast<int*>(pages) = in_wal;
  return SQLITE_OK;
}

}  // namespace

Writer::Session::Session(WriterOptions options, Random& random)
    : options_(std::move(options)),
      random_(random),
      database_(open_for_writing(options_.path)),
      tree_(database_),
      find_stream_(database_, "SELECT id, version, head, last_type FROM stream WHERE name = ?"),
      insert_stream_(database_,
                     "INSERT INTO stream(id, name, version, head, last_type, open) "
                     "VALUES(?, ?, ?, ?, ?, ?)"),
      update_stream_(
          database_,
          "UPDATE stream SET version = ?, head = ?, last_type = ?, open = ? WHERE id = ?"),
      insert_event_(database_,
                    "INSERT INTO event(idx, stream, position, leaf, sealed) "
                    "VALUES(?, ?, ?, ?, ?)"),
      insert_claim_(database_, "INSERT INTO claim(key, value) VALUES(?, ?)"),
      // Of equal size, so that SQLite writes over the bytes where they stand: no cell is moved, and
      // no copy of one is left behind.
      erase_part_(database_,
                  "UPDATE event SET sealed = zeroblob(length(sealed)) "
                  "WHERE idx = ? AND sealed IS NOT NULL"),
      read_signed_(database_, "SELECT size, root FROM signed"),
      insert_signed_(database_, "INSERT OR REPLACE INTO signed(one, size, root) VALUES(1, ?, ?)"),
      next_stream_(database_.integer("SELECT max(id) FROM stream") + 1) {
  sqlite3_wal_hook(database_.raw(), count_wal_pages, &wal_pages_);
  // A process that was killed between an erasure and this left it to us.
  log_holds_erased_ = !truncate_log(database_);
}

void Writer::Session::commit(std::vector<std::shared_ptr<Pending>> batch) {
  const bool writes = std::ranges::any_of(batch, [](const auto& pending) {
    return !pending->events.empty() || !pending->erase.empty() || !pending->claims.empty() ||
           pending->signed_step;
  });
  if (writes) {
    Transaction transaction(database_);
    for (const auto& pending : batch) write(*pending);
    save_heads();
    tree_.save();
    transaction.commit();
  }
  options_.committed(CommittedBatch{std::move(batch), tree_.size(), tree_.root()});
  if (log_holds_erased_) log_holds_erased_ = !truncate_log(database_);
  if (writes && options_.grown) options_.grown(wal_pages_);
  if (wal_pages_ > kWalPagesMax) checkpoint_passive(database_);  // the other thread falls behind
  if (heads_.size() > kHeadsKept) heads_.clear();
}

void Writer::Session::write(Pending& pending) {
  for (const std::uint64_t index : pending.erase) {
    Query(erase_part_).bind(index).run();
    log_holds_erased_ = true;
  }
  for (std::size_t i = 0; i < pending.events.size(); ++i) {
    write_event(pending.events[i], pending.drafts[i]);
  }
  for (const Claim& claim : pending.claims) {
    Query(insert_claim_).bind_text(claim.key).bind_text(claim.value).run();
  }
  if (pending.begins_epoch) database_.run("DELETE FROM signed");
  if (pending.signed_step) write_signed(*pending.signed_step);
}

void Writer::Session::write_event(Event& event, WriteDraft& draft) {
  Head& head = head_of(event);
  if (head.version + 1 != event.position || tree_.size() != event.index) {
    throw std::logic_error("an event out of order: stream " + event.stream);
  }
  fill_in(draft.leaf, draft.leaf.prev_at, head.hash);
  const std::string sealed = draft.payload ? seal(event, draft) : std::string();
  event.leaf_hash = ledger::leaf_hash(draft.leaf.bytes);
  tree_.append(event.leaf_hash);
  Query insert(insert_event_);
  insert.bind(event.index).bind(head.id).bind(event.position).bind_blob(draft.leaf.bytes);
  draft.payload ? insert.bind_blob(sealed) : insert.bind_null();
  insert.run();
  head.version = event.position;
  head.hash = event.leaf_hash;
  head.last_type = event.type;
}

std::string Writer::Session::seal(const Event& event, WriteDraft& draft) {
  const std::string nonce = random_.bytes(32);
  fill_in(draft.leaf, draft.leaf.private_at, crypto::commit_payload(nonce, *draft.payload));
  return seal_part(options_.master, nonce, *draft.payload, event.index, random_);
}

Writer::Session::Head& Writer::Session::head_of(const Event& event) {
  const auto [at, is_new] = heads_.try_emplace(event.stream);
  Head& head = at->second;
  if (is_new && event.position > 1) {
    Query query(find_stream_);
    if (!query.bind_text(event.stream).step()) throw std::logic_error("a stream without a row");
    head.id = query.integer(0);
    head.version = static_cast<std::uint64_t>(query.integer(1));
    std::ranges::copy(query.bytes(2).substr(0, head.hash.size()), head.hash.begin());
    head.last_type = query.bytes(3);
    head.stored = true;
  } else if (is_new) {
    head.id = next_stream_++;
  }
  if (!head.changed) {
    head.changed = true;
    changed_.emplace_back(&at->first, &head);
  }
  return head;
}

void Writer::Session::save_heads() {
  for (const auto& [name, head] : changed_) {
    const std::int64_t open = options_.closed_types.contains(head->last_type) ? 0 : 1;
    if (head->stored) {
      Query(update_stream_)
          .bind(head->version)
          .bind_blob(view(head->hash))
          .bind_text(head->last_type)
          .bind(open)
          .bind(head->id)
          .run();
    } else {
      Query(insert_stream_)
          .bind(head->id)
          .bind_text(*name)
          .bind(head->version)
          .bind_blob(view(head->hash))
          .bind_text(head->last_type)
          .bind(open)
          .run();
      head->stored = true;
    }
    head->changed = false;
  }
  changed_.clear();
}

void Writer::Session::write_signed(SignedStep& step) {
  Signed stands;
  {
    Query query(read_signed_);
    if (query.step()) {
      stands.size = static_cast<std::uint64_t>(query.integer(0));
      std::ranges::copy(query.bytes(1).substr(0, stands.root.size()), stands.root.begin());
    }
  }
  const bool same = step.to.size == stands.size && step.to.root == stands.root;
  step.advanced = step.from_size == stands.size && (step.to.size > stands.size || same);
  if (step.advanced && !same) {
    Query(insert_signed_).bind(step.to.size).bind_blob(view(step.to.root)).run();
  }
}

}  // namespace keyturn::store::sqlite
