#include "collectors/database/sqlite/format.h"

#include <cstring>

namespace sidewatch::database::sqlite {
namespace {

std::uint32_t big_endian(std::string_view bytes, std::size_t at, std::size_t size = 4) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::uint32_t native(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

bool is_page_size(std::uint32_t size) { return size >= 512 && size <= 65536 && (size & (size - 1)) == 0; }

std::string version_text(std::uint32_t number) {  // 3040001
  return std::to_string(number / 1'000'000) + '.' + std::to_string(number / 1000 % 1000) + '.' +
         std::to_string(number % 1000);
}

std::string_view encoding_of(std::uint32_t number) {
  constexpr std::array<std::string_view, 4> names{"", "UTF-8", "UTF-16le", "UTF-16be"};
  return number < names.size() ? names[number] : names[0];
}

}  // namespace

std::optional<Header> parse_header(std::string_view bytes) {
  constexpr std::string_view magic("SQLite format 3\0", 16);
  if (bytes.size() < header_bytes || !bytes.starts_with(magic)) return std::nullopt;
  Header header;
  header.page_size = big_endian(bytes, 16, 2);
  if (header.page_size == 1) header.page_size = 65536;
  if (!is_page_size(header.page_size)) return std::nullopt;
  header.wal = bytes[18] == 2 || bytes[19] == 2;
  header.changes = big_endian(bytes, 24);
  if (header.changes == big_endian(bytes, 92)) header.pages = big_endian(bytes, 28);  // "version-valid-for"
  header.free_pages = big_endian(bytes, 36);
  header.schema_version = big_endian(bytes, 40);
  header.encoding = encoding_of(big_endian(bytes, 56));
  header.user_version = static_cast<std::int32_t>(big_endian(bytes, 60));
  header.auto_vacuum = big_endian(bytes, 52) == 0 ? "none" : big_endian(bytes, 64) == 0 ? "full" : "incremental";
  header.written_by = version_text(big_endian(bytes, 96));
  return header;
}

std::optional<WalHeader> parse_wal_header(std::string_view bytes) {
  constexpr std::uint32_t magic = 0x377f0682;  // the last bit is the byte order of the checksums
  if (bytes.size() < wal_header_bytes || (big_endian(bytes, 0) & ~1U) != magic) return std::nullopt;
  return WalHeader{big_endian(bytes, 12)};
}

std::optional<WalIndex> parse_wal_index(std::string_view bytes) {
  constexpr std::size_t copy_bytes = 48;  // the header stands there twice, written one after the other
  constexpr std::size_t is_used = 12;
  if (bytes.size() < wal_index_bytes || bytes[is_used] == 0) return std::nullopt;
  if (bytes.substr(0, copy_bytes) != bytes.substr(copy_bytes, copy_bytes)) return std::nullopt;
  WalIndex index;
  index.commits = native(bytes, 8);
  index.frames = native(bytes, 16);
  index.pages = native(bytes, 20);
  index.backfilled = native(bytes, 96);
  for (std::size_t i = 0; i < read_marks; ++i) index.marks[i] = native(bytes, 100 + 4 * i);
  // The one is written after the other, and a log that begins anew takes both back.
  if (index.backfilled > index.frames) index.backfilled = index.frames;
  return index;
}

}  // namespace sidewatch::database::sqlite
