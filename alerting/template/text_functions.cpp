// Texts, addresses and links, as Prometheus defines them (template/template.go).

#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <locale.h>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <wctype.h>

#include "alerting/template/functions.h"
#include "base/regex.h"
#include "base/utf8.h"

namespace sidewatch {
namespace {

// --- upper and lower case, of all letters that Unicode knows ---

struct Unicode {
  locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  ~Unicode() {
    if (locale != nullptr) ::freelocale(locale);
  }
};

// Null where the system lacks it: then only ASCII letters have two cases.
locale_t unicode() {
  static const Unicode held;
  return held.locale;
}

// Takes the first character from `text`; a byte that begins none is taken alone, as it is.
std::pair<std::uint32_t, std::string_view> take_character(std::string_view& text) {
  const Utf8Character first = first_character(text);
  const auto bytes = text.substr(0, first.well_formed ? first.bytes : 1);
  text.remove_prefix(bytes.size());
  return {first.code, bytes};
}

std::uint32_t to_upper(std::uint32_t code) {
  if (code < 0x80) return code >= 'a' && code <= 'z' ? code - 'a' + 'A' : code;
  return unicode() == nullptr ? code : static_cast<std::uint32_t>(::towupper_l(static_cast<wint_t>(code), unicode()));
}

std::uint32_t to_lower(std::uint32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code - 'A' + 'a' : code;
  return unicode() == nullptr ? code : static_cast<std::uint32_t>(::towlower_l(static_cast<wint_t>(code), unicode()));
}

bool separates_words(std::uint32_t code) {
  if (code < 0x80) return !((code | 0x20U) >= 'a' && (code | 0x20U) <= 'z') && !(code >= '0' && code <= '9') && code != '_';
  return unicode() != nullptr && ::iswspace_l(static_cast<wint_t>(code), unicode()) != 0;
}

enum class Case { upper, lower, title };

template <Case Which>
TemplateValue in_case(const TemplateCall& call) {
  std::string_view rest = text_argument(call, 0);
  std::string out;
  bool word_begins = true;
  while (!rest.empty()) {
    const auto [code, bytes] = take_character(rest);
    const bool change = Which != Case::title || word_begins;
    word_begins = separates_words(code);
    const std::uint32_t changed = !change ? code : Which == Case::lower ? to_lower(code) : to_upper(code);
    if (changed == code) out += bytes;
    else append_utf8(out, changed);
  }
  return {out};
}

// --- regular expressions ---

Regex compiled(const std::string& pattern) {
  auto regex = Regex::compile(pattern);
  if (!regex) throw TemplateFailure{"error parsing regexp: " + regex.error().what};
  return std::move(*regex);
}

TemplateValue match(const TemplateCall& call) {
  return {compiled(text_argument(call, 0)).partial_match(text_argument(call, 1))};
}

TemplateValue replace_all(const TemplateCall& call) {
  const std::string& replacement = text_argument(call, 1);
  return {compiled(text_argument(call, 0)).replace_all(text_argument(call, 2), replacement, max_rendered_bytes)};
}

// --- addresses ---

struct HostPort {
  std::string host;
  std::string port;
};

// Go's net.SplitHostPort: "host:port", "[v6]:port"; absent when it is neither.
std::optional<HostPort> split(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::string host = address.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return std::nullopt;
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return std::nullopt;
  }
  if (host.find_first_of("[]") != std::string::npos) return std::nullopt;
  return HostPort{host, address.substr(colon + 1)};
}

bool is_ip(const std::string& host) {
  std::array<unsigned char, 16> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

TemplateValue strip_port(const TemplateCall& call) {
  const std::string& address = text_argument(call, 0);
  const auto parts = split(address);
  return {parts ? parts->host : address};
}

TemplateValue strip_domain(const TemplateCall& call) {
  const std::string& address = text_argument(call, 0);
  const auto parts = split(address).value_or(HostPort{address, ""});
  if (is_ip(parts.host)) return {address};
  const std::string host = parts.host.substr(0, parts.host.find('.'));
  return {parts.port.empty() ? host : host + ":" + parts.port};
}

// --- links ---

std::string external_url_of(const TemplateCall& call) {
  return call.data.scope == nullptr ? "" : call.data.scope->external_url;
}

TemplateValue external_url(const TemplateCall& call) { return {external_url_of(call)}; }

TemplateValue path_prefix(const TemplateCall& call) {
  const std::string url = external_url_of(call);
  const std::size_t scheme = url.find("://");
  const std::size_t path = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  return {path == std::string::npos ? "" : url.substr(path, url.find_first_of("?#", path) - path)};
}

template <char Tab>
TemplateValue link(const TemplateCall& call) {
  const TemplateValue& expression = call.arguments[0];
  (void)text_argument(call, 0);
  const TemplateValue escaped = find_template_function("urlquery")->call({{&expression, 1}, call.data, call.budget});
  return {"/graph?g0.expr=" + *escaped.as<std::string>() + "&g0.tab=" + Tab};
}

TemplateValue args(const TemplateCall& call) {
  auto named = std::make_shared<TemplateArguments>();
  for (std::size_t i = 0; i < call.arguments.size(); ++i) named->emplace("arg" + std::to_string(i), call.arguments[i]);
  return {std::shared_ptr<const TemplateArguments>(std::move(named))};
}

TemplateValue safe_html(const TemplateCall& call) { return {text_argument(call, 0)}; }

constexpr std::array<TemplateFunction, 13> functions = {{
    {"args", 0, any_arguments, args},
    {"externalURL", 0, 0, external_url},
    {"graphLink", 1, 1, link<'0'>},
    {"match", 2, 2, match},
    {"pathPrefix", 0, 0, path_prefix},
    {"reReplaceAll", 3, 3, replace_all},
    {"safeHtml", 1, 1, safe_html},
    {"stripDomain", 1, 1, strip_domain},
    {"stripPort", 1, 1, strip_port},
    {"tableLink", 1, 1, link<'1'>},
    {"title", 1, 1, in_case<Case::title>},
    {"toLower", 1, 1, in_case<Case::lower>},
    {"toUpper", 1, 1, in_case<Case::upper>},
}};

}  // namespace

std::span<const TemplateFunction> text_template_functions() { return functions; }

}  // namespace sidewatch
