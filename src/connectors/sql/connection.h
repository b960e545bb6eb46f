// Where this room's own conninfo check comes from.
#pragma once

#include "postgres/connection.h"

namespace keyturn::connectors::sql {

using postgres::server_text;

}  // namespace keyturn::connectors::sql
