#include "agent/http/request_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace sidewatch {
namespace {

using State = HttpRequestReader::State;
using namespace std::string_literals;
using namespace std::string_view_literals;

struct Verdict {
  State state = State::head;
  int status = 0;
  std::size_t taken = 0;  // bytes that belong to the first request, or that were read up to the refusal
  std::string target;
  std::string body;
  bool operator==(const Verdict&) const = default;
};

// Feeds `pieces` one after the other, as a connection does.
Verdict read_pieces(const std::vector<std::string>& pieces, const HttpReaderLimits& limits = {}) {
  HttpRequestReader reader(limits);
  Verdict verdict;
  for (const auto& piece : pieces) {
    verdict.taken += reader.feed(piece);
    if (reader.state() == State::complete || reader.state() == State::refused) break;
  }
  verdict.state = reader.state();
  verdict.status = reader.refusal().status;
  if (verdict.state == State::complete) {
    const HttpRequest request = reader.take();
    verdict.target = request.target;
    verdict.body = request.body;
  }
  return verdict;
}

Verdict read_whole(const std::string& bytes, const HttpReaderLimits& limits = {}) { return read_pieces({bytes}, limits); }

struct Case {
  const char* name;
  std::string bytes;
  int status;  // 0: a complete request
};

const std::string long_header_line = "X-Long: " + std::string(17 * 1024, 'x') + "\r\n";

std::string header_lines(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "X-" + std::to_string(i) + ": 1\r\n";
  return lines;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"plain get", "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"old version without host", "GET /metrics HTTP/1.0\r\n\r\n", 0},
      {"empty lines before", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"post with body", "POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", 0},
      {"zero length", "POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 0},
      {"host with port and brackets", "GET / HTTP/1.1\r\nHost: [::1]:9766\r\n\r\n", 0},
      {"empty field value", "GET / HTTP/1.1\r\nHost: a\r\nAccept:\r\n\r\n", 0},
      {"bytes above ascii in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \xc3\xa4\r\n\r\n", 0},
      {"identity encoding", "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: identity\r\nContent-Length: 1\r\n\r\nx", 0},
      {"range is no trouble", "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1,0-1,0-1\r\n\r\n", 0},
      {"as many headers as allowed", "GET / HTTP/1.1\r\nHost: a\r\n" + header_lines(63) + "\r\n", 0},

      {"bare line feed", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"bare line feed after fields", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400},
      {"bare carriage return", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400},
      {"nul in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s, 400},
      {"nul in a field", "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"s, 400},
      {"escape in a field", "GET / HTTP/1.1\r\nHost: a\r\nX: \x1b[31m\r\n\r\n", 400},
      {"delete in a field", "GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n", 400},
      {"continued line", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400},
      {"continued first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"no colon", "GET / HTTP/1.1\r\nHost a\r\n\r\n", 400},
      {"no field name", "GET / HTTP/1.1\r\n: a\r\n\r\n", 400},
      {"missing host", "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"host with a user", "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", 400},
      {"host with a list", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400},
      {"absolute form", "GET http://a/metrics HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"authority form", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"fragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"raw bytes in the target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"two blanks", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"blank in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"tab in the request line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"leading blank", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"strange version", "GET / HTTP/1.1x\r\nHost: a\r\n\r\n", 400},
      {"lower case version", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"tls hello", "\x16\x03\x01\x02\x00\x01\x00"s, 400},
      {"no version", "GET /\r\n\r\n", 505},
      {"version 2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"http/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"version 1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"connect", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"lower case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},

      {"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
      {"list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx", 400},
      {"signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx", 400},
      {"hex length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\nx", 400},
      {"empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
      {"length and chunked",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"chunked and length",
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400},
      {"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
      {"other transfer encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
      {"two transfer encodings",
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
      {"gzip", "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", 415},
      {"length over the limit", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", 413},
      {"length over every integer",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999999999999\r\n\r\n", 413},
      {"other expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\nx", 417},

      {"long target", "GET /" + std::string(8 * 1024, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
      {"endless target", "GET /" + std::string(20 * 1024, 'a'), 414},
      {"long field", "GET / HTTP/1.1\r\nHost: a\r\n" + long_header_line + "\r\n", 431},
      {"endless field", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20 * 1024, 'a'), 431},
      {"many fields", "GET / HTTP/1.1\r\nHost: a\r\n" + header_lines(64) + "\r\n", 431},
      {"endless empty lines", [] {
         std::string lines;
         for (int i = 0; i < 10'000; ++i) lines += "\r\n";
         return lines;
       }(), 431},
  };
  return all;
}

TEST(HttpRequestReader, GivesEachFormItsStatus) {
  for (const auto& each : cases()) {
    const Verdict verdict = read_whole(each.bytes);
    EXPECT_EQ(verdict.state, each.status == 0 ? State::complete : State::refused) << each.name;
    EXPECT_EQ(verdict.status, each.status) << each.name;
  }
}

TEST(HttpRequestReader, GivesTheSameVerdictWhereverTheBytesAreCut) {
  for (const auto& each : cases()) {
    const Verdict whole = read_whole(each.bytes);
    const std::size_t step = each.bytes.size() > 1000 ? 97 : 1;
    for (std::size_t cut = 0; cut <= each.bytes.size(); cut += step) {
      ASSERT_EQ(read_pieces({each.bytes.substr(0, cut), each.bytes.substr(cut)}), whole) << each.name << " at " << cut;
    }
    std::vector<std::string> bytes;
    for (const char c : each.bytes) bytes.emplace_back(1, c);
    ASSERT_EQ(read_pieces(bytes), whole) << each.name << " byte by byte";
  }
}

TEST(HttpRequestReader, LeavesWhatFollowsARequestForTheNextOne) {
  const std::string first = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nGET";
  const std::string second = "GET /b HTTP/1.1\r\nHost: a\r\n\r\n";
  HttpRequestReader reader;
  EXPECT_EQ(reader.feed(first + second), first.size());
  EXPECT_EQ(reader.feed(second), 0u);  // nothing is read until the complete request is taken
  EXPECT_EQ(reader.take().body, "GET");
  EXPECT_FALSE(reader.started());
  EXPECT_EQ(reader.feed(second), second.size());
  EXPECT_EQ(reader.take().target, "/b");
}

TEST(HttpRequestReader, KeepsFieldsAsTheyWereSent) {
  HttpRequestReader reader;
  reader.feed("GET / HTTP/1.1\r\nhOsT: a\r\nAuthorization: \t Bearer %41%2b+ \r\nAccept: x\r\nACCEPT: y\r\n\r\n");
  const HttpRequest request = reader.take();
  EXPECT_EQ(request.header("authorization"), "Bearer %41%2b+");  // not percent-decoded
  EXPECT_EQ(request.header("accept"), "x, y");
  EXPECT_EQ(request.header("Host"), "a");
  EXPECT_EQ(request.header("missing"), "");
  EXPECT_FALSE(request.has_header("missing"));
}

TEST(HttpRequestReader, ClosesAfterwardsWhenTheClientOrItsVersionSaysSo) {
  const auto keeps = [](const std::string& version, const std::string& field) {
    HttpRequestReader reader;
    reader.feed("GET / HTTP/" + version + "\r\nHost: a\r\n" + field + "\r\n");
    return reader.take().keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_TRUE(keeps("1.1", "Connection: keep-alive\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: CLOSE\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: upgrade , close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: upgrade\r\nConnection: close\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: keep-alive\r\n"));
}

TEST(HttpRequestReader, AsksForTheBodyOnlyWhenTheClientWaitsForThat) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n";
  HttpRequestReader reader;
  reader.feed(head);
  EXPECT_TRUE(reader.wants_continue());
  reader.feed("x");
  EXPECT_FALSE(reader.wants_continue());
  reader.feed("y");
  EXPECT_EQ(reader.take().body, "xy");

  HttpRequestReader old;
  old.feed("POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_FALSE(old.wants_continue());
}

TEST(HttpRequestReader, SaysNothingOfWhatTheClientSentInItsRefusal) {
  for (const auto& each : cases()) {
    HttpRequestReader reader;
    reader.feed(each.bytes);
    if (each.status == 0) continue;
    EXPECT_FALSE(reader.refusal().reason.empty()) << each.name;
    for (const char c : reader.refusal().reason) EXPECT_TRUE(c >= ' ' && c < 0x7f) << each.name;
  }
}

// Mutated requests, cut at random: no crash, the limits hold, and the cut does not change the verdict.
TEST(HttpRequestReader, HoldsItsLimitsAndVerdictsUnderRandomChanges) {
  std::mt19937 random(20260301);
  const auto below = [&](std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random); };
  static constexpr std::string_view spice = "\r\n\0 \t:,;?/aZ%09\x80\x7f"sv;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = cases()[below(cases().size())].bytes.substr(0, 600);
    for (std::size_t changes = below(4); changes > 0 && !bytes.empty(); --changes) {
      const std::size_t at = below(bytes.size());
      switch (below(3)) {
        case 0: bytes[at] = spice[below(spice.size())]; break;
        case 1: bytes.insert(at, 1, spice[below(spice.size())]); break;
        case 2: bytes.erase(at, 1 + below(3)); break;
      }
    }
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t length = 1 + below(40);
      pieces.push_back(bytes.substr(at, length));
      at += length;
    }
    ASSERT_EQ(read_pieces(pieces), read_whole(bytes)) << bytes;
  }
}

// What a route that takes pushes lets through: /push, at most 20 bytes each and 30 together.
class PushReader : public testing::Test {
 protected:
  HttpReaderLimits limits(bool may_push = true) const {
    HttpReaderLimits limits;
    limits.max_body_bytes = 4;
    limits.pushes = &bodies;
    limits.may_push = may_push;
    return limits;
  }
  Verdict read(const std::string& fields_and_body, bool may_push = true) const {
    return read_whole("POST /push HTTP/1.1\r\nHost: a\r\n" + fields_and_body, limits(may_push));
  }
  Verdict read_chunks(const std::string& chunks) const { return read("Transfer-Encoding: chunked\r\n\r\n" + chunks); }

  HttpPushBodies bodies{[](auto method, auto target) { return method == "POST" && target == "/push"; }, 20, 30};
};

TEST_F(PushReader, TakesALargerBodyOnlyWhereARouteTakesPushes) {
  EXPECT_EQ(read("Content-Length: 20\r\n\r\n" + std::string(20, 'x')).body, std::string(20, 'x'));
  EXPECT_EQ(read("Content-Length: 21\r\n\r\n").status, 413);
  EXPECT_EQ(read_whole("POST /ask HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nxxxxx", limits()).status, 413);
}

TEST_F(PushReader, LeavesTheContentEncodingToTheRoute) {
  EXPECT_EQ(read("Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx").state, State::complete);
}

TEST_F(PushReader, PutsChunksTogether) {
  const auto verdict = read_chunks("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nGET /next");
  EXPECT_EQ(verdict.state, State::complete);
  EXPECT_EQ(verdict.body, "abc0123456789");
  EXPECT_EQ(read_chunks("0\r\n\r\n").body, "");
  EXPECT_EQ(read_chunks("0\r\n\r\n").state, State::complete);
}

TEST_F(PushReader, ReadsChunksTheSameHoweverTheNetworkCutsThem) {
  const std::string bytes = "POST /push HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab\r\nc\r\n00b\r\n0123456789\n\r\n0\r\n\r\n";
  const Verdict whole = read_whole(bytes, limits());
  EXPECT_EQ(whole.body, "ab\r\nc0123456789\n");
  EXPECT_EQ(whole.taken, bytes.size());
  std::vector<std::string> single;
  for (const char c : bytes) single.emplace_back(1, c);
  EXPECT_EQ(read_pieces(single, limits()), whole);
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    EXPECT_EQ(read_pieces({bytes.substr(0, at), bytes.substr(at)}, limits()), whole) << at;
  }
}

TEST_F(PushReader, RefusesChunksThatCouldBeReadInTwoWays) {
  for (const char* chunks : {"\r\n\r\n", "3;a=b\r\nabc\r\n0\r\n\r\n", " 3\r\nabc\r\n0\r\n\r\n", "3 \r\nabc\r\n0\r\n\r\n", "+3\r\nabc\r\n",
                             "0x3\r\nabc\r\n", "3\nabc\n0\n\n", "3\r\nabcd\r\n", "3\r\nabc0\r\n\r\n", "000000003\r\nabc\r\n",
                             "-1\r\n", "g\r\n", "3\rabc", "0\r\nX: y\r\n\r\n"}) {
    EXPECT_EQ(read_chunks(chunks).status, 400) << chunks;
  }
}

TEST_F(PushReader, RefusesTooMuchInChunks) {
  EXPECT_EQ(read_chunks("15\r\n").status, 413);
  EXPECT_EQ(read_chunks("a\r\n0123456789\r\nb\r\n").status, 413);
  EXPECT_EQ(read_chunks("ffffffff\r\n").status, 413);
  EXPECT_EQ(read("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").status, 400);
}

TEST_F(PushReader, WhatIsOnlyAnnouncedTakesNoRoomFromAnybody) {
  std::vector<HttpRequestReader> idle;
  for (int i = 0; i < 5; ++i) {
    idle.emplace_back(limits()).feed("POST /push HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n");
    EXPECT_EQ(idle.back().state(), State::body);
  }
  const std::string body(20, 'x');
  EXPECT_EQ(read("Content-Length: 20\r\n\r\n" + body).state, State::complete);
  EXPECT_EQ(idle[0].feed(body), 20u);
  EXPECT_EQ(idle[1].feed(body.substr(0, 10)), 10u);
  idle[1].feed("x");
  EXPECT_EQ(idle[1].refusal().status, 503) << "no room is left when it comes";
  EXPECT_EQ(read("Content-Length: 10\r\n\r\n" + std::string(10, 'x')).state, State::complete)
      << "what was refused holds none";
}

TEST_F(PushReader, CountsTheBodiesThatAreUnderWayTogether) {
  HttpRequestReader first(limits());
  first.feed("POST /push HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n" + std::string(19, 'x'));
  const std::string second = "Content-Length: 12\r\n\r\n" + std::string(12, 'x');
  EXPECT_EQ(read(second).status, 503);
  EXPECT_EQ(read_chunks("6\r\nabcdef\r\n6\r\n").status, 503);
  EXPECT_EQ(read("Content-Length: 10\r\n\r\n" + std::string(10, 'x')).state, State::complete) << "there is room for that";
  first.feed("x");
  {
    const HttpRequest held = first.take();
    EXPECT_EQ(read(second).status, 503) << "until it has been answered";
  }
  EXPECT_EQ(read(second).state, State::complete);
}

TEST_F(PushReader, RefusesWhoMayNotPushBeforeTheBody) {
  EXPECT_EQ(read("Content-Length: 20\r\n\r\n", false).status, 403);
  EXPECT_EQ(read_whole("POST /ask HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", limits(false)).state, State::complete);
}

}  // namespace
}  // namespace sidewatch
