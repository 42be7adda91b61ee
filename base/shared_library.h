// A library that is loaded when it is first needed: an agent that watches no database does not pay for its client, and a
// machine without the library only misses what needs it.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace sidewatch {

class SharedLibrary {
 public:
  // `name` as the loader knows it: "libpq.so.5". `package`: what to install where it is missing, for the message. It is
  // never unloaded (client libraries leave threads' data and handlers behind).
  static Result<SharedLibrary> load(const std::string& name, const std::string& package);

  // Sets `function` to what the library has under `name`; an Error names what is missing.
  template <class Function>
  Result<void> find(const char* name, Function*& function) const {
    void* address = nullptr;
    if (auto found = find_address(name, address); !found) return found;
    function = reinterpret_cast<Function*>(address);
    return {};
  }

 private:
  SharedLibrary(void* handle, std::string name) : handle_(handle), name_(std::move(name)) {}
  Result<void> find_address(const char* name, void*& address) const;
  void* handle_;
  std::string name_;
};

}  // namespace sidewatch
