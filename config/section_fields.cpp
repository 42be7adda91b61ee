// The scalar fields of a section: one small table says for each type how it is parsed, written and named in errors, and
// the overloads that section.h lists all go through the same few lines.
#include <algorithm>

#include "config/literals.h"
#include "config/section.h"
#include "config/section_impl.h"
#include "config/wording.h"

namespace sidewatch::config {
namespace {

using Type = Field::Type;

template <class T>
struct Literal;

// Numbers and booleans are not texts: quotes around them are a mistake, except where they hold a ${...}.
template <class T>
Result<T> unquoted(const Scalar& scalar, Result<T> parsed, const char* expected) {
  if (!parsed || scalar.plain || scalar.expanded) return parsed;
  return Error{"expected " + std::string(expected) + " without quotes, write " + scalar.text, ""};
}

template <>
struct Literal<Duration> {
  static constexpr auto type = Type::duration;
  static constexpr auto expected = "a duration like 30s";
  static Result<Duration> parse(const Scalar& scalar, const std::optional<Between<Duration>>&) {
    return parse_duration(scalar.text);
  }
  static std::string write(Duration value) { return write_duration(value); }
};

template <>
struct Literal<std::int64_t> {
  static constexpr auto type = Type::integer;
  static constexpr auto expected = "a whole number";
  static Result<std::int64_t> parse(const Scalar& scalar, const std::optional<Between<std::int64_t>>&) {
    return unquoted(scalar, parse_integer(scalar.text), expected);
  }
  static std::string write(std::int64_t value) { return std::to_string(value); }
};

template <>
struct Literal<double> {
  static constexpr auto type = Type::number;
  static constexpr auto expected = "a number";
  static Result<double> parse(const Scalar& scalar, const std::optional<Between<double>>& range) {
    const std::string& text = scalar.text;
    if (text.ends_with('%')) {
      const bool fits = !range || (range->low >= 0 && range->high <= 100);
      return fits ? parse_percent(text) : Error{quote(text) + ": a percentage has no meaning here, write a number", ""};
    }
    const bool starts_with_digit = !text.empty() && text[0] >= '0' && text[0] <= '9';
    if (starts_with_digit && (text.back() == 'B' || text.back() == 'b')) {
      const auto size = parse_size(text);
      if (!size) return size.error();
      return static_cast<double>(size->count);
    }
    return unquoted(scalar, parse_number(text), expected);
  }
  static std::string write(double value) { return write_number(value); }
};

template <>
struct Literal<Bytes> {
  static constexpr auto type = Type::size;
  static constexpr auto expected = "a size like 512MiB";
  static Result<Bytes> parse(const Scalar& scalar, const std::optional<Between<Bytes>>&) {
    return parse_size(scalar.text);
  }
  static std::string write(Bytes value) { return write_size(value); }
};

// Reads `field` into `out` and says whether there was a value.
template <class T>
bool read(Section::Impl& impl, Field field, T& out, const std::optional<Between<T>>& range) {
  using L = Literal<T>;
  field.type = L::type;
  if (range) {
    field.low = L::write(range->low);
    field.high = L::write(range->high);
    if (out < range->low || range->high < out) field.fallback.clear();  // stands for: none
  }
  const Node* node = impl.find(field);
  if (!node) return false;
  const auto scalar = impl.scalar(*node, L::expected);
  if (!scalar) return false;
  const auto value = L::parse(*scalar, range);
  if (!value) {
    impl.report_bad_value(*scalar, value.error().what, L::expected);
    return false;
  }
  if (range && (*value < range->low || range->high < *value)) {
    const std::string must = quote(field.key) + " must be between " + field.low + " and " + field.high;
    impl.context->report(scalar->at, must + (scalar->expanded ? "; " + quote(scalar->written) + " is not"
                                                              : ", is " + L::write(*value)));
    return false;
  }
  out = *value;
  return true;
}

Field field(std::string_view key, std::string_view help) {
  return {.key = std::string(key), .help = std::string(help)};
}
Field required_field(std::string_view key, std::string_view help) {
  return {.key = std::string(key), .required = true, .help = std::string(help)};
}
Field field_with(std::string_view key, std::string_view help, std::string fallback) {
  return {.key = std::string(key), .help = std::string(help), .fallback = std::move(fallback)};
}

template <class T>
void read_optional(Section::Impl& impl, std::string_view key, std::optional<T>& out, std::string_view help,
                   const std::optional<Between<T>>& range) {
  T value{};
  if (read(impl, field_with(key, help, out ? Literal<T>::write(*out) : ""), value, range)) out = value;
}

// --- texts, secrets, patterns: read from a node, so that they serve lists and maps too ---

bool read_node(const Section::Impl& impl, const Node& node, std::string& out) {
  auto scalar = impl.scalar(node, "a text");
  if (scalar) out = std::move(scalar->text);
  return scalar.has_value();
}

bool read_node(const Section::Impl& impl, const Node& node, Located<std::string>& out) {
  auto scalar = impl.scalar(node, "a text");
  if (scalar) out = {std::move(scalar->text), scalar->text_mark, scalar->expanded, std::move(scalar->places)};
  return scalar.has_value();
}

bool read_node(const Section::Impl& impl, const Node& node, Secret& out) {
  impl.context->secrets.insert(node.text);
  auto scalar = impl.scalar(node, "a text");
  if (!scalar) return false;
  if (scalar->only_file && scalar->text.empty()) {
    impl.context->report(scalar->at, quote(scalar->written) + ": the file is empty");
    return false;
  }
  out = scalar->only_file ? Secret::of_file(*scalar->only_file) : Secret::of_text(std::move(scalar->text));
  return true;
}

bool read_node(const Section::Impl& impl, const Node& node, Regex& out) {
  const auto scalar = impl.scalar(node, "a regular expression");
  if (!scalar) return false;
  auto compiled = Regex::compile(scalar->text);
  if (!compiled) {
    impl.report_bad_value(*scalar, "not a regular expression: " + compiled.error().what, "a regular expression");
    return false;
  }
  out = std::move(*compiled);
  return true;
}

template <class T>
bool read_text(Section::Impl& impl, Field field, Type type, T& out) {
  field.type = type;
  const Node* node = impl.find(std::move(field));
  return node && read_node(impl, *node, out);
}

template <class T>
void read_list(Section::Impl& impl, Field field, std::vector<T>& out) {
  field.type = Type::texts;
  const Node* node = impl.find(std::move(field));
  if (!node) return;
  if (node->kind == Node::Kind::mapping) return impl.report_wrong_kind(*node, "a list of texts");
  std::vector<T> values;
  const auto append = [&](const Node& item) {
    T value{};
    const bool good = read_node(impl, item, value);
    if (good || std::is_same_v<T, Regex>) values.push_back(std::move(value));
  };
  if (node->kind == Node::Kind::scalar) append(*node);
  for (const auto& item : node->items) append(*item);
  out = std::move(values);
}

template <class T>
void read_map(Section::Impl& impl, Field field, Type type, std::map<std::string, T>& out) {
  field.type = type;
  const Node* node = impl.find(std::move(field));
  if (!node) return;
  if (node->kind != Node::Kind::mapping) {
    return impl.report_wrong_kind(*node, "a section of texts (lines of 'name: text')");
  }
  std::map<std::string, T> values;
  for (const auto& entry : node->entries) {
    T value{};
    if (read_node(impl, *entry.value, value)) values.emplace(entry.key, std::move(value));
  }
  out = std::move(values);
}

// How a list or a map of texts would be written.
std::string write_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const auto& text : texts) list += (list.empty() ? "" : ", ") + text;
  return texts.empty() ? "" : "[" + list + "]";
}
std::string write_map(const std::map<std::string, std::string>& texts) {
  std::string map;
  for (const auto& [key, text] : texts) map += (map.empty() ? "" : ", ") + key + ": " + text;
  return texts.empty() ? "" : "{" + map + "}";
}

}  // namespace

