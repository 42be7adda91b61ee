// The seam between the SQL collectors and a client library: a connection that is asked and answers in rows of text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "collectors/database/failure.h"

namespace sidewatch::database {

// What a server is. `number` is major * 10000 + minor * 100 + patch: PostgreSQL 15.4 is 150400, MySQL 8.0.36 80036,
// MariaDB 10.11.6 101106, SQLite 3.40.1 34001.
struct ServerVersion {
  std::uint32_t number = 0;
  std::string flavour;  // "mariadb", "mysql"; empty where an engine has but one
};

// "12", "8.0.22", "10.11" as `number` has them; nothing when it is no version.
std::optional<std::uint32_t> parse_version(std::string_view text);

// Which servers a query is for: min <= number <= max, of this flavour (empty: of any).
struct Versions {
  std::uint32_t min = 0;
  std::uint32_t max = UINT32_MAX;
  std::string_view flavour = {};

  bool contain(const ServerVersion& server) const {
    return server.number >= min && server.number <= max && (flavour.empty() || flavour == server.flavour);
  }
};

struct QueryLimits {
  Duration timeout = std::chrono::seconds(2);
  std::size_t max_rows = 1000;
  std::size_t max_bytes = std::size_t{1} << 20;  // of all cells together
};

// Of an answer that was cut at one of its limits.
Failure too_large(const QueryLimits& limits);

// The answer to one query. Kept by its user from query to query, so that its memory is used again.
class Rows {
 public:
  std::size_t columns() const { return columns_; }
  std::size_t size() const { return columns_ == 0 ? 0 : cells_.size() / columns_; }
  std::string_view name(std::size_t column) const { return names_[column]; }
  std::optional<std::size_t> column(std::string_view name) const;  // exact, then without regard to case

  // Nothing for NULL. The view lasts until the next query.
  std::optional<std::string_view> cell(std::size_t row, std::size_t column) const;

  // For whoever fills it: the columns, then the cells row by row. add() is false when a limit is reached: the caller
  // stops there, and reports too_large.
  void begin(const QueryLimits& limits);
  void add_column(std::string_view name);
  bool add(std::optional<std::string_view> cell);

 private:
  struct Cell {
    std::size_t at = 0;
    std::size_t size = 0;
    bool null = true;
  };
  std::vector<std::string> names_;  // the first columns_ of them
  std::size_t columns_ = 0;
  std::vector<Cell> cells_;
  std::string text_;
  std::size_t max_rows_ = 0;
  std::size_t max_bytes_ = 0;
};

class SqlConnection {
 public:
  virtual ~SqlConnection() = default;

  virtual const ServerVersion& version() const = 0;

  // One statement. Returns within limits.timeout and a little more, whatever the server does; where it does nothing at
  // all, the connection is lost. A statement that the server itself ended for its time is `timeout` without that.
  virtual std::optional<Failure> query(std::string_view sql, const QueryLimits& limits, Rows& rows) = 0;
};

}  // namespace sidewatch::database
