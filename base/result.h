// A value or the reason why there is none.
//
// For what goes wrong outside the program (a file that cannot be read, a server that does not answer). Configuration
// mistakes are collected in config::Problems instead, and a bug is an assert: the three are never mixed.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace sidewatch {

struct Error {
  std::string what;   // one sentence a person can act on, without a trailing full stop
  std::string where;  // what it is about: a path, a URL without its secrets, "1:14"; may be empty

  std::string text() const { return where.empty() ? what : where + ": " + what; }
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }

  T& value() & { assert(*this); return *std::get_if<0>(&state_); }
  const T& value() const& { assert(*this); return *std::get_if<0>(&state_); }
  T&& value() && { assert(*this); return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { assert(!*this); return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}

  explicit operator bool() const { return !failed_; }
  const Error& error() const { assert(failed_); return error_; }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace sidewatch
