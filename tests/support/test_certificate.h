// A certificate of 127.0.0.1 that signs itself, for a server or a client of a test; made with the openssl program.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/support/fake_http_server.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {

inline FakeTls make_certificate(const TempDir& directory, const std::string& name) {
  const FakeTls made{directory / (name + ".pem"), directory / (name + ".key")};
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name +
      " -days 2 -addext subjectAltName=IP:127.0.0.1 -keyout " + made.key_file + " -out " + made.certificate_file +
      " 2>/dev/null";
  EXPECT_EQ(std::system(command.c_str()), 0);
  return made;
}

}  // namespace sidewatch
