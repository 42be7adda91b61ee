#include "collectors/database/mysql/connection.h"

#include <fcntl.h>
#include <mysql.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "base/shared_library.h"
#include "collectors/database/deadline.h"
#include "collectors/database/mysql/server_error.h"
#include "collectors/database/mysql/value.h"

namespace sidewatch::database::mysql {
namespace {

using namespace std::chrono_literals;

// The non-blocking calls run on a stack of their own: TLS and the search for a plugin need more than the library's
// default of 60 KiB. Only what is used of it is ever memory.
constexpr std::size_t fibre_stack_bytes = std::size_t{256} << 10;
constexpr unsigned long most_packet_bytes = 2UL << 20;  // a row, an error, a greeting
// Of the times that the library wants to wait although it was told that the time is over.
constexpr int most_reminders = 32;
// Who logs in with these shows no password, or shows it only inside of TLS or to the server's own key.
constexpr const char* allowed_logins =
    "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519,parsec";
constexpr const char* allowed_logins_without_tls = "mysql_native_password,client_ed25519,caching_sha2_password,parsec";

// The functions of libmariadb that are used, and no others.
#define SIDEWATCH_MARIADB_FUNCTIONS(each) \
  each(mysql_server_init) each(mysql_init) each(mysql_optionsv) each(mysql_close) each(mysql_errno) each(mysql_error) \
  each(mysql_get_socket) each(mysql_get_ssl_cipher) each(mysql_field_count) each(mysql_more_results) \
  each(mysql_use_result) each(mysql_num_fields) each(mysql_fetch_fields) each(mysql_fetch_lengths) \
  each(mysql_real_connect_start) each(mysql_real_connect_cont) each(mysql_real_query_start) \
  each(mysql_real_query_cont) each(mysql_fetch_row_start) each(mysql_fetch_row_cont) each(mysql_free_result_start) \
  each(mysql_free_result_cont) each(mysql_next_result_start) each(mysql_next_result_cont)

struct Library {
#define SIDEWATCH_MARIADB_MEMBER(name) decltype(&::name) name = nullptr;
  SIDEWATCH_MARIADB_FUNCTIONS(SIDEWATCH_MARIADB_MEMBER)
#undef SIDEWATCH_MARIADB_MEMBER
  bool tells_transfers = false;  // to after_transfer(), without which TLS could wait for ever
};

template <class Function>
void find(const SharedLibrary& from, const char* name, Function*& function, std::optional<Error>& missing) {
  if (auto found = from.find(name, function); !found && !missing) missing = found.error();
}

// Waits for what the library asks for; MYSQL_WAIT_TIMEOUT when it does not come in time.
int wait_for(int socket, int wanted, const Deadline& deadline) {
  short events = 0;
  if ((wanted & MYSQL_WAIT_READ) != 0) events |= POLLIN;
  if ((wanted & MYSQL_WAIT_WRITE) != 0) events |= POLLOUT;
  if ((wanted & MYSQL_WAIT_EXCEPT) != 0) events |= POLLPRI;
  const short come = await(socket, events, deadline);
  if (come == 0) return MYSQL_WAIT_TIMEOUT;
  if ((come & (POLLERR | POLLHUP | POLLNVAL)) != 0) return wanted & ~MYSQL_WAIT_TIMEOUT;
  return ((come & POLLIN) != 0 ? MYSQL_WAIT_READ : 0) | ((come & POLLOUT) != 0 ? MYSQL_WAIT_WRITE : 0) |
         ((come & POLLPRI) != 0 ? MYSQL_WAIT_EXCEPT : 0);
}

// What the call that is driven now, by this thread, goes on with. The library calls two functions of ours in the midst of
// it, and gives them no word of ours: they find it here.
struct Waiting {
  const Deadline& deadline;
  const std::function<void()>& sent;  // after each write; may be empty
};
thread_local const Waiting* waiting_now = nullptr;

// The handshake of TLS does not come back to us: it reads a socket that the library has set to block, and would wait for
// a stopped server for ever. So behind the write that begins it the socket is set not to block (tell_tls), and the
// library then asks wait_within.
void after_transfer(int mode, MYSQL*, const unsigned char*, size_t) {
  constexpr int written = 1;
  if (mode == written && waiting_now != nullptr && waiting_now->sent) waiting_now->sent();
}

// As MARIADB_OPT_IO_WAIT wants it: 1 when the socket is ready, 0 when it is not in time.
int wait_within(my_socket socket, my_bool is_read, int) {
  if (waiting_now == nullptr) return 0;  // closing: nobody waits for the other side
  const int wanted = is_read != 0 ? MYSQL_WAIT_READ : MYSQL_WAIT_WRITE;
  return wait_for(static_cast<int>(socket), wanted, waiting_now->deadline) == MYSQL_WAIT_TIMEOUT ? 0 : 1;
}

// Drives one non-blocking call to its end: `start` and `go_on(events)` return what it waits for, 0 at its end. False when
// the deadline was over first; the call has ended then too, and the connection is of no use any more.
template <class Start, class GoOn>
bool drive(const Library& lib, MYSQL* mysql, const Waiting& waiting, Start start, GoOn go_on) {
  bool late = false;
  int reminders = 0;
  waiting_now = &waiting;
  int wanted = start();
  while (wanted != 0 && reminders < most_reminders) {
    const int socket = static_cast<int>(lib.mysql_get_socket(mysql));
    const int come = late ? MYSQL_WAIT_TIMEOUT : wait_for(socket, wanted, waiting.deadline);
    if (come == MYSQL_WAIT_TIMEOUT) {
      late = true;
      ++reminders;
      shutdown(socket, SHUT_RDWR);  // so that nothing waits in a blocking call
    }
    wanted = go_on(come);
  }
  waiting_now = nullptr;
  return !late;
}
template <class Start, class GoOn>
bool drive(const Library& lib, MYSQL* mysql, const Deadline& deadline, Start start, GoOn go_on) {
  static const std::function<void()> nothing;
  return drive(lib, mysql, Waiting{deadline, nothing}, start, go_on);
}

Result<Library> load_library() {
  const auto from = SharedLibrary::load("libmariadb.so.3", "libmariadb3");
  if (!from) return from.error();
  Library library;
  std::optional<Error> missing;
#define SIDEWATCH_MARIADB_FIND(name) find(*from, #name, library.name, missing);
  SIDEWATCH_MARIADB_FUNCTIONS(SIDEWATCH_MARIADB_FIND)
#undef SIDEWATCH_MARIADB_FIND
  if (missing) return *missing;
  // Declared here, as the library's headers for programs leave it out.
  int (*ma_pvio_register_callback)(my_bool, void (*)(int, MYSQL*, const unsigned char*, size_t)) = nullptr;
  if (from->find("ma_pvio_register_callback", ma_pvio_register_callback)) {
    library.tells_transfers = ma_pvio_register_callback(1, after_transfer) == 0;
  }
  if (library.mysql_server_init(0, nullptr, nullptr) != 0) return Error{"libmariadb could not be initialised", ""};
  return library;
}

// Loaded once in the life of the program; a library that is missing stays missed until the agent is started again.
const Result<Library>& library() {
  static const Result<Library> loaded = load_library();
  return loaded;
}

using Handle = std::unique_ptr<MYSQL, void (*)(MYSQL*)>;

Failure late() { return {FailureKind::timeout, "no answer from the server in time: it hangs, or the network to it does", true}; }

class Connection final : public SqlConnection {
 public:
  Connection(const Library& lib, Handle handle, std::string user)
      : lib_(lib), handle_(std::move(handle)), user_(std::move(user)) {}

