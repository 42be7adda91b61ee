// Keeps web pages that the operator happens to visit from talking to the agent (DNS rebinding and forged requests).
//
// A browser is told by its own rules to say in Host which name it asked for and in Origin whose page asks. A page of
// evil.example that had its name resolved to 127.0.0.1 says `Host: evil.example`. So the name must be one we know:
//
//   - localhost, an IP address (rebinding needs a name), this machine's name, or one listed in `http.hosts`.
//   - Asked for: requests that change something (not GET and HEAD, nor the POST of a query); requests that reach a
//     loopback address (no honest client has another name for that); requests that look like a browser's (Origin,
//     Referer, Cookie, Sec-Fetch-*, or a Mozilla user agent). What remains, a program that reads over the network, may
//     use any name: Prometheus scrapes and Grafana asks whatever name the service has.
//   - Requests that change something and carry an Origin or a Referer must come from a page of ours (same host and
//     port), and what Sec-Fetch-Site says of them must be `same-origin` or `none` (somebody typed the address).
//   - Where a GET changes something, an image of any page could ask for it, without an Origin and, by the page's choice,
//     without a Referer; and browsers say Sec-Fetch-* to loopback addresses and https alone. So what looks like a browser
//     and has none of the three is refused. A POST has an Origin in every browser.
//   - Over a Unix socket nothing is asked: no browser gets there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/http/message.h"

namespace sidewatch {

class HttpAccess {
 public:
  explicit HttpAccess(std::vector<std::string> allowed_names) : names_(std::move(allowed_names)) {}

  // Empty when the request may pass, else one sentence for the client.
  std::string objection(const HttpRequest& request) const;

 private:
  bool knows(std::string_view host) const;
  std::vector<std::string> names_;
};

// The configured names and the machine's own.
std::vector<std::string> allowed_host_names(const std::vector<std::string>& configured);

}  // namespace sidewatch
