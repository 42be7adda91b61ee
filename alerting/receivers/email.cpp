#include "alerting/receivers/email.h"

#include <algorithm>
#include <set>
#include <utility>

#include "alerting/message_text.h"
#include "alerting/receivers/host_name.h"
#include "alerting/receivers/http_receiver.h"
#include "alerting/receivers/mail_message.h"
#include "base/smtp_client.h"
#include "base/utf8.h"

namespace sidewatch {

using namespace std::chrono_literals;

struct EmailConfig {
  config::Located<std::string> host;
  std::optional<std::int64_t> port;
  MailSecurity security = MailSecurity::starttls;
  std::string username;
  config::Secret password;
  config::Located<std::string> from;
  std::vector<config::Located<std::string>> to;
  std::string hello;
  Duration timeout = 30s;
  HttpReceiverTls tls;
  MessageTemplates templates;
};

void declare(config::Section& s, EmailConfig& c) {
  s.required("host", c.host, "mail server that takes mails for sending, such as smtp.example.org");
  s.optional("port", c.port, "its port (default: 587, with security tls 465, with none 25)", config::between(1, 65535));
  s.choice("security", c.security,
           {{"starttls", MailSecurity::starttls}, {"tls", MailSecurity::tls}, {"none", MailSecurity::none}},
           "starttls: encrypted after a greeting, and required; tls: from the first byte; none: in the clear");
  s.optional("username", c.username, "to log in with, where the server wants it");
  s.optional("password", c.password, "its password");
  s.required("from", c.from, "sender: alerts@example.org, or \"sidewatch <alerts@example.org>\"");
  s.optional("to", c.to, "who gets it: an address, or a list");
  s.optional("hello", c.hello, "how the agent calls itself in EHLO (default: the name of this machine)");
  s.optional("timeout", c.timeout, "how long one attempt may take; then it is tried again later",
             config::between(1s, 120s));
  s.section("tls", c.tls, "whom to trust, and who we are");
  declare_message_templates(s, c.templates);
}

namespace {

constexpr std::size_t max_recipients = 100;
constexpr std::size_t max_remembered = 100;  // deliveries that some recipients have and others do not
constexpr Duration slow_retry = 5min;  // for what only a person can mend

struct MailSender {
  std::string name;
  std::string address;
};

// "sidewatch <alerts@example.org>", or the address alone.
MailSender read_sender(const std::string& text) {
  const auto open = text.find('<');
  if (open == std::string::npos || text.back() != '>') return {"", text};
  std::string name = text.substr(0, open);
  while (!name.empty() && (name.back() == ' ' || name.back() == '"')) name.pop_back();
  while (!name.empty() && (name.front() == ' ' || name.front() == '"')) name.erase(0, 1);
  return {name, text.substr(open + 1, text.size() - open - 2)};
}

int default_port(MailSecurity security) {
  switch (security) {
    case MailSecurity::starttls: return 587;
    case MailSecurity::tls: return 465;
    case MailSecurity::none: return 25;
  }
  return 587;
}

std::string name_for_hello(const EmailConfig& c) {
  std::string name = c.hello.empty() ? host_name() : c.hello;
  std::erase_if(name, [](char letter) {
    return !((letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
             letter == '-' || letter == '.');
  });
  return name.empty() ? "sidewatch" : name;
}

std::string one_line(std::string text) {
  for (char& c : text) c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return text;
}

class Email final : public Receiver {
 public:
  Email(EmailConfig config, ReceiverContext context) : config_(std::move(config)), context_(std::move(context)) {}

  Attempt send(const Delivery& delivery) override;
  void interrupt() override { client_.interrupt(); }

 private:
  OutgoingMail mail_for(const Delivery& delivery, const std::string& password) const;
  Attempt judge_taken(const Delivery& delivery, const MailOutcome& outcome, const OutgoingMail& mail);
  Attempt judge_refused(const Delivery& delivery, const MailOutcome& outcome, const OutgoingMail& mail);
  void log_refusal(const MailRefusal& refusal) const;

  const EmailConfig config_;
  const ReceiverContext context_;
  SmtpClient client_;
  std::map<std::string, std::set<std::string>> have_it_;  // delivery -> recipients, while others are waited for
};

OutgoingMail Email::mail_for(const Delivery& delivery, const std::string& password) const {
  OutgoingMail mail;
  mail.host = config_.host.value;
  mail.port = static_cast<int>(config_.port.value_or(default_port(config_.security)));
  mail.security = config_.security;
  mail.hello = name_for_hello(config_);
  mail.username = config_.username;
  mail.password = password;
  mail.ca_file = config_.tls.ca_file.value;
  mail.certificate_file = config_.tls.cert_file.value;
  mail.key_file = config_.tls.key_file.value;
  mail.insecure_skip_verify = config_.tls.insecure_skip_verify;
  mail.timeout = config_.timeout;
  const MailSender sender = read_sender(config_.from.value);
  mail.from = sender.address;
  MailEnvelope envelope{sender.name, sender.address, {}, delivery.first().created_at};
  const auto known = have_it_.find(delivery.id);
  for (const auto& to : config_.to) {
    envelope.to.push_back(to.value);
    if (known == have_it_.end() || !known->second.contains(to.value)) mail.to.push_back(to.value);
  }
  mail.message = mail_message(delivery, text_of(delivery, config_.templates, context_.origin()), envelope);
  return mail;
}

Attempt Email::send(const Delivery& delivery) {
  const auto password = reveal(config_.password, "password");
  if (!password) return RetryLater{"password cannot be read now", std::nullopt, true, false};
  const OutgoingMail mail = mail_for(delivery, *password);
  const MailOutcome outcome = client_.send(mail);
  const bool taken = outcome.kind == MailOutcome::Kind::taken;
  Attempt attempt = taken ? judge_taken(delivery, outcome, mail) : judge_refused(delivery, outcome, mail);
  if (context_.trace) {
    const std::string answer =
        taken && outcome.reply.code == 0 ? "taken by the server" : outcome.what + outcome.reply.text;
    context_.trace("SMTP " + mail.host + ":" + std::to_string(mail.port) + "\n\n" + mail.message, one_line(answer));
  }
  return attempt;
}

Attempt Email::judge_taken(const Delivery& delivery, const MailOutcome& outcome, const OutgoingMail& mail) {
  const MailRefusal* come_back = nullptr;
  std::set<std::string> missing;
  for (const MailRefusal& refusal : outcome.refusals) {
    if (refusal.reply.code < 500) {
      come_back = &refusal;
      missing.insert(refusal.recipient);
    } else {
      log_refusal(refusal);
    }
  }
  if (come_back == nullptr) {
    have_it_.erase(delivery.id);
    return Delivered{};
  }
  if (have_it_.size() >= max_remembered && !have_it_.contains(delivery.id)) have_it_.erase(have_it_.begin());
  for (const auto& to : mail.to) {
    if (!missing.contains(to)) have_it_[delivery.id].insert(to);
  }
  return RetryLater{one_line("not yet taken for " + come_back->recipient + ": " + come_back->reply.text), std::nullopt,
                    false, false};
}

Attempt Email::judge_refused(const Delivery& delivery, const MailOutcome& outcome, const OutgoingMail& mail) {
  using Kind = MailOutcome::Kind;
  const std::string why = one_line(mend_utf8(outcome.what));
  // Where somebody was to get it, it is the mail itself that was refused.
  const bool nobody_takes_it = outcome.refusals.size() >= mail.to.size();
  const bool any_may_come_back = nobody_takes_it &&
                                 std::any_of(outcome.refusals.begin(), outcome.refusals.end(),
                                             [](const MailRefusal& refusal) { return refusal.reply.code < 500; });
  switch (outcome.kind) {
    case Kind::taken: return Delivered{};
    case Kind::not_authorised:
    case Kind::bad_request: return RetryLater{why, slow_retry, true, true};
    case Kind::tls:
    case Kind::unreachable: return RetryLater{why, std::nullopt, true, false};
    case Kind::refused: break;
    case Kind::timeout:
    case Kind::interrupted:
    case Kind::broken: return RetryLater{why, std::nullopt, false, false};
  }
  const int code = outcome.reply.code;
  if (code == 530 || code == 535 || code == 538) return RetryLater{why, slow_retry, true, true};  // log in first
  if (code < 500 || any_may_come_back) return RetryLater{why, std::nullopt, code == 421, false};
  const bool others_have_it = have_it_.erase(delivery.id) > 0;
  if (!others_have_it || !nobody_takes_it) return Rejected{why};
  for (const MailRefusal& refusal : outcome.refusals) log_refusal(refusal);
  return Delivered{};
}

void Email::log_refusal(const MailRefusal& refusal) const {
  if (!context_.log) return;
  context_.log(Level::warning, one_line("email: " + config_.host.value + " takes nothing for " + refusal.recipient +
                                        ": " + mend_utf8(refusal.reply.text)));
}

void check(config::Section& entry, const EmailConfig& c) {
  HttpReceiverSettings files;
  files.tls = c.tls;
  check_http(entry, files);
  const bool host_ok = std::all_of(c.host.value.begin(), c.host.value.end(), [](char letter) {
    return static_cast<unsigned char>(letter) > 0x20 && letter != '/' && letter != '@' && letter != '?' &&
           letter != '#';
  });
  const bool has_port = std::count(c.host.value.begin(), c.host.value.end(), ':') == 1;  // two: an address of IPv6
  if (!host_ok || has_port || c.host.value.find("://") != std::string::npos) {
    entry.problem(c.host.mark,
                  "host is a name or an address alone, such as smtp.example.org; port is a key of its own");
  }
  if (!c.from.mark.file.empty() && !is_mail_address(read_sender(c.from.value).address)) {
    entry.problem(c.from.mark,
                  "from is not a mail address: write alerts@example.org or \"sidewatch <alerts@example.org>\"");
  }
  if (c.to.empty()) entry.problem("email", "'to' is missing in receivers.email: who gets the mails");
  if (c.to.size() > max_recipients) entry.problem("email", "to has more than 100 addresses: use a mailing list");
  for (const auto& to : c.to) {
    if (!is_mail_address(to.value))
      entry.problem(to.mark, "to is not a mail address: write it alone, as oncall@example.org");
  }
  if (c.username.empty() != c.password.empty()) {
    entry.problem("email", c.username.empty() ? "has a password without username" : "has a username without password");
  }
}

std::string warning_of(const EmailConfig& c) {
  HttpReceiverSettings trust;
  trust.tls = c.tls;
  if (c.security == MailSecurity::none && !c.username.empty()) {
    return "security is none: the password travels in the clear";
  }
  if (c.security == MailSecurity::starttls && c.port == 465) {
    return "on port 465 servers expect `security: tls`: with starttls they wait for one another, and nothing is sent";
  }
  if (c.security == MailSecurity::tls && (c.port == 587 || c.port == 25)) {
    return "on port " + std::to_string(*c.port) + " servers greet first: leave `security: tls` out, or nothing is sent";
  }
  return http_warning(trust);
}

std::string fingerprint_of(const EmailConfig& c) {
  HttpReceiverSettings common;
  common.timeout = c.timeout;
  common.tls = c.tls;
  Fingerprint print("email");
  print.add(c.host.value).add(std::to_string(c.port.value_or(0))).add(std::to_string(static_cast<int>(c.security)));
  print.add(c.username).add(c.password).add(c.from.value).add(c.hello).add(common);
  print.add(c.templates.title.text()).add(c.templates.text.text());
  for (const auto& to : c.to) print.add(to.value);
  return print.text();
}

}  // namespace

std::optional<ReceiverPlan> configure_email(config::Section& entry, const ReceiverContext& context, EntryUse use) {
  std::optional<EmailConfig> config;
  entry.section("email", config, "sends each message as a mail, over SMTP");
  if (!config) return std::nullopt;
  if (use == EntryUse::used) check(entry, *config);
  ReceiverPlan plan;
  plan.description = "email over " + config->host.value + " to " + std::to_string(config->to.size()) +
                     (config->to.size() == 1 ? " address" : " addresses");
  plan.takes_groups = true;
  plan.warning = warning_of(*config);
  plan.fingerprint = fingerprint_of(*config);
  plan.make = [config = *config, context] { return std::make_unique<Email>(config, context); };
  return plan;
}

}  // namespace sidewatch
