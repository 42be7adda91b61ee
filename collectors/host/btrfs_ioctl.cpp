// ask_btrfs: the three questions of linux/btrfs.h that need no privilege. Devices have numbers from 0 on, with gaps.
#include <fcntl.h>
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "collectors/host/btrfs_devices.h"

namespace sidewatch {
namespace {

constexpr std::uint64_t kMaxDevices = 1024;       // of one filesystem that are told of
constexpr std::uint64_t kMaxNumbersTried = 4096;  // numbers rise when devices are replaced

static_assert(BtrfsDevice::kErrors == BTRFS_DEV_STAT_VALUES_MAX);

// The bytes of an id in its usual form, 8-4-4-4-12; into `text`, whose capacity is kept.
void write_uuid(const std::uint8_t (&bytes)[BTRFS_UUID_SIZE], std::string& text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  text.clear();
  for (std::size_t i = 0; i < BTRFS_UUID_SIZE; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
}

// "/dev/sda4" as sda4.
void write_name(const std::uint8_t (&path)[BTRFS_DEVICE_PATH_NAME_MAX], std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(path), BTRFS_DEVICE_PATH_NAME_MAX);
  const std::string_view whole = text.substr(0, text.find('\0'));
  name = whole.substr(whole.rfind('/') + 1);
}

int ask_device(int fd, std::uint64_t number, BtrfsDevice& device) {
  btrfs_ioctl_dev_info_args info{};
  info.devid = number;
  if (::ioctl(fd, BTRFS_IOC_DEV_INFO, &info) != 0) return errno;
  btrfs_ioctl_get_dev_stats stats{};
  stats.devid = number;
  stats.nr_items = BTRFS_DEV_STAT_VALUES_MAX;
  if (::ioctl(fd, BTRFS_IOC_GET_DEV_STATS, &stats) != 0) return errno;
  write_name(info.path, device.name);
  write_uuid(info.uuid, device.uuid);
  device.size_bytes = static_cast<double>(info.total_bytes);
  device.unused_bytes = static_cast<double>(info.total_bytes - std::min(info.bytes_used, info.total_bytes));
  for (std::size_t i = 0; i < device.errors.size(); ++i) device.errors[i] = static_cast<double>(stats.values[i]);
  return 0;
}

int ask_open(int fd, BtrfsFilesystem& filesystem) {
  btrfs_ioctl_fs_info_args info{};
  if (::ioctl(fd, BTRFS_IOC_FS_INFO, &info) != 0) return errno;
  write_uuid(info.fsid, filesystem.id);
  const std::uint64_t wanted = std::min<std::uint64_t>(info.num_devices, kMaxDevices);
  std::size_t found = 0;
  for (std::uint64_t number = 0; number <= std::min<std::uint64_t>(info.max_id, kMaxNumbersTried) && found < wanted;
       ++number) {
    if (filesystem.devices.size() == found) filesystem.devices.emplace_back();
    const int error = ask_device(fd, number, filesystem.devices[found]);
    if (error == 0) ++found;
    if (error != 0 && error != ENODEV) return error;
  }
  filesystem.devices.resize(found);
  return 0;
}

}  // namespace

int ask_btrfs(const char* mount_point, BtrfsFilesystem& filesystem) {
  const int fd = ::open(mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return errno;
  const int error = ask_open(fd, filesystem);
  ::close(fd);
  return error;
}

}  // namespace sidewatch
