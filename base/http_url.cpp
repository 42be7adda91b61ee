// URLs taken apart, and put together anew: the seam of libcurl's URL parser, so that what is checked is what is asked
// for.
#include <curl/urlapi.h>

#include <cstdlib>
#include <memory>

#include "base/http_client.h"
#include "base/http_transfers.h"
#include "base/link_local.h"

namespace sidewatch {
namespace {

using Url = std::unique_ptr<CURLU, void (*)(CURLU*)>;

Url make_url() { return {curl_url(), curl_url_cleanup}; }

std::string part_of(const Url& url, CURLUPart which, unsigned flags) {
  char* text = nullptr;
  std::string copy;
  if (curl_url_get(url.get(), which, &text, flags) == CURLUE_OK) copy = text;
  curl_free(text);
  return copy;
}

}  // namespace

Result<UrlParts> parse_http_url(const std::string& url) {
  if (has_control_bytes(url) || url.find(' ') != std::string::npos) {
    return Error{"a URL cannot hold blanks or control characters", ""};
  }
  const Url parsed = make_url();
  const auto part = [&](CURLUPart which, unsigned flags) { return part_of(parsed, which, flags); };
  const auto set = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME);
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string::npos) return Error{"a URL starts with http:// or https:// here", ""};
  if (set == CURLUE_BAD_PORT_NUMBER) return Error{"the port of a URL is a number from 1 to 65535", ""};
  // curl takes the first part of the path of http:///path for the host.
  const bool no_host = scheme_end + 3 == url.size() || url[scheme_end + 3] == '/';
  if (set != CURLUE_OK || no_host) return Error{"not a URL, write https://host/path", ""};
  UrlParts parts;
  parts.scheme = part(CURLUPART_SCHEME, 0);
  if (parts.scheme != "http" && parts.scheme != "https") {
    return Error{"a URL starts with http:// or https:// here", ""};
  }
  parts.host = part(CURLUPART_HOST, 0);
  if (parts.host.size() > 2 && parts.host.front() == '[') parts.host = parts.host.substr(1, parts.host.size() - 2);
  parts.port = std::atoi(part(CURLUPART_PORT, CURLU_DEFAULT_PORT).c_str());
  parts.has_credentials = !part(CURLUPART_USER, 0).empty() || !part(CURLUPART_PASSWORD, 0).empty();
  parts.link_local = is_link_local_address(parts.host);
  return parts;
}

Result<std::string> resolve_url(const std::string& base, const std::string& reference) {
  const Url parsed = make_url();
  if (has_control_bytes(reference) || curl_url_set(parsed.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK ||
      curl_url_set(parsed.get(), CURLUPART_URL, reference.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    return Error{"the answer leads to something that is not a URL", ""};
  }
  return part_of(parsed, CURLUPART_URL, 0);
}

std::string url_with_host(const std::string& url, const std::string& host) {
  const Url parsed = make_url();
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return url;
  if (curl_url_set(parsed.get(), CURLUPART_HOST, host.c_str(), 0) != CURLUE_OK) return url;
  return part_of(parsed, CURLUPART_URL, 0);
}

}  // namespace sidewatch
