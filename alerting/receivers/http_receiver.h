// What all receivers over HTTP have in common: how long an attempt may take, whom it trusts, which way it goes, what is
// kept secret. One of them gives the request for a delivery, and says what its service means by an answer where the
// status does not say it all (http_outcome.h).
//
// Every request carries `Idempotency-Key`, the delivery's id. A secret that cannot be read (its file is away) delays the
// delivery: nothing is sent without its credentials. What a request may cost is bounded by HttpClient. Texts about an
// attempt hold no secret: neither a URL's path nor a header nor a password, also where an answer quotes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "alerting/receivers/table.h"
#include "base/http_client.h"
#include "base/result.h"
#include "base/time.h"
#include "config/section.h"

namespace sidewatch {

struct HttpReceiverTls {
  config::Located<std::string> ca_file;
  config::Located<std::string> cert_file;
  config::Located<std::string> key_file;
  bool insecure_skip_verify = false;
};
void declare(config::Section& section, HttpReceiverTls& tls);

struct HttpReceiverSettings {
  Duration timeout = std::chrono::seconds(10);
  HttpReceiverTls tls;
  bool allow_link_local = false;
  config::Located<std::string> proxy_url;
};

// The keys timeout, tls, allow_link_local and proxy_url, beside those of the receiver's own.
void declare_http(config::Section& section, HttpReceiverSettings& settings);

// Of a receiver whose `url` people write: http or https, an address that machines keep no credentials at.
void check_receiver_url(config::Section& entry, const config::Located<std::string>& url, std::string_view key,
                        bool allow_link_local);

// Files that are no certificates, a proxy that is none.
void check_http(config::Section& entry, const HttpReceiverSettings& settings);

// What `check` and the log say of settings that are dangerous; empty: nothing.
std::string http_warning(const HttpReceiverSettings& settings);

// Tells configurations apart without giving anything away: keyed with what only this process knows.
class Fingerprint {
 public:
  explicit Fingerprint(std::string_view kind);
  Fingerprint& add(std::string_view part);
  Fingerprint& add(const config::Secret& secret) { return add(secret.reveal()); }
  Fingerprint& add(const HttpReceiverSettings& settings);
  std::string text() const;

 private:
  std::string all_;
};

// The text of a secret; an Error whose `what` is `key` when it is configured and cannot be read now.
Result<std::string> reveal(const config::Secret& secret, std::string_view key);

class HttpReceiver : public Receiver {
 public:
  HttpReceiver(HttpReceiverSettings settings, ReceiverContext context)
      : settings_(std::move(settings)), context_(std::move(context)) {}

  Attempt send(const Delivery& delivery) final;
  void interrupt() final { client_.interrupt(); }

 protected:
  // Method, URL, headers, body and credentials. Error::what is the key of a secret that cannot be read now.
  virtual Result<OutgoingRequest> request_for(const Delivery& delivery) = 0;

  // What the answer means; `usual` is what its status says.
  virtual Attempt judge_answer(const OutgoingResponse&, Attempt usual) const { return usual; }

  // What of the body is a secret: an answer and what `trace` shows go without it.
  virtual std::vector<std::string> secrets_in_body() const { return {}; }

  // What of the request is no secret besides what every request shows: header names, in small letters.
  virtual std::vector<std::string> public_headers() const { return {}; }

  WallTime wall() const;
  const ReceiverContext& context() const { return context_; }

 private:
  bool is_public(const std::string& header) const;
  std::vector<std::string> secrets_of(const OutgoingRequest& request) const;
  std::string shown(const OutgoingRequest& request) const;

  const HttpReceiverSettings settings_;
  const ReceiverContext context_;
  HttpClient client_;
};

}  // namespace sidewatch
