// How something is asked for over HTTP, for the collectors that do: who we say we are, whom we trust, and what way is
// taken. The keys are spelled as those of a webhook.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_client.h"
#include "config/section.h"

namespace sidewatch {

struct OutgoingBasicAuth {
  std::string username;
  config::Secret password;
};
void declare(config::Section& section, OutgoingBasicAuth& auth);

struct OutgoingTls {
  config::Located<std::string> ca_file;
  config::Located<std::string> cert_file;
  config::Located<std::string> key_file;
  std::string server_name;
  bool insecure_skip_verify = false;
};
void declare(config::Section& section, OutgoingTls& tls);

struct OutgoingAccess {
  std::map<std::string, config::Secret> headers;
  config::Secret bearer_token;
  std::optional<OutgoingBasicAuth> basic_auth;
  OutgoingTls tls;
  std::string unix_socket;
  bool allow_link_local = false;
  config::Located<std::string> proxy_url;
};

// Declares the keys among those of `section`, and reports what cannot be. `reserved`: headers that are not for people to
// set, in lower case.
void declare_access(config::Section& section, OutgoingAccess& access, const std::vector<std::string_view>& reserved = {});

// Reports a URL that cannot be asked for; absent then.
std::optional<UrlParts> check_url(config::Section& section, const config::Located<std::string>& url,
                                  const OutgoingAccess& access);

// How long an answer may take: what was given, else 5s; but a little less than the interval (0: not known), so that it is given
// up before the next is due.
Duration timeout_within(std::optional<Duration> given, Duration interval);

// Puts into the request what `access` says; secrets in files are read now. Where one cannot be read, its name is given
// back, as in "bearer_token", and the request must not be sent.
std::string add_access(OutgoingRequest& request, const OutgoingAccess& access);

// Tells two apart without giving anything away: for CollectorPlan::fingerprint.
std::string fingerprint_of(const OutgoingAccess& access);

// Why there was no answer, in words that stay the same while the trouble is the same: for people. `timeout` and
// `max_body_bytes` are what was granted.
std::string words_for(const HttpError& error, const OutgoingRequest& request);

// The body of an answer, unpacked when it is gzip. Error::what says why it cannot be had.
Result<std::string> body_of(OutgoingResponse&& response, std::size_t max_bytes);

}  // namespace sidewatch
