/// A function as it is stored under `fn`: configuration and where its code is.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "lambda/function_service.h"

namespace fogbank::lambda {

struct FunctionRecord {
    FunctionConfiguration configuration;
    std::filesystem::path origin;  ///< the file on the server's disk it is loaded from; empty if it came as a zip
    std::string object_sha256;     ///< raw; names the private copy
};

std::string encode(const FunctionRecord& record);
/// Errors: unavailable, when the bytes are not such a record.
Result<FunctionRecord> decode_function_record(std::string_view bytes);

/// The store's key of a function, and the range of all.
std::string function_key(const FunctionName& name);
store::kv::Range function_keys();

}  // namespace fogbank::lambda
