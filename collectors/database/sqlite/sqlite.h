// The collector of one SQLite database: a file that a service of this machine writes.
//
// What can be seen from outside (sizes, headers, locks) is looked at in each pass and costs the service nothing. SQLite
// itself is asked only where a reader leaves no trace (base/sqlite.h): in WAL mode while the service has the database
// open, in rollback mode only for what the configuration asks for, as a reader there keeps writers waiting.
#pragma once

#include <memory>

#include "collectors/collector.h"
#include "collectors/database/sqlite/config.h"

namespace sidewatch::database::sqlite {

std::unique_ptr<Collector> make_collector(const SqliteConfig& config, Catalog& catalog);

}  // namespace sidewatch::database::sqlite
