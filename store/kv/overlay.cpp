#include "store/kv/detail/overlay.h"

#include <utility>

#include "store/kv/errc.h"

namespace fogbank::store::kv::detail {
namespace {

/// True if `key` lies below the end of a range (an empty end is no bound).
bool below_end(std::string_view key, std::string_view end) {
    return end.empty() || key < end;
}

/// True if `key` lies in or just at the end of such a range.
bool adjoins(std::string_view key, std::string_view end) {
    return end.empty() || key <= end;
}

std::optional<Error> size_error(std::string_view key, std::size_t value_bytes) {
    if (key.size() > key_bytes_max)
        return Error{Errc::too_large, "key of " + std::to_string(key.size()) + " bytes: at most " + std::to_string(key_bytes_max)};
    if (value_bytes > value_bytes_max)
        return Error{Errc::too_large, "value of " + std::to_string(value_bytes) + " bytes: at most " + std::to_string(value_bytes_max)};
    return std::nullopt;
}

bool holds(const Precondition& condition, const std::optional<std::string>& stored) {
    switch (condition.kind) {
        case Precondition::Kind::exists:
            return stored.has_value();
        case Precondition::Kind::absent:
            return !stored.has_value();
        case Precondition::Kind::equals:
            return stored == condition.value;
    }
    return false;
}

std::string refusal_text(const Precondition& condition, const std::optional<std::string>& stored) {
    switch (condition.kind) {
        case Precondition::Kind::exists:
            return "the key does not exist";
        case Precondition::Kind::absent:
            return "the key exists already";
        case Precondition::Kind::equals:
            break;
    }
    return stored ? "the key has another value" : "the key does not exist";
}

}  // namespace

Result<void> run_batch(Backing& backing, const Batch& batch) {
    for (const auto& write : batch.writes) {
        if (auto error = size_error(write.key, write.value ? write.value->size() : 0)) return *std::move(error);
    }
    for (const auto& condition : batch.preconditions) {
        auto stored = backing.get(condition.key);
        if (!stored) return stored.error();
        if (!holds(condition, *stored)) return Error{Errc::precondition_failed, refusal_text(condition, *stored)};
    }
    for (const auto& write : batch.writes) {
        auto written = write.value ? backing.put(write.key, *write.value) : backing.erase(write.key);
        if (!written) return written;
    }
    return {};
}

Result<void> run_transaction(Backing& backing, TransactionBody& body) {
    Overlay overlay(backing);
    if (auto decided = body(overlay); !decided) return decided;
    return overlay.apply();
}

bool add_to_page(Page& page, KeyValue item, const ScanOptions& options, std::size_t& bytes) {
    bytes += item.key.size() + item.value.size();
    page.items.push_back(std::move(item));
    page.more = page.items.size() >= options.items_max || bytes >= options.bytes_max;
    return page.more;
}

Result<std::optional<std::string>> Overlay::get(std::string_view key) {
    if (const auto written = writes_.find(key); written != writes_.end()) return written->second;
    if (is_erased(key)) return std::optional<std::string>();
    return below_.get(key);
}

void Overlay::put(std::string_view key, std::string_view value) {
    if (auto error = size_error(key, value.size())) {
        if (!failure_) failure_ = std::move(error);
        return;
    }
    if (const auto found = writes_.find(key); found != writes_.end())
        found->second.emplace(value);
    else
        writes_.emplace(key, value);
}

void Overlay::erase(std::string_view key) {
    if (const auto found = writes_.find(key); found != writes_.end())
        found->second.reset();
    else
        writes_.emplace(key, std::nullopt);
}

void Overlay::erase_range(const Range& range) {
    if (is_empty(range)) return;
    const auto last = range.end.empty() ? writes_.end() : writes_.lower_bound(range.end);
    writes_.erase(writes_.lower_bound(range.begin), last);

    // Joins the range with those it overlaps or touches, so that there is always something between two.
    Range joined = range;
    auto it = erased_.upper_bound(range.begin);
    if (it != erased_.begin() && adjoins(range.begin, std::prev(it)->second)) --it;
    while (it != erased_.end() && adjoins(it->first, joined.end)) {
        if (it->first < joined.begin) joined.begin = it->first;
        if (!joined.end.empty() && !(below_end(it->second, joined.end) && !it->second.empty())) joined.end = it->second;
        it = erased_.erase(it);
    }
    erased_.emplace(std::move(joined.begin), std::move(joined.end));
}

Result<void> Overlay::apply() {
    if (failure_) return *failure_;
    for (const auto& [begin, end] : erased_) {
        if (auto erased = below_.erase_range(Range{begin, end}); !erased) return erased;
    }
    for (const auto& [key, value] : writes_) {
        auto written = value ? below_.put(key, *value) : below_.erase(key);
        if (!written) return written;
    }
    return {};
}

bool Overlay::is_erased(std::string_view key) const {
    const auto after = erased_.upper_bound(key);
    return after != erased_.begin() && below_end(key, std::prev(after)->second);
}

bool Overlay::touches(const Range& range) const {
    if (is_erased(range.begin)) return true;
    if (const auto it = erased_.lower_bound(range.begin); it != erased_.end() && below_end(it->first, range.end)) return true;
    const auto it = writes_.lower_bound(range.begin);
    return it != writes_.end() && below_end(it->first, range.end);
}

/// One scan of an overlay: a merge of two sorted streams, the overlay's writes and those keys of the backing that no erased range hides.
/// The erased ranges cut the scanned range into pieces; each piece is read from the backing page by page.
class MergedScan {
  public:
    MergedScan(Overlay& overlay, const ScanOptions& options)
        : overlay_(overlay),
          options_(options),
          rest_(options.range),
          first_(overlay.writes_.lower_bound(options.range.begin)),
          last_(options.range.end.empty() ? overlay.writes_.end() : overlay.writes_.lower_bound(options.range.end)) {}

