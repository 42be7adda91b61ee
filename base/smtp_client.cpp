// The seam of libcurl for SMTP. A mail is one easy handle in a multi handle of its own, whose poll can be woken.
//
// What libcurl would do otherwise:
// - It says of a refused recipient only that one was refused: the dialogue is read on its way through the debug
//   callback, where commands and replies pass in their order.
// - After the mail is taken it waits up to two minutes for the answer to QUIT, and no deadline counts: from the last
//   reply on it is given a second.
// - A mail that is given up half way it ends with a dot, as if it were whole, and waits for the answer: its sockets are
//   shut down first, so that the dot goes nowhere.
// - It would mail in the clear where STARTTLS is only preferred: CURLUSESSL_ALL makes it a condition.
#include "base/smtp_client.h"

#include <curl/multi.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include "base/certificates.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_reply_bytes = 512;  // that are kept of one
constexpr std::size_t max_dialogue_bytes = 256 * 1024;  // of the server's, before it is given up
constexpr int longest_poll_ms = 1000;
constexpr const char* system_ca_directory = "/etc/ssl/certs";

struct FreeRecipients {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7f;
  });
}

// One mail under way. What libcurl does not copy lives here.
struct Dialogue {
  const OutgoingMail& mail;
  CURL* easy = nullptr;
  std::size_t sent = 0;
  std::size_t heard = 0;
  std::string recipient = {};  // whose RCPT TO is not answered yet
  bool asking_login = false;
  bool login_refused = false;
  bool whole_sent = false;
  MailReply last_bad = {};
  std::vector<MailRefusal> refusals = {};
  std::set<curl_socket_t> sockets = {};
  std::array<char, CURL_ERROR_SIZE> message{};

  void said(std::string_view command);
  void answered(std::string_view line);
  void hang_up() const {
    for (const curl_socket_t fd : sockets) shutdown(fd, SHUT_RDWR);
  }
};

void Dialogue::said(std::string_view command) {
  constexpr std::string_view rcpt = "RCPT TO:<";
  if (command.starts_with(rcpt)) {
    recipient = command.substr(rcpt.size(), command.find('>') - rcpt.size());
  } else if (command.starts_with("AUTH ")) {
    asking_login = true;
  } else if (command.starts_with("MAIL FROM:")) {
    asking_login = false;
  }
}

void Dialogue::answered(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  // "250-SIZE": there is more of it. "250 OK": its end.
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool is_reply = line.size() >= 3 && std::all_of(line.begin(), line.begin() + 3, is_digit);
  if (!is_reply || (line.size() > 3 && line[3] == '-')) return;
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  if (code >= 400) {
    last_bad = {code, std::string(line.substr(0, max_reply_bytes))};
    if (!recipient.empty()) refusals.push_back({recipient, last_bad});
    if (asking_login) login_refused = true;
  }
  recipient.clear();
  if (whole_sent) curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, 1L);  // for QUIT, that is
}

std::size_t on_read(char* into, std::size_t size, std::size_t count, void* user) {
  Dialogue& dialogue = *static_cast<Dialogue*>(user);
  const std::string& text = dialogue.mail.message;
  const std::size_t bytes = std::min(size * count, text.size() - dialogue.sent);
  std::memcpy(into, text.data() + dialogue.sent, bytes);
  dialogue.sent += bytes;
  if (dialogue.sent == text.size()) dialogue.whole_sent = true;
  return bytes;
}

// Giving back another number than there are bytes ends the transfer.
std::size_t on_reply(char*, std::size_t size, std::size_t count, void* user) {
  Dialogue& dialogue = *static_cast<Dialogue*>(user);
  dialogue.heard += size * count;
  return dialogue.heard <= max_dialogue_bytes ? size * count : 0;
}

int on_dialogue(CURL*, curl_infotype kind, char* data, std::size_t size, void* user) {
  Dialogue& dialogue = *static_cast<Dialogue*>(user);
  if (kind == CURLINFO_HEADER_OUT) dialogue.said({data, size});
  if (kind == CURLINFO_HEADER_IN) dialogue.answered({data, size});
  return 0;
}

