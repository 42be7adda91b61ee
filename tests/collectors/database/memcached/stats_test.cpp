// What becomes of memcached's answers, of servers that no test can start: old ones, with extstore, proxies.
#include "collectors/database/memcached/stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "collectors/database/memcached/connection.h"
#include "collectors/database/memcached/stats_fields.h"
#include "tests/collectors/database/database_under_test.h"

namespace sidewatch::database::memcached {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

class MemcachedStats : public ::testing::Test {
 protected:
  std::map<std::string, double> samples_of(const Answers& answers) {
    auto pass = under.pass();
    stats.add(answers, series, pass.batch);
    series.end_round();
    return under.samples();
  }

  DatabaseUnderTest under;
  SeriesCache series{under.catalog, Labels{}};
  StatsSamples stats;
};

TEST_F(MemcachedStats, NamesFieldsAsMemcachedExporterDoes) {
  const auto samples = samples_of({.general = "STAT version 1.4.25\r\nSTAT uptime 5\r\nSTAT bytes 30\r\n"
                                              "STAT limit_maxbytes 120\r\n"
                                              "STAT rusage_user 0.012369\r\nSTAT get_hits 3\r\nSTAT nonsense 1\r\n"
                                              "STAT libevent 2.1.12-stable\r\n",
                                   .settings = "STAT maxconns 1024\r\nSTAT lru_crawler yes\r\nSTAT inter NULL\r\n"});
  EXPECT_THAT(samples, IsSupersetOf({Pair("memcached_version{version=\"1.4.25\"}", 1.0),
                                     Pair("memcached_uptime_seconds", 5.0), Pair("memcached_current_bytes", 30.0),
                                     Pair("memcached_process_user_cpu_seconds_total", 0.012369),
                                     Pair("memcached_commands_total{command=\"get\", status=\"hit\"}", 3.0),
                                     Pair("memcached_max_connections", 1024.0),
                                     Pair("memcached_lru_crawler_enabled", 1.0),
                                     Pair("sidewatch_memcached_memory_used_ratio", 0.25)}));
  EXPECT_EQ(samples.size(), 9u);
}

TEST_F(MemcachedStats, CountsNoCasAsASet) {
  EXPECT_THAT(samples_of({.general = "STAT cmd_set 10\r\nSTAT cas_misses 1\r\nSTAT cas_hits 2\r\nSTAT cas_badval 3\r\n",
                          .slabs = "STAT 1:cmd_set 8\r\nSTAT 1:cas_hits 2\r\nSTAT 1:cas_badval 3\r\n"
                                   "STAT 12:cmd_set 1\r\nSTAT active_slabs 2\r\n"}),
              IsSupersetOf({Pair("memcached_commands_total{command=\"set\", status=\"hit\"}", 4.0),
                            Pair("memcached_slab_commands_total{command=\"set\", slab=\"1\", status=\"hit\"}", 3.0),
                            Pair("memcached_slab_commands_total{command=\"set\", slab=\"12\", status=\"hit\"}", 1.0)}));
}

TEST_F(MemcachedStats, TellsOfEachClassFromBothAnswers) {
  EXPECT_THAT(samples_of({.slabs = "STAT 3:chunk_size 152\r\nSTAT total_malloced 1048576\r\n",
                          .items = "STAT items:3:number 7\r\nSTAT items:3:hits_to_temp 2\r\n"
                                   "STAT items:3:mem_requested 61\r\n"
                                   "STAT items:x:number 1\r\n"}),
              IsSupersetOf({Pair("memcached_slab_chunk_size_bytes{slab=\"3\"}", 152.0),
                            Pair("memcached_slab_current_items{slab=\"3\"}", 7.0),
                            Pair("memcached_slab_lru_hits_total{lru=\"temporary\", slab=\"3\"}", 2.0),
                            Pair("memcached_slab_mem_requested_bytes{slab=\"3\"}", 61.0)}));
}

TEST_F(MemcachedStats, CountsTheHitRatioBetweenPasses) {
  EXPECT_THAT(samples_of({.general = "STAT get_hits 100\r\nSTAT get_misses 50\r\n"}),
              Not(Contains(Key("sidewatch_memcached_hit_ratio"))));
  EXPECT_THAT(samples_of({.general = "STAT get_hits 130\r\nSTAT get_misses 60\r\n"}),
              Contains(Pair("sidewatch_memcached_hit_ratio", 0.75)));
  stats.start_over();
  EXPECT_THAT(samples_of({.general = "STAT get_hits 230\r\nSTAT get_misses 60\r\n"}),
              Not(Contains(Key("sidewatch_memcached_hit_ratio"))));
}

TEST_F(MemcachedStats, CountsTheDescriptorsThatTheServerKeeps) {
  EXPECT_THAT(samples_of({.general = "STAT max_connections 100\r\nSTAT curr_connections 30\r\n"
                                     "STAT reserved_fds 20\r\n"}),
              Contains(Pair("sidewatch_memcached_connections_used_ratio", 0.5)));
}

TEST(MemcachedFields, AreNamedOnceAndSaidWhatTheyAre) {
  std::set<std::string> rows;
  for (const auto& table : {general_fields(), settings_fields(), slab_fields()}) {
    for (const auto& field : table) {
      const auto row = std::string(field.metric.name) + '/' + std::string(field.name);
      EXPECT_TRUE(rows.insert(row).second) << row;
      EXPECT_TRUE(field.metric.name.starts_with("memcached_")) << row;
      EXPECT_TRUE(field.metric.help.ends_with('.')) << row;
    }
  }
  EXPECT_GT(rows.size(), 120u);
}

TEST(MemcachedAnswer, IsWholeAtItsEndAndNotBefore) {
  Failure failure;
  constexpr std::string_view whole = "STAT version 1.6 END\r\nSTAT pid 1\r\nEND\r\n";
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_EQ(judge_answer(whole.substr(0, size), failure), Answer::incomplete) << size;
  }
  EXPECT_EQ(judge_answer(whole, failure), Answer::whole);
  EXPECT_EQ(judge_answer("END\r\n", failure), Answer::whole);
}

TEST(MemcachedAnswer, SaysWhatAnErrorMeans) {
  struct Case {
    std::string_view answer;
    FailureKind kind;
    std::string_view says;
  };
  constexpr Case cases[] = {
      {"ERROR Too many open connections\r\n", FailureKind::too_many_connections, "limit (-c) is reached"},
      {"CLIENT_ERROR unauthenticated\r\n", FailureKind::login_refused, "asks for a user and a password"},
      {"CLIENT_ERROR authentication failure\r\n", FailureKind::login_refused, "wrong user or password"},
      {"SERVER_ERROR out of\x1b memory\r\n", FailureKind::other, "SERVER_ERROR out of  memory"},
      {"HTTP/1.1 400", FailureKind::malformed, "does not speak memcached's text protocol"},
      {"STATUS\r\n", FailureKind::malformed, "does not speak"},
  };
  for (const auto& one : cases) {
    Failure failure;
    EXPECT_EQ(judge_answer(one.answer, failure), Answer::failed) << one.answer;
    EXPECT_EQ(failure.kind, one.kind) << one.answer;
    EXPECT_TRUE(failure.connection_lost);
    EXPECT_THAT(failure.text, HasSubstr(std::string(one.says)));
  }
}

}  // namespace
}  // namespace sidewatch::database::memcached
