#include "collectors/probe/tls_keys.h"

namespace sidewatch::probe {

TlsSettings TlsKeys::settings(const std::string& host) const {
  TlsSettings settings;
  settings.verify_certificate = !insecure_skip_verify;
  settings.name = server_name.empty() ? host : server_name;
  settings.ca = ca;
  settings.cert = cert;
  settings.key = key.empty() ? cert : key;
  settings.tls13_only = tls13_only;
  return settings;
}

std::string TlsKeys::fingerprint() const {
  return ca + '\n' + cert + '\n' + key + '\n' + server_name + (insecure_skip_verify ? "\n-" : "\n+") +
         (tls13_only ? "3" : "2");
}

void declare(config::Section& section, TlsKeys& tls) {
  section.optional("ca", tls.ca,
                   "the certificates (PEM) of the authorities that are trusted; the system's when absent");
  section.optional("cert", tls.cert, "the certificate (PEM) that the agent shows");
  section.optional("key", tls.key, "the private key (PEM) of cert; the one in the file of cert when absent");
  section.optional("server_name", tls.server_name,
                   "the name that is asked for and that the certificate must be for; the host's when absent");
  section.optional("insecure_skip_verify", tls.insecure_skip_verify,
                   "take every certificate; its expiry is told all the same");
  section.choice("min_version", tls.tls13_only, {{"1.2", false}, {"1.3", true}},
                 "the oldest version of TLS that is spoken");
  if (section.describing()) return;
  if (!tls.key.empty() && tls.cert.empty()) section.problem("key", "a key is of no use without its cert");
  if (tls.server_name.find_first_of("/?#@: ") != std::string::npos) {
    section.problem("server_name", "'" + tls.server_name + "' is not the name of a host");
  }
}

}  // namespace sidewatch::probe
