// The name of this machine: what tells the same alert of two machines apart where a service keeps one state per alert.
#pragma once

#include <string>

namespace sidewatch {

// In a container it is the container's (in Kubernetes the pod's). "sidewatch" where the machine has none.
std::string host_name();

}  // namespace sidewatch