  ~Connection() override {
    // What is told to a lost server must not wait for it.
    if (lost_) shutdown(static_cast<int>(lib_.mysql_get_socket(handle_.get())), SHUT_RDWR);
  }

  // What every session of ours is: its version known, nothing written, no lock waited for long.
  std::optional<Failure> prepare(Duration timeout, const Deadline& deadline) {
    QueryLimits limits;
    Rows rows;
    if (auto failure = run("SELECT VERSION()", limits, deadline, rows)) return failure;
    if (rows.size() != 1) return Failure{FailureKind::malformed, "the server does not tell its version", true};
    version_ = version_in(rows.cell(0, 0).value_or(""));
    for (const auto* statement :
         {"SET SESSION TRANSACTION READ ONLY", "SET SESSION lock_wait_timeout = 1", "SET SESSION time_zone = 'SYSTEM'"}) {
      if (auto failure = run(statement, limits, deadline, rows)) return failure;
    }
    if (version_.flavour == "mysql" && version_.number >= 80000) {
      // Else the sizes of tables are those of up to a day ago.
      auto failure = run("SET SESSION information_schema_stats_expiry = 0", limits, deadline, rows);
      if (failure && failure->connection_lost) return failure;
    }
    return tell_timeout(timeout, limits, deadline, rows);
  }

