// A mail as it travels: headers, and the message twice, as plain text and as HTML, for the reader's program to choose.
//
// Nothing that is told can become a header, or HTML: headers are plain characters or encoded words (RFC 2047) of one
// line, and what stands in the HTML is escaped. Lines end with CRLF and are no longer than 76 characters, whatever the
// text holds (quoted-printable, RFC 2045).
//
// Message-ID is made of the delivery's id, so that a reader's program knows a mail that came twice; References names
// what never was sent, the incident, so that the mails of one incident stand in one conversation.
#pragma once

#include <string>
#include <vector>

#include "alerting/delivery.h"
#include "alerting/message_text.h"
#include "base/time.h"

namespace sidewatch {

struct MailEnvelope {
  std::string from_name;  // may be empty; any text
  std::string from_address;
  std::vector<std::string> to;
  WallTime date;
};

std::string mail_message(const Delivery& delivery, const MessageText& message, const MailEnvelope& envelope);

// "Sat, 21 Nov 2026 19:11:00 +0000", as RFC 5322 wants it.
std::string mail_date(WallTime wall);

// Text for the value of a header that begins `name_bytes` into its line: as it is, or as encoded words.
std::string mail_header_text(const std::string& text, std::size_t name_bytes);

std::string quoted_printable(const std::string& text);

}  // namespace sidewatch
