// An SQL server that answers what a test tells it to, and notes what it was asked.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/collectors/database/begin_rows.h"

#include "collectors/database/sql.h"

namespace sidewatch::database {

struct FakeAnswer {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::optional<Failure> failure;
};

class FakeSql final : public SqlConnection {
 public:
  explicit FakeSql(ServerVersion version = {150000, ""}) : version_(std::move(version)) {}

  const ServerVersion& version() const override { return version_; }

  std::optional<Failure> query(std::string_view sql, const QueryLimits& limits, Rows& rows) override {
    asked.emplace_back(sql);
    last_limits = limits;
    seconds += seconds_each;
    const auto found = answers.find(sql);
    if (found == answers.end()) return Failure{FailureKind::missing, "there is no such thing", false};
    if (found->second.failure) return found->second.failure;
    begin_rows(rows, found->second.columns, limits);
    for (const auto& row : found->second.rows) {
      for (const auto& cell : row) {
        if (!rows.add(cell ? std::optional<std::string_view>(*cell) : std::nullopt)) {
          return Failure{FailureKind::too_large, "more rows than " + std::to_string(limits.max_rows), false};
        }
      }
    }
    return std::nullopt;
  }

  std::map<std::string, FakeAnswer, std::less<>> answers;  // by statement
  std::vector<std::string> asked;
  QueryLimits last_limits;
  double seconds = 0;       // that have gone by for whoever asks
  double seconds_each = 0;  // that each answer takes

 private:
  ServerVersion version_;
};

}  // namespace sidewatch::database
