/// What an update does to a section, and what separates two sections. Pure functions on objects. Source: AWS IoT Core Developer Guide,
/// "Device Shadow service documents" (reference "shadow", sections 5 and 6).
#pragma once

#include "shadow/value.h"

namespace fogbank::shadow {

/// Merges `update` into `section`, both objects: objects merge member by member, null removes, everything else replaces whole. Members that
/// `update` does not name stay, with their time stamps; what it sets carries the time stamps of `update`.
///
/// A new object that holds nothing but nulls is not stored, an empty one is; an object that loses its last member stays as `{}`.
void merge(Value& section, const Value& update);

/// The part of `desired` that `reported` does not have or has otherwise, with the time stamps of `desired`; an empty object if there is
/// none. Arrays are values: they differ whole.
Value delta(const Value& desired, const Value& reported);

}  // namespace fogbank::shadow
