// The keys `ca`, `cert`, `key` and so on, of every kind of check that speaks TLS.
#pragma once

#include <string>

#include "base/tls_client.h"
#include "config/section.h"

namespace sidewatch::probe {

struct TlsKeys {
  std::string ca;
  std::string cert;
  std::string key;
  std::string server_name;
  bool insecure_skip_verify = false;
  bool tls13_only = false;

  TlsSettings settings(const std::string& host) const;  // for a connection to `host`
  std::string fingerprint() const;
};
void declare(config::Section& section, TlsKeys& tls);

}  // namespace sidewatch::probe
