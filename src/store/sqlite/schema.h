// The tables of journal.db.
//
//   event        one row a leaf, by ledger index; `sealed` is its private part (private_parts.h);
//                overwritten in place, it is erased
//   stream       one row a stream: where it stands, and whether it is open
//   claim        unique keys, taken for ever
//   tile         the Merkle tree's hashes (tree.h)
//   signed       one row: what was last signed
//   meta         schema version, and the closed types that stream.open was computed with
#pragma once

#include <set>
#include <string>

#include "store/sqlite/database.h"

namespace keyturn::store::sqlite {

// Settings every connection needs: no automatic checkpoint, no foreign keys.
void configure(Database& database);

// Creates the tables in an empty database, or checks that they are of this version (throws
// std::runtime_error saying which), and brings stream.open in line with `closed_types`.
void prepare_schema(Database& database, const std::set<std::string>& closed_types);

}  // namespace keyturn::store::sqlite
