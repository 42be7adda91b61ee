// Which operating system this is, from os-release(5): /etc/os-release, or the vendor's copy under /usr/lib.
//
// The file changes with an upgrade only, and then by being replaced; it is looked at anew about once a minute at the
// default interval.
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_os_info", MetricType::gauge, "", "What os-release says of the operating system; always 1."},
    Metric{"node_os_version", MetricType::gauge, "", "Major and minor version of the operating system as one number."},
};

constexpr std::array<const char*, 2> kFiles{"etc/os-release", "usr/lib/os-release"};
constexpr unsigned kPassesBetweenReads = 12;

// The labels of node_os_info, and the variable that each shows.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kVariables{{
    {"build_id", "BUILD_ID"},
    {"id", "ID"},
    {"id_like", "ID_LIKE"},
    {"image_id", "IMAGE_ID"},
    {"image_version", "IMAGE_VERSION"},
    {"name", "NAME"},
    {"pretty_name", "PRETTY_NAME"},
    {"variant", "VARIANT"},
    {"variant_id", "VARIANT_ID"},
    {"version", "VERSION"},
    {"version_codename", "VERSION_CODENAME"},
    {"version_id", "VERSION_ID"},
}};

// What a shell would make of the value of an assignment: quotes taken off, and in double quotes '\' before one of "$`\.
std::string unquoted(std::string_view value) {
  const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front();
  if (!quoted) return std::string(value);
  const bool escapes = value.front() == '"';
  value = value.substr(1, value.size() - 2);
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (escapes && value[i] == '\\' && i + 1 < value.size()) ++i;
    text += value[i];
  }
  return text;
}

Labels parse_os_release(std::string_view text) {
  std::vector<Label> labels;
  std::string_view line;
  while (next_line(text, line)) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = trim(line.substr(0, equals));
    for (const auto& [label, variable] : kVariables) {
      if (name == variable) labels.push_back({std::string(label), unquoted(trim(line.substr(equals + 1)))});
    }
  }
  return Labels(std::move(labels));
}

// "12.4.1" as 12.4; nothing when it does not begin with a number, or is 0.
std::optional<double> version_number(std::string_view version) {
  std::size_t end = 0;
  bool dotted = false;
  for (; end < version.size(); ++end) {
    const char c = version[end];
    if (c == '.' && end > 0 && !dotted) {
      dotted = true;
    } else if (c < '0' || c > '9') {
      break;
    }
  }
  if (end > 0 && version[end - 1] == '.') --end;
  const auto number = parse_double(version.substr(0, end));
  return number && *number > 0 ? number : std::nullopt;
}

class OsPart final : public Part {
 public:
  explicit OsPart(HostSources& sources) : sources_(sources), root_(sources.rootfs + "/") {}

  void sample(Batch& batch, PartReport& report) override {
    if (passes_until_read_ == 0) read();
    --passes_until_read_;
    if (error_) return report.fail(*error_);
    if (!info_) return report.absent();
    batch.add(info_, 1);
    if (version_) batch.add(version_series_, *version_);
  }

 private:
  void read() {
    passes_until_read_ = kPassesBetweenReads;
    for (const char* name : kFiles) {
      const FileText file = root_.read(name, sources_.buffer);
      if (file.status() == FileStatus::gone) continue;
      error_ = file ? std::nullopt : std::optional(root_.error(name, file.error_number));
      if (file && file.text != text_) take(file.text);
      return;
    }
    error_.reset();
    info_ = {};
    text_.clear();
  }

  void take(std::string_view text) {
    text_ = text;
    const Labels labels = parse_os_release(text);
    info_ = sources_.catalog.series(kMetrics[0], labels);
    version_ = version_number(labels.get("version_id"));
    version_series_ = {};
    if (!version_) return;
    version_series_ = sources_.catalog.series(
        kMetrics[1], Labels{{"id", labels.get("id")}, {"id_like", labels.get("id_like")}, {"name", labels.get("name")}});
  }

  HostSources& sources_;
  ProcDir root_;
  unsigned passes_until_read_ = 0;
  std::optional<Error> error_;
  std::string text_;  // as it was read last
  SeriesHandle info_;
  std::optional<double> version_;
  SeriesHandle version_series_;
};

}  // namespace

std::unique_ptr<Part> make_os_part(HostSources& sources, const HostConfig&) { return std::make_unique<OsPart>(sources); }

std::span<const Metric> os_metrics() { return kMetrics; }

}  // namespace sidewatch
