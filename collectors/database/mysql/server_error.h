// What the errors of MySQL and MariaDB mean, by their numbers (the words are in the server's language, the numbers are
// not), and what to do about them.
#pragma once

#include <string>
#include <string_view>

#include "collectors/database/failure.h"

namespace sidewatch::database::mysql {

// What a query that failed says of it. Numbers of the client library (from 2000 and 5000 on) end the connection.
Failure query_failure(unsigned number, std::string_view message, const std::string& user);

// What an attempt to connect says. `where`: the server's address, for people.
Failure connect_failure(unsigned number, std::string_view message, const std::string& where, const std::string& user);

}  // namespace sidewatch::database::mysql
