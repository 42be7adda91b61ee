#include "collectors/database/mysql/wire.h"

#include <fcntl.h>
#include <mysql.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <utility>

#include "base/shared_library.h"

namespace sidewatch::database::mysql {
namespace {

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

void set_options(const Library& lib, MYSQL* mysql, const std::optional<TlsConfig>& tls) {
  const unsigned int off = 0;
  const my_bool no = 0;
  lib.mysql_optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
  lib.mysql_optionsv(mysql, MYSQL_OPT_RECONNECT, &no);
  lib.mysql_optionsv(mysql, MYSQL_OPT_NONBLOCK, &fibre_stack_bytes);
  lib.mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, wait_within);
  lib.mysql_optionsv(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &most_packet_bytes);
  lib.mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  lib.mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH,
                     wants_tls(tls) ? allowed_logins : allowed_logins_without_tls);
  lib.mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "sidewatch");
  set_tls(lib, mysql, tls);
}

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

}  // namespace

struct Wire::Parts {
  const Library& lib;
  std::unique_ptr<MYSQL, void (*)(MYSQL*)> handle;
  MYSQL_RES* rows = nullptr;
  MYSQL_ROW row = nullptr;
  const unsigned long* lengths = nullptr;

  MYSQL* mysql() const { return handle.get(); }
  int socket() const { return static_cast<int>(lib.mysql_get_socket(mysql())); }
};

Wire::Wire(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Wire::~Wire() = default;

Result<void> Wire::load(bool tls) {
  const auto& lib = library();
  if (!lib) return lib.error();
  if (tls && !lib->tells_transfers) {
    return Error{"this libmariadb.so.3 is another than those that TLS is known to work with here", ""};
  }
  return {};
}

std::unique_ptr<Wire> Wire::make(const std::optional<TlsConfig>& tls) {
  const Library& lib = *library();
  auto parts = std::make_unique<Parts>(Parts{lib, {lib.mysql_init(nullptr), lib.mysql_close}});
  if (!parts->handle) return nullptr;
  set_options(lib, parts->mysql(), tls);
  return std::unique_ptr<Wire>(new Wire(std::move(parts)));
}

Wire::End Wire::log_in(const Login& login, const Deadline& deadline) {
  const Library& lib = parts_->lib;
  MYSQL* const mysql = parts_->mysql();
  const auto or_null = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
  const std::function<void()> sent = [&] { tell_tls(lib, mysql, login.tls, login.name); };
  MYSQL* connected = nullptr;
  const bool in_time = drive(
      lib, mysql, Waiting{deadline, sent},
      [&] {
        return lib.mysql_real_connect_start(&connected, mysql, or_null(login.host), login.user.c_str(),
                                            login.password.c_str(), or_null(login.database),
                                            static_cast<unsigned>(login.port), or_null(login.socket), 0);
      },
      [&](int come) { return lib.mysql_real_connect_cont(&connected, mysql, come); });
  if (!in_time || (connected == nullptr && deadline.left() == Duration(0))) return End::late;
  return connected == nullptr ? End::failed : End::done;
}

bool Wire::is_encrypted() const { return parts_->lib.mysql_get_ssl_cipher(parts_->mysql()) != nullptr; }

Wire::End Wire::ask(std::string_view sql, const Deadline& deadline) {
  const Library& lib = parts_->lib;
  int error = 0;
  const bool in_time = drive(
      lib, parts_->mysql(), deadline,
      [&] { return lib.mysql_real_query_start(&error, parts_->mysql(), sql.data(), sql.size()); },
      [&](int come) { return lib.mysql_real_query_cont(&error, parts_->mysql(), come); });
  if (!in_time) return End::late;
  return error != 0 ? End::failed : End::done;
}

bool Wire::has_rows() const { return parts_->lib.mysql_field_count(parts_->mysql()) != 0; }

bool Wire::begin_rows() {
  parts_->rows = parts_->lib.mysql_use_result(parts_->mysql());
  return parts_->rows != nullptr;
}

std::size_t Wire::columns() const { return parts_->lib.mysql_num_fields(parts_->rows); }

std::string_view Wire::column_name(std::size_t column) const {
  const MYSQL_FIELD& field = parts_->lib.mysql_fetch_fields(parts_->rows)[column];
  return {field.name, field.name_length};
}

// A server that always has more to say is never waited for, so the clock is looked at for each row.
Wire::End Wire::next_row(const Deadline& deadline, bool& there) {
  const Library& lib = parts_->lib;
  there = false;
  parts_->row = nullptr;
  if (deadline.left() == Duration(0)) return End::late;
  const bool in_time = drive(
      lib, parts_->mysql(), deadline, [&] { return lib.mysql_fetch_row_start(&parts_->row, parts_->rows); },
      [&](int come) { return lib.mysql_fetch_row_cont(&parts_->row, parts_->rows, come); });
  if (!in_time) return End::late;
  there = parts_->row != nullptr;
  if (!there) return error_number() != 0 ? End::failed : End::done;
  parts_->lengths = lib.mysql_fetch_lengths(parts_->rows);
  return End::done;
}

std::optional<std::string_view> Wire::cell(std::size_t column) const {
  if (parts_->row[column] == nullptr) return std::nullopt;
  return std::string_view(parts_->row[column], parts_->lengths[column]);
}

Wire::End Wire::let_go(const Deadline& deadline) {
  const Library& lib = parts_->lib;
  bool there = true;
  End end = End::done;
  while (there && end == End::done) end = next_row(deadline, there);
  if (end == End::late) cut();
  const bool freed = drive(
      lib, parts_->mysql(), deadline, [&] { return lib.mysql_free_result_start(parts_->rows); },
      [&](int come) { return lib.mysql_free_result_cont(parts_->rows, come); });
  parts_->rows = nullptr;
  return end != End::late && freed ? End::done : End::late;
}

bool Wire::has_more_answers() const { return parts_->lib.mysql_more_results(parts_->mysql()) != 0; }

Wire::End Wire::next_answer(const Deadline& deadline) {
  const Library& lib = parts_->lib;
  int state = 0;
  const bool in_time = drive(
      lib, parts_->mysql(), deadline, [&] { return lib.mysql_next_result_start(&state, parts_->mysql()); },
      [&](int come) { return lib.mysql_next_result_cont(&state, parts_->mysql(), come); });
  if (!in_time) return End::late;
  return state > 0 ? End::failed : End::done;
}

unsigned Wire::error_number() const { return parts_->lib.mysql_errno(parts_->mysql()); }
std::string_view Wire::error_text() const { return parts_->lib.mysql_error(parts_->mysql()); }

void Wire::cut() { shutdown(parts_->socket(), SHUT_RDWR); }

}  // namespace sidewatch::database::mysql
