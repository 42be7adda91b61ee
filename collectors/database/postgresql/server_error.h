// What PostgreSQL's errors mean, by their SQLSTATE (PostgreSQL documentation, appendix A): the words are in the server's
// language, the five characters are not.
#pragma once

#include <string>
#include <string_view>

#include "collectors/database/failure.h"

namespace sidewatch::database::postgresql {

// What a query that failed says of it. `lost`: the connection broke with it.
Failure query_failure(std::string_view sqlstate, std::string_view message, const std::string& user, bool lost);

// What libpq says when no connection was made: one or several lines, of which those of a server begin with
// "FATAL:  28P01: " when its errors are asked for with their codes. `encrypted`: it was tried with TLS.
Failure connect_failure(std::string_view text, bool encrypted);

}  // namespace sidewatch::database::postgresql
