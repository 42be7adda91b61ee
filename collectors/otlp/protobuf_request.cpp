#include "collectors/otlp/protobuf_request.h"

#include <utility>

#include "base/protobuf.h"
#include "collectors/otlp/protobuf_attributes.h"

namespace sidewatch::otlp {
namespace {

constexpr std::uint64_t no_recorded_value_flag = 1;

// ---- Data points ------------------------------------------------------------------------------------------------

void read_exemplar(std::string_view message, DataPoint& point) {
  if (point.exemplars.size() == max_exemplars) return;
  SentExemplar exemplar;
  ProtobufReader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case fixed_tag(2): exemplar.time_ns = reader.number(); break;
      case fixed_tag(3): exemplar.value = reader.real(); break;
      case bytes_tag(4): exemplar.span_id = reader.bytes(); break;
      case bytes_tag(5): exemplar.trace_id = reader.bytes(); break;
      case fixed_tag(6): exemplar.value = static_cast<double>(reader.signed_number()); break;
    }
  }
  require_end(reader, "exemplar");
  point.exemplars.push_back(exemplar);
}

void require_room(bool taken) {
  if (!taken) fail_protobuf("the buckets of a data point are damaged, or more than 4096");
}

void read_number_point(std::string_view message, DataPoint& point, ProtobufAttributes& attributes) {
  attributes.begin(message, 7);
  ProtobufReader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case fixed_tag(2): point.start_ns = reader.number(); break;
      case fixed_tag(3): point.time_ns = reader.number(); break;
      case fixed_tag(4): point.value = reader.real(); break;
      case bytes_tag(5): read_exemplar(reader.bytes(), point); break;
      case fixed_tag(6): point.value = static_cast<double>(reader.signed_number()); break;
      case bytes_tag(7): attributes.note(reader); break;
      case varint_tag(8): point.no_recorded_value = (reader.number() & no_recorded_value_flag) != 0; break;
    }
  }
  require_end(reader, "data point");
}

void read_histogram_point(std::string_view message, DataPoint& point, ProtobufAttributes& attributes) {
  attributes.begin(message, 9);
  ProtobufReader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case fixed_tag(2): point.start_ns = reader.number(); break;
      case fixed_tag(3): point.time_ns = reader.number(); break;
      case fixed_tag(4): point.count = reader.number(); break;
      case fixed_tag(5): point.sum = reader.real(); break;
      case bytes_tag(6): require_room(reader.append_fixed64(point.bucket_counts, max_buckets)); break;
      case fixed_tag(6):  // one number that is not packed
        require_room(point.bucket_counts.size() < max_buckets);
        point.bucket_counts.push_back(reader.number());
        break;
      case bytes_tag(7): require_room(reader.append_reals(point.bounds, max_buckets)); break;
      case fixed_tag(7):
        require_room(point.bounds.size() < max_buckets);
        point.bounds.push_back(reader.real());
        break;
      case bytes_tag(8): read_exemplar(reader.bytes(), point); break;
      case bytes_tag(9): attributes.note(reader); break;
      case varint_tag(10): point.no_recorded_value = (reader.number() & no_recorded_value_flag) != 0; break;
    }
  }
  require_end(reader, "data point");
}

void read_buckets(std::string_view message, ExponentialPoint::Buckets& buckets) {
  ProtobufReader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case varint_tag(1): buckets.offset = reader.zigzag(); break;
      case bytes_tag(2): require_room(reader.append_varints(buckets.counts, max_buckets)); break;
      case varint_tag(2):
        require_room(buckets.counts.size() < max_buckets);
        buckets.counts.push_back(reader.number());
        break;
    }
  }
  require_end(reader, "list of buckets");
}

void read_exponential_point(std::string_view message, DataPoint& point, ProtobufAttributes& attributes) {
  attributes.begin(message, 1);
  ProtobufReader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case bytes_tag(1): attributes.note(reader); break;
      case fixed_tag(2): point.start_ns = reader.number(); break;
      case fixed_tag(3): point.time_ns = reader.number(); break;
      case fixed_tag(4): point.count = reader.number(); break;
      case fixed_tag(5): point.sum = reader.real(); break;
      case varint_tag(6): point.exponential.scale = reader.zigzag(); break;
      case fixed_tag(7): point.exponential.zero_count = reader.number(); break;
      case bytes_tag(8): read_buckets(reader.bytes(), point.exponential.positive); break;
      case bytes_tag(9): read_buckets(reader.bytes(), point.exponential.negative); break;
      case varint_tag(10): point.no_recorded_value = (reader.number() & no_recorded_value_flag) != 0; break;
      case bytes_tag(11): read_exemplar(reader.bytes(), point); break;
      case fixed_tag(14): point.exponential.zero_threshold = reader.real(); break;
    }
  }
  require_end(reader, "data point");
}

void read_quantile(std::string_view message, DataPoint& point) {
  require_room(point.quantiles.size() < max_buckets);
  auto& [quantile, value] = point.quantiles.emplace_back();
  ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.tag() == fixed_tag(1)) quantile = reader.real();
    if (reader.tag() == fixed_tag(2)) value = reader.real();
  }
  require_end(reader, "quantile");
}

