#include "lambda/plugin.h"

#include <dlfcn.h>

#include "lambda/errc.h"

namespace fogbank::lambda {
namespace {

constexpr const char* entry_symbol = "fogbank_lambda_entry";

Error invalid(std::string why) {
    return {Errc::invalid_code, std::move(why)};
}

/// What dlerror says, without the private path that means nothing to the caller.
std::string loader_reason(const std::filesystem::path& file) {
    const char* said = dlerror();
    std::string reason = said != nullptr ? said : "the loader gives no reason";
    const std::string prefix = file.string() + ": ";
    if (reason.starts_with(prefix)) reason.erase(0, prefix.size());
    return "cannot be loaded: " + reason;
}

Result<fogbank_lambda_handler> checked_entry(void* object) {
    const auto* entry = static_cast<const fogbank_lambda_entry_t*>(dlsym(object, entry_symbol));
    if (entry == nullptr) return invalid("the symbol `fogbank_lambda_entry` is missing (FOGBANK_LAMBDA_HANDLER exports it)");
    if (entry->abi_version != FOGBANK_LAMBDA_ABI_VERSION) {
        return invalid("built for handler ABI " + std::to_string(entry->abi_version) + ", this server speaks " +
                       std::to_string(FOGBANK_LAMBDA_ABI_VERSION) + "; build it again with this server's fogbank/lambda.h");
    }
    if (entry->struct_size < sizeof(fogbank_lambda_entry_t)) {
        return invalid("`fogbank_lambda_entry` is " + std::to_string(entry->struct_size) + " bytes long, " +
                       std::to_string(sizeof(fogbank_lambda_entry_t)) + " were expected");
    }
    if (entry->handler == nullptr) return invalid("`fogbank_lambda_entry` has no handler");
    return entry->handler;
}

}  // namespace

Result<std::shared_ptr<const Plugin>> Plugin::load(const std::filesystem::path& file) {
    void* object = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (object == nullptr) return invalid(loader_reason(file));
    const auto handler = checked_entry(object);
    if (!handler) {
        dlclose(object);
        return handler.error();
    }
    return std::shared_ptr<const Plugin>(new Plugin(object, *handler));
}

Plugin::~Plugin() {
    dlclose(object_);
}

}  // namespace fogbank::lambda
