#include "broker/detail/topic_nodes.h"

#include <bit>
#include <cstring>
#include <new>
#include <utility>

namespace fogbank::broker::detail {
namespace {

constexpr std::string_view plus = "+", hash_sign = "#";
constexpr std::uint64_t multiplier = 0x9E3779B97F4A7C15;  ///< 2^64 / golden ratio
__extension__ using Uint128 = unsigned __int128;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    const Uint128 product = static_cast<Uint128>(a ^ multiplier) * (b ^ 0xD6E8FEB86659FD93);
    return static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
}

/// Eight bytes at a time. Seeded, because clients choose the text.
std::uint64_t hash_text(std::string_view text, std::uint64_t seed) {
    std::uint64_t state = mix(seed, text.size());
    while (text.size() >= sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data(), sizeof word);
        state = mix(state ^ word, seed);
        text.remove_prefix(sizeof word);
    }
    std::uint64_t word = 0;
    if (!text.empty()) std::memcpy(&word, text.data(), text.size());
    return mix(state ^ word, seed);
}

}  // namespace

static_assert(sizeof(TopicNode) == 4 * sizeof(void*), "a million filters: every byte of a node counts");

TopicNode::TopicNode(TopicNode* parent, std::string_view level) : parent_(parent), level_bytes_(static_cast<std::uint16_t>(level.size())) {
    if (!level.empty()) std::memcpy(reinterpret_cast<char*>(this + 1), level.data(), level.size());
}

// The root's address differs in every process and every trie (address space randomisation), which is all the seed needs.
TopicNodes::TopicNodes()
    : buckets_(1, nullptr),
      root_(make(nullptr, "")),
      seed_(mix(static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(root_)), multiplier)) {}

TopicNodes::~TopicNodes() {
    for (TopicNode* chain : buckets_) {
        while (chain != nullptr) destroy(std::exchange(chain, chain->next_));
    }
    destroy(root_);
}

TopicNode* TopicNodes::make(TopicNode* parent, std::string_view level) {
    return new (::operator new(sizeof(TopicNode) + level.size())) TopicNode(parent, level);
}

void TopicNodes::destroy(TopicNode* node) {
    node->~TopicNode();
    ::operator delete(node);
}

std::uint64_t TopicNodes::hash(const TopicNode* parent, std::string_view level) const {
    return mix(hash_text(level, seed_), static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(parent)));
}

/// Linear hashing: of the next power of two buckets, those beyond the last one are still part of the bucket that they will be split from.
std::size_t TopicNodes::bucket_of(std::uint64_t hash, std::size_t buckets) {
    const std::size_t low = std::bit_floor(buckets);
    const std::size_t bucket = hash & (2 * low - 1);
    return bucket < buckets ? bucket : bucket - low;
}

TopicNode* TopicNodes::find(const TopicNode* parent, std::string_view level) const {
    TopicNode* node = buckets_[bucket_of(hash(parent, level), buckets_.size())];
    while (node != nullptr && (node->parent_ != parent || node->level() != level)) node = node->next_;
    return node;
}

TopicNode* TopicNodes::find_or_make(TopicNode* parent, std::string_view level) {
    if (TopicNode* known = find(parent, level); known != nullptr) return known;
    if (size_ >= buckets_.size()) add_bucket();
    TopicNode*& head = buckets_[bucket_of(hash(parent, level), buckets_.size())];
    TopicNode* node = make(parent, level);
    node->next_ = head;
    head = node;
    ++size_;
    ++parent->children_;
    if (level == plus) parent->has_plus_ = true;
    if (level == hash_sign) parent->has_hash_ = true;
    return node;
}

void TopicNodes::free_unused(TopicNode* node) {
    while (node != root_ && node->is_unused()) {
        TopicNode* parent = node->parent_;
        remove(node);
        node = parent;
    }
}

void TopicNodes::remove(TopicNode* node) {
    TopicNode** link = &buckets_[bucket_of(hash(node->parent_, node->level()), buckets_.size())];
    while (*link != node) link = &(*link)->next_;
    *link = node->next_;
    --node->parent_->children_;
    if (node->level() == plus) node->parent_->has_plus_ = false;
    if (node->level() == hash_sign) node->parent_->has_hash_ = false;
    destroy(node);
    --size_;
    if (buckets_.size() > 1 && size_ < buckets_.size() / 2) remove_bucket();
}

void TopicNodes::add_bucket() {
    const std::size_t added = buckets_.size();
    const std::size_t split = added - std::bit_floor(added);
    buckets_.push_back(nullptr);
    TopicNode* chain = std::exchange(buckets_[split], nullptr);
    while (chain != nullptr) {
        TopicNode* node = std::exchange(chain, chain->next_);
        TopicNode*& head = buckets_[bucket_of(hash(node->parent_, node->level()), buckets_.size())];
        node->next_ = head;
        head = node;
    }
}

void TopicNodes::remove_bucket() {
    const std::size_t removed = buckets_.size() - 1;
    TopicNode** end = &buckets_[removed - std::bit_floor(removed)];
    while (*end != nullptr) end = &(*end)->next_;
    *end = buckets_[removed];
    buckets_.pop_back();
    if (buckets_.size() < buckets_.capacity() / 4) buckets_.shrink_to_fit();
}

}  // namespace fogbank::broker::detail
