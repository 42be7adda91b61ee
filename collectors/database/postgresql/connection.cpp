#include "collectors/database/postgresql/connection.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/shared_library.h"
#include "collectors/database/deadline.h"
#include "collectors/database/postgresql/server_error.h"
#include "collectors/database/tls_key.h"

namespace sidewatch::database::postgresql {
namespace {

// The functions of libpq that are used, and no others.
#define SIDEWATCH_LIBPQ_FUNCTIONS(each) \
  each(PQconninfoParse) each(PQconninfoFree) each(PQfreemem) each(PQconnectStartParams) each(PQconnectPoll) \
  each(PQfinish) each(PQstatus) each(PQsocket) each(PQuser) each(PQerrorMessage) each(PQserverVersion) \
  each(PQsetErrorVerbosity) each(PQsetNoticeReceiver) each(PQsetnonblocking) each(PQsslInUse) \
  each(PQsendQueryParams) each(PQsetSingleRowMode) each(PQflush) each(PQconsumeInput) each(PQisBusy) \
  each(PQgetResult) each(PQclear) each(PQresultStatus) each(PQresultErrorField) each(PQnfields) each(PQntuples) \
  each(PQfname) each(PQgetisnull) each(PQgetlength) each(PQgetvalue) each(PQsetSSLKeyPassHook_OpenSSL) each(PQdefaultSSLKeyPassHook_OpenSSL)

struct Libpq {
#define SIDEWATCH_LIBPQ_MEMBER(name) decltype(&::name) name = nullptr;
  SIDEWATCH_LIBPQ_FUNCTIONS(SIDEWATCH_LIBPQ_MEMBER)
#undef SIDEWATCH_LIBPQ_MEMBER
};

template <class Function>
void find(const SharedLibrary& library, const char* name, Function*& function, std::optional<Error>& missing) {
  if (auto found = library.find(name, function); !found && !missing) missing = found.error();
}

Result<Libpq> load_libpq() {
  const auto library = SharedLibrary::load("libpq.so.5", "libpq5");
  if (!library) return library.error();
  Libpq pq;
  std::optional<Error> missing;
#define SIDEWATCH_LIBPQ_FIND(name) find(*library, #name, pq.name, missing);
  SIDEWATCH_LIBPQ_FUNCTIONS(SIDEWATCH_LIBPQ_FIND)
#undef SIDEWATCH_LIBPQ_FIND
  if (missing) return *missing;
  // A key with a passphrase that the dsn does not have (sslpassword): OpenSSL would ask for it on the terminal.
  pq.PQsetSSLKeyPassHook_OpenSSL(pq.PQdefaultSSLKeyPassHook_OpenSSL);
  return pq;
}

// Loaded once in the life of the program; a library that is missing stays missed until the agent is started again.
const Result<Libpq>& libpq() {
  static const Result<Libpq> loaded = load_libpq();
  return loaded;
}

using Handle = std::unique_ptr<PGconn, void (*)(PGconn*)>;
using Answer = std::unique_ptr<PGresult, void (*)(PGresult*)>;

// 150004 of libpq is 15.4 and 150400 of ours.
std::uint32_t version_number(int libpq_number) {
  const auto number = static_cast<std::uint32_t>(std::max(libpq_number, 0));
  return number / 10000 * 10000 + number % 10000 * 100;
}

class Connection final : public SqlConnection {
 public:
  Connection(const Libpq& pq, Handle handle, Duration timeout)
      : pq_(pq), handle_(std::move(handle)), user_(pq.PQuser(conn())), told_(statement_timeout(timeout)) {
    version_.number = version_number(pq_.PQserverVersion(conn()));
    pq_.PQsetnonblocking(conn(), 1);
  }

  const ServerVersion& version() const override { return version_; }

  std::optional<Failure> query(std::string_view sql, const QueryLimits& limits, Rows& rows) override {
    const Deadline deadline(limits.timeout);
    if (const auto wanted = statement_timeout(limits.timeout); wanted != told_) {
      auto failure = run("SET statement_timeout = " + std::to_string(wanted.count()), limits, deadline, rows);
      if (failure) return failure;
      told_ = wanted;
    }
    sql_ = sql;
    return run(sql_, limits, deadline, rows);
  }

