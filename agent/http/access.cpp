#include "agent/http/access.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>

namespace sidewatch {
namespace {

// "name:80" -> "name", "[::1]:80" -> "::1"
std::string host_name(std::string_view host) {
  if (!host.empty() && host.front() == '[') {
    const std::size_t end = host.find(']');
    return std::string(host.substr(1, end == std::string_view::npos ? end : end - 1));
  }
  return std::string(host.substr(0, host.find(':')));
}

bool is_address(const std::string& name) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, name.c_str(), bytes) == 1 || inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

bool looks_like_browser(const HttpRequest& request) {
  for (const char* name : {"Origin", "Referer", "Cookie", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"}) {
    if (request.has_header(name)) return true;
  }
  return request.header("User-Agent").find("Mozilla/") != std::string::npos;
}

// The host:port of "http://host:port/path", empty for "null" and whatever else.
std::string_view url_host(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  return url.substr(0, url.find('/'));
}

// What tells of another page than one at `host`; empty when nothing does.
std::string foreign_page(const HttpRequest& request, std::string_view host) {
  for (const char* name : {"Origin", "Referer"}) {
    if (request.has_header(name) && !same_ignoring_case(url_host(request.header(name)), host)) {
      return "requests from pages of another origin are not allowed";
    }
  }
  const std::string site = request.header("Sec-Fetch-Site");
  const bool is_ours = same_ignoring_case(site, "same-origin") || same_ignoring_case(site, "none");
  if (request.has_header("Sec-Fetch-Site") && !is_ours) return "requests from pages of another site are not allowed";
  return {};
}

// A browser that does not say whose page asks: it need not for an image, and older ones never do.
bool hides_its_page(const HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") return false;
  for (const char* name : {"Origin", "Referer", "Sec-Fetch-Site"}) {
    if (request.has_header(name)) return false;
  }
  return looks_like_browser(request);
}

}  // namespace

std::string HttpAccess::objection(const HttpRequest& request) const {
  if (request.peer.is_unix) return {};
  const std::string host = request.header("Host");
  const bool must_know = !request.reads_only || request.peer.reached_loopback || looks_like_browser(request);
  // Without a Host (HTTP/1.0) it is no browser.
  if (must_know && request.has_header("Host") && !knows(host)) {
    return "this agent does not go by the name in your Host header; if it should, add the name to http.hosts";
  }
  if (request.reads_only) return {};
  if (auto why = foreign_page(request, host); !why.empty()) return why;
  if (hides_its_page(request)) {
    return "a browser may not ask for this with GET; a program that calls itself Mozilla may send it by POST";
  }
  return {};
}

bool HttpAccess::knows(std::string_view host) const {
  std::string name = host_name(host);
  if (!name.empty() && name.back() == '.') name.pop_back();
  if (same_ignoring_case(name, "localhost") || is_address(name)) return true;
  return std::any_of(names_.begin(), names_.end(), [&](const auto& known) { return same_ignoring_case(known, name); });
}

std::vector<std::string> allowed_host_names(const std::vector<std::string>& configured) {
  std::vector<std::string> names = configured;
  char own[256] = {};
  if (gethostname(own, sizeof own - 1) == 0 && own[0] != '\0') names.emplace_back(own);
  return names;
}

}  // namespace sidewatch
