#include "collectors/pushgateway/metric_families.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/protobuf.h"
#include "metrics/text.h"

namespace sidewatch::pushgateway {
namespace {

using Wire = ProtobufReader::Wire;
constexpr std::uint32_t tag(std::uint32_t number, Wire wire) { return ProtobufReader::tag(number, wire); }

// What ends the reading; stays in this file.
struct Unreadable {
  std::string why;
};

// As metrics.proto numbers them.
enum class FamilyType : std::uint64_t { counter = 0, gauge = 1, summary = 2, untyped = 3, histogram = 4, gauge_histogram = 5 };

MetricType type_of(FamilyType type) {
  switch (type) {
    case FamilyType::counter: return MetricType::counter;
    case FamilyType::gauge: return MetricType::gauge;
    case FamilyType::summary: return MetricType::summary;
    case FamilyType::histogram: return MetricType::histogram;
    case FamilyType::untyped:
    case FamilyType::gauge_histogram: break;
  }
  return MetricType::untyped;
}

std::string as_label(double number) {
  std::string text;
  append_value(text, number);
  return text;
}

template <class Visit>
void each_field(std::string_view message, const Visit& visit) {
  ProtobufReader reader(message);
  while (reader.next()) visit(reader);
  if (!reader.ok()) throw Unreadable{"the body is cut off or is not what its Content-Type says"};
}

// The number of a message that has one: Gauge, Counter, Untyped.
double value_in(std::string_view message) {
  double value = 0;
  each_field(message, [&](const ProtobufReader& field) {
    if (field.tag() == tag(1, Wire::fixed64)) value = field.real();
  });
  return value;
}

class FamilyReader {
 public:
  FamilyReader(ReadPage& page, const PageOptions& options) : page_(page), options_(options) {}

  void read(std::string_view message) {
    ReadFamily family;
    FamilyType type = FamilyType::counter;
    std::vector<std::string_view> metrics;
    each_field(message, [&](const ProtobufReader& field) {
      switch (field.tag()) {
        case tag(1, Wire::bytes): family.name = field.bytes(); break;
        case tag(2, Wire::bytes): family.help = field.bytes(); break;
        case tag(3, Wire::varint): type = static_cast<FamilyType>(field.number()); break;
        case tag(4, Wire::bytes): metrics.push_back(field.bytes()); break;
        case tag(5, Wire::bytes): family.unit = field.bytes(); break;
        default: break;
      }
    });
    if (!is_legal_metric_name(family.name) || family.name.size() > options_.series.max_name_bytes) {
      throw Unreadable{"a metric's name is none: letters, digits, '_' and ':', no digit first"};
    }
    if (family.help.size() + family.unit.size() > options_.series.max_label_value_bytes) throw Unreadable{"a help is too long"};
    name_ = family.name;
    type_ = type_of(type);
    page_.families.push_back(std::move(family));
    for (const auto metric : metrics) read_metric(metric);
  }

 private:
  void read_metric(std::string_view message) {
    std::vector<Label> labels;
    timestamp_ms_.reset();
    each_field(message, [&](const ProtobufReader& field) {
      if (field.tag() == tag(1, Wire::bytes)) labels.push_back(read_label(field.bytes()));
      if (field.tag() == tag(6, Wire::varint)) timestamp_ms_ = field.signed_number();
    });
    if (labels.size() > options_.series.max_labels) throw Unreadable{"a series has too many labels"};
    const Labels all(std::move(labels));
    each_field(message, [&](const ProtobufReader& field) {
      switch (field.tag()) {
        case tag(2, Wire::bytes):
        case tag(3, Wire::bytes):
        case tag(5, Wire::bytes): add("", all, value_in(field.bytes())); break;
        case tag(4, Wire::bytes): read_summary(field.bytes(), all); break;
        case tag(7, Wire::bytes): read_histogram(field.bytes(), all); break;
        default: break;
      }
    });
  }