 private:
  PGconn* conn() const { return handle_.get(); }

  Failure late() const {
    return {FailureKind::timeout, "no answer from the server in time: it hangs, or the network to it does", true};
  }
  Failure lost() const {
    const auto text = printable(pq_.PQerrorMessage(conn()));
    return {FailureKind::lost, "the connection to PostgreSQL is lost" + (text.empty() ? "" : ": " + text), true};
  }

  struct Reading {
    Rows& rows;
    const QueryLimits& limits;
    bool begun = false;  // the columns are known
    bool full = false;   // a limit is reached
  };

  // Extended protocol: one statement only, answered in text.
  std::optional<Failure> run(const std::string& sql, const QueryLimits& limits, const Deadline& deadline, Rows& rows) {
    if (pq_.PQsendQueryParams(conn(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) != 1) return lost();
    pq_.PQsetSingleRowMode(conn());
    if (auto failure = send_all(deadline)) return failure;
    rows.begin(limits);
    Reading reading{rows, limits};
    std::optional<Failure> failure;
    while (true) {
      if (auto trouble = await_result(limits, deadline)) return trouble;
      const Answer answer(pq_.PQgetResult(conn()), pq_.PQclear);
      if (!answer) break;
      if (deadline.left() == Duration(0)) return late();  // a server that always has more to say is never waited for
      if (auto trouble = take(*answer, reading)) {
        if (!failure) failure = std::move(trouble);
        if (failure->connection_lost) return failure;
      }
    }
    if (pq_.PQstatus(conn()) == CONNECTION_BAD) return lost();
    return failure;
  }

  std::optional<Failure> send_all(const Deadline& deadline) {
    while (true) {
      const int state = pq_.PQflush(conn());
      if (state == 0) return std::nullopt;
      if (state < 0) return lost();
      if (await(pq_.PQsocket(conn()), POLLIN | POLLOUT, deadline) == 0) return late();
      if (pq_.PQconsumeInput(conn()) != 1) return lost();
    }
  }

  // Until PQgetResult does not block. libpq would keep up to a gigabyte of a row that is not whole yet: a larger one than
  // the limit ends the connection. (Not at once: libpq reads on for as long as a fast server keeps its socket filled.)
  std::optional<Failure> await_result(const QueryLimits& limits, const Deadline& deadline) {
    constexpr std::size_t slack = std::size_t{256} << 10;  // what one read may bring beyond the row
    std::size_t unfinished = 0;
    while (pq_.PQisBusy(conn()) != 0) {
      if (unfinished > limits.max_bytes + slack) {
        return row_too_large(limits);
      }
      if (await(pq_.PQsocket(conn()), POLLIN, deadline) == 0) return late();
      int waiting = 0;
      if (ioctl(pq_.PQsocket(conn()), FIONREAD, &waiting) == 0 && waiting > 0) {
        unfinished += static_cast<std::size_t>(waiting);
      }
      if (pq_.PQconsumeInput(conn()) != 1) return lost();
    }
    return std::nullopt;
  }

  // A row, the end of the rows, or an error. Once a limit is reached the rest of the rows is read and let go, as long as
  // the deadline lets it: the connection is still good then.
  std::optional<Failure> take(PGresult& answer, Reading& reading) {
    switch (pq_.PQresultStatus(&answer)) {
      case PGRES_SINGLE_TUPLE:
      case PGRES_TUPLES_OK: break;
      case PGRES_COMMAND_OK:
      case PGRES_EMPTY_QUERY: return std::nullopt;
      case PGRES_COPY_IN:
      case PGRES_COPY_OUT:
      case PGRES_COPY_BOTH: return Failure{FailureKind::malformed, "COPY is no query: write a SELECT", true};
      default: return error_in(answer);
    }
    if (!reading.begun) begin_rows(answer, reading);
    for (int row = 0; !reading.full && row < pq_.PQntuples(&answer); ++row) {
      for (int column = 0; !reading.full && column < pq_.PQnfields(&answer); ++column) {
        reading.full = !add_cell(answer, row, column, reading.rows);
        if (!reading.full) continue;
        return size_of(answer, row) > reading.limits.max_bytes ? row_too_large(reading.limits) : too_large(reading.limits);
      }
    }
    return std::nullopt;
  }

  // libpq keeps what it had to make room for a row as long as the connection lives.
  static Failure row_too_large(const QueryLimits& limits) {
    return {FailureKind::too_large, "a row is larger than " + std::to_string(limits.max_bytes) + " bytes", true};
  }

  std::size_t size_of(const PGresult& answer, int row) const {
    std::size_t size = 0;
    for (int column = 0; column < pq_.PQnfields(&answer); ++column) {
      size += static_cast<std::size_t>(pq_.PQgetlength(&answer, row, column));
    }
    return size;
  }

  bool add_cell(const PGresult& answer, int row, int column, Rows& rows) const {
    if (pq_.PQgetisnull(&answer, row, column) != 0) return rows.add(std::nullopt);
    const auto size = static_cast<std::size_t>(pq_.PQgetlength(&answer, row, column));
    return rows.add(std::string_view(pq_.PQgetvalue(&answer, row, column), size));
  }

  void begin_rows(const PGresult& answer, Reading& reading) const {
    reading.begun = true;
    reading.rows.begin(reading.limits);
    for (int column = 0; column < pq_.PQnfields(&answer); ++column) {
      const char* const name = pq_.PQfname(&answer, column);
      reading.rows.add_column(name != nullptr ? name : "");
    }
  }

  Failure error_in(const PGresult& answer) const {
    const auto field = [&](int code) {
      const char* const text = pq_.PQresultErrorField(&answer, code);
      return std::string_view(text != nullptr ? text : "");
    };
    const bool broken = pq_.PQstatus(conn()) == CONNECTION_BAD;
    if (field(PG_DIAG_SQLSTATE).empty()) return lost();
    return query_failure(field(PG_DIAG_SQLSTATE), field(PG_DIAG_MESSAGE_PRIMARY), user_, broken);
  }

  const Libpq& pq_;
  const Handle handle_;
  const std::string user_;
  ServerVersion version_;
  std::string sql_;  // as libpq wants it, with a zero at its end
  Duration told_;  // the statement_timeout that the server has
};

Handle begin_connecting(const Libpq& pq, const Parameters& parameters) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : parameters) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  return Handle(pq.PQconnectStartParams(keywords.data(), values.data(), 0), pq.PQfinish);
}

std::optional<Failure> finish_connecting(const Libpq& pq, PGconn* handle, const Parameters& parameters,
                                         const Deadline& deadline) {
  pq.PQsetErrorVerbosity(handle, PQERRORS_VERBOSE);  // so that the server's words come with their codes
  pq.PQsetNoticeReceiver(handle, [](void*, const PGresult*) {}, nullptr);
  PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
  if (pq.PQstatus(handle) == CONNECTION_BAD) wants = PGRES_POLLING_FAILED;
  while (wants != PGRES_POLLING_OK) {
    if (wants == PGRES_POLLING_FAILED) {
      return connect_failure(pq.PQerrorMessage(handle), pq.PQsslInUse(handle) != 0);
    }
    const short events = wants == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (await(pq.PQsocket(handle), events, deadline) == 0) {
      return Failure{FailureKind::timeout,
                     "PostgreSQL at " + place_of(parameters) + " does not answer in time: it hangs, or the network to it "
                     "does",
                     false};
    }
    wants = pq.PQconnectPoll(handle);
  }
  return std::nullopt;
}

std::optional<Failure> attempt(const Libpq& pq, const Parameters& parameters, Duration timeout, const Deadline& deadline,
                               std::unique_ptr<SqlConnection>& made) {
  Handle handle = begin_connecting(pq, parameters);
  if (!handle) return Failure{FailureKind::other, "there is no memory for a connection", false};
  if (auto failure = finish_connecting(pq, handle.get(), parameters, deadline)) return failure;
  made = std::make_unique<Connection>(pq, std::move(handle), timeout);
  return std::nullopt;
}

// Of the time that is left, for one of so many.
Duration share_of(const Deadline& deadline, std::size_t many) { return deadline.left() / static_cast<long>(many); }

// A login that is refused is refused at the next address, too.
bool another_may_answer(const Failure& failure) {
  return failure.kind == FailureKind::unreachable || failure.kind == FailureKind::timeout;
}

// libpq's words about a dsn may quote a part of it, which may be a password; what it does not know is a keyword.
std::string fault_of_dsn(std::string_view libpq_text) {
  for (const auto* harmless : {"invalid connection option", "invalid URI query parameter"}) {
    if (libpq_text.find(harmless) != std::string_view::npos) return printable(libpq_text);
  }
  return "this is no connection string; write for example host=/run/postgresql dbname=postgres user=sidewatch (a value "
         "with spaces stands in 'single quotes')";
}

}  // namespace

