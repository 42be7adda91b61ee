// A pass of the collector over a server that answers from a test's tables.
#include "collectors/database/postgresql/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/database/postgresql/queries.h"
#include "tests/collectors/database/fake_sql.h"

namespace sidewatch::database::postgresql {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class PostgresqlCollectorTest : public ::testing::Test {
 protected:
  PostgresqlCollectorTest() {
    config.instance.name.value = "main";
    config.instance.labels = {{"cluster", "shop"}};
    answers[std::string(settings_sql)] = {
        {"name", "setting", "unit", "vartype"},
        {{"shared_buffers", "16384", "8kB", "integer"}, {"fsync", "on", "", "bool"}, {"auto_explain.x", "5", "", "integer"}},
        {}};
    answers[std::string(privileges_sql)] = {{"all_stats", "user"}, {{"t", "sidewatch"}}, {}};
    for (const auto& one : queries_for(config)) {
      std::vector<std::string> names;
      for (const auto& column : one.columns) {
        if (std::find(names.begin(), names.end(), column.name) == names.end()) names.emplace_back(column.name);
      }
      answers[one.sql] = {names, {std::vector<std::optional<std::string>>(names.size(), "7")}, {}};
    }
  }

  void collect() {
    batch.clear();
    auto result = collector().collect(batch, now);
    ASSERT_TRUE(result);
    outcome = *result;
    now += 5s;
  }

  Collector& collector() {
    if (!made) {
      made = make_postgresql_collector(config, catalog, [this](std::unique_ptr<SqlConnection>& connection) {
        if (refused) return refused;
        auto fake = std::make_unique<FakeSql>(version);
        fake->answers = answers;
        last = fake.get();
        connection = std::move(fake);
        return std::optional<Failure>();
      });
    }
    return *made;
  }

  std::map<std::string, double> samples() const {
    std::map<std::string, double> found;
    for (const auto& sample : batch.samples()) {
      const auto info = catalog.info(sample.series);
      auto labels = info->labels.without("instance").without("cluster");
      found[info->family->name + (labels.empty() ? "" : labels.to_string())] = sample.value;
    }
    return found;
  }
  double value(const std::string& name) const {
    const auto all = samples();
    const auto found = all.find(name);
    return found == all.end() ? std::nan("") : found->second;
  }
  std::size_t count(const std::string& prefix) const {
    std::size_t number = 0;
    for (const auto& [name, one] : samples()) number += name.starts_with(prefix) ? 1 : 0;
    return number;
  }

  PostgresqlConfig config;
  ServerVersion version{150400, ""};
  std::map<std::string, FakeAnswer, std::less<>> answers;
  std::optional<Failure> refused;
  FakeSql* last = nullptr;
  Catalog catalog{Catalog::Limits{}, Labels{}};
  Batch batch;
  PassOutcome outcome;
  Time now = time_at_ms(1'000'000);
  std::unique_ptr<Collector> made;
};

TEST_F(PostgresqlCollectorTest, PutsTheInstanceAndItsLabelsOnEverySeries) {
  collect();
  EXPECT_EQ(outcome.partial_errors, 0u) << outcome.first_partial_error;
  EXPECT_GT(samples().size(), 150u);
  for (const auto& sample : batch.samples()) {
    const auto labels = catalog.info(sample.series)->labels;
    EXPECT_EQ(labels.get("instance"), "main");
    EXPECT_EQ(labels.get("cluster"), "shop");
  }
}

TEST_F(PostgresqlCollectorTest, SaysThatTheServerIsUp) {
  collect();
  EXPECT_EQ(value("pg_up"), 1);
  EXPECT_EQ(value("pg_exporter_last_scrape_error"), 0);
  EXPECT_EQ(count("pg_exporter_last_scrape_duration_seconds"), 1u);
}

TEST_F(PostgresqlCollectorTest, SaysThatItIsDownAndWhy) {
  refused = Failure{FailureKind::login_refused, "PostgreSQL says: no", false};
  collect();
  EXPECT_EQ(value("pg_up"), 0);
  EXPECT_EQ(value("pg_exporter_last_scrape_error"), 1);
  EXPECT_EQ(outcome.first_partial_error, "PostgreSQL says: no");
  EXPECT_EQ(count("pg_stat_"), 0u);
  EXPECT_EQ(value(R"(sidewatch_database_errors_total{engine="postgresql", query="connect", reason="login_refused"})"),
            1);
}

TEST_F(PostgresqlCollectorTest, ComesBackWithTheServer) {
  refused = Failure{FailureKind::unreachable, "nobody listens", false};
  collect();
  refused.reset();
  collect();
  EXPECT_EQ(value("pg_up"), 1);
  EXPECT_EQ(outcome.partial_errors, 0u);
}

TEST_F(PostgresqlCollectorTest, LosesOnlyTheQueryThatFails) {
  for (const auto& one : queries_for(config)) {
    if (one.query.name == "wal_files") {
      answers[one.sql].failure = Failure{FailureKind::denied, "permission denied for function pg_ls_waldir", false};
    }
  }
  collect();
  EXPECT_EQ(value("pg_up"), 1);
  EXPECT_EQ(count("pg_wal_segments"), 0u);
  EXPECT_GT(count("pg_stat_database_"), 10u);
  EXPECT_THAT(outcome.first_partial_error, HasSubstr("query 'wal_files': permission denied"));
}

TEST_F(PostgresqlCollectorTest, TellsAUserWhoIsShownLessThanThereIs) {
  answers[std::string(privileges_sql)].rows = {{"f", "watcher"}};
  collect();
  EXPECT_THAT(outcome.first_partial_error, HasSubstr("GRANT pg_monitor TO watcher"));
  EXPECT_EQ(value("pg_up"), 1);
}

TEST_F(PostgresqlCollectorTest, MakesAMetricOfEachSetting) {
  collect();
  EXPECT_EQ(value("pg_settings_shared_buffers_bytes"), 134217728);
  EXPECT_EQ(value("pg_settings_fsync"), 1);
  EXPECT_EQ(value("pg_settings_auto_explain_x"), 5);
}

TEST_F(PostgresqlCollectorTest, HasTheCheckpointersNamesOnEveryVersion) {
  for (const std::uint32_t number : {120000u, 150400u, 160200u, 170000u, 180100u}) {
    version.number = number;
    made.reset();
    collect();
    EXPECT_EQ(outcome.partial_errors, 0u) << number << ": " << outcome.first_partial_error;
    for (const auto* name : {"pg_stat_checkpointer_num_timed_total", "pg_stat_checkpointer_buffers_written_total",
                             "pg_stat_bgwriter_checkpoints_timed_total", "pg_stat_bgwriter_checkpoints_timed",
                             "pg_stat_bgwriter_buffers_backend_total", "pg_stat_bgwriter_buffers_backend"}) {
      EXPECT_EQ(samples().count(name), 1u) << name << " on " << number;
    }
  }
}

TEST_F(PostgresqlCollectorTest, AsksForStatementsOnlyOnRequest) {
  collect();
  EXPECT_EQ(count("pg_stat_statements"), 0u);
  for (const auto& sql : last->asked) EXPECT_EQ(sql.find("pg_stat_statements"), std::string::npos);
}

TEST_F(PostgresqlCollectorTest, AsksForNoTableWhereNoneIsWanted) {
  config.tables.max = 0;
  collect();
  EXPECT_EQ(count("pg_stat_user_tables"), 0u);
  EXPECT_EQ(count("pg_statio_user"), 0u);
  EXPECT_EQ(outcome.partial_errors, 0u);
}

}  // namespace
}  // namespace sidewatch::database::postgresql
