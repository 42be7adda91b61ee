// A connection to a PostgreSQL server through libpq, which is loaded when the first one is made.
//
// The one idea: libpq's own timeouts do not hold against a server that is stopped (it answers nothing, and the kernel
// takes connections for it), and its blocking calls then never return. So everything is asked asynchronously and waited
// for with a poll and a deadline of our own; what is late is closed. The server is told a shorter time for each
// statement, so that it is usually the server who ends it and the connection stays.
//
// Rows come one by one, so that a huge answer is cut and not kept. PQcancel is never called (it blocks).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "collectors/database/config.h"
#include "collectors/database/deadline.h"
#include "collectors/database/postgresql/parameters.h"
#include "collectors/database/resolver.h"
#include "collectors/database/sql.h"
#include "config/section.h"

namespace sidewatch::database::postgresql {

// What a dsn says, as libpq reads it: "host=... dbname=..." or "postgresql://...". An Error says what is wrong with it
// without showing more of it than a keyword. Nothing of it is set where libpq is missing, which is told at connecting.
Result<Parameters> parse_dsn(const std::string& dsn);

struct ConnectionConfig {
  std::string dsn;
  config::Secret password;
  std::optional<TlsConfig> tls;
  Duration timeout;
};

// Makes connections, one at a time.
class Connector {
 public:
  explicit Connector(ConnectionConfig config) : config_(std::move(config)) {}

  // Names, addresses, TLS and login together within the timeout; each place that the dsn lists has its share of it, and
  // each address of a place.
  std::optional<Failure> connect(std::unique_ptr<SqlConnection>& made);

 private:
  std::optional<Failure> connect_to(const Place& place, const Parameters& parameters, const Deadline& deadline,
                                    std::unique_ptr<SqlConnection>& made);

  const ConnectionConfig config_;
  Resolver resolver_;
};

}  // namespace sidewatch::database::postgresql
