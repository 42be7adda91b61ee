#include "metrics/exposition_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

namespace sidewatch {
namespace {

using Format = ExpositionFormat;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();

// Every kind of series, with headings between them.
class ExpositionPageTest : public testing::TestWithParam<Format> {
 protected:
  ExpositionPageTest() {
    add({"a_bytes", MetricType::gauge, "bytes", "A gauge."}, {});
    add({"b_total", MetricType::counter, "", "A counter."}, {{"cpu", "0"}});
    add({"b_total", MetricType::counter, "", "A counter."}, {{"cpu", "1"}});
    for (const char* bound : {"1", "5", "+Inf"}) {
      add({"c_seconds_bucket", MetricType::histogram, "seconds", "A histogram."}, {{"le", bound}});
    }
    add({"c_seconds_sum", MetricType::histogram, "seconds", "A histogram."}, {});
    add({"c_seconds_count", MetricType::histogram, "seconds", "A histogram."}, {});
    add({"d", MetricType::summary, "", "A summary."}, {{"quantile", "0.5"}});
    add({"d_sum", MetricType::summary, "", "A summary."}, {});
    add({"d_count", MetricType::summary, "", "A summary."}, {});
    add({"e_*", MetricType::untyped, "", "Untyped."}, {});
  }

  void add(const Metric& metric, const Labels& labels) {
    handles.push_back(catalog.series(metric, labels));
    values.push_back(1);
    shown.push_back(true);
  }

  void write() {
    now += std::chrono::seconds(1);
    Batch batch;
    for (std::size_t i = 0; i < handles.size(); ++i) {
      if (shown[i]) batch.add(handles[i], values[i]);
    }
    store.append(source, now, batch);
  }

  std::string anew() const {
    std::string text;
    render_exposition(store.snapshot(), GetParam(), text);
    return text;
  }

  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, Store::Limits{}};
  SourceId source = store.add_source("test");
  Time now = time_at_ms(1000);
  std::vector<SeriesHandle> handles;
  std::vector<double> values;
  std::vector<bool> shown;
  ExpositionPage page{GetParam()};
};

TEST_P(ExpositionPageTest, IsAlwaysThePageThatIsDrawnFromTheGround) {
  std::mt19937 random(20);
  const std::vector<double> some = {0, 1, 2, 17, 123456789, 0.5, -1, -0.25, not_a_number, infinite, -infinite, 1e300};
  std::string before;
  for (int pass = 0; pass < 4000; ++pass) {
    const std::size_t changes = random() % 4;
    for (std::size_t i = 0; i < changes; ++i) values[random() % values.size()] = some[random() % some.size()];
    if (random() % 20 == 0) {
      const std::size_t one = random() % shown.size();
      shown[one] = !shown[one];
    }
    if (pass == 2000) add({"aa", MetricType::gauge, "", "One more."}, {});
    write();
    const std::string now_drawn = page.draw(store, pass == 0 ? nullptr : &before);
    ASSERT_EQ(now_drawn, anew()) << "pass " << pass;
    before = now_drawn;
  }
}

TEST_P(ExpositionPageTest, IsDrawnAnewWhenTheTextBeforeWasNotKept) {
  write();
  const std::string first = page.draw(store, nullptr);
  values[0] = 2;
  write();
  EXPECT_EQ(page.draw(store, nullptr), anew());
  EXPECT_NE(anew(), first);
}

TEST_P(ExpositionPageTest, OfAnEmptyStoreIsAPageToo) {
  const std::string empty = page.draw(store, nullptr);
  EXPECT_EQ(empty, anew());
  EXPECT_EQ(page.draw(store, &empty), anew());
  write();
  EXPECT_EQ(page.draw(store, &empty), anew());
}

INSTANTIATE_TEST_SUITE_P(Formats, ExpositionPageTest, testing::Values(Format::prometheus_text, Format::openmetrics),
                         [](const auto& one) { return one.param == Format::openmetrics ? "OpenMetrics" : "Text"; });

}  // namespace
}  // namespace sidewatch