  const ServerVersion& version() const override { return version_; }

  std::optional<Failure> query(std::string_view sql, const QueryLimits& limits, Rows& rows) override {
    const Deadline deadline(limits.timeout);
    if (auto failure = tell_timeout(limits.timeout, limits, deadline, rows)) return failure;
    return run(sql, limits, deadline, rows);
  }

 private:
  MYSQL* mysql() const { return handle_.get(); }

  Failure failed() {
    auto failure = query_failure(lib_.mysql_errno(mysql()), lib_.mysql_error(mysql()), user_);
    lost_ = failure.connection_lost;
    return failure;
  }
  Failure too_late() {
    lost_ = true;
    return late();
  }

  // A little less than our own patience: MariaDB has seconds with a fraction, MySQL milliseconds (for SELECT alone).
  std::optional<Failure> tell_timeout(Duration timeout, const QueryLimits& limits, const Deadline& deadline, Rows& rows) {
    const Duration wanted = std::max(timeout - std::min(timeout / 5, Duration(500)), Duration(1));
    if (wanted == told_) return std::nullopt;
    const auto ms = std::to_string(wanted.count());
    const std::string sql = version_.flavour == "mariadb"
                                ? "SET SESSION max_statement_time = " + ms + " / 1000"
                                : "SET SESSION max_execution_time = " + ms;
    auto failure = run(sql, limits, deadline, rows);
    if (failure && failure->connection_lost) return failure;
    told_ = wanted;  // a server before MySQL 5.7.8 knows no such setting: there our own deadline is the only one
    return std::nullopt;
  }

  std::optional<Failure> run(std::string_view sql, const QueryLimits& limits, const Deadline& deadline, Rows& rows) {
    int error = 0;
    const bool in_time = drive(
        lib_, mysql(), deadline,
        [&] { return lib_.mysql_real_query_start(&error, mysql(), sql.data(), sql.size()); },
        [&](int come) { return lib_.mysql_real_query_cont(&error, mysql(), come); });
    if (!in_time) return too_late();
    if (error != 0) return failed();
    rows.begin({}, limits);
    auto failure = take_result(limits, deadline, rows);
    while (!(failure && failure->connection_lost) && lib_.mysql_more_results(mysql())) {
      if (deadline.left() == Duration(0)) return too_late();
      if (auto trouble = drop_next_result(deadline)) return trouble;
    }
    return failure;
  }

  std::optional<Failure> take_result(const QueryLimits& limits, const Deadline& deadline, Rows& rows) {
    if (lib_.mysql_field_count(mysql()) == 0) return std::nullopt;  // a statement without an answer
    MYSQL_RES* const result = lib_.mysql_use_result(mysql());
    if (result == nullptr) return failed();
    rows.begin(names_of(result), limits);
    auto failure = take_rows(result, limits, deadline, rows);
    // What was not read is read and let go, as long as the deadline lets it: the connection is still good then.
    if (!let_go(result, deadline)) return too_late();
    return failure;
  }

  // False when it did not come in time. A server that always has more to say is never waited for, so the clock is
  // looked at for each row.
  bool fetch(MYSQL_RES* result, const Deadline& deadline, MYSQL_ROW& row) {
    row = nullptr;
    if (deadline.left() == Duration(0)) return false;
    return drive(
        lib_, mysql(), deadline, [&] { return lib_.mysql_fetch_row_start(&row, result); },
        [&](int come) { return lib_.mysql_fetch_row_cont(&row, result, come); });
  }

  std::optional<Failure> take_rows(MYSQL_RES* result, const QueryLimits& limits, const Deadline& deadline, Rows& rows) {
    const unsigned columns = lib_.mysql_num_fields(result);
    while (true) {
      MYSQL_ROW row = nullptr;
      if (!fetch(result, deadline, row)) return too_late();
      if (row == nullptr) break;
      const unsigned long* const lengths = lib_.mysql_fetch_lengths(result);
      for (unsigned i = 0; i < columns; ++i) {
        const auto cell = row[i] == nullptr ? std::nullopt : std::optional(std::string_view(row[i], lengths[i]));
        if (!rows.add(cell)) return too_large(limits);
      }
    }
    if (lib_.mysql_errno(mysql()) != 0) return failed();
    return std::nullopt;
  }

  static Failure too_large(const QueryLimits& limits) {
    return {FailureKind::too_large,
            "the answer has more than " + std::to_string(limits.max_rows) + " rows or " +
                std::to_string(limits.max_bytes) + " bytes; the rest is left out",
            false};
  }

