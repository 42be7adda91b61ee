// How the process ends, for scripts and service managers.
#pragma once

namespace sidewatch {

inline constexpr int exit_ok = 0;
inline constexpr int exit_environment = 1;    // a busy port, an unwritable state directory
inline constexpr int exit_tests_failed = 1;   // sidewatch test: something is not as expected
inline constexpr int exit_configuration = 2;  // a wrong configuration or command line

}  // namespace sidewatch