void read_summary_point(std::string_view message, DataPoint& point, ProtobufAttributes& attributes) {
  attributes.begin(message, 7);
  ProtobufReader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case fixed_tag(2): point.start_ns = reader.number(); break;
      case fixed_tag(3): point.time_ns = reader.number(); break;
      case fixed_tag(4): point.count = reader.number(); break;
      case fixed_tag(5): point.sum = reader.real(); break;
      case bytes_tag(6): read_quantile(reader.bytes(), point); break;
      case bytes_tag(7): attributes.note(reader); break;
      case varint_tag(8): point.no_recorded_value = (reader.number() & no_recorded_value_flag) != 0; break;
    }
  }
  require_end(reader, "data point");
}

// ---- Messages around them ---------------------------------------------------------------------------------------

class RequestReader {
 public:
  explicit RequestReader(Visitor& visitor) : visitor_(visitor) { point_.attributes = &attributes_; }

  void read(std::string_view body) {
    ProtobufReader reader(body);
    while (reader.next()) {
      if (reader.tag() == bytes_tag(1)) read_resource_metrics(reader.bytes());
    }
    require_end(reader, "request");
  }

 private:
  void read_resource_metrics(std::string_view message) {
    std::string_view resource;
    ProtobufReader first(message);
    while (first.next()) {
      if (first.tag() == bytes_tag(1)) resource = first.bytes();
    }
    require_end(first, "list of a resource's metrics");
    note_attributes(resource, 1, "resource");
    visitor_.resource(attributes_);
    ProtobufReader second(message);
    while (second.next()) {
      if (second.tag() == bytes_tag(2)) read_scope_metrics(second.bytes());
    }
  }

  void read_scope_metrics(std::string_view message) {
    std::string_view scope;
    ProtobufReader first(message);
    while (first.next()) {
      if (first.tag() == bytes_tag(1)) scope = first.bytes();
    }
    require_end(first, "list of a scope's metrics");
    std::string_view name;
    std::string_view version;
    ProtobufReader of_scope(scope);
    while (of_scope.next()) {
      if (of_scope.tag() == bytes_tag(1)) name = of_scope.bytes();
      if (of_scope.tag() == bytes_tag(2)) version = of_scope.bytes();
    }
    note_attributes(scope, 3, "scope");
    visitor_.scope(name, version, attributes_);
    ProtobufReader second(message);
    while (second.next()) {
      if (second.tag() == bytes_tag(2)) read_metric(second.bytes());
    }
  }

  void note_attributes(std::string_view message, std::uint32_t number, const char* what) {
    attributes_.begin(message, number);
    ProtobufReader reader(message);
    while (reader.next()) {
      if (reader.tag() == bytes_tag(number)) attributes_.note(reader);
    }
    require_end(reader, what);
  }

  void read_metric(std::string_view message) {
    SentMetric metric;
    std::string_view data;
    bool is_known = false;
    const auto hold = [&](Kind kind, const ProtobufReader& reader) {
      metric.kind = kind;
      data = reader.bytes();
      is_known = true;
    };
    ProtobufReader reader(message);
    while (reader.next()) {
      switch (reader.tag()) {
        case bytes_tag(1): metric.name = reader.bytes(); break;
        case bytes_tag(2): metric.description = reader.bytes(); break;
        case bytes_tag(3): metric.unit = reader.bytes(); break;
        case bytes_tag(5): hold(Kind::gauge, reader); break;
        case bytes_tag(7): hold(Kind::sum, reader); break;
        case bytes_tag(9): hold(Kind::histogram, reader); break;
        case bytes_tag(10): hold(Kind::exponential_histogram, reader); break;
        case bytes_tag(11): hold(Kind::summary, reader); break;
      }
    }
    require_end(reader, "metric");
    if (is_known) read_data(metric, data);
  }

  void read_data(SentMetric& metric, std::string_view data) {
    ProtobufReader first(data);
    while (first.next()) {
      if (first.tag() == varint_tag(2)) metric.temporality = temporality_of(first.number());
      if (first.tag() == varint_tag(3)) metric.monotonic = first.number() != 0;
    }
    require_end(first, "list of data points");
    visitor_.metric(metric);
    ProtobufReader second(data);
    while (second.next()) {
      if (second.tag() != bytes_tag(1)) continue;
      point_.clear();
      read_point(metric.kind, second.bytes());
      visitor_.point(point_);
    }
  }

  static Temporality temporality_of(std::uint64_t number) {
    if (number == 1) return Temporality::delta;
    return number == 2 ? Temporality::cumulative : Temporality::unspecified;
  }

  void read_point(Kind kind, std::string_view message) {
    switch (kind) {
      case Kind::gauge:
      case Kind::sum: return read_number_point(message, point_, attributes_);
      case Kind::histogram: return read_histogram_point(message, point_, attributes_);
      case Kind::exponential_histogram: return read_exponential_point(message, point_, attributes_);
      case Kind::summary: return read_summary_point(message, point_, attributes_);
    }
  }

  Visitor& visitor_;
  ProtobufAttributes attributes_;
  DataPoint point_;
};

}  // namespace

Result<void> read_protobuf_request(std::string_view body, Visitor& visitor) {
  try {
    NoVisitor nobody;
    RequestReader(nobody).read(body);
    RequestReader(visitor).read(body);
    return {};
  } catch (DamagedProtobuf& damaged) {
    return Error{std::move(damaged.what), ""};
  }
}

}  // namespace sidewatch::otlp
