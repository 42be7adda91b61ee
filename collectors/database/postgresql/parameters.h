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

// A server that a dsn lists. libpq would try them all by itself, but one that is silent would take all the time there is:
// so each is tried apart, for its share.
struct Place {
  std::string host;     // a name, an address, the directory of a socket; empty: libpq's default
  std::string address;  // where it is known already
  std::string port;     // empty: libpq's default

  bool has_a_name() const;  // whose addresses are to be looked up
};
// In their order; none where there are not as many hosts as addresses or ports, which libpq has to say.
std::vector<Place> places_in(const Parameters& parameters);

// For one attempt. `server_name`: whose certificate is expected, where it is not the host's (libpq takes the host's name
// for that, and connects to the address).
Parameters at_place(Parameters parameters, const Place& place, const std::string& server_name);

// Which kind of server each round over all places asks for (target_session_attrs): two where the dsn only prefers a
// standby. Our sessions are all read-only, so who asks for one that may write means the primary.
std::vector<std::string> rounds_of(const Parameters& parameters);

// "/run/postgresql", "db.example:5433": for people.
std::string place_of(const Parameters& parameters);

}  // namespace sidewatch::database::postgresql
