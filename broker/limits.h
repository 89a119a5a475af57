/// Bounds of the broker that are not AWS quotas (those are rows of common/quotas.h). Each says why it has its value.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace fogbank::broker::limits {

/// One per shard, shared by its connections: large enough that a full read carries over a hundred small packets, small enough for the L2
/// cache.
inline constexpr std::size_t read_scratch_bytes = 64 * 1024;
/// Reads of one connection before the others have their turn.
inline constexpr int reads_per_turn = 4;
/// An incomplete packet up to this size is moved in front of the next read; a larger one is completed in the connection's own buffer.
inline constexpr std::size_t partial_moved_bytes_max = 4 * 1024;

/// Bytes gathered for one connection that are written at once instead of at the end of the turn: four full TLS records.
inline constexpr std::size_t outbox_flush_bytes = 64 * 1024;
/// Unsent bytes above which QoS 0 is dropped and QoS 1 waits in its session. One packet always fits into an empty outbox.
inline constexpr std::size_t outbox_high_bytes = 1024 * 1024;
/// Answers (PUBACK, SUBACK, PINGRESP) that may come on top; above it the connection is not read, so that they do not pile up.
inline constexpr std::size_t outbox_answers_bytes = 256 * 1024;
/// The same while the outboxes and queues of the shard hold more than `shard_backlog_bytes` together: many slow readers share this budget.
inline constexpr std::size_t outbox_high_under_pressure_bytes = 64 * 1024;
inline constexpr std::size_t shard_backlog_bytes = 256 * 1024 * 1024;
/// QoS 1 messages of one session that wait for a place in its in-flight window; above it the newest is dropped (clean session). AWS names
/// no number.
inline constexpr std::size_t session_queue_bytes = 8 * 1024 * 1024;
/// What a queued message is counted as beyond its topic and payload.
inline constexpr std::size_t queued_message_overhead_bytes = 64;

/// Deliveries under way from one shard to another: above `pause` the sending shard stops reading its sockets until half is worked off,
/// above `drop` (internal publishers cannot be paused) they are dropped and counted.
inline constexpr std::size_t shard_mailbox_pause_bytes = 8 * 1024 * 1024;
inline constexpr std::size_t shard_mailbox_drop_bytes = 64 * 1024 * 1024;

/// A handshake takes two round trips and 2 ms of CPU; a modem on a bad link needs seconds. Half-open ones must not hold their slot longer.
inline constexpr std::chrono::seconds handshake_deadline{15};
/// From the end of the handshake to a complete CONNECT, and from CONNECT to a decision; the same reasoning.
inline constexpr std::chrono::seconds connect_deadline{10};
/// Handshakes under way per shard. Above it nothing is accepted: the kernel's backlog holds the rest back, and a reconnect storm does not
/// starve the clients that are connected.
inline constexpr std::size_t handshakes_per_shard = 512;
/// Steps of handshakes (about 1 ms of CPU each) in one turn of the loop.
inline constexpr int handshake_steps_per_turn = 2;

/// The head of a WebSocket upgrade: presigned URLs with a session token are some 2 KiB.
inline constexpr std::size_t upgrade_head_bytes_max = 16 * 1024;
/// After a refusal in HTTP: how long and how much is read so that the client sees the answer.
inline constexpr std::chrono::seconds drain_deadline{2};
inline constexpr std::size_t drain_bytes_max = 1024 * 1024;
/// A WebSocket frame may be this large whatever the quota of one packet is: clients put many packets into one.
inline constexpr std::uint64_t websocket_frame_bytes_min = 1024 * 1024;
/// How long a client with a persistent session has for its PUBACK before the message goes to disk; up to twice that. A client on a fast
/// line answers in less and costs no write; the publisher of one on a slow line gets its own PUBACK only so much later.
inline constexpr std::chrono::milliseconds store_grace{8};
/// Retained messages that one SUBSCRIBE with wildcards brings at most (profile relaxed).
inline constexpr std::size_t retained_per_subscription_max = 10'000;
/// Of a reason that is told to a client.
inline constexpr std::size_t reason_string_bytes_max = 512;

/// Publishes made from within `deliver`, by a rule's republish for instance: how often one message may cause another, and how many may
/// wait.
inline constexpr std::uint32_t nested_publish_hops_max = 16;
inline constexpr std::size_t nested_publishes_max = 10'000;

/// Matches remembered per shard; the cache is emptied when it is full or when any subscription changes.
inline constexpr std::size_t match_cache_topics_max = 16 * 1024;
inline constexpr std::size_t match_cache_matches_max = 256 * 1024;

/// Policy decisions remembered per connection; doubled up to this when topics collide.
inline constexpr std::size_t access_cache_entries_max = 256;

/// How often timers are looked at: connections' deadlines, and the finer step for those that are paced.
inline constexpr std::chrono::milliseconds tick{500};
inline constexpr std::chrono::milliseconds pacing_tick{20};

/// Refusals of one kind that are logged one by one in a second; the rest is counted in one line.
inline constexpr std::uint32_t refusal_logs_per_second = 20;

}  // namespace fogbank::broker::limits
