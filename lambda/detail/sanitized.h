/// Whether this is a build with AddressSanitizer or ThreadSanitizer, whose own memory exceeds what any function may have: there a worker's
/// memory is neither limited nor counted.
#pragma once

namespace fogbank::lambda {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

}  // namespace fogbank::lambda