    Result<Page> run() {
        Page page;
        std::size_t bytes = 0;
        for (;;) {
            if (auto filled = fill(); !filled) return filled.error();
            const KeyValue* below = next_ < fetched_.items.size() ? &fetched_.items[next_] : nullptr;
            const auto* above = first_ == last_ ? nullptr : &*(options_.reverse ? std::prev(last_) : first_);
            if (below == nullptr && above == nullptr) return page;

            if (above == nullptr || (below != nullptr && comes_first(below->key, above->first))) {
                if (add_to_page(page, std::move(fetched_.items[next_++]), options_, bytes)) return page;
                continue;
            }
            if (below != nullptr && below->key == above->first) ++next_;
            options_.reverse ? --last_ : ++first_;
            if (above->second && add_to_page(page, KeyValue{above->first, *above->second}, options_, bytes)) return page;
        }
    }

  private:
    bool comes_first(std::string_view a, std::string_view b) const { return options_.reverse ? a > b : a < b; }

    /// Reads on if everything fetched is used and the range is not at its end.
    Result<void> fill() {
        while (next_ == fetched_.items.size() && !done_) {
            auto piece = next_piece();
            if (!piece) {
                done_ = true;
                break;
            }
            ScanOptions part = options_;
            part.range = *piece;
            auto page = overlay_.below_.scan(part);
            if (!page) return page.error();
            fetched_ = std::move(*page);
            next_ = 0;
            leave_out_read_part(std::move(*piece));
        }
        return {};
    }

    /// `rest_` becomes what comes after what was fetched of `piece`.
    void leave_out_read_part(Range piece) {
        if (options_.reverse) {
            rest_.end = fetched_.more ? fetched_.items.back().key : std::move(piece.begin);
            done_ = rest_.end <= rest_.begin;  // also the empty end, which would mean no bound
        } else {
            rest_.begin = fetched_.more ? fetched_.items.back().key + '\0' : std::move(piece.end);
            done_ = rest_.begin.empty() || is_empty(rest_);
        }
    }

    /// The first part of `rest_`, in scan order, that no erased range hides.
    std::optional<Range> next_piece() { return options_.reverse ? last_visible() : first_visible(); }

    std::optional<Range> first_visible() {
        const auto& erased = overlay_.erased_;
        auto after = erased.upper_bound(rest_.begin);
        if (after != erased.begin() && below_end(rest_.begin, std::prev(after)->second)) {
            if (std::prev(after)->second.empty()) return std::nullopt;
            rest_.begin = std::prev(after)->second;
            return is_empty(rest_) ? std::nullopt : first_visible();  // once: erased ranges do not touch
        }
        if (is_empty(rest_)) return std::nullopt;
        Range piece = rest_;
        if (after != erased.end() && below_end(after->first, piece.end)) piece.end = after->first;
        return piece;
    }

    std::optional<Range> last_visible() {
        const auto& erased = overlay_.erased_;
        const auto after = rest_.end.empty() ? erased.end() : erased.lower_bound(rest_.end);
        if (is_empty(rest_)) return std::nullopt;
        Range piece = rest_;
        if (after == erased.begin()) return piece;
        const auto& [begin, end] = *std::prev(after);
        const bool reaches_end = end.empty() || (!rest_.end.empty() && end >= rest_.end);
        if (reaches_end) {
            if (begin <= rest_.begin) return std::nullopt;
            rest_.end = begin;
            return last_visible();
        }
        if (end > piece.begin) piece.begin = end;
        return piece;
    }

    Overlay& overlay_;
    const ScanOptions& options_;
    Range rest_;  ///< not yet read from the backing
    Overlay::Writes::const_iterator first_, last_;
    Page fetched_;
    std::size_t next_ = 0;
    bool done_ = false;
};

Result<Page> Overlay::scan(const ScanOptions& options) {
    if (is_empty(options.range)) return Page();
    if (!touches(options.range)) return below_.scan(options);
    return MergedScan(*this, options).run();
}

}  // namespace fogbank::store::kv::detail
