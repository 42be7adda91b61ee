// The strict reader of one YAML mapping.
//
// A component declares its fields once, in a function found by argument-dependent lookup:
//
//     struct ProbeConfig { std::string url; Duration timeout = 5s; };
//     void declare(config::Section& s, ProbeConfig& c) {
//       s.required("url", c.url, "what is asked for");
//       s.optional("timeout", c.timeout, "how long an answer may take", config::between(100ms, 60s));
//     }
//
// and gets from that one declaration: parsing, errors with file:line:column (wrong type, out of range, missing key,
// unknown key with a suggestion, duplicate key), ${ENV} and ${file:...} expansion, the reference documentation and the
// JSON Schema. The value that the member has before is the default. Nothing throws; problems are collected.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/regex.h"
#include "base/time.h"
#include "config/problem.h"
#include "config/text_places.h"

namespace sidewatch::config {

// A value together with where it was written, for what is checked later (expressions, templates, references).
// `mark` is the place of the first character of the value's text (behind an opening quote, on the first line of a
// block), so that an error inside it can be pointed at. `expanded`: the text came (in part) out of ${...}, so offsets
// into it say nothing about the file and it must not be quoted in an error.
template <class T>
struct Located {
  T value{};
  Mark mark;
  bool expanded = false;
  TextPlaces places = {};  // of the characters of a text
};

// The place in the file of `line`:`column` (1-based, in characters) of the text; of its beginning when it is expanded.
Mark place_in(const Located<std::string>& text, int line, int column);

struct Bytes {
  std::uint64_t count = 0;
  auto operator<=>(const Bytes&) const = default;
};

// A text that must not be seen: it does not print, compare as text or end up in an error. `reveal` only where it is
// sent. When the whole value is one ${file:...} the file is read again at each use, so a rotated secret is picked up
// without a reload; inside a longer text ("Bearer ${file:...}") it is read once, at load.
class Secret {
 public:
  Secret() = default;
  static Secret of_text(std::string text);
  static Secret of_file(std::string path);  // the file's content less one trailing newline, read again at each use
  bool empty() const;
  std::string reveal() const;  // empty when the file cannot be read now
 private:
  std::string text_;
  std::string path_;
};

// A closed range for a number, duration or size; also shown in the documentation. between(1, 65535), between(0.0, 1.0),
// between(100ms, 60s), between(Bytes{1}, Bytes{4096}).
template <class T>
struct Between {
  T low;
  T high;

  template <class U>
    requires std::convertible_to<T, U>
  operator Between<U>() const { return {static_cast<U>(low), static_cast<U>(high)}; }
};
template <class T>
Between<T> between(T low, T high) { return {low, high}; }
inline Between<Duration> between(Duration low, Duration high) { return {low, high}; }

class Section {
 public:
  using DurationRange = std::optional<Between<Duration>>;
  using IntegerRange = std::optional<Between<std::int64_t>>;
  using NumberRange = std::optional<Between<double>>;
  using BytesRange = std::optional<Between<Bytes>>;

  // Scalars. `required` reports a missing key; `optional` leaves the member as it is.
  // A text takes any scalar as it is written (`version: 1.10` is "1.10", `country: no` is "no"). Numbers (double) also
  // take a size ("512MiB") and, unless their range reaches outside 0..100, a percentage ("90%" is 90). Numbers and
  // booleans in quotes are refused, except around ${...}.
  void required(std::string_view key, std::string& out, std::string_view help);
  void required(std::string_view key, Duration& out, std::string_view help, DurationRange range = {});
  void required(std::string_view key, std::int64_t& out, std::string_view help, IntegerRange range = {});
  void required(std::string_view key, double& out, std::string_view help, NumberRange range = {});
  void required(std::string_view key, Located<std::string>& out, std::string_view help);
  void required(std::string_view key, Bytes& out, std::string_view help, BytesRange range = {});
  void required(std::string_view key, Secret& out, std::string_view help);
  void required(std::string_view key, Regex& out, std::string_view help);
  void required(std::string_view key, std::vector<std::string>& out, std::string_view help);
  void optional(std::string_view key, std::string& out, std::string_view help);
  void optional(std::string_view key, bool& out, std::string_view help);
  void optional(std::string_view key, Duration& out, std::string_view help, DurationRange range = {});
  void optional(std::string_view key, std::optional<Duration>& out, std::string_view help, DurationRange range = {});
  void optional(std::string_view key, std::int64_t& out, std::string_view help, IntegerRange range = {});
  void optional(std::string_view key, std::optional<std::int64_t>& out, std::string_view help,
                IntegerRange range = {});
  void optional(std::string_view key, double& out, std::string_view help, NumberRange range = {});
  void optional(std::string_view key, std::optional<double>& out, std::string_view help, NumberRange range = {});
  void optional(std::string_view key, Bytes& out, std::string_view help, BytesRange range = {});
  void optional(std::string_view key, Secret& out, std::string_view help);
  void optional(std::string_view key, Located<std::string>& out, std::string_view help);
  void optional(std::string_view key, std::optional<Located<std::string>>& out, std::string_view help);
  void optional(std::string_view key, Regex& out, std::string_view help);  // its errors are reported at the value

