// With which parameters a connection is made: what the user's dsn says, joined with what sidewatch asks for itself.
//
// What only the user can know (host, database, user, a CA) is the user's. What a connection owes to the server that it
// watches (that it only reads, that it gives up in time, that it waits for no lock) is set whatever the dsn says.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/database/config.h"

namespace sidewatch::database::postgresql {

// By libpq's keywords: host, port, dbname, user ...
using Parameters = std::map<std::string, std::string>;

// How long the server lets a statement run: less than we wait for its answer, so that the server ends it and the
// connection stays.
Duration statement_timeout(Duration timeout);

// `password`: empty when the dsn or ~/.pgpass has it.
Parameters joined(Parameters dsn, const std::string& password, const std::optional<TlsConfig>& tls, Duration timeout);

// The hosts of `parameters` whose addresses are to be looked up; none when there is a socket or an address given.
std::vector<std::string> names_to_resolve(const Parameters& parameters);

// One host, all its addresses: libpq tries them in turn. `server_name`: whose certificate is expected, where it is not
// the host's (libpq takes the host's name for that, and connects to the address).
void set_addresses(Parameters& parameters, const std::vector<std::string>& addresses, const std::string& server_name);

// "/run/postgresql", "db.example:5433": for people.
std::string place_of(const Parameters& parameters);

}  // namespace sidewatch::database::postgresql