  // Reads what is left of it. The library would do so too, to the end: there has to be one, so a late server is cut off.
  bool let_go(MYSQL_RES* result, const Deadline& deadline) {
    MYSQL_ROW row = nullptr;
    bool in_time = true;
    do {
      in_time = fetch(result, deadline, row);
    } while (in_time && row != nullptr);
    if (!in_time) shutdown(lib_.mysql_get_socket(mysql()), SHUT_RDWR);
    const bool freed = drive(
        lib_, mysql(), deadline, [&] { return lib_.mysql_free_result_start(result); },
        [&](int come) { return lib_.mysql_free_result_cont(result, come); });
    return in_time && freed;
  }

  // A procedure answers more than once; the first answer is what was asked for.
  std::optional<Failure> drop_next_result(const Deadline& deadline) {
    int state = 0;
    const bool in_time = drive(
        lib_, mysql(), deadline, [&] { return lib_.mysql_next_result_start(&state, mysql()); },
        [&](int come) { return lib_.mysql_next_result_cont(&state, mysql(), come); });
    if (!in_time) return too_late();
    if (state > 0) return failed();
    if (lib_.mysql_field_count(mysql()) == 0) return std::nullopt;
    MYSQL_RES* const result = lib_.mysql_use_result(mysql());
    if (result != nullptr && !let_go(result, deadline)) return too_late();
    return std::nullopt;
  }

  std::vector<std::string> names_of(MYSQL_RES* result) const {
    const MYSQL_FIELD* const fields = lib_.mysql_fetch_fields(result);
    std::vector<std::string> names;
    for (unsigned i = 0; i < lib_.mysql_num_fields(result); ++i) {
      names.emplace_back(fields[i].name, fields[i].name_length);
    }
    return names;
  }

  const Library& lib_;
  const Handle handle_;
  const std::string user_;
  ServerVersion version_;
  Duration told_{0};  // the time for a statement that the server knows of
  bool lost_ = false;
};

bool wants_tls(const std::optional<TlsConfig>& tls) { return tls && tls->mode != TlsMode::off; }
bool verifies_name(const std::optional<TlsConfig>& tls) { return tls && tls->mode == TlsMode::verify_full; }

// TLS as it was asked for. Only with the comparison of names does the library refuse a server without TLS before it has
// told it anything, so all modes begin with it; tell_tls() ends it for those that do not want it.
void set_tls(const Library& lib, MYSQL* mysql, const std::optional<TlsConfig>& tls) {
  const my_bool wanted = wants_tls(tls) ? 1 : 0;
  lib.mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &wanted);
  lib.mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &wanted);
  if (wanted == 0) return;
  if (!tls->ca.empty()) lib.mysql_optionsv(mysql, MYSQL_OPT_SSL_CA, tls->ca.c_str());
  // Without a directory or file of authorities the library does not look at who signed.
  if (tls->ca.empty() && tls->mode == TlsMode::verify_ca) lib.mysql_optionsv(mysql, MYSQL_OPT_SSL_CAPATH, "/etc/ssl/certs");
  if (!tls->cert.empty()) lib.mysql_optionsv(mysql, MYSQL_OPT_SSL_CERT, tls->cert.c_str());
  if (!tls->key.empty()) lib.mysql_optionsv(mysql, MYSQL_OPT_SSL_KEY, tls->key.c_str());
  lib.mysql_optionsv(mysql, MARIADB_OPT_TLS_PASSPHRASE, "");  // or OpenSSL would ask for one on the terminal
}

Handle make_handle(const Library& lib, const ConnectionConfig& config) {
  Handle handle(lib.mysql_init(nullptr), lib.mysql_close);
  if (!handle) return handle;
  MYSQL* const mysql = handle.get();
  const unsigned int off = 0;
  const my_bool no = 0;
  lib.mysql_optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
  lib.mysql_optionsv(mysql, MYSQL_OPT_RECONNECT, &no);
  lib.mysql_optionsv(mysql, MYSQL_OPT_NONBLOCK, &fibre_stack_bytes);
  lib.mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, wait_within);
  lib.mysql_optionsv(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &most_packet_bytes);
  lib.mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  lib.mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH,
                     wants_tls(config.tls) ? allowed_logins : allowed_logins_without_tls);
  lib.mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "sidewatch");
  set_tls(lib, mysql, config.tls);
  return handle;
}

