#include "base/snappy.h"

#include <snappy-c.h>

#include <utility>

#include "base/result.h"
#include "base/shared_library.h"

namespace sidewatch {
namespace {

struct Functions {
  decltype(&snappy_uncompressed_length) length = nullptr;
  decltype(&snappy_uncompress) uncompress = nullptr;
};

Result<Functions> load() {
  const auto library = SharedLibrary::load("libsnappy.so.1", "libsnappy1v5");
  if (!library) return library.error();
  Functions functions;
  if (auto found = library->find("snappy_uncompressed_length", functions.length); !found) return found.error();
  if (auto found = library->find("snappy_uncompress", functions.uncompress); !found) return found.error();
  return functions;
}

}  // namespace

SnappyText snappy_decompress(std::string_view packed, std::size_t max_bytes) {
  using State = SnappyText::State;
  static const Result<Functions> functions = load();
  if (!functions) return {State::no_library, functions.error().text()};
  std::size_t size = 0;
  if (functions->length(packed.data(), packed.size(), &size) != SNAPPY_OK) {
    return {State::damaged, "it is not packed with snappy in its block format"};
  }
  if (size > max_bytes) return {State::too_large, "it unpacks to more than " + std::to_string(max_bytes) + " bytes"};
  std::string text(size, '\0');
  if (functions->uncompress(packed.data(), packed.size(), text.data(), &size) != SNAPPY_OK || size != text.size()) {
    return {State::damaged, "it is damaged or cut off"};
  }
  return {State::whole, std::move(text)};
}

}  // namespace sidewatch
