#include "collectors/probe/dns_message.h"

#include <arpa/inet.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <utility>

namespace sidewatch::probe {
namespace {

constexpr std::size_t header_bytes = 12;
constexpr std::size_t max_label_bytes = 63;
constexpr std::size_t max_name_bytes = 255;
constexpr int max_pointers = 127;  // in a name: a longest one has so many labels
constexpr std::size_t max_records = 512;  // of a message that are looked at
constexpr std::uint16_t class_in = 1;

constexpr std::uint16_t type_a = 1, type_ns = 2, type_cname = 5, type_soa = 6, type_ptr = 12, type_mx = 15,
                        type_txt = 16, type_aaaa = 28, type_srv = 33, type_caa = 257;
constexpr std::array types{
    std::pair{std::string_view("A"), type_a},     std::pair{std::string_view("AAAA"), type_aaaa},
    std::pair{std::string_view("CAA"), type_caa}, std::pair{std::string_view("CNAME"), type_cname},
    std::pair{std::string_view("MX"), type_mx},   std::pair{std::string_view("NS"), type_ns},
    std::pair{std::string_view("PTR"), type_ptr}, std::pair{std::string_view("SOA"), type_soa},
    std::pair{std::string_view("SRV"), type_srv}, std::pair{std::string_view("TXT"), type_txt}};
constexpr std::array<std::string_view, 11> rcodes{"NOERROR", "FORMERR",  "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                                                  "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};

void append_u16(std::string& out, unsigned number) {
  out += static_cast<char>(number >> 8 & 0xFF);
  out += static_cast<char>(number & 0xFF);
}

// Numbers and names at a place that moves on; ok() is false once something was not there.
class Reader {
 public:
  Reader(std::string_view bytes, std::size_t at) : bytes_(bytes), at_(at) {}
  bool ok() const { return ok_; }
  std::size_t at() const { return at_; }

  unsigned u8() {
    if (at_ >= bytes_.size()) ok_ = false;
    return ok_ ? static_cast<unsigned char>(bytes_[at_++]) : 0u;
  }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  std::string_view take(std::size_t count) {
    if (count > bytes_.size() - std::min(at_, bytes_.size())) {
      ok_ = false;
      return {};
    }
    const auto taken = bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }
  std::string name();

 private:
  std::string_view bytes_;
  std::size_t at_;
  bool ok_ = true;
};

void append_shown(std::string& out, std::string_view bytes, std::string_view escaped) {
  for (const unsigned char c : bytes) {
    if (c < 0x21 || c > 0x7e) {
      const auto digit = [](unsigned number) { return static_cast<char>('0' + number % 10); };
      if (c == ' ' && escaped == "\"\\") {
        out += ' ';
        continue;
      }
      out += '\\';
      out += digit(c / 100u);
      out += digit(c / 10u);
      out += digit(c);
      continue;
    }
    if (escaped.find(static_cast<char>(c)) != std::string_view::npos) out += '\\';
    out += static_cast<char>(c);
  }
}

// A pointer has to lead to a place before the one where the name began: so each is nearer to the message's beginning.
std::string Reader::name() {
  std::string text;
  std::size_t bytes = 0;
  std::size_t limit = at_;
  std::optional<std::size_t> back;
  int pointers = 0;
  while (ok_) {
    const unsigned length = u8();
    if (!ok_ || length == 0) break;
    if ((length & 0xC0) == 0xC0) {
      const std::size_t target = (length & 0x3Fu) << 8 | u8();
      if (!ok_ || target >= limit || ++pointers > max_pointers) {
        ok_ = false;
        break;
      }
      if (!back) back = at_;
      limit = target;
      at_ = target;
      continue;
    }
    bytes += length + 1;
    if (length > max_label_bytes || bytes >= max_name_bytes) ok_ = false;  // the last byte is the root's
    append_shown(text, take(length), ".\\\"();@$");
    text += '.';
  }
  if (back) at_ = *back;
  return text.empty() ? "." : text;
}

std::string strings_text(std::string_view data) {
  std::string text;
  Reader reader(data, 0);
  while (reader.ok() && reader.at() < data.size()) {
    const auto length = reader.u8();
    if (!text.empty()) text += ' ';
    text += '"';
    append_shown(text, reader.take(length), "\"\\");
    text += '"';
  }
  return text;
}

std::string address_text(std::string_view data) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = data.size() == 4 ? AF_INET : AF_INET6;
  return inet_ntop(family, data.data(), text.data(), text.size()) == nullptr ? "" : text.data();
}

// What an unknown type holds, as RFC 3597 writes it.
std::string unknown_text(std::string_view data) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text = "\\# " + std::to_string(data.size()) + (data.empty() ? "" : " ");
  for (const unsigned char c : data) {
    text += digits[c >> 4];
    text += digits[c & 15];
  }
  return text;
}

