// The `certificate` check. See file_check.h.
#include <algorithm>
#include <atomic>
#include <ctime>
#include <utility>

#include "collectors/probe/file_check.h"
#include "config/files.h"
#include "config/regular_file.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_file_bytes = std::size_t{1} << 20;
constexpr std::size_t most_files = 100;         // of one check
constexpr std::size_t most_certificates = 200;  // of one file
constexpr std::size_t most_series = 1000;       // of one check; two for each certificate

constexpr Metric not_after_metric{"probe_certificate_not_after_timestamp_seconds", MetricType::gauge, "seconds",
                                  "When a certificate of a file ends, in seconds since 1970."};
constexpr Metric not_before_metric{"probe_certificate_not_before_timestamp_seconds", MetricType::gauge, "seconds",
                                   "When a certificate of a file begins, in seconds since 1970."};

struct OneFile {
  std::string path;
  std::vector<Certificate> chain;
  std::size_t left_out = 0;  // certificates beyond the most that are looked at
  std::string trouble;       // why it could not be read
};

struct Files {
  std::vector<config::Located<std::string>> patterns;
  std::atomic<bool> given_up{false};
  std::vector<OneFile> all;
  std::size_t left_out = 0;  // files beyond the most that are read
  std::string missing;       // a pattern that no file fits
};

OneFile read_file(const std::string& path) {
  OneFile file;
  file.path = path;
  const auto text = config::read_regular_file(path, most_file_bytes);
  auto chain = text ? read_certificates(*text) : Result<std::vector<Certificate>>(text.error());
  if (!chain) {
    file.trouble = chain.error().what;
    return file;
  }
  file.chain = std::move(chain).value();
  file.left_out = file.chain.size() - std::min(file.chain.size(), most_certificates);
  file.chain.resize(file.chain.size() - file.left_out);
  return file;
}

void read_files(Files& files) {
  for (const auto& pattern : files.patterns) {
    const auto paths = config::files_matching(pattern.value, pattern.mark.file);
    if (paths.empty() && files.missing.empty()) files.missing = pattern.value;
    for (const auto& path : paths) {
      if (files.given_up) return;
      if (files.all.size() < most_files) {
        files.all.push_back(read_file(path));
      } else {
        files.left_out += 1;
      }
    }
  }
}

class CertificateCheck final : public Check {
 public:
  explicit CertificateCheck(std::shared_ptr<const CertificateCheckConfig> config) : config_(std::move(config)) {}

  Task<Verdict> run(Surroundings& surroundings, TimePoint until) override {
    Verdict verdict;
    const auto files = std::make_shared<Files>();
    files->patterns = config_->files;
    const GivenUp guard(files->given_up);
    std::function<void()> work = [files] { read_files(*files); };
    auto reading = errand_.run(surroundings.background, surroundings.loop, Work::files, std::move(work), until);
    const auto ended = co_await reading;
    if (ended == Background::Ended::not_begun) {
      verdict.fail(Reason::not_run, no_thread_words(Work::files));
      co_return verdict;
    }
    if (ended != Background::Ended::done) {
      verdict.fail(Reason::timeout, "the file system does not answer in time");
      co_return verdict;
    }
    if (!files->missing.empty()) verdict.fail(Reason::missing, files->missing + ": there is no such file");
    std::optional<std::int64_t> earliest;
    for (const auto& file : files->all) {
      if (!file.trouble.empty()) verdict.fail(Reason::certificate, file.path + ": " + file.trouble);
      tell(file, verdict, earliest);
      const auto trouble =
          trouble_of_chain(file.chain, static_cast<std::int64_t>(std::time(nullptr)), config_->min_life);
      if (!trouble.empty()) verdict.fail(Reason::certificate, file.path + ": " + trouble);
    }
    tell_left_out(*files, verdict);
    if (earliest) verdict.add(ssl_earliest_expiry_metric, static_cast<double>(*earliest));
    co_return verdict;
  }

  std::size_t most_foreign_series() const override { return most_series; }