struct Attempt {
  const Library& lib;
  const ConnectionConfig& config;
  const std::string& password;
  const Deadline& deadline;
};

// To be called behind each write until the connection is made: the first one is the answer to the greeting, and begins
// TLS where both want it. The library then compares the certificate with what it connected to, which is an address that
// we resolved: it is told the name.
void tell_tls(const Library& lib, MYSQL* mysql, const std::optional<TlsConfig>& tls, const std::string& name) {
  if (!wants_tls(tls) || (mysql->server_capabilities & CLIENT_SSL) == 0) return;
  const int socket = static_cast<int>(lib.mysql_get_socket(mysql));
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
  if (!verifies_name(tls)) {
    const my_bool no = 0;
    lib.mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
    return;
  }
  if (mysql->host == nullptr || name == mysql->host) return;
  char* const copy = strdup(name.c_str());
  if (copy == nullptr) return;
  free(mysql->host);
  mysql->host = copy;
}

// `address`: of those that the name has; empty for a socket.
std::optional<Failure> try_one(const Attempt& attempt, const std::string& address, std::unique_ptr<SqlConnection>& made) {
  const auto& [lib, config, password, deadline] = attempt;
  const std::string where = config.address.text();
  Handle handle = make_handle(lib, config);
  if (!handle) return Failure{FailureKind::other, "there is no memory for a connection", true};
  const bool socket = !config.address.socket.empty();
  std::string name = config.tls ? config.tls->server_name : "";
  if (name.empty()) name = socket ? "localhost" : config.address.host;
  const std::function<void()> sent = [&] { tell_tls(lib, handle.get(), config.tls, name); };
  MYSQL* connected = nullptr;
  const bool in_time = drive(
      lib, handle.get(), Waiting{deadline, sent},
      [&] {
        return lib.mysql_real_connect_start(&connected, handle.get(), socket ? nullptr : address.c_str(),
                                            config.user.c_str(), password.c_str(),
                                            config.database.empty() ? nullptr : config.database.c_str(),
                                            static_cast<unsigned>(config.address.port),
                                            socket ? config.address.socket.c_str() : nullptr, 0);
      },
      [&](int come) { return lib.mysql_real_connect_cont(&connected, handle.get(), come); });
  if (!in_time || (connected == nullptr && deadline.left() == Duration(0))) {
    return Failure{FailureKind::timeout, where + " does not answer in time: the server hangs, or the network to it does", true};
  }
  if (connected == nullptr) {
    return connect_failure(lib.mysql_errno(handle.get()), lib.mysql_error(handle.get()), where, config.user);
  }
  if (wants_tls(config.tls) && lib.mysql_get_ssl_cipher(handle.get()) == nullptr) {
    return Failure{FailureKind::login_refused, where + ": TLS is asked for, and the server has none", true};
  }
  auto connection = std::make_unique<Connection>(lib, std::move(handle), config.user);
  if (auto failure = connection->prepare(config.timeout, deadline)) {
    failure->text = where + ": " + failure->text;
    return failure;
  }
  made = std::move(connection);
  return std::nullopt;
}

}  // namespace

std::optional<Failure> Connector::connect(std::unique_ptr<SqlConnection>& made) {
  const Deadline deadline(config_.timeout);
  const auto& lib = library();
  if (!lib) return Failure{FailureKind::other, lib.error().text(), false};
  if (wants_tls(config_.tls) && !lib->tells_transfers) {
    return Failure{FailureKind::other, "this libmariadb.so.3 is another than those that TLS is known to work with here", false};
  }
  const std::string password = config_.password.reveal();
  if (password.empty() && !config_.password.empty()) {
    return Failure{FailureKind::login_refused, "the file with the password is empty or cannot be read", false};
  }
  const Attempt attempt{*lib, config_, password, deadline};
  if (!config_.address.socket.empty()) return try_one(attempt, "", made);
  std::vector<std::string> addresses;
  if (auto failure = resolver_.resolve(config_.address.host, deadline.left(), addresses)) return failure;
  std::optional<Failure> failure;
  for (std::size_t i = 0; i < addresses.size(); ++i) {  // each for its share of the time that is left
    const Deadline share(deadline.left() / static_cast<long>(addresses.size() - i));
    failure = try_one(Attempt{*lib, config_, password, share}, addresses[i], made);
    if (!failure || (failure->kind != FailureKind::unreachable && failure->kind != FailureKind::timeout)) break;
  }
  return failure;
}

}  // namespace sidewatch::database::mysql
