// The devices of mounted Btrfs filesystems: free space and errors, which only an ioctl on the mount tells.
//
// Opening a mount point may wait for its disks, and so for ever. So all are asked together as one errand, for which the
// part waits no longer than filesystems.mount_timeout; one that is late is not asked again before it has answered.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/errand.h"
#include "collectors/host/part.h"

namespace sidewatch {

// Asks the filesystem that is mounted at `mount_point`; 0 or an errno.
int ask_btrfs(const char* mount_point, BtrfsFilesystem& filesystem);

class BtrfsDevices {
 public:
  BtrfsDevices(HostSources& sources, Duration patience);

  // Asks every mounted filesystem. True when other filesystems answer than before.
  bool ask(PartReport& report);

  // Whether the filesystem of this id (the name of its directory in /sys/fs/btrfs) answered when it last could.
  bool answers(std::string_view id) const;

  // What the filesystem said in this pass, under the label `uuid`.
  void add(std::string_view id, const std::string& uuid, Batch& batch);

  // Ends a pass: forgets the devices that were not added in it.
  void forget_others();

 private:
  struct Mount {
    std::string device;
    std::string path;  // as it is seen from here
  };
  struct Question;
  struct Device {
    SeriesHandle size;
    SeriesHandle unused;
    std::array<SeriesHandle, BtrfsDevice::kErrors> errors;
  };

  void list_mounts();
  Device make_device(const std::string& uuid, const BtrfsDevice& device);

  HostSources& sources_;
  Duration patience_;
  ErrandRunner errands_;
  ProcFile mounts_file_;
  ProcFile own_mounts_file_;
  const ProcFile* listed_ = nullptr;   // the file that question_ stands for; null: read it
  std::uint64_t mounts_hash_ = 0;
  std::shared_ptr<Question> question_;  // null: no Btrfs is mounted
  std::shared_ptr<Errand> errand_;
  bool fresh_ = false;  // the answers are of this pass
  std::vector<std::string> answered_;
  KeyedSlots<Device> devices_;
  std::string key_;  // kept for its capacity
};

std::span<const Metric> btrfs_device_metrics();

}  // namespace sidewatch
