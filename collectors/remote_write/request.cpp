#include "collectors/remote_write/request.h"

#include <bit>
#include <utility>
#include <vector>

#include "base/protobuf.h"
#include "base/utf8.h"

namespace sidewatch::remote_write {
namespace {

using Wire = ProtobufReader::Wire;

constexpr std::uint32_t bytes_tag(std::uint32_t number) { return ProtobufReader::tag(number, Wire::bytes); }
constexpr std::uint32_t varint_tag(std::uint32_t number) { return ProtobufReader::tag(number, Wire::varint); }
constexpr std::uint32_t fixed_tag(std::uint32_t number) { return ProtobufReader::tag(number, Wire::fixed64); }

constexpr std::size_t max_exemplar_labels = 16;
constexpr std::size_t max_told_bytes = 100;  // of a name, in a sentence

bool read_sample(std::string_view message, SentSeries& series) {
  double value = 0;
  std::int64_t time_ms = 0;
  ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.tag() == fixed_tag(1)) value = reader.real();
    if (reader.tag() == varint_tag(2)) time_ms = reader.signed_number();
  }
  if (series.samples++ == 0 || time_ms >= series.time_ms) {
    series.value = value;
    series.time_ms = time_ms;
  }
  return reader.ok();
}

bool read_series(std::string_view message, SentSeries& series) {
  series.message = message;
  std::string_view run;
  bool together = true;
  ProtobufReader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case bytes_tag(1):
        together = together && (run.empty() || run.data() + run.size() == reader.whole().data());
        run = run.empty() ? reader.whole() : std::string_view(run.data(), run.size() + reader.whole().size());
        break;
      case bytes_tag(2):
        if (!read_sample(reader.bytes(), series)) return false;
        break;
      case bytes_tag(3): series.exemplar = reader.bytes(); break;
      case bytes_tag(4): ++series.native_histograms; break;
    }
    if (!together) run = {};
  }
  if (together) series.labels = run;
  return reader.ok();
}

bool read_label(std::string_view message, Label& label) {
  ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.tag() == bytes_tag(1)) label.name = reader.bytes();
    if (reader.tag() == bytes_tag(2)) label.value = reader.bytes();
  }
  return reader.ok();
}

MetricType type_of(std::uint64_t number) {
  switch (number) {
    case 1: return MetricType::counter;
    case 2:
    case 6:  // info
    case 7:  // stateset
      return MetricType::gauge;
    case 3: return MetricType::histogram;
    case 5: return MetricType::summary;
    default: return MetricType::untyped;
  }
}

bool read_metadata(std::string_view message, SentMetadata& metadata) {
  ProtobufReader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case varint_tag(1): metadata.type = type_of(reader.number()); break;
      case bytes_tag(2): metadata.name = reader.bytes(); break;
      case bytes_tag(4): metadata.help = reader.bytes(); break;
      case bytes_tag(5): metadata.unit = reader.bytes(); break;
    }
  }
  return reader.ok();
}

Error damaged(const char* what) { return {std::string(what) + " is damaged or cut off", ""}; }

std::string told(const std::string& name) { return "'" + mend_utf8(name.substr(0, max_told_bytes)) + "'"; }

}  // namespace

Result<void> read_request(std::string_view body, const std::function<void(const SentSeries&)>& series,
                          const std::function<void(const SentMetadata&)>& metadata) {
  ProtobufReader reader(body);
  while (reader.next()) {
    if (reader.tag() == bytes_tag(1)) {
      SentSeries sent;
      if (!read_series(reader.bytes(), sent)) return damaged("a series");
      series(sent);
    } else if (reader.tag() == bytes_tag(3)) {
      SentMetadata sent;
      if (!read_metadata(reader.bytes(), sent)) return damaged("metadata");
      metadata(sent);
    }
  }
  if (!reader.ok()) return damaged("the request");
  return {};
}

Result<Labels> read_labels(std::string_view series_message) {
  std::vector<Label> labels;
  bool has_name = false;
  ProtobufReader reader(series_message);
  while (reader.next()) {
    if (reader.tag() != bytes_tag(1)) continue;
    Label label;
    if (!read_label(reader.bytes(), label)) return damaged("a label");
    if (label.name.empty()) return Error{"a label has no name", ""};
    if (!is_utf8(label.name) || !is_utf8(label.value)) return Error{"the label " + told(label.name) + " is not UTF-8", ""};
    if (!labels.empty() && labels.back().name == label.name) return Error{"the label " + told(label.name) + " is there twice", ""};
    if (!labels.empty() && labels.back().name > label.name) {
      return Error{"labels must be sorted by their names, and " + told(label.name) + " comes behind " + told(labels.back().name), ""};
    }
    has_name = has_name || (label.name == "__name__" && !label.value.empty());
    if (labels.size() > max_labels) labels.pop_back();
    labels.push_back(std::move(label));
  }
  if (!reader.ok()) return damaged("a series");
  Labels all(std::move(labels));
  if (!has_name) return Error{"a series has no label __name__", ""};
  return all;
}

std::optional<SentExemplar> read_exemplar(std::string_view message) {
  SentExemplar exemplar;
  std::vector<Label> labels;
  ProtobufReader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case bytes_tag(1):
        if (!read_label(reader.bytes(), labels.emplace_back()) || labels.size() > max_exemplar_labels) return std::nullopt;
        break;
      case fixed_tag(2): exemplar.value = reader.real(); break;
      case varint_tag(3): exemplar.time_ms = reader.signed_number(); break;
    }
  }
  if (!reader.ok()) return std::nullopt;
  exemplar.labels = Labels(std::move(labels));
  return exemplar;
}

bool is_stale_marker(double value) { return std::bit_cast<std::uint64_t>(value) == 0x7FF0000000000002; }

}  // namespace sidewatch::remote_write
