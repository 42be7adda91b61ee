// What becomes of the samples of a page.
#include "collectors/scrape/page_intake.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

namespace sidewatch::scrape {
namespace {

class PageIntakeTest : public testing::Test {
 protected:
  // The error, or "".
  std::string take(std::string_view page, ExpositionFormat format = ExpositionFormat::prometheus_text) {
    if (!intake_) intake_.emplace(catalog_, options_, &exemplars_);
    batch_.clear();
    counts_ = {};
    const auto taken = intake_->take({page, format, time_at_ms(1'000), is_too_late_}, batch_, counts_);
    return taken ? "" : taken.error().what;
  }

  // What the last page brought, less the target's labels.
  std::string samples() const {
    std::string text;
    for (const auto& sample : batch_.samples()) {
      const auto info = catalog_.info(sample.series);
      const Labels shown = info->labels.without("job").without("instance");
      text += info->family->name + (shown.empty() ? "" : shown.to_string()) + "=" + std::to_string(static_cast<int>(sample.value)) + " ";
    }
    return text;
  }

  void rule(RelabelAction action, std::vector<std::string> source, std::string regex, std::string target = "") {
    RelabelRule& one = options_.relabelling.emplace_back();
    one.action = action;
    one.source_labels = std::move(source);
    one.regex.value = std::move(regex);
    one.target_label = std::move(target);
    one.compile();
  }

  Catalog catalog_{Catalog::Limits{}, Labels{}};
  Exemplars exemplars_;
  IntakeOptions options_{Labels{{"job", "shop"}, {"instance", "h:80"}}, false, {}, {}};
  std::optional<PageIntake> intake_;
  Batch batch_;
  PageCounts counts_;
  std::function<bool()> is_too_late_;
};

std::string numbered(std::string_view name, int from, int to) {
  std::string page;
  for (int i = from; i < to; ++i) page += std::string(name) + "{id=\"" + std::to_string(i) + "\"} " + std::to_string(i) + "\n";
  return page;
}

TEST_F(PageIntakeTest, GivesEverySeriesTheLabelsOfTheTargetAndItsFamilysMetadata) {
  ASSERT_EQ(take("# HELP a_total Many.\n# TYPE a_total counter\na_total{x=\"1\"} 5\nfree 2\n"), "");
  ASSERT_EQ(batch_.size(), 2u);
  const auto info = catalog_.info(batch_.samples()[0].series);
  EXPECT_EQ(info->labels.to_string(), R"({instance="h:80", job="shop", x="1"})");
  EXPECT_EQ(info->family->type, MetricType::counter);
  EXPECT_EQ(info->family->help, "Many.");
  EXPECT_EQ(catalog_.info(batch_.samples()[1].series)->family->type, MetricType::untyped);
}

TEST_F(PageIntakeTest, CallsAPagesLabelsExportedWhereTheTargetHasThem) {
  ASSERT_EQ(take("a{job=\"own\",exported_job=\"older\",instance=\"i\"} 1\n"), "");
  EXPECT_EQ(catalog_.info(batch_.samples()[0].series)->labels.to_string(),
            R"({exported_exported_job="own", exported_instance="i", exported_job="older", instance="h:80", job="shop"})");
}

TEST_F(PageIntakeTest, HonorsAPagesLabelsOnRequest) {
  options_.honor_labels = true;
  ASSERT_EQ(take("a{job=\"own\"} 1\n"), "");
  EXPECT_EQ(catalog_.info(batch_.samples()[0].series)->labels.to_string(), R"({instance="h:80", job="own"})");
}

TEST_F(PageIntakeTest, AnHonoredLabelThatIsEmptyTakesTheTargetsAway) {
  options_.honor_labels = true;
  ASSERT_EQ(take("a{instance=\"\",x=\"\"} 1\n"), "");
  EXPECT_EQ(catalog_.info(batch_.samples()[0].series)->labels.to_string(), R"({job="shop"})");
}

TEST_F(PageIntakeTest, ALabelThatIsEmptyIsNoneWhereItIsNotHonored) {
  ASSERT_EQ(take("a{instance=\"\",x=\"\"} 1\n"), "");
  EXPECT_EQ(catalog_.info(batch_.samples()[0].series)->labels.to_string(), R"({instance="h:80", job="shop"})");
}

TEST_F(PageIntakeTest, CountsWhatIsNewAndWhatRelabellingLeaves) {
  rule(RelabelAction::drop, {"__name__"}, "go_.*");
  ASSERT_EQ(take("a 1\ngo_threads 7\nb 2\n"), "");
  EXPECT_EQ(samples(), "a=1 b=2 ");
  EXPECT_EQ(counts_.scraped, 3u);
  EXPECT_EQ(counts_.kept, 2u);
  EXPECT_EQ(counts_.added, 2u);
  ASSERT_EQ(take("a 3\ngo_threads 7\nc 2\n"), "");
  EXPECT_EQ(samples(), "a=3 c=2 ");
  EXPECT_EQ(counts_.added, 1u);
}

TEST_F(PageIntakeTest, RelabellingMayRenameAMetricAndMakeTwoSeriesOne) {
  rule(RelabelAction::labeldrop, {}, "pod");
  ASSERT_EQ(take("a{pod=\"1\"} 1\na{pod=\"2\"} 2\nb 3\n"), "");
  EXPECT_EQ(samples(), "a=1 b=3 ");
  EXPECT_EQ(counts_.duplicates, 1u);
  EXPECT_EQ(counts_.first_duplicate, R"(a{instance="h:80", job="shop"})");
  ASSERT_EQ(take("a{pod=\"1\"} 5\na{pod=\"2\"} 6\nb 7\n"), "");
  EXPECT_EQ(samples(), "a=5 b=7 ");
  ASSERT_EQ(take("a{pod=\"2\"} 8\nb 9\n"), "");
  EXPECT_EQ(samples(), "a=8 b=9 ");
  EXPECT_EQ(counts_.duplicates, 0u);
}

TEST_F(PageIntakeTest, OfASeriesThatStandsTwiceTheFirstCounts) {
  ASSERT_EQ(take("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\na{x=\"1\",y=\"2\"} 3\n"), "");
  EXPECT_EQ(samples(), R"(a{x="1", y="2"}=1 )");
  EXPECT_EQ(counts_.duplicates, 2u);
}

TEST_F(PageIntakeTest, LeavesOutWhatTheAgentSaysOfItself) {
  ASSERT_EQ(take("sidewatch_up 0\nALERTS{alertname=\"x\"} 1\nfine 1\n"), "");
  EXPECT_EQ(samples(), "fine=1 ");
  EXPECT_EQ(counts_.refused, 2u);
  EXPECT_EQ(counts_.first_refused, "sidewatch_up");
  ASSERT_EQ(take("sidewatch_up 0\nfine 1\n"), "");
  EXPECT_EQ(counts_.refused, 1u);
}

TEST_F(PageIntakeTest, APageWithMoreThanItsLimitsIsNotTaken) {
  options_.limits = {.samples = 2, .labels = 5, .label_name_bytes = 8, .label_value_bytes = 6};
  EXPECT_EQ(take("a 1\nb 1\nc 1\nd 1\n"), "the page has more samples than sample_limit (2) allows: raise it, or drop some of them with metric_relabel_configs");
  EXPECT_TRUE(counts_.over_limit);
  EXPECT_EQ(counts_.scraped, 4u);
  EXPECT_EQ(batch_.size(), 0u);
  EXPECT_EQ(catalog_.size(), 0u) << "it leaves nothing behind";
  EXPECT_EQ(take("a{x=\"1\",y=\"2\",z=\"3\"} 1\n"),
            "a series (of a{x=\"1\",y=\"2\",z=\"3\"}) has more labels than label_limit (5) allows");
  EXPECT_EQ(take("a{long_name=\"1\"} 1\n"),
            "a label's name (of a{long_name=\"1\"}) is longer than label_name_length_limit (8) allows");
  EXPECT_EQ(take("a{x=\"1234567\"} 1\n"),
            "the value of label x (of a{x=\"1234567\"}) is longer than label_value_length_limit (6) allows");
  EXPECT_EQ(take("a 1\nb 1\n"), "");
  EXPECT_EQ(counts_.added, 2u);
}

TEST_F(PageIntakeTest, APageThatIsBrokenSomewhereBringsNothing) {
  EXPECT_EQ(take("a 1\nb one\n"), "the page is not understood at line 2, column 3: \"one\" is not a number");
  EXPECT_EQ(batch_.size(), 0u);
  EXPECT_EQ(catalog_.size(), 0u);
  EXPECT_FALSE(counts_.over_limit);
  EXPECT_EQ(take("a 1\n# EOF\n", ExpositionFormat::openmetrics), "");
  EXPECT_EQ(samples(), "a=1 ");
}

TEST_F(PageIntakeTest, APageThatTakesTooLongIsNotTaken) {
  int looks = 0;
  is_too_late_ = [&looks] { return ++looks == 3; };
  EXPECT_EQ(take(numbered("a", 0, 10'000)), "the page could not be read to its end in time");
  EXPECT_TRUE(counts_.too_late);
  EXPECT_LT(counts_.scraped, 1000u);
  EXPECT_EQ(batch_.size(), 0u);
  EXPECT_EQ(catalog_.size(), 0u);
  EXPECT_EQ(intake_->known_series(), 0u);
  EXPECT_EQ(take(numbered("a", 0, 500)), "");
}

TEST_F(PageIntakeTest, ThereIsAnEndToWhatMayBeDescribed) {
  std::string page;
  for (int i = 0; i <= 100'000; ++i) page += "# TYPE m" + std::to_string(i) + " gauge\n";
  EXPECT_EQ(take(page), "the page is not understood at line 100001, column 16: more than 100000 metrics are described");
}

TEST_F(PageIntakeTest, SeriesBeyondTheBudgetShareOneOfTheirMetric) {
  options_.max_series = 3;
  const std::string page = numbered("a", 1, 6) + "b 7\n";
  ASSERT_EQ(take(page), "");
  const std::string expected = R"(a{id="1"}=1 a{id="2"}=2 a{id="3"}=3 a{overflow="true"}=5 b{overflow="true"}=7 )";
  EXPECT_EQ(samples(), expected);
  EXPECT_EQ(catalog_.info(batch_.samples().back().series)->labels.get("job"), "shop");
  EXPECT_EQ(counts_.overflowed, 3u);
  EXPECT_EQ(counts_.kept, 6u);
  EXPECT_EQ(counts_.added, 3u);
  EXPECT_EQ(counts_.duplicates, 0u);
  ASSERT_EQ(take(page), "");
  EXPECT_EQ(samples(), expected);
  EXPECT_EQ(counts_.overflowed, 3u) << "in each page";
  EXPECT_EQ(counts_.added, 0u);
}

TEST_F(PageIntakeTest, AMetricNamesBudgetIsBoundedAsWell) {
  options_.max_series = 1;
  for (int round = 0; round < 20; ++round) {
    std::string page = "steady " + std::to_string(round) + "\n";
    for (int i = 0; i < 50; ++i) page += "m" + std::to_string(round * 50 + i) + " 1\n";
    ASSERT_EQ(take(page), "");
    ASSERT_TRUE(samples().starts_with("steady=" + std::to_string(round) + " "));
    EXPECT_EQ(counts_.overflowed, 50u);
  }
  EXPECT_EQ(catalog_.size(), 1 + OverflowSeries::max_metrics);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int label_sets = 100'000;
#else
constexpr int label_sets = 1'000'000;
#endif

TEST_F(PageIntakeTest, AMillionLabelSetsOverManyPagesLeaveMemoryBoundedAndOtherSeriesRight) {
  constexpr int on_a_page = 20'000;
  options_.max_series = 1000;
  Store store(catalog_, {std::chrono::minutes(1), std::size_t{1} << 20});
  const auto source = store.add_source("s");
  for (int from = 0; from < label_sets; from += on_a_page) {
    ASSERT_EQ(take("steady " + std::to_string(from) + "\n" + numbered("flood", from, from + on_a_page)), "");
    store.append(source, time_at_ms(from), batch_);
    ASSERT_EQ(batch_.samples().front().value, from);
    ASSERT_EQ(catalog_.info(batch_.samples().front().series)->family->name, "steady");
    ASSERT_LE(catalog_.size(), 1001u) << "the budget and an overflow series";
    ASSERT_LE(intake_->known_series(), 1000 + PageIntake::max_idle_texts);
    ASSERT_EQ(counts_.scraped, 1u + on_a_page);
    ASSERT_EQ(counts_.overflowed, from == 0 ? on_a_page - 999u : on_a_page);
    ASSERT_LE(batch_.size(), 1001u) << "the overflow series is written once";
  }
}

TEST_F(PageIntakeTest, WhatHadNoRoomIsTriedAgainWhenThereIsSome) {
  options_.max_series = 2;
  Store store(catalog_, {std::chrono::minutes(1), std::size_t{1} << 20});
  const auto source = store.add_source("s");
  Time now = time_at_ms(1'000'000);
  const auto scrape = [&](const std::string& page) {
    now += std::chrono::seconds(40);
    ASSERT_EQ(take(page), "");
    store.append(source, now, batch_);
    store.expire(now);
  };
  scrape(numbered("a", 1, 4));
  EXPECT_EQ(samples(), R"(a{id="1"}=1 a{id="2"}=2 a{overflow="true"}=3 )");
  for (int i = 0; i < 6; ++i) scrape(numbered("a", 2, 4));
  EXPECT_EQ(samples(), R"(a{id="2"}=2 a{id="3"}=3 )") << "the store has forgotten the first";
  EXPECT_EQ(counts_.overflowed, 0u);
  EXPECT_EQ(counts_.duplicates, 0u);
}

TEST_F(PageIntakeTest, RemembersOnlySoManyTextsThatBringNothing) {
  rule(RelabelAction::drop, {"__name__"}, "idle");
  options_.max_series = 10;
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(take("first 1\n" + numbered("idle", 0, 15'000) + numbered("over", 0, 15'000) + "last 2\n"), "");
    EXPECT_EQ(counts_.scraped, 30'002u);
    EXPECT_EQ(counts_.kept, 15'002u);
    EXPECT_EQ(counts_.overflowed, 15'002u - 10) << "the last is behind the budget";
    EXPECT_EQ(intake_->known_series(), 10 + PageIntake::max_idle_texts);
  }
  ASSERT_EQ(take("first 1\n" + numbered("idle", 0, 50'000) + "second 2\n"), "");
  EXPECT_EQ(intake_->known_series(), 1 + PageIntake::max_idle_texts) << "the second has no room and is one too many";
}

TEST_F(PageIntakeTest, ANameThatRelabellingTakesAwayIsTold) {
  rule(RelabelAction::labelkeep, {}, "x");
  EXPECT_EQ(take("a{x=\"1\"} 1\n"), "metric_relabel_configs take the name of a{x=\"1\"} away");
}

TEST_F(PageIntakeTest, TakesAHistogramWholeAndKeepsItsExemplars) {
  const std::string page =
      "# TYPE t histogram\n"
      "t_bucket{le=\"1.0\"} 2 # {trace_id=\"abc\"} 0.5 1700000000.5\n"
      "t_bucket{le=\"+Inf\"} 3 # {trace_id=\"def\"} 2\n"
      "t_count 3\nt_sum 4\n# EOF\n";
  ASSERT_EQ(take(page, ExpositionFormat::openmetrics), "");
  EXPECT_EQ(samples(), R"(t_bucket{le="1.0"}=2 t_bucket{le="+Inf"}=3 t_count=3 t_sum=4 )");
  EXPECT_EQ(exemplars_.size(), 2u);
  const auto first = exemplars_.newest(*catalog_.info(batch_.samples()[0].series));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->labels.to_string(), R"({trace_id="abc"})");
  EXPECT_EQ(first->value, 0.5);
  EXPECT_EQ(first->at, WallTime(Duration(1'700'000'000'500)));
  ASSERT_EQ(take(page, ExpositionFormat::openmetrics), "");
  EXPECT_EQ(exemplars_.size(), 2u) << "the same again is not another one";
}

}  // namespace
}  // namespace sidewatch::scrape
