// Implementation of device_tree.h.
#include "collectors/host/device_tree.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <utility>

namespace sidewatch {
namespace {

constexpr unsigned kPassesBetweenLooks = 15;
constexpr std::size_t kMaxKeptFiles = 32;  // of one tree; files beyond are opened at each read

std::uint64_t hash_text(std::string_view text, std::uint64_t seed = 14695981039346656037u) {
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return (seed ^ 0xffu) * 1099511628211u;
}

// What stands behind `words` in the line that begins with them; empty when there is none.
std::string_view behind(std::string_view text, std::string_view words) {
  std::string_view line;
  while (next_line(text, line)) {
    if (line.starts_with(words)) return trim(line.substr(words.size()));
  }
  return {};
}

class DevicePart final : public Part {
 public:
  DevicePart(HostSources& sources, DeviceClass device_class) : tree_(sources, std::move(device_class)) {}
  void sample(Batch& batch, PartReport& report) override { tree_.sample(batch, report); }

 private:
  DeviceTree tree_;
};

}  // namespace

std::unique_ptr<Part> make_device_part(HostSources& sources, DeviceClass device_class) {
  return std::make_unique<DevicePart>(sources, std::move(device_class));
}

std::optional<double> parse_leading_number(std::string_view text) {
  text = next_field(text);
  if (text.ends_with(':')) text.remove_suffix(1);
  if (text.starts_with("0x")) {
    const auto value = parse_hex(text);
    return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
  }
  return parse_double(text);
}

DeviceTree::DeviceTree(HostSources& sources, DeviceClass device_class)
    : sources_(sources), class_(std::move(device_class)), directory_(class_.directory) {}

void DeviceTree::sample(Batch& batch, PartReport& report) {
  const bool looking = passes_until_look_ == 0;
  if (looking) look();
  --passes_until_look_;
  if (error_number_ != 0) {
    if (file_status(error_number_) != FileStatus::gone) {
      report.fail(sources_.sys.error(directory_, error_number_));
    } else if (class_.missing == DeviceClass::Missing::absent) {
      report.absent();
    }
    return;
  }
  denied_ = 0;
  for (Number& number : numbers_) {
    const bool seldom = number.form.pace == NumberForm::Pace::seldom;
    if (!seldom || looking) number.last = read(number, report);
    if (number.last) batch.add(number.series, *number.last);
  }
  if (denied_ > 0 && denied_ == numbers_.size() && constants_.empty()) report.absent();
  for (const Constant& constant : constants_) batch.add(constant.series, constant.value);
}

void DeviceTree::describe_anew() {
  passes_until_look_ = 0;
  shape_.reset();
}

// --- Looking for devices -------------------------------------------------------------------------------------------

void DeviceTree::look() {
  passes_until_look_ = kPassesBetweenLooks;
  std::uint64_t shape = 0;
  const auto visit = [&](std::string_view name, std::uint64_t inode) {
    if (name.starts_with(class_.prefix)) shape += hash_of_device(name, inode);  // whatever the order
  };
  // The callback holds one reference, so that std::function need not allocate.
  error_number_ = sources_.sys.list_inodes(directory_.c_str(), listing_, std::ref(visit));
  for (Number& number : numbers_) number.resting = false;
  if (error_number_ == 0 && shape_ == shape) return;
  numbers_.clear();
  constants_.clear();
  shape_.reset();
  if (error_number_ != 0) return;
  shape_ = shape;
  describe_all();
}

std::uint64_t DeviceTree::hash_of_device(std::string_view name, std::uint64_t inode) {
  std::uint64_t hash = hash_text(name) ^ (inode * 0x9e3779b97f4a7c15u);
  for (const std::string_view file : class_.looked_at) {
    path_ = directory_;
    path_ += '/';
    path_ += name;
    path_ += '/';
    path_ += file;
    const std::uint64_t inner =
        file.ends_with('/') || file.empty() ? hash_of_entries(path_.c_str())
                                            : hash_text(sources_.sys.read(path_.c_str(), sources_.buffer).text);
    hash = (hash ^ inner) * 1099511628211u;
  }
  return hash;
}

std::uint64_t DeviceTree::hash_of_entries(const char* directory) {
  std::uint64_t hash = 0;
  const auto visit = [&](std::string_view name) { hash += hash_text(name); };
  sources_.sys.list(directory, inner_listing_, std::ref(visit));
  return hash;
}

void DeviceTree::describe_all() {
  std::vector<std::string> names;
  sources_.sys.list(directory_.c_str(), listing_, [&](std::string_view name) {
    if (name.starts_with(class_.prefix)) names.emplace_back(name);
  });
  std::sort(names.begin(), names.end());
  claimed_.clear();
  for (std::string& name : names) {
    device_ = std::move(name);
    class_.describe(*this, device_);
  }
}

// --- Describing ----------------------------------------------------------------------------------------------------

std::string DeviceTree::path_of(std::string_view file) const {
  return directory_ + "/" + device_ + "/" + std::string(file);
}

bool DeviceTree::has(const std::string& file) {
  struct stat status {};
  return ::stat((sys_path() + "/" + path_of(file)).c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
}

void DeviceTree::number(const std::string& file, const Metric& metric, const Labels& labels, NumberForm form) {
  if (!has(file)) return;
  Number number{std::nullopt, sources_.catalog.series(metric, labels), form, false, std::nullopt};
  std::string path = path_of(file);
  if (!in_the_file_before(path, form)) {
    const auto keep = numbers_.size() < kMaxKeptFiles ? ProcFile::Keep::open : ProcFile::Keep::closed;
    number.file.emplace(sources_.sys, path, keep);
  }
  path_before_ = std::move(path);
  numbers_.push_back(std::move(number));
}

bool DeviceTree::in_the_file_before(const std::string& path, NumberForm form) const {
  return !numbers_.empty() && path == path_before_ && numbers_.back().form.pace == form.pace;
}

void DeviceTree::constant(const Metric& metric, const Labels& labels, double value) {
  constants_.push_back({sources_.catalog.series(metric, labels), value});
}

std::string DeviceTree::line(const std::string& file) {
  return std::string(first_line(sources_.sys.read(path_of(file).c_str(), sources_.buffer).text));
}

std::string DeviceTree::text(const std::string& file) { return std::string(trim(line(file))); }

std::vector<std::string> DeviceTree::list(const std::string& directory) {
  std::vector<std::string> names;
  sources_.sys.list(path_of(directory).c_str(), inner_listing_,
                    [&](std::string_view name) { names.emplace_back(name); });
  std::sort(names.begin(), names.end());
  return names;
}

std::string DeviceTree::resolved(const std::string& link) {
  std::error_code error;
  const auto path = std::filesystem::canonical(sys_path() + "/" + path_of(link), error);
  return error ? std::string() : path.string();
}

bool DeviceTree::claim(const std::string& what) { return claimed_.insert(what).second; }

// --- Reading numbers -----------------------------------------------------------------------------------------------

std::optional<double> DeviceTree::read(Number& number, PartReport& report) {
  if (number.resting) return std::nullopt;
  if (number.file) text_ = number.file->read(sources_.buffer);
  number.resting = text_.status() == FileStatus::gone;
  if (text_.status() == FileStatus::permission) {
    if (number.file && number.form.denied == NumberForm::Denied::reported) report.partial(number.file->error(text_));
    ++denied_;
  }
  const auto line = number.form.line.empty() ? first_line(text_.text) : behind(text_.text, number.form.line);
  // A sensor that does not answer now (EIO, EAGAIN, ENODATA) has no sample.
  if (number.form.all_ones == NumberForm::AllOnes::no_number &&
      parse_hex(line) == std::numeric_limits<std::uint64_t>::max()) {
    return std::nullopt;
  }
  const auto value = number.form.parse(line);
  return value ? std::optional(*value * number.form.times / number.form.per) : std::nullopt;
}

}  // namespace sidewatch
