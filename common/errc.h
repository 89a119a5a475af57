/// Helper for a room's own error codes: an enum plus a table of names becomes a boost error category.
#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <span>
#include <string>
#include <string_view>

namespace fogbank {

/// A category over a table of names, indexed by the enumerator's value; index 0 is unused ("no error").
/// Make one function-local static per room. Thread-safe, immutable.
class NamedErrorCategory final : public boost::system::error_category {
  public:
    /// @param room   for example "store.table"; static storage.
    /// @param names  one per enumerator value, static storage.
    NamedErrorCategory(const char* room, std::span<const std::string_view> names) : room_(room), names_(names) {}
    const char* name() const noexcept override { return room_; }
    std::string message(int value) const override;

  private:
    const char* room_;
    std::span<const std::string_view> names_;
};

}  // namespace fogbank

/// Makes `fogbank::NAMESPACE::Errc` convertible to boost::system::error_code. Use at global scope, after the enum and `make_error_code`.
#define FOGBANK_ERROR_CODE_ENUM(Enum) \
    template <>                       \
    struct boost::system::is_error_code_enum<Enum> : std::true_type {};