curl_socket_t on_open_mail_socket(void* user, curlsocktype, curl_sockaddr* address) {
  const curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd != CURL_SOCKET_BAD) static_cast<Dialogue*>(user)->sockets.insert(fd);
  return fd;
}
int on_close_mail_socket(void* user, curl_socket_t fd) {
  static_cast<Dialogue*>(user)->sockets.erase(fd);
  return close(fd);
}

void set_server(Dialogue& dialogue) {
  CURL* const easy = dialogue.easy;
  const OutgoingMail& mail = dialogue.mail;
  const bool bare_ipv6 = mail.host.find(':') != std::string::npos && mail.host.front() != '[';
  const std::string host = bare_ipv6 ? "[" + mail.host + "]" : mail.host;
  const std::string url = (mail.security == MailSecurity::tls ? "smtps://" : "smtp://") + host + ":" +
                          std::to_string(mail.port) + "/" + mail.hello;
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // whatever the environment says
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(mail.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(mail.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_mail_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &dialogue);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_mail_socket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, &dialogue);
  if (!mail.username.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, mail.username.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, mail.password.c_str());
  }
}

void set_mail_tls(CURL* easy, const OutgoingMail& mail) {
  static const bool hashed = has_hashed_certificates(system_ca_directory);
  const bool in_the_clear = mail.security == MailSecurity::none;
  curl_easy_setopt(easy, CURLOPT_USE_SSL, static_cast<long>(in_the_clear ? CURLUSESSL_NONE : CURLUSESSL_ALL));
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, mail.insecure_skip_verify ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, mail.insecure_skip_verify ? 0L : 2L);
  if (!mail.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, mail.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  } else if (hashed) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
    curl_easy_setopt(easy, CURLOPT_CAPATH, system_ca_directory);
  }
  if (!mail.certificate_file.empty()) {
    const std::string& key = mail.key_file.empty() ? mail.certificate_file : mail.key_file;
    curl_easy_setopt(easy, CURLOPT_SSLCERT, mail.certificate_file.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, key.c_str());
    curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");  // or OpenSSL asks for a passphrase on the terminal, without end
  }
}

void set_mail(Dialogue& dialogue, curl_slist* recipients) {
  CURL* const easy = dialogue.easy;
  curl_easy_setopt(easy, CURLOPT_MAIL_FROM, ("<" + dialogue.mail.from + ">").c_str());
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients);
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(dialogue.mail.message.size()));
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, &dialogue);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_reply);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &dialogue);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_reply);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &dialogue);
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);  // goes to the callback, not to stderr
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_dialogue);
  curl_easy_setopt(easy, CURLOPT_DEBUGDATA, &dialogue);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, dialogue.message.data());
}

MailOutcome::Kind kind_of(CURLcode code, const Dialogue& dialogue) {
  using Kind = MailOutcome::Kind;
  switch (code) {
    case CURLE_OK: return Kind::taken;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT: return Kind::unreachable;
    case CURLE_OPERATION_TIMEDOUT: return Kind::timeout;
    case CURLE_LOGIN_DENIED: return Kind::not_authorised;
    case CURLE_URL_MALFORMAT: return Kind::bad_request;
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return Kind::tls;
    default: break;
  }
  if (dialogue.login_refused) return Kind::not_authorised;
  return dialogue.last_bad.code != 0 ? Kind::refused : Kind::broken;
}

MailOutcome outcome_of(CURLcode code, Dialogue& dialogue) {
  MailOutcome outcome;
  outcome.kind = kind_of(code, dialogue);
  outcome.reply = dialogue.last_bad;
  outcome.refusals = std::move(dialogue.refusals);
  if (outcome.kind == MailOutcome::Kind::taken) return outcome;
  const std::string place = dialogue.mail.host + ":" + std::to_string(dialogue.mail.port) + ": ";
  const char* reason = dialogue.message[0] != '\0' ? dialogue.message.data() : curl_easy_strerror(code);
  outcome.what = place + (outcome.reply.code != 0 ? outcome.reply.text : std::string(reason));
  if (code == CURLE_USE_SSL_FAILED) outcome.what = place + "the server does not offer STARTTLS";
  return outcome;
}

