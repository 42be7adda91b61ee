// A value that one thread replaces and others read: readers get the whole of one version and keep it as long as they like.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace sidewatch {

template <class T>
class Published {
 public:
  void publish(T value) {
    auto fresh = std::make_shared<const T>(std::move(value));
    const std::lock_guard lock(mutex_);
    current_ = std::move(fresh);
  }

  std::shared_ptr<const T> read() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> current_ = std::make_shared<const T>();
};

}  // namespace sidewatch
