// Who is at the other end of an accepted connection, as the kernel knows it.
#pragma once

#include <sys/socket.h>

#include "agent/http/message.h"

namespace sidewatch {

// `remote` as accept() gave it for this descriptor.
HttpPeer peer_of(int descriptor, const sockaddr_storage& remote);

}  // namespace sidewatch
