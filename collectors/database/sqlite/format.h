// The bytes at the beginning of SQLite's files, as numbers. Pure: text in, values out.
//
// The database: https://www.sqlite.org/fileformat.html 1.3. The log (-wal): the same, 4.1. Its index in shared memory
// (-shm), which is in the byte order of the machine: https://www.sqlite.org/walformat.html 2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sidewatch::database::sqlite {

inline constexpr std::size_t header_bytes = 100;
inline constexpr std::size_t wal_header_bytes = 32;
inline constexpr std::size_t wal_index_bytes = 136;
inline constexpr std::size_t wal_frame_header_bytes = 24;  // before each page in the log
inline constexpr std::size_t read_marks = 5;

struct Header {
  bool wal = false;
  std::uint32_t page_size = 0;
  std::optional<std::uint32_t> pages;  // absent where a version before 3.7.0 wrote last
  std::uint32_t free_pages = 0;
  std::uint32_t changes = 0;  // rises with each write transaction that is not in a log
  std::uint32_t schema_version = 0;
  std::int32_t user_version = 0;
  std::string_view encoding;     // "UTF-8", "UTF-16le", "UTF-16be"; empty before anything was written
  std::string_view auto_vacuum;  // "none", "full", "incremental"
  std::string written_by;        // "3.40.1"
};
// Nothing when it is not the beginning of a database (or of an encrypted one).
std::optional<Header> parse_header(std::string_view bytes);

struct WalHeader {
  std::uint32_t restarts = 0;  // how often the log was begun anew
};
std::optional<WalHeader> parse_wal_header(std::string_view bytes);

struct WalIndex {
  std::uint32_t commits = 0;
  std::uint32_t frames = 0;      // valid ones in the log
  std::uint32_t backfilled = 0;  // of these, copied into the database
  std::uint32_t pages = 0;       // of the database after the last commit
  std::array<std::uint32_t, read_marks> marks{};  // how many frames the readers of each slot see
};
// Nothing when it is being written at this moment, or was never used.
std::optional<WalIndex> parse_wal_index(std::string_view bytes);

}  // namespace sidewatch::database::sqlite
