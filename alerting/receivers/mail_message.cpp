#include "alerting/receivers/mail_message.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "base/crypto.h"
#include "base/utf8.h"

namespace sidewatch {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::size_t max_line = 76;
constexpr std::size_t max_word_bytes = 42;  // of an encoded word's text: 56 in base64, with its brackets under 75
constexpr std::size_t max_subject_characters = 200;
constexpr std::size_t max_references = 20;
constexpr std::string_view boundary = "=_sidewatch_parts";  // "=_" does not occur in quoted-printable

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "<br>\n"; break;
      default: out += c;
    }
  }
  return out;
}

bool is_web_link(std::string_view text) {
  return (text.starts_with("https://") || text.starts_with("http://")) && text.find_first_of(" \"<>\n\r") == text.npos;
}

std::string link_or_text(std::string_view text) {
  const std::string safe = html_text(text);
  return is_web_link(text) ? "<a href=\"" + safe + "\">" + safe + "</a>" : safe;
}

std::string plain_part(const MessageText& message) {
  std::string text = message.title + "\n";
  if (!message.text.empty()) text += "\n" + message.text + "\n";
  if (!message.fields.empty()) text += "\n";
  for (const auto& [name, value] : message.fields) text += name + ": " + value + "\n";
  if (!message.link.empty()) text += "\n" + message.link + "\n";
  return text;
}

std::string html_part(const MessageText& message) {
  char colour[8];
  std::snprintf(colour, sizeof colour, "#%06X", static_cast<unsigned>(colour_of(message.level) & 0xFFFFFFu));
  std::string html = "<!DOCTYPE html>\n<html><body style=\"font-family:sans-serif\">\n";
  html += "<h2 style=\"border-left:8px solid " + std::string(colour) + ";padding-left:8px\">" +
          html_text(message.title) + "</h2>\n";
  if (!message.text.empty()) html += "<p>" + html_text(message.text) + "</p>\n";
  if (!message.fields.empty()) html += "<table>\n";
  for (const auto& [name, value] : message.fields) {
    html += "<tr><td style=\"color:#666;padding-right:12px\">" + html_text(name) + "</td><td>" + link_or_text(value) +
            "</td></tr>\n";
  }
  if (!message.fields.empty()) html += "</table>\n";
  if (!message.link.empty()) html += "<p>" + link_or_text(message.link) + "</p>\n";
  return html + "</body></html>\n";
}

std::string header(std::string_view name, const std::string& value) {
  return std::string(name) + ": " + value + std::string(line_end);
}

std::string part(std::string_view type, const std::string& text) {
  std::string out = "--" + std::string(boundary) + std::string(line_end);
  out += header("Content-Type", std::string(type) + "; charset=utf-8");
  out += header("Content-Transfer-Encoding", "quoted-printable");
  return out + std::string(line_end) + quoted_printable(text) + std::string(line_end);
}

// Of what the outside gave, in characters that can stand in a Message-ID.
std::string message_id(std::string_view kind, const std::string& of, const std::string& address) {
  constexpr std::size_t id_bytes = 16;
  const std::string hash = to_hex(sha256(std::string(kind) + of)).substr(0, 2 * id_bytes);
  return "<" + std::string(kind) + "." + hash + address.substr(address.find('@')) + ">";
}

std::string conversation(const Delivery& delivery, const std::string& address) {
  std::string list;
  std::vector<std::string> named;
  for (const Notification& n : delivery.alerts) {
    std::string id = message_id("incident", n.incident, address);
    if (named.size() == max_references || std::find(named.begin(), named.end(), id) != named.end()) continue;
    list += (named.empty() ? "" : std::string(line_end) + " ") + id;
    named.push_back(std::move(id));
  }
  return list;
}

std::string recipients(const std::vector<std::string>& to) {
  std::string list;
  for (const auto& address : to) list += (list.empty() ? "" : "," + std::string(line_end) + " ") + address;
  return list;
}

std::string sender(const MailEnvelope& envelope) {
  if (envelope.from_name.empty()) return envelope.from_address;
  std::string name = mail_header_text(envelope.from_name, 6);
  if (!name.starts_with("=?")) {
    std::string quoted = "\"";
    for (const char c : name) quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    name = quoted + "\"";
  }
  return name + std::string(line_end) + " <" + envelope.from_address + ">";
}

}  // namespace

std::string mail_message(const Delivery& delivery, const MessageText& message, const MailEnvelope& envelope) {
  constexpr std::size_t subject_bytes = 9;
  std::string mail = header("Date", mail_date(envelope.date));
  mail += header("From", sender(envelope)) + header("To", recipients(envelope.to));
  mail += header("Subject", mail_header_text(cut_title(message, max_subject_characters), subject_bytes));
  mail += header("Message-ID", message_id("message", delivery.id, envelope.from_address));
  const std::string references = conversation(delivery, envelope.from_address);
  mail += header("In-Reply-To", references.substr(0, references.find('\r'))) + header("References", references);
  mail += header("Auto-Submitted", "auto-generated");
  if (message.level == Level::critical) mail += header("Importance", "high");
  mail += header("MIME-Version", "1.0");
  mail += header("Content-Type", "multipart/alternative; boundary=\"" + std::string(boundary) + "\"");
  mail += line_end;
  mail += part("text/plain", plain_part(message)) + part("text/html", html_part(message));
  return mail + "--" + std::string(boundary) + "--" + std::string(line_end);
}

std::string mail_date(WallTime wall) {
  static constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_time<Duration> time(wall.time_since_epoch());
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d +0000",
                days[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

std::string mail_header_text(const std::string& text, std::size_t name_bytes) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (plain && text.find("=?") == std::string::npos && name_bytes + text.size() <= max_line) return text;
  const std::string whole = mend_utf8(text);
  std::string words;
  for (std::string_view left = whole; !left.empty();) {
    const auto word = cut_at_character(left, max_word_bytes);
    words += (words.empty() ? "" : std::string(line_end) + " ") + "=?UTF-8?B?" + to_base64(word) + "?=";
    left.remove_prefix(word.size());
  }
  return words;
}

std::string quoted_printable(const std::string& text) {
  std::string out;
  std::size_t column = 0;
  const auto put = [&](std::string_view piece) {
    if (column + piece.size() > max_line - 1) {  // the last place is for the "=" that joins lines
      out += "=\r\n";
      column = 0;
    }
    out += piece;
    column += piece.size();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      out += line_end;
      column = 0;
      continue;
    }
    const bool ends_line = i + 1 == text.size() || text[i + 1] == '\n';
    const bool as_it_is = (c > 0x20 && c < 0x7f && c != '=') || (c == ' ' && !ends_line);
    if (as_it_is) {
      put({&c, 1});
    } else {
      char code[4];
      std::snprintf(code, sizeof code, "=%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
      put(code);
    }
  }
  return out;
}

}  // namespace sidewatch