  // Secrets are never shown (Document::masked_yaml). This text, of whatever type, is not to be shown either.
  void keep_secret(std::string_view key);

  // One of a closed set of words.
  template <class E>
  void choice(std::string_view key, E& out, std::initializer_list<std::pair<std::string_view, E>> words,
              std::string_view help);

  // Lists and maps of scalars; they replace what `out` held. A list of one text may be written as that text alone.
  void optional(std::string_view key, std::vector<std::string>& out, std::string_view help);
  void optional(std::string_view key, std::vector<Located<std::string>>& out, std::string_view help);
  void optional(std::string_view key, std::vector<Regex>& out, std::string_view help);  // a wrong one matches nothing
  void optional(std::string_view key, std::map<std::string, std::string>& out, std::string_view help);
  void optional(std::string_view key, std::map<std::string, Secret>& out, std::string_view help);
  void optional(std::string_view key, std::map<std::string, Located<std::string>>& out, std::string_view help);

  // A nested mapping, declared by `declare(Section&, T&)`. Absent: the member stays (an optional stays empty).
  template <class T>
  void section(std::string_view key, T& out, std::string_view help);
  template <class T>
  void section(std::string_view key, std::optional<T>& out, std::string_view help);

  // A list of mappings. Each element is appended to `out`.
  template <class T>
  void list(std::string_view key, std::vector<T>& out, std::string_view help);

  // The same for what needs more than a struct (a table of kinds, a context): `visit` declares the nested mapping, or
  // each mapping of the list in turn.
  void within(std::string_view key, std::string_view help, const std::function<void(Section&)>& visit);
  void each(std::string_view key, std::string_view help, const std::function<void(Section&)>& visit);

  // A value that is either a scalar shorthand or a mapping: `warning: "> 80"` or `warning: {above: 80}`. T needs
  // `declare` and `bool read_shorthand(const Located<std::string>&, T&, std::string& problem)`.
  template <class T>
  void shorthand_or_section(std::string_view key, std::optional<T>& out, std::string_view help);

  // Reports something about the value of `key` (or, when it is absent, about the mapping itself). Ignored while
  // describing.
  void problem(std::string_view key, std::string text);
  void problem(const Mark& mark, std::string text);

  // Takes every key that was not declared for known and looks at none of them: for whoever reads a part of a document
  // that somebody else reads whole.
  void ignore_the_rest();

  bool has(std::string_view key) const;   // false while describing
  Mark mark() const;                      // of the mapping
  Mark mark(std::string_view key) const;  // of the key's value, or of the mapping when absent

  // True when fields are only being listed (documentation, schema): checks across fields are then skipped.
  bool describing() const;

  struct Impl;  // known inside config/ only

 private:
  friend class Document;
  friend class Reference;
  explicit Section(std::shared_ptr<Impl> impl);

  std::optional<std::size_t> choose(std::string_view key, const std::vector<std::string_view>& words,
                                    std::size_t fallback, std::string_view help);
  std::optional<Section> open(std::string_view key, std::string_view help);          // nested mapping
  std::vector<Section> open_list(std::string_view key, std::string_view help);       // list of mappings
  std::optional<Located<std::string>> open_shorthand(std::string_view key, std::optional<Section>& mapping,
                                                     std::string_view help);
  void shorthand_problem(const Located<std::string>& at, std::string text);
  void finish();  // reports the keys that nobody declared

  std::shared_ptr<Impl> impl_;
};

template <class E>
void Section::choice(std::string_view key, E& out, std::initializer_list<std::pair<std::string_view, E>> words,
                     std::string_view help) {
  std::vector<std::string_view> names;
  std::vector<E> values;
  std::size_t fallback = 0;
  for (const auto& [name, value] : words) {
    if (value == out) fallback = names.size();
    names.push_back(name);
    values.push_back(value);
  }
  if (const auto chosen = choose(key, names, fallback, help)) out = values[*chosen];
}

template <class T>
void Section::section(std::string_view key, T& out, std::string_view help) {
  if (auto nested = open(key, help)) {
    declare(*nested, out);
    nested->finish();
  }
}

template <class T>
void Section::section(std::string_view key, std::optional<T>& out, std::string_view help) {
  if (auto nested = open(key, help)) {
    T value{};
    declare(*nested, value);
    nested->finish();
    if (!describing()) out = std::move(value);
  }
}

template <class T>
void Section::list(std::string_view key, std::vector<T>& out, std::string_view help) {
  for (auto& nested : open_list(key, help)) {
    T value{};
    declare(nested, value);
    nested.finish();
    if (!describing()) out.push_back(std::move(value));
  }
}

template <class T>
void Section::shorthand_or_section(std::string_view key, std::optional<T>& out, std::string_view help) {
  std::optional<Section> mapping;
  const auto shorthand = open_shorthand(key, mapping, help);
  T value{};
  if (mapping) {
    declare(*mapping, value);
    mapping->finish();
    if (!describing()) out = std::move(value);
  } else if (shorthand) {
    std::string text;
    if (read_shorthand(*shorthand, value, text)) {
      out = std::move(value);
    } else {
      shorthand_problem(*shorthand, std::move(text));
    }
  }
}

}  // namespace sidewatch::config
