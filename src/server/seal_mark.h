// DATA/keys/sealed: this machine's own memory that the configuration was sealed. Outside the
// database, so that an older copy of it does not unseal.
#pragma once

#include "base/result.h"
#include "store/sqlite/data_dir.h"

namespace keyturn::server {

bool is_seal_marked(const store::sqlite::DataDir& data);
[[nodiscard]] Result<void> mark_seal(const store::sqlite::DataDir& data);
// Before the seal is broken by those who may: what is left marked is sealed again, or alarms.
[[nodiscard]] Result<void> unmark_seal(const store::sqlite::DataDir& data);

// Code seal_lost: the journal here does not know of the seal.
[[nodiscard]] Result<void> check_seal(const store::sqlite::DataDir& data, bool sealed);

}  // namespace keyturn::server
