// What libmariadb does for one connection: its calls, each ended by a deadline. No other file knows the library. What a
// session is asked and what becomes of the answers stands in connection.cpp.
//
// The one idea: the library's own timeouts are per packet and none of them is set by default, so a server that is stopped
// or drips holds its blocking calls for ever. Its non-blocking calls are used instead, each waited for with a poll and a
// deadline of our own; what is late is told to the library as its own timeout, so that it cleans up after itself, and
// the connection is of no use any more.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "collectors/database/config.h"
#include "collectors/database/deadline.h"

namespace sidewatch::database::mysql {

class Wire {
 public:
  // Loads the library when it is called first; an Error says what is missing, then and ever after. `tls`: whether it has
  // to be able to do TLS without waiting for ever.
  static Result<void> load(bool tls);

  struct Login {
    std::string host;    // an address; empty for a socket
    int port = 0;
    std::string socket;
    std::string user;
    std::string password;
    std::string database;
    std::optional<TlsConfig> tls;
    std::string name;    // that the server's certificate has to be for
  };

  // load() has succeeded. Nothing when there is no memory.
  static std::unique_ptr<Wire> make(const std::optional<TlsConfig>& tls);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  enum class End {
    done,
    failed,  // error_number() and error_text() say why
    late,    // the deadline was over first
  };
  End log_in(const Login& login, const Deadline& deadline);
  bool is_encrypted() const;

  // One statement. If it has rows, they are to be begun, read to their end or let go, before the next one.
  End ask(std::string_view sql, const Deadline& deadline);
  bool has_rows() const;
  bool begin_rows();
  std::size_t columns() const;
  std::string_view column_name(std::size_t column) const;
  // The next row; `there` is false behind the last one. Its cells last until the next row.
  End next_row(const Deadline& deadline, bool& there);
  std::optional<std::string_view> cell(std::size_t column) const;
  // Reads what is left of the rows. The library would do so too, to the end: there has to be one, so a server that is
  // late is cut off.
  End let_go(const Deadline& deadline);

  // A procedure answers more than once.
  bool has_more_answers() const;
  End next_answer(const Deadline& deadline);

  unsigned error_number() const;
  std::string_view error_text() const;

  // Nothing is said to the server or awaited from it any more.
  void cut();

 private:
  struct Parts;
  explicit Wire(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sidewatch::database::mysql
