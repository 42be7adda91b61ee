#include "collectors/database/postgresql/server_error.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

namespace sidewatch::database::postgresql {
namespace {

struct Meaning {
  std::string_view sqlstate;  // or its class: the first two characters
  FailureKind kind;
};
constexpr std::array kOfQueries{
    Meaning{"42501", FailureKind::denied},              // insufficient_privilege
    Meaning{"42P01", FailureKind::missing},             // undefined_table
    Meaning{"42703", FailureKind::missing},             // undefined_column
    Meaning{"42883", FailureKind::missing},             // undefined_function
    Meaning{"42704", FailureKind::missing},             // undefined_object
    Meaning{"3F000", FailureKind::missing},             // invalid_schema_name
    Meaning{"55000", FailureKind::missing},             // an extension that is not loaded when the server starts
    Meaning{"57014", FailureKind::timeout},             // query_canceled
    Meaning{"55P03", FailureKind::timeout},             // lock_not_available
    Meaning{"57P01", FailureKind::lost},                // admin_shutdown
    Meaning{"57P02", FailureKind::lost},                // crash_shutdown
    Meaning{"57P03", FailureKind::lost},                // cannot_connect_now
    Meaning{"57P05", FailureKind::lost},                // idle_session_timeout
    Meaning{"25P03", FailureKind::lost},                // idle_in_transaction_session_timeout
    Meaning{"08", FailureKind::lost},                   // connection exceptions
};
constexpr std::array kOfConnections{
    Meaning{"53300", FailureKind::too_many_connections},
    Meaning{"28", FailureKind::login_refused},          // a wrong password, no line in pg_hba.conf
    Meaning{"3D000", FailureKind::login_refused},       // no such database
    Meaning{"42501", FailureKind::login_refused},       // no CONNECT on it
    Meaning{"57P03", FailureKind::unreachable},         // it starts, or goes down
};

template <std::size_t N>
FailureKind meaning_of(std::string_view sqlstate, const std::array<Meaning, N>& meanings) {
  const auto found = std::find_if(meanings.begin(), meanings.end(),
                                  [&](const Meaning& one) { return sqlstate.starts_with(one.sqlstate); });
  return found == meanings.end() ? FailureKind::other : found->kind;
}

bool is_sqlstate(std::string_view text) {
  return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
  });
}

struct ServerWord {
  std::string_view sqlstate;
  std::string_view message;
};

// The last "FATAL:  28P01: text" of several lines: of more than one address, the last was tried last.
std::optional<ServerWord> server_word(std::string_view text) {
  std::optional<ServerWord> word;
  for (std::size_t at = text.find(":  "); at != std::string_view::npos; at = text.find(":  ", at + 1)) {
    const auto rest = text.substr(at + 3);
    if (rest.size() < 7 || !is_sqlstate(rest.substr(0, 5)) || rest.substr(5, 2) != ": ") continue;
    word = ServerWord{rest.substr(0, 5), rest.substr(7, rest.find('\n') - 7)};
  }
  return word;
}

bool mentions(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string advice_for(const ServerWord& word, bool encrypted) {
  if (word.sqlstate == "28000" && mentions(word.message, "pg_hba.conf")) {
    return encrypted ? " (pg_hba.conf on the server has to let it in)"
                     : " (pg_hba.conf on the server has to let it in; where it asks for encryption, write "
                       "tls: {mode: require})";
  }
  if (word.sqlstate == "53300") return " (raise max_connections, or find who holds the connections)";
  if (word.sqlstate == "08P01" && mentions(word.message, "options")) {
    return " (this is a connection pooler: give the address of the server itself)";
  }
  return "";
}

std::string_view advice_for_certificate(std::string_view text) {
  if (mentions(text, "certificate verify failed")) {
    return " (the file of tls.ca has to hold the authority that signed the server's certificate)";
  }
  if (mentions(text, "does not match host name")) {
    return " (where the certificate is right, say whose it is: tls: {server_name: ...})";
  }
  return "";
}

// Not the server's words but libpq's own.
FailureKind kind_of_libpq(std::string_view text) {
  for (const auto* part : {"expected authentication request", "invalid response to SSL negotiation",
                           "unexpected message", "lost synchronization", "unsupported authentication", "protocol"}) {
    if (mentions(text, part)) return FailureKind::malformed;
  }
  for (const auto* part : {"SSL", "certificate", "password", "TLS"}) {
    if (mentions(text, part)) return FailureKind::login_refused;
  }
  return FailureKind::unreachable;
}

}  // namespace

Failure query_failure(std::string_view sqlstate, std::string_view message, const std::string& user, bool lost) {
  Failure failure{meaning_of(sqlstate, kOfQueries), printable(message), lost};
  if (failure.kind == FailureKind::lost) {
    failure.text = "PostgreSQL ended the connection: " + failure.text;
    failure.connection_lost = true;
  }
  if (lost && failure.kind == FailureKind::other) failure.kind = FailureKind::lost;
  if (failure.kind == FailureKind::denied) {
    failure.text += "; the user " + user + " needs the role pg_monitor (GRANT pg_monitor TO " + user +
                    ") or a GRANT on just this";
  }
  return failure;
}

Failure connect_failure(std::string_view text, bool encrypted) {
  if (const auto word = server_word(text)) {
    const auto kind = meaning_of(word->sqlstate, kOfConnections);
    return {kind, "PostgreSQL says: " + printable(word->message) + advice_for(*word, encrypted), false};
  }
  auto kind = kind_of_libpq(text);
  std::string line = printable(text);
  line += advice_for_certificate(text);
  if (kind == FailureKind::malformed) line += " (is this the port of a PostgreSQL server?)";
  return {kind, std::move(line), false};
}

}  // namespace sidewatch::database::postgresql
