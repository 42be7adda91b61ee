// A connection to a MySQL or MariaDB server through libmariadb, which is loaded when the first one is made.
//
// Every call has a deadline (wire.h). The server is told a shorter time for each statement, so that it is usually the server
// who ends it and the connection stays.
//
// What a hostile server may not get: a file of this machine (LOCAL INFILE is off), the password in clear text (the ways
// of login that send it are refused), more memory than a named limit.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/time.h"
#include "collectors/database/config.h"
#include "collectors/database/resolver.h"
#include "collectors/database/sql.h"
#include "config/section.h"

namespace sidewatch::database::mysql {

struct ConnectionConfig {
  Address address;
  std::string user;
  config::Secret password;
  std::string database;  // empty: none
  std::optional<TlsConfig> tls;
  Duration timeout;
};

// Makes connections, one at a time.
class Connector {
 public:
  explicit Connector(ConnectionConfig config) : config_(std::move(config)) {}

  // One attempt: name, address, TLS, login and the session's settings together within the timeout.
  std::optional<Failure> connect(std::unique_ptr<SqlConnection>& made);

 private:
  const ConnectionConfig config_;
  Resolver resolver_;
};

}  // namespace sidewatch::database::mysql
