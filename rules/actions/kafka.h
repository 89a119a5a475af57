/// The Kafka producers behind the kafka action. Thread-safe.
#pragma once

#include <filesystem>
#include <memory>

#include "rules/outbox.h"

namespace fogbank::rules {

/// @param ca_file  certificates to trust besides the system's; empty: none.
std::unique_ptr<KafkaSender> make_kafka_sender(std::filesystem::path ca_file);

/// Producers kept at the same time; the one unused for longest goes first. Fogbank's own bound.
inline constexpr std::size_t kafka_producers_max = 16;
/// How long a record may wait for its confirmation.
inline constexpr int kafka_record_time_ms = 10'000;

}  // namespace fogbank::rules