  Label read_label(std::string_view message) const {
    Label label;
    each_field(message, [&](const ProtobufReader& field) {
      if (field.tag() == tag(1, Wire::bytes)) label.name = field.bytes();
      if (field.tag() == tag(2, Wire::bytes)) label.value = field.bytes();
    });
    const bool fits = label.name.size() <= options_.series.max_label_name_bytes &&
                      label.value.size() <= options_.series.max_label_value_bytes;
    if (!fits || !is_legal_label_name(label.name)) throw Unreadable{"a label's name is none, or a label is too long"};
    return label;
  }

  void read_summary(std::string_view message, const Labels& labels) {
    each_field(message, [&](const ProtobufReader& field) {
      switch (field.tag()) {
        case tag(1, Wire::varint): add("_count", labels, static_cast<double>(field.number())); break;
        case tag(2, Wire::fixed64): add("_sum", labels, field.real()); break;
        case tag(3, Wire::bytes): read_part("", "quantile", field.bytes(), labels, tag(1, Wire::fixed64), tag(2, Wire::fixed64)); break;
        default: break;
      }
    });
  }

  void read_histogram(std::string_view message, const Labels& labels) {
    double count = 0;
    double sum = 0;
    bool has_infinity = false;
    each_field(message, [&](const ProtobufReader& field) {
      switch (field.tag()) {
        case tag(1, Wire::varint): count = static_cast<double>(field.number()); break;
        case tag(4, Wire::fixed64): count = field.real(); break;
        case tag(2, Wire::fixed64): sum = field.real(); break;
        case tag(3, Wire::bytes):
          has_infinity |= std::isinf(read_part("_bucket", "le", field.bytes(), labels, tag(2, Wire::fixed64), tag(1, Wire::varint)));
          break;
        default: break;
      }
    });
    if (!has_infinity) add("_bucket", labels.with("le", "+Inf"), count);
    add("_count", labels, count);
    add("_sum", labels, sum);
  }

  // A quantile or a bucket: what it is of, and its value. The former is given back.
  double read_part(std::string_view suffix, std::string_view label, std::string_view message, const Labels& labels,
                   std::uint32_t bound_tag, std::uint32_t value_tag) {
    double bound = 0;
    double value = 0;
    each_field(message, [&](const ProtobufReader& field) {
      if (field.tag() == bound_tag) bound = field.real();
      if (field.tag() == value_tag) value = value_tag == tag(1, Wire::varint) ? static_cast<double>(field.number()) : field.real();
    });
    add(suffix, labels.with(label, as_label(bound)), value);
    return bound;
  }

  void add(std::string_view suffix, const Labels& labels, double value) {
    if (page_.samples.size() >= options_.max_samples) throw Unreadable{"there are too many samples"};
    page_.samples.push_back({name_ + std::string(suffix), labels, value, timestamp_ms_, type_, page_.families.size() - 1});
  }

  ReadPage& page_;
  const PageOptions& options_;
  std::string name_;
  MetricType type_ = MetricType::untyped;
  std::optional<std::int64_t> timestamp_ms_;  // of the present metric
};

// The length that stands before each message.
std::size_t take_length(std::string_view& bytes) {
  std::uint64_t length = 0;
  for (unsigned shift = 0; shift < 63 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    length |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) != 0) continue;
    if (length <= bytes.size()) return static_cast<std::size_t>(length);
    break;
  }
  throw Unreadable{"the body is cut off or is not what its Content-Type says"};
}

}  // namespace

bool is_metric_families(std::string_view content_type) { return content_type.starts_with("application/vnd.google.protobuf"); }

Result<ReadPage> read_metric_families(std::string_view bytes, const PageOptions& options) {
  ReadPage page;
  FamilyReader reader(page, options);
  try {
    while (!bytes.empty()) {
      const std::size_t length = take_length(bytes);
      reader.read(bytes.substr(0, length));
      bytes.remove_prefix(length);
    }
  } catch (Unreadable& unreadable) {
    return Error{std::move(unreadable.why), ""};
  }
  return page;
}

}  // namespace sidewatch::pushgateway
