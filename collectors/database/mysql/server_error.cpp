#include "collectors/database/mysql/server_error.h"

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace sidewatch::database::mysql {
namespace {

struct Meaning {
  unsigned number;
  FailureKind kind;
};

// MySQL Server Error Reference; MariaDB Error Codes. Where the same number ends the connection, is_end() says so.
constexpr std::array kMeanings{
    Meaning{1040, FailureKind::too_many_connections},  // too many connections
    Meaning{1203, FailureKind::too_many_connections},  // of this user
    Meaning{1226, FailureKind::too_many_connections},  // a resource limit of this user
    Meaning{1044, FailureKind::denied},                // to the database
    Meaning{1045, FailureKind::login_refused},         // a wrong password
    Meaning{1049, FailureKind::missing},               // no such database
    Meaning{1129, FailureKind::login_refused},         // the host is blocked after many errors
    Meaning{1130, FailureKind::login_refused},         // the host may not connect
    Meaning{1251, FailureKind::login_refused},         // the way of authentication is not known
    Meaning{1524, FailureKind::login_refused},         // the plugin is not loaded
    Meaning{1698, FailureKind::login_refused},
    Meaning{1820, FailureKind::login_refused},         // the password must be changed
    Meaning{1862, FailureKind::login_refused},         // the password has expired
    Meaning{3118, FailureKind::login_refused},         // the account is locked
    Meaning{3159, FailureKind::login_refused},         // only with TLS
    Meaning{4151, FailureKind::login_refused},         // the account is locked (MariaDB)
    Meaning{1053, FailureKind::lost},                  // the server is going down
    Meaning{1927, FailureKind::lost},                  // the connection was killed (MariaDB)
    Meaning{3169, FailureKind::lost},                  // the same (MySQL)
    Meaning{4031, FailureKind::lost},                  // it was idle for too long
    Meaning{1054, FailureKind::missing},               // column
    Meaning{1064, FailureKind::missing},               // a statement that this version does not know
    Meaning{1109, FailureKind::missing},               // table of information_schema
    Meaning{1146, FailureKind::missing},               // table
    Meaning{1193, FailureKind::missing},               // variable
    Meaning{1235, FailureKind::missing},               // not supported by this version
    Meaning{1286, FailureKind::missing},               // storage engine
    Meaning{1305, FailureKind::missing},               // function
    Meaning{1381, FailureKind::missing},               // binary logging is off
    Meaning{1142, FailureKind::denied},                // table
    Meaning{1143, FailureKind::denied},                // column
    Meaning{1227, FailureKind::denied},                // a privilege
    Meaning{1370, FailureKind::denied},                // routine
    Meaning{1205, FailureKind::timeout},               // a lock was waited for
    Meaning{1969, FailureKind::timeout},               // max_statement_time (MariaDB)
    Meaning{3024, FailureKind::timeout},               // max_execution_time (MySQL)
    Meaning{2002, FailureKind::unreachable},           // of the client from here on
    Meaning{2003, FailureKind::unreachable},
    Meaning{2005, FailureKind::unreachable},
    Meaning{2006, FailureKind::lost},
    Meaning{2013, FailureKind::lost},
    Meaning{5013, FailureKind::lost},
    Meaning{5014, FailureKind::lost},
    Meaning{2007, FailureKind::malformed},
    Meaning{2012, FailureKind::malformed},
    Meaning{2027, FailureKind::malformed},
    Meaning{2020, FailureKind::too_large},
    Meaning{2026, FailureKind::login_refused},         // TLS
    Meaning{2049, FailureKind::login_refused},         // a way of login that is not secure
    Meaning{2059, FailureKind::login_refused},
    Meaning{2061, FailureKind::login_refused},
    Meaning{5010, FailureKind::login_refused},
};
constexpr unsigned cannot_connect = 2002;
constexpr unsigned cannot_connect_host = 2003;
constexpr unsigned first_of_client = 2000;
constexpr unsigned last_of_client = 2999;
constexpr unsigned first_of_mariadb_client = 5000;
constexpr unsigned last_of_mariadb_client = 5999;

FailureKind kind_of(unsigned number) {
  for (const auto& meaning : kMeanings) {
    if (meaning.number == number) return meaning.kind;
  }
  return FailureKind::other;
}

bool is_of_client(unsigned number) {
  return (number >= first_of_client && number <= last_of_client) ||
         (number >= first_of_mariadb_client && number <= last_of_mariadb_client);
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// What to grant, by what the server says is missing; "" where that is not known.
std::string advice_for(std::string_view message, const std::string& user) {
  const auto grant = [&](std::string_view what) {
    return "; GRANT " + std::string(what) + " TO the user '" + user + "' (docs/mysql.md)";
  };
  if (contains(message, "performance_schema")) return grant("SELECT ON performance_schema.*");
  if (contains(message, "SLAVE MONITOR")) return grant("SLAVE MONITOR ON *.*");
  if (contains(message, "BINLOG MONITOR")) return grant("BINLOG MONITOR ON *.*");
  if (contains(message, "REPLICATION CLIENT")) return grant("REPLICATION CLIENT ON *.*");
  if (contains(message, "PROCESS")) return grant("PROCESS ON *.*");
  return "";
}

// "Can't connect to server on '127.0.0.1' (111)": what 111 is.
std::string system_error_in(std::string_view message) {
  const auto open = message.rfind('(');
  int number = 0;
  if (open == std::string_view::npos) return "it cannot be reached";
  const char* const begin = message.data() + open + 1;
  if (std::from_chars(begin, message.data() + message.size(), number).ec != std::errc() || number <= 0) {
    return "it cannot be reached";
  }
  return strerrordesc_np(number) != nullptr ? strerrordesc_np(number) : "it cannot be reached";
}

// What a server said before TLS began stands inside of another error: "... cannot be verified: 1040 - Too many ...".
std::optional<std::pair<unsigned, std::string_view>> error_before_tls(std::string_view message) {
  constexpr std::string_view before = "cannot be verified: ";
  const auto found = message.find(before);
  if (found == std::string_view::npos) return std::nullopt;
  const auto rest = message.substr(found + before.size());
  unsigned number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  const auto dash = rest.find(" - ");
  if (error != std::errc() || dash == std::string_view::npos || number == cannot_connect) return std::nullopt;
  return std::pair(number, rest.substr(dash + 3));
}

std::string why_no_login(unsigned number, std::string_view message) {
  switch (number) {
    case 2026: return "TLS failed: " + printable(message);
    case 2059:
      return "the way of login that the server asks for is not known here: " + printable(message) +
             "; the plugins come with Debian's package libmariadb3";
    case 5010:
      return "the server asks for a way of login that would show the password, or that is not known here; use "
             "caching_sha2_password, mysql_native_password, ed25519 or a socket";
    default: return printable(message);
  }
}

}  // namespace

Failure query_failure(unsigned number, std::string_view message, const std::string& user) {
  const FailureKind kind = kind_of(number);
  if (contains(message, "local infile forbidden")) {
    return {FailureKind::malformed, "the server asked for a file of this machine; it was given none", true};
  }
  if (kind == FailureKind::lost) return {kind, "the connection to the server is lost", true};
  if (kind == FailureKind::malformed) return {kind, "the answer makes no sense: it is no MySQL server", true};
  if (kind == FailureKind::too_large) return {kind, "a row of the answer is too large", true};
  if (kind == FailureKind::timeout) return {kind, "the server stopped it for its time: " + printable(message), false};
  if (number == 0) return {FailureKind::lost, "the connection to the server is lost", true};
  const std::string advice = kind == FailureKind::denied ? advice_for(message, user) : "";
  return {kind, printable(message) + advice, is_of_client(number)};
}

Failure connect_failure(unsigned number, std::string_view message, const std::string& where, const std::string& user) {
  FailureKind kind = kind_of(number);
  const auto say = [&](std::string text) { return Failure{kind, where + ": " + std::move(text), true}; };
  if (number == cannot_connect || number == cannot_connect_host) {
    if (const auto early = error_before_tls(message)) return connect_failure(early->first, early->second, where, user);
    if (contains(message, "TLS") || contains(message, "SSL")) return say(printable(message));
    return say(system_error_in(message));
  }
  if (number == 1044) kind = FailureKind::login_refused;
  switch (kind) {
    case FailureKind::login_refused: return say("the login as '" + user + "' failed: " + why_no_login(number, message));
    case FailureKind::too_many_connections: return say("there is no place for one more connection: " + printable(message));
    case FailureKind::lost: return say("the connection was closed before the login was over; perhaps what answers there is no MySQL server");
    case FailureKind::malformed: return say("what answers there is no MySQL or MariaDB server");
    default: return say(printable(message));
  }
}

}  // namespace sidewatch::database::mysql