void Section::required(std::string_view key, std::string& out, std::string_view help) {
  read_text(*impl_, required_field(key, help), Type::text, out);
}
void Section::required(std::string_view key, Duration& out, std::string_view help, DurationRange range) {
  read(*impl_, required_field(key, help), out, range);
}
void Section::required(std::string_view key, std::int64_t& out, std::string_view help, IntegerRange range) {
  read(*impl_, required_field(key, help), out, range);
}
void Section::required(std::string_view key, double& out, std::string_view help, NumberRange range) {
  read(*impl_, required_field(key, help), out, range);
}
void Section::required(std::string_view key, Located<std::string>& out, std::string_view help) {
  read_text(*impl_, required_field(key, help), Type::text, out);
}
void Section::required(std::string_view key, Bytes& out, std::string_view help, BytesRange range) {
  read(*impl_, required_field(key, help), out, range);
}
void Section::required(std::string_view key, Secret& out, std::string_view help) {
  read_text(*impl_, required_field(key, help), Type::secret, out);
}
void Section::required(std::string_view key, Regex& out, std::string_view help) {
  read_text(*impl_, required_field(key, help), Type::pattern, out);
}
void Section::required(std::string_view key, std::vector<std::string>& out, std::string_view help) {
  read_list(*impl_, required_field(key, help), out);
}

