// One target that takes exports, and the passes that write down what it holds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/otlp/otlp.h"
#include "tests/collectors/board_fixture.h"
#include "tests/collectors/otlp/request.h"

namespace sidewatch::otlp {

class OtlpTest : public BoardFixture<OtlpTarget, OtlpConfig> {
 protected:
  PushAnswer post(const std::string& body, std::string_view type = "application/x-protobuf") {
    PushRequest request;
    request.method = "POST";
    request.content_type = type;
    request.body = body;
    request.now = now;
    request.wall = WallTime(now.time_since_epoch());
    return target().take(request);
  }
  PushAnswer post_json(const std::string& body) { return post(body, "application/json"); }
};

inline std::string number_point(double value, std::uint64_t time, const std::string& attributes = "") {
  return attributes + wire::fixed(2, 5) + wire::fixed(3, time) + wire::real(4, value);
}

inline std::string histogram_point(std::uint64_t time, const std::vector<std::uint64_t>& counts,
                                   const std::vector<double>& bounds, std::uint64_t count, double sum) {
  return wire::fixed(3, time) + wire::fixed(4, count) + wire::real(5, sum) + wire::fixeds(6, counts) + wire::reals(7, bounds);
}

}  // namespace sidewatch::otlp
