// One PostgreSQL server, watched through one connection: the collector `postgresql:<name>`.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "collectors/collector.h"
#include "collectors/database/postgresql/config.h"
#include "collectors/database/sql.h"

namespace sidewatch::database::postgresql {

std::unique_ptr<Collector> make_postgresql_collector(const PostgresqlConfig& config, Catalog& catalog);

// The same with connections that a test makes.
using Connect = std::function<std::optional<Failure>(std::unique_ptr<SqlConnection>&)>;
std::unique_ptr<Collector> make_postgresql_collector(const PostgresqlConfig& config, Catalog& catalog, Connect connect);

}  // namespace sidewatch::database::postgresql
