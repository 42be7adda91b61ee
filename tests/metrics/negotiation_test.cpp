#include <gtest/gtest.h>

#include "metrics/exposition.h"

namespace sidewatch {
namespace {

constexpr auto text = ExpositionFormat::prometheus_text;
constexpr auto openmetrics = ExpositionFormat::openmetrics;

TEST(Negotiation, NothingAskedForMeansText) {
  EXPECT_EQ(choose_format(""), text);
  EXPECT_EQ(choose_format("*/*"), text);
  EXPECT_EQ(choose_format("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), text);
  EXPECT_EQ(choose_format("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily"), text);
}

TEST(Negotiation, WhatPrometheusSendsGetsOpenMetrics) {
  EXPECT_EQ(choose_format("application/openmetrics-text;version=1.0.0,"
                          "application/openmetrics-text;version=0.0.1;q=0.75,"
                          "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
            openmetrics);
  EXPECT_EQ(choose_format("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                          "application/openmetrics-text;version=0.0.1;q=0.5,"
                          "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                          "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"),
            openmetrics);
  EXPECT_EQ(choose_format("text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=0.0.1"), text);
}

TEST(Negotiation, TheHigherQualityWinsAndThenTheEarlier) {
  EXPECT_EQ(choose_format("application/openmetrics-text;q=0.4, text/plain;q=0.5"), text);
  EXPECT_EQ(choose_format("text/plain;q=0.499, application/openmetrics-text;q=0.5"), openmetrics);
  EXPECT_EQ(choose_format("text/plain, application/openmetrics-text"), text);
  EXPECT_EQ(choose_format("application/openmetrics-text, text/plain"), openmetrics);
}

TEST(Negotiation, TheMorePreciseRangeDecides) {
  EXPECT_EQ(choose_format("text/plain;q=0, */*"), openmetrics);
  EXPECT_EQ(choose_format("application/openmetrics-text;q=0, */*"), text);
  EXPECT_EQ(choose_format("application/*"), openmetrics);
  EXPECT_EQ(choose_format("text/*;q=0.1, application/*;q=0.2"), openmetrics);
}

TEST(Negotiation, WhatIsMalformedIsPassedOver) {
  for (const char* accept : {"application/openmetrics-text;q=2", "application/openmetrics-text;q=", ";;;,,,",
                             "q=1", "\"", "application/openmetrics-text;q=0.0001", "application/openmetrics-text;q=1.5",
                             "application/openmetrics-text;q=-1", "application/openmetrics-text;q=0"}) {
    EXPECT_EQ(choose_format(accept), text) << accept;
  }
}

TEST(Negotiation, CaseBlanksAndQuotesDoNotMatter) {
  EXPECT_EQ(choose_format(" Application/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=0.9 , text/plain;q=0.1"), openmetrics);
  EXPECT_EQ(choose_format("text/plain;note=\"a,b;c\";q=0.1,application/openmetrics-text;q=0.2"), openmetrics);
}

TEST(Negotiation, GzipIsUsedOnlyWhereItIsAllowed) {
  EXPECT_TRUE(accepts_gzip("gzip"));
  EXPECT_TRUE(accepts_gzip("deflate, GZIP;q=0.5, br"));
  EXPECT_TRUE(accepts_gzip("x-gzip"));
  EXPECT_TRUE(accepts_gzip("*"));
  EXPECT_FALSE(accepts_gzip(""));
  EXPECT_FALSE(accepts_gzip("identity"));
  EXPECT_FALSE(accepts_gzip("gzip;q=0"));
  EXPECT_FALSE(accepts_gzip("gzip; q=0.000"));
  EXPECT_FALSE(accepts_gzip("gzip;q=0, *"));
  EXPECT_FALSE(accepts_gzip("*;q=0"));
  EXPECT_FALSE(accepts_gzip("notgzip"));
}

TEST(Negotiation, TheContentTypesNameTheVersions) {
  EXPECT_EQ(content_type(text), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(content_type(openmetrics), "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

}  // namespace
}  // namespace sidewatch