 private:
  // Nobody knows when those end, and nobody may believe that all is well with them.
  static void tell_left_out(const Files& files, Verdict& verdict) {
    for (const auto& file : files.all) {
      if (file.left_out == 0) continue;
      verdict.fail(Reason::too_large, file.path + ": it has " + std::to_string(file.chain.size() + file.left_out) +
                                          " certificates, of which the first " + std::to_string(most_certificates) +
                                          " are looked at: split it");
    }
    if (files.left_out == 0) return;
    verdict.fail(Reason::too_large, std::to_string(files.all.size() + files.left_out) + " files fit, of which " +
                                        std::to_string(most_files) +
                                        " are read: give the others a check of their own");
  }

  static void tell(const OneFile& file, Verdict& verdict, std::optional<std::int64_t>& earliest) {
    for (std::size_t i = 0; i < file.chain.size(); ++i) {
      const Certificate& one = file.chain[i];
      earliest = std::min(earliest.value_or(one.not_after), one.not_after);
      const Labels labels{{"file", file.path}, {"position", std::to_string(i)}, {"subject", one.subject}};
      verdict.add_foreign(not_after_metric, static_cast<double>(one.not_after), labels);
      verdict.add_foreign(not_before_metric, static_cast<double>(one.not_before), labels);
    }
  }

  const std::shared_ptr<const CertificateCheckConfig> config_;
  OwnErrand errand_;
};

std::string place_of(const std::vector<Certificate>& chain, std::size_t i) {
  return chain.size() == 1 ? "the certificate of '" + chain[i].subject + "'"
                           : "certificate " + std::to_string(i + 1) + " ('" + chain[i].subject + "')";
}

}  // namespace

std::string trouble_of_chain(const std::vector<Certificate>& chain, std::int64_t now, Duration min_life) {
  const auto life = std::chrono::duration_cast<std::chrono::seconds>(min_life).count();
  for (std::size_t i = 0; i < chain.size(); ++i) {
    if (chain[i].not_after <= now) return place_of(chain, i) + " is over";
    if (chain[i].not_before > now) return place_of(chain, i) + " has not begun yet";
    if (chain[i].not_after <= now + life) return place_of(chain, i) + " ends within " + to_words(min_life);
  }
  const bool authorities =
      std::all_of(chain.begin(), chain.end(), [](const Certificate& one) { return one.is_issued_by(one); });
  for (std::size_t i = 0; !authorities && i + 1 < chain.size(); ++i) {
    if (!chain[i].is_issued_by(chain[i + 1])) {
      return "the order is wrong: certificate " + std::to_string(i + 1) + " ('" + chain[i].subject +
             "') is not signed by certificate " + std::to_string(i + 2);
    }
  }
  return "";
}

void declare(config::Section& section, CertificateCheckConfig& config) {
  section.optional("files", config.files, "files with certificates (PEM): /etc/ssl/shop/*.pem; a relative one is seen "
                                          "from the folder of this file");
  section.optional("min_life", config.min_life, "fail so long before the first of them ends",
                   config::between(0s, 8760h));
  if (section.describing()) return;
  if (config.files.empty()) section.problem("files", "which files? Write files: [/etc/ssl/shop/*.pem]");
}

std::string target_of(const CertificateCheckConfig& config) {
  if (config.files.empty()) return "";
  return config.files[0].value +
         (config.files.size() > 1 ? " and " + std::to_string(config.files.size() - 1) + " more" : "");
}

std::string fingerprint_of(const CertificateCheckConfig& config) {
  std::string text = std::to_string(config.min_life.count());
  for (const auto& file : config.files) text += '\n' + file.value;
  return text;
}

std::unique_ptr<Check> make_check(std::shared_ptr<const CertificateCheckConfig> config) {
  return std::make_unique<CertificateCheck>(std::move(config));
}

std::vector<Metric> certificate_check_metrics() { return {not_after_metric, not_before_metric}; }

}  // namespace sidewatch::probe
