// How OTLP over HTTP says no: a google.rpc.Status in the request's own encoding, whoever refuses it.
//
// An exporter reads nothing else. Where the request comes in neither of OTLP's encodings, the sentence stands for itself.
#pragma once

#include <string>
#include <string_view>

#include "collectors/push_target.h"

namespace sidewatch::otlp {

PushAnswer refuse(int status, const std::string& sentence, std::string_view content_type);

}  // namespace sidewatch::otlp
