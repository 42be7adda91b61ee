#include "collectors/probe/dns_message.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "collectors/probe/dns_check.h"

namespace sidewatch::probe {
namespace {

std::string bytes(std::initializer_list<int> numbers) {
  std::string text;
  for (const int number : numbers) text += static_cast<char>(number);
  return text;
}

// The header of an answer to one question, with so many answers.
std::string answer_to(const std::string& question, int answers) {
  std::string message = question;
  message[2] = static_cast<char>(0x81);
  message[3] = static_cast<char>(0x80);
  message[7] = static_cast<char>(answers);
  return message;
}
std::string question(const std::string& name, const std::string& type) {
  return encode_dns_question(7, {name, dns_type_of(type).value(), true}).value();
}
// A record whose name points to the question's, which stands at byte 12.
std::string record(int type, const std::string& data) {
  return bytes({0xC0, 12, type >> 8, type & 0xFF, 0, 1, 0, 0, 1, 44, 0, static_cast<int>(data.size())}) + data;
}
std::string text_of(int type, const std::string& data) {
  const auto message = decode_dns_message(answer_to(question("shop.example", "A"), 1) + record(type, data));
  return message ? message->answers.at(0).text : "damaged";
}

TEST(DnsMessage, WritesAQuestionAsRfc1035Has) {
  EXPECT_EQ(question("shop.example", "MX"),
            bytes({0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4}) + "shop" + bytes({7}) + "example" + bytes({0, 0, 15, 0, 1}));
  EXPECT_EQ(question("shop.example.", "MX"), question("shop.example", "MX"));
  EXPECT_EQ(question(".", "NS").size(), 17u);
}

TEST(DnsMessage, AsksForNoNameThatCannotBe) {
  for (const auto& name :
       {std::string("a..b"), std::string(".a"), std::string(64, 'a'),
        std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." + std::string(63, 'd')}) {
    EXPECT_FALSE(encode_dns_question(1, {name, 1, true})) << name;
  }
}

TEST(DnsMessage, ReadsARecordOfEachType) {
  EXPECT_EQ(text_of(1, bytes({192, 0, 2, 1})), "192.0.2.1");
  EXPECT_EQ(text_of(28, bytes({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})), "2001:db8::1");
  EXPECT_EQ(text_of(2, bytes({2}) + "ns" + bytes({0xC0, 12})), "ns.shop.example.");
  EXPECT_EQ(text_of(15, bytes({0, 10, 4}) + "mail" + bytes({0xC0, 12})), "10 mail.shop.example.");
  EXPECT_EQ(text_of(16, bytes({3}) + "a\"b" + bytes({2}) + "c "), "\"a\\\"b\" \"c \"");
  EXPECT_EQ(text_of(33, bytes({0, 1, 0, 2, 0, 80, 0xC0, 12})), "1 2 80 shop.example.");
  EXPECT_EQ(text_of(257, bytes({0, 5}) + "issue" + "ca.example"), "0 issue \"ca.example\"");
  EXPECT_EQ(text_of(99, bytes({1, 255})), "\\# 2 01FF");
  EXPECT_EQ(text_of(6, bytes({0xC0, 12, 0xC0, 12, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4})),
            "shop.example. shop.example. 9 1 2 3 4");
}

TEST(DnsMessage, TakesNoRecordThatEndsTooEarlyOrPointsForward) {
  EXPECT_EQ(text_of(1, bytes({192, 0, 2})), "damaged");
  EXPECT_EQ(text_of(15, bytes({0})), "damaged");
  EXPECT_EQ(text_of(2, bytes({0xC0, 200})), "damaged");
  EXPECT_EQ(text_of(2, bytes({0xC0, 42})), "damaged");  // to itself
  EXPECT_FALSE(decode_dns_message("short"));
  EXPECT_FALSE(decode_dns_message(answer_to(question("a", "A"), 1)));
}

TEST(DnsMessage, TakesNoNameThatIsLongerThanOneCanBe) {
  const auto with_last_label = [](std::size_t count) {
    std::string name;
    for (const std::size_t size : {std::size_t{63}, std::size_t{63}, std::size_t{63}, count}) {
      name += static_cast<char>(size) + std::string(size, 'a');
    }
    return decode_dns_message(bytes({0, 7, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}) + name + bytes({0, 0, 1, 0, 1}));
  };
  EXPECT_TRUE(with_last_label(61));  // 255 bytes with the root's
  EXPECT_FALSE(with_last_label(62));
}

TEST(DnsMessage, TellsTheSerialNumberOfAZoneOnce) {
  const auto soa = record(6, bytes({0xC0, 12, 0xC0, 12, 0, 0, 0, 9}) + std::string(16, '\1'));
  const auto message = decode_dns_message(answer_to(question("shop.example", "SOA"), 2) + soa + soa);
  ASSERT_TRUE(message);
  DnsCheckConfig config;
  config.type = 6;
  Verdict verdict;
  judge_dns_answer(config, *message, verdict);
  const auto told = std::count_if(verdict.facts.begin(), verdict.facts.end(),
                                  [](const Fact& fact) { return fact.metric->name == "probe_dns_serial"; });
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(verdict.trouble);
}

TEST(DnsMessage, FollowsNoNameThroughMorePointersThanANameHasLabels) {
  const auto after = [](int pointers) {
    std::string message = answer_to(question("shop.example", "A"), 1);
    std::string data = bytes({0xC0, 12});
    const auto begin = message.size() + 12;  // of the record's data: a pointer to the name, then each to the one before
    for (int i = 1; i < pointers; ++i) {
      const int target = static_cast<int>(begin) + 2 * (i - 1);
      data += bytes({0xC0 | target >> 8, target & 0xFF});
    }
    message += bytes({0xC0, 12, 0, 99, 0, 1, 0, 0, 1, 44, static_cast<int>(data.size()) >> 8,
                      static_cast<int>(data.size()) & 0xFF}) + data;
    message[7] = 2;
    const int last = static_cast<int>(begin) + 2 * (pointers - 1);
    return decode_dns_message(message + bytes({0xC0 | last >> 8, last & 0xFF, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1}));
  };
  const auto good = after(126);
  ASSERT_TRUE(good && good->answers.size() == 2u);
  EXPECT_EQ(good->answers[1].name, "shop.example.");
  EXPECT_FALSE(after(127) && after(127)->answers.size() == 2u);
}

TEST(DnsMessage, ReadsWhatTruncationLeft) {
  auto message = answer_to(question("a", "A"), 9);
  message[2] = static_cast<char>(0x83);
  const auto read = decode_dns_message(message);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->truncated);
}

TEST(DnsMessage, LeavesNoBytesWhateverTheyAre) {
  std::mt19937 random(1);
  const auto whole = answer_to(question("shop.example", "A"), 3) + record(15, bytes({0, 10, 0xC0, 12})) +
                     record(16, bytes({3}) + "abc") + record(6, bytes({0xC0, 12, 0xC0, 12}) + std::string(20, '\1'));
  std::size_t read = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = whole;
    for (int change = 0; change < 3; ++change) damaged[random() % damaged.size()] = static_cast<char>(random());
    damaged.resize(random() % 2 == 0 ? damaged.size() : random() % (damaged.size() + 1));
    const auto message = decode_dns_message(damaged);
    if (message) read += 1;
    EXPECT_TRUE(!message || message->answers.size() <= 512u);
  }
  EXPECT_GT(read, 0u);
}

TEST(DnsMessage, ComparesNamesAsNameServersDo) {
  EXPECT_TRUE(same_dns_name("Shop.Example", "shop.example."));
  EXPECT_FALSE(same_dns_name("shop.example", "shop.exampl"));
}

}  // namespace
}  // namespace sidewatch::probe
