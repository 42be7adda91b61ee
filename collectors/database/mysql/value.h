// What the texts of a MySQL server are worth as numbers: its status, its variables, its replication.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sidewatch::database::mysql {

// As mysqld_exporter reads them: numbers; ON and Yes are 1, OFF, No, Disabled and Connecting 0; Primary (of a Galera
// cluster) 1, non-Primary and Disconnected 0; a date ("2026-11-21 12:00:00", "Nov 21 12:00:00 2026 GMT") its seconds
// since 1970. Nothing when it is something else.
std::optional<double> number_in(std::string_view text);

// `text` as a part of a metric's name: lower case, and '_' for what may not stand there.
std::string name_of(std::string_view text);

}  // namespace sidewatch::database::mysql
