// Why a database did not answer a question, in a form that says what follows from it.
#pragma once

#include <string>
#include <string_view>

namespace sidewatch::database {

enum class FailureKind {
  unreachable,           // no connection: refused, no route, no such socket, a name that does not resolve
  login_refused,         // a wrong password, an unknown user or database, a certificate that does not hold
  too_many_connections,  // the server has no place for one more
  timeout,               // the answer did not come in time
  lost,                  // the connection broke, or the server is going down
  denied,                // a privilege is missing
  missing,               // there is no such relation, column, function or command on this server
  malformed,             // an answer that makes no sense: the other side speaks something else, or a cell is no number
  locked,                // somebody else keeps locked what is asked for
  too_large,             // more rows or bytes than the limit
  other,
};

// The value of the label `reason`: "unreachable", "login_refused" ...
std::string_view to_string(FailureKind kind);

// A text of another machine, fit for a log: UTF-8 in one line, without control characters, cut behind 300 bytes.
std::string printable(std::string_view text);

struct Failure {
  FailureKind kind = FailureKind::other;
  std::string text;              // one sentence, the same for the same trouble: no time, no port of ours, no secret
  bool connection_lost = false;  // whoever holds the connection throws it away
};

}  // namespace sidewatch::database
