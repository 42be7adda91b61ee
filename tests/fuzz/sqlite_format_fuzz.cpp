// Any bytes as the beginning of a database, of its log and of the log's index.
//
// Beside not crashing it must hold that what is made of them keeps what the rest of the collector counts on: a page size
// that can be divided by, no more pages copied back than there are, texts of our own.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collectors/database/sqlite/format.h"

namespace sidewatch::database::sqlite {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(std::string_view bytes) {
  if (const auto header = parse_header(bytes)) {
    require(bytes.size() >= header_bytes);
    require(header->page_size >= 512 && header->page_size <= 65536);
    require(header->encoding.size() <= 8 && !header->auto_vacuum.empty());
    require(header->written_by.find_first_not_of("0123456789.") == std::string::npos);
  }
  if (parse_wal_header(bytes)) require(bytes.size() >= wal_header_bytes);
  if (const auto index = parse_wal_index(bytes)) {
    require(bytes.size() >= wal_index_bytes);
    require(index->backfilled <= index->frames);
  }
}

}  // namespace
}  // namespace sidewatch::database::sqlite

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sidewatch::database::sqlite::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
