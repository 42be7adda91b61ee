// What is said and asked about the texts of HTTP without a library. See http_client.h.
#include <strings.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include "base/http_client.h"

namespace sidewatch {
namespace {

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || (c != 0 && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr);
  });
}

}  // namespace

std::string_view OutgoingResponse::header(std::string_view name) const {
  for (const auto& header : headers) {
    if (header.name.size() == name.size() && strncasecmp(header.name.data(), name.data(), name.size()) == 0) {
      return header.value;
    }
  }
  return {};
}

std::string_view to_string(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::bad_request: return "bad_request";
    case HttpFailure::interrupted: return "interrupted";
    case HttpFailure::timeout: return "timeout";
    case HttpFailure::resolve: return "resolve";
    case HttpFailure::connect: return "connect";
    case HttpFailure::address_refused: return "address_refused";
    case HttpFailure::tls: return "tls";
    case HttpFailure::too_large: return "too_large";
    case HttpFailure::network: return "network";
  }
  return "network";
}

std::string url_without_secrets(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return "(not a URL)";
  const std::size_t start = scheme + 3;
  std::string_view authority = url.substr(start, url.find_first_of("/?#\\", start) - start);
  const bool more = start + authority.size() < url.size();
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  return std::string(url.substr(0, start)) + std::string(authority) + (more ? "/..." : "");
}

bool has_control_bytes(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string problem_with(const OutgoingRequest& request) {
  if (!is_token(request.method)) return "the method is not a word";
  if (const auto url = parse_http_url(request.url); !url) return url.error().what;
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) return "a header name holds a character that is not allowed in one";
    if (has_control_bytes(value)) return "the value of header '" + name + "' holds a control character";
  }
  if (has_control_bytes(request.username) || has_control_bytes(request.password)) {
    return "user name or password hold a control character";
  }
  if (has_control_bytes(request.server_name) || request.server_name.find_first_of("/?#@: ") != std::string::npos) {
    return "the server name is not the name of a host";
  }
  return {};
}

bool header_is_safe(std::string_view name, std::string_view value) {
  return is_token(name) && !has_control_bytes(value);
}

}  // namespace sidewatch
