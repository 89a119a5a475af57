/// A loaded shared object with a handler.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "common/result.h"
#include "fogbank/lambda.h"

namespace fogbank::lambda {

/// Immutable; the object stays mapped as long as somebody holds this. Any thread.
class Plugin {
  public:
    /// Loads `file`, which nobody may change or cut as long as it is mapped: give it a private copy. Runs the object's static constructors.
    /// Errors: invalid_code with the loader's reason, the missing symbol, or the ABI that the object speaks.
    static Result<std::shared_ptr<const Plugin>> load(const std::filesystem::path& file);
    ~Plugin();
    Plugin(const Plugin&) = delete;
    Plugin& operator=(const Plugin&) = delete;

    fogbank_lambda_handler handler() const { return handler_; }

  private:
    Plugin(void* object, fogbank_lambda_handler entry) : object_(object), handler_(entry) {}
    void* object_;
    fogbank_lambda_handler handler_;
};

}  // namespace fogbank::lambda
