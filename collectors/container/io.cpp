// v2 has one line per device in io.stat. v1 counts in blkio.throttle.*, a line per device and direction; of the two
// spellings of these files the one with "_recursive" counts what is below the cgroup too, and older kernels lack it.
#include "collectors/container/io.h"

#include <algorithm>
#include <utility>

namespace sidewatch::container {
namespace {

constexpr std::array<const char*, 4> kV1Files{
    "blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes",
    "blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced"};

}  // namespace

IoPart::IoPart(Catalog& catalog, Labels labels, const Levels& levels, const ProcDir& sysfs)
    : catalog_(catalog), labels_(std::move(labels)), unified_(levels.unified()), sysfs_(sysfs) {
  if (unified_) files_.push_back(levels.own_file("io.stat"));
  if (unified_) return;
  for (const char* name : kV1Files) files_.push_back(levels.own_file(name));
}

void IoPart::sample(PassContext& pass) {
  ++pass_;
  if (unified_) return sample_v2(pass);
  sample_v1(pass, 0, fs_read_bytes, fs_write_bytes);
  sample_v1(pass, 2, fs_reads, fs_writes);
}

void IoPart::sample_v2(PassContext& pass) {
  const FileText text = files_[0].read(pass.buffer);
  report(pass, files_[0], text);
  std::string_view rest = text.text;
  DeviceIo io;
  while (next_device_io(rest, io)) {
    add(pass.batch, io.device, fs_reads, *io.reads);
    add(pass.batch, io.device, fs_writes, *io.writes);
    add(pass.batch, io.device, fs_read_bytes, *io.read_bytes);
    add(pass.batch, io.device, fs_write_bytes, *io.write_bytes);
  }
}

void IoPart::sample_v1(PassContext& pass, std::size_t first, IoMetric reads, IoMetric writes) {
  std::size_t file = first;
  FileText text = files_[file].read(pass.buffer);
  if (text.status() == FileStatus::gone) text = files_[++file].read(pass.buffer);
  report(pass, files_[file], text);
  std::string_view rest = text.text;
  BlkioLine line;
  while (next_blkio_line(rest, line)) {
    if (line.operation == "Read") add(pass.batch, line.device, reads, line.value);
    if (line.operation == "Write") add(pass.batch, line.device, writes, line.value);
  }
}

void IoPart::add(Batch& batch, std::string_view number, IoMetric metric, std::uint64_t value) {
  if (Device* found = device(number)) batch.add(found->series[metric], static_cast<double>(value));
}

IoPart::Device* IoPart::device(std::string_view number) {
  const auto found =
      std::find_if(devices_.begin(), devices_.end(), [&](const Device& one) { return one.number == number; });
  Device* device = found != devices_.end() ? &*found : place_for_another();
  if (device == nullptr) return nullptr;
  device->pass = pass_;
  if (device->number == number) return device;
  device->number = number;
  const Labels labels = labels_.with("device", name_of(number));
  for (std::size_t i = 0; i < kIoMetrics.size(); ++i) device->series[i] = catalog_.series(kIoMetrics[i], labels);
  return device;
}

// Where there is none, a device that was not there in the pass before has left its own.
IoPart::Device* IoPart::place_for_another() {
  if (devices_.size() < max_devices) return &devices_.emplace_back();
  const auto gone =
      std::find_if(devices_.begin(), devices_.end(), [&](const Device& one) { return one.pass + 1 < pass_; });
  return gone == devices_.end() ? nullptr : &*gone;
}

// dev/block/8:0 leads to .../block/sda.
std::string IoPart::name_of(std::string_view number) const {
  std::string target;
  const std::string link = "dev/block/" + std::string(number);
  if (sysfs_.read_link(link.c_str(), target) != 0) return std::string(number);
  return "/dev/" + target.substr(target.rfind('/') + 1);
}

}  // namespace sidewatch::container
