#include "base/shared_library.h"

#include <dlfcn.h>

namespace sidewatch {

Result<SharedLibrary> SharedLibrary::load(const std::string& name, const std::string& package) {
  void* const handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle != nullptr) return SharedLibrary(handle, name);
  const char* const why = dlerror();
  return Error{"the library " + name + " could not be loaded; it is in the package " + package + " (" +
                   (why != nullptr ? why : "no reason given") + ")",
               ""};
}

Result<void> SharedLibrary::find_address(const char* name, void*& address) const {
  address = dlsym(handle_, name);
  if (address != nullptr) return {};
  return Error{"the library " + name_ + " has no function " + name + ": it is too old or another one", ""};
}

}  // namespace sidewatch
