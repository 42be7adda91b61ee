// Answers of a Redis server, whole, torn and hostile.
#include "collectors/database/redis/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidewatch::database::redis {
namespace {

using State = ReplyReader::State;

struct Outcome {
  State state;
  Reply reply;
  std::size_t left;
};

// As a stream gives it: `step` bytes at a time.
Outcome read(std::string_view bytes, std::size_t step, const ReplyLimits& limits = {}) {
  Outcome outcome{State::incomplete, {}, 0};
  ReplyReader reader(limits);
  reader.begin(outcome.reply);
  std::string received;
  for (std::size_t at = 0; at < bytes.size() && outcome.state == State::incomplete; at += step) {
    received += bytes.substr(at, step);
    std::string_view rest = received;
    outcome.state = reader.take(rest);
    received.erase(0, received.size() - rest.size());
  }
  outcome.left = received.size();
  return outcome;
}

Outcome read_whole(std::string_view bytes, const ReplyLimits& limits = {}) { return read(bytes, bytes.size(), limits); }

TEST(RedisReply, ReadsEveryKindOfAnswer) {
  EXPECT_EQ(read_whole("+PONG\r\n").reply.text, "PONG");
  EXPECT_EQ(read_whole(":-12\r\n").reply.number, -12);
  EXPECT_EQ(read_whole("$5\r\na\r\nb:\r\n").reply.text, "a\r\nb:");
  EXPECT_EQ(read_whole("$-1\r\n").reply.kind, Reply::Kind::nil);
  EXPECT_EQ(read_whole("*-1\r\n").reply.kind, Reply::Kind::nil);
  const auto error = read_whole("-NOPERM no\r\n").reply;
  EXPECT_EQ(error.kind, Reply::Kind::error);
  EXPECT_EQ(error.text, "NOPERM no");
  EXPECT_TRUE(read_whole("*0\r\n").reply.elements.empty());
}

TEST(RedisReply, ReadsArraysWithinArraysHoweverTheyAreTorn) {
  constexpr std::string_view bytes = "*4\r\n*2\r\n:1\r\n$3\r\nget\r\n*0\r\n*1\r\n*1\r\n+deep\r\n$0\r\n\r\n+next\r\n";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    SCOPED_TRACE(step);
    const auto outcome = read(bytes, step);
    ASSERT_EQ(outcome.state, State::complete);
    ASSERT_EQ(outcome.reply.elements.size(), 4u);
    EXPECT_EQ(outcome.reply.elements[0].elements[0].number, 1);
    EXPECT_EQ(outcome.reply.elements[0].elements[1].text, "get");
    EXPECT_TRUE(outcome.reply.elements[1].elements.empty());
    EXPECT_EQ(outcome.reply.elements[2].elements[0].elements[0].text, "deep");
    EXPECT_EQ(outcome.reply.elements[3].text, "");
  }
  EXPECT_EQ(read_whole(bytes).left, 7u);  // the next answer is left alone
}

TEST(RedisReply, FindsAValueInAMap) {
  const auto reply = read_whole("*4\r\n$4\r\nname\r\n$4\r\nshop\r\n$5\r\nflags\r\n$6\r\nmaster\r\n").reply;
  EXPECT_EQ(reply.value_of("flags"), "master");
  EXPECT_EQ(reply.value_of("master"), "");
}

TEST(RedisReply, SaysAtTheFirstByteWhatIsNoAnswer) {
  EXPECT_EQ(read_whole("HTTP/1.1 400").state, State::malformed);
  EXPECT_EQ(read_whole("*2\r\n:1\r\n?").state, State::malformed);
  EXPECT_EQ(read_whole(":1x\r\n").state, State::malformed);
  EXPECT_EQ(read_whole(":\r\n").state, State::malformed);
  EXPECT_EQ(read_whole("$-2\r\n").state, State::malformed);
  EXPECT_EQ(read_whole("$abc\r\n").state, State::malformed);
  EXPECT_EQ(read_whole("*99999999999999999999\r\n").state, State::malformed);
  EXPECT_EQ(read_whole("$1\r\nab\r\n").state, State::malformed);
}

TEST(RedisReply, RefusesWhatIsTooLargeBeforeItHasCome) {
  const ReplyLimits limits{.max_bytes = 100, .max_elements = 5, .max_depth = 3};
  EXPECT_EQ(read_whole("$101\r\n", limits).state, State::too_large);
  EXPECT_EQ(read_whole("$9223372036854775807\r\n", limits).state, State::too_large);
  EXPECT_EQ(read_whole("$80\r\n", limits).state, State::incomplete);
  EXPECT_EQ(read_whole("*6\r\n", limits).state, State::too_large);
  EXPECT_EQ(read_whole("*1000000000\r\n").state, State::too_large);
  EXPECT_EQ(read_whole("*3\r\n*3\r\n", limits).state, State::too_large);
  EXPECT_EQ(read_whole("*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", limits).state, State::too_large);
  EXPECT_EQ(read_whole("*2\r\n$45\r\n" + std::string(45, 'x') + "\r\n$45\r\n", limits).state, State::too_large);
  EXPECT_EQ(read_whole("+" + std::string(20'000, 'x')).state, State::too_large);
}

TEST(RedisReply, SendsCommandsWhoseWordsMayHoldAnything) {
  std::string bytes;
  append_command(bytes, {"AUTH", "a b\r\n"});
  EXPECT_EQ(bytes, "*2\r\n$4\r\nAUTH\r\n$5\r\na b\r\n\r\n");
}

}  // namespace
}  // namespace sidewatch::database::redis
