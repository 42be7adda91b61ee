#include "collectors/probe/check.h"

namespace sidewatch::probe {

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::resolve: return "resolve";
    case Reason::connect: return "connect";
    case Reason::address_refused: return "address_refused";
    case Reason::timeout: return "timeout";
    case Reason::tls: return "tls";
    case Reason::certificate: return "certificate";
    case Reason::disconnected: return "disconnected";
    case Reason::protocol: return "protocol";
    case Reason::status: return "status";
    case Reason::header: return "header";
    case Reason::body: return "body";
    case Reason::redirect: return "redirect";
    case Reason::too_large: return "too_large";
    case Reason::too_slow: return "too_slow";
    case Reason::answer: return "answer";
    case Reason::lost: return "lost";
    case Reason::missing: return "missing";
    case Reason::permission: return "permission";
    case Reason::age: return "age";
    case Reason::size: return "size";
    case Reason::content: return "content";
    case Reason::state: return "state";
    case Reason::offset: return "offset";
    case Reason::internal: return "internal";
    case Reason::not_run: return "not_run";
  }
  return "internal";
}

void add_expiry(Verdict& verdict, std::int64_t expiry) {
  verdict.add(ssl_earliest_expiry_metric, static_cast<double>(expiry));
}

void add_tls_facts(Verdict& verdict, const TlsPeer& peer) {
  add_expiry(verdict, peer.earliest_expiry);
  if (peer.verified_expiry) verdict.add(ssl_chain_expiry_metric, static_cast<double>(*peer.verified_expiry));
  verdict.add_foreign(ssl_chain_info_metric, 1,
                      Labels{{"fingerprint_sha256", peer.certificate.sha256},
                             {"subject", peer.certificate.subject},
                             {"issuer", peer.certificate.issuer},
                             {"subjectalternative", peer.certificate.names},
                             {"serialnumber", peer.certificate.serial}});
  verdict.add(tls_version_info_metric, 1, Labels{{"version", peer.version}});
  verdict.add(tls_cipher_info_metric, 1, Labels{{"cipher", peer.cipher}});
}

}  // namespace sidewatch::probe
