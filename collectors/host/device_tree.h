// What /sys tells of devices: a directory per device, a number per file, texts that serve as labels.
//
// The one idea: devices seldom come and go, their numbers change all the time. So the devices are looked for only every
// kPassesBetweenLooks; a hash over their names, inodes and label texts tells whether anything differs from the last
// look, and only then are labels and series made anew. In between only the numbers are read, from files that stay
// open. A file that fails as if its device were gone rests until the next look, so what comes after that device under
// the same name is never shown under its labels. Refuses to allocate while nothing changes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/host/part.h"

namespace sidewatch {

// The number that a text begins with: "-5", "0x1f", "12.5", "4: ACTIVE", "56 Gb/sec". Nothing when it begins otherwise.
std::optional<double> parse_leading_number(std::string_view text);

// How a number is read: `times` and `per` bring it to the metric's unit.
struct NumberForm {
  enum class Pace { every_pass, seldom };       // seldom: limits and properties, read when devices are looked for
  enum class Denied { reported, passed_over };  // what only root may read, and who wants it knows
  enum class AllOnes { a_number, no_number };   // 2^64-1 as "not counted here"

  double times = 1;
  double per = 1;
  Pace pace = Pace::every_pass;
  Denied denied = Denied::reported;
  AllOnes all_ones = AllOnes::a_number;
  std::string_view line = {};  // the number stands behind these words, at the beginning of a line; else in the first line
  std::optional<double> (*parse)(std::string_view) = parse_leading_number;
};

class DeviceTree;

struct DeviceClass {
  enum class Missing { absent, nothing };  // what a machine without the directory has: no such thing, or none of them

  std::string_view directory;                           // under /sys: "class/hwmon"
  std::string_view prefix;                              // with which the names of devices begin
  std::span<const char* const> looked_at;               // files of a device; with a '/' at the end, directories
  Missing missing = Missing::absent;
  std::function<void(DeviceTree&, const std::string&)> describe;  // adds the series of the device of that name
};

class DeviceTree {
 public:
  DeviceTree(HostSources& sources, DeviceClass device_class);

  void sample(Batch& batch, PartReport& report);

  // Has the devices described anew at the next `sample`, because something other than their files has changed.
  void describe_anew();

  // --- For `describe`. Paths are under the device's directory. ---

  // The number in `file`, when there is such a file. Numbers of one file that are added one after the other are read
  // together, from one text.
  void number(const std::string& file, const Metric& metric, const Labels& labels, NumberForm form = {});
  void constant(const Metric& metric, const Labels& labels, double value = 1);
  std::string text(const std::string& file);               // its first line without blanks; empty when there is none
  std::string line(const std::string& file);               // the same with them
  bool has(const std::string& file);                       // whether it is there and not a directory
  std::vector<std::string> list(const std::string& directory);  // sorted
  std::string resolved(const std::string& link);           // the path that a link leads to; empty when it leads nowhere
  const std::string& sys_path() const { return sources_.sys.path(); }
  bool claim(const std::string& what);  // true the first time that this is asked since the last change

 private:
  struct Number {
    std::optional<ProcFile> file;  // none: the number stands in the file of the one before it
    SeriesHandle series;
    NumberForm form;
    bool resting = false;
    std::optional<double> last;  // of a seldom one
  };
  struct Constant {
    SeriesHandle series;
    double value;
  };

  void look();
  std::uint64_t hash_of_device(std::string_view name, std::uint64_t inode);
  std::uint64_t hash_of_entries(const char* directory);
  void describe_all();
  std::optional<double> read(Number& number, PartReport& report);
  bool in_the_file_before(const std::string& path, NumberForm form) const;
  std::string path_of(std::string_view file) const;

  HostSources& sources_;
  DeviceClass class_;
  std::string directory_;
  ReadBuffer listing_;         // apart from the shared one, into which files are read meanwhile
  ReadBuffer inner_listing_;
  std::string path_;           // kept for its capacity
  unsigned passes_until_look_ = 0;
  std::optional<std::uint64_t> shape_;
  int error_number_ = 0;       // of the last look
  std::string device_;         // that is being described
  std::set<std::string> claimed_;
  FileText text_;              // of the number read last
  std::string path_before_;    // of the file of the number added last
  std::size_t denied_ = 0;     // numbers in this pass; when all are, it is as if there were no such device
  std::vector<Number> numbers_;
  std::vector<Constant> constants_;
};

// A part that is one tree of devices.
std::unique_ptr<Part> make_device_part(HostSources& sources, DeviceClass device_class);

}  // namespace sidewatch
