// The way out for mail: one message to one server, with a deadline that holds whatever the server does.
//
// The bounds are those of base/http_client.h: one total deadline, TLS 1.2 or newer with verified certificates, counted
// bytes of the server's answers, no proxy from the environment. STARTTLS, where it is asked for, is required: a server
// that does not offer it is not told who writes to whom. Addresses and the message are taken as they are given, and are
// refused where they would not stay one line, or one address, of the dialogue.
//
// What the server says of each recipient is told apart: some may be taken while others are refused. A client is used by
// one thread at a time; `interrupt` may be called by any other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"

namespace sidewatch {

enum class MailSecurity { starttls, tls, none };

struct OutgoingMail {
  std::string host;
  int port = 587;
  MailSecurity security = MailSecurity::starttls;
  std::string hello;  // how we call ourselves in EHLO
  std::string username;  // empty: no authentication
  std::string password;
  std::string ca_file;  // instead of the machine's certificate authorities
  std::string certificate_file;
  std::string key_file;
  bool insecure_skip_verify = false;
  Duration timeout = std::chrono::seconds(30);

  std::string from;  // addresses alone: alerts@example.org
  std::vector<std::string> to;
  std::string message;  // RFC 5322, lines that end with CRLF
};

struct MailReply {
  int code = 0;  // 250, 451, 550; 0: none came
  std::string text;
};

struct MailRefusal {
  std::string recipient;
  MailReply reply;
};

struct MailOutcome {
  enum class Kind {
    taken,  // by the server, for every recipient that is not among the refusals
    refused,  // `reply` says why, or each recipient was refused
    not_authorised,  // user name and password were not accepted, or not asked for
    bad_request,  // the mail itself is impossible: an address with a control character
    tls,  // no STARTTLS, handshake, certificate
    unreachable,  // no address for the host's name, no connection
    timeout,
    interrupted,
    broken,  // the connection broke off, or the answer is not SMTP
  };
  Kind kind = Kind::broken;
  std::string what;  // a sentence; empty when taken
  MailReply reply;  // the last of the server that is not good
  std::vector<MailRefusal> refusals;
};

class SmtpClient {
 public:
  SmtpClient();
  ~SmtpClient();
  SmtpClient(const SmtpClient&) = delete;
  SmtpClient& operator=(const SmtpClient&) = delete;

  MailOutcome send(const OutgoingMail& mail);

  // From any thread: the mail under way ends soon with `interrupted`, and so does every later one.
  void interrupt();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// local@domain in plain characters: what can stand between < and > without changing its meaning.
bool is_mail_address(const std::string& text);

}  // namespace sidewatch
