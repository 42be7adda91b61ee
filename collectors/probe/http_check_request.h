// What an HTTP check asks for: its request, with the secrets and keys that have to be read from files first.
#pragma once

#include <optional>

#include "base/http_client.h"
#include "base/http_transfers.h"
#include "collectors/probe/check.h"
#include "collectors/probe/http_check.h"

namespace sidewatch::probe {

// What a run asks for first: with everything that has to be read from files.
struct Prepared {
  OutgoingRequest request;
  HttpTransfers::Given keys;
  std::optional<Trouble> trouble;
};

// May block for as long as a file system does, where may_read_files().
Prepared prepare(const HttpCheckConfig& config);
bool may_read_files(const HttpCheckConfig& config);

}  // namespace sidewatch::probe
