// Which requests may bring a large body, and how much of such bodies there may be at a time.
//
// A question needs 64 KiB at most (http.max_body_bytes), and every connection may send that much. What a program pushes
// is larger: a route says that it takes pushes, and their bytes are counted together from the moment they come until the
// request has been answered (HttpBodyClaim), so that a crowd of them costs only so much memory. What is only announced
// takes no room from anybody.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

namespace sidewatch {

// A part of the room that there is for all bodies; given back when it goes.
class HttpBodyClaim {
 public:
  HttpBodyClaim(std::shared_ptr<std::atomic<std::size_t>> taken, std::size_t max_bytes)
      : taken_(std::move(taken)), max_bytes_(max_bytes) {}
  HttpBodyClaim(const HttpBodyClaim&) = delete;
  HttpBodyClaim& operator=(const HttpBodyClaim&) = delete;
  ~HttpBodyClaim() { *taken_ -= held_; }

  // Whether so many more would fit at present.
  bool has_room(std::size_t bytes) const { return *taken_ + bytes <= max_bytes_; }

  // False, and nothing is taken, when there is no room for so many more.
  bool grow(std::size_t bytes) {
    if (*taken_ += bytes; *taken_ > max_bytes_) {
      *taken_ -= bytes;
      return false;
    }
    held_ += bytes;
    return true;
  }

 private:
  const std::shared_ptr<std::atomic<std::size_t>> taken_;
  const std::size_t max_bytes_;
  std::size_t held_ = 0;
};

class HttpPushBodies {
 public:
  using IsPush = std::function<bool(std::string_view method, std::string_view target)>;
  HttpPushBodies(IsPush is_push, std::size_t max_bytes, std::size_t max_bytes_together)
      : is_push_(std::move(is_push)), max_bytes_(max_bytes), max_bytes_together_(max_bytes_together) {}

  bool is_push(std::string_view method, std::string_view target) const { return is_push_(method, target); }
  std::size_t max_bytes() const { return max_bytes_; }  // of one body, as it is sent
  std::shared_ptr<HttpBodyClaim> claim() const { return std::make_shared<HttpBodyClaim>(taken_, max_bytes_together_); }

 private:
  const IsPush is_push_;
  const std::size_t max_bytes_;
  const std::size_t max_bytes_together_;
  const std::shared_ptr<std::atomic<std::size_t>> taken_ = std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace sidewatch
