// A check that asks for a URL.
//
// Each run connects anew unless `keep_alive` says otherwise: only then do the phases (resolving, connecting, TLS) mean
// what a user who comes for the first time meets. Redirects are followed here, one request each, so that what holds for
// the first address holds for every one; to another host neither headers nor credentials of the configuration go.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collectors/probe/check.h"
#include "collectors/probe/expectations.h"
#include "collectors/probe/tls_keys.h"
#include "config/section.h"

namespace sidewatch::probe {

struct HttpCheckConfig {
  config::Located<std::string> url;
  std::string method = "GET";
  std::map<std::string, config::Secret> headers;
  config::Secret body;
  std::string username;
  config::Secret password;
  config::Secret bearer_token;
  bool follow_redirects = true;
  std::int64_t max_redirects = 10;
  config::Bytes max_body{1 << 20};
  bool keep_alive = false;
  OutgoingRequest::Family family = OutgoingRequest::Family::any;
  std::string unix_socket;
  std::string proxy_url;
  bool allow_link_local = false;
  TlsKeys tls;
  Expectations expect;
};
void declare(config::Section& section, HttpCheckConfig& config);
std::string fingerprint_of(const HttpCheckConfig& config);
std::string target_of(const HttpCheckConfig& config);

std::unique_ptr<Check> make_check(std::shared_ptr<const HttpCheckConfig> config);
std::vector<Metric> http_check_metrics();

}  // namespace sidewatch::probe
