// One alert's state as it is kept on disk: the rules write the blob, the outbox keeps it.
#pragma once

#include <string>

namespace sidewatch {

struct StateRow {
  std::string key;
  std::string blob;  // empty: the row is erased
};

}  // namespace sidewatch
