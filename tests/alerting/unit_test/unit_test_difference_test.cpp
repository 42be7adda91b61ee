#include "alerting/unit_test/unit_test_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace sidewatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

using Alerts = std::vector<ExpectedAlert>;
using Samples = promql::Vector;
using Messages = std::vector<ExpectedMessage>;

TEST(UnitTestDifference, IsEmptyWhateverTheOrder) {
  EXPECT_THAT(difference(Alerts{{{{"a", "1"}}, {}}, {{{"a", "2"}}, {}}}, Alerts{{{{"a", "2"}}, {}}, {{{"a", "1"}}, {}}}),
              IsEmpty());
  EXPECT_THAT(difference(Samples{{{{"a", "1"}}, 1}, {{}, 2}}, Samples{{{}, 2}, {{{"a", "1"}}, 1}}, Precision::exact),
              IsEmpty());
  EXPECT_THAT(difference(Alerts{}, Alerts{}), IsEmpty());
}

TEST(UnitTestDifference, CountsEqualElements) {
  EXPECT_THAT(difference(Alerts{{{{"a", "1"}}, {}}}, Alerts{{{{"a", "1"}}, {}}, {{{"a", "1"}}, {}}}),
              ElementsAre("unexpected  {a=\"1\"}"));
}

TEST(UnitTestDifference, ShowsOfTheMostSimilarAlertOnlyWhatDiffers) {
  const Alerts expected{{{{"alertname", "A"}, {"host", "x"}, {"severity", "page"}}, {{"summary", "down"}}}};
  const Alerts got{{{{"alertname", "A"}, {"host", "y"}, {"severity", "page"}}, {{"summary", "down"}}},
                   {{{"alertname", "A"}, {"host", "x"}, {"severity", "warning"}}, {{"summary", "up"}, {"more", "text"}}}};
  EXPECT_THAT(difference(expected, got),
              ElementsAre("the alert {alertname=\"A\", host=\"x\"} differs",         //
                          "    expected  severity = 'page'",                       //
                          "    got       severity = 'warning'",                    //
                          "    expected  no more",                                 //
                          "    got       more = 'text'",                           //
                          "    expected  summary = 'down'",                        //
                          "    got       summary = 'up'",                          //
                          "unexpected  {alertname=\"A\", host=\"y\", severity=\"page\"} with the annotations "
                          "{summary=\"down\"}"));
}

TEST(UnitTestDifference, ShowsBothValuesOfASeries) {
  EXPECT_THAT(difference(Samples{{{{"__name__", "up"}, {"a", "1"}}, 1}, {{}, 5}},
                         Samples{{{{"__name__", "up"}, {"a", "1"}}, 0.5}}, Precision::exact),
              ElementsAre("up{a=\"1\"}", "    expected  1", "    got       0.5", "missing     {} 5"));
}

TEST(UnitTestDifference, ComparesValuesBitByBitUnlessTheLastMayDiffer) {
  const auto differs = [](double a, double b, Precision precision) {
    return !difference(Samples{{{}, a}}, Samples{{{}, b}}, precision).empty();
  };
  EXPECT_TRUE(differs(0.3, 0.1 * 3, Precision::exact));
  EXPECT_FALSE(differs(0.3, 0.1 * 3, Precision::last_bit));
  EXPECT_TRUE(differs(0.3, 0.3000000001, Precision::last_bit));
  EXPECT_FALSE(differs(std::nan(""), std::nan("1"), Precision::exact));
  EXPECT_TRUE(differs(std::nan(""), 0, Precision::last_bit));
  EXPECT_FALSE(differs(INFINITY, INFINITY, Precision::exact));
  EXPECT_TRUE(differs(INFINITY, -INFINITY, Precision::last_bit));
}

TEST(UnitTestDifference, ComparesMessagesInTheirOrderAndLooksForTheirLabels) {
  const ExpectedMessage fired{1min, Reason::fired, Level::warning, {{"a", "1"}}};
  const ExpectedMessage resolved{3min, Reason::resolved, Level::ok, {}};
  EXPECT_THAT(difference(Messages{fired, resolved}, Messages{{1min, Reason::fired, Level::warning, {{"a", "1"}, {"b", "2"}}},
                                                             resolved}),
              IsEmpty());
  EXPECT_THAT(difference(Messages{fired}, Messages{resolved, fired}),
              ElementsAre("expected  1m fired (warning) {a=\"1\"}", "got       3m resolved (ok) {}",
                          "unexpected  1m fired (warning) {a=\"1\"}"));
  EXPECT_THAT(difference(Messages{fired}, Messages{}), ElementsAre("missing     1m fired (warning) {a=\"1\"}"));
}

}  // namespace
}  // namespace sidewatch
