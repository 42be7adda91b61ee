// What is shown of a request becomes streams: names and labels as they are here, and everything that is refused by name.
//
// The one idea: an export that repeats itself is known by its bytes. A resource, a metric within it and the attributes of
// a data point are each looked up as they came; only what is new has its attributes taken apart, its name made and its
// stream looked for. These memories are shortcuts: each is emptied when it is full or when streams end.
//
// Does not lock: one request or pass at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "collectors/byte_memory.h"
#include "collectors/otlp/model.h"
#include "collectors/otlp/names.h"
#include "collectors/otlp/streams.h"
#include "collectors/own_names.h"

namespace sidewatch::otlp {

struct Translation {
  NameStyle names = NameStyle::prometheus;
  bool scope_labels = false;
  std::vector<std::string> promote;  // resource attributes that become labels of every series
};

// What became of a request.
struct Taken {
  std::size_t points = 0;
  std::array<std::size_t, static_cast<std::size_t>(Refusal::count)> refused{};
  std::array<std::string, static_cast<std::size_t>(Refusal::count)> examples;  // the first of each, in words

  std::size_t refused_in_all() const;
};

class Intake final : public Visitor {
 public:
  Intake(Translation translation, StreamLimits limits);

  void begin(Time now, WallTime wall);  // of a request
  Taken end();

  void resource(const Attributes& attributes) override;
  void scope(std::string_view name, std::string_view version, const Attributes& attributes) override;
  void metric(const SentMetric& metric) override;
  void point(const DataPoint& point) override;

  void expire(Time now);
  Streams& streams() { return streams_; }

 private:
  struct Resource {
    std::uint64_t id = 0;  // 0: it is not remembered
    Labels labels;         // job, instance, and what is promoted
    std::optional<Streams::Number> info;
    std::string trouble;  // why its attributes cannot be read
  };
  struct Context {  // a metric of a resource and a scope
    std::uint64_t id = 0;
    Labels labels;
    Streams::Metric* metric = nullptr;
    Refusal refusal = Refusal::form;  // where there is none
    std::string trouble;
  };

  std::shared_ptr<const Resource> make_resource(const Attributes& attributes, bool is_kept);
  std::shared_ptr<const Context> make_context(const SentMetric& metric, bool is_kept);
  std::optional<Streams::Number> stream_of(const DataPoint& point);
  void refuse(Refusal refusal, std::string_view detail = {});

  const Translation translation_;
  const OwnNames own_names_;
  Streams streams_;
  ByteMemory<std::shared_ptr<const Resource>> resources_;
  ByteMemory<std::shared_ptr<const Context>> contexts_;
  ByteMemory<Streams::Number> points_;
  std::uint64_t last_id_ = 0;

  // Of the request at hand.
  Time now_;
  WallTime wall_;
  Taken taken_;
  std::shared_ptr<const Resource> resource_;
  bool scope_is_known_ = true;  // by its bytes, which are in scope_key_
  std::string scope_key_;
  Labels scope_labels_;
  std::shared_ptr<const Context> context_;
  SentMetric metric_;
  std::string key_;
};

}  // namespace sidewatch::otlp