void read_data(std::string_view bytes, std::size_t at, std::size_t size, DnsRecord& record, bool& ok) {
  Reader reader(bytes.substr(0, at + size), at);
  const auto number = [&] { return std::to_string(reader.u16()); };
  switch (record.type) {
    case type_a:
    case type_aaaa:
      ok = ok && size == (record.type == type_a ? 4u : 16u);
      if (ok) record.text = address_text(reader.take(size));
      break;
    case type_ns:
    case type_cname:
    case type_ptr: record.text = reader.name(); break;
    case type_mx: record.text = number() + " "; record.text += reader.name(); break;
    case type_srv:
      for (int i = 0; i < 3; ++i) record.text += number() + " ";
      record.text += reader.name();
      break;
    case type_soa:
      record.text = reader.name() + " ";
      record.text += reader.name();
      record.serial = reader.u32();
      record.text += " " + std::to_string(record.serial);
      for (int i = 0; i < 4; ++i) record.text += " " + std::to_string(reader.u32());
      break;
    case type_txt: record.text = strings_text(reader.take(size)); break;
    case type_caa: {
      record.text = std::to_string(reader.u8()) + " ";
      append_shown(record.text, reader.take(reader.u8()), "");
      record.text += " \"";
      append_shown(record.text, reader.take(at + size - std::min(at + size, reader.at())), "\"\\");
      record.text += '"';
      break;
    }
    default: record.text = unknown_text(reader.take(size)); break;
  }
  ok = ok && reader.ok();
}

bool read_records(std::string_view bytes, Reader& reader, std::size_t count, std::vector<DnsRecord>& records) {
  for (std::size_t i = 0; i < count; ++i) {
    DnsRecord record;
    record.name = reader.name();
    record.type = reader.u16();
    reader.u16();  // the class
    record.ttl = reader.u32();
    const std::size_t size = reader.u16();
    const std::size_t at = reader.at();
    reader.take(size);
    bool ok = reader.ok();
    if (ok) read_data(bytes, at, size, record, ok);
    if (!ok) return false;
    if (records.size() < max_records) records.push_back(std::move(record));
  }
  return true;
}

}  // namespace

Result<std::string> encode_dns_question(std::uint16_t id, const DnsQuestion& question) {
  std::string out;
  append_u16(out, id);
  append_u16(out, question.recursion ? 0x0100 : 0);
  for (const unsigned count : {1, 0, 0, 0}) append_u16(out, count);
  std::string_view left = question.name;
  if (left.ends_with('.')) left.remove_suffix(1);
  while (!left.empty()) {
    const auto label = left.substr(0, left.find('.'));
    if (label.empty()) return Error{"a name has no two dots behind each other", ""};
    if (label.size() > max_label_bytes) return Error{"a part of the name is longer than 63 characters", ""};
    out += static_cast<char>(label.size());
    out += label;
    left.remove_prefix(std::min(label.size() + 1, left.size()));
  }
  out += '\0';
  if (out.size() - header_bytes > max_name_bytes) return Error{"the name is longer than 253 characters", ""};
  append_u16(out, question.type);
  append_u16(out, class_in);
  return out;
}

Result<DnsMessage> decode_dns_message(std::string_view bytes) {
  const Error damaged{"what came is not a DNS message", ""};
  if (bytes.size() < header_bytes) return damaged;
  DnsMessage message;
  Reader reader(bytes, 0);
  message.id = reader.u16();
  const unsigned flags = reader.u16();
  message.is_answer = (flags & 0x8000) != 0;
  message.truncated = (flags & 0x0200) != 0;
  message.rcode = static_cast<int>(flags & 0x000F);
  std::array<std::size_t, 4> counts{};
  for (auto& count : counts) count = reader.u16();
  for (std::size_t i = 0; i < counts[0]; ++i) {
    DnsQuestion question;
    question.name = reader.name();
    question.type = reader.u16();
    reader.u16();
    if (!reader.ok()) return damaged;
    if (i == 0) message.question = std::move(question);
  }
  const bool whole = read_records(bytes, reader, counts[1], message.answers) &&
                     read_records(bytes, reader, counts[2], message.authorities) &&
                     read_records(bytes, reader, counts[3], message.additionals);
  if (!whole && !message.truncated) return damaged;
  return message;
}

std::optional<std::uint16_t> dns_type_of(std::string_view name) {
  for (const auto& [known, type] : types) {
    if (known == name) return type;
  }
  return std::nullopt;
}

std::string dns_type_name(std::uint16_t type) {
  for (const auto& [known, number] : types) {
    if (number == type) return std::string(known);
  }
  return "TYPE" + std::to_string(type);
}

std::optional<int> dns_rcode_of(std::string_view name) {
  const auto found = std::find(rcodes.begin(), rcodes.end(), name);
  if (found == rcodes.end()) return std::nullopt;
  return static_cast<int>(found - rcodes.begin());
}

std::string dns_rcode_name(int rcode) {
  const auto index = static_cast<std::size_t>(rcode);
  return index < rcodes.size() ? std::string(rcodes[index]) : "RCODE" + std::to_string(rcode);
}

bool same_dns_name(std::string_view one, std::string_view other) {
  if (one.ends_with('.')) one.remove_suffix(1);
  if (other.ends_with('.')) other.remove_suffix(1);
  return one.size() == other.size() && strncasecmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace sidewatch::probe
