// A target as a scrape finds it: well, slow, broken, gone.
#include "collectors/scrape/scrape.h"

#include <gtest/gtest.h>

#include <csignal>
#include <map>

#include "base/gzip.h"
#include "tests/support/fake_http_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_certificate.h"

namespace sidewatch::scrape {
namespace {

using namespace std::chrono_literals;
using Manner = FakeAnswer::Manner;

FakeAnswer page(std::string body, std::string type = "text/plain; version=0.0.4") {
  return {.headers = {{"Content-Type", std::move(type)}}, .body = std::move(body)};
}

class ScrapeTest : public testing::Test {
 protected:
  ScrapeTest() { std::signal(SIGPIPE, SIG_IGN); }

  TargetConfig target_of(const std::string& url) const {
    TargetConfig target;
    target.url = url;
    target.timeout = 5s;
    target.max_page_bytes = 1 << 20;
    target.intake.target_labels = Labels{{"job", "shop"}, {"instance", "h:80"}};
    return target;
  }

  void scrape(const TargetConfig& target) {
    if (!collector_) {
      collector_ = make_scrape_collector(std::make_shared<const TargetConfig>(target),
                                         {.catalog = catalog_, .version = "", .interval = interval_});
    }
    batch_.clear();
    const auto outcome = collector_->collect(batch_, time_at_ms(1'000));
    ASSERT_TRUE(outcome) << outcome.error().what;
    trouble_ = outcome->first_partial_error;
    samples_.clear();
    for (const auto& sample : batch_.samples()) {
      const auto info = catalog_.info(sample.series);
      const Labels shown = info->labels.without("job").without("instance");
      samples_[info->family->name + (shown.empty() ? "" : shown.to_string())] = sample.value;
    }
  }

  // What is said of the scrape, less its duration.
  std::string report() {
    const auto of = [this](const std::string& name) { return std::to_string(static_cast<int>(samples_.at(name))); };
    return "up " + of("up") + ", scraped " + of("scrape_samples_scraped") + ", kept " +
           of("scrape_samples_post_metric_relabeling") + ", added " + of("scrape_series_added");
  }

  Catalog catalog_{Catalog::Limits{}, Labels{}};
  Duration interval_ = 15s;
  std::unique_ptr<Collector> collector_;
  Batch batch_;
  std::string trouble_;
  std::map<std::string, double> samples_;
};

TEST_F(ScrapeTest, BringsThePageAndWhatIsSaidAboutIt) {
  FakeHttpServer server({page("a{x=\"1\"} 1.5\nb 2\n")});
  scrape(target_of(server.url("/metrics")));
  EXPECT_EQ(trouble_, "");
  EXPECT_EQ(report(), "up 1, scraped 2, kept 2, added 2");
  EXPECT_GT(samples_.at("scrape_duration_seconds"), 0);
  EXPECT_EQ(samples_.at("a{x=\"1\"}"), 1.5);
  scrape(target_of(""));
  EXPECT_EQ(report(), "up 1, scraped 2, kept 2, added 0");
}

TEST_F(ScrapeTest, AsksAsPrometheusAsksAndKeepsTheConnection) {
  FakeHttpServer server({page("a 1\n")});
  TargetConfig target = target_of(server.url("/metrics?x=1"));
  target.access.bearer_token = config::Secret::of_text("token");
  target.access.headers["X-Team"] = config::Secret::of_text("ops");
  scrape(target);
  scrape(target);
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].path, "/metrics?x=1");
  EXPECT_TRUE(requests[0].header("Accept").starts_with("application/openmetrics-text;version=1.0.0,"));
  EXPECT_NE(requests[0].header("Accept").find("text/plain;version=0.0.4;q=0.5"), std::string::npos);
  EXPECT_EQ(requests[0].header("Accept-Encoding"), "gzip");
  EXPECT_EQ(requests[0].header("X-Prometheus-Scrape-Timeout-Seconds"), "5");
  EXPECT_EQ(requests[0].header("Authorization"), "Bearer token");
  EXPECT_EQ(requests[0].header("X-Team"), "ops");
  EXPECT_EQ(requests[0].connection, requests[1].connection);
}

TEST_F(ScrapeTest, UnpacksGzipWithinTheLimit) {
  FakeAnswer packed = page(gzip_compress("a 1\n"));
  packed.headers.push_back({"Content-Encoding", "gzip"});
  FakeAnswer bomb = page(gzip_compress(std::string(8 << 20, '#')));
  bomb.headers.push_back({"Content-Encoding", "gzip"});
  FakeHttpServer server({packed, bomb});
  const auto target = target_of(server.url());
  scrape(target);
  EXPECT_EQ(samples_.at("a"), 1);
  scrape(target);
  EXPECT_EQ(report(), "up 0, scraped 0, kept 0, added 0");
  EXPECT_EQ(trouble_, server.url() + "...: the answer cannot be unpacked: unpacks to more than 1048576 bytes");
  EXPECT_EQ(samples_.count("a"), 0u) << "its series go stale";
}

TEST_F(ScrapeTest, ReadsOpenMetricsWhereTheTargetSaysSo) {
  FakeHttpServer server({page("a 1\n# EOF\n", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
                         page("a 1\n", "application/openmetrics-text; version=1.0.0; charset=utf-8")});
  const auto target = target_of(server.url());
  scrape(target);
  EXPECT_EQ(report(), "up 1, scraped 1, kept 1, added 1");
  scrape(target);
  EXPECT_EQ(report(), "up 0, scraped 1, kept 1, added 0");
  EXPECT_EQ(trouble_, server.url() + "...: the page is not understood at line 2, column 1: the page does not end with "
                                     "# EOF: it is not whole");
}

TEST_F(ScrapeTest, SaysWhyThereIsNoPageInWordsThatStayTheSame) {
  FakeHttpServer server({{.status = 404}, {.status = 503}, {.status = 302}, {.status = 401},
                         page("<html>", "text/html; charset=utf-8"), page("a one\n")});
  const auto target = target_of(server.url("/metrics"));
  const std::string place = server.url() + "...: ";
  for (const auto* expected : {"answered 404: there is no such page, look at the path of the URL", "answered 503",
                               "answered 302, which leads to another place: redirects are not followed, give that address",
                               "answered 401: it wants to know who asks (basic_auth, bearer_token), or does not allow it",
                               "answered a page for browsers (text/html), not samples: look at the path of the URL",
                               "the page is not understood at line 1, column 3: \"one\" is not a number"}) {
    scrape(target);
    EXPECT_EQ(trouble_, place + expected);
    EXPECT_EQ(samples_.at("up"), 0);
  }
  EXPECT_EQ(samples_.at("sidewatch_scrape_failures_total{reason=\"status\"}"), 4);
  EXPECT_EQ(samples_.at("sidewatch_scrape_failures_total{reason=\"format\"}"), 2);
}

TEST_F(ScrapeTest, ATargetThatIsGoneOrSlowCostsOneScrape) {
  scrape(target_of("http://127.0.0.1:" + std::to_string(unused_port()) + "/metrics"));
  EXPECT_EQ(samples_.at("up"), 0);
  EXPECT_NE(trouble_.find("cannot be connected to: nothing listens there"), std::string::npos) << trouble_;
  collector_.reset();
  FakeHttpServer server({{.manner = Manner::hang}});
  TargetConfig target = target_of(server.url());
  target.timeout = 100ms;
  scrape(target);
  EXPECT_EQ(trouble_, server.url() + "...: gave no whole answer within the timeout of 100ms");
  EXPECT_EQ(samples_.at("sidewatch_scrape_failures_total{reason=\"timeout\"}"), 1);
}

TEST_F(ScrapeTest, GivesUpBeforeTheNextScrapeIsDue) {
  FakeHttpServer server({page("a 1\n"), page("a 1\n"), page("a 1\n")});
  TargetConfig target = target_of(server.url());
  target.timeout.reset();
  scrape(target);
  EXPECT_EQ(server.requests().back().header("X-Prometheus-Scrape-Timeout-Seconds"), "5");
  collector_.reset();
  interval_ = 2s;
  scrape(target);
  EXPECT_EQ(server.requests().back().header("X-Prometheus-Scrape-Timeout-Seconds"), "1.9");
  collector_.reset();
  target.timeout = 2s;
  scrape(target);
  EXPECT_EQ(server.requests().back().header("X-Prometheus-Scrape-Timeout-Seconds"), "1.9");
}

TEST_F(ScrapeTest, APageOverItsSizeIsNotTaken) {
  FakeHttpServer server({{.body = std::string(1000, '\n'), .manner = Manner::chunked, .repeat = 5000}});
  scrape(target_of(server.url()));
  EXPECT_EQ(trouble_, server.url() + "...: the answer is larger than 1MiB (body_size_limit)");
}

TEST_F(ScrapeTest, APageOverASampleLimitTellsHowManyItHad) {
  FakeHttpServer server({page("a 1\nb 1\nc 1\n")});
  TargetConfig target = target_of(server.url());
  target.intake.limits.samples = 2;
  scrape(target);
  EXPECT_EQ(report(), "up 0, scraped 3, kept 3, added 0");
  EXPECT_EQ(samples_.at("sidewatch_scrape_failures_total{reason=\"limit\"}"), 1);
}

TEST_F(ScrapeTest, TellsSamplesThatAreLeftOut) {
  FakeHttpServer server({page("a 1\na 2\nsidewatch_x 1\n")});
  scrape(target_of(server.url()));
  EXPECT_EQ(samples_.at("a"), 1);
  EXPECT_EQ(samples_.at("up"), 1);
  EXPECT_EQ(trouble_, server.url() + "...: has more than one sample of a series, such as a; the first counts");
  EXPECT_EQ(samples_.at("sidewatch_scrape_left_out_total{reason=\"duplicate\"}"), 1);
  EXPECT_EQ(samples_.at("sidewatch_scrape_left_out_total{reason=\"own_name\"}"), 1);
}

TEST_F(ScrapeTest, TellsAndCountsWhatMaxSeriesHasNoRoomFor) {
  FakeHttpServer server({page("a{x=\"1\"} 1\na{x=\"2\"} 2\nb 3\n"), page("a{x=\"1\"} 1\na{x=\"2\"} 5\n")});
  TargetConfig target = target_of(server.url());
  target.intake.max_series = 1;
  scrape(target);
  EXPECT_EQ(report(), "up 1, scraped 3, kept 3, added 1");
  EXPECT_EQ(samples_.at("a{x=\"1\"}"), 1);
  EXPECT_EQ(samples_.at("a{overflow=\"true\"}"), 2);
  EXPECT_EQ(samples_.at("sidewatch_scrape_overflow_samples_total"), 2);
  EXPECT_NE(trouble_.find("brings more series than max_series (1) allows"), std::string::npos) << trouble_;
  scrape(target);
  EXPECT_EQ(samples_.at("a{overflow=\"true\"}"), 5);
  EXPECT_EQ(samples_.count("b{overflow=\"true\"}"), 0u);
  EXPECT_EQ(samples_.at("sidewatch_scrape_overflow_samples_total"), 3);
}

TEST_F(ScrapeTest, ShowsWhoItIsToServersWhoseCertificateHoldsAlone) {
  const TempDir directory;
  const FakeTls tls = make_certificate(directory, "server");
  FakeHttpServer server({page("a 1\n")}, &tls);
  TargetConfig target = target_of(server.url("/metrics"));
  target.access.basic_auth = OutgoingBasicAuth{"user", config::Secret::of_text("secret")};
  target.access.tls.ca_file.value = make_certificate(directory, "other").certificate_file;
  scrape(target);
  EXPECT_EQ(samples_.at("up"), 0);
  EXPECT_EQ(samples_.at("sidewatch_scrape_failures_total{reason=\"tls\"}"), 1);
  EXPECT_NE(trouble_.find("SSL certificate problem: self-signed certificate"), std::string::npos) << trouble_;
  EXPECT_TRUE(server.requests().empty());
  collector_.reset();
  target.access.tls.ca_file.value = tls.certificate_file;
  scrape(target);
  EXPECT_EQ(trouble_, "");
  EXPECT_EQ(samples_.at("a"), 1);
  EXPECT_EQ(server.requests().at(0).header("Authorization"), "Basic dXNlcjpzZWNyZXQ=");
}

TEST_F(ScrapeTest, ShowsACertificateOfItsOwnWhereTheServerWantsOne) {
  const TempDir directory;
  const FakeTls mine = make_certificate(directory, "mine");
  FakeTls tls = make_certificate(directory, "server");
  tls.client_ca_file = mine.certificate_file;
  FakeHttpServer server({page("a 1\n")}, &tls);
  TargetConfig target = target_of(server.url("/metrics"));
  target.access.tls.ca_file.value = tls.certificate_file;
  scrape(target);
  EXPECT_EQ(samples_.at("up"), 0);
  collector_.reset();
  target.access.tls.cert_file.value = mine.certificate_file;
  target.access.tls.key_file.value = mine.key_file;
  scrape(target);
  EXPECT_EQ(trouble_, "");
  EXPECT_EQ(samples_.at("up"), 1);
}

TEST_F(ScrapeTest, DoesNotAskWithoutASecretThatCannotBeRead) {
  FakeHttpServer server({page("a 1\n")});
  TargetConfig target = target_of(server.url());
  target.access.bearer_token = config::Secret::of_file("/nonexistent/token");
  scrape(target);
  EXPECT_EQ(trouble_, server.url() + "...: was not asked: bearer_token cannot be read now");
  EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace sidewatch::scrape