std::string problem_with(const OutgoingMail& mail) {
  if (mail.host.empty() || !is_plain(mail.host) || mail.host.find_first_of("/@?#") != std::string::npos) {
    return "the server's name is not a host name";
  }
  if (!is_plain(mail.hello) || mail.hello.find_first_of("/@?#%") != std::string::npos) {
    return "the name for EHLO is not a host name";
  }
  if (!is_mail_address(mail.from)) return "the sender's address is not a mail address";
  if (mail.to.empty()) return "there is no recipient";
  for (const auto& to : mail.to) {
    if (!is_mail_address(to)) return "a recipient's address is not a mail address";
  }
  return "";
}

MailOutcome failed(MailOutcome::Kind kind, std::string what) { return {kind, std::move(what), {}, {}}; }

}  // namespace

struct SmtpClient::State {
  CURLM* multi = nullptr;
  std::atomic<bool> interrupted = false;

  State() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    multi = curl_multi_init();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (multi != nullptr) curl_multi_cleanup(multi);
  }

  // libcurl holds the deadline; ours, two seconds later, is for the case that it does not.
  MailOutcome run(Dialogue& dialogue) {
    const auto give_up = std::chrono::steady_clock::now() + dialogue.mail.timeout + std::chrono::seconds(2);
    while (true) {
      if (interrupted) return failed(MailOutcome::Kind::interrupted, "interrupted before the mail was taken");
      int running = 0;
      curl_multi_perform(multi, &running);
      int left = 0;
      const CURLMsg* message = curl_multi_info_read(multi, &left);
      if (message != nullptr && message->msg == CURLMSG_DONE) return outcome_of(message->data.result, dialogue);
      if (std::chrono::steady_clock::now() >= give_up) return failed(MailOutcome::Kind::timeout, "no answer in time");
      curl_multi_poll(multi, nullptr, 0, longest_poll_ms, nullptr);
    }
  }
};

SmtpClient::SmtpClient() : state_(std::make_unique<State>()) {}
SmtpClient::~SmtpClient() = default;

MailOutcome SmtpClient::send(const OutgoingMail& mail) {
  if (std::string problem = problem_with(mail); !problem.empty()) {
    return failed(MailOutcome::Kind::bad_request, std::move(problem));
  }
  Dialogue dialogue{.mail = mail, .easy = state_->multi != nullptr ? curl_easy_init() : nullptr};
  if (dialogue.easy == nullptr) return failed(MailOutcome::Kind::broken, "libcurl could not be initialised");
  std::unique_ptr<curl_slist, FreeRecipients> recipients;
  for (const auto& to : mail.to) recipients.reset(curl_slist_append(recipients.release(), ("<" + to + ">").c_str()));
  set_server(dialogue);
  set_mail_tls(dialogue.easy, mail);
  set_mail(dialogue, recipients.get());
  curl_multi_add_handle(state_->multi, dialogue.easy);
  MailOutcome outcome = state_->run(dialogue);
  dialogue.hang_up();
  curl_multi_remove_handle(state_->multi, dialogue.easy);
  curl_easy_cleanup(dialogue.easy);
  return outcome;
}

void SmtpClient::interrupt() {
  state_->interrupted = true;
  if (state_->multi != nullptr) curl_multi_wakeup(state_->multi);
}

bool is_mail_address(const std::string& text) {
  const auto at = text.find('@');
  return at != std::string::npos && at > 0 && at + 1 < text.size() && text.find('@', at + 1) == std::string::npos &&
         text.size() <= 254 && is_plain(text) && text.find_first_of("<>()[]\\,;:\"") == std::string::npos;
}

}  // namespace sidewatch
