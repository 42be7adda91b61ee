// What went wrong with a database file, in words for people.
#pragma once

#include <string>

#include "base/sqlite.h"
#include "base/time.h"
#include "collectors/database/failure.h"
#include "collectors/database/sql.h"
#include "collectors/database/sqlite/look.h"

namespace sidewatch::database::sqlite {

Failure failure_of(SqliteFailure kind, const std::string& text);
Failure took_too_long(Duration timeout);
Failure gave_way();
Failure too_many_rows(const QueryLimits& limits);
Failure does_not_answer();

// Why a file that is there cannot be asked, where that is not as it should be.
std::optional<Failure> trouble_with(const Look& look);

}  // namespace sidewatch::database::sqlite
