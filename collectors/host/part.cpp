// Implementation of part.h.
#include "collectors/host/part.h"

namespace sidewatch {

FileText SharedFile::read(std::uint64_t pass) {
  if (pass_ != pass) text_ = file_.read(buffer_);
  pass_ = pass;
  return text_;
}

HostSources::HostSources(Catalog& catalog_of_series, const HostRoots& roots, HostSystem host_system)
    : catalog(catalog_of_series),
      proc(roots.procfs),
      sys(roots.sysfs),
      rootfs(roots.rootfs),
      udev(roots.udev),
      system(host_system),
      stat(proc, "stat") {
  while (!rootfs.empty() && rootfs.back() == '/') rootfs.pop_back();
  if (udev.empty()) udev = rootfs + "/run/udev/data";
}

void PartReport::count(const Error& error) {
  if (errors_++ == 0) first_error_ = error.text();
}

void PartReport::fail(const Error& error) {
  state_ = State::failed;
  count(error);
}

void PartReport::fail(const ProcDir& directory, std::string_view name, const FileText& text) {
  fail(directory.error(name, text.error_number));
}

void PartReport::partial(const Error& error) { count(error); }

std::string legal_name(std::string_view text) {
  std::string name(text);
  for (char& c : name) {
    const bool legal = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!legal) c = '_';
  }
  return name;
}

}  // namespace sidewatch
