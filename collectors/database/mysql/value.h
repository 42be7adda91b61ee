// What the texts of a MySQL server are worth: numbers in its status, variables and replication, its version.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collectors/database/sql.h"

namespace sidewatch::database::mysql {

// As mysqld_exporter reads them: numbers; ON and Yes are 1, OFF, No, Disabled and Connecting 0; Primary (of a Galera
// cluster) 1, non-Primary and Disconnected 0; a date ("2026-11-21 12:00:00", "Nov 21 12:00:00 2026 GMT") its seconds
// since 1970. Nothing when it is something else.
std::optional<double> number_in(std::string_view text);

// `text` as a part of a metric's name: lower case, and '_' for what may not stand there.
std::string name_of(std::string_view text);

// "10.11.6-MariaDB-1:10.11.6+maria~ubu2204", "8.0.36-0ubuntu0.22.04.1", "5.7.44-log" as ServerVersion has them.
ServerVersion version_in(std::string_view text);

}  // namespace sidewatch::database::mysql
