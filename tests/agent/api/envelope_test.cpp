#include "agent/api/envelope.h"

#include <gtest/gtest.h>

#include "base/gzip.h"
#include "base/json.h"

namespace sidewatch {
namespace {

constexpr std::size_t plenty = 1 << 20;

HttpRequest asked_by(const HttpPeer& peer, const std::string& encodings) {
  HttpRequest request;
  request.peer = peer;
  request.fields = {{"Accept-Encoding", encodings}};
  return request;
}

std::string field(const HttpResponse& response, const std::string& name) {
  for (const auto& header : response.headers) {
    if (header.name == name) return header.value;
  }
  return "";
}

const HttpPeer local{"127.0.0.1", true, true, false};
const HttpPeer network{"192.0.2.7", false, false, false};

ApiData long_answer() { return ApiData::of("\"" + std::string(10'000, 'x') + "\""); }

TEST(ApiEnvelope, PacksLongAnswersForOtherMachinesThatTakeIt) {
  const HttpResponse packed = api_response(long_answer(), asked_by(network, "gzip"));
  EXPECT_EQ(field(packed, "Content-Encoding"), "gzip");
  EXPECT_EQ(field(packed, "Vary"), "Accept-Encoding");
  EXPECT_LT(packed.body->size(), 1'000U);
  const HttpResponse plain = api_response(long_answer(), asked_by(network, "gzip;q=0"));
  EXPECT_EQ(field(plain, "Content-Encoding"), "");
  EXPECT_EQ(gzip_decompress(*packed.body, plenty).value(), *plain.body);
}

TEST(ApiEnvelope, LeavesShortAnswersAndThoseToThisMachineAsTheyAre) {
  EXPECT_EQ(field(api_response(ApiData::of("[]"), asked_by(network, "gzip")), "Content-Encoding"), "");
  EXPECT_EQ(field(api_response(long_answer(), asked_by(local, "gzip")), "Content-Encoding"), "");
}

TEST(ApiEnvelope, PutsWarningsBesideTheData) {
  ApiData data = ApiData::of("[]");
  data.warnings = {"a \"quoted\" one", "another"};
  const HttpResponse response = api_response(std::move(data), asked_by(local, ""));
  EXPECT_EQ(*response.body, R"({"status":"success","data":[],"warnings":["a \"quoted\" one","another"]})");
}

TEST(ApiEnvelope, GivesEachKindOfErrorPrometheusNameAndStatus) {
  const std::vector<std::tuple<ApiErrorKind, int, std::string>> kinds{
      {ApiErrorKind::bad_data, 400, "bad_data"},   {ApiErrorKind::execution, 422, "execution"},
      {ApiErrorKind::canceled, 503, "canceled"},   {ApiErrorKind::timeout, 503, "timeout"},
      {ApiErrorKind::internal, 500, "internal"},   {ApiErrorKind::unavailable, 503, "unavailable"},
      {ApiErrorKind::not_found, 404, "not_found"},
  };
  for (const auto& [kind, status, name] : kinds) {
    const HttpResponse response = api_response(ApiError{kind, "why"});
    EXPECT_EQ(response.status, status);
    const auto json = JsonValue::parse(*response.body);
    ASSERT_TRUE(json) << *response.body;
    EXPECT_EQ((*json)["status"].text_or(""), "error");
    EXPECT_EQ((*json)["errorType"].text_or(""), name);
    EXPECT_EQ((*json)["error"].text_or(""), "why");
  }
}

}  // namespace
}  // namespace sidewatch
