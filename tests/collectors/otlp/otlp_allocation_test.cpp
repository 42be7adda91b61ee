// That an application that exports the same streams again and again costs no memory from data point to data point.
#include <gtest/gtest.h>

#include <string>

#include "collectors/otlp/otlp.h"
#include "tests/collectors/otlp/request.h"
#include "tests/support/counted_allocations.h"

namespace sidewatch::otlp {
namespace {

constexpr int points = 500;

std::string export_at(std::uint64_t time) {
  std::string gauges;
  std::string histograms;
  for (int i = 0; i < points; ++i) {
    const auto id = std::to_string(i);
    gauges += wire::bytes(1, wire::attribute(7, "http.route", "/cart/" + id) + wire::attribute(7, "http.request.method", "GET") +
                                 wire::fixed(3, time) + wire::real(4, i));
    histograms += wire::bytes(1, wire::attribute(9, "http.route", "/cart/" + id) + wire::fixed(3, time) + wire::fixed(4, 6) +
                                     wire::real(5, 1) + wire::fixeds(6, {1, 2, 3}) + wire::reals(7, {0.1, 0.5}));
  }
  return wire::request(wire::metric("requests.active", "", 5, gauges) +
                           wire::metric("request.duration", "s", 9, histograms + wire::varint(2, wire::delta)),
                       wire::attribute(1, "service.name", "checkout") + wire::attribute(1, "host.name", "h"));
}

TEST(OtlpAllocation, IsNoneForDataPointsOfStreamsThatWereSeenBefore) {
  OtlpTarget target(OtlpConfig{});
  Catalog catalog{{}, {}};
  BoardWriter writer;
  Batch batch;
  PushRequest request;
  request.content_type = "application/x-protobuf";
  request.now = time_at_ms(1'000'000);
  const auto send = [&](const std::string& body) {
    request.body = body;
    EXPECT_EQ(target.take(request).samples, 2U * points);
    batch.clear();
    target.write(writer, catalog, batch, request.now);
  };
  for (std::uint64_t time = 1; time < 4; ++time) send(export_at(time));
  const auto body = export_at(10);
  const auto before = allocations_so_far();
  send(body);
  EXPECT_LT(allocations_so_far() - before, 20U);  // of the request and its answer
  EXPECT_EQ(batch.size(), points + points * 5U + 1);
}

}  // namespace
}  // namespace sidewatch::otlp
