/// The functions of IoT SQL: one table of name, arity, version and implementation. Source: AWS IoT Developer Guide, "Functions"
/// (reference "rules-sql", section 9).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "rules/message_context.h"
#include "rules/value.h"

namespace fogbank::rules::sql {

struct CallContext {
    Version version = Version::v2015_10_08;
    MessageContext* message = nullptr;         ///< null while constants are folded; only functions that are not `constant` may read it
    const Environment* environment = nullptr;  ///< as `message`
};
using Arguments = std::span<const Value>;

inline constexpr std::uint8_t any_number = 255;

/// A row of the table. `call` gets a number of arguments within the arity and answers Undefined for those of the wrong type.
struct Function {
    std::string_view name;  ///< lower case; calls may be written in any case
    std::uint8_t arguments_min, arguments_max;
    Version since;
    bool constant;      ///< the same arguments give the same result, so calls of constants are folded
    bool raw_argument;  ///< whether the first argument may be `*`: then it is the payload's bytes as a String
    Value (*call)(const CallContext& context, Arguments arguments);
};

/// @param name  in any case. @return null if there is no such function.
const Function* find_function(std::string_view name);

/// Why a documented function is not in the table, for the error message; empty for names that AWS does not document.
std::string_view why_unavailable(std::string_view name);

// The groups, one file each; find_function searches them.
std::span<const Function> number_functions();
std::span<const Function> string_functions();
std::span<const Function> regexp_functions();
std::span<const Function> json_functions();
std::span<const Function> encoding_functions();
std::span<const Function> message_functions();

// What several groups share.

/// The argument as a number rounded down, or nothing: for positions and counts; clamped to `min`..`max`.
std::optional<std::int64_t> clamped_integer(const Value& value, std::int64_t min, std::int64_t max);
/// A String result, Undefined if it is longer than `value_bytes_max`.
Value bounded_string(std::string text);

/// cast(value AS type) for numbers and the rest (section 4.1) is in operators.h.

}  // namespace fogbank::rules::sql
