// Checks of files: `file`, whether it is there, how old, how large and what is in it, and `certificate`, when the
// certificates in files end. Both work on a thread of their own: a mount whose server is dead holds up nobody else.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/certificates.h"
#include "collectors/probe/check.h"
#include "config/section.h"

namespace sidewatch::probe {

struct FileCheckConfig {
  config::Located<std::string> path;
  bool exists = true;
  std::optional<Duration> max_age;
  std::optional<config::Bytes> min_size;
  std::optional<config::Bytes> max_size;
  std::string sha256;
  bool watch_content = false;
};
void declare(config::Section& section, FileCheckConfig& config);
std::string fingerprint_of(const FileCheckConfig& config);
std::unique_ptr<Check> make_check(std::shared_ptr<const FileCheckConfig> config);
// `stat_file` does what stat(2) does, and may hang.
using StatFile = std::function<int(const char* path, struct stat* status)>;
std::unique_ptr<Check> make_check(std::shared_ptr<const FileCheckConfig> config, StatFile stat_file);
std::vector<Metric> file_check_metrics();

struct CertificateCheckConfig {
  std::vector<config::Located<std::string>> files;  // paths; patterns with * are taken apart at each run
  Duration min_life = Duration(0);
};
void declare(config::Section& section, CertificateCheckConfig& config);
std::string target_of(const CertificateCheckConfig& config);
std::string fingerprint_of(const CertificateCheckConfig& config);
std::unique_ptr<Check> make_check(std::shared_ptr<const CertificateCheckConfig> config);
std::vector<Metric> certificate_check_metrics();

// What is wrong with the certificates of one file at `now` (seconds since 1970); empty: nothing. Of several, each has
// to be signed by the next, as a server sends them; a file of authorities (each signed by itself) has no order.
std::string trouble_of_chain(const std::vector<Certificate>& chain, std::int64_t now, Duration min_life);

}  // namespace sidewatch::probe
