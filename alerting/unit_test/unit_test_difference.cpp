// Two collections are compared in three steps: what is equal is taken out, what is most alike of the rest is shown field
// by field, and what then remains is missing or unexpected.
#include "alerting/unit_test/unit_test_difference.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <set>
#include <string_view>

#include "config/literals.h"
#include "config/wording.h"
#include "metrics/series_notation.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

std::string number_text(double value) {
  std::string text;
  append_value(text, value);
  return text;
}

std::size_t shared(const Labels& a, const Labels& b) {
  return static_cast<std::size_t>(std::count_if(a.begin(), a.end(), [&](const Label& label) { return b.get(label.name) == label.value; }));
}

// How much two elements have in common; 0: nothing that would make them worth comparing.
std::size_t likeness(const ExpectedAlert& a, const ExpectedAlert& b) {
  const bool severity = a.labels.get("severity") == b.labels.get("severity");  // says least about which alert it is
  const std::size_t others = shared(a.labels.without("severity"), b.labels.without("severity"));
  return 1 + 100 * others + (severity ? 50 : 0) + shared(a.annotations, b.annotations);
}
std::size_t likeness(const promql::VectorSample& a, const promql::VectorSample& b) {
  if (a.labels == b.labels) return 1000;
  return a.labels.empty() || b.labels.empty() ? 0 : shared(a.labels, b.labels);
}

template <class Element, class Same>
void take_out_what_is_equal(std::vector<Element>& a, std::vector<Element>& b, Same&& same) {
  std::erase_if(a, [&](const Element& element) {
    const auto found = std::find_if(b.begin(), b.end(), [&](const Element& other) { return same(element, other); });
    if (found == b.end()) return false;
    b.erase(found);
    return true;
  });
}

// Takes the pair that is most alike out of both.
template <class Element>
std::optional<std::pair<Element, Element>> take_pair(std::vector<Element>& a, std::vector<Element>& b) {
  std::size_t best = 0;
  std::size_t at_a = 0;
  std::size_t at_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      if (const std::size_t like = likeness(a[i], b[j]); like > best) {
        best = like;
        at_a = i;
        at_b = j;
      }
    }
  }
  if (best == 0) return std::nullopt;
  std::pair<Element, Element> pair{a[at_a], b[at_b]};
  a.erase(a.begin() + static_cast<std::ptrdiff_t>(at_a));
  b.erase(b.begin() + static_cast<std::ptrdiff_t>(at_b));
  return pair;
}

// "expected  severity = "page"" above "got       severity = "warning"", for each label that differs.
void add_label_differences(const Labels& expected, const Labels& got, std::vector<std::string>& lines) {
  std::set<std::string> names;
  for (const Label& label : expected) names.insert(label.name);
  for (const Label& label : got) names.insert(label.name);
  const auto has = [](const Labels& labels, const std::string& name) {
    return std::any_of(labels.begin(), labels.end(), [&](const Label& label) { return label.name == name; });
  };
  const auto shown = [&](const Labels& labels, const std::string& name) {
    return has(labels, name) ? name + " = " + config::quote(labels.get(name)) : "no " + name;
  };
  for (const auto& name : names) {
    if (expected.get(name) == got.get(name)) continue;
    lines.push_back("    expected  " + shown(expected, name));
    lines.push_back("    got       " + shown(got, name));
  }
}

Labels in_common(const Labels& a, const Labels& b) {
  std::vector<Label> common;
  for (const Label& label : a) {
    if (b.get(label.name) == label.value) common.push_back(label);
  }
  return Labels(std::move(common));
}

std::string text_of(const ExpectedAlert& alert) {
  return alert.labels.to_string() + (alert.annotations.empty() ? "" : " with the annotations " + alert.annotations.to_string());
}

std::string text_of(const promql::VectorSample& sample) {
  return series_to_string(sample.labels) + " " + number_text(sample.value);
}

void explain(const ExpectedAlert& expected, const ExpectedAlert& got, std::vector<std::string>& lines) {
  lines.push_back("the alert " + in_common(expected.labels, got.labels).to_string() + " differs");
  add_label_differences(expected.labels, got.labels, lines);
  add_label_differences(expected.annotations, got.annotations, lines);
}

void explain(const promql::VectorSample& expected, const promql::VectorSample& got, std::vector<std::string>& lines) {
  if (expected.labels == got.labels) {
    lines.push_back(series_to_string(expected.labels));
    lines.push_back("    expected  " + number_text(expected.value));
    lines.push_back("    got       " + number_text(got.value));
    return;
  }
  lines.push_back("expected  " + text_of(expected));
  lines.push_back("got       " + text_of(got));
}

template <class Element, class Same>
std::vector<std::string> differences(std::vector<Element> expected, std::vector<Element> got, Same&& same) {
  take_out_what_is_equal(expected, got, same);
  std::vector<std::string> lines;
  while (auto pair = take_pair(expected, got)) explain(pair->first, pair->second, lines);
  for (const auto& element : expected) lines.push_back("missing     " + text_of(element));
  for (const auto& element : got) lines.push_back("unexpected  " + text_of(element));
  return lines;
}

bool same_value(double a, double b, Precision precision) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  return precision == Precision::last_bit && std::nextafter(a, b) == b;
}

bool as_expected(const ExpectedMessage& expected, const ExpectedMessage& got) {
  return expected.at == got.at && expected.reason == got.reason && expected.level == got.level &&
         shared(expected.labels, got.labels) == expected.labels.size();
}

std::string text_of(const ExpectedMessage& message) {
  return config::write_duration(message.at) + " " + std::string(to_string(message.reason)) + " (" +
         std::string(to_string(message.level)) + ") " + message.labels.to_string();
}

}  // namespace

std::vector<std::string> difference(const std::vector<ExpectedAlert>& expected, const std::vector<ExpectedAlert>& got) {
  return differences(expected, got, [](const ExpectedAlert& a, const ExpectedAlert& b) {
    return a.labels == b.labels && a.annotations == b.annotations;
  });
}

std::vector<std::string> difference(const std::vector<promql::VectorSample>& expected,
                                    const std::vector<promql::VectorSample>& got, Precision precision) {
  return differences(expected, got, [precision](const promql::VectorSample& a, const promql::VectorSample& b) {
    return a.labels == b.labels && same_value(a.value, b.value, precision);
  });
}

std::vector<std::string> difference(const std::vector<ExpectedMessage>& expected, const std::vector<ExpectedMessage>& got) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < std::max(expected.size(), got.size()); ++i) {
    if (i >= got.size()) {
      lines.push_back("missing     " + text_of(expected[i]));
    } else if (i >= expected.size()) {
      lines.push_back("unexpected  " + text_of(got[i]));
    } else if (!as_expected(expected[i], got[i])) {
      lines.push_back("expected  " + text_of(expected[i]));
      lines.push_back("got       " + text_of(got[i]));
    }
  }
  return lines;
}

}  // namespace sidewatch