Result<Parameters> parse_dsn(const std::string& dsn) {
  const auto& pq = libpq();
  if (!pq) return Parameters{};
  char* text = nullptr;
  PQconninfoOption* const options = pq->PQconninfoParse(dsn.c_str(), &text);
  if (options == nullptr) {
    Error error{fault_of_dsn(text != nullptr ? text : ""), ""};
    if (text != nullptr) pq->PQfreemem(text);
    return error;
  }
  Parameters parameters;
  for (const auto* option = options; option->keyword != nullptr; ++option) {
    if (option->val != nullptr) parameters[option->keyword] = option->val;
  }
  pq->PQconninfoFree(options);
  return parameters;
}

std::optional<Failure> Connector::connect(std::unique_ptr<SqlConnection>& made) {
  const Deadline deadline(config_.timeout);
  const auto& pq = libpq();
  if (!pq) return Failure{FailureKind::other, pq.error().text(), false};
  const auto dsn = parse_dsn(config_.dsn);
  if (!dsn) return Failure{FailureKind::other, dsn.error().text(), false};
  const std::string password = config_.password.reveal();
  if (password.empty() && !config_.password.empty()) {
    return Failure{FailureKind::login_refused, "the file with the password is empty or cannot be read", false};
  }
  Parameters parameters = joined(*dsn, password, config_.tls, config_.timeout);
  const bool may_encrypt = parameters["sslmode"] != "disable" && parameters.count("sslpassword") == 0;
  if (const auto key = parameters.find("sslkey"); may_encrypt && key != parameters.end()) {
    if (auto failure = trouble_with_key(key->second)) return failure;
  }
  const auto places = places_in(parameters);
  if (places.empty()) return attempt(*pq, parameters, config_.timeout, deadline, made);
  const auto rounds = rounds_of(parameters);
  std::optional<Failure> failure;
  for (std::size_t i = 0; i < rounds.size() * places.size(); ++i) {
    parameters["target_session_attrs"] = rounds[i / places.size()];
    const Deadline share(share_of(deadline, rounds.size() * places.size() - i));
    failure = connect_to(places[i % places.size()], parameters, share, made);
    if (!failure || !another_may_answer(*failure)) break;
  }
  return failure;
}

std::optional<Failure> Connector::connect_to(const Place& place, const Parameters& parameters, const Deadline& deadline,
                                             std::unique_ptr<SqlConnection>& made) {
  std::vector<std::string> addresses{place.address};
  if (place.has_a_name()) {
    if (auto failure = resolver_.resolve(place.host, deadline.left(), addresses)) return failure;
  }
  std::optional<Failure> failure;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto one = at_place(parameters, {place.host, addresses[i], place.port},
                              config_.tls ? config_.tls->server_name : "");
    failure = attempt(*libpq(), one, config_.timeout, Deadline(share_of(deadline, addresses.size() - i)), made);
    if (!failure || !another_may_answer(*failure)) break;
  }
  return failure;
}

}  // namespace sidewatch::database::postgresql
