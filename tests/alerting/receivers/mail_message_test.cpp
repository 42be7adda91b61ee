#include "alerting/receivers/mail_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crypto.h"
#include "tests/support/notifications.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string mail_of(Notification n, const std::string& link = "") {
  const Delivery delivery = deliver_alone(std::move(n));
  const MessageText text = text_of(delivery, {}, {link});
  return mail_message(delivery, text, {"", "alerts@example.org", {"oncall@example.org"}, delivery.first().created_at});
}

std::string header_of(const std::string& mail, const std::string& name) {
  const auto at = mail.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const auto from = at + name.size() + 4;
  auto end = mail.find("\r\n", from);
  while (mail[end + 2] == ' ') end = mail.find("\r\n", end + 2);
  return mail.substr(from, end - from);
}

TEST(MailMessage, SaysWhatHasHappenedAsTextAndAsHtml) {
  const std::string mail = mail_of(make_notification({.id = "n-1", .level = Level::critical}), "http://agent:9766/");
  EXPECT_EQ(header_of(mail, "From"), "alerts@example.org");
  EXPECT_EQ(header_of(mail, "To"), "oncall@example.org");
  EXPECT_EQ(header_of(mail, "Subject"), "CRITICAL: Memory at 93% on a1");
  EXPECT_EQ(header_of(mail, "Importance"), "high");
  EXPECT_TRUE(mail.starts_with("Date: Sun, 01 Mar 2026 12:00:00 +0000\r\n"));
  EXPECT_THAT(mail, HasSubstr("\r\nContent-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(mail, HasSubstr("\r\nRule: HostMemoryHigh\r\n"));
  EXPECT_THAT(mail, HasSubstr("\r\nContent-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(mail, HasSubstr("#FF0000"));
  EXPECT_THAT(mail, HasSubstr("<a href=3D\"http://agent:9766/\">"));
  EXPECT_TRUE(mail.ends_with("\r\n--=_sidewatch_parts--\r\n"));
}

TEST(MailMessage, LetsNoLabelBecomeAHeaderOrHtml) {
  auto forged = make_notification({.id = "n-1"});
  forged.annotations = Labels{{"summary", "x\r\nBcc: everybody@example.org\r\n\r\n<script>alert(1)</script>"}};
  const std::string mail = mail_of(forged);
  const std::string head = mail.substr(0, mail.find("\r\n\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("\nBcc:")));
  EXPECT_THAT(mail.substr(mail.find("text/html")), Not(HasSubstr("<script>")));
  EXPECT_THAT(mail, HasSubstr("&lt;script&gt;"));
}

TEST(MailMessage, HasOneIdOverRetriesAndStandsInTheConversationOfItsIncident) {
  const std::string fired = mail_of(make_notification({.id = "n-1"}));
  const std::string resolved = mail_of(make_notification({.id = "n-2", .reason = Reason::resolved}));
  const std::string other = mail_of(make_notification({.id = "n-3", .alert = "a2"}));
  EXPECT_EQ(header_of(fired, "Message-ID"), header_of(mail_of(make_notification({.id = "n-1"})), "Message-ID"));
  EXPECT_NE(header_of(fired, "Message-ID"), header_of(resolved, "Message-ID"));
  EXPECT_TRUE(header_of(fired, "Message-ID").ends_with("@example.org>"));
  EXPECT_EQ(header_of(fired, "References"), header_of(resolved, "References"));
  EXPECT_EQ(header_of(fired, "In-Reply-To"), header_of(resolved, "References"));
  EXPECT_NE(header_of(fired, "References"), header_of(other, "References"));
}

TEST(MailMessage, KeepsEveryLineShortAndPlainWhateverTheTextHolds) {
  auto long_one = make_notification({.id = "n-1"});
  std::string flood;
  for (int i = 0; i < 5000; ++i) flood += "\xC3\xA4 =.";
  long_one.annotations = Labels{{"summary", flood}, {"description", flood + "\n.\n" + flood}};
  const std::string mail = mail_of(long_one);
  std::size_t start = 0;
  while (start < mail.size()) {
    const auto end = mail.find("\r\n", start);
    ASSERT_NE(end, std::string::npos);
    ASSERT_LE(end - start, 78U) << mail.substr(start, end - start);
    start = end + 2;
  }
  for (const char c : mail) ASSERT_EQ(c & '\x80', 0);
}

TEST(MailMessage, WritesHeadersThatAreNotPlainAsEncodedWords) {
  EXPECT_EQ(mail_header_text("plain words", 9), "plain words");
  EXPECT_EQ(mail_header_text("K\xC3\xB6ln", 9), "=?UTF-8?B?S8O2bG4=?=");
  EXPECT_EQ(mail_header_text("looks =?like one", 9), "=?UTF-8?B?" + to_base64("looks =?like one") + "?=");
  // Never half a character: 42 bytes would end within the 15th of three bytes.
  std::string signs = "a";
  for (int i = 0; i < 20; ++i) signs += "\xE2\x82\xAC";
  const std::string words = mail_header_text(signs, 9);
  EXPECT_EQ(words,
            "=?UTF-8?B?" + to_base64(signs.substr(0, 40)) + "?=\r\n =?UTF-8?B?" + to_base64(signs.substr(40)) + "?=");
}

TEST(MailMessage, WritesQuotedPrintableAsRfc2045Does) {
  EXPECT_EQ(quoted_printable("a=b \nc\xC3\xA4\n"), "a=3Db=20\r\nc=C3=A4\r\n");
  EXPECT_EQ(quoted_printable(std::string(80, 'x')), std::string(75, 'x') + "=\r\n" + std::string(5, 'x'));
}

}  // namespace
}  // namespace sidewatch
