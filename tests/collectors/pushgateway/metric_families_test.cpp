// Messages of protocol buffers in, what a page of text would have given out.
#include "collectors/pushgateway/metric_families.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <limits>

namespace sidewatch::pushgateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Writes messages: fields of each type, in any order.
class Message {
 public:
  Message& text(unsigned field, std::string_view value) {
    varint(field << 3 | 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(unsigned field, const Message& value) { return text(field, value.bytes_); }
  Message& number(unsigned field, std::uint64_t value) {
    varint(field << 3);
    varint(value);
    return *this;
  }
  Message& real(unsigned field, double value) {
    varint(field << 3 | 1);
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (int shift = 0; shift < 64; shift += 8) bytes_ += static_cast<char>(bits >> shift & 0xff);
    return *this;
  }
  std::string delimited() const {
    Message whole;
    whole.varint(bytes_.size());
    return whole.bytes_ + bytes_;
  }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

Message label(std::string_view name, std::string_view value) { return Message().text(1, name).text(2, value); }
Message family(std::string_view name, unsigned type) { return Message().text(1, name).text(2, "What it is.").number(3, type); }

std::vector<std::string> lines(const Result<ReadPage>& page) {
  std::vector<std::string> lines;
  EXPECT_TRUE(page) << page.error().text();
  if (!page) return lines;
  for (const auto& sample : page->samples) {
    lines.push_back(std::string(to_string(sample.type)) + " " + sample.name + sample.labels.to_string() + " " +
                    std::to_string(sample.value));
  }
  return lines;
}

Result<ReadPage> read(const std::string& bytes, std::size_t max_samples = 100) {
  PageOptions options;
  options.max_samples = max_samples;
  return read_metric_families(bytes, options);
}

TEST(MetricFamilies, ReadCountersGaugesAndWhatHasNoType) {
  Message counter = family("a_total", 0).message(4, Message().message(1, label("x", "1")).message(3, Message().real(1, 3)));
  counter.message(4, Message().message(3, Message().real(1, 4)));
  const std::string body = counter.delimited() + family("g", 1).message(4, Message().message(2, Message().real(1, -1))).delimited() +
                           family("u", 3).message(4, Message().message(5, Message().real(1, 2))).delimited();
  const auto page = read(body);
  EXPECT_THAT(lines(page), ElementsAre("counter a_total{x=\"1\"} 3.000000", "counter a_total{} 4.000000", "gauge g{} -1.000000",
                                       "untyped u{} 2.000000"));
  EXPECT_EQ(page->help_of(page->samples[2]), "What it is.");
}

TEST(MetricFamilies, ReadHistogramsAndSummaries) {
  const Message histogram = Message().number(1, 5).real(2, 7.5).message(3, Message().number(1, 2).real(2, 0.5));
  const Message summary = Message().number(1, 3).real(2, 6).message(3, Message().real(1, 0.99).real(2, 2.5));
  EXPECT_THAT(lines(read(family("h", 4).message(4, Message().message(7, histogram)).delimited())),
              ElementsAre("histogram h_bucket{le=\"0.5\"} 2.000000", "histogram h_bucket{le=\"+Inf\"} 5.000000",
                          "histogram h_count{} 5.000000", "histogram h_sum{} 7.500000"));
  EXPECT_THAT(lines(read(family("s", 2).message(4, Message().message(4, summary)).delimited())),
              ElementsAre("summary s_count{} 3.000000", "summary s_sum{} 6.000000", "summary s{quantile=\"0.99\"} 2.500000"));
}

TEST(MetricFamilies, AddNoSecondInfiniteBucket) {
  const Message histogram =
      Message().number(1, 5).message(3, Message().number(1, 5).real(2, std::numeric_limits<double>::infinity()));
  EXPECT_EQ(lines(read(family("h", 4).message(4, Message().message(7, histogram)).delimited())).size(), 3u);
}

TEST(MetricFamilies, SayWhichSamplesHaveATimestamp) {
  const Message gauge = Message().real(1, 3);
  const auto page = read(family("g", 1).message(4, Message().number(6, 17).message(2, gauge)).message(4, Message().message(2, gauge)).delimited());
  ASSERT_TRUE(page);
  EXPECT_EQ(page->samples.at(0).timestamp_ms, 17);
  EXPECT_EQ(page->samples.at(1).timestamp_ms, std::nullopt);
}

TEST(MetricFamilies, SkipWhatTheyDoNotKnow) {
  const Message gauge = Message().real(1, 3).text(9, "new").number(17, 5);
  EXPECT_EQ(lines(read(family("g", 1).text(30, "new").message(4, Message().message(2, gauge).number(30, 1)).delimited())).size(), 1u);
}

TEST(MetricFamilies, RefuseWhatNoPageMayHave) {
  const Message gauge = Message().real(1, 3);
  const auto why = [](const Message& message) {
    const auto page = read(message.delimited());
    return page ? "" : page.error().text();
  };
  EXPECT_THAT(why(family("g-1", 1)), HasSubstr("a metric's name is none"));
  EXPECT_THAT(why(family("g", 1).message(4, Message().message(1, label("x-y", "1")).message(2, gauge))), HasSubstr("a label's name"));
  EXPECT_FALSE(read(family("g", 1).message(4, Message().message(2, gauge)).message(4, Message().message(2, gauge)).delimited(), 1));
}

TEST(MetricFamilies, RefuseWhatIsCutOff) {
  const std::string whole = family("g", 1).message(4, Message().message(1, label("x", "1")).message(2, Message().real(1, 3))).delimited();
  EXPECT_TRUE(read(whole));
  EXPECT_TRUE(read(""));
  for (std::size_t size = 1; size < whole.size(); ++size) EXPECT_FALSE(read(whole.substr(0, size))) << size;
  EXPECT_FALSE(read("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
  EXPECT_FALSE(read("a 1\n"));
}

TEST(MetricFamilies, AreKnownByTheirContentType) {
  EXPECT_TRUE(is_metric_families("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"));
  EXPECT_FALSE(is_metric_families("text/plain; version=0.0.4"));
}

}  // namespace
}  // namespace sidewatch::pushgateway
