// One server of MySQL or MariaDB, watched through one connection: the collector `mysql:<name>`.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "collectors/collector.h"
#include "collectors/database/mysql/config.h"
#include "collectors/database/sql.h"

namespace sidewatch::database::mysql {

std::unique_ptr<Collector> make_mysql_collector(const MysqlConfig& config, Catalog& catalog);

// The same with connections that a test makes.
using Connect = std::function<std::optional<Failure>(std::unique_ptr<SqlConnection>&)>;
std::unique_ptr<Collector> make_mysql_collector(const MysqlConfig& config, Catalog& catalog, Connect connect);

}  // namespace sidewatch::database::mysql
