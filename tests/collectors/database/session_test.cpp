// When a connection is tried, kept, lost and tried again.
#include "collectors/database/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/collectors/database/database_under_test.h"

namespace sidewatch::database {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Pair;

struct Wire {};

const Failure refused{FailureKind::unreachable, "nobody listens at 127.0.0.1:5432", false};

class SessionTest : public ::testing::Test {
 protected:
  Wire* connect() {
    auto pass = under.pass();
    return session.connection(pass);
  }

  DatabaseUnderTest under;
  int attempts = 0;
  std::optional<Failure> answer;
  Session<Wire> session{[this](std::unique_ptr<Wire>& made) {
                          ++attempts;
                          if (!answer) made = std::make_unique<Wire>();
                          return answer;
                        },
                        [] { return 0.999; }};
};

TEST_F(SessionTest, KeepsAConnection) {
  Wire* const first = connect();
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(connect(), first);
  EXPECT_EQ(attempts, 1);
  EXPECT_EQ(under.outcome.partial_errors, 0u);
  EXPECT_EQ(session.generation(), 1u);
}

TEST_F(SessionTest, WaitsLongerAfterEachFailureUpToHalfAMinuteAndSaysTheSameMeanwhile) {
  answer = refused;
  std::vector<std::int64_t> waits;
  Time last = under.now;
  int seen = 0;
  for (; under.now < time_at_ms(1'000'000) + 3min; under.now += 1s) {
    EXPECT_EQ(connect(), nullptr);
    EXPECT_EQ(under.outcome.first_partial_error, "nobody listens at 127.0.0.1:5432");
    if (attempts == seen) continue;
    seen = attempts;
    waits.push_back((under.now - last) / 1s);
    last = under.now;
  }
  EXPECT_THAT(waits, ElementsAre(0, 2, 4, 8, 16, 30, 30, 30, 30));
}

TEST_F(SessionTest, CountsAttemptsAndNotPasses) {
  answer = refused;
  connect();
  connect();
  under.failures.write(under.batch);
  EXPECT_THAT(
      under.samples(),
      ElementsAre(Pair(R"(sidewatch_database_errors_total{engine="test", query="connect", reason="unreachable"})", 1)));
}

TEST_F(SessionTest, TriesSoonAfterAConnectionThatHadAnsweredIsLost) {
  ASSERT_NE(connect(), nullptr);
  session.proved();
  auto pass = under.pass();
  session.lost(pass, {FailureKind::lost, "the server closed the connection", true});
  EXPECT_FALSE(session.is_up());
  EXPECT_EQ(under.outcome.first_partial_error, "the server closed the connection");
  EXPECT_EQ(connect(), nullptr);
  under.now += 2s;
  EXPECT_NE(connect(), nullptr);
  EXPECT_EQ(session.generation(), 2u);
}

TEST_F(SessionTest, WaitsEverLongerForAServerThatAcceptsAndNeverAnswers) {
  int connections = 0;
  for (int second = 0; second < 120; ++second, under.now += 1s) {
    auto pass = under.pass();
    if (session.connection(pass) == nullptr) continue;
    ++connections;
    session.lost(pass, {FailureKind::timeout, "no answer", true});
  }
  EXPECT_EQ(connections, 7);  // after 0, 2, 6, 14, 30, 60 and 90 seconds
}

}  // namespace
}  // namespace sidewatch::database
