#include "alerting/receivers/http_receiver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/alerting/receivers/receiver_world.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;
using testing::Not;

// What every receiver over HTTP does alike, shown by the plainest of them.
class HttpReceiverTest : public ReceiverWorld {
 protected:
  std::unique_ptr<Receiver> plain(const std::string& more = "") {
    return receiver("  webhook:\n    url: " + server_.url("/t0psecret/path") + "\n" + more);
  }
};

TEST_F(HttpReceiverTest, ShowsWhoeverWatchesTheRequestAndTheAnswerWithoutSecrets) {
  server_.script({{.status = 200, .body = "thank you for Bearer hunter22 at /t0psecret/path"}});
  EXPECT_EQ(why(send(plain("    bearer_token: hunter22\n"))), "(delivered)");
  EXPECT_THAT(traced_request_, HasSubstr("POST http://127.0.0.1:"));
  EXPECT_THAT(traced_request_, HasSubstr("Idempotency-Key: n-1\n"));
  EXPECT_THAT(traced_request_, HasSubstr("Authorization: <...>\n"));
  EXPECT_THAT(traced_request_, HasSubstr("\"alertname\":\"HostMemoryHigh\""));
  EXPECT_EQ(traced_answer_, "HTTP 200\n\nthank you for Bearer <...> at <...>");
  EXPECT_THAT(traced_request_ + traced_answer_, Not(HasSubstr("t0psecret")));
  EXPECT_THAT(traced_request_ + traced_answer_, Not(HasSubstr("hunter22")));
}

TEST_F(HttpReceiverTest, HidesThePartsOfItsUrlWhereverAnAnswerQuotesThem) {
  const auto quoted = [&](const std::string& body) {
    server_.script({{.status = 400, .body = body}});
    return why(send(receiver("  webhook: {url: \"" + server_.url("/t0psecret/path?key=hunter22") + "\"}\n")));
  };
  EXPECT_EQ(quoted("no route /t0psecret/path"), "HTTP 400: no route <...>");
  EXPECT_EQ(quoted("bad key=hunter22"), "HTTP 400: bad <...>");
  EXPECT_EQ(quoted("POST /t0psecret/path?key=hunter22"), "HTTP 400: POST <...>");
  const std::string cut_within = quoted(std::string(190, 'x') + "/t0psecret/path?key=hunter22");
  EXPECT_THAT(cut_within, Not(HasSubstr("t0p"))) << "also where the text is cut within it";
}

TEST_F(HttpReceiverTest, ShowsAnAttemptThatGotNoAnswer) {
  const auto nobody = receiver("  webhook: {url: \"http://127.0.0.1:1/\"}\n");
  const std::string reason = why(send(nobody));
  EXPECT_NE(reason, "(delivered)");
  EXPECT_EQ(traced_answer_, reason);
}

TEST_F(HttpReceiverTest, IsAnotherReceiverOnceTheAgentIsFoundElsewhere) {
  const std::string yaml = "receivers:\n- name: oncall\n  webhook: {url: \"http://127.0.0.1:1/\"}\n";
  ReceiverContext moved;
  moved.external_url = "https://new.example.org";
  EXPECT_EQ(plans_of(yaml).at(0).fingerprint, plans_of(yaml).at(0).fingerprint);
  EXPECT_NE(plans_of(yaml).at(0).fingerprint, plans_of(yaml, moved).at(0).fingerprint);
}

}  // namespace
}  // namespace sidewatch