void Section::optional(std::string_view key, std::string& out, std::string_view help) {
  read_text(*impl_, field_with(key, help, out), Type::text, out);
}
void Section::optional(std::string_view key, bool& out, std::string_view help) {
  constexpr auto expected = "true or false";
  Field described = field_with(key, help, out ? "true" : "false");
  described.type = Type::boolean;
  const Node* node = impl_->find(std::move(described));
  if (!node) return;
  const auto scalar = impl_->scalar(*node, expected);
  if (!scalar) return;
  const auto value = unquoted(*scalar, parse_boolean(scalar->text), expected);
  if (value) {
    out = *value;
  } else {
    impl_->report_bad_value(*scalar, value.error().what, expected);
  }
}
void Section::optional(std::string_view key, Duration& out, std::string_view help, DurationRange range) {
  read(*impl_, field_with(key, help, write_duration(out)), out, range);
}
void Section::optional(std::string_view key, std::optional<Duration>& out, std::string_view help, DurationRange range) {
  read_optional(*impl_, key, out, help, range);
}
void Section::optional(std::string_view key, std::int64_t& out, std::string_view help, IntegerRange range) {
  read(*impl_, field_with(key, help, std::to_string(out)), out, range);
}
void Section::optional(std::string_view key, std::optional<std::int64_t>& out, std::string_view help,
                       IntegerRange range) {
  read_optional(*impl_, key, out, help, range);
}
void Section::optional(std::string_view key, double& out, std::string_view help, NumberRange range) {
  read(*impl_, field_with(key, help, write_number(out)), out, range);
}
void Section::optional(std::string_view key, std::optional<double>& out, std::string_view help, NumberRange range) {
  read_optional(*impl_, key, out, help, range);
}
void Section::optional(std::string_view key, Bytes& out, std::string_view help, BytesRange range) {
  read(*impl_, field_with(key, help, write_size(out)), out, range);
}
void Section::optional(std::string_view key, Secret& out, std::string_view help) {
  read_text(*impl_, field(key, help), Type::secret, out);
}
void Section::optional(std::string_view key, Located<std::string>& out, std::string_view help) {
  read_text(*impl_, field_with(key, help, out.value), Type::text, out);
}
void Section::optional(std::string_view key, std::optional<Located<std::string>>& out, std::string_view help) {
  Located<std::string> value;
  if (read_text(*impl_, field_with(key, help, out ? out->value : ""), Type::text, value)) out = std::move(value);
}
void Section::optional(std::string_view key, Regex& out, std::string_view help) {
  read_text(*impl_, field_with(key, help, out.pattern()), Type::pattern, out);
}

void Section::optional(std::string_view key, std::vector<std::string>& out, std::string_view help) {
  read_list(*impl_, field_with(key, help, write_list(out)), out);
}
void Section::optional(std::string_view key, std::vector<Located<std::string>>& out, std::string_view help) {
  std::vector<std::string> fallback;
  for (const auto& text : out) fallback.push_back(text.value);
  read_list(*impl_, field_with(key, help, write_list(fallback)), out);
}
void Section::optional(std::string_view key, std::vector<Regex>& out, std::string_view help) {
  std::vector<std::string> fallback;
  for (const auto& regex : out) fallback.push_back(regex.pattern());
  read_list(*impl_, field_with(key, help, write_list(fallback)), out);
}
void Section::optional(std::string_view key, std::map<std::string, std::string>& out, std::string_view help) {
  read_map(*impl_, field_with(key, help, write_map(out)), Type::text_map, out);
}
void Section::optional(std::string_view key, std::map<std::string, Secret>& out, std::string_view help) {
  read_map(*impl_, field(key, help), Type::secret_map, out);
}
void Section::optional(std::string_view key, std::map<std::string, Located<std::string>>& out, std::string_view help) {
  read_map(*impl_, field(key, help), Type::text_map, out);
}

std::optional<std::size_t> Section::choose(std::string_view key, const std::vector<std::string_view>& words,
                                           std::size_t fallback, std::string_view help) {
  Field described = field_with(key, help, std::string(words[fallback]));
  described.type = Type::choice;
  described.words.assign(words.begin(), words.end());
  const std::string expected = "one of " + list_of(words);
  const Node* node = impl_->find(std::move(described));
  if (!node) return std::nullopt;
  const auto scalar = impl_->scalar(*node, expected);
  if (!scalar) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), scalar->text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  std::string why = quote(scalar->text) + " is not " + expected;
  if (const auto meant = nearest(scalar->text, words)) why += ", did you mean " + quote(*meant) + "?";
  impl_->report_bad_value(*scalar, std::move(why), expected);
  return std::nullopt;
}

}  // namespace sidewatch::config
